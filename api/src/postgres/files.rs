//! Errors of file operations with their path.

use std::io;
use std::path::Path;

use super::ClusterError;

pub(super) fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> ClusterError {
    let path = path.to_path_buf();
    move |source| ClusterError::Io { action, path: path.clone(), source }
}

//! Where the passphrase of an export comes from: never an argument, which every user of the machine could see.

use std::fs::File;
use std::io;
use std::path::Path;

use lumbung_journal::portable::Passphrase;
use zeroize::Zeroizing;

use super::RunError;
use super::admin::first_line;

/// Instead of a file.
pub(super) const VARIABLE: &str = "LUMBUNG_EXPORT_PASSPHRASE";

/// The first line of the file (`-` is standard input), else the variable; `None` when neither is given.
pub(super) fn passphrase(file: Option<&Path>) -> Result<Option<Passphrase>, RunError> {
    let text = match file {
        Some(path) if path == Path::new("-") => first_line(io::stdin().lock())
            .map_err(|source| RunError::Environment("cannot read standard input".to_owned(), source))?,
        Some(path) => {
            let failed = |source| RunError::Environment(format!("cannot read {}", path.display()), source);
            first_line(File::open(path).map_err(failed)?).map_err(failed)?
        }
        None => match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => Zeroizing::new(text),
            _ => return Ok(None),
        },
    };
    Passphrase::new(text).map(Some).map_err(|why| RunError::Usage(why.to_string()))
}

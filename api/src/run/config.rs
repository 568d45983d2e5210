//! `lumbung config`: the effective settings, without secrets.

use super::RunError;
use crate::cli::{CommonArgs, Exit, ServeArgs};
use crate::config::Config;

pub(super) fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let config = Config::resolve(common, &ServeArgs::default())?;
    if common.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&config).map_err(|error| RunError::Usage(error.to_string()))?
        );
    } else {
        print!("{config}");
    }
    Ok(Exit::Done)
}

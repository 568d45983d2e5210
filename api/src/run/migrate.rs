//! `lumbung migrate`: brings the schema up to date.

use super::RunError;
use crate::cli::{CommonArgs, Exit};

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (_, place) = super::place(common).await?;
    let migrated = lumbung_journal::migrate(place.database()).await;
    place.leave().await?;
    migrated?;
    eprintln!("the schema is up to date");
    Ok(Exit::Done)
}

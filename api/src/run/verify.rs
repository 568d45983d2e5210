//! `lumbung verify`: reads the whole log and names the first break.

use lumbung_journal::app_pool;
use lumbung_journal::verify::{Verified, VerifyError, verify};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

use super::RunError;
use crate::cli::{CommonArgs, Exit};

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (_, place) = super::place(common).await?;
    let result = check(place.database()).await;
    place.leave().await?;
    match result {
        Ok(Verified { head, anchors }) => {
            if common.json {
                println!(
                    "{}",
                    json!({"sound": true, "events": head.position, "hash": head.hash.to_string(), "anchors": anchors})
                );
            } else {
                println!("sound: {} events, {anchors} anchors, head {}", head.position, head.hash);
            }
            Ok(Exit::Done)
        }
        Err(VerifyError::Broken(broken)) => {
            if common.json {
                println!(
                    "{}",
                    json!({"sound": false, "position": broken.position, "reason": broken.reason.to_string()})
                );
            } else {
                println!("broken at {broken}");
            }
            Ok(Exit::Finding)
        }
        Err(VerifyError::Unread(error)) => Err(error.into()),
    }
}

async fn check(database: &PgConnectOptions) -> Result<Verified, VerifyError> {
    let pool = app_pool(database, 2).await?;
    let total = lumbung_journal::read::head(&pool).await?.position;
    let bar = super::rebuild::progress_bar("verifying", total);
    let verified = verify(&pool, |position| bar.set_position(position.unsigned_abs())).await;
    bar.finish_and_clear();
    pool.close().await;
    verified
}

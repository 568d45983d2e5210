//! `lumbung verify`: reads the whole log and names the first break, then every snapshot that is not what the log makes.

use lumbung_journal::verify::{Verified, VerifyError, verify_with};
use lumbung_journal::{IndexKey, JournalError, MasterKey, app_pool};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::RunError;
use crate::cli::{CommonArgs, Exit};
use crate::config::Config;

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (config, place) = super::place(common).await?;
    let result = check(&config, place.database()).await;
    place.leave().await?;
    match result {
        Ok(verified) => {
            tell_sound(common, &verified);
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
        Err(VerifyError::Snapshots(faults)) => {
            if common.json {
                let faults: Vec<_> = faults
                    .iter()
                    .map(|bad| json!({"stream": bad.stream, "sequence": bad.sequence, "reason": bad.fault.to_string()}))
                    .collect();
                println!("{}", json!({"sound": false, "snapshots": faults}));
            } else {
                println!("the events are sound, but not the snapshots; deleting these loses nothing:");
                faults.iter().for_each(|bad| println!("- {bad}"));
            }
            Ok(Exit::Finding)
        }
        Err(VerifyError::Unread(error)) => Err(error.into()),
    }
}

fn tell_sound(common: &CommonArgs, Verified { head, anchors, snapshots }: &Verified) {
    if common.json {
        let snapshots = json!({
            "compared": snapshots.compared, "foreign": snapshots.foreign, "macsChecked": snapshots.macs_checked,
        });
        println!(
            "{}",
            json!({"sound": true, "events": head.position, "hash": head.hash.to_string(), "anchors": anchors,
                   "snapshots": snapshots})
        );
        return;
    }
    let of_snapshots = match (snapshots.compared, snapshots.foreign) {
        (0, 0) => "no snapshots".to_owned(),
        (own, 0) => format!("{own} snapshots"),
        (own, foreign) => format!("{own} snapshots and {foreign} of other software, not folded"),
    };
    println!("sound: {} events, {anchors} anchors, {of_snapshots}, head {}", head.position, head.hash);
    if !snapshots.macs_checked && (snapshots.compared, snapshots.foreign) != (0, 0) {
        println!("the MACs of the snapshots were not checked: that takes the ledger's master key");
    }
}

async fn check(config: &Config, database: &PgConnectOptions) -> Result<Verified, VerifyError> {
    let pool = app_pool(database, 2).await?;
    let key = key(config, &pool).await?;
    let total = lumbung_journal::read::head(&pool).await?.position;
    let bar = super::rebuild::progress_bar("verifying", total);
    let verified =
        verify_with(&pool, key.as_ref(), |position| bar.set_position(position.unsigned_abs())).await;
    bar.finish_and_clear();
    pool.close().await;
    verified
}

/// The ledger's key, if this machine has its master key. An auditor need not have it.
async fn key(config: &Config, pool: &PgPool) -> Result<Option<IndexKey>, JournalError> {
    let master = match config.known_master_key() {
        Ok(Some(master)) => MasterKey::new(*master.as_bytes()),
        Ok(None) => return Ok(None),
        Err(error) => {
            eprintln!("the master key cannot be read: {}", super::chain(&error));
            return Ok(None);
        }
    };
    match IndexKey::find(pool, &master).await {
        Err(JournalError::Keys(error)) => {
            eprintln!("the master key: {}", super::chain(&error));
            Ok(None)
        }
        found => found,
    }
}

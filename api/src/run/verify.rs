//! `lumbung verify`: reads the whole log and names the first break, then every snapshot that is not what the log makes.

use lumbung_domain::{Account, Totals, TrialBalance};
use lumbung_journal::verify::{Verified, VerifyError, verify_with};
use lumbung_journal::{IndexKey, JournalError, MasterKey, app_pool};
use serde::Serialize;
use serde_json::{Value, json};
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
        // Of nothing it cannot be said that it is sound; and where there should be a ledger, that there is none is a finding.
        Ok(verified) if verified.head.position == 0 => {
            let reason = "the ledger is empty: there is nothing to verify";
            let told = json!({"sound": false, "events": 0, "reason": reason});
            println!("{}", if common.json { told.to_string() } else { reason.to_owned() });
            Ok(Exit::Finding)
        }
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

/// Sums may pass 64 bits, which a [`Value`] does not hold; text does.
#[derive(Serialize)]
struct Sound {
    sound: bool,
    events: i64,
    hash: String,
    anchors: u64,
    snapshots: Value,
    books: BooksJson,
}

#[derive(Serialize)]
struct BooksJson {
    accounts: Vec<AccountJson>,
    difference: i128,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountJson {
    code: u16,
    name: &'static str,
    balance: i128,
    debit_total: i128,
    credit_total: i128,
}

impl From<(Account, Totals)> for AccountJson {
    fn from((account, totals): (Account, Totals)) -> Self {
        Self {
            code: account.code(),
            name: account.as_str(),
            balance: totals.balance_rupiah(account.class()),
            debit_total: totals.debit_rupiah,
            credit_total: totals.credit_rupiah,
        }
    }
}

/// The trial balance: every account that anything was posted to, on the side where it grows.
fn tell_books(books: &TrialBalance) {
    for (account, totals) in moved(books) {
        let balance = totals.balance_rupiah(account.class());
        println!("  {} {:<26} {balance:>24}", account.code(), account.as_str());
    }
    println!("debits less credits: {}", books.difference_rupiah());
}

fn moved(books: &TrialBalance) -> impl Iterator<Item = (Account, Totals)> {
    books.accounts().filter(|(_, totals)| *totals != Totals::default())
}

fn tell_sound(common: &CommonArgs, Verified { head, anchors, snapshots, books }: &Verified) {
    if common.json {
        let snapshots = json!({
            "compared": snapshots.compared, "foreign": snapshots.foreign, "macsChecked": snapshots.macs_checked,
        });
        let sound = Sound {
            sound: true,
            events: head.position,
            hash: head.hash.to_string(),
            anchors: *anchors,
            snapshots,
            books: BooksJson {
                accounts: moved(books).map(AccountJson::from).collect(),
                difference: books.difference_rupiah(),
            },
        };
        // Only maps with strange keys fail to become text.
        println!("{}", serde_json::to_string(&sound).unwrap_or_else(|error| error.to_string()));
        return;
    }
    let of_snapshots = match (snapshots.compared, snapshots.foreign) {
        (0, 0) => "no snapshots".to_owned(),
        (own, 0) => format!("{own} snapshots"),
        (own, foreign) => format!("{own} snapshots and {foreign} of other software, not folded"),
    };
    println!("sound: {} events, {anchors} anchors, {of_snapshots}, head {}", head.position, head.hash);
    tell_books(books);
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

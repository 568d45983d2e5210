//! A ledger written out and taken in elsewhere; and what is found of every change to one that is kept.

mod command_line;
mod damaged;
pub(crate) mod example;
mod fold;
mod lost;
mod round_trip;

use lumbung_journal::portable::{Exported, ImportError, Imported, KeysOnImport, Passphrase, export, import};
use lumbung_journal::{MasterKey, app_pool};
use sqlx::postgres::PgConnectOptions;
use zeroize::Zeroizing;

use crate::support::ledger::MASTER_KEY;

const PASSPHRASE: &str = "seven sacks of rice";
/// The key of the place that ledgers are taken to.
pub(crate) const OTHER_MASTER_KEY: [u8; 32] = [8; 32];

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

async fn export_of(database: &PgConnectOptions, passphrase: Option<&Passphrase>) -> (Vec<u8>, Exported) {
    let pool = app_pool(database, 1).await.unwrap();
    let master = MasterKey::new(MASTER_KEY);
    let mut file = Vec::new();
    let exported = export(&pool, &mut file, passphrase.map(|text| (&master, text)), |_, _| {}).await.unwrap();
    (file, exported)
}

/// Under the key of the other place if there are keys to take.
async fn import_to(
    database: &PgConnectOptions,
    file: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Imported, ImportError> {
    let master = MasterKey::new(OTHER_MASTER_KEY);
    let keys = match passphrase {
        Some(passphrase) => KeysOnImport::Take { master: &master, passphrase },
        None => KeysOnImport::Leave,
    };
    import(database, file, keys, |_, _| {}).await
}

/// The file without what differs from export to export: when it was made, and what follows from it.
fn body(file: &[u8]) -> Vec<&str> {
    let lines: Vec<&str> = std::str::from_utf8(file).unwrap().lines().collect();
    lines[1..lines.len() - 1].to_vec()
}

//! `lumbung import`: an export into an empty database, proven before it is committed.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use lumbung_journal::portable::{ImportError, Imported, KeysOnImport, import};
use lumbung_journal::{JournalError, MasterKey, migrate};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::fs::File;
use tokio::io::{AsyncBufRead, BufReader};

use super::RunError;
use super::passphrase::{VARIABLE, passphrase};
use crate::cli::{CommonArgs, Exit, ImportArgs};

const BUFFER_BYTES: usize = 1024 * 1024;

pub(super) async fn run(common: &CommonArgs, args: &ImportArgs) -> Result<Exit, RunError> {
    let from_stdin = args.input == Path::new("-");
    if from_stdin && args.passphrase_file.as_deref() == Some(Path::new("-")) {
        return Err(RunError::Usage("the file and its passphrase cannot both be standard input".to_owned()));
    }
    let passphrase = match args.without_keys {
        true => None,
        false => passphrase(args.passphrase_file.as_deref())?,
    };
    let input = open(&args.input).await?;
    let (config, place) = super::place(common).await?;
    let master = match &passphrase {
        Some(_) => Some(MasterKey::new(*config.secrets()?.master_key.as_bytes())),
        None => None,
    };
    let keys = match (&master, &passphrase) {
        (Some(master), Some(passphrase)) => KeysOnImport::Take { master, passphrase },
        _ if args.without_keys => KeysOnImport::Leave,
        _ => KeysOnImport::Unsaid,
    };
    let imported = read(place.database(), input, keys).await;
    place.leave().await?;
    match imported {
        Ok(imported) => {
            say(common.json, &imported);
            Ok(Exit::Done)
        }
        Err(error) => refused(common.json, error),
    }
}

async fn open(path: &Path) -> Result<Box<dyn AsyncBufRead + Unpin + Send>, RunError> {
    if path == Path::new("-") {
        let stdin = io::stdin().as_fd().try_clone_to_owned();
        let failed = |source| RunError::Environment("cannot read standard input".to_owned(), source);
        let stdin = File::from_std(stdin.map_err(failed)?.into());
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, stdin)));
    }
    let failed = |source| RunError::Environment(format!("cannot read {}", path.display()), source);
    let file = File::open(path).await.map_err(failed)?;
    if file.metadata().await.map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
}

async fn read(
    database: &PgConnectOptions,
    input: Box<dyn AsyncBufRead + Unpin + Send>,
    keys: KeysOnImport<'_>,
) -> Result<Imported, ImportError> {
    migrate(database).await?;
    let bar = super::rebuild::progress_bar("importing", 0);
    let imported = import(database, input, keys, |position, end| {
        bar.set_length(end.unsigned_abs());
        bar.set_position(position.unsigned_abs());
    })
    .await;
    bar.finish_and_clear();
    imported
}

fn say(as_json: bool, imported: &Imported) {
    let Imported { ledger, head, anchors, keys } = imported;
    if as_json {
        println!(
            "{}",
            json!({"imported": true, "ledger": ledger, "events": head.position, "hash": head.hash.to_string(),
                   "anchors": anchors, "keys": keys})
        );
        return;
    }
    let with = keys.map_or("without keys".to_owned(), |keys| format!("{keys} keys"));
    println!("imported: {} events, {anchors} anchors, {with}, head {}", head.position, head.hash);
    if keys.is_none() {
        println!("without its keys this ledger can be verified, replayed and exported, but not served");
    }
}

/// What is wrong with the file or the database is a finding; what was asked for wrongly is not.
fn refused(as_json: bool, error: ImportError) -> Result<Exit, RunError> {
    match error {
        ImportError::PassphraseNeeded => Err(RunError::Usage(format!(
            "the file holds keys: give their passphrase (--passphrase-file FILE, or {VARIABLE}), or leave them with \
             --without-keys"
        ))),
        ImportError::NoKeys => Err(RunError::Usage(format!(
            "the file holds no keys for which a passphrase was given; unset {VARIABLE}, or say --without-keys"
        ))),
        ImportError::WrongPassphrase => Err(RunError::Usage(error.to_string())),
        ImportError::Read(source) => {
            Err(RunError::Environment("the file could not be read".to_owned(), source))
        }
        unknown @ ImportError::Unknown { .. } => {
            Err(RunError::Environment(unknown.to_string(), io::Error::other(unknown)))
        }
        ImportError::Journal(error) => Err(error.into()),
        ImportError::Refused(source) => {
            // Which row it was, PostgreSQL says; it may be about a person, and goes to no log.
            Ok(found(as_json, "the database refuses what the file holds", Some(JournalError::from(source))))
        }
        ImportError::NotEmpty { .. }
        | ImportError::Busy
        | ImportError::Fault { .. }
        | ImportError::Broken(_) => Ok(found(as_json, &error.to_string(), None)),
    }
}

fn found(as_json: bool, reason: &str, source: Option<JournalError>) -> Exit {
    if let Some(source) = source {
        tracing::debug!(error = &source as &dyn std::error::Error, "refused by the database");
    }
    if as_json {
        println!("{}", json!({"imported": false, "reason": reason}));
    } else {
        println!("not imported: {reason}");
    }
    Exit::Finding
}

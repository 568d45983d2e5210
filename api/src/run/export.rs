//! `lumbung export`: the whole ledger as lines of JSON, proven while they are written.

mod target;

use std::io::ErrorKind;
use std::path::Path;

use lumbung_journal::portable::{ExportError, Exported, Passphrase, export};
use lumbung_journal::{JournalError, MasterKey, app_pool};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

use self::target::Target;
use super::RunError;
use super::passphrase::{VARIABLE, passphrase};
use crate::cli::{CommonArgs, Exit, ExportArgs};

pub(super) async fn run(common: &CommonArgs, args: &ExportArgs) -> Result<Exit, RunError> {
    let passphrase = if args.with_keys { Some(asked(args.passphrase_file.as_deref())?) } else { None };
    if !args.force && target::is_taken(&args.output) {
        let why = format!("{} exists already; --force replaces it", args.output.display());
        Says { json: common.json, to_stdout: true }.refused(None, &why);
        return Ok(Exit::Finding);
    }
    let target = Target::open(&args.output)?;
    let says = Says { json: common.json, to_stdout: !target.is_stdout() };
    let (config, place) = super::place(common).await?;
    let master = match &passphrase {
        Some(_) => Some(MasterKey::new(*config.secrets()?.master_key.as_bytes())),
        None => None,
    };
    let keys = master.as_ref().zip(passphrase.as_ref());
    let exported = write(place.database(), target, keys).await;
    place.leave().await?;
    match exported? {
        Ok(exported) => {
            says.exported(&exported);
            Ok(Exit::Done)
        }
        Err(finding) => {
            let position = match &finding {
                ExportError::Broken(broken) => Some(broken.position),
                _ => None,
            };
            says.refused(position, &finding.to_string());
            Ok(Exit::Finding)
        }
    }
}

fn asked(file: Option<&Path>) -> Result<Passphrase, RunError> {
    passphrase(file)?.ok_or_else(|| {
        RunError::Usage(format!("--with-keys needs a passphrase: --passphrase-file FILE, or {VARIABLE}"))
    })
}

/// The inner error is a finding: there is nothing that may be exported.
async fn write(
    database: &PgConnectOptions,
    mut target: Target,
    keys: Option<(&MasterKey, &Passphrase)>,
) -> Result<Result<Exported, ExportError>, RunError> {
    let pool = app_pool(database, 1).await?;
    let bar = super::rebuild::progress_bar("exporting", 0);
    let exported = export(&pool, target.writer(), keys, |position, end| {
        bar.set_length(end.unsigned_abs());
        bar.set_position(position.unsigned_abs());
    })
    .await;
    bar.finish_and_clear();
    pool.close().await;
    match exported {
        Ok(exported) => {
            target.complete().await?;
            Ok(Ok(exported))
        }
        Err(ExportError::Write(source)) if source.kind() == ErrorKind::BrokenPipe => {
            Err(RunError::Environment("whoever read the export stopped before its end".to_owned(), source))
        }
        Err(ExportError::Write(source)) => {
            Err(RunError::Environment("the export could not be written".to_owned(), source))
        }
        Err(ExportError::Journal(error)) => Err(wrong_key_is_configuration(error)),
        Err(finding @ (ExportError::Empty | ExportError::Broken(_))) => Ok(Err(finding)),
    }
}

/// The operator gave another master key than the ledger's: nothing is broken.
fn wrong_key_is_configuration(error: JournalError) -> RunError {
    match error {
        JournalError::Keys(why) => RunError::Usage(format!("the keys cannot be exported: {why}")),
        other => other.into(),
    }
}

/// The result goes where the export does not.
struct Says {
    json: bool,
    to_stdout: bool,
}

impl Says {
    fn exported(&self, exported: &Exported) {
        let Exported { ledger, head, anchors, keys } = exported;
        self.say(if self.json {
            json!({"exported": true, "ledger": ledger, "events": head.position, "hash": head.hash.to_string(),
                   "anchors": anchors, "keys": keys})
            .to_string()
        } else {
            let keys = keys.map_or("without keys".to_owned(), |keys| format!("{keys} keys"));
            format!("exported: {} events, {anchors} anchors, {keys}, head {}", head.position, head.hash)
        });
    }

    /// `position`: where the log is broken.
    fn refused(&self, position: Option<i64>, why: &str) {
        self.say(if self.json {
            json!({"exported": false, "position": position, "reason": why}).to_string()
        } else {
            format!("not exported: {why}")
        });
    }

    fn say(&self, line: String) {
        if self.to_stdout {
            println!("{line}");
        } else {
            eprintln!("{line}");
        }
    }
}

//! `lumbung export` and `lumbung import`: the real binary, its files and its exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use futures_util::future::join_all;
use lumbung_journal::app_pool;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::PASSPHRASE;
use crate::support::cluster::{database, socket_folder, superuser};
use crate::support::ledger::{Node, furnish};
use crate::support::people::{register_customer, top_up};

/// Commands that are sent together.
const AT_ONCE: usize = 100;
const VARIABLE: &str = "LUMBUNG_EXPORT_PASSPHRASE";

/// The binary on this database, under the key of the tests' ledgers or that of the other place.
fn lumbung(database: &PgConnectOptions, key: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LUMBUNG_") {
            command.env_remove(name);
        }
    }
    let (user, name) = (database.get_username(), database.get_database().unwrap());
    let url = format!("postgres://{user}@localhost/{name}?host={}", socket_folder().display());
    command
        .env("DATABASE_URL", url)
        .env("LUMBUNG_MASTER_KEY", key.repeat(32))
        .env("LUMBUNG_TOKEN_KEY", "09".repeat(32));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> (i32, String, String) {
    said(command.output().await.unwrap())
}

fn said(output: Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

async fn used_ledger(top_ups: usize) -> PgConnectOptions {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    // Together they share commits.
    for _ in 0..top_ups / AT_ONCE {
        let at_once = (0..AT_ONCE).map(|_| node.execute(top_up(customer, 1), Default::default()));
        for answer in join_all(at_once).await {
            answer.unwrap().outcome.unwrap();
        }
    }
    node.close().await;
    database
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_appears_whole_and_private_and_is_taken_in() {
    let (source, target) = (used_ledger(100).await, database().await);
    let folder = tempfile::tempdir().unwrap();
    let (file, pass) = (folder.path().join("ledger.ndjson"), folder.path().join("pass"));
    fs::write(&pass, format!("{PASSPHRASE}\n")).unwrap();
    let (file_word, pass_word) = (file.to_str().unwrap(), pass.to_str().unwrap());

    let without = lumbung(&source, "07", &["export", "--output", file_word, "--with-keys"]);
    let (code, _, err) = run(without).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--passphrase-file FILE, or LUMBUNG_EXPORT_PASSPHRASE"), "{err}");
    let mut short = lumbung(&source, "07", &["export", "--output", file_word, "--with-keys"]);
    short.env(VARIABLE, "too short");
    assert_eq!(run(short).await.0, 2);
    let wrong = ["export", "--output", file_word, "--with-keys", "--passphrase-file", pass_word];
    let (code, _, err) = run(lumbung(&source, "08", &wrong)).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("the master key is not the one"), "{err}");
    assert_eq!(names(folder.path()), ["pass"], "nothing half-made stays");

    fs::write(&file, "last week's").unwrap();
    let (code, out, err) = run(lumbung(&source, "07", &wrong)).await;
    assert_eq!((code, &*err), (1, ""));
    assert_eq!(out, format!("not exported: {file_word} exists already; --force replaces it\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "last week's");
    let (code, out, err) = run(lumbung(&source, "07", &[&wrong[..], &["--force", "--json"]].concat())).await;
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["exported"], &told["keys"], &told["anchors"]), (&true.into(), &3.into(), &1.into()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["ledger.ndjson", "pass"]);

    let import =
        |words: &[&str]| lumbung(&target, "08", &[&["import", "--input", file_word], words].concat());
    let (code, _, err) = run(import(&[])).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--without-keys"), "{err}");
    let mut wrong = import(&[]);
    wrong.env(VARIABLE, "not the passphrase");
    let (code, _, err) = run(wrong).await;
    assert_eq!(code, 2, "{err}");
    let (code, out, err) = run(import(&["--passphrase-file", pass_word, "--json"])).await;
    assert_eq!(code, 0, "{out}{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["imported"], &told["keys"]), (&true.into(), &3.into()));
    let (code, out, _) = run(lumbung(&target, "08", &["verify"])).await;
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = run(import(&["--passphrase-file", pass_word, "--json"])).await;
    assert_eq!(code, 1);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(told["reason"].as_str().unwrap().starts_with("the database is not empty"), "{out}");
    let missing = ["import", "--input", "/nowhere/at/all"];
    assert_eq!(run(lumbung(&target, "08", &missing)).await.0, 3);
}

#[tokio::test]
async fn of_nothing_nothing_is_proven() {
    let empty = database().await;
    let (code, out, err) = run(lumbung(&empty, "07", &["verify"])).await;
    assert_eq!((code, &*out), (1, "the ledger is empty: there is nothing to verify\n"), "{err}");
    let (code, out, _) = run(lumbung(&empty, "07", &["verify", "--json"])).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["sound"], &told["events"]), (1, &false.into(), &0.into()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.ndjson");
    let (code, out, _) = run(lumbung(&empty, "07", &["export", "--output", file.to_str().unwrap()])).await;
    assert_eq!(code, 1, "{out}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_ledger_goes_through_a_pipe_and_a_broken_one_goes_nowhere() {
    let (source, target) = (used_ledger(100).await, database().await);
    let (code, lines, err) = run(lumbung(&source, "07", &["export"])).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "only lines of the export"
    );
    assert!(err.contains("exported: "), "{err}");
    let mut import = lumbung(&target, "08", &["import"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
    let (code, out, err) = said(import.wait_with_output().await.unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("but not served"), "{out}");
    let (code, _, err) =
        run(lumbung(&target, "08", &["serve", "--no-demo", "--listen", "127.0.0.1:0"])).await;
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("it was imported without them"), "{err}");
    let (code, out, _) = run(lumbung(&target, "08", &["doctor"])).await;
    assert_eq!(code, 1);
    assert!(out.contains("it was imported without them"), "{out}");

    let pool = superuser(&source).await;
    let edit = "begin; set local session_replication_role = replica;
                update journal.events set event_version = '2' where position = 9; commit";
    sqlx::raw_sql(edit).execute(&pool).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.ndjson");
    let words = ["export", "--json", "--output", file.to_str().unwrap()];
    let (code, out, _) = run(lumbung(&source, "07", &words)).await;
    assert_eq!(code, 1);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["exported"], &told["position"]), (&false.into(), &9.into()));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_who_leaves_ends_the_export() {
    let source = used_ledger(100).await;
    let mut export = lumbung(&source, "07", &["export"]).spawn().unwrap();
    drop(export.stdout.take());
    let (code, _, err) = said(export.wait_with_output().await.unwrap());
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("stopped before its end") && !err.contains("panicked"), "{err}");
    // A device is written to, not replaced.
    let (code, _, err) = run(lumbung(&source, "07", &["export", "--output", "/dev/null"])).await;
    assert_eq!(code, 0, "{err}");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let (code, _, err) = run(lumbung(&source, "07", &["export", "--output", "/dev/full"])).await;
    assert_eq!(code, 3, "{err}");
}

/// Feeds a part of the file and waits until it was taken in.
async fn half_fed(target: &PgConnectOptions, lines: &str) -> Child {
    let mut import = lumbung(target, "08", &["import"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    import.stdin = Some(stdin);
    let pool = superuser(target).await;
    loop {
        // Its rows cannot be seen yet; that it is in the middle of its transaction can.
        let inserting: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database()
                 and state = 'idle in transaction' and query like 'insert into journal.events%')",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        if inserting {
            return import;
        }
        assert!(import.try_wait().unwrap().is_none(), "the import ended");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_import_that_is_killed_leaves_nothing_and_can_be_run_again() {
    let (source, target) = (used_ledger(2_500).await, database().await);
    let (_, file, _) = run(lumbung(&source, "07", &["export"])).await;
    let mut import = half_fed(&target, &file[..file.len() - 100]).await;
    import.kill().await.unwrap();

    let pool = app_pool(&target, 1).await.unwrap();
    let events: i64 =
        sqlx::query_scalar("select count(*) from journal.events").fetch_one(&pool).await.unwrap();
    assert_eq!(events, 0);
    let mut again = lumbung(&target, "08", &["import"]).stdin(Stdio::piped()).spawn().unwrap();
    again.stdin.take().unwrap().write_all(file.as_bytes()).await.unwrap();
    let (code, out, err) = said(again.wait_with_output().await.unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(run(lumbung(&target, "08", &["verify"])).await.0, 0);
}

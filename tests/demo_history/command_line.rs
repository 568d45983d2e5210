//! The real binary: what it prints and its exit codes.

use std::process::Stdio;

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::process::Command;

use crate::support::cluster::{database, empty_database, socket_folder};

async fn lumbung(database: &PgConnectOptions, environment: &str, words: &[&str]) -> (i32, String, String) {
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
        .env("LUMBUNG_ENVIRONMENT", environment)
        .env("LUMBUNG_MASTER_KEY", "07".repeat(32))
        .env("LUMBUNG_TOKEN_KEY", "09".repeat(32));
    let told = command.args(words).stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (told.status.code().unwrap(), text(&told.stdout), text(&told.stderr))
}

#[tokio::test]
async fn a_history_is_told_once_and_verifies() {
    let database = empty_database().await;
    let words = ["demo-history", "--years", "1", "--customers", "3", "--until", "2025-03-31", "--json"];
    let (code, told, said) = lumbung(&database, "development", &words).await;
    assert_eq!(code, 0, "{told}{said}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["told"], &told["history"]["customers"]), (&Value::Bool(true), &Value::from(3)));
    assert_eq!(told["history"]["beginsOn"], "2024-03-31");
    let (code, sound, _) = lumbung(&database, "development", &["verify", "--json"]).await;
    let sound: Value = serde_json::from_str(&sound).unwrap();
    assert_eq!((code, &sound["events"]), (0, &told["history"]["events"]));
    let (code, again, _) = lumbung(&database, "development", &words).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((code, &again["told"]), (1, &Value::Bool(false)));
    assert!(again["reason"].as_str().unwrap().contains("not empty"), "{again}");
}

#[tokio::test]
async fn not_in_production_and_not_of_the_future() {
    let database = database().await;
    let (code, _, said) = lumbung(&database, "production", &["demo-history"]).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("demo data is refused in production"), "{said}");
    let future = ["demo-history", "--until", "9999-01-01"];
    let (code, _, said) = lumbung(&database, "development", &future).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--until"), "{said}");
    for words in [["demo-history", "--years", "11"], ["demo-history", "--customers", "0"]] {
        assert_eq!(lumbung(&database, "development", &words).await.0, 2, "{words:?}");
    }
}

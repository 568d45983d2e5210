//! `lumbung doctor`: checks the installation and names what is wrong with it.

use lumbung_journal::{APP_ROLE, MasterKey, OWNER_ROLE, app_pool, excess_rights};
use serde_json::json;
use sqlx::{PgPool, Row};

use super::RunError;
use crate::cli::{CommonArgs, Exit};
use crate::config::Config;
use crate::place::Place;

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (config, place) = super::place(common).await?;
    let findings = examine(&config, &place).await;
    place.leave().await?;
    let findings = findings?;
    if common.json {
        println!("{}", json!({"sound": findings.is_empty(), "findings": findings}));
    } else if findings.is_empty() {
        println!("nothing is wrong");
    } else {
        for finding in &findings {
            println!("- {finding}");
        }
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Finding })
}

async fn examine(config: &Config, place: &Place) -> Result<Vec<String>, RunError> {
    let mut findings = Vec::new();
    let pool = match app_pool(place.database(), 2).await {
        Ok(pool) => pool,
        Err(error) => {
            return Ok(vec![format!("the database does not answer as {APP_ROLE}: {}", super::chain(&error))]);
        }
    };
    if !has_journal(&pool).await? {
        findings.push("the database is not migrated: run `lumbung migrate`".to_owned());
        return Ok(findings);
    }
    for excess in excess_rights(&pool).await? {
        findings.push(format!(
            "{APP_ROLE} must not be able to change history (that is {OWNER_ROLE}'s): {excess}"
        ));
    }
    findings.extend(server_settings(&pool).await?);
    findings.extend(keys(config, &pool).await);
    pool.close().await;
    Ok(findings)
}

async fn has_journal(pool: &PgPool) -> Result<bool, RunError> {
    let row = sqlx::query("select to_regclass('journal.events') is not null as there")
        .fetch_one(pool)
        .await
        .map_err(lumbung_journal::JournalError::from)?;
    Ok(row.try_get("there").map_err(lumbung_journal::JournalError::from)?)
}

/// Settings under which an acknowledged command can be lost, or text can be misread.
async fn server_settings(pool: &PgPool) -> Result<Vec<String>, RunError> {
    let rows = sqlx::query(
        "select name || ' is ' || setting || ', must be ' || wanted as finding
         from pg_settings join (values ('fsync', 'on'), ('full_page_writes', 'on'), ('synchronous_commit', 'on'),
             ('server_encoding', 'UTF8')) as rule (rule, wanted) on name = rule
         where setting <> wanted and not (name = 'synchronous_commit' and setting in ('remote_apply', 'remote_write'))",
    )
    .fetch_all(pool)
    .await
    .map_err(lumbung_journal::JournalError::from)?;
    rows.iter().map(|row| Ok(row.try_get("finding").map_err(lumbung_journal::JournalError::from)?)).collect()
}

/// Whether this node's secrets open this ledger. Looks only; a ledger that was never opened has no keys yet.
async fn keys(config: &Config, pool: &PgPool) -> Option<String> {
    let secrets = match config.secrets() {
        Ok(secrets) => secrets,
        Err(error) => return Some(format!("the secrets cannot be read: {}", super::chain(&error))),
    };
    match lumbung_journal::keys::check(pool, MasterKey::new(*secrets.master_key.as_bytes())).await {
        Ok(()) => None,
        Err(error) => Some(format!("the master key: {}", super::chain(&error))),
    }
}

//! `lumbung demo-history`: the same history from the same seed, sound, and its books are what its loans and wallets say.

mod command_line;
mod normal;
mod reconciled;
mod same;
mod shown;

use chrono::NaiveDate;
use chrono_tz::Tz;
use lumbung::demo_history::{Story, Told, tell};
use lumbung::node::calendar;
use lumbung_commands::ledger::Options;
use lumbung_journal::{Record, app_pool, read};
use sqlx::postgres::PgConnectOptions;

use crate::support::cluster::database;
use crate::support::ledger::options;

const ZONE: Tz = Tz::Asia__Jakarta;

/// How many customers and days the tests tell of; more of both by name, see the justfile.
fn size(customers: u32, days: u64) -> (u32, u64) {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let customers = given("LUMBUNG_HISTORY_CUSTOMERS").map_or(customers, |given| given.try_into().unwrap());
    (customers, given("LUMBUNG_HISTORY_DAYS").unwrap_or(days))
}

/// Ends on a leap day.
fn story(customers: u32, days: u64, seed: u64) -> Story {
    let ends_on = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let begins_on = ends_on.checked_sub_days(chrono::Days::new(days)).unwrap();
    Story { begins_on, ends_on, customers, seed, zone: ZONE, derives_ledger: true }
}

/// Tells a history to a database of its own.
async fn told(story: Story) -> (PgConnectOptions, Told) {
    let database = database().await;
    let told = tell(history_options(&database), story, |_| {}).await.unwrap();
    (database, told)
}

fn history_options(database: &PgConnectOptions) -> Options {
    Options { calendar: calendar(ZONE), sample_every: 10_000, sample_events: 5_000, ..options(database) }
}

/// The whole log.
async fn log(database: &PgConnectOptions) -> Vec<Record> {
    let pool = app_pool(database, 1).await.unwrap();
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |last| last.position);
        let page = read::after(&pool, after, 5_000).await.unwrap();
        if page.is_empty() {
            break;
        }
        records.extend(page);
    }
    pool.close().await;
    records
}

//! Servers that are killed while they close days, with a date that jumps: each (loan, day) once. `LUMBUNG_DAILY_KILLS` (8) sets how often,
//! `LUMBUNG_DAILY_SEED` (random) when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveDate, Utc};
use lumbung_commands::ledger::Calendar;
use serde_json::json;
use tokio::task::JoinSet;

use super::town::{PATIENCE, Town, assert_each_day_once, day, days};
use crate::crash::dice::{Dice, any_seed};
use crate::crash::setting;
use crate::served::{Folder, Http, Server};

const LOANS: usize = 240;
const LENT_AT_ONCE: usize = 16;
const FIRST: &str = "2027-10-31";

/// Looks more often than a production server, and is slower: one loan at a time, so that there is something to cut short.
const EAGER: &[(&str, &str)] =
    &[("LUMBUNG_LIMITS_DAILY_RUN_LOOK_S", "1"), ("LUMBUNG_LIMITS_DAILY_RUN_DAYS_AT_ONCE", "1")];

struct Office {
    folder: Folder,
    server: Server,
    http: Http,
    operator: String,
}

impl Office {
    async fn set_date(&self, date: NaiveDate) {
        let path = "/api/operations/business-date";
        let body = json!({"businessDate": date});
        self.http.put(self.server.address(), path, &self.operator, body).await.unwrap().expect(200);
    }

    /// As if the machine had stopped; half of the time PostgreSQL with it.
    async fn kill(self, dice: &mut Dice) -> Self {
        let Self { folder, server, http, operator } = self;
        if dice.percent(50) {
            folder.kill_all_of_postgres();
        }
        server.kill().await;
        let server = Server::start_with(&folder, EAGER).await;
        Self { folder, server, http, operator }
    }

    async fn wait_closed(&self, date: NaiveDate) {
        let started = Instant::now();
        loop {
            let path = "/api/operations/daily-run";
            let told = self.http.get(self.server.address(), path, Some(&self.operator)).await.unwrap();
            let run = told.expect(200).data();
            if run["businessDate"] == json!(date) && run["openLoans"] == 0 && run["running"] == false {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{run}; the server said:\n{}", self.server.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A date near the furthest so far: mostly ahead, sometimes back, often the end of a month.
fn jump(dice: &mut Dice, furthest: NaiveDate) -> NaiveDate {
    let date = match dice.below(4) {
        0 => furthest - Days::new(dice.below(60)),
        _ => furthest + Days::new(1 + dice.below(12)),
    };
    if dice.percent(40) {
        let next_month = date.iter_days().find(|day| day.format("%d").to_string() == "01" && *day > date);
        return next_month.unwrap().pred_opt().unwrap();
    }
    date
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_is_closed_once_however_often_the_servers_die() {
    let kills = setting("LUMBUNG_DAILY_KILLS").unwrap_or(8);
    let seed = setting("LUMBUNG_DAILY_SEED").unwrap_or_else(any_seed);
    println!("LUMBUNG_DAILY_SEED={seed}, {kills} kills");
    let mut dice = Dice::new(seed);
    let folder = Folder::new();
    let server = Server::start_with(&folder, EAGER).await;
    let http = Http::new();
    let operator = http.login(server.address(), "operator@loan.com", "operator123").await;
    let mut office = Office { folder, server, http, operator };
    let mut furthest = day(FIRST);
    office.set_date(furthest).await;
    let attached = office.folder.attach().await;
    let calendar: Calendar = Arc::new(|at: DateTime<Utc>| at.date_naive());
    let (ledger, task) = attached.ledger_on(calendar).await;
    let town = Town::settle(&ledger).await;
    let mut lending = JoinSet::new();
    for part in 0..LENT_AT_ONCE {
        let (town, ledger) = (town.clone(), ledger.clone());
        lending.spawn(async move {
            for number in (part..LOANS).step_by(LENT_AT_ONCE) {
                town.lend(&ledger, 3 + number as i64 % 10).await;
            }
        });
    }
    lending.join_all().await;
    drop(ledger);
    task.finished().await.unwrap();
    attached.leave().await;
    let mut struck: Vec<(NaiveDate, DateTime<Utc>)> = Vec::new();
    for _ in 0..kills {
        let date = jump(&mut dice, furthest);
        office.set_date(date).await;
        furthest = furthest.max(date);
        tokio::time::sleep(dice.millis(20, 250)).await;
        struck.push((furthest, Utc::now()));
        office = office.kill(&mut dice).await;
    }
    // With whatever was missed.
    furthest = furthest.max(day("2028-03-01"));
    office.set_date(furthest).await;
    office.wait_closed(furthest).await;
    let attached = office.folder.attach().await;
    let closed = assert_each_day_once(&attached.pool, furthest).await;
    let found = days(&attached.pool).await;
    attached.leave().await;
    let through = |(day, at): &(NaiveDate, DateTime<Utc>)| {
        found.values().filter(|loan| loan.was_closed(*day, *at)).count()
    };
    let through: Vec<usize> = struck.iter().map(through).collect();
    println!("of {LOANS} loans closed when it struck: {through:?}");
    let cut_short = through.iter().filter(|loans| (1..LOANS).contains(*loans)).count();
    println!("{closed} days, each once, up to {furthest}; {cut_short} of {kills} kills cut a run short");
    assert!(office.server.stop().await.success());
}

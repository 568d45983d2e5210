//! How long a daily run over many loans takes, and how long people who pay meanwhile wait, on a server of its own with fsync on.
//!
//! Figures are printed; `just daily-run` takes 100,000 loans and holds them against what they must be. Settings:
//! `LUMBUNG_DAILY_LOANS` (2,000), `LUMBUNG_DAILY_AGES` (30: lent on so many different days), `LUMBUNG_DAILY_PAYERS` (8, ten
//! payments a second each).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::fill::fill;
use super::town::{PATIENCE, assert_each_day_once, day};
use crate::crash::setting;
use crate::served::people::{PASSWORD, cheap_hash, sign_up};
use crate::served::{Folder, Http, Server};
use crate::support::ledger::run;
use crate::support::people::top_up;

/// What a run of this size must hold.
const RUN_WITHIN: Duration = Duration::from_secs(60);
const PAYMENT_WITHIN: Duration = Duration::from_millis(100);
/// Between two payments of one payer.
const THINKS: Duration = Duration::from_millis(100);
/// How much patience the setting up needs.
const SETTING_UP: Duration = Duration::from_secs(1_800);

struct Office {
    http: Http,
    address: String,
    operator: String,
}

impl Office {
    async fn open(server: &Server) -> Self {
        let http = Http::new();
        let operator = http.login(server.address(), "operator@loan.com", "operator123").await;
        Self { http, address: server.address().to_owned(), operator }
    }

    async fn set_date(&self, date: NaiveDate) {
        let body = json!({"businessDate": date});
        let path = "/api/operations/business-date";
        self.http.put(&self.address, path, &self.operator, body).await.unwrap().expect(200);
    }

    async fn run(&self) -> Value {
        let path = "/api/operations/daily-run";
        self.http.get(&self.address, path, Some(&self.operator)).await.unwrap().expect(200).data()
    }

    async fn until(&self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let run = self.run().await;
            if wanted(&run) {
                return run;
            }
            assert!(started.elapsed() < patience, "{run}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// People who pay again and again, until they are told to stop.
struct Payers {
    paying: JoinSet<Vec<Duration>>,
    stop: Arc<AtomicBool>,
}

impl Payers {
    fn start(address: &str, tokens: &[String]) -> Self {
        let (mut paying, stop) = (JoinSet::new(), Arc::<AtomicBool>::default());
        for (number, token) in tokens.iter().cloned().enumerate() {
            let (address, stop, http) = (address.to_owned(), Arc::clone(&stop), Http::new());
            paying.spawn(async move {
                let mut took = Vec::new();
                tokio::time::sleep(THINKS / 8 * (number as u32 % 8)).await;
                let mut beat = tokio::time::interval(THINKS);
                while !stop.load(Ordering::SeqCst) {
                    beat.tick().await;
                    let began = Instant::now();
                    http.post(&address, "/pay", Some(&token), json!({"amount": 1}))
                        .await
                        .unwrap()
                        .expect(200);
                    took.push(began.elapsed());
                }
                took
            });
        }
        Self { paying, stop }
    }

    /// How long each payment took, the quickest first.
    async fn stop(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::SeqCst);
        let mut took: Vec<Duration> = self.paying.join_all().await.into_iter().flatten().collect();
        took.sort_unstable();
        took
    }
}

fn percentile(took: &[Duration], percent: usize) -> Duration {
    took[(took.len() * percent / 100).min(took.len() - 1)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daily_run_is_over_in_time_and_payments_are_answered_meanwhile() {
    let wanted = setting("LUMBUNG_DAILY_LOANS");
    let loans = i64::try_from(wanted.unwrap_or(2_000)).unwrap();
    let ages = setting("LUMBUNG_DAILY_AGES").unwrap_or(30);
    let (folder, first) = (Folder::new(), day("2028-02-27"));
    let server = Server::start(&folder).await;
    Office::open(&server).await.set_date(first).await;
    let tokens = settle(&folder, &server, loans, ages, first).await;
    let office = Office::open(&server).await;
    office.until(SETTING_UP, |run| run["activeLoans"] == loans && run["openLoans"] == 0).await;
    assert!(server.stop().await.success());
    // Nothing is in memory.
    let server = Server::start(&folder).await;
    let office = Office::open(&server).await;
    office.until(PATIENCE, |run| run["activeLoans"] == loans && run["state"] == "idle").await;
    let mut worst = (Duration::ZERO, Duration::ZERO);
    let mut last = first;
    for what in ["after a restart", "the next day", "the day after"] {
        last = last.succ_opt().unwrap();
        let payers = Payers::start(server.address(), &tokens);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        office.set_date(last).await;
        let done = office.until(SETTING_UP, |run| run["openLoans"] == 0 && run["running"] == false).await;
        let took = began.elapsed();
        let paid = payers.stop().await;
        assert_eq!(done["closedThisRun"], loans);
        let p99 = percentile(&paid, 99);
        println!(
            "{loans} loans, {what}: {took:.1?}, {} a second; {} payments: median {:.1?}, p99 {p99:.1?}, slowest {:.1?}",
            done["perSecond"],
            paid.len(),
            percentile(&paid, 50),
            percentile(&paid, 100),
        );
        worst = (worst.0.max(took), worst.1.max(p99));
    }
    assert!(server.stop().await.success());
    let server = Server::start(&folder).await;
    let attached = folder.attach().await;
    assert_each_day_once(&attached.pool, last).await;
    attached.leave().await;
    drop(server);
    if wanted.is_some() {
        assert!(worst.0 < RUN_WITHIN && worst.1 < PAYMENT_WITHIN, "{worst:?}");
    }
}

/// Writes the loans, and registers who pays. Answers their tokens.
async fn settle(folder: &Folder, server: &Server, loans: i64, ages: u64, day: NaiveDate) -> Vec<String> {
    let payers = setting("LUMBUNG_DAILY_PAYERS").unwrap_or(8);
    let database = folder.database().await;
    let attached = folder.attach().await;
    let (ledger, task) = attached.ledger().await;
    let http = Http::new();
    let mut tokens = Vec::new();
    for number in 0..payers {
        let email = format!("payer.{number}@town.example");
        let payer = sign_up(&ledger, &email, &cheap_hash()).await;
        run(&ledger, top_up(payer, 1_000_000)).await;
        tokens.push(http.login(server.address(), &email, PASSWORD).await);
    }
    drop(ledger);
    task.finished().await.unwrap();
    let began = Instant::now();
    fill(&database, &attached.pool, loans, ages, day).await;
    println!("{loans} loans were written in {:.1?}", began.elapsed());
    attached.leave().await;
    tokens
}

//! Who looks on: one reads the log itself, the other asks the servers, all the time, also while something is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lumbung_domain::UserId;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use super::doors::Doors;
use super::pages::Pages;
use super::town::Town;
use crate::crash::dice::Dice;
use crate::served::Request;

/// Leaves room for a look that takes its time, and is still more than five a second.
const EVERY: Duration = Duration::from_millis(125);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What they know of each other.
pub(super) struct Board {
    pub(super) pages: Mutex<Pages>,
    claims: std::sync::Mutex<Vec<Claim>>,
    closed: AtomicBool,
}

/// What a server said of a wallet: to be compared once the log was read as far.
struct Claim {
    owner: UserId,
    balance_rupiah: i64,
    /// It shows everything up to here.
    position: i64,
}

/// How often somebody looked.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Looks {
    pub(super) good: u64,
    /// There was nothing to be seen: something was down.
    pub(super) missed: u64,
    pub(super) seconds: f64,
}

impl Board {
    pub(super) fn new() -> Arc<Self> {
        let closed = AtomicBool::new(false);
        Arc::new(Self { pages: Mutex::new(Pages::new()), claims: std::sync::Mutex::default(), closed })
    }

    /// The onlookers go home.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Reads the log, and compares what servers claimed before it was read.
    pub(super) async fn look(&self, connection: &mut PgConnection) -> Result<(), String> {
        let claims = std::mem::take(&mut *self.claims.lock().unwrap());
        let mut pages = self.pages.lock().await;
        if let Err(error) = pages.look(connection).await {
            self.claims.lock().unwrap().extend(claims);
            return Err(error.to_string());
        }
        for Claim { owner, balance_rupiah, position } in claims {
            let had = pages.had(owner, balance_rupiah, position);
            assert!(had, "a server said {balance_rupiah} of wallet {owner} at {position}; it never had that");
        }
        Ok(())
    }
}

impl Looks {
    fn note<T>(&mut self, looked: Option<T>) {
        match looked {
            Some(_) => self.good += 1,
            None => self.missed += 1,
        }
    }

    pub(super) fn per_second(&self) -> f64 {
        (self.good + self.missed) as f64 / self.seconds
    }
}

/// Looks into the database, past the product.
pub(super) async fn watch_log(board: Arc<Board>, database: PgConnectOptions) -> Looks {
    let mut connection = None;
    watch(&board, async || {
        let looked = tokio::time::timeout(ANSWER_WITHIN, async {
            if connection.is_none() {
                connection = Some(PgConnection::connect_with(&database).await.ok()?);
            }
            board.look(connection.as_mut()?).await.ok()
        });
        let seen = looked.await.ok().flatten();
        if seen.is_none() {
            connection = None;
        }
        seen
    })
    .await
}

/// Asks the servers for the trial balance at a position that was read, and for one wallet.
pub(super) async fn watch_servers(board: Arc<Board>, town: Arc<Town>, doors: Doors, dice: Dice) -> Looks {
    let dice = &mut { dice };
    watch(&board, async || {
        let known = board.pages.lock().await.looks.back().cloned();
        if let Some((position, accounts)) = known {
            let path = format!("/api/ledger/trial-balance?asOfPosition={position}");
            let request = Request::get(&path, Some(&town.admin)).reaching(position);
            let told = doors.try_once(&request, dice).await.ok()?.expect(200);
            let shown = trial_balance(&told.data());
            for (account, signed) in accounts {
                let (_, shown) =
                    shown.iter().find(|(name, _)| name == account.as_str()).unwrap_or_else(|| {
                        panic!("{account:?} is missing: {}", told.text());
                    });
                assert_eq!(*shown, signed, "{account:?} at {position}: {}", told.text());
            }
            assert_eq!(shown.iter().map(|(_, signed)| signed).sum::<i64>(), 0, "{}", told.text());
        }
        let holder = &town.holders[town.sender(dice)];
        let told =
            doors.try_once(&Request::get("/api/customer/wallet", Some(&holder.token)), dice).await.ok()?;
        let told = told.expect(200);
        let balance_rupiah = told.data()["balance"].as_i64().unwrap();
        assert!(balance_rupiah >= 0, "{}", told.text());
        let claim = Claim { owner: holder.user, balance_rupiah, position: told.position().unwrap() };
        board.claims.lock().unwrap().push(claim);
        Some(())
    })
    .await
}

/// The accounts' names and balances, debits positive.
fn trial_balance(data: &Value) -> Vec<(String, i64)> {
    let rows = data["accounts"].as_array().unwrap_or_else(|| panic!("no accounts: {data}"));
    let row = |row: &Value| {
        let number = |name: &str| row[name].as_i64().unwrap_or_else(|| panic!("no {name}: {row}"));
        (row["account"].as_str().unwrap().to_owned(), number("debit") - number("credit"))
    };
    rows.iter().map(row).collect()
}

async fn watch(board: &Board, mut look: impl AsyncFnMut() -> Option<()>) -> Looks {
    let (started, mut looks) = (Instant::now(), Looks::default());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !board.closed.load(Ordering::Relaxed) {
        ticks.tick().await;
        looks.note(look().await);
    }
    looks.seconds = started.elapsed().as_secs_f64();
    looks
}

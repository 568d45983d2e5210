//! Who looks on: one reads the log itself, the other asks the servers, all the time, also while something is down.

use std::collections::BTreeMap;
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

/// How often somebody looked, and what came of it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Looks {
    pub(super) good: u64,
    /// There was nothing to be seen, or it took too long.
    pub(super) missed: u64,
    seconds: f64,
    /// Of these: from every look that found nobody there to the next one that was let in.
    down_seconds: f64,
}

enum Seen {
    Good,
    /// Nobody was there, or went away in the middle.
    Down,
    /// Somebody was there, and did not answer in time.
    Slow,
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
        let mut pages = self.pages.lock().await;
        // Later claims may tell of what this look does not reach. They stay on the board until a look has come to its end:
        // one may be cut short at any moment.
        let known = self.claims.lock().unwrap().len();
        pages.look(connection).await.map_err(|error| error.to_string())?;
        let claims: Vec<_> = self.claims.lock().unwrap().drain(..known).collect();
        for Claim { owner, balance_rupiah, position } in claims {
            let had = pages.had(owner, balance_rupiah, position);
            assert!(had, "a server said {balance_rupiah} of wallet {owner} at {position}; it never had that");
        }
        Ok(())
    }
}

impl Looks {
    /// Good looks alone, over the time in which there was something to be seen.
    pub(super) fn per_second_up(&self) -> f64 {
        self.good as f64 / self.seconds_up()
    }

    pub(super) fn seconds_up(&self) -> f64 {
        self.seconds - self.down_seconds
    }
}

/// Looks into the database, past the product.
pub(super) async fn watch_log(board: Arc<Board>, database: PgConnectOptions) -> Looks {
    let mut watch = Watch::begin();
    let mut connection = None;
    while watch.goes_on(&board).await {
        let looked =
            tokio::time::timeout(ANSWER_WITHIN, look_at_log(&board, &mut connection, &database)).await;
        let seen = match looked {
            Ok(Some(())) => Seen::Good,
            Ok(None) => Seen::Down,
            Err(_) => Seen::Slow,
        };
        if !matches!(seen, Seen::Good) {
            connection = None;
        }
        watch.note(&seen);
    }
    watch.end()
}

async fn look_at_log(
    board: &Board,
    connection: &mut Option<PgConnection>,
    database: &PgConnectOptions,
) -> Option<()> {
    if connection.is_none() {
        *connection = Some(PgConnection::connect_with(database).await.ok()?);
    }
    board.look(connection.as_mut()?).await.ok()
}

/// Asks the servers for the trial balance at a position that was read, and for one wallet.
pub(super) async fn watch_servers(board: Arc<Board>, town: Arc<Town>, doors: Doors, mut dice: Dice) -> Looks {
    let mut watch = Watch::begin();
    while watch.goes_on(&board).await {
        let seen = ask_servers(&board, &town, &doors, &mut dice).await;
        watch.note(&seen.map_or(Seen::Down, |()| Seen::Good));
    }
    watch.end()
}

async fn ask_servers(board: &Board, town: &Town, doors: &Doors, dice: &mut Dice) -> Option<()> {
    let known = board.pages.lock().await.looks.back().cloned();
    if let Some((position, accounts)) = known {
        let path = format!("/api/ledger/trial-balance?asOfPosition={position}");
        let request = Request::get(&path, Some(&town.admin)).reaching(position);
        let told = doors.try_once(&request, dice).await.ok()?.expect(200);
        let (data, text) = (told.data(), told.text());
        assert_eq!((&data["asOfPosition"], &data["difference"]), (&position.into(), &0.into()), "{text}");
        let shown = trial_balance(&data);
        for (account, signed) in accounts {
            assert_eq!(shown.get(account.as_str()), Some(&signed), "{account:?} at {position}: {text}");
        }
        assert_eq!(shown.values().sum::<i64>(), 0, "{text}");
    }
    let holder = &town.holders[town.sender(dice)];
    let request = Request::get("/api/customer/wallet", Some(&holder.token));
    let told = doors.try_once(&request, dice).await.ok()?.expect(200);
    let balance_rupiah = told.data()["balance"].as_i64().unwrap();
    assert!(balance_rupiah >= 0, "{}", told.text());
    let claim = Claim { owner: holder.user, balance_rupiah, position: told.position().unwrap() };
    board.claims.lock().unwrap().push(claim);
    Some(())
}

/// The accounts' names and balances, debits positive.
fn trial_balance(data: &Value) -> BTreeMap<String, i64> {
    let rows = data["accounts"].as_array().unwrap_or_else(|| panic!("no accounts: {data}"));
    let row = |row: &Value| {
        let number = |name: &str| row[name].as_i64().unwrap_or_else(|| panic!("no {name}: {row}"));
        (row["name"].as_str().unwrap().to_owned(), number("debitTotal") - number("creditTotal"))
    };
    rows.iter().map(row).collect()
}

/// One onlooker's ticks.
struct Watch {
    ticks: tokio::time::Interval,
    started: Instant,
    /// When this look began.
    began: Instant,
    down_since: Option<Instant>,
    looks: Looks,
}

impl Watch {
    fn begin() -> Self {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let started = Instant::now();
        Self { ticks, started, began: started, down_since: None, looks: Looks::default() }
    }

    /// Waits for the next tick, until the board is closed.
    async fn goes_on(&mut self, board: &Board) -> bool {
        self.ticks.tick().await;
        self.began = Instant::now();
        !board.closed.load(Ordering::Relaxed)
    }

    fn note(&mut self, seen: &Seen) {
        match seen {
            Seen::Good => self.looks.good += 1,
            Seen::Down | Seen::Slow => self.looks.missed += 1,
        }
        if matches!(seen, Seen::Down) {
            self.down_since.get_or_insert(self.began);
        } else {
            self.up_again();
        }
    }

    fn up_again(&mut self) {
        if let Some(since) = self.down_since.take() {
            self.looks.down_seconds += (self.began - since).as_secs_f64();
        }
    }

    fn end(mut self) -> Looks {
        self.up_again();
        self.looks.seconds = (self.began - self.started).as_secs_f64();
        self.looks
    }
}

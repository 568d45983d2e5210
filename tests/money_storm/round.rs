//! One round: set up, storm, reckon.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client::{Outcome, Sent};
use super::doors::Doors;
use super::fleet::{Fleet, Kill};
use super::onlookers::{Board, Looks};
use super::town::Town;
use super::{admin, client, onlookers, reckoning, shown};
use crate::crash::dice::Dice;
use crate::served::Folder;

/// Rounds of at least this length are for a machine that has time for them, and demand a pace. Shorter ones are part of
/// every `cargo test`, also on slow and busy machines, and demand a number.
const FULL: Duration = Duration::from_secs(60);
const LOOKS_PER_SECOND: f64 = 5.0;
/// PostgreSQL may be away for nearly all of a short round where it takes long to recover.
const FEWEST_LOOKS: u64 = 3;
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

pub(super) struct Round {
    pub(super) number: usize,
    pub(super) length: Duration,
    pub(super) clients: usize,
    pub(super) wallets: usize,
    pub(super) think_ms: u64,
    pub(super) servers: usize,
    pub(super) dice: Dice,
}

/// How much a round had to try.
pub(super) struct Report {
    number: usize,
    servers: usize,
    length: Duration,
    pub(super) kills: Vec<(Kill, u64)>,
    pub(super) counted: Counted,
    pub(super) log: Looks,
    pub(super) asked: Looks,
    pub(super) settled: u64,
    pub(super) returned: u64,
    pub(super) events: i64,
    /// From the end of the load to the last transfer's end, a restart included.
    pub(super) drained: Duration,
    took: Duration,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counted {
    pub(super) done: u64,
    pub(super) refused: u64,
    /// Nobody said.
    pub(super) open: u64,
    /// Done, and asked more than once.
    pub(super) repeated: u64,
    pub(super) status_changes: u64,
}

/// What the tasks of a storm bring home.
enum Home {
    Fleet(Box<Fleet>),
    Client(Vec<Sent>),
    Admin(u64),
    Log(Looks),
    Servers(Looks),
}

impl Round {
    pub(super) async fn run(mut self) -> Report {
        let started = Instant::now();
        let folder = Arc::new(Folder::new());
        let fleet = Fleet::start(&folder, self.servers).await;
        let database = fleet.database();
        let town = Town::settle(&folder, self.wallets).await;
        let doors = Doors::new(fleet.addresses());
        let board = Board::new();
        let mut storm = JoinSet::new();
        for number in 0..self.clients {
            let work =
                client::work(number, self.think_ms, Arc::clone(&town), doors.clone(), self.dice.split());
            storm.spawn(async { Home::Client(work.await) });
        }
        let work = admin::work(Arc::clone(&town), doors.clone(), self.dice.split());
        storm.spawn(async { Home::Admin(work.await) });
        let log = onlookers::watch_log(Arc::clone(&board), database.clone());
        storm.spawn(async { Home::Log(log.await) });
        let asked =
            onlookers::watch_servers(Arc::clone(&board), Arc::clone(&town), doors.clone(), self.dice.split());
        storm.spawn(async { Home::Servers(asked.await) });
        let (homeland, ways, dice, length) =
            (Arc::clone(&folder), doors.clone(), self.dice.split(), self.length);
        storm.spawn(async move { Home::Fleet(Box::new(fleet.suffer(&homeland, &ways, dice, length).await)) });

        let home = self.await_all(storm, &doors, &board).await;
        let resting = Instant::now();
        let mut server = home.fleet.settle(&folder, &doors).await;
        reckoning::wait_until_nothing_is_pending(&board, &database).await;
        let drained = resting.elapsed();
        let pages = board.pages.lock().await;
        pages.assert_all_ended();
        reckoning::assert_agree(&pages, &town, &home.sent);
        shown::assert_shown(&pages, &town, &doors, &mut self.dice).await;
        shown::assert_tables(&pages, &database).await;
        reckoning::assert_replayed(&home.sent, &doors, &mut self.dice).await;
        let (settled, returned, events) = (pages.settled, pages.returned, pages.head.position);
        drop(pages);
        reckoning::assert_sound(&folder, &database, &board).await;
        server.assert_alive();
        assert!(server.stop().await.success());
        let mut counted = Counted::of(&home.sent);
        counted.status_changes = home.status_changes;
        let kills = home.kills;
        let report = Report {
            number: self.number,
            servers: self.servers,
            length: self.length,
            kills,
            counted,
            log: home.log,
            asked: home.asked,
            settled,
            returned,
            events,
            drained,
            took: started.elapsed(),
        };
        report.assert_was_a_storm();
        report
    }

    /// The fleet comes home when the time is over; then the clients, each with a definite answer; then who looked on.
    async fn await_all(&self, mut storm: JoinSet<Home>, doors: &Doors, board: &Board) -> AllHome {
        let (mut fleet, mut sent, mut clients) = (None, Vec::new(), 0);
        let (mut changes, mut log, mut asked) = (None, None, None);
        while let Some(ended) = storm.join_next().await {
            match ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
                Home::Fleet(home) => {
                    fleet = Some(*home);
                    doors.rest();
                }
                Home::Client(more) => {
                    sent.extend(more);
                    clients += 1;
                }
                Home::Admin(count) => changes = Some(count),
                Home::Log(looks) => log = Some(looks),
                Home::Servers(looks) => asked = Some(looks),
            }
            if clients == self.clients && changes.is_some() && fleet.is_some() {
                board.close();
            }
        }
        let fleet = fleet.unwrap();
        let kills = fleet.kills.iter().map(|(kill, count)| (*kill, *count)).collect();
        AllHome {
            fleet,
            kills,
            sent,
            status_changes: changes.unwrap(),
            log: log.unwrap(),
            asked: asked.unwrap(),
        }
    }
}

struct AllHome {
    fleet: Fleet,
    kills: Vec<(Kill, u64)>,
    sent: Vec<Sent>,
    status_changes: u64,
    log: Looks,
    asked: Looks,
}

impl Counted {
    fn of(sent: &[Sent]) -> Self {
        sent.iter().fold(Self::default(), |mut counted, sent| {
            match sent.outcome {
                Outcome::Done(_) => {
                    counted.done += 1;
                    counted.repeated += u64::from(sent.times > 1);
                }
                Outcome::Refused => counted.refused += 1,
                Outcome::Open => counted.open += 1,
            }
            counted
        })
    }
}

impl Report {
    /// That there was something to go wrong, and somebody to see it.
    fn assert_was_a_storm(&self) {
        assert!(self.kills.iter().any(|(_, count)| *count > 0), "nothing was killed");
        assert!(self.counted.done > 0 && self.settled > 0, "no load");
        let least = if self.length >= FULL { self.length.as_secs() } else { FEWEST_LOOKS };
        assert!(self.log.good >= least, "only {} looks saw anything", self.log.good);
        if self.length >= FULL {
            let pace = self.log.per_second_up();
            assert!(pace >= LOOKS_PER_SECOND, "only {pace:.1} good looks a second while PostgreSQL was up");
            assert!(self.drained <= DRAINED_WITHIN, "the last transfer ended after {:.1?}", self.drained);
        }
        assert!(self.asked.good > 0, "the servers were never asked");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            servers,
            kills,
            counted,
            log,
            asked,
            settled,
            returned,
            events,
            drained,
            took,
            ..
        } = self;
        let Counted { done, refused, open, repeated, status_changes } = counted;
        write!(
            f,
            "round {number}: {servers} server(s), kills {kills:?}; {done} done ({repeated} of them asked again), {refused} \
             refused, {open} open, {status_changes} changes of status; {settled} settled, {returned} returned, {events} \
             events; looks: {}+{} missed, {:.1} good ones a second in {:.1} s up, of servers {}+{}; drained in \
             {drained:.1?}, {took:.0?}",
            log.good,
            log.missed,
            log.per_second_up(),
            log.seconds_up(),
            asked.good,
            asked.missed
        )
    }
}

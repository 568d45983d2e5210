//! `kill -9` under load, with fsync on: nothing acknowledged is lost, and nothing is doubled when a request is repeated
//! with its key. And two servers on one ledger: no loan is decided twice.
//!
//! `LUMBUNG_CRASH_ROUNDS` (5), `LUMBUNG_CRASH_SEED` (random) and `LUMBUNG_RACES` (100) set how much and what.

mod books;
mod customer;
pub(crate) mod dice;
mod door;
mod kills;
mod races;
mod town;

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use books::Books;
use customer::Customer;
use dice::Dice;
use door::Door;
use kills::Kill;
use town::Town;

use crate::served::{Folder, Server};

const CUSTOMERS: usize = 32;
/// Old keys that are repeated after every round.
const SAMPLE: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled() {
    let rounds = setting("LUMBUNG_CRASH_ROUNDS").unwrap_or(5);
    let seed = setting("LUMBUNG_CRASH_SEED").unwrap_or_else(dice::any_seed);
    println!("LUMBUNG_CRASH_SEED={seed}, {rounds} rounds");
    let mut dice = Dice::new(seed);
    let folder = Folder::new();
    let mut server = Server::start(&folder).await;
    let town = Town::settle(&folder, &server, CUSTOMERS).await;
    let door = Door::new(server.address());
    let mut customers = town.customers(&mut dice);
    let first = dice.below(Kill::ALL.len() as u64);
    for round in 0..rounds {
        let started = Instant::now();
        let kill = Kill::ALL[((first + round) % Kill::ALL.len() as u64) as usize];
        let before: Vec<usize> = customers.iter().map(|customer| customer.acknowledged.len()).collect();
        let working = start_work(customers, &door);
        tokio::time::sleep(dice.millis(300, 1_500)).await;
        server = kill.strike(&folder, server, &mut dice).await;
        let back = started.elapsed();
        door.move_to(server.address());
        tokio::time::sleep(dice.millis(200, 500)).await;
        door.rest();
        customers = end_work(working).await;
        let new = Counted::since(&before, &customers);
        assert!(new.answers > 0, "no load");
        check(&folder, &door, &customers, &before, &mut dice).await;
        let took = started.elapsed();
        println!("round {}: {kill:?}, {new:?}, ready after {back:.1?}, checked after {took:.1?}", round + 1);
    }
    server.assert_alive();
    assert!(server.stop().await.success());
}

/// One task per customer, until the door says to rest.
fn start_work(customers: Vec<Customer>, door: &Door) -> JoinSet<Customer> {
    let mut working = JoinSet::new();
    door.open();
    for customer in customers {
        working.spawn(customer.work(door.clone()));
    }
    working
}

/// Everybody's last request has its definite answer.
async fn end_work(mut working: JoinSet<Customer>) -> Vec<Customer> {
    let mut customers = Vec::with_capacity(working.len());
    while let Some(customer) = working.join_next().await {
        customers.push(customer.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    // In an order that does not depend on who was faster.
    customers.sort_by_key(|customer| customer.index);
    customers
}

/// The log, what is shown, and what repetitions are told agree with what was acknowledged.
async fn check(folder: &Folder, door: &Door, customers: &[Customer], before: &[usize], dice: &mut Dice) {
    let attached = folder.attach().await;
    let books = Books::read(&attached.pool).await;
    books.assert_agree_with(customers);
    for (customer, old) in customers.iter().zip(before) {
        customer.assert_shown(door).await;
        for told in customer.acknowledged[*old..].iter().filter(|told| told.repeated) {
            told.assert_replayed(door).await;
        }
    }
    let all: Vec<_> = customers.iter().flat_map(|customer| &customer.acknowledged).collect();
    for _ in 0..SAMPLE {
        all[dice.below(all.len() as u64) as usize].assert_replayed(door).await;
    }
    let after = Books::read(&attached.pool).await;
    assert_eq!(after.head, books.head, "a repetition wrote something");
    attached.leave().await;
}

/// How much a round had to try.
#[derive(Debug, Default)]
struct Counted {
    answers: usize,
    /// Of these, sent more than once.
    repeated: usize,
    /// Of these, done by a sending whose answer was lost.
    found_done: usize,
}

impl Counted {
    fn since(before: &[usize], customers: &[Customer]) -> Self {
        let new = customers.iter().zip(before).flat_map(|(customer, old)| &customer.acknowledged[*old..]);
        new.fold(Self::default(), |counted, told| Self {
            answers: counted.answers + 1,
            repeated: counted.repeated + usize::from(told.repeated),
            found_done: counted.found_done + usize::from(told.found_done),
        })
    }
}

pub(crate) fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

/// Within this time every request gets its definite answer, whatever is killed.
const PATIENCE: Duration = Duration::from_secs(120);

//! Payments are answered while the days are closed, and repayments meet the days that they need.

use std::time::{Duration, Instant};

use lumbung_commands::loan::servicing::{RepayLoan, Source};
use lumbung_commands::{Call, Expected};
use lumbung_domain::{Amounts, RepaymentId, Rupiah};
use uuid::Uuid;

use super::town::{Town, assert_each_day_once, close_days, closed_through, day};
use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::{assert_sound, options, run};
use crate::support::people::top_up;

const LOANS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_the_days_to_be_closed() {
    let server = Server::start_on(options(&database().await)).await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    town.set_date(ledger, day("2028-01-01")).await;
    let mut borrowers = Vec::new();
    for _ in 0..LOANS {
        borrowers.push(town.lend(ledger, 6).await);
    }
    let running = close_days(node);
    let last = day("2028-03-01");
    town.set_date(ledger, last).await;
    let (mut slowest, mut meanwhile) = (Duration::ZERO, 0);
    for borrower in &borrowers {
        let began = Instant::now();
        run(ledger, top_up(borrower.actor, 1_000)).await;
        // Whether its days were closed yet or not: the interest of two months is owed and the fee, and the payment goes to it.
        let repay = RepayLoan {
            actor: borrower.actor,
            loan: borrower.loan,
            repayment_id: RepaymentId(Uuid::now_v7()),
            amount: Rupiah::positive(1_000).unwrap(),
            source: Source::Wallet,
            expected: Expected::Anything,
        };
        let told = ledger.execute(repay, Call::default()).await.unwrap().outcome.unwrap();
        assert_eq!(told.loan.condition.days_past_due, 29);
        assert_eq!(Amounts::paid(&told.receipt.lines).total_rupiah(), 1_000);
        slowest = slowest.max(began.elapsed());
        meanwhile += usize::from(node.daily_run.counts().loans < LOANS as u64 / 2);
    }
    closed_through(node, last).await;
    println!(
        "{LOANS} loans: the slowest two commands took {slowest:?}; {meanwhile} came before half were closed"
    );
    assert_eq!(assert_each_day_once(ledger.pool(), last).await, LOANS * 60);
    running.stopped().await;
    assert_sound(ledger).await;
}

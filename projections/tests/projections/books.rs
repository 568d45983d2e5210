//! The books against a plain fold of the log.

mod fold;
mod history;

use std::sync::Arc;

use chrono::NaiveDate;
use lumbung_domain::*;
use lumbung_projections::ledger_entries::{Part, Voucher, Wanted};
use lumbung_projections::{
    Limit, LiveSchema, ProjectorState, Rebuild, account_balances, ledger_entries, rebuild,
};
use sqlx::{Connection, PgConnection};

use self::fold::{Booked, Fold};
use self::history::{Dice, History};
use crate::log::Log;
use crate::people::{later, today, user};
use crate::projecting::Node;

/// Every entry that is wanted, a page at a time.
async fn entries(read: &LiveSchema, wanted: &Wanted, limit: i64) -> Vec<Booked> {
    let limit = Limit::new(limit).unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = ledger_entries::list(read, wanted, limit, after).await.unwrap();
        assert!(page.rows.len() <= usize::from(limit.get()));
        assert!(
            page.next.is_none() || page.rows.len() == usize::from(limit.get()),
            "a short page in between"
        );
        found.extend(page.rows.into_iter().map(Booked::from));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn all(position: i64) -> Wanted {
    Wanted { position, account: None, part: None, reference: None, from: None, to: None }
}

async fn assert_trial_balance(read: &LiveSchema, fold: &Fold, as_of: Option<NaiveDate>, position: i64) {
    let found = account_balances::trial_balance(read, as_of, position).await.unwrap();
    assert_eq!(found, fold.trial_balance(as_of, position), "as of {as_of:?}, known at {position}");
    assert_eq!(found.difference_rupiah(), 0);
}

/// Three thousand events, some dated back, projected by a projector that is cut off again and again.
#[tokio::test]
async fn the_books_are_a_fold_of_the_log_at_every_position() {
    let mut dice = Dice::new(4);
    let mut log = Log::new().await;
    let mut history = History::begin(&mut log);
    let node = Node::start(&log).await;
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    while log.position() < 3_000 {
        for _ in 0..dice.below(60) + 1 {
            history.step(&mut log, &mut dice);
        }
        let position = log.commit().await;
        if dice.below(8) == 0 {
            sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lumbung-projector' and datname = current_database()")
                .execute(&mut admin)
                .await
                .unwrap();
        }
        if dice.below(4) == 0 {
            node.read_at(position).await;
        }
    }
    let head = log.position();
    let read = node.read_at(head).await;
    let fold = Fold::of(&log.pool).await;
    assert!(fold.entries.len() > 1_500, "{}", fold.entries.len());
    assert_eq!(entries(&read, &all(head), 1_000).await, fold.newest_first(&all(head)));

    for as_of in [None, Some(today()), Some(later(400))] {
        for position in [0, 1, 255, 256, 257, 511, 512, head - 1, head] {
            assert_trial_balance(&read, &fold, as_of, position).await;
        }
    }
    for _ in 0..200 {
        let as_of = (dice.below(5) > 0).then(|| history.day(&mut dice));
        assert_trial_balance(&read, &fold, as_of, dice.below(head + 1)).await;
    }
    for _ in 0..100 {
        let as_of = (dice.below(3) > 0).then(|| history.day(&mut dice));
        let (part, position) = (history.part(&mut dice), dice.below(head + 1));
        let found = account_balances::part_balance(&read, part, as_of, position).await.unwrap();
        assert_eq!(found, fold.part_balance(part, as_of, position), "{part:?} as of {as_of:?} at {position}");
    }
    for _ in 0..160 {
        let wanted = history.wanted(&mut dice, head);
        let limit = [1, 7, 100, 1_000][usize::try_from(dice.below(4)).unwrap()];
        let limit = if fold.newest_first(&wanted).len() > 100 { limit.max(100) } else { limit };
        assert_eq!(entries(&read, &wanted, limit).await, fold.newest_first(&wanted), "{wanted:?}");
    }

    let report = rebuild(&Rebuild { batch: 700, ..Rebuild::new(log.options.clone()) }, |_| {}).await.unwrap();
    assert_eq!((report.compared_at, report.differences), (Some(head), vec![]));
    node.is(|state| matches!(state, ProjectorState::Running { position } if *position == head)).await;
    node.stop().await;
}

/// What the sub-ledgers say, and the streams that they stand for, after every single event.
#[tokio::test]
async fn the_sub_ledgers_are_the_streams_at_every_position() {
    let mut dice = Dice::new(11);
    let mut log = Log::new().await;
    let mut history = History::begin(&mut log);
    let mut commits = Vec::new();
    while log.position() < 1_200 {
        history.step(&mut log, &mut dice);
        commits.push(log.commit().await);
    }
    let fold = Fold::of(&log.pool).await;
    let mut streams = fold::Streams::default();
    for position in 1..=log.position() {
        streams.evolve(fold.event(position));
        if commits.binary_search(&position).is_err() {
            continue;
        }
        streams.assert_equal(&fold, position);
    }
    streams.assert_mixed();
}

#[tokio::test]
async fn a_subject_is_found_among_others() {
    let mut log = Log::new().await;
    let owner = user(1);
    let credit = |loan: Option<i64>, amount: i64| WalletCommand::Credit {
        owner,
        amount: Rupiah::new(amount).unwrap(),
        source: match loan {
            Some(loan) => WalletSource::Disbursement { loan: LoanNumber(loan) },
            None => WalletSource::TopUp { top_up_id: TopUpId(uuid::Uuid::from_u128(5)) },
        },
        remarks: None,
        business_on: today(),
    };
    log.run::<Wallet>(owner, credit(Some(7), 10)).unwrap();
    log.run::<Wallet>(owner, credit(None, 20)).unwrap();
    log.run::<Wallet>(owner, credit(Some(8), 30)).unwrap();
    let head = log.commit().await;
    let node = Node::start(&log).await;
    let read: Arc<LiveSchema> = node.read_at(head).await;
    let found = |part, account| {
        let wanted = Wanted { part, account, ..all(head) };
        let read = Arc::clone(&read);
        async move {
            let found = entries(&read, &wanted, 10).await;
            found.iter().map(|entry| entry.lines[0].2).collect::<Vec<_>>()
        }
    };
    let wallet = Some(Part::Party(owner.0));
    assert_eq!(found(wallet, None).await, [30, 20, 10]);
    assert_eq!(found(wallet, Some(Account::CashAtGateway)).await, [20]);
    assert_eq!(found(wallet, Some(Account::WriteOffs)).await, [0; 0]);
    assert_eq!(found(Some(Part::Loan(LoanNumber(7))), None).await, [10]);
    assert_eq!(found(Some(Part::Loan(LoanNumber(9))), None).await, [0; 0]);
    let vouched = |reference, part| {
        let wanted = Wanted { reference: Some(reference), part, ..all(head) };
        let read = Arc::clone(&read);
        async move {
            let found = entries(&read, &wanted, 10).await;
            found.iter().map(|entry| entry.lines[0].2).collect::<Vec<_>>()
        }
    };
    assert_eq!(vouched(Voucher::Loan(LoanNumber(7)), None).await, [10]);
    assert_eq!(vouched(Voucher::Loan(LoanNumber(7)), wallet).await, [10]);
    assert_eq!(vouched(Voucher::Loan(LoanNumber(7)), Some(Part::Loan(LoanNumber(8)))).await, [0; 0]);
    assert_eq!(vouched(Voucher::Id(uuid::Uuid::from_u128(5)), wallet).await, [20]);
    // A wallet is no voucher.
    assert_eq!(vouched(Voucher::Id(owner.0), None).await, [0; 0]);
    // The number of a loan is no id of a party.
    assert_eq!(found(Some(Part::Party(user(7).0)), None).await, [0; 0]);
    assert_eq!(found(None, Some(Account::LoansReceivablePrincipal)).await, [30, 10]);
    node.stop().await;
}

/// The sums of a few thousand of the largest amounts pass 64 bits.
#[tokio::test]
async fn the_largest_amounts_add_up() {
    let mut log = Log::new().await;
    let owner = user(1);
    for number in 0..9_300_u128 {
        let source = WalletSource::TopUp { top_up_id: TopUpId(uuid::Uuid::from_u128(number)) };
        let credit =
            WalletCommand::Credit { owner, amount: Rupiah::MAX, source, remarks: None, business_on: today() };
        log.run::<Wallet>(owner, credit).unwrap();
        let purpose = WalletPurpose::Payment { payment_id: PaymentId(uuid::Uuid::from_u128(number)) };
        let debit =
            WalletCommand::Debit { amount: Rupiah::MAX, purpose, remarks: None, business_on: today() };
        log.run::<Wallet>(owner, debit).unwrap();
    }
    let head = log.commit().await;
    let node = Node::start(&log).await;
    let read = node.read_at(head).await;
    let books = account_balances::trial_balance(&read, Some(today()), head).await.unwrap();
    let total = i128::from(Rupiah::MAX.get()) * 9_300;
    assert_eq!(books.of(Account::CashAtGateway).debit_rupiah, total);
    assert_eq!(books.of(Account::CustomerWallets), Totals { debit_rupiah: total, credit_rupiah: total });
    assert!(i64::try_from(total).is_err());
    node.stop().await;
}

//! Movements of wallets: what they say of balances and transfers, now and as of a position.

use chrono::TimeDelta;
use lumbung_domain::*;
use lumbung_projections::transactions::{Direction, Kind, Movement, Status, Transaction, Wanted};
use lumbung_projections::{Cursor, Limit, LiveSchema, transactions, wallets};
use uuid::Uuid;

use crate::log::{Log, instant};
use crate::people::{rupiah, sealed, today, user};
use crate::projecting::Node;

fn transfer_id(number: u128) -> TransferId {
    TransferId(Uuid::from_u128(0x7000 + number))
}

impl Log {
    fn credit(&mut self, owner: u128, amount: i64, source: WalletSource) {
        let command = WalletCommand::Credit {
            owner: user(owner),
            amount: rupiah(amount),
            source,
            remarks: None,
            business_on: today(),
        };
        self.run::<Wallet>(user(owner), command).unwrap();
    }

    fn deposit(&mut self, owner: u128, amount: i64) {
        self.credit(owner, amount, WalletSource::TopUp { top_up_id: TopUpId(Uuid::from_u128(0x70)) });
    }

    fn debit(&mut self, owner: u128, amount: i64, purpose: WalletPurpose) {
        let command = WalletCommand::Debit {
            amount: rupiah(amount),
            purpose,
            remarks: Some(sealed("why")),
            business_on: today(),
        };
        self.run::<Wallet>(user(owner), command).unwrap();
    }

    fn start(&mut self, number: u128, sender: u128, target: u128, amount: i64) {
        let transfer_id = transfer_id(number);
        self.debit(sender, amount, WalletPurpose::Transfer { transfer_id });
        let instruction = Instruction {
            transfer_id,
            sender: user(sender),
            target: user(target),
            amount_rupiah: rupiah(amount),
            remarks: Some(sealed("why")),
            remarks_for_target: None,
            business_on: today(),
        };
        self.run::<Transfer>(transfer_id, TransferCommand::Start(instruction)).unwrap();
    }

    fn settle(&mut self, number: u128, target: u128, amount: i64) {
        let transfer_id = transfer_id(number);
        self.credit(target, amount, WalletSource::Transfer { transfer_id });
        self.run::<Transfer>(transfer_id, TransferCommand::Settle { business_on: today() }).unwrap();
    }

    fn give_back(&mut self, number: u128, sender: u128, amount: i64) {
        let transfer_id = transfer_id(number);
        self.credit(sender, amount, WalletSource::Return { transfer_id });
        let because = ReturnReason::TargetNotActive;
        let command = TransferCommand::Return { because, business_on: today() };
        self.run::<Transfer>(transfer_id, command).unwrap();
    }
}

async fn all(read: &LiveSchema, owner: u128) -> Vec<Transaction> {
    transactions::list(read, user(owner), &Wanted::default(), Limit::MAX, None).await.unwrap().rows
}

/// Kind, status, amount, balance before and after.
fn told(rows: &[Transaction]) -> Vec<(&'static str, &'static str, i64, i64, i64)> {
    let row = |row: &Transaction| {
        let before = row.balance_before_rupiah().unwrap().get();
        let after = row.balance_after_rupiah.get();
        (row.movement.kind().as_str(), row.status.as_str(), row.amount_rupiah.get(), before, after)
    };
    rows.iter().map(row).collect()
}

/// Batch by batch, so that an end is an update of a stored row, and all at once, so that it is one of a row that the same
/// batch brings.
#[tokio::test]
async fn what_became_of_the_money() {
    for at_once in [false, true] {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        let steps: [&dyn Fn(&mut Log); 6] = [
            &|log| log.deposit(1, 1_000),
            &|log| log.debit(1, 100, WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(7)) }),
            &|log| log.start(1, 1, 2, 300),
            &|log| log.start(2, 1, 3, 400),
            &|log| log.settle(1, 2, 300),
            &|log| log.give_back(2, 1, 400),
        ];
        let mut positions = Vec::new();
        for step in steps {
            step(&mut log);
            if !at_once {
                positions.push(log.commit().await);
            }
        }
        if at_once {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;
        let rows = all(&read, 1).await;
        assert_eq!(
            told(&rows),
            [
                ("TRANSFER_RETURN", "SUCCESS", 400, 200, 600),
                ("TRANSFER_OUT", "RETURNED", 400, 600, 200),
                ("TRANSFER_OUT", "SUCCESS", 300, 900, 600),
                ("PAYMENT", "SUCCESS", 100, 1_000, 900),
                ("TOP_UP", "SUCCESS", 1_000, 0, 1_000),
            ]
        );
        assert_eq!(rows[0].movement, Movement::TransferReturn(transfer_id(2)));
        assert_eq!(rows[1].movement, Movement::TransferOut(transfer_id(2)));
        assert_eq!((rows[3].remarks.clone(), rows[4].remarks.clone()), (Some(sealed("why")), None));
        assert_eq!(told(&all(&read, 2).await), [("TRANSFER_IN", "SUCCESS", 300, 0, 300)]);
        assert_eq!(told(&all(&read, 3).await), []);

        let of = async |owner| {
            let wallet = wallets::of(&read, user(owner)).await.unwrap()?;
            Some((wallet.balance_rupiah.get(), wallet.pending_out_rupiah, wallet.version))
        };
        assert_eq!(of(1).await, Some((600, 0, log.state::<Wallet>(user(1)).1)));
        assert_eq!((of(2).await, of(3).await), (Some((300, 0, 2)), None));
        let total = wallets::total(&read, log.position()).await.unwrap();
        assert_eq!((total.wallets, total.total_rupiah), (2, 900));

        // As it was after each step.
        for (step, position) in positions.iter().enumerate() {
            let total = wallets::total(&read, *position).await.unwrap().total_rupiah;
            assert_eq!(total, [1_000, 900, 600, 200, 500, 900][step], "after step {step}");
            let page =
                transactions::as_of(&read, *position, user(1), &Wanted::default(), Limit::MAX, None).await;
            let rows = told(&page.unwrap().rows);
            let pending = rows.iter().filter(|(_, status, ..)| *status == "PENDING").count();
            let wanted = [(1, 0), (2, 0), (3, 1), (4, 2), (4, 1), (5, 0)][step];
            assert_eq!((rows.len(), pending), wanted, "after step {step}");
        }
        assert_eq!(wallets::total(&read, 1).await.unwrap().wallets, 0);
        node.stop().await;
    }
}

#[tokio::test]
async fn what_is_in_transit() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    log.deposit(1, Rupiah::MAX.get());
    for number in 1..=3 {
        log.start(number, 1, 2, 1_000);
    }
    log.commit().await;
    log.settle(2, 2, 1_000);
    // What is on its way may be more than one wallet holds.
    log.start(4, 1, 2, Rupiah::MAX.get() - 3_000);
    log.deposit(1, Rupiah::MAX.get());
    log.start(5, 1, 2, Rupiah::MAX.get());
    log.commit().await;
    let read = node.read_at(log.position()).await;
    let wallet = wallets::of(&read, user(1)).await.unwrap().unwrap();
    assert_eq!(
        (wallet.balance_rupiah, wallet.pending_out_rupiah),
        (Rupiah::ZERO, 2 * Rupiah::MAX.get() - 1_000)
    );
    let pending = Wanted { statuses: Some(vec![Status::Pending]), ..Wanted::default() };
    let rows = transactions::list(&read, user(1), &pending, Limit::MAX, None).await.unwrap().rows;
    assert_eq!(rows.len(), 4);
    node.stop().await;
}

#[tokio::test]
async fn pages_kinds_and_dates() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    let mut positions = Vec::new();
    for number in 0..40_i64 {
        // Another wallet's rows lie between.
        log.deposit(2, 1);
        if number % 4 == 0 {
            log.deposit(1, 100);
        } else {
            log.debit(1, 1, WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(7)) });
        }
        positions.push(log.commit().await);
    }
    let read = node.read_at(log.position()).await;
    let wanted = Wanted::default();
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = transactions::list(&read, user(1), &wanted, Limit::new(7).unwrap(), after).await.unwrap();
        paged.extend(page.rows.iter().map(|row| row.position));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let newest_first: Vec<_> = positions.iter().rev().copied().collect();
    assert_eq!(paged, newest_first);
    let count = async |wanted: Wanted| {
        transactions::list(&read, user(1), &wanted, Limit::MAX, None).await.unwrap().rows.len()
    };
    let kinds = |kinds: &[Kind]| Wanted { kinds: Some(kinds.to_vec()), ..Wanted::default() };
    assert_eq!(count(kinds(&[Kind::TopUp])).await, 10);
    assert_eq!(count(kinds(&[Kind::TopUp, Kind::Payment])).await, 40);
    assert_eq!(count(kinds(&[Kind::Disbursement])).await, 0);
    assert_eq!(count(kinds(&[])).await, 0, "of no kind");

    // Every instant, and those right before and behind it.
    let first = transactions::list(&read, user(1), &wanted, Limit::MAX, Some(Cursor(positions[1]))).await;
    assert_eq!(first.unwrap().rows[0].position, positions[0]);
    let rows = all(&read, 1).await;
    for row in &rows {
        for shift in [-1, 0, 1] {
            let at = row.created_at + TimeDelta::microseconds(shift);
            let later = rows.iter().filter(|row| row.created_at >= at).count();
            assert_eq!(count(Wanted { from: Some(at), ..Wanted::default() }).await, later);
            assert_eq!(count(Wanted { until: Some(at), ..Wanted::default() }).await, 40 - later);
        }
    }
    let (from, until) = (Some(rows[30].created_at), Some(rows[10].created_at));
    assert_eq!(count(Wanted { from, until, ..Wanted::default() }).await, 20);
    assert_eq!(count(Wanted { from: until, until: from, ..Wanted::default() }).await, 0);
    let ever = Some(instant(0));
    let nobodys = Wanted { from: ever, ..Wanted::default() };
    assert_eq!(transactions::list(&read, user(9), &nobodys, Limit::MAX, None).await.unwrap().rows, []);
    assert!(rows.iter().all(|row| (row.movement.kind().direction() == Direction::Credit)
        == matches!(row.movement, Movement::TopUp(_))));
    node.stop().await;
}

//! Wallets, transfers, loans, plafonds and read models agree with the books at every position.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use lumbung_domain::{
    Aggregate, AnyAggregate, Loan, LoanStatus, Plafond, StreamId, Transfer, TransferStatus, Wallet,
};
use lumbung_journal::{Record, codec, read, verify};
use lumbung_projections::{Rebuild, account_balances, rebuild, wallets};
use serde_json::Value;

use super::fold::Books;
use super::mixture::Mixture;
use crate::rest_smoke::Server;

/// The streams as their aggregates fold them.
#[derive(Default)]
struct Streams(HashMap<StreamId, AnyAggregate>);

impl Streams {
    fn take(&mut self, record: &Record) {
        let state = self.0.entry(record.stream.clone());
        let state = state.or_insert_with(|| AnyAggregate::unborn(record.stream.kind));
        state.evolve(&codec::decode(record).unwrap()).unwrap();
    }

    fn all<'a, A: Aggregate + 'a>(&'a self) -> impl Iterator<Item = (&'a str, &'a A)> {
        self.0.iter().filter_map(|(stream, state)| Some((&*stream.id, A::of(state)?.as_ref())))
    }

    fn wallets(&self) -> BTreeMap<String, i64> {
        let owed = self.all::<Wallet>().map(|(owner, wallet)| (owner.to_owned(), -wallet.balance().get()));
        owed.filter(|(_, amount)| *amount != 0).collect()
    }

    fn in_transit(&self) -> BTreeMap<String, i64> {
        let open = self.all::<Transfer>().filter_map(|(id, transfer)| match transfer {
            Transfer::Started { instruction, status: TransferStatus::Pending | TransferStatus::Parked } => {
                Some((id.to_owned(), -instruction.amount_rupiah.get()))
            }
            Transfer::Started { .. } | Transfer::Unstarted => None,
        });
        open.collect()
    }

    /// By loan, with whose it is.
    fn lent(&self) -> BTreeMap<String, (String, i64)> {
        let disbursed = self.all::<Loan>().filter_map(|(loan, state)| {
            let application = state.application().filter(|of| of.status == LoanStatus::Disbursed)?;
            let of = &application.submission;
            Some((loan.to_owned(), (of.customer.user_id.to_string(), of.amount_rupiah.get())))
        });
        disbursed.collect()
    }

    /// What was used of each plafond that is left.
    fn used(&self) -> BTreeMap<String, i64> {
        let used = self.all::<Plafond>().filter_map(|(customer, plafond)| match plafond {
            Plafond::Active { terms, remaining_rupiah, .. } => {
                Some((customer.to_owned(), terms.amount_rupiah.get() - remaining_rupiah.get()))
            }
            Plafond::Unselected | Plafond::Depleted { .. } => None,
        });
        used.collect()
    }

    fn assert_agree_with(&self, books: &Books, position: i64) {
        assert_eq!(books.parts_of("CUSTOMER_WALLETS"), self.wallets(), "wallets at {position}");
        assert_eq!(books.parts_of("TRANSFERS_IN_TRANSIT"), self.in_transit(), "transfers at {position}");
        let lent = self.lent();
        let principal: BTreeMap<_, _> =
            lent.iter().map(|(loan, (_, amount))| (loan.clone(), *amount)).collect();
        assert_eq!(books.parts_of("LOANS_RECEIVABLE_PRINCIPAL"), principal, "loans at {position}");
        for (customer, used) in self.used() {
            let owed: i64 = lent.values().filter(|(of, _)| *of == customer).map(|(_, amount)| amount).sum();
            assert_eq!(used, owed, "plafond of {customer} at {position}");
        }
    }
}

/// The books of the read models, in the terms of the fold.
async fn shown(
    server: &Server,
    as_of: Option<NaiveDate>,
    position: i64,
) -> BTreeMap<&'static str, (i128, i128)> {
    let read = server.node().reader.live();
    let books = account_balances::trial_balance(&read, as_of, position).await.unwrap();
    assert_eq!(books.difference_rupiah(), 0);
    let moved = books.accounts().filter(|(_, totals)| *totals != Default::default());
    moved.map(|(account, totals)| (account.as_str(), (totals.debit_rupiah, totals.credit_rupiah))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_knows_of_money_agrees_at_every_position() {
    let (server, mixture) = Mixture::make().await;
    let pool = server.node().ledger.pool();
    let records = read::after(pool, 0, 100_000).await.unwrap();
    let head = records.last().unwrap().position;
    let freshness = server.node().reader.freshness();
    let read = freshness.wait_for(head, std::time::Duration::from_secs(60)).await.unwrap().schema;
    let (mut streams, mut books) = (Streams::default(), Books::default());
    let mut day = None;
    for (index, record) in records.iter().enumerate() {
        streams.take(record);
        let payload: Value = serde_json::from_str(&record.payload).unwrap();
        if !books.take(&record.event_type, &record.stream.id, &payload).is_empty() {
            let booked: NaiveDate =
                payload[&*record.event_type]["business_on"].as_str().unwrap().parse().unwrap();
            day = day.max(Some(booked));
        }
        assert_eq!(books.accounts.values().map(|(debit, credit)| debit - credit).sum::<i128>(), 0);
        let position = record.position;
        assert_eq!(shown(&server, None, position).await, books.accounts, "read model at {position}");
        let total = wallets::total(&read, position).await.unwrap().total_rupiah;
        assert_eq!(total, -books.net("CUSTOMER_WALLETS"), "wallets' read model at {position}");
        // Events of one append have one instant; in the middle of it one stream may be ahead of another.
        if records.get(index + 1).is_none_or(|next| next.recorded_at > record.recorded_at) {
            streams.assert_agree_with(&books, position);
        }
    }
    let parked = mixture.parked.to_string();
    assert_eq!(books.parts_of("TRANSFERS_IN_TRANSIT"), BTreeMap::from([(parked, -6_000)]));
    assert_eq!(books.net("LOANS_RECEIVABLE_PRINCIPAL"), 1_000_000);
    let day = day.unwrap();
    assert_eq!(shown(&server, Some(day), head).await, books.accounts);
    assert_eq!(shown(&server, day.pred_opt(), head / 2).await, BTreeMap::new(), "{day} was the only day");

    let verified = verify::verify(pool, |_| {}).await.unwrap();
    let said: BTreeMap<_, _> = verified
        .books
        .accounts()
        .filter(|(_, totals)| *totals != Default::default())
        .map(|(account, totals)| (account.as_str(), (totals.debit_rupiah, totals.credit_rupiah)))
        .collect();
    assert_eq!(said, books.accounts);

    let report =
        rebuild(&Rebuild::new(server.node().ledger.pool().connect_options().as_ref().clone()), |_| {}).await;
    assert_eq!(report.unwrap().differences, []);
}

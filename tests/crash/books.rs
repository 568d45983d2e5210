//! The log itself: verified, folded, and compared with what was acknowledged.

use std::collections::{BTreeMap, HashMap};

use lumbung_domain::{Aggregate, AnyAggregate, Loan, Plafond, StreamId, Wallet};
use lumbung_journal::{codec, read, verify};
use sqlx::PgPool;

use super::customer::{Customer, Tally};

/// What the log says.
pub(super) struct Books {
    pub(super) head: i64,
    streams: HashMap<StreamId, AnyAggregate>,
    /// How many events of each type.
    events: BTreeMap<String, u64>,
}

impl Books {
    /// Verifies and folds the whole log. Nobody writes meanwhile.
    pub(super) async fn read(pool: &PgPool) -> Self {
        let verified = verify::verify(pool, |_| {}).await.unwrap_or_else(|error| panic!("{error}"));
        let mut books = Self { head: 0, streams: HashMap::new(), events: BTreeMap::new() };
        loop {
            let records = read::after(pool, books.head, 5_000).await.unwrap();
            let Some(last) = records.last() else { break };
            books.head = last.position;
            for record in &records {
                let event = codec::decode(record).unwrap();
                let stream = books
                    .streams
                    .entry(record.stream.clone())
                    .or_insert_with(|| AnyAggregate::unborn(record.stream.kind));
                stream.evolve(&event).unwrap();
                *books.events.entry(record.event_type.to_string()).or_default() += 1;
            }
        }
        assert_eq!(books.head, verified.head.position);
        books
    }

    /// That everything acknowledged is in the log, and nothing else is.
    pub(super) fn assert_agree_with(&self, customers: &[Customer]) {
        let mut total = Tally::default();
        for customer in customers {
            self.assert_has(customer);
            let Tally { selected, submitted, approved, disbursed, rejected } = customer.tally;
            total.selected += selected;
            total.submitted += submitted;
            total.approved += approved;
            total.disbursed += disbursed;
            total.rejected += rejected;
        }
        let found = Tally {
            selected: self.count("PlafondSelected"),
            submitted: self.count("LoanSubmitted"),
            approved: self.count("LoanApproved"),
            disbursed: self.count("LoanDisbursed"),
            rejected: self.count("LoanRejected"),
        };
        assert_eq!(found, total, "events in the log, and acknowledged");
        assert_eq!(self.count("WalletCredited"), total.disbursed);
        assert_eq!(self.count("PlafondConverted"), total.disbursed);
        assert_eq!(self.count("PlafondReserved"), total.submitted);
        assert_eq!(self.count("PlafondReleased"), total.rejected);
    }

    /// How many loans went through every stage; that none went through a stage twice.
    pub(super) fn decided_loans(&self) -> u64 {
        let loans = self.count("LoanSubmitted");
        assert_eq!((self.count("LoanApproved"), self.count("LoanDisbursed")), (2 * loans, loans));
        assert_eq!(self.count("WalletCredited"), loans);
        loans
    }

    fn assert_has(&self, customer: &Customer) {
        let who = customer.index;
        let furthest = customer.acknowledged.iter().filter_map(|told| told.position).max().unwrap_or(0);
        assert!(
            furthest <= self.head,
            "customer {who} was told of {furthest}, the log ends at {}",
            self.head
        );
        for (loan, told) in &customer.loans {
            let found: Option<&Loan> = self.stream(loan.to_string());
            let status: Option<&'static str> =
                found.and_then(Loan::application).map(|application| application.status.into());
            assert_eq!(status, Some(told.as_str()), "loan {loan} of customer {who}");
        }
        let balance =
            self.stream(customer.user.to_string()).map_or(0, |wallet: &Wallet| wallet.balance().get());
        assert_eq!(balance, customer.wallet_rupiah, "wallet of customer {who}");
        let found = match self.stream(customer.user.to_string()) {
            None | Some(Plafond::Unselected | Plafond::Depleted { .. }) => (None, None),
            Some(Plafond::Active { remaining_rupiah, pending, .. }) => (
                Some(remaining_rupiah.get()),
                pending.map(|pending| (pending.loan.0, pending.amount_rupiah.get())),
            ),
        };
        let told = (
            customer.plafond.map(|limit| limit.remaining_rupiah),
            customer.pending.map(|pending| (pending.loan, pending.amount_rupiah)),
        );
        assert_eq!(found, told, "plafond and pending loan of customer {who}");
    }

    fn stream<A: Aggregate>(&self, id: String) -> Option<&A> {
        A::of(self.streams.get(&StreamId::of::<A>(id))?).map(AsRef::as_ref)
    }

    fn count(&self, event_type: &str) -> u64 {
        self.events.get(event_type).copied().unwrap_or(0)
    }
}

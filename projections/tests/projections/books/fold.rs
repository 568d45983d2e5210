//! The books as anybody can work them out from the log: without the product's postings, blocks and tables.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use lumbung_domain::*;
use lumbung_journal::{codec, read};
use lumbung_projections::ledger_entries::{LedgerEntry, Part, Voucher, Wanted};
use serde_json::Value;
use sqlx::PgPool;

pub(super) type Line = (Account, Option<Subject>, i64);

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Booked {
    position: i64,
    event_type: String,
    business_on: NaiveDate,
    recorded_at: DateTime<Utc>,
    movement: Movement,
    pub(super) lines: Vec<Line>,
}

impl From<LedgerEntry> for Booked {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { position, event_type, business_on, recorded_at, movement, lines } = entry;
        let lines = lines.iter().map(|line| (line.account, line.subject, line.signed_rupiah)).collect();
        Self { position, event_type, business_on, recorded_at, movement, lines }
    }
}

pub(super) struct Fold {
    /// Oldest first.
    pub(super) entries: Vec<Booked>,
    events: Vec<(StreamId, AnyEvent)>,
}

impl Fold {
    pub(super) async fn of(pool: &PgPool) -> Self {
        let mut fold = Self { entries: Vec::new(), events: Vec::new() };
        for record in read::after(pool, 0, i64::MAX).await.unwrap() {
            let payload: Value = serde_json::from_str(&record.payload).unwrap();
            let fields = &payload[&*record.event_type];
            let lines = lines(&record.event_type, &record.stream.id, fields);
            if !lines.is_empty() {
                fold.entries.push(Booked {
                    position: record.position,
                    event_type: record.event_type.to_string(),
                    business_on: fields["business_on"].as_str().unwrap().parse().unwrap(),
                    recorded_at: record.recorded_at,
                    movement: named(fields),
                    lines,
                });
            }
            fold.events.push((record.stream.clone(), codec::decode(&record).unwrap()));
        }
        fold
    }

    pub(super) fn event(&self, position: i64) -> &(StreamId, AnyEvent) {
        &self.events[usize::try_from(position).unwrap() - 1]
    }

    pub(super) fn trial_balance(&self, as_of: Option<NaiveDate>, position: i64) -> TrialBalance {
        let mut books = TrialBalance::default();
        for entry in self.entries.iter().filter(|entry| entry.position <= position) {
            for (account, _, amount) in &entry.lines {
                if as_of.is_none_or(|as_of| entry.business_on <= as_of) {
                    let amount = i128::from(*amount);
                    let (debit_rupiah, credit_rupiah) = (amount.max(0), (-amount).max(0));
                    books.add(*account, Totals { debit_rupiah, credit_rupiah });
                }
            }
        }
        books
    }

    /// As the trial balance, of the lines of one subject.
    pub(super) fn part_balance(&self, part: Part, as_of: Option<NaiveDate>, position: i64) -> TrialBalance {
        let narrowed = self.entries.iter().map(|entry| {
            let mut entry = entry.clone();
            entry.lines.retain(|line| line.1.is_some_and(|subject| is(subject, part)));
            entry
        });
        Self { entries: narrowed.collect(), events: Vec::new() }.trial_balance(as_of, position)
    }

    pub(super) fn newest_first(&self, wanted: &Wanted) -> Vec<Booked> {
        let is_part = |subject: &Subject| wanted.part.is_none_or(|part| is(*subject, part));
        let meets = |entry: &&Booked| {
            let any = |is: &dyn Fn(&Line) -> bool| entry.lines.iter().any(is);
            entry.position <= wanted.position
                && wanted.reference.is_none_or(|voucher| names(entry.movement, voucher))
                && wanted.from.is_none_or(|from| from <= entry.business_on)
                && wanted.to.is_none_or(|to| entry.business_on <= to)
                && wanted.account.is_none_or(|account| any(&|line| line.0 == account))
                && any(&|line| line.1.as_ref().map_or(wanted.part.is_none(), is_part))
        };
        self.entries.iter().rev().filter(meets).cloned().collect()
    }

    /// Debits less credits of every part of an account.
    fn sub_ledger(&self, account: Account, position: i64) -> BTreeMap<Subject, i64> {
        let mut parts = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.position <= position) {
            for (of, subject, amount) in &entry.lines {
                if *of == account {
                    *parts.entry(subject.unwrap()).or_default() += amount;
                }
            }
        }
        parts.retain(|_, amount| *amount != 0);
        parts
    }
}

fn is(subject: Subject, part: Part) -> bool {
    match (subject, part) {
        (Subject::Wallet(UserId(id)) | Subject::Transfer(TransferId(id)), Part::Party(part)) => id == part,
        (Subject::Loan(number), Part::Loan(part)) => number == part,
        (_, _) => false,
    }
}

fn names(movement: Movement, voucher: Voucher) -> bool {
    match movement {
        Movement::TopUp(TopUpId(id))
        | Movement::Payment(PaymentId(id))
        | Movement::TransferOut(TransferId(id))
        | Movement::TransferIn(TransferId(id))
        | Movement::TransferReturn(TransferId(id)) => voucher == Voucher::Id(id),
        Movement::Repayment(RepaymentId(id)) | Movement::RepaymentReversal(RepaymentId(id)) => {
            voucher == Voucher::Id(id)
        }
        Movement::Disbursement(loan) | Movement::Accrual(loan) | Movement::WriteOff(loan) => {
            voucher == Voucher::Loan(loan)
        }
    }
}

fn named(fields: &Value) -> Movement {
    let is_credit = fields.get("source").is_some();
    let why = fields[if is_credit { "source" } else { "purpose" }].as_object().unwrap();
    let (kind, reference) = why.iter().next().unwrap();
    let id = |name: &str| reference[name].as_str().unwrap().parse().unwrap();
    match kind.as_str() {
        "top_up" => Movement::TopUp(TopUpId(id("top_up_id"))),
        "disbursement" => Movement::Disbursement(LoanNumber(reference["loan"].as_i64().unwrap())),
        "payment" => Movement::Payment(PaymentId(id("payment_id"))),
        "transfer" if is_credit => Movement::TransferIn(TransferId(id("transfer_id"))),
        "transfer" => Movement::TransferOut(TransferId(id("transfer_id"))),
        "return" => Movement::TransferReturn(TransferId(id("transfer_id"))),
        other => panic!("{other} is new: say here what it is"),
    }
}

fn lines(event_type: &str, stream: &str, fields: &Value) -> Vec<Line> {
    let credited = event_type == "WalletCredited";
    if !credited && event_type != "WalletDebited" {
        return Vec::new();
    }
    let amount = fields["amount_rupiah"].as_i64().unwrap();
    let why = fields[if credited { "source" } else { "purpose" }].as_object().unwrap();
    let (kind, reference) = why.iter().next().unwrap();
    let transfer = || Some(Subject::Transfer(reference["transfer_id"].as_str().unwrap().parse().unwrap()));
    let other = match kind.as_str() {
        "top_up" => (Account::CashAtGateway, None),
        "disbursement" => {
            let loan = Subject::Loan(LoanNumber(reference["loan"].as_i64().unwrap()));
            (Account::LoansReceivablePrincipal, Some(loan))
        }
        "payment" => (Account::MerchantSettlement, None),
        "transfer" | "return" => (Account::TransfersInTransit, transfer()),
        other => panic!("{other} is new: say here what it posts"),
    };
    let wallet = (Account::CustomerWallets, Some(Subject::Wallet(stream.parse().unwrap())));
    let (debit, credit) = if credited { (other, wallet) } else { (wallet, other) };
    vec![(debit.0, debit.1, amount), (credit.0, credit.1, -amount)]
}

/// What the streams themselves say.
#[derive(Default)]
pub(super) struct Streams {
    states: BTreeMap<StreamId, AnyAggregate>,
    /// How often money was on its way, lent, and in a wallet.
    seen: [usize; 3],
}

impl Streams {
    pub(super) fn evolve(&mut self, (stream, event): &(StreamId, AnyEvent)) {
        let state = self.states.entry(stream.clone()).or_insert_with(|| AnyAggregate::unborn(stream.kind));
        state.evolve(event).unwrap();
    }

    fn all<'a, A: Aggregate + 'a>(&'a self) -> impl Iterator<Item = (&'a str, &'a A)> {
        self.states.iter().filter_map(|(stream, state)| Some((&*stream.id, A::of(state)?.as_ref())))
    }

    pub(super) fn assert_equal(&mut self, fold: &Fold, position: i64) {
        let wallets: BTreeMap<_, _> = self
            .all::<Wallet>()
            .map(|(id, wallet)| (Subject::Wallet(id.parse().unwrap()), -wallet.balance().get()))
            .filter(|(_, amount)| *amount != 0)
            .collect();
        assert_eq!(fold.sub_ledger(Account::CustomerWallets, position), wallets, "wallets at {position}");

        let mut transit = BTreeMap::new();
        for (id, transfer) in self.all::<Transfer>() {
            if let Transfer::Started {
                instruction,
                status: TransferStatus::Pending | TransferStatus::Parked,
            } = transfer
            {
                transit.insert(Subject::Transfer(id.parse().unwrap()), -instruction.amount_rupiah.get());
            }
        }
        assert_eq!(
            fold.sub_ledger(Account::TransfersInTransit, position),
            transit,
            "transfers at {position}"
        );

        let mut lent = BTreeMap::new();
        let mut used = BTreeMap::<String, i64>::new();
        for (_, loan) in self.all::<Loan>() {
            let Some(application) = loan.application() else { continue };
            if application.status == LoanStatus::Disbursed {
                let amount = application.submission.amount_rupiah.get();
                lent.insert(Subject::Loan(application.submission.loan), amount);
                *used.entry(application.submission.customer.user_id.to_string()).or_default() += amount;
            }
        }
        let principal = fold.sub_ledger(Account::LoansReceivablePrincipal, position);
        assert_eq!(principal, lent, "loans at {position}");
        for (customer, plafond) in self.all::<Plafond>() {
            let of_customer = used.get(customer).copied().unwrap_or(0);
            let left = match plafond {
                Plafond::Active { remaining_rupiah, .. } => remaining_rupiah.get(),
                Plafond::Unselected | Plafond::Depleted { .. } => 0,
            };
            let limit = crate::people::product(super::history::PRODUCT).amount_rupiah.get();
            assert_eq!(limit - left, of_customer, "plafond of {customer} at {position}");
        }
        for (seen, some) in
            self.seen.iter_mut().zip([!transit.is_empty(), !lent.is_empty(), !wallets.is_empty()])
        {
            *seen += usize::from(some);
        }
    }

    /// That what was compared was not nothing: every end of a transfer, lent and spent money.
    pub(super) fn assert_mixed(&self) {
        assert!(self.seen.iter().all(|seen| *seen > 50), "{:?}", self.seen);
        for wanted in [
            TransferStatus::Pending,
            TransferStatus::Parked,
            TransferStatus::Success,
            TransferStatus::Returned,
        ] {
            assert!(
                self.all::<Transfer>().any(|(_, transfer)| transfer.status() == Some(wanted)),
                "{wanted:?}"
            );
        }
    }
}

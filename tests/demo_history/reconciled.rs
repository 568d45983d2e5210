//! For every loan and wallet, at three dates: what its own stream says is what the general ledger holds of it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use lumbung_domain::{
    Account, Aggregate, Amounts, AnyAggregate, AnyEvent, Component, LendingRules, Loan, LoanNumber, Standing,
    StreamId, Subject, Transfer, TransferStatus, UserId, Wallet, booked_on, postings,
};
use lumbung_journal::{Record, codec};

use super::{ZONE, log, size, story, told};

/// Debits less credits by account and subject, and by account alone.
#[derive(Default)]
struct GeneralLedger {
    parts: BTreeMap<(&'static str, Subject), i64>,
    accounts: BTreeMap<&'static str, i64>,
}

impl GeneralLedger {
    fn take(&mut self, event: &AnyEvent, stream: &str) {
        for posting in postings(event, stream) {
            *self.accounts.entry(posting.account.as_str()).or_default() += posting.signed_rupiah;
            if let Some(subject) = posting.subject {
                *self.parts.entry((posting.account.as_str(), subject)).or_default() += posting.signed_rupiah;
            }
        }
    }

    fn part(&self, account: Account, subject: Subject) -> i64 {
        self.parts.get(&(account.as_str(), subject)).copied().unwrap_or_default()
    }

    fn account(&self, account: Account) -> i64 {
        self.accounts.get(account.as_str()).copied().unwrap_or_default()
    }
}

/// The streams, as their aggregates fold them.
#[derive(Default)]
struct SubLedger(HashMap<StreamId, AnyAggregate>);

impl SubLedger {
    fn take(&mut self, record: &Record, event: &AnyEvent) {
        let state = self.0.entry(record.stream.clone());
        let state = state.or_insert_with(|| AnyAggregate::unborn(record.stream.kind));
        state.evolve(event).unwrap();
    }

    fn all<'a, A: Aggregate + 'a>(&'a self) -> impl Iterator<Item = (&'a str, &'a A)> {
        self.0.iter().filter_map(|(stream, state)| Some((&*stream.id, A::of(state)?.as_ref())))
    }
}

/// What the books hold of a loan: what was charged and not paid, unless they gave it up.
fn held(loan: &Loan) -> Amounts {
    loan.debt().map_or_else(Amounts::default, |debt| match debt.standing {
        Standing::WrittenOff { .. } => Amounts::default(),
        Standing::Active | Standing::PaidOff => debt.outstanding(),
    })
}

#[tokio::test]
async fn sub_ledgers_are_the_general_ledger() {
    let (customers, days) = size(24, 300);
    let story = story(customers, days, 11);
    let (database, _) = told(story).await;
    let log = log(&database).await;
    let mut compared = (0, 0);
    for percent in [40, 75, 100] {
        let on = story.begins_on.checked_add_days(Days::new(days * percent / 100)).unwrap();
        let (loans, wallets) = compare(&log, on);
        assert!(loans > 0 && wallets > 0, "nothing to compare on {on}");
        compared = (compared.0 + loans, compared.1 + wallets);
    }
    println!("{} loans and {} wallets are what the general ledger says", compared.0, compared.1);
}

/// As known at the end of a day. Answers how many loans and wallets there were.
fn compare(log: &[Record], on: NaiveDate) -> (usize, usize) {
    let (mut books, mut streams) = (GeneralLedger::default(), SubLedger::default());
    for record in log.iter().take_while(|record| day(record.recorded_at) <= on) {
        let event = codec::decode(record).unwrap();
        // By position and by business date it is the same here: nothing is booked ahead.
        assert!(booked_on(&event).is_none_or(|booked| booked <= on), "{record:?}");
        books.take(&event, &record.stream.id);
        streams.take(record, &event);
    }
    let mut loans = 0;
    let mut receivable = Amounts::default();
    for (number, loan) in streams.all::<Loan>() {
        let number: LoanNumber = number.parse().unwrap();
        let held = held(loan);
        for component in Component::ALL {
            let booked = books.part(Account::receivable(*component), Subject::Loan(number));
            assert_eq!(booked, held.of(*component), "{component:?} of loan {number} on {on}");
            receivable.add(*component, held.of(*component));
        }
        let Some(debt) = loan.debt() else { continue };
        loans += 1;
        // Lived through once more from its agreement and its repayments, it is the same debt.
        let about = debt.about(on, &LendingRules::default()).unwrap();
        assert_eq!(about.outstanding(), debt.outstanding(), "loan {number} about {on}");
        if debt.standing == Standing::Active {
            assert_eq!(debt.closed_through_on, on, "loan {number} has open days on {on}");
        }
    }
    for component in Component::ALL {
        let whole = books.account(Account::receivable(*component));
        assert_eq!(whole, receivable.of(*component), "{component:?} of all loans on {on}");
    }
    (loans, compare_wallets(&books, &streams, on))
}

fn compare_wallets(books: &GeneralLedger, streams: &SubLedger, on: NaiveDate) -> usize {
    let (mut wallets, mut owed) = (0, 0);
    for (owner, wallet) in streams.all::<Wallet>() {
        let owner: UserId = owner.parse().unwrap();
        let balance = wallet.balance().get();
        assert_eq!(-books.part(Account::CustomerWallets, Subject::Wallet(owner)), balance, "{owner} on {on}");
        (wallets, owed) = (wallets + 1, owed + balance);
    }
    assert_eq!(-books.account(Account::CustomerWallets), owed, "all wallets on {on}");
    let open: i64 = streams
        .all::<Transfer>()
        .map(|(_, transfer)| match transfer {
            Transfer::Started { instruction, status: TransferStatus::Pending | TransferStatus::Parked } => {
                instruction.amount_rupiah.get()
            }
            Transfer::Started { .. } | Transfer::Unstarted => 0,
        })
        .sum();
    assert_eq!(-books.account(Account::TransfersInTransit), open, "transfers on {on}");
    assert_eq!(books.accounts.values().sum::<i64>(), 0, "debits less credits on {on}");
    wallets
}

fn day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

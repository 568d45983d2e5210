//! Many loans, written straight into the log: chained and encoded as the loop does it, decided by the rules.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use lumbung_domain::{
    Aggregate, AnyEvent, BranchCode, BranchId, BranchSnapshot, CustomerSnapshot, LendingRules, Loan,
    LoanCommand, LoanEvent, LoanNumber, Officer, Place, ProductId, ProductTerms, Rate, Rupiah, Sealed,
    ServicingTerms, StreamId, Submission, Tenor, UserId, UserNumber, Wallet, WalletCommand, WalletSource,
};
use lumbung_journal::{Appender, Batch, Hash, Head, Record, Verdict, codec, read};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

/// Beyond the numbers that anybody draws.
const FIRST_LOAN: i64 = 1_000_000;
const BATCH: usize = 5_000;

/// Writes `loans` that are closed through `day`, lent on the days up to `ages` before it, each to somebody else.
pub(super) async fn fill(database: &PgConnectOptions, pool: &PgPool, loans: i64, ages: u64, day: NaiveDate) {
    let mut log = Log {
        appender: Appender::new(database.clone(), Duration::from_secs(60)),
        head: read::head(pool).await.unwrap(),
        batch: None,
    };
    let rules = Arc::new(LendingRules::default());
    for number in 0..loans {
        let lent_on = day - Days::new(u64::try_from(number).unwrap() % (ages + 1));
        let (number, owner) = (LoanNumber(FIRST_LOAN + number), UserId(Uuid::now_v7()));
        let mut sequence = 0;
        for event in life(number, owner, lent_on, day, &rules) {
            sequence += 1;
            log.add(StreamId::of::<Loan>(number), sequence, event.into()).await;
        }
        let amount = Rupiah::from_const(AMOUNT);
        let source = WalletSource::Disbursement { loan: number };
        let credit = WalletCommand::Credit { owner, amount, source, remarks: None, business_on: lent_on };
        for (place, event) in Wallet::default().decide(credit).unwrap().into_iter().enumerate() {
            log.add(StreamId::of::<Wallet>(owner), place as i64 + 1, event.into()).await;
        }
    }
    log.send().await;
}

const AMOUNT: i64 = 3_000_000;

/// From the application to the days up to `day`.
fn life(
    number: LoanNumber,
    owner: UserId,
    lent_on: NaiveDate,
    day: NaiveDate,
    rules: &Arc<LendingRules>,
) -> Vec<LoanEvent> {
    let mut loan = Loan::default();
    let mut events = vec![
        LoanEvent::LoanSubmitted(Box::new(submission(number, owner, lent_on))),
        LoanEvent::LoanDisbursed {
            officer: Officer { user_id: owner, name: sealed("name"), branch_location: None },
            note: None,
            amount_rupiah: Rupiah::from_const(AMOUNT),
            business_on: lent_on,
        },
    ];
    events.iter().for_each(|event| loan.evolve(event));
    let schedule = LoanCommand::Schedule { rules: Box::new(rules.on(lent_on)), business_on: lent_on };
    for command in [schedule, LoanCommand::CloseThrough { on: day, rules: Arc::clone(rules) }] {
        let decided = loan.decide(command).unwrap();
        decided.iter().for_each(|event| loan.evolve(event));
        events.extend(decided);
    }
    events
}

fn submission(loan: LoanNumber, user_id: UserId, business_on: NaiveDate) -> Submission {
    let (amount, tenor, rate) =
        (Rupiah::from_const(AMOUNT), Tenor::from_const(12), Rate::from_e4_const(120_000));
    Submission {
        loan,
        customer: CustomerSnapshot {
            user_id,
            number: UserNumber(loan.0),
            name: sealed("name"),
            email: Some(sealed("email")),
            nik: Some(sealed("nik")),
            phone: Some(sealed("phone")),
            address: Some(sealed("address")),
            birthdate: Some(sealed("birthdate")),
            ktp: None,
            kk: None,
            npwp: None,
        },
        product: ProductTerms {
            product_id: ProductId(1),
            name: "BRONZE".to_owned(),
            amount_rupiah: Rupiah::from_const(5_000_000),
            tenor_months: tenor,
            interest_rate: rate,
            servicing: ServicingTerms::STANDARD,
        },
        branch: BranchSnapshot {
            branch_id: BranchId(1),
            code: BranchCode::new("JKT").unwrap(),
            location: Place::new("Jakarta").unwrap(),
        },
        amount_rupiah: amount,
        tenor_months: tenor,
        interest_rate: rate,
        submitted_at: now(),
        business_on,
    }
}

/// As long as a sealed value is.
fn sealed<T>(text: &str) -> Sealed<T> {
    Sealed::from_ciphertext(format!("{text}{}", "x".repeat(80)))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap()
}

struct Log {
    appender: Appender,
    head: Head,
    batch: Option<Batch>,
}

impl Log {
    async fn add(&mut self, stream: StreamId, sequence: i64, event: AnyEvent) {
        let (head, recorded_at) = (self.head, now());
        let batch = self.batch.get_or_insert_with(|| Batch {
            expected: head,
            last: head,
            recorded_at,
            records: Vec::new(),
            answers: Vec::new(),
            person_keys: Vec::new(),
        });
        let mut record = Record {
            position: head.position + 1,
            stream,
            sequence,
            event_type: Cow::Borrowed(event.event_type()),
            event_version: Cow::Borrowed(event.event_version()),
            payload: codec::encode(&event).unwrap(),
            metadata: r#"{"use_case":"Fill"}"#.to_owned(),
            recorded_at: batch.recorded_at,
            hash: Hash::GENESIS,
        };
        record.hash = record.expected_hash(head.hash);
        self.head = record.head();
        batch.last = self.head;
        batch.records.push(record);
        if batch.records.len() >= BATCH {
            self.send().await;
        }
    }

    async fn send(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        assert_eq!(self.appender.append(&batch).await.unwrap(), Verdict::Appended);
    }
}

//! Lifelike data: a history of customers, told day by day to the real ledger through its own use cases.
//!
//! The same seed, dates and size make the same log, but for what is random on purpose: the keys of people and of the ledger, and
//! so everything sealed, keyed hashes, and the chain. The history ends at the beginning of a day, with the days of all loans closed
//! up to it, so that a server goes on from there. Bounds: [`MOST_CUSTOMERS`]; the streams of the whole history are in memory.
//!
//! Only an empty log can be told a history: events are recorded in the order of time, and of what came before the ledger was
//! opened there can be none.

mod agenda;
mod borrowing;
mod character;
mod days;
mod dice;
mod errands;
mod house;
mod mirror;
mod people;
mod repaying;
mod scene;
mod wallets;

use std::time::Duration;

use chrono::{Days, Months, NaiveDate};
use chrono_tz::Tz;
use lumbung_commands::ledger::{LoopFailed, Options};
use lumbung_commands::{Ledger, NoAnswer};
use lumbung_domain::{Invalid, LedgerId, Rejection};
use lumbung_journal::{Head, JournalError, KeyError, Lease, app_pool, migrate, read};
use serde::Serialize;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::auth::PasswordsError;
use crate::cli::Exit;
use crate::demo::DemoError;
use dice::Dice;
use scene::{Hands, derived_id, instant};

pub const MOST_CUSTOMERS: u32 = 10_000;
pub const MOST_YEARS: u32 = 10;

/// Nobody else tells a history to the same database meanwhile.
const LEASE: &str = "demo-history";
/// When the ledger is opened on its first day.
const OPENS_AT: u32 = 6 * 3_600;
/// Every stream stays in memory: one that had to be loaded would be decided after the others.
const STREAMS: usize = 4_000_000;
/// A busy machine is no reason to end.
const ANSWER_WITHIN: Duration = Duration::from_secs(300);

/// What history.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    pub begins_on: NaiveDate,
    /// The day at whose beginning it ends.
    pub ends_on: NaiveDate,
    pub customers: u32,
    pub seed: u64,
    /// The lender's.
    pub zone: Tz,
    /// Whether the ledger's identity comes from the seed too. Otherwise it is drawn.
    pub derives_ledger: bool,
}

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    pub begins_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub events: i64,
    pub customers: u32,
    pub loans: Loans,
    pub repayments: u64,
    pub reversals: u64,
    pub transfers: u64,
    pub payments: u64,
    pub top_ups: u64,
}

/// Applications by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loans {
    pub pending: u64,
    pub rejected: u64,
    pub cancelled: u64,
    pub expired: u64,
    pub disbursed: u64,
    pub paid_off: u64,
    pub written_off: u64,
}

/// How far it got.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub days: u64,
    pub of_days: u64,
    pub events: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(
        "the ledger is not empty: it holds {events} events, and a history can only be told from the first one on"
    )]
    NotEmpty { events: i64 },
    #[error("somebody else writes to this ledger; start again with an empty database")]
    Disturbed,
    #[error("the calendar does not hold these days")]
    Calendar,
    #[error("{use_case} was refused: {rejection}")]
    Refused { use_case: &'static str, rejection: Rejection },
    #[error("nobody of the demo data is {0}")]
    NoOfficer(&'static str),
    #[error("a value of the history: {0}")]
    Value(#[from] Invalid),
    #[error("the demo accounts")]
    Demo(#[from] DemoError),
    #[error("the password of the customers")]
    Password(#[from] PasswordsError),
    #[error("person keys")]
    Keys(#[from] KeyError),
    #[error("the database")]
    Database(#[from] sqlx::Error),
    #[error("the journal")]
    Journal(#[from] JournalError),
    #[error("the ledger did not answer: {0}")]
    NoAnswer(#[from] NoAnswer),
    #[error("the ledger stopped")]
    Loop(#[from] LoopFailed),
}

impl HistoryError {
    /// Whose turn it is to do something about it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotEmpty { .. } | Self::Disturbed => Exit::Finding,
            Self::Calendar => Exit::Usage,
            Self::Database(_) => Exit::Environment,
            Self::Journal(error) if error.is_transient() => Exit::Environment,
            Self::Refused { .. }
            | Self::NoOfficer(_)
            | Self::Value(_)
            | Self::Demo(_)
            | Self::Password(_)
            | Self::Keys(_)
            | Self::Journal(_)
            | Self::NoAnswer(_)
            | Self::Loop(_) => Exit::Fatal,
        }
    }
}

impl Story {
    /// The small one that a server on an empty ledger begins with: long enough for a loan to be written off.
    ///
    /// # Errors
    /// [`HistoryError::Calendar`].
    pub fn small(ends_on: NaiveDate, zone: Tz) -> Result<Self, HistoryError> {
        let begins_on = ends_on.checked_sub_months(Months::new(9)).ok_or(HistoryError::Calendar)?;
        Ok(Self { begins_on, ends_on, customers: 12, seed: 7, zone, derives_ledger: false })
    }

    /// One of whole years.
    ///
    /// # Errors
    /// [`HistoryError::Calendar`].
    pub fn of_years(
        years: u32,
        customers: u32,
        seed: u64,
        ends_on: NaiveDate,
        zone: Tz,
    ) -> Result<Self, HistoryError> {
        let months = Months::new(years.saturating_mul(12));
        let begins_on = ends_on.checked_sub_months(months).ok_or(HistoryError::Calendar)?;
        Ok(Self { begins_on, ends_on, customers, seed, zone, derives_ledger: true })
    }

    fn days(&self) -> u64 {
        (self.ends_on - self.begins_on).num_days().unsigned_abs()
    }
}

/// How many events there are in a database; migrates it first.
///
/// # Errors
/// The database fails.
pub async fn events(database: &PgConnectOptions) -> Result<i64, JournalError> {
    migrate(database).await?;
    let pool = app_pool(database, 1).await?;
    let head = read::head(&pool).await;
    pool.close().await;
    Ok(head?.position)
}

/// Tells a history to an empty database: reference data, the demo accounts, and then its customers.
///
/// # Errors
/// [`HistoryError::NotEmpty`] before anything is written; after any other error the log holds the beginning of a history.
pub async fn tell(
    options: Options,
    story: Story,
    progress: impl FnMut(Progress) + Send,
) -> Result<Told, HistoryError> {
    migrate(&options.database).await?;
    let lease = Lease::wait(&options.database, LEASE).await?;
    let told = tell_alone(options, story, progress).await;
    lease.give_back().await;
    told
}

async fn tell_alone(
    options: Options,
    story: Story,
    progress: impl FnMut(Progress) + Send,
) -> Result<Told, HistoryError> {
    let events = events(&options.database).await?;
    if events != Head::EMPTY.position {
        return Err(HistoryError::NotEmpty { events });
    }
    let hands = Hands::default();
    let opened_at = instant(story.zone, story.begins_on, OPENS_AT);
    hands.set(opened_at);
    let id = LedgerId(if story.derives_ledger {
        derived_id(opened_at, &mut Dice::of(story.seed, "ledger", story.days()))
    } else {
        Uuid::now_v7()
    });
    let (ledger, task) = Ledger::open(Options {
        clock: hands.clock(),
        new_ledger: Some(id),
        cached_streams: STREAMS,
        answer_within: ANSWER_WITHIN,
        ..options
    })
    .await?;
    let pool = ledger.pool().clone();
    let told = if ledger.id() == id {
        days::tell(ledger, hands, story, progress).await
    } else {
        drop(ledger);
        Err(HistoryError::Disturbed)
    };
    let finished = task.finished().await;
    pool.close().await;
    finished?;
    told
}

fn days_later(day: NaiveDate, days: u64) -> Result<NaiveDate, HistoryError> {
    day.checked_add_days(Days::new(days)).ok_or(HistoryError::Calendar)
}

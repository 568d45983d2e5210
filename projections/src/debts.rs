//! What was paid out, paid back and given up of a loan? The events of its own stream, without a table.

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, Loan, LoanEvent, LoanNumber, StreamId};
use lumbung_journal::{Fact, JournalError, read};
use sqlx::PgPool;

use crate::page::{Cursor, Limit, Page};

/// The events that move a loan's money. Days are not among them: a loan has hundreds, and what they charge is shown with
/// what pays it.
const TYPES: [&str; 4] = ["LoanDisbursed", "RepaymentReceived", "RepaymentReversed", "LoanWrittenOff"];

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LoanTransaction {
    pub position: i64,
    /// Within the loan; lists are ordered by it.
    pub sequence: i64,
    pub recorded_at: DateTime<Utc>,
    pub event: LoanEvent,
}

/// What moved a loan's money up to a position, newest first. `pool`: any connections of the application.
///
/// # Errors
/// The journal could not be read.
pub async fn transactions(
    pool: &PgPool,
    loan: LoanNumber,
    position: i64,
    limit: Limit,
    before: Option<Cursor>,
) -> Result<Page<LoanTransaction>, JournalError> {
    let stream = StreamId::of::<Loan>(loan);
    let before = before.map_or(i64::MAX, |cursor| cursor.0);
    let fetched = Page::<LoanTransaction>::fetched(limit);
    let records = read::stream_backwards(pool, &stream, &TYPES, before, position, fetched).await?;
    let mut rows = Vec::with_capacity(records.len());
    for record in &records {
        let fact = Fact::decode(record)?;
        let AnyEvent::Loan(event) = fact.event else {
            return Err(JournalError::Malformed { what: "kind of a stream" });
        };
        let (position, sequence, recorded_at) = (fact.position, fact.sequence, fact.recorded_at);
        rows.push(LoanTransaction { position, sequence, recorded_at, event });
    }
    Ok(Page::cut(rows, limit, |row| row.sequence))
}

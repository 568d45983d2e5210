//! The numbers that people see are drawn from sequences; after an import they go on behind those of the log.

use lumbung_domain::{AnyEvent, PlafondEvent, StreamId, UserEvent};
use sqlx::PgConnection;

/// Every sequence that numbers are drawn from. Whoever adds one adds here how its numbers are found in the events.
pub const SEQUENCES: [&str; 5] =
    ["branch_number", "loan_number", "plafond_number", "product_number", "user_number"];

/// The highest number of each sequence that was seen, in the order of [`SEQUENCES`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Highest([i64; SEQUENCES.len()]);

impl Highest {
    pub(super) fn see(&mut self, stream: &StreamId, event: &AnyEvent) {
        let of_stream = || stream.id.parse().unwrap_or(0);
        let (sequence, number) = match event {
            AnyEvent::Branch(_) => (0, of_stream()),
            AnyEvent::Loan(_) => (1, of_stream()),
            AnyEvent::Plafond(PlafondEvent::PlafondSelected { number, .. }) => (2, number.0),
            AnyEvent::Product(_) => (3, of_stream()),
            AnyEvent::User(UserEvent::UserRegistered(registration)) => (4, registration.number.0),
            AnyEvent::Ledger(_)
            | AnyEvent::LendingRules(_)
            | AnyEvent::Role(_)
            | AnyEvent::Staff(_)
            | AnyEvent::User(_)
            | AnyEvent::Claim(_)
            | AnyEvent::Session(_)
            | AnyEvent::Plafond(_)
            | AnyEvent::Wallet(_)
            | AnyEvent::Transfer(_)
            | AnyEvent::Message(_)
            | AnyEvent::Document(_) => return,
        };
        self.0[sequence] = self.0[sequence].max(number);
    }

    /// Lets the sequences go on behind what was seen; none goes back.
    pub(super) async fn pass_over(&self, owner: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (name, highest) in SEQUENCES.iter().zip(self.0).filter(|(_, highest)| *highest > 0) {
            let sql = format!(
                "select setval('journal.{name}', $1) from journal.{name}
                 where $1 >= case when is_called then last_value + 1 else last_value end"
            );
            sqlx::query(&sql).bind(highest).execute(&mut *owner).await?;
        }
        Ok(())
    }
}

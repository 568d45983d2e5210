//! What callers and batches are measured by: histograms of the `metrics` facade.
//!
//! A command costs two looks at the clock, one shared lock and one entry into a histogram; nothing is formatted and nothing
//! is allocated after the first command of a kind. Whoever wants numbers installs a recorder before the ledger opens.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Histogram, histogram};

use super::ticket::{Answer, NoAnswer};

/// How a command ended, as its caller saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Accepted,
    Refused,
    Replayed,
    Overloaded,
    Unknown,
    Failed,
}

impl Ending {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Accepted, "accepted"),
        (Self::Refused, "refused"),
        (Self::Replayed, "replayed"),
        (Self::Overloaded, "overloaded"),
        (Self::Unknown, "unknown"),
        (Self::Failed, "failed"),
    ];

    pub(super) fn of<T>(told: &Result<Answer<T>, NoAnswer>) -> Self {
        match told {
            Ok(answer) if answer.replayed => Self::Replayed,
            Ok(Answer { outcome: Ok(_), .. }) => Self::Accepted,
            Ok(Answer { outcome: Err(_), .. }) => Self::Refused,
            Err(NoAnswer::Overloaded) => Self::Overloaded,
            Err(NoAnswer::OutcomeUnknown) => Self::Unknown,
            Err(NoAnswer::Failed) => Self::Failed,
        }
    }
}

/// One histogram per ending, in the order of the enum.
type Endings = [Histogram; Ending::ALL.len()];

#[derive(Debug)]
pub(super) struct Meters {
    pub(super) batch_commands: Histogram,
    pub(super) batch_events: Histogram,
    /// From handing a batch to the database until its answer is definite.
    pub(super) append: Histogram,
    /// By name of the use case; as many as there are use cases.
    commands: RwLock<HashMap<&'static str, Arc<Endings>>>,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            batch_commands: histogram!("lumbung_batch_commands"),
            batch_events: histogram!("lumbung_batch_events"),
            append: histogram!("lumbung_append_seconds"),
            commands: RwLock::new(HashMap::new()),
        }
    }

    pub(super) fn command(&self, use_case: &'static str, ending: Ending, took: Duration) {
        self.endings(use_case)[ending as usize].record(took);
    }

    fn endings(&self, use_case: &'static str) -> Arc<Endings> {
        let known = self.commands.read().unwrap_or_else(PoisonError::into_inner).get(use_case).cloned();
        known.unwrap_or_else(|| {
            let mut commands = self.commands.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(commands.entry(use_case).or_insert_with(|| {
                Arc::new(Ending::ALL.map(|(_, outcome)| {
                    histogram!("lumbung_command_seconds", "use_case" => use_case, "outcome" => outcome)
                }))
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_stand_where_their_number_says() {
        for (index, (ending, _)) in Ending::ALL.iter().enumerate() {
            assert_eq!(*ending as usize, index);
        }
    }
}

//! How far a node's reads have come, and waiting for it.

use std::time::Duration;

use tokio::sync::watch;

/// How long a read waits for the read models unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The position that reads on this node show. Falls only when PostgreSQL lost asynchronously committed batches in
/// a crash; then they are projected again.
#[derive(Debug)]
pub(crate) struct Progress(watch::Sender<i64>);

impl Progress {
    pub(crate) fn new(position: i64) -> Self {
        Self(watch::Sender::new(position))
    }

    pub(crate) fn get(&self) -> i64 {
        *self.0.borrow()
    }

    pub(crate) fn raise(&self, position: i64) {
        self.0.send_if_modified(|held| {
            let higher = position > *held;
            *held = position.max(*held);
            higher
        });
    }

    /// Sets what a fresh look at the checkpoint found, unless the position changed since `before`, when the look began.
    pub(crate) fn correct(&self, before: i64, position: i64) {
        self.0.send_if_modified(|held| {
            let wrong = *held == before && position != before;
            if wrong {
                *held = position;
            }
            wrong
        });
    }

    pub(crate) fn freshness(&self) -> Freshness {
        Freshness(self.0.subscribe())
    }
}

/// Waits until the reads of this node show a position.
#[derive(Debug, Clone)]
pub struct Freshness(watch::Receiver<i64>);

/// The read models did not reach the position in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reads show {projected}, not yet {wanted}")]
pub struct Behind {
    pub wanted: i64,
    pub projected: i64,
}

impl Freshness {
    /// The position that reads show now.
    #[must_use]
    pub fn projected(&self) -> i64 {
        *self.0.borrow()
    }

    /// Waits until reads show `position`, for at most `patience` (see [`PATIENCE`]). Answers what they show. Take the
    /// live schema from the [`crate::Reader`] after this, not before.
    ///
    /// # Errors
    /// [`Behind`] when the time is over.
    pub async fn wait_for(&self, position: i64, patience: Duration) -> Result<i64, Behind> {
        let mut progress = self.0.clone();
        let reached = tokio::time::timeout(patience, progress.wait_for(|held| *held >= position)).await;
        match reached {
            Ok(Ok(held)) => Ok(*held),
            Ok(Err(_)) | Err(_) => Err(Behind { wanted: position, projected: self.projected() }),
        }
    }
}

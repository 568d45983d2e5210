//! What the settlement of transfers does and has done on this node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use lumbung_domain::TransferStatus;
use tokio::sync::watch;

use super::agenda::Agenda;

/// What a node's settlement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementState {
    /// Another node works, or the database is away.
    Standby,
    /// It works, and has finished everything up to the checkpoint.
    Running { checkpoint: i64 },
}

/// Counts of this node since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettlementCounts {
    pub settled: u64,
    pub returned: u64,
    pub parked: u64,
    /// Requests that got no answer or failed, and were made again.
    pub retried: u64,
    /// Transfers that this node holds open now.
    pub open: usize,
    /// Requests that wait for their answer now.
    pub under_way: usize,
}

#[derive(Debug, Default)]
struct Counters {
    settled: AtomicU64,
    returned: AtomicU64,
    parked: AtomicU64,
    retried: AtomicU64,
    open: AtomicUsize,
    under_way: AtomicUsize,
}

pub(super) struct Progress {
    state: watch::Sender<SettlementState>,
    counters: Arc<Counters>,
}

/// For operators. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SettlementProgress {
    state: watch::Receiver<SettlementState>,
    counters: Arc<Counters>,
}

impl Progress {
    pub(super) fn new() -> (Self, SettlementProgress) {
        let (sender, state) = watch::channel(SettlementState::Standby);
        let counters = Arc::<Counters>::default();
        (Self { state: sender, counters: Arc::clone(&counters) }, SettlementProgress { state, counters })
    }

    /// It works no more, so nothing is in its hands.
    pub(super) fn standby(&self) {
        self.counters.open.store(0, Relaxed);
        self.counters.under_way.store(0, Relaxed);
        self.state.send_replace(SettlementState::Standby);
    }

    pub(super) fn show(&self, agenda: &Agenda, under_way: usize) {
        self.counters.open.store(agenda.open(), Relaxed);
        self.counters.under_way.store(under_way, Relaxed);
        self.state.send_replace(SettlementState::Running { checkpoint: agenda.checkpoint() });
    }

    pub(super) fn ended(&self, status: TransferStatus) {
        let counter = match status {
            TransferStatus::Success => &self.counters.settled,
            TransferStatus::Returned => &self.counters.returned,
            TransferStatus::Parked => &self.counters.parked,
            // It is never left so.
            TransferStatus::Pending => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self) {
        self.counters.retried.fetch_add(1, Relaxed);
    }
}

impl SettlementProgress {
    #[must_use]
    pub fn state(&self) -> SettlementState {
        *self.state.borrow()
    }

    #[must_use]
    pub fn counts(&self) -> SettlementCounts {
        let Counters { settled, returned, parked, retried, open, under_way } = &*self.counters;
        SettlementCounts {
            settled: settled.load(Relaxed),
            returned: returned.load(Relaxed),
            parked: parked.load(Relaxed),
            retried: retried.load(Relaxed),
            open: open.load(Relaxed),
            under_way: under_way.load(Relaxed),
        }
    }

    /// Waits until the state is one that is asked for; false if the task is gone before.
    pub async fn until(&self, wanted: impl FnMut(&SettlementState) -> bool) -> bool {
        self.state.clone().wait_for(wanted).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_in_the_hands_of_one_that_stands_by() {
        let (progress, shown) = Progress::new();
        let agenda = Agenda::new(7);
        progress.show(&agenda, 256);
        progress.counters.open.store(9, Relaxed);
        progress.ended(TransferStatus::Success);
        assert_eq!(
            (shown.state(), shown.counts().under_way),
            (SettlementState::Running { checkpoint: 7 }, 256)
        );
        progress.standby();
        let counts = SettlementCounts { settled: 1, ..SettlementCounts::default() };
        assert_eq!((shown.state(), shown.counts()), (SettlementState::Standby, counts));
    }
}

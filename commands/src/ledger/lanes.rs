//! The bounded ways into the loop.
//!
//! Clients and process managers queue separately: managers get at most an eighth of a batch while clients wait, never
//! nothing, and whatever room the clients leave. A full client lane refuses at once.

use std::collections::VecDeque;

use lumbung_journal::Head;
use tokio::sync::{mpsc, oneshot};

use super::catch_up::CacheCheck;
use super::ticket::Ticket;

/// The managers' share of a batch while clients wait.
const MANAGERS_SHARE: usize = 8;

/// Questions to the loop itself.
pub(super) enum Control {
    CheckCache(oneshot::Sender<CacheCheck>),
    Head(oneshot::Sender<Head>),
}

/// The loop's ends of the lanes.
pub(super) struct Lanes {
    clients: mpsc::Receiver<Box<dyn Ticket>>,
    managers: mpsc::Receiver<Box<dyn Ticket>>,
}

/// The handles' ends.
#[derive(Clone)]
pub(super) struct LaneEntrances {
    pub(super) clients: mpsc::Sender<Box<dyn Ticket>>,
    pub(super) managers: mpsc::Sender<Box<dyn Ticket>>,
    pub(super) controls: mpsc::Sender<Control>,
}

pub(super) fn lanes(clients: usize, managers: usize) -> (LaneEntrances, Lanes, mpsc::Receiver<Control>) {
    let (to_clients, clients) = mpsc::channel(clients.max(1));
    let (to_managers, managers) = mpsc::channel(managers.max(1));
    let (to_controls, controls) = mpsc::channel(16);
    (
        LaneEntrances { clients: to_clients, managers: to_managers, controls: to_controls },
        Lanes { clients, managers },
        controls,
    )
}

impl Lanes {
    /// Waits for at least one ticket and takes up to `most`; false once no handle is left.
    pub(super) async fn take(&mut self, most: usize, into: &mut VecDeque<Box<dyn Ticket>>) -> bool {
        let first = tokio::select! {
            biased;
            Some(first) = self.clients.recv() => first,
            Some(first) = self.managers.recv() => first,
            // Both are empty and without entrances.
            else => return false,
        };
        into.push_back(first);
        self.take_ready(most, into);
        true
    }

    /// Takes what is there already, up to `most` in all.
    pub(super) fn take_ready(&mut self, most: usize, into: &mut VecDeque<Box<dyn Ticket>>) {
        let share = most / MANAGERS_SHARE;
        let clients_wait = !self.clients.is_empty();
        let mut managers = 0;
        while into.len() < most && (!clients_wait || managers < share) {
            let Ok(ticket) = self.managers.try_recv() else { break };
            into.push_back(ticket);
            managers += 1;
        }
        while into.len() < most {
            let Ok(ticket) = self.clients.try_recv() else { break };
            into.push_back(ticket);
        }
        // No client waits any more; what is left of the batch is theirs.
        while into.len() < most {
            let Ok(ticket) = self.managers.try_recv() else { break };
            into.push_back(ticket);
        }
    }
}

//! How much memory what clients send and fetch may take, whatever they do.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in pieces of this size.
const PIECE_BYTES: usize = 1024;

/// What all requests of one sort may take together.
pub struct Memory {
    free: Arc<Semaphore>,
    pieces: usize,
}

/// What one request takes of it, given back when dropped.
pub struct Held {
    free: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Memory {
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let pieces = usize::try_from(bytes).unwrap_or(usize::MAX) / PIECE_BYTES;
        let pieces = pieces.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(pieces)), pieces }
    }

    /// Begins to count for one request.
    #[must_use]
    pub fn hold(&self) -> Held {
        Held { free: Arc::clone(&self.free), permit: None, bytes: 0 }
    }

    /// Bytes that are held now, in whole pieces.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.pieces.saturating_sub(self.free.available_permits()).saturating_mul(PIECE_BYTES)
    }
}

impl Held {
    /// Counts more bytes; call it before they are taken. False: all together would take too much, and they do not count.
    #[must_use]
    pub fn more(&mut self, bytes: usize) -> bool {
        let total = self.bytes.saturating_add(bytes);
        let pieces = total.div_ceil(PIECE_BYTES) - self.bytes.div_ceil(PIECE_BYTES);
        let Ok(pieces) = u32::try_from(pieces) else { return false };
        let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(pieces) else { return false };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.bytes = total;
        true
    }

    /// Gives bytes back.
    pub fn less(&mut self, bytes: usize) {
        let left = self.bytes.saturating_sub(bytes);
        let pieces = self.bytes.div_ceil(PIECE_BYTES) - left.div_ceil(PIECE_BYTES);
        self.bytes = left;
        drop(self.permit.as_mut().and_then(|held| held.split(pieces)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_together() {
        let memory = Memory::new(4096);
        let (mut one, mut other) = (memory.hold(), memory.hold());
        assert!(one.more(1) && one.more(1023) && one.more(2048));
        assert!(other.more(1024));
        assert!(!other.more(1));
        drop(one);
        assert!(other.more(1));
        assert!(!memory.hold().more(usize::MAX));
        assert_eq!(memory.taken(), 2048);
    }

    #[test]
    fn what_is_given_back_is_free_again() {
        let memory = Memory::new(4096);
        let mut held = memory.hold();
        assert!(held.more(4096) && !held.more(1));
        held.less(1024);
        assert_eq!(memory.taken(), 3072);
        // What was refused did not count.
        assert!(held.more(1024) && !held.more(1));
        held.less(usize::MAX);
        assert_eq!(memory.taken(), 0);
        held.less(1);
        assert!(held.more(4096));
        drop(held);
        assert_eq!(memory.taken(), 0);
    }
}

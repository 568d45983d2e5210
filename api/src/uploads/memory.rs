//! How much of the memory files may take, in and out, whatever the clients do.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in pieces of this size.
const PIECE_BYTES: usize = 1024;

/// What all files on one way may take together.
pub(super) struct Memory(Arc<Semaphore>);

/// What one request takes of it, given back when dropped.
pub struct Held {
    memory: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(bytes: u64) -> Self {
        let pieces = usize::try_from(bytes).unwrap_or(usize::MAX) / PIECE_BYTES;
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn hold(&self) -> Held {
        Held { memory: Arc::clone(&self.0), permit: None, bytes: 0 }
    }
}

impl Held {
    /// Counts more bytes. False: all together take too much already.
    #[must_use]
    pub fn more(&mut self, bytes: usize) -> bool {
        let before = self.bytes.div_ceil(PIECE_BYTES);
        self.bytes = self.bytes.saturating_add(bytes);
        let Ok(pieces) = u32::try_from(self.bytes.div_ceil(PIECE_BYTES) - before) else { return false };
        let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(pieces) else { return false };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        true
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
    }
}

//! Reading a body whole: against a limit of size, and against the memory that all bodies share.
//!
//! Memory is counted before it is taken, and as much as is taken: a body that grows is for a moment there twice.

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use futures_util::StreamExt;
use std::time::Duration;

use super::error::ApiError;
use crate::memory::Held;

const FIRST_BYTES: usize = 1024;
/// What a refused body may still send, so that its sender lives to read why, and for how long.
const DRAINED_WITHIN: Duration = Duration::from_secs(2);

/// A body on its way in.
pub(super) struct Incoming {
    stream: BodyDataStream,
    limit_bytes: u64,
    announced: Option<u64>,
    /// Whether the sender waits to be asked for the body. Who is not asked sends none.
    waits: bool,
}

impl Incoming {
    pub(super) fn new(headers: &HeaderMap, body: Body, limit_bytes: u64) -> Self {
        Self {
            stream: body.into_data_stream(),
            limit_bytes,
            announced: headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()),
            waits: headers.contains_key(EXPECT),
        }
    }

    /// # Errors
    /// The body is announced to be larger than it may be.
    pub(super) fn check_announced(&self) -> Result<(), ApiError> {
        match self.announced {
            Some(bytes) if bytes > self.limit_bytes => Err(ApiError::too_large(self.limit_bytes)),
            Some(_) | None => Ok(()),
        }
    }

    /// The whole body. Up to `uncounted` bytes take nothing of what all share.
    ///
    /// # Errors
    /// Too large, broken off, or no memory left for it.
    pub(super) async fn collect(&mut self, uncounted: usize, held: &mut Held) -> Result<Bytes, ApiError> {
        self.check_announced()?;
        let limit = usize::try_from(self.limit_bytes).unwrap_or(usize::MAX);
        let expected = self.announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(limit);
        let mut bytes = Vec::new();
        self.waits = false;
        while let Some(chunk) = self.stream.next().await {
            let chunk = chunk.map_err(|_| ApiError::parameter("body", "could not be read"))?;
            let length = bytes.len().saturating_add(chunk.len());
            if length > limit {
                return Err(ApiError::too_large(self.limit_bytes));
            }
            if length > bytes.capacity() {
                let wanted = bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
                grow(&mut bytes, wanted.min(expected).max(length), uncounted, held)?;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.into())
    }

    /// Reads on for a while without keeping anything. A connection that is closed with unread bytes is reset, and the
    /// client may never see the answer.
    pub(super) async fn drain(&mut self) {
        if self.waits {
            return;
        }
        let read = async {
            let mut left = usize::try_from(self.limit_bytes).unwrap_or(usize::MAX);
            while let Some(Ok(chunk)) = self.stream.next().await {
                left = match left.checked_sub(chunk.len()) {
                    Some(left) => left,
                    None => return,
                };
            }
        };
        // Whatever is not there by then stays unread.
        let _ = tokio::time::timeout(DRAINED_WITHIN, read).await;
    }
}

/// Makes room for `capacity` bytes. The old room is given back once the new one is there.
fn grow(bytes: &mut Vec<u8>, capacity: usize, uncounted: usize, held: &mut Held) -> Result<(), ApiError> {
    let counted = |capacity: usize| if capacity > uncounted { capacity } else { 0 };
    let before = bytes.capacity();
    if !held.more(counted(capacity)) {
        return Err(ApiError::overloaded());
    }
    bytes.reserve_exact(capacity - bytes.len());
    held.less(counted(before));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;
    use crate::memory::Memory;

    fn incoming(length: usize, announced: bool, limit_bytes: u64) -> Incoming {
        let mut headers = HeaderMap::new();
        if announced {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let chunks: Vec<_> =
            vec![7; length].chunks(1_000).map(|chunk| Ok::<_, Infallible>(chunk.to_vec())).collect();
        Incoming::new(&headers, Body::from_stream(stream::iter(chunks)), limit_bytes)
    }

    #[tokio::test]
    async fn a_body_takes_what_is_counted_and_no_more() {
        for announced in [true, false] {
            let memory = Memory::new(1 << 20);
            let mut held = memory.hold();
            let bytes = incoming(100_000, announced, 200_000).collect(0, &mut held).await.unwrap();
            assert_eq!(bytes.len(), 100_000);
            // Announced: exactly that. Else what doubling left.
            let taken = if announced { 100_000_usize.next_multiple_of(1024) } else { 128 * 1024 };
            assert_eq!(memory.taken(), taken);
            drop(held);
            assert_eq!(memory.taken(), 0);
        }
    }

    #[tokio::test]
    async fn while_it_grows_it_counts_twice() {
        // 64 KiB and then 100,000 bytes are there together.
        for (memory_bytes, fits) in [(163 << 10, true), (161 << 10, false)] {
            let memory = Memory::new(memory_bytes);
            let mut held = memory.hold();
            let read = incoming(100_000, true, 200_000).collect(0, &mut held).await;
            assert_eq!(read.as_ref().err().map(ApiError::code), (!fits).then_some("OVERLOADED"));
        }
    }

    #[tokio::test]
    async fn small_bodies_take_nothing_of_what_all_share() {
        let memory = Memory::new(0);
        for (length, fits) in [(0, true), (4_096, true), (4_097, false)] {
            let read = incoming(length, true, 200_000).collect(4_096, &mut memory.hold()).await;
            assert_eq!(read.is_ok(), fits, "{length}");
        }
    }

    #[tokio::test]
    async fn the_limit_holds_with_and_without_an_announcement() {
        for announced in [true, false] {
            for (length, fits) in [(200_000, true), (200_001, false)] {
                let memory = Memory::new(1 << 20);
                let read = incoming(length, announced, 200_000).collect(0, &mut memory.hold()).await;
                let code = read.as_ref().err().map(ApiError::code);
                assert_eq!(code, (!fits).then_some("PAYLOAD_TOO_LARGE"), "{length} {announced}");
            }
        }
    }
}

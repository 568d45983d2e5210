//! Batches one behind the other: while one is on its way to the log, its predecessor's callers are answered and its
//! successor is decided on top of it.
//!
//! Bounds: one batch on its way, one in the making. Order: a successor is sent only when its predecessor is in the log, and
//! if that did not get in as it was, the successor is thrown away and its use cases are decided again. So nobody is
//! answered from a state that was not committed.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Instant;

use lumbung_journal::{AppendError, Appender, Verdict};

use super::draft::Draft;
use super::turn::{Again, Loop, LoopFailed};

type Sent = Result<Verdict, AppendError>;

impl Loop {
    /// Commits the draft, and those that form behind it, until there is no more to do or one does not get in as it is.
    /// Answers what must be decided again.
    pub(super) async fn relay(&mut self, appender: &mut Appender, draft: Draft) -> Result<Again, LoopFailed> {
        let mut again = Again::default();
        let mut on_its_way = draft;
        let mut committed: Option<Draft> = None;
        loop {
            let mut next = self.draft_on(Some(&on_its_way));
            let started = Instant::now();
            let sent = {
                let mut sending = pin!(appender.append(&on_its_way.batch));
                // Out with it first: the database works while we do.
                let at_once = poll_once(sending.as_mut()).await;
                if let Some(committed) = committed.take() {
                    self.commit(committed).await?;
                    self.cache.evict();
                }
                match at_once {
                    Some(sent) => sent,
                    None => self.decide_meanwhile(sending, &on_its_way, &mut next).await?,
                }
            };
            self.stats.meters.append.record(started.elapsed());
            self.stats.resends.store(appender.resends(), Relaxed);
            match sent {
                Ok(Verdict::Appended) if !next.is_empty() => {
                    committed = Some(mem::replace(&mut on_its_way, next));
                }
                sent => {
                    // What was decided on a batch that is not in comes after it again.
                    again.groups.push(next.into_tickets());
                    self.conclude(on_its_way, sent, &mut again).await?;
                    return Ok(again);
                }
            }
        }
    }

    /// Decides what comes in until the batch on its way has its answer.
    async fn decide_meanwhile(
        &mut self,
        mut sending: Pin<&mut impl Future<Output = Sent>>,
        on_its_way: &Draft,
        next: &mut Draft,
    ) -> Result<Sent, LoopFailed> {
        let mut open = true;
        self.decide(next, Some(on_its_way)).await?;
        loop {
            // Questions to the loop are answered between batches, so with one waiting there is no next batch.
            let room = !next.is_full() && next.decided.len() < self.batch_commands;
            let takes = open && room && self.controls.is_empty();
            tokio::select! {
                biased;
                sent = &mut sending => return Ok(sent),
                taken = self.lanes.take(self.batch_commands, &mut self.backlog), if takes => {
                    open = taken;
                    if next.is_empty() {
                        // The instant of a batch is that of its first use case, however long the one before took.
                        *next = self.draft_on(Some(on_its_way));
                    }
                    self.decide(next, Some(on_its_way)).await?;
                }
            }
        }
    }
}

/// Lets a future begin.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

//! What a node's reads show: which read schema, and how far it has come. Both change together, so whoever waited for a
//! position is handed the very schema that shows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::reader::LiveSchema;
use crate::schema::SchemaName;

/// How long a read waits for the read models unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The schema that queries look at, and the position that it shows at least.
#[derive(Debug, Clone)]
pub struct Shown {
    pub schema: Arc<LiveSchema>,
    pub position: i64,
}

/// What reads on this node show. The position falls only when PostgreSQL lost asynchronously committed batches in
/// a crash; then they are projected again.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: watch::Sender<Shown>,
    demand: Arc<Demand>,
}

/// Who waits. While nobody does, the projector of this node may gather events.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    waiting: AtomicUsize,
    bell: Notify,
}

/// One who waits, for as long as it is held.
struct Waiting<'a>(&'a Demand);

impl Demand {
    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.bell.notify_one();
        Waiting(self)
    }

    /// Returns once somebody waits. May return early, never late.
    pub(crate) async fn arises(&self) {
        while self.waiting.load(Ordering::SeqCst) == 0 {
            self.bell.notified().await;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Progress {
    pub(crate) fn new(schema: LiveSchema, position: i64) -> Self {
        let schema = Arc::new(schema);
        schema.promise(position);
        Self { shown: watch::Sender::new(Shown { schema, position }), demand: Arc::default() }
    }

    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    pub(crate) fn demand(&self) -> &Arc<Demand> {
        &self.demand
    }

    pub(crate) fn position(&self) -> i64 {
        self.shown.borrow().position
    }

    pub(crate) fn shows(&self, schema: &SchemaName) -> bool {
        self.shown.borrow().schema.name() == schema
    }

    /// `schema` has come to `position`. False if it is not the one that reads look at.
    pub(crate) fn raise(&self, schema: &SchemaName, position: i64) -> bool {
        let mut shown = false;
        self.shown.send_if_modified(|held| {
            shown = held.schema.name() == schema;
            let higher = shown && position > held.position;
            if higher {
                held.schema.promise(position);
                held.position = position;
            }
            higher
        });
        shown
    }

    /// Sets what a fresh look at the checkpoint of `schema` found, unless the position changed since `before`, when the
    /// look began.
    pub(crate) fn correct(&self, schema: &SchemaName, before: i64, position: i64) {
        self.shown.send_if_modified(|held| {
            let wrong = held.schema.name() == schema && held.position == before && position != before;
            if wrong {
                held.schema.promise(position);
                held.position = position;
            }
            wrong
        });
    }

    /// Moves reads to a schema that has come to `position`, if it shows no less than they have shown.
    pub(crate) fn move_to(&self, schema: LiveSchema, position: i64) -> bool {
        self.shown.send_if_modified(|held| {
            let as_far = position >= held.position;
            if as_far {
                schema.promise(position);
                *held = Shown { schema: Arc::new(schema), position };
            }
            as_far
        })
    }

    pub(crate) fn freshness(&self) -> Freshness {
        Freshness { shown: self.shown.subscribe(), demand: Arc::clone(&self.demand) }
    }
}

/// Waits until the reads of this node show a position.
#[derive(Debug, Clone)]
pub struct Freshness {
    shown: watch::Receiver<Shown>,
    demand: Arc<Demand>,
}

/// The read models did not reach the position in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reads show {projected}, not yet {wanted}")]
pub struct Behind {
    pub wanted: i64,
    pub projected: i64,
}

impl Freshness {
    /// What reads show now.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// The position that reads show now.
    #[must_use]
    pub fn projected(&self) -> i64 {
        self.shown.borrow().position
    }

    /// Waits until reads show `position`, for at most `patience` (see [`PATIENCE`]). Answers what they show, and where.
    ///
    /// # Errors
    /// [`Behind`] when the time is over.
    pub async fn wait_for(&self, position: i64, patience: Duration) -> Result<Shown, Behind> {
        let shown = self.shown();
        if shown.position >= position {
            return Ok(shown);
        }
        let _waiting = self.demand.wait();
        let mut progress = self.shown.clone();
        let reached =
            tokio::time::timeout(patience, progress.wait_for(|shown| shown.position >= position)).await;
        match reached {
            Ok(Ok(shown)) => Ok(shown.clone()),
            Ok(Err(_)) | Err(_) => Err(Behind { wanted: position, projected: self.projected() }),
        }
    }
}

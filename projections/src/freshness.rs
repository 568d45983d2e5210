//! What a node's reads show: which read schema, and how far it has come. Both change together, so whoever waited for a
//! position is handed the very schema that shows it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

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
pub(crate) struct Progress(watch::Sender<Shown>);

impl Progress {
    pub(crate) fn new(schema: LiveSchema, position: i64) -> Self {
        let schema = Arc::new(schema);
        schema.promise(position);
        Self(watch::Sender::new(Shown { schema, position }))
    }

    pub(crate) fn shown(&self) -> Shown {
        self.0.borrow().clone()
    }

    pub(crate) fn position(&self) -> i64 {
        self.0.borrow().position
    }

    pub(crate) fn shows(&self, schema: &SchemaName) -> bool {
        self.0.borrow().schema.name() == schema
    }

    /// `schema` has come to `position`. False if it is not the one that reads look at.
    pub(crate) fn raise(&self, schema: &SchemaName, position: i64) -> bool {
        let mut shown = false;
        self.0.send_if_modified(|held| {
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
        self.0.send_if_modified(|held| {
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
        self.0.send_if_modified(|held| {
            let as_far = position >= held.position;
            if as_far {
                schema.promise(position);
                *held = Shown { schema: Arc::new(schema), position };
            }
            as_far
        })
    }

    pub(crate) fn freshness(&self) -> Freshness {
        Freshness(self.0.subscribe())
    }
}

/// Waits until the reads of this node show a position.
#[derive(Debug, Clone)]
pub struct Freshness(watch::Receiver<Shown>);

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
        self.0.borrow().clone()
    }

    /// The position that reads show now.
    #[must_use]
    pub fn projected(&self) -> i64 {
        self.0.borrow().position
    }

    /// Waits until reads show `position`, for at most `patience` (see [`PATIENCE`]). Answers what they show, and where.
    ///
    /// # Errors
    /// [`Behind`] when the time is over.
    pub async fn wait_for(&self, position: i64, patience: Duration) -> Result<Shown, Behind> {
        let mut progress = self.0.clone();
        let reached =
            tokio::time::timeout(patience, progress.wait_for(|shown| shown.position >= position)).await;
        match reached {
            Ok(Ok(shown)) => Ok(shown.clone()),
            Ok(Err(_)) | Err(_) => Err(Behind { wanted: position, projected: self.projected() }),
        }
    }
}

//! `GET /api/operations/events`: the overview every second and transfers as they change, by server-sent events.
//!
//! Bounds: so many listeners, of all and of one person; [`MOST_AT_ONCE`] changes in an event, and at most one event of them per [`PAUSE`]; who does not
//! keep up misses some and is told how many. It ends with the right to look, within [`CHECK_EVERY`], and with the node.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::app::App;
use crate::auth::{Lasting, ReadOperations};
use crate::operations::{TransferChange, Watcher};
use crate::rest::error::ApiError;

/// How often the overview is sent.
const OVERVIEW_EVERY: Duration = Duration::from_secs(1);
/// How often it is made sure that the listener may still look.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// Between two events with changes.
const PAUSE: Duration = Duration::from_millis(100);
const MOST_AT_ONCE: usize = 256;
/// A comment, so that a connection that is gone is found out.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Headers = [(HeaderName, HeaderValue); 2];

/// Transfers that changed, in the order of the log; of those that were missed only the number is known.
#[derive(Serialize)]
struct Changes {
    changes: Vec<TransferChange>,
    missed: u64,
}

struct Listening {
    app: Arc<App>,
    lasting: Lasting<ReadOperations>,
    watcher: Watcher,
    overview: Interval,
    check: Interval,
    /// When changes may be sent again.
    not_before: Instant,
    missed: u64,
    waiting: VecDeque<TransferChange>,
}

pub(in crate::rest) async fn listen(
    State(app): State<Arc<App>>,
    lasting: Lasting<ReadOperations>,
) -> Result<(Headers, Sse<impl Stream<Item = Result<Event, Infallible>>>), ApiError> {
    let watcher = app.operations.watch(lasting.user()).ok_or_else(ApiError::overloaded)?;
    let listening = Listening {
        app,
        lasting,
        watcher,
        overview: every(OVERVIEW_EVERY),
        check: every(CHECK_EVERY),
        not_before: Instant::now(),
        missed: 0,
        waiting: VecDeque::new(),
    };
    let events = unfold(listening, async |mut listening| {
        let event = listening.next().await?;
        Some((Ok(event), listening))
    });
    // Neither kept nor held back by what stands between.
    let headers = [
        (HeaderName::from_static("cache-control"), HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl Listening {
    /// The next event; `None` when it is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let full = self.waiting.len() >= MOST_AT_ONCE;
            let due = !self.waiting.is_empty() || self.missed > 0;
            tokio::select! {
                biased;
                () = self.watcher.stop.raised() => return None,
                _ = self.check.tick() => self.lasting.check(&self.app).await.ok()?,
                _ = self.overview.tick() => {
                    // Without an answer of the database there is nothing to say; the next one is asked for in a second.
                    if let Ok(overview) = self.app.operations.overview(&self.app).await {
                        return Event::default().event("overview").json_data(&*overview).ok();
                    }
                }
                () = sleep_until(self.not_before), if due => return self.changes(),
                change = self.watcher.changes.recv(), if !full => match change {
                    Ok(change) => self.waiting.push_back(change),
                    Err(RecvError::Lagged(missed)) => self.missed += missed,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    fn changes(&mut self) -> Option<Event> {
        while self.waiting.len() < MOST_AT_ONCE {
            match self.watcher.changes.try_recv() {
                Ok(change) => self.waiting.push_back(change),
                Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.not_before = Instant::now() + PAUSE;
        let changes = Changes { changes: self.waiting.drain(..).collect(), missed: self.missed };
        self.missed = 0;
        let last = changes.changes.last().map(|change| change.position.to_string());
        let event = Event::default().event("transfers").json_data(changes).ok()?;
        Some(if let Some(position) = last { event.id(position) } else { event })
    }
}

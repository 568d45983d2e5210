//! The summary: what waits, how far everything has come, and what this node does about it. It waits for nothing: the read
//! models are shown as they are, with how far they are behind.

use chrono::{DateTime, Utc};
use lumbung_commands::ledger::Lane;
use lumbung_commands::settlement::{SettlementCounts, SettlementState};
use lumbung_journal::verify::last_anchor;
use lumbung_projections::{ProjectorState, outbox, transfers};
use serde::Serialize;

use super::pace::Pace;
use crate::app::App;
use crate::metrics::age_of_first_after;
use crate::rest::ApiError;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Where the log ends, as far as this node knows.
    pub head_position: i64,
    transfers: Transfers,
    settlement: Settlement,
    projector: Projector,
    outbox: Outbox,
    /// The last note of where the log ended.
    anchor: Option<Anchor>,
    commands_waiting: Waiting,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Transfers {
    pending: i64,
    parked: i64,
    oldest_pending_seconds: Option<f64>,
    started_per_second: f64,
    settled_per_second: f64,
}

/// Of this node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    state: &'static str,
    checkpoint: Option<i64>,
    open: usize,
    under_way: usize,
    settled: u64,
    returned: u64,
    parked: u64,
    retried: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Projector {
    /// Of this node.
    state: &'static str,
    position: i64,
    lag_events: i64,
    lag_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outbox {
    pending: i64,
    parked: i64,
    oldest_pending_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Anchor {
    position: i64,
    age_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Waiting {
    client: usize,
    manager: usize,
}

impl Overview {
    pub(super) async fn of(app: &App, pace: &Pace) -> Result<Self, ApiError> {
        let shown = app.freshness.shown();
        let (queue, backlog, anchor) = tokio::try_join!(
            async { Ok::<_, ApiError>(transfers::queue(&shown.schema).await?) },
            async { Ok(outbox::backlog(&shown.schema).await?) },
            async { Ok(last_anchor(app.ledger.pool()).await?) },
        )?;
        let now = Utc::now();
        let seconds = |since: DateTime<Utc>| (now - since).as_seconds_f64().max(0.0);
        let (started_per_second, settled_per_second) = pace.per_second(now);
        Ok(Self {
            head_position: app.ledger.feed().reached(),
            transfers: Transfers {
                pending: queue.pending,
                parked: queue.parked,
                oldest_pending_seconds: queue.oldest.map(seconds),
                started_per_second,
                settled_per_second,
            },
            settlement: Settlement::of(app),
            projector: Projector::of(app).await,
            outbox: Outbox {
                pending: backlog.pending,
                parked: backlog.parked,
                oldest_pending_seconds: backlog.oldest.map(seconds),
            },
            anchor: anchor.map(|(position, at)| Anchor { position, age_seconds: seconds(at) }),
            commands_waiting: Waiting {
                client: app.ledger.waiting(Lane::Client),
                manager: app.ledger.waiting(Lane::Manager),
            },
        })
    }
}

impl Settlement {
    fn of(app: &App) -> Self {
        let (state, checkpoint) = match app.settlement.state() {
            SettlementState::Standby => ("standby", None),
            SettlementState::Running { checkpoint } => ("running", Some(checkpoint)),
        };
        let SettlementCounts { settled, returned, parked, retried, open, under_way } =
            app.settlement.counts();
        Self { state, checkpoint, open, under_way, settled, returned, parked, retried }
    }
}

impl Projector {
    async fn of(app: &App) -> Self {
        let state = match &*app.projector.borrow() {
            ProjectorState::Running { .. } => "running",
            ProjectorState::Standby => "standby",
            ProjectorState::Halted { .. } => "halted",
        };
        let (reached, position) = (app.ledger.feed().reached(), app.freshness.projected());
        let lag_events = reached.saturating_sub(position).max(0);
        let lag_seconds = if lag_events == 0 { Some(0.0) } else { age_of_first_after(app, position).await };
        Self { state, position, lag_events, lag_seconds }
    }
}

//! `/livez` and `/readyz`, for whoever runs the node. They wait for nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use lumbung_projections::ProjectorState;
use serde::Serialize;

use crate::app::App;

/// A part that takes longer counts as down.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failing: Vec<&'static str>,
}

/// The process answers.
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "live", failing: Vec::new() })
}

/// The node can do its work: the database is reachable, the ledger loop lives, and the projector runs or stands by.
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let database = sqlx::query("select 1").execute(app.ledger.pool());
    let (database, head) = tokio::join!(
        tokio::time::timeout(ANSWERS_WITHIN, database),
        tokio::time::timeout(ANSWERS_WITHIN, app.ledger.head()),
    );
    let mut failing = Vec::new();
    if !matches!(database, Ok(Ok(_))) {
        failing.push("database");
    }
    if !matches!(head, Ok(Some(_))) {
        failing.push("ledger");
    }
    let projecting = app.projector.has_changed().is_ok()
        && match &*app.projector.borrow() {
            ProjectorState::Running { .. } | ProjectorState::Standby => true,
            ProjectorState::Halted { .. } => false,
        };
    if !projecting {
        failing.push("projector");
    }
    if failing.is_empty() {
        (StatusCode::OK, Json(Health { status: "ready", failing }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "not ready", failing }))
    }
}

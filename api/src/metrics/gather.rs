//! What is read when somebody asks.

use std::time::Duration;

use chrono::Utc;
use lumbung_commands::ledger::{Counts, Lane};
use lumbung_commands::settlement::{PROCESS, SettlementCounts, SettlementState};
use lumbung_journal::process;
use lumbung_projections::{ProjectorState, loan_accounts, transfers};
use metrics::{counter, gauge};
use sqlx::PgPool;

use crate::app::App;
use crate::daily_run::{DailyRunCounts, DailyRunState};

/// A look at the log for the lag; without an answer the last one stands.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Reads the counters and gauges of a node.
pub async fn gather(app: &App) {
    ledger(app);
    projection(app).await;
    transfers(app).await;
    daily_run(app).await;
    pool("journal", app.ledger.pool());
    pool("queries", app.reader.live().pool());
    for (name, load) in app.passwords.loads() {
        gauge!("lumbung_passwords_waiting", "standing" => name).set(load.waiting as f64);
        gauge!("lumbung_passwords_places_free", "standing" => name).set(load.free as f64);
    }
    counter!("lumbung_audit_rows_lost_total").absolute(app.audit.lost());
    gauge!("lumbung_audit_rows_waiting").set(app.audit.waiting() as f64);
    gauge!("lumbung_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

fn ledger(app: &App) {
    let counts = app.ledger.counts();
    counter!("lumbung_stream_events_read_total").absolute(counts.loaded_events);
    counter!("lumbung_snapshots_written_total").absolute(counts.snapshots_written);
    counter!("lumbung_snapshots_used_total").absolute(counts.snapshots_used);
    counter!("lumbung_snapshots_rejected_total").absolute(counts.snapshots_rejected);
    let Counts { events, moved, locked, resends, replayed, loads, hits, differences, .. } = counts;
    counter!("lumbung_events_total").absolute(events);
    counter!("lumbung_moved_total").absolute(moved);
    counter!("lumbung_locked_total").absolute(locked);
    counter!("lumbung_resent_total").absolute(resends);
    counter!("lumbung_replayed_total").absolute(replayed);
    counter!("lumbung_cache_differences_total").absolute(differences);
    let access = app.access.hits_and_misses();
    for (cache, (hits, misses)) in [("ledger", (hits, loads)), ("access", access)] {
        counter!("lumbung_cache_hits_total", "cache" => cache).absolute(hits);
        counter!("lumbung_cache_misses_total", "cache" => cache).absolute(misses);
    }
    for (name, lane) in [("client", Lane::Client), ("manager", Lane::Manager)] {
        gauge!("lumbung_commands_waiting", "lane" => name).set(app.ledger.waiting(lane) as f64);
    }
}

async fn projection(app: &App) {
    let (reached, projected) = (app.ledger.feed().reached(), app.freshness.projected());
    let lag = reached.saturating_sub(projected).max(0);
    gauge!("lumbung_ledger_position").set(reached as f64);
    gauge!("lumbung_projection_position").set(projected as f64);
    gauge!("lumbung_projection_lag_events").set(lag as f64);
    let oldest = if lag == 0 { Some(0.0) } else { age_of_first_after(app, projected).await };
    if let Some(seconds) = oldest {
        gauge!("lumbung_projection_lag_seconds").set(seconds);
    }
    let now = match &*app.projector.borrow() {
        ProjectorState::Running { .. } => "running",
        ProjectorState::Standby => "standby",
        ProjectorState::Halted { .. } => "halted",
    };
    for state in ["running", "standby", "halted"] {
        gauge!("lumbung_projector_state", "state" => state).set(f64::from(u8::from(state == now)));
    }
}

async fn transfers(app: &App) {
    let SettlementCounts { settled, returned, parked, retried, under_way, .. } = app.settlement.counts();
    counter!("lumbung_transfers_settled_total").absolute(settled);
    counter!("lumbung_transfers_returned_total").absolute(returned);
    counter!("lumbung_transfers_parked_total").absolute(parked);
    counter!("lumbung_transfers_retried_total").absolute(retried);
    gauge!("lumbung_settlement_under_way").set(under_way as f64);
    let now = match app.settlement.state() {
        SettlementState::Running { .. } => "running",
        SettlementState::Standby => "standby",
    };
    for state in ["running", "standby"] {
        gauge!("lumbung_settlement_state", "state" => state).set(f64::from(u8::from(state == now)));
    }
    // Whichever node works; and if none does, it grows.
    let noted = process::noted(app.ledger.pool(), PROCESS);
    if let Ok(Ok(noted)) = tokio::time::timeout(ANSWERS_WITHIN, noted).await {
        let lag = app.ledger.feed().reached().saturating_sub(noted).max(0);
        gauge!("lumbung_settlement_lag_events").set(lag as f64);
    }
    let read = app.reader.live();
    let Ok(Ok(queue)) = tokio::time::timeout(ANSWERS_WITHIN, transfers::queue(&read)).await else { return };
    let oldest = queue.oldest.map_or(0.0, |since| (Utc::now() - since).as_seconds_f64().max(0.0));
    gauge!("lumbung_transfers_pending").set(queue.pending as f64);
    gauge!("lumbung_transfers_parked").set(queue.parked as f64);
    gauge!("lumbung_transfers_oldest_seconds").set(oldest);
}

async fn daily_run(app: &App) {
    let DailyRunCounts { loans, days, failures, failing } = app.daily_run.counts();
    counter!("lumbung_daily_run_loans_total").absolute(loans);
    counter!("lumbung_daily_run_days_total").absolute(days);
    counter!("lumbung_daily_run_failures_total").absolute(failures);
    gauge!("lumbung_daily_run_failing_loans").set(failing as f64);
    let now = app.daily_run.state();
    for state in [DailyRunState::Running, DailyRunState::Idle, DailyRunState::Standby] {
        gauge!("lumbung_daily_run_state", "state" => state.as_str()).set(f64::from(u8::from(state == now)));
    }
    // Whichever node works; and if none does, it stays.
    let looking = async {
        let today = app.business_day().await.ok()?;
        loan_accounts::progress(&app.reader.live(), today.on).await.ok()
    };
    let Ok(Some(found)) = tokio::time::timeout(ANSWERS_WITHIN, looking).await else { return };
    gauge!("lumbung_daily_run_active_loans").set(found.active as f64);
    gauge!("lumbung_daily_run_open_loans").set(found.open as f64);
}

/// Seconds since the event behind `position` was recorded.
pub(crate) async fn age_of_first_after(app: &App, position: i64) -> Option<f64> {
    let after =
        tokio::time::timeout(ANSWERS_WITHIN, app.ledger.feed().after(position, 1)).await.ok()?.ok()?;
    let first = after.iter().flat_map(|facts| facts.iter()).next()?;
    Some((Utc::now() - first.recorded_at).as_seconds_f64().max(0.0))
}

fn pool(name: &'static str, pool: &PgPool) {
    let (all, idle) = (pool.size() as usize, pool.num_idle());
    gauge!("lumbung_pool_connections", "pool" => name, "state" => "idle").set(idle as f64);
    gauge!("lumbung_pool_connections", "pool" => name, "state" => "used")
        .set(all.saturating_sub(idle) as f64);
}

//! Every metric of a node, once: for `# HELP`, for the documentation, and for the test that compares the two.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        /// Every metric, in the order of the documentation.
        pub const CATALOGUE: &[Metric] =
            &[$(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help },)*];
    };
}

catalogue! {
    Histogram "lumbung_command_seconds" ["use_case", "outcome"]
        "Time until a command was answered; its count is the rate of commands.";
    Histogram "lumbung_batch_commands" [] "Commands in a committed batch.";
    Histogram "lumbung_batch_events" [] "Events in a committed batch.";
    Histogram "lumbung_append_seconds" [] "Time from handing a batch to the database to a definite answer.";
    Counter "lumbung_events_total" [] "Events that this node committed.";
    Counter "lumbung_moved_total" [] "Batches that were decided again because another node wrote first.";
    Counter "lumbung_locked_total" [] "Times that the ledger's lock was taken before deciding.";
    Counter "lumbung_resent_total" [] "Appends that were sent again because their answer was lost.";
    Counter "lumbung_replayed_total" [] "Commands that were answered from their Idempotency-Key.";
    Counter "lumbung_cache_differences_total" [] "Cached streams that differed from the log. Anything but 0 is a defect.";
    Gauge "lumbung_commands_waiting" ["lane"] "Commands that wait for the ledger loop.";
    Gauge "lumbung_ledger_position" [] "Where the log ends, as far as this node knows.";
    Gauge "lumbung_projection_position" [] "What the read models show.";
    Gauge "lumbung_projection_lag_events" [] "Events that the read models do not show yet.";
    Gauge "lumbung_projection_lag_seconds" [] "Age of the oldest event that the read models do not show yet.";
    Gauge "lumbung_projector_state" ["state"] "1 for what the projector of this node does: running, standby or halted.";
    Gauge "lumbung_transfers_pending" []
        "Transfers that are to be settled, as far as the read models show.";
    Gauge "lumbung_transfers_parked" [] "Transfers that wait for an operator.";
    Gauge "lumbung_transfers_oldest_seconds" []
        "Time since the longest waiting pending transfer was started or last tried again; 0 if none waits.";
    Counter "lumbung_transfers_settled_total" [] "Transfers that this node settled.";
    Counter "lumbung_transfers_returned_total" []
        "Transfers that this node gave back to their senders.";
    Counter "lumbung_transfers_parked_total" []
        "Transfers that this node's process manager left to operators.";
    Counter "lumbung_transfers_retried_total" []
        "Attempts of this node's process manager that it had to make again.";
    Gauge "lumbung_settlement_state" ["state"]
        "1 for what the settlement of transfers on this node does: running or standby.";
    Gauge "lumbung_settlement_under_way" []
        "Transfers that this node has asked the ledger to settle and has no answer for yet.";
    Gauge "lumbung_settlement_lag_events" []
        "Events behind the checkpoint of the settlement, whichever node works; it is noted once a second.";
    Gauge "lumbung_daily_run_state" ["state"]
        "1 for what the daily run on this node does: running, idle or standby.";
    Gauge "lumbung_daily_run_active_loans" [] "Loans that have days to close at all, as far as the read models show.";
    Gauge "lumbung_daily_run_open_loans" []
        "Of these, loans that are not closed up to the business date. It must come back to 0 every day.";
    Gauge "lumbung_daily_run_failing_loans" []
        "Loans whose days this node could not close, and tries again. Anything but 0 is worth a look.";
    Counter "lumbung_daily_run_loans_total" [] "Times that this node closed days of a loan.";
    Counter "lumbung_daily_run_days_total" [] "Days of loans that this node closed.";
    Counter "lumbung_daily_run_failures_total" [] "Times that the days of a loan could not be closed.";
    Counter "lumbung_cache_hits_total" ["cache"] "Streams that were in memory: of the ledger loop, of the access view.";
    Counter "lumbung_cache_misses_total" ["cache"] "Streams that had to be loaded from the log.";
    Counter "lumbung_stream_events_read_total" [] "Events that were read to load and to compare streams.";
    Counter "lumbung_snapshots_written_total" [] "States of long streams that were written down.";
    Counter "lumbung_snapshots_used_total" [] "Streams that were loaded from a snapshot.";
    Counter "lumbung_snapshots_rejected_total" []
        "Snapshots that were edited or are of another log, so that all events were read. Anything but 0 is worth a look.";
    Gauge "lumbung_pool_connections" ["pool", "state"] "Connections to the database: of the journal, of queries.";
    Gauge "lumbung_passwords_waiting" ["standing"] "Password hashes that wait for a processor.";
    Gauge "lumbung_passwords_places_free" ["standing"] "Password hashes that would still be taken; at 0 logins are refused.";
    Counter "lumbung_http_requests_total" ["method", "route", "status"] "Answered requests.";
    Histogram "lumbung_http_request_seconds" ["method", "route"] "Time until a request was answered.";
    Gauge "lumbung_http_connections" [] "Open connections.";
    Counter "lumbung_audit_rows_lost_total" [] "Audit rows that were not stored: too many at once, or no database.";
    Gauge "lumbung_audit_rows_waiting" [] "Audit rows that wait to be stored.";
    Gauge "lumbung_build_info" ["version"] "1; the version that runs.";
}

pub(super) fn describe() {
    for Metric { name, kind, help, .. } in CATALOGUE {
        let unit = if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match kind {
            Kind::Counter => describe_counter!(*name, unit, *help),
            Kind::Gauge => describe_gauge!(*name, unit, *help),
            Kind::Histogram => describe_histogram!(*name, unit, *help),
        }
    }
}

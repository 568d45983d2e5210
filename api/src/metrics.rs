//! Metrics for Prometheus.
//!
//! What happens often is recorded where it happens, in histograms; everything else is read when somebody asks, so that it
//! costs nothing until then. Bounds: labels come from closed sets (use cases, routes, methods, status codes); samples are
//! folded into their buckets every [`FOLD_EVERY`], asked for or not.

mod catalogue;
mod gather;
mod requests;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::task::JoinHandle;
use tracing::warn;

pub use catalogue::{CATALOGUE, Kind, Metric};
pub(crate) use gather::age_of_first_after;
pub use gather::gather;
pub use requests::Requests;

/// What Prometheus calls the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const FOLD_EVERY: Duration = Duration::from_secs(5);

/// From a cached read to a request that timed out.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder of this process, once. What registers its metrics earlier is not seen.
pub fn install() {
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| builder.set_buckets(&SIZES))
            .map(PrometheusBuilder::build_recorder);
        let installed = recorder.map_err(|error| error.to_string()).and_then(|recorder| {
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).map_err(|error| error.to_string()).map(|()| handle)
        });
        match installed {
            Ok(handle) => {
                catalogue::describe();
                Some(handle)
            }
            Err(error) => {
                // Another recorder has been there first, which only a program that embeds this one can do.
                warn!(error, "there are no metrics");
                None
            }
        }
    });
}

/// Folds samples into buckets as long as the node runs: unasked-for samples would otherwise pile up.
#[must_use]
pub fn fold() -> JoinHandle<()> {
    tokio::spawn(async {
        loop {
            tokio::time::sleep(FOLD_EVERY).await;
            if let Some(Some(handle)) = HANDLE.get() {
                handle.run_upkeep();
            }
        }
    })
}

/// Everything as Prometheus reads it; call [`gather`] before.
#[must_use]
pub fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

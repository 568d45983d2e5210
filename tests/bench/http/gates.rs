//! What the figures over HTTP must be.

use super::crowd::Crowd;
use super::plan::{Figure, Measured};
use crate::gates::Gate;

/// Variant, the least share of (a) that it must have, and the share that is the goal.
const THROUGHPUT: [(&str, f64, f64); 4] =
    [("topup/256", 0.8, 1.2), ("pay/256", 0.8, 1.2), ("topup/64", 0.5, 0.8), ("pay/64", 0.5, 0.8)];

const BASELINE: &str = "insert/64";

/// Variants on one wallet, and on all of them.
const HOT: [(&str, &str); 6] = [
    ("topup-hot/64", "topup/64"),
    ("topup-hot/256", "topup/256"),
    ("pay-hot/64", "pay/64"),
    ("pay-hot/256", "pay/256"),
    ("transfer-hot/64", "transfer/64"),
    ("transfer-hot/256", "transfer/256"),
];
const HOT_KEEPS: f64 = 0.8;

const HALF_PEAK_P99_MS: f64 = 25.0;
const SHOWN_AFTER_MS: f64 = 1_000.0;
const RSS_MB: f64 = 400.0;

/// Every gate whose variants were measured.
pub(crate) fn judge(measured: &[Measured], crowd: Option<Crowd>) -> Vec<Gate> {
    let rate = |name: &str| measured.iter().find(|one| one.name == name).and_then(Measured::per_second);
    let mut gates = Vec::new();
    for (name, bound, goal) in THROUGHPUT {
        if let (Some(ours), Some(theirs)) = (rate(name), rate(BASELINE)) {
            gates.push(
                Gate::at_least(format!("{name} against {BASELINE}"), ours / theirs, bound).aiming_at(goal),
            );
        }
    }
    for (hot, spread) in HOT {
        if let (Some(hot_rate), Some(spread_rate)) = (rate(hot), rate(spread)) {
            gates.push(Gate::at_least(format!("{hot} against {spread}"), hot_rate / spread_rate, HOT_KEEPS));
        }
    }
    for one in measured.iter().filter(|one| one.name.ends_with("/half peak")) {
        if let Some(p99_us) = one.median(|figure| figure.p99_us) {
            let what = format!("p99 in ms, {}", one.name);
            gates.push(Gate::at_most(what, p99_us / 1_000.0, HALF_PEAK_P99_MS));
        }
    }
    let shown_after = |figure: &Figure| Some(figure.server?.shown_after_ms);
    // The worst of all: a lag that stays once is a lag.
    if let Some(worst) = measured.iter().flat_map(|one| &one.rounds).filter_map(shown_after).reduce(f64::max)
    {
        gates.push(Gate::at_most(
            "ms until the read models show everything".to_owned(),
            worst,
            SHOWN_AFTER_MS,
        ));
    }
    if let Some(crowd) = crowd {
        gates.push(Gate::at_most(
            format!("MB resident after {} wallets", crowd.wallets),
            crowd.rss_mb,
            RSS_MB,
        ));
    }
    gates
}

//! What the figures must be, as ratios of medians from the same run.

use std::fmt;

use serde::Serialize;

use crate::plan::Measured;
use crate::rebuild::Rebuilt;
use crate::snapshot::Snapshot;

/// One requirement and what was found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gate {
    pub(crate) what: String,
    pub(crate) found: f64,
    pub(crate) bound: f64,
    /// The bound is the least that is right; else the most.
    pub(crate) at_least: bool,
    pub(crate) holds: bool,
    /// What it should be beyond that.
    pub(crate) goal: Option<f64>,
}

impl Gate {
    pub(crate) fn at_least(what: String, found: f64, bound: f64) -> Self {
        Self { what, found, bound, at_least: true, holds: found >= bound, goal: None }
    }

    pub(crate) fn at_most(what: String, found: f64, bound: f64) -> Self {
        Self { what, found, bound, at_least: false, holds: found <= bound, goal: None }
    }

    pub(crate) fn aiming_at(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

/// Variant, the one it is compared with, and the least ratio of their throughputs.
const THROUGHPUT: [(&str, &str, f64); 8] = [
    ("ledger+keys/64", "insert/64", 1.2),
    ("ledger+keys/64", "published/64", 6.0),
    ("ledger+keys/256", "insert/64", 1.7),
    ("ledger+keys/256", "published/256", 10.0),
    ("ledger/64", "insert/64", 1.6),
    ("ledger/256", "insert/64", 2.4),
    ("one-wallet/64", "ledger/64", 0.8),
    ("one-wallet/256", "ledger/256", 0.8),
];

/// Variant, the one it is compared with, and the greatest ratio of their median latencies.
const LATENCY: [(&str, &str, f64); 2] = [("ledger/1", "insert/1", 2.5), ("ledger+keys/1", "insert/1", 2.5)];

/// An open snapshot may cost this share of the appends.
const SNAPSHOT_KEEPS: f64 = 0.9;

const REBUILT_PER_SECOND: f64 = 30_000.0;

/// Every gate whose variants were measured.
pub(crate) fn judge(
    measured: &[Measured],
    snapshot: Option<&Snapshot>,
    rebuilt: Option<&Rebuilt>,
) -> Vec<Gate> {
    let find = |name: &str| measured.iter().find(|measured| measured.name == name);
    let rate = |name: &str| find(name).and_then(Measured::per_second);
    let latency = |name: &str| find(name).and_then(|measured| measured.median(|figure| figure.p50_us));
    let mut gates = Vec::new();
    for (name, baseline, bound) in THROUGHPUT {
        if let (Some(ours), Some(theirs)) = (rate(name), rate(baseline)) {
            gates.push(Gate::at_least(format!("{name} against {baseline}"), ours / theirs, bound));
        }
    }
    for (name, baseline, bound) in LATENCY {
        if let (Some(ours), Some(theirs)) = (latency(name), latency(baseline)) {
            gates.push(Gate::at_most(
                format!("median latency, {name} against {baseline}"),
                ours / theirs,
                bound,
            ));
        }
    }
    if let Some(snapshot) = snapshot {
        let what = format!("appends under a snapshot of {} s, last third", snapshot.seconds);
        gates.push(Gate::at_least(what, snapshot.kept(), SNAPSHOT_KEEPS));
    }
    if let Some(rebuilt) = rebuilt {
        let what = format!("events per second, rebuild of {} events", rebuilt.events);
        gates.push(Gate::at_least(what, rebuilt.median(), REBUILT_PER_SECOND));
    }
    gates
}

/// One line per gate.
pub(crate) fn write_gates(f: &mut fmt::Formatter<'_>, gates: &[Gate]) -> fmt::Result {
    for Gate { what, found, bound, at_least, holds, goal } in gates {
        let (sign, verdict) = (if *at_least { "≥" } else { "≤" }, if *holds { "holds" } else { "FAILS" });
        write!(f, "{verdict}  {what}: {found:.2} (must be {sign} {bound}")?;
        match goal {
            Some(goal) if found >= goal => writeln!(f, "; the goal of {goal} is reached)")?,
            Some(goal) => writeln!(f, "; the goal is {goal})")?,
            None => writeln!(f, ")")?,
        }
    }
    Ok(())
}

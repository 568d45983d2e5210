//! The report: for people on standard output, for programs as JSON.

use std::fmt;

use serde::Serialize;

use crate::gates::{self, Gate};
use crate::machine::Machine;
use crate::options::Options;
use crate::plain_insert;
use crate::plan::{Measured, Variant};
use crate::product::Load;
use crate::rebuild::Rebuilt;
use crate::snapshot::Snapshot;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    seconds: f64,
    rounds: usize,
    variants: Vec<Measured>,
    snapshot: Option<Snapshot>,
    rebuilt: Option<Rebuilt>,
    gates: Vec<Gate>,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        machine: Machine,
        variants: Vec<Measured>,
        snapshot: Option<Snapshot>,
        rebuilt: Option<Rebuilt>,
    ) -> Self {
        let gates = gates::judge(&variants, snapshot.as_ref(), rebuilt.as_ref());
        let seconds = options.measurement().as_secs_f64();
        Self { machine, seconds, rounds: options.rounds(), variants, snapshot, rebuilt, gates }
    }

    fn per_second(&self, variant: Variant) -> Option<f64> {
        self.variants.iter().find(|measured| measured.variant == variant).and_then(Measured::per_second)
    }

    /// The throughput of a variant over that of the baselines (a) and (b) at the same number of callers.
    fn ratios(&self, measured: &Measured) -> [Option<f64>; 2] {
        let Variant::Ledger(Load { callers, .. }) = measured.variant else { return [None, None] };
        let ours = measured.per_second();
        let insert = Variant::Insert { callers: plain_insert::clients(callers) };
        [insert, Variant::Published { callers }].map(|baseline| Some(ours? / self.per_second(baseline)?))
    }

    fn write_machine(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, cpu, memory_mb, kernel, postgres, settings, fdatasync_us } = &self.machine;
        writeln!(f, "Machine: {cores} cores, {cpu}, {memory_mb} MB, Linux {kernel}")?;
        writeln!(f, "Disk: 8 kB appended and flushed in {fdatasync_us:.0} µs (median)")?;
        writeln!(f, "PostgreSQL {postgres}: {}", settings.join(", "))?;
        writeln!(
            f,
            "Method: medians of {} interleaved measurements of {} s; server and load generator share the machine",
            self.rounds, self.seconds
        )
    }
}

/// A number, or a dash where there is none.
struct Cell(Option<f64>, usize);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value:.*}", self.1),
            None => f.write_str("-"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_machine(f)?;
        writeln!(f)?;
        writeln!(
            f,
            "| variant/callers | commands/s | spread % | p50 µs | p99 µs | per batch | CPU µs own | server | others % | × (a) | × (b) |"
        )?;
        writeln!(f, "|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for measured in &self.variants {
            let [insert, published] = self.ratios(measured);
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                measured.name,
                Cell(measured.per_second(), 0),
                Cell(measured.spread_percent(), 0),
                Cell(measured.median(|figure| figure.p50_us), 0),
                Cell(measured.median(|figure| figure.p99_us), 0),
                Cell(measured.median(|figure| figure.per_batch), 1),
                Cell(measured.median(|figure| Some(figure.cpu?.own_us)), 1),
                Cell(measured.median(|figure| Some(figure.cpu?.server_us)), 1),
                Cell(measured.median(|figure| Some(figure.cpu?.others_percent)), 0),
                Cell(insert, 2),
                Cell(published, 2),
            )?;
        }
        if let Some(snapshot) = &self.snapshot {
            writeln!(f)?;
            writeln!(
                f,
                "Under an open REPEATABLE READ transaction of {} s, 64 callers with keys: {:.1} % of the throughput",
                snapshot.seconds,
                snapshot.kept() * 100.0
            )?;
        }
        if let Some(rebuilt) = &self.rebuilt {
            writeln!(f)?;
            writeln!(f, "Rebuild of {} events: {:.0} events/s", rebuilt.events, rebuilt.median())?;
        }
        writeln!(f)?;
        for Gate { what, found, bound, at_least, holds } in &self.gates {
            let (sign, verdict) = (if *at_least { "≥" } else { "≤" }, if *holds { "holds" } else { "FAILS" });
            writeln!(f, "{verdict}  {what}: {found:.2} (must be {sign} {bound})")?;
        }
        Ok(())
    }
}

//! The report: for people on standard output, for programs as JSON.

use std::fmt;

use serde::Serialize;

use crate::closed_loop::Figure;
use crate::gates::{self, Gate, write_gates};
use crate::machine::Machine;
use crate::options::Options;
use crate::plain_insert;
use crate::plan::{Measured, Variant};
use crate::product::Load;
use crate::rebuild::Rebuilt;
use crate::snapshot::Snapshot;

/// Others may use so much of the machine before the figures are suspect.
const DISTURBED_PERCENT: f64 = 5.0;

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

    fn write_variants(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.variants.is_empty() {
            return Ok(());
        }
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
        let others = |figure: &Figure| figure.cpu.map(|cpu| cpu.others_percent);
        let most =
            self.variants.iter().flat_map(|measured| &measured.rounds).filter_map(others).reduce(f64::max);
        match most {
            Some(most) if most > DISTURBED_PERCENT => {
                writeln!(
                    f,
                    "\nDisturbed: others used up to {most:.0} % of the machine. Measure again on a quiet one."
                )
            }
            _ => Ok(()),
        }
    }
}

/// A number, or a dash where there is none.
pub(crate) struct Cell(pub(crate) Option<f64>, pub(crate) usize);

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
        self.machine.write(f)?;
        writeln!(
            f,
            "Method: medians of {} interleaved measurements of {} s; server and load generator share the machine",
            self.rounds, self.seconds
        )?;
        self.write_variants(f)?;
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
        write_gates(f, &self.gates)
    }
}

//! The report of the HTTP benchmark.

use std::fmt;

use serde::Serialize;

use super::crowd::Crowd;
use super::gates;
use super::plan::{Figure, Measured, OfServer, Variant};
use crate::cpu::Cpu;
use crate::gates::{Gate, write_gates};
use crate::machine::Machine;
use crate::options::Options;
use crate::report::Cell;

/// Others may use so much of the machine before the figures are suspect.
const DISTURBED_PERCENT: f64 = 5.0;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    seconds: f64,
    rounds: usize,
    variants: Vec<Measured>,
    crowd: Option<Crowd>,
    gates: Vec<Gate>,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        machine: Machine,
        variants: Vec<Measured>,
        crowd: Option<Crowd>,
    ) -> Self {
        let gates = gates::judge(&variants, crowd);
        let seconds = options.measurement().as_secs_f64();
        Self { machine, seconds, rounds: options.rounds(), variants, crowd, gates }
    }

    fn baseline(&self) -> Option<f64> {
        self.variants.iter().find(|one| one.variant == Variant::Insert).and_then(Measured::per_second)
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, one: &Measured) -> fmt::Result {
        let cpu = |value: fn(Cpu) -> Option<f64>| one.median(move |figure| value(figure.cpu?));
        let server = |value: fn(OfServer) -> f64| one.median(move |figure| Some(value(figure.server?)));
        let ms = |value: fn(&Figure) -> Option<f64>| one.median(value).map(|us| us / 1_000.0);
        let ratio = self.baseline().and_then(|baseline| Some(one.per_second()? / baseline));
        let cells = [
            Cell(one.per_second(), 0),
            Cell(ratio, 2),
            Cell(ms(|figure| figure.p50_us), 1),
            Cell(ms(|figure| figure.p99_us), 1),
            Cell(ms(|figure| figure.p999_us), 1),
            Cell(cpu(|cpu| cpu.product_us), 1),
            Cell(cpu(|cpu| Some(cpu.server_us)), 1),
            Cell(cpu(|cpu| Some(cpu.own_us)), 1),
            Cell(cpu(|cpu| Some(cpu.others_percent)), 0),
            Cell(server(|server| server.lag_events as f64), 0),
            Cell(server(|server| server.lag_seconds * 1_000.0), 0),
            Cell(server(|server| server.shown_after_ms), 0),
            Cell(server(|server| server.at_rest_after_ms), 0),
            Cell(server(|server| server.peak_rss_mb), 0),
        ];
        write!(f, "| {}", one.name)?;
        for cell in cells {
            write!(f, " | {cell}")?;
        }
        writeln!(f, " |")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.machine.write(f)?;
        writeln!(
            f,
            "Method: medians of {} interleaved measurements of {} s; server, PostgreSQL and load generator share the machine",
            self.rounds, self.seconds
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "| request/connections | per second | × (a) | p50 ms | p99 ms | p99.9 ms | CPU µs server | PostgreSQL | generator | \
             others % | lag events | lag ms | shown after ms | at rest after ms | RSS MB |"
        )?;
        writeln!(f, "|:--|{}", "--:|".repeat(14))?;
        for one in self.variants.iter().filter(|one| !one.rounds.is_empty()) {
            self.write_row(f, one)?;
        }
        if let Some(Crowd { wallets, rss_mb, peak_rss_mb, per_second }) = self.crowd {
            writeln!(f)?;
            writeln!(
                f,
                "{wallets} wallets, each opened by a first top-up ({per_second:.0}/s): {rss_mb:.0} MB resident, {peak_rss_mb:.0} at most"
            )?;
        }
        let others = |figure: &Figure| Some(figure.cpu?.others_percent);
        let rounds = self.variants.iter().flat_map(|one| &one.rounds);
        if let Some(most) = rounds.filter_map(others).reduce(f64::max)
            && most > DISTURBED_PERCENT
        {
            writeln!(
                f,
                "\nDisturbed: others used up to {most:.0} % of the machine. Measure again on a quiet one."
            )?;
        }
        writeln!(f)?;
        write_gates(f, &self.gates)
    }
}

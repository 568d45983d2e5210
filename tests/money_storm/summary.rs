//! All rounds together, as a table for the docs.

use std::collections::BTreeMap;
use std::fmt;

use super::fleet::Kill;
use super::round::Report;

#[derive(Default)]
pub(super) struct Summary {
    green: Vec<Report>,
    /// What the others complained of.
    pub(super) red: Vec<String>,
}

impl Summary {
    pub(super) fn add(&mut self, round: Result<Report, String>) {
        match round {
            Ok(report) => self.green.push(report),
            Err(why) => self.red.push(why),
        }
    }

    fn sum(&self, of: impl Fn(&Report) -> u64) -> u64 {
        self.green.iter().map(of).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kills: BTreeMap<Kill, u64> = BTreeMap::new();
        for (kill, count) in self.green.iter().flat_map(|report| &report.kills) {
            *kills.entry(*kill).or_default() += count;
        }
        let least = self.green.iter().map(|report| report.log.per_second_up()).fold(f64::INFINITY, f64::min);
        let slowest = self.green.iter().map(|report| report.drained).max().unwrap_or_default();
        writeln!(f, "| | |\n|:--|--:|")?;
        writeln!(f, "| rounds green, red | {}, {} |", self.green.len(), self.red.len())?;
        writeln!(f, "| kills | {kills:?} |")?;
        writeln!(f, "| commands acknowledged | {} |", self.sum(|report| report.counted.done))?;
        writeln!(
            f,
            "| of these repeated after an uncertain answer | {} |",
            self.sum(|report| report.counted.repeated)
        )?;
        writeln!(f, "| refused | {} |", self.sum(|report| report.counted.refused))?;
        writeln!(f, "| without key and without answer | {} |", self.sum(|report| report.counted.open))?;
        writeln!(f, "| transfers settled | {} |", self.sum(|report| report.settled))?;
        writeln!(f, "| transfers returned | {} |", self.sum(|report| report.returned))?;
        writeln!(f, "| events | {} |", self.sum(|report| report.events.unsigned_abs()))?;
        writeln!(f, "| good looks at the log | {} |", self.sum(|report| report.log.good))?;
        writeln!(f, "| looks that found it down or slow | {} |", self.sum(|report| report.log.missed))?;
        writeln!(f, "| good looks a second while PostgreSQL was up, least of all rounds | {least:.1} |")?;
        writeln!(f, "| good looks through the servers | {} |", self.sum(|report| report.asked.good))?;
        write!(f, "| slowest restart with all transfers ended | {slowest:.1?} |")
    }
}

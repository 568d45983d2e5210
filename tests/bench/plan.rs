//! Which variants run, and in which order.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;
use crate::arena::Arena;
use crate::closed_loop::Figure;
use crate::options::Options;
use crate::product::Load;
use crate::{plain_insert, product, published};

const CALLERS: [usize; 4] = [1, 16, 64, 256];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// (a)
    Insert { callers: usize },
    /// (b)
    Published { callers: usize },
    /// (c)
    Ledger(Load),
}

/// A variant with its figures, one per round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) variant: Variant,
    pub(crate) rounds: Vec<Figure>,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert { callers } => write!(f, "insert/{callers}"),
            Self::Published { callers } => write!(f, "published/{callers}"),
            Self::Ledger(Load { callers, keys, one_wallet }) => {
                let keys = if *keys { "+keys" } else { "" };
                let wallets = if *one_wallet { "one-wallet" } else { "ledger" };
                write!(f, "{wallets}{keys}/{callers}")
            }
        }
    }
}

impl Variant {
    async fn measure(self, arena: &Arena, length: Duration) -> Result<Figure, Failure> {
        match self {
            Self::Insert { callers } => plain_insert::measure(arena, callers, length).await,
            Self::Published { callers } => published::measure(arena, callers, length).await,
            Self::Ledger(load) => product::measure(arena, load, length).await,
        }
    }
}

fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    for callers in CALLERS {
        // From 64 callers on it is the same 64 clients.
        if plain_insert::clients(callers) == callers {
            all.push(Variant::Insert { callers });
        }
        all.push(Variant::Published { callers });
        for keys in [false, true] {
            all.push(Variant::Ledger(Load { callers, keys, one_wallet: false }));
        }
    }
    for callers in [64, 256] {
        all.push(Variant::Ledger(Load { callers, keys: false, one_wallet: true }));
    }
    all
}

/// Measures every wanted variant once per round.
pub(crate) async fn run(options: &Options, arena: &Arena) -> Result<Vec<Measured>, Failure> {
    let mut measured: Vec<Measured> = variants()
        .into_iter()
        .map(|variant| Measured { name: variant.to_string(), variant, rounds: Vec::new() })
        .filter(|measured| options.wants(&measured.name))
        .collect();
    for round in 1..=options.rounds() {
        for one in &mut measured {
            let figure = one.variant.measure(arena, options.measurement()).await?;
            let others = figure.cpu.map_or(0.0, |cpu| cpu.others_percent);
            eprintln!(
                "round {round}: {:<20} {:>8.0}/s, others used {others:.0} % of the machine",
                one.name, figure.per_second
            );
            one.rounds.push(figure);
        }
        // What drifts within a round meets every variant early and late.
        measured.reverse();
    }
    if options.rounds() % 2 == 1 {
        measured.reverse();
    }
    Ok(measured)
}

impl Measured {
    pub(crate) fn median(&self, value: impl Fn(&Figure) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(value).collect())
    }

    pub(crate) fn per_second(&self) -> Option<f64> {
        self.median(|figure| Some(figure.per_second))
    }

    /// How far the best and the worst round lie apart, in percent of the median.
    pub(crate) fn spread_percent(&self) -> Option<f64> {
        let rates = || self.rounds.iter().map(|figure| figure.per_second);
        let spread = rates().reduce(f64::max)? - rates().reduce(f64::min)?;
        Some(spread / self.per_second()? * 100.0)
    }
}

/// The middle of the values, or the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

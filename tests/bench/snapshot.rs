//! What a long snapshot costs: appends while somebody holds a REPEATABLE READ transaction open. A row updated per
//! batch would leave dead versions that nobody may clear away and every append must walk past.

use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, Executor, PgConnection};

use crate::Failure;
use crate::arena::Arena;
use crate::plan::median;
use crate::product::{self, Load};

const LOAD: Load = Load { callers: 64, keys: true, one_wallet: false };

/// Pairs of measurements; the second of each pair is the other way round.
const PAIRS: usize = 2;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) seconds: u32,
    /// Commands per second over the last third of the time, when rot would show most.
    pub(crate) without: Vec<f64>,
    pub(crate) with: Vec<f64>,
}

impl Snapshot {
    /// The share of the throughput that is left.
    pub(crate) fn kept(&self) -> f64 {
        let of = |values: &[f64]| median(values.to_vec()).unwrap_or_default();
        of(&self.with) / of(&self.without)
    }
}

pub(crate) async fn measure(arena: &Arena, seconds: u32) -> Result<Snapshot, Failure> {
    let mut found = Snapshot { seconds, without: Vec::new(), with: Vec::new() };
    for pair in 0..PAIRS {
        for held in [pair % 2 == 1, pair % 2 == 0] {
            let rate = one(arena, seconds, held).await?;
            eprintln!("snapshot {}: {rate:>8.0}/s", if held { "open  " } else { "absent" });
            if held { found.with.push(rate) } else { found.without.push(rate) }
        }
    }
    Ok(found)
}

async fn one(arena: &Arena, seconds: u32, held: bool) -> Result<f64, Failure> {
    let stage = arena.stage("bench_snapshot").await?;
    let mut reader = PgConnection::connect_with(&stage.database).await?;
    if held {
        reader.execute("begin isolation level repeatable read").await?;
        reader.execute("select count(*) from journal.events").await?;
    }
    let length = Duration::from_secs(seconds.into());
    let figure = product::measure_on(arena, &stage.database, LOAD, length).await?;
    if held {
        reader.execute("commit").await?;
    }
    reader.close().await?;
    arena.drop_stage(stage).await?;
    Ok(figure.last_third.unwrap_or(figure.per_second))
}

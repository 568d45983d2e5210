//! The load generator: callers that each wait for an answer before they ask again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Failure;
use crate::cpu::{Cpu, Meter};

/// Not measured: caches fill and connections open.
const RUN_UP: Duration = Duration::from_millis(500);

/// What one measurement found.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Figure {
    pub(crate) per_second: f64,
    /// Median latency, where every single one was taken.
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    /// Commands that had to be tried again because somebody else wrote the stream.
    pub(crate) conflicts: u64,
    /// Commands per commit, where batches exist.
    pub(crate) per_batch: Option<f64>,
    pub(crate) cpu: Option<Cpu>,
    /// Commands per second in the last third of the time, where that was asked for.
    pub(crate) last_third: Option<f64>,
}

/// What a variant does for one command.
pub(crate) trait Commands: Send + Sync + 'static {
    /// Carries out one command of `caller` until it is acknowledged; answers how often it had to begin again.
    /// `draw` is a random number.
    fn one(&self, caller: usize, draw: u64) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// Runs `callers` of them for `length` after the run-up.
pub(crate) async fn drive<C: Commands>(
    commands: Arc<C>,
    callers: usize,
    length: Duration,
    meter: Meter,
) -> Result<Figure, Failure> {
    let begin = Instant::now() + RUN_UP;
    let end = begin + length;
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let commands = Arc::clone(&commands);
            tokio::spawn(async move { call_until(&*commands, caller, begin, end).await })
        })
        .collect();
    tokio::time::sleep_until(begin.into()).await;
    let ticks = meter.read()?;
    tokio::time::sleep_until(end.into()).await;
    let later = meter.read()?;
    let mut latencies = Vec::new();
    let (mut conflicts, mut late) = (0, 0);
    for task in tasks {
        let own = task.await??;
        latencies.extend(own.latencies);
        conflicts += own.conflicts;
        late += own.late;
    }
    latencies.sort_unstable();
    Ok(Figure {
        per_second: latencies.len() as f64 / length.as_secs_f64(),
        p50_us: quantile(&latencies, 0.50),
        p99_us: quantile(&latencies, 0.99),
        conflicts,
        per_batch: None,
        cpu: Some(ticks.per_command(later, latencies.len() as f64)),
        last_third: Some(late as f64 * 3.0 / length.as_secs_f64()),
    })
}

/// What one caller saw between begin and end.
#[derive(Default)]
struct Seen {
    /// In microseconds, one per acknowledged command.
    latencies: Vec<u32>,
    conflicts: u64,
    /// Acknowledged in the last third of the time.
    late: u64,
}

async fn call_until<C: Commands>(
    commands: &C,
    caller: usize,
    begin: Instant,
    end: Instant,
) -> Result<Seen, Failure> {
    let mut random = Random::new(caller);
    let mut seen = Seen::default();
    let late = end - (end - begin) / 3;
    loop {
        let asked = Instant::now();
        let conflicts = commands.one(caller, random.draw()).await?;
        let answered = Instant::now();
        if answered >= end {
            return Ok(seen);
        }
        if answered >= begin {
            seen.latencies.push(u32::try_from((answered - asked).as_micros()).unwrap_or(u32::MAX));
            seen.conflicts += conflicts;
            seen.late += u64::from(answered >= late);
        }
    }
}

/// The value below which `share` of the sorted values lie.
pub(crate) fn quantile(sorted: &[u32], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).map(|value| f64::from(*value))
}

/// xorshift64: cheap, and the same every time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(caller: usize) -> Self {
        Self((caller as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

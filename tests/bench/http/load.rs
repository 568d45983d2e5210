//! The load over HTTP: a number of connections on one thread, so that the generator takes little of the machine.
//!
//! Closed: every connection asks again as soon as it is answered. Open: every connection has a schedule of its own,
//! with exponential gaps, and a latency counts from when the request was due, whether or not the one before was answered
//! by then; so whoever had to wait is counted as waiting. The timer's granularity of 1 ms is in those latencies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::requests::Requests;
use super::wire::Connection;
use crate::Failure;
use crate::closed_loop::{Random, quantile};
use crate::cpu::{Cpu, Meter};

/// Not measured: connections open and buffers grow.
const RUN_UP: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    Closed,
    Open { per_second: f64 },
}

/// What is sent where.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Requests>,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    pub(crate) length: Duration,
}

/// What the callers saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    pub(crate) p999_us: Option<f64>,
    pub(crate) cpu: Cpu,
    /// Every request of the run was answered by then.
    pub(crate) ended: Instant,
    /// Answered in all, before the clock started too.
    pub(crate) answered: u64,
}

/// Of one connection.
#[derive(Default)]
struct Own {
    /// In microseconds.
    latencies: Vec<u32>,
    answered: u64,
}

impl Load {
    /// # Errors
    /// Anything but 200 was answered.
    pub(crate) async fn run(self, meter: Meter) -> Result<Seen, Failure> {
        let begin = Instant::now() + RUN_UP;
        let (length, end) = (self.length, begin + self.length);
        let (done, told) = tokio::sync::oneshot::channel();
        // A thread and a runtime of its own: no locks, and nothing else wakes it.
        let thread = std::thread::spawn(move || {
            let _ = done.send(self.on_this_thread(begin, end));
        });
        tokio::time::sleep_until(begin.into()).await;
        let ticks = meter.read()?;
        tokio::time::sleep_until(end.into()).await;
        let later = meter.read()?;
        let all = told.await.map_err(|_| "the load generator panicked")??;
        let ended = Instant::now();
        thread.join().map_err(|_| "the load generator panicked")?;
        let answered = all.iter().map(|own| own.answered).sum();
        let mut latencies: Vec<u32> = all.into_iter().flat_map(|own| own.latencies).collect();
        latencies.sort_unstable();
        Ok(Seen {
            per_second: latencies.len() as f64 / length.as_secs_f64(),
            p50_us: quantile(&latencies, 0.50),
            p99_us: quantile(&latencies, 0.99),
            p999_us: quantile(&latencies, 0.999),
            cpu: ticks.per_command(later, latencies.len() as f64),
            ended,
            answered,
        })
    }

    fn on_this_thread(&self, begin: Instant, end: Instant) -> Result<Vec<Own>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let tasks: Vec<_> = (0..self.connections)
                .map(|connection| tokio::spawn(self.clone().one_connection(connection, begin, end)))
                .collect();
            let mut all = Vec::with_capacity(tasks.len());
            for task in tasks {
                all.push(task.await??);
            }
            Ok(all)
        })
    }

    async fn one_connection(self, number: usize, begin: Instant, end: Instant) -> Result<Own, Failure> {
        let mut connection = Connection::open(self.address).await?;
        let mut random = Random::new(number);
        let (mut own, mut scratch) = (Own::default(), Vec::new());
        let gap = match self.pace {
            Pace::Closed => None,
            Pace::Open { per_second } => Some(self.connections as f64 / per_second),
        };
        let mut due = Instant::now();
        loop {
            match gap {
                None => due = Instant::now(),
                Some(mean) => {
                    due += exponential(mean, random.draw());
                    if due > Instant::now() {
                        tokio::time::sleep_until(due.into()).await;
                    }
                }
            }
            if due >= end {
                return Ok(own);
            }
            let numbered = (number as u128) << 64 | u128::from(own.answered);
            connection.succeed(self.requests.draw(random.draw(), numbered, &mut scratch)).await?;
            let answered = Instant::now();
            own.answered += 1;
            // Closed: answered while the clock ran. Open: due while it ran, however late the answer.
            let counts = match gap {
                None => (begin..end).contains(&answered),
                Some(_) => due >= begin,
            };
            if counts {
                own.latencies.push(u32::try_from((answered - due).as_micros()).unwrap_or(u32::MAX));
            }
        }
    }
}

/// A random time with this mean, in seconds.
fn exponential(mean: f64, draw: u64) -> Duration {
    // In (0, 1], so that the logarithm is finite.
    let share = ((draw >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    Duration::from_secs_f64(-share.ln() * mean)
}

/// Every request once, over so many connections: the server has everybody in memory afterwards.
pub(crate) async fn each_once(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
) -> Result<(), Failure> {
    let all: Vec<&[u8]> = requests.iter().collect();
    let parts = all.chunks(all.len().div_ceil(connections).max(1)).map(|part| async move {
        let mut connection = Connection::open(address).await?;
        for request in part {
            connection.succeed(request).await?;
        }
        Ok::<_, Failure>(())
    });
    futures_util::future::try_join_all(parts).await?;
    Ok(())
}

//! Which variants run over HTTP, in which order, and what is taken down of each.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinHandle;

use super::load::{Load, Pace, each_once};
use super::people::{self, TEMPLATE};
use super::requests::{Kind, Requests, Route};
use super::server::{Positions, Server, Setup};
use crate::Failure;
use crate::arena::Arena;
use crate::cpu::{Cpu, Meter};
use crate::options::Options;
use crate::plain_insert;
use crate::plan::median;

/// (a): as many clients as `just bench` compares with.
const CLIENTS: usize = 64;
/// Of the open loop: nobody waits for a connection that somebody else has.
const OPEN_CONNECTIONS: usize = 256;
/// How often the server is asked how far its read models are, under load.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The same afterwards, when the answer is a figure.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

const ROUTES: [Route; 4] = [Route::TopUp, Route::Pay, Route::Transfer, Route::Transactions];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Variant {
    /// (a) of the ledger's benchmark.
    Insert,
    Closed {
        kind: Kind,
        connections: usize,
    },
    /// At half of the largest throughput that the closed loops of the same kind had in the same round.
    HalfPeak {
        kind: Kind,
    },
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert => write!(f, "insert/{CLIENTS}"),
            Self::Closed { kind, connections } => write!(f, "{kind}/{connections}"),
            Self::HalfPeak { kind } => write!(f, "{kind}/half peak"),
        }
    }
}

/// What one measurement found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) per_second: f64,
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    pub(crate) p999_us: Option<f64>,
    pub(crate) cpu: Option<Cpu>,
    /// Of the server's process and its read models; (a) has none.
    pub(crate) server: Option<OfServer>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct OfServer {
    /// The largest that was seen under load.
    pub(crate) lag_events: i64,
    pub(crate) lag_seconds: f64,
    /// From the last answer until the read models showed what the log held then.
    pub(crate) shown_after_ms: f64,
    /// From the last answer until the server had nothing left to do: transfers are settled too.
    pub(crate) at_rest_after_ms: f64,
    /// Events per answered request.
    pub(crate) events: f64,
    pub(crate) rss_mb: f64,
    pub(crate) peak_rss_mb: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) variant: Variant,
    pub(crate) rounds: Vec<Figure>,
}

impl Measured {
    pub(crate) fn median(&self, value: impl Fn(&Figure) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(value).collect())
    }

    pub(crate) fn per_second(&self) -> Option<f64> {
        self.median(|figure| Some(figure.per_second))
    }
}

fn variants(quick: bool) -> Vec<Variant> {
    let steps: &[usize] = if quick { &[16] } else { &[16, 64, 256] };
    let mut all = vec![Variant::Insert];
    for route in ROUTES {
        let kind = Kind::plain(route);
        all.extend(steps.iter().map(|connections| Variant::Closed { kind, connections: *connections }));
    }
    if !quick {
        let keyed = Kind::keyed(Route::TopUp);
        all.extend([64, 256].map(|connections| Variant::Closed { kind: keyed, connections }));
        for route in [Route::TopUp, Route::Pay, Route::Transfer] {
            let kind = Kind::hot(route);
            all.extend([64, 256].map(|connections| Variant::Closed { kind, connections }));
        }
    }
    all.extend(ROUTES.map(|route| Variant::HalfPeak { kind: Kind::plain(route) }));
    all
}

/// Measures every wanted variant once per round: the closed loops in an order that turns around every other round, the
/// open ones behind them.
pub(crate) async fn run(options: &Options, arena: &Arena, setup: &Setup) -> Result<Vec<Measured>, Failure> {
    let mut measured: Vec<Measured> = variants(options.is_quick())
        .into_iter()
        .map(|variant| Measured { name: variant.to_string(), variant, rounds: Vec::new() })
        .filter(|measured| options.wants(&measured.name))
        .collect();
    for round in 1..=options.rounds() {
        let mut order: Vec<usize> = (0..measured.len()).collect();
        if round % 2 == 0 {
            order.reverse();
            order.sort_by_key(|at| matches!(measured[*at].variant, Variant::HalfPeak { .. }));
        }
        for at in order {
            let Some(pace) = pace(measured[at].variant, &measured) else { continue };
            let figure = one(measured[at].variant, pace, options, arena, setup).await?;
            told(round, &measured[at].name, &figure);
            measured[at].rounds.push(figure);
        }
    }
    Ok(measured)
}

fn told(round: usize, name: &str, figure: &Figure) {
    let Figure { per_second, p99_us, cpu, .. } = figure;
    let others = cpu.map_or(0.0, |cpu| cpu.others_percent);
    let p99_ms = p99_us.unwrap_or_default() / 1_000.0;
    eprintln!(
        "round {round}: {name:<22} {per_second:>8.0}/s, p99 {p99_ms:.1} ms, others used {others:.0} % of the machine"
    );
}

/// `None` for an open loop of which no closed one was measured in this round.
fn pace(variant: Variant, measured: &[Measured]) -> Option<Pace> {
    let Variant::HalfPeak { kind } = variant else { return Some(Pace::Closed) };
    let same = measured
        .iter()
        .filter(|other| matches!(other.variant, Variant::Closed { kind: closed, .. } if closed == kind));
    let peak = same.filter_map(|other| Some(other.rounds.last()?.per_second)).reduce(f64::max)?;
    Some(Pace::Open { per_second: peak / 2.0 })
}

async fn one(
    variant: Variant,
    pace: Pace,
    options: &Options,
    arena: &Arena,
    setup: &Setup,
) -> Result<Figure, Failure> {
    match variant {
        Variant::Insert => {
            let found = plain_insert::measure(arena, CLIENTS, options.measurement()).await?;
            Ok(Figure {
                per_second: found.per_second,
                p50_us: found.p50_us,
                p99_us: found.p99_us,
                p999_us: None,
                cpu: found.cpu,
                server: None,
            })
        }
        Variant::Closed { kind, connections } => {
            over_http(kind, connections, pace, options.measurement(), arena, setup).await
        }
        Variant::HalfPeak { kind } => {
            over_http(kind, OPEN_CONNECTIONS, pace, options.measurement(), arena, setup).await
        }
    }
}

async fn over_http(
    kind: Kind,
    connections: usize,
    pace: Pace,
    length: Duration,
    arena: &Arena,
    setup: &Setup,
) -> Result<Figure, Failure> {
    let stage = arena.stage_of(TEMPLATE, "bench_http").await?;
    let server = Server::start(setup, &stage.database).await?;
    let people = people::with_tokens(&server, setup, &arena.customers, people::LOGINS).await?;
    // Brings everybody into memory.
    each_once(server.address, &Requests::new(Kind::plain(Route::TopUp), &people), 64).await?;
    let before = server.rest().await?;
    let requests = Arc::new(Requests::new(kind, &people));
    let load = Load { address: server.address, requests, connections, pace, length };
    let meter = Meter { product: Some(server.process), ..arena.meter };
    let watch = Watch::start(server);
    let seen = load.run(meter).await?;
    let (server, lag_events, lag_seconds) = watch.end().await?;
    let at_end = server.positions().await?;
    let shown_after_ms = shown(&server, at_end, seen.ended).await?;
    let after = server.rest().await?;
    let (rss_mb, peak_rss_mb) = server.memory_mb()?;
    let of_server = OfServer {
        lag_events,
        lag_seconds,
        shown_after_ms,
        at_rest_after_ms: seen.ended.elapsed().as_secs_f64() * 1_000.0,
        events: (after.ledger - before.ledger) as f64 / (seen.answered as f64).max(1.0),
        rss_mb,
        peak_rss_mb,
    };
    if kind.route != Route::Transactions && of_server.events < 1.0 {
        return Err(format!(
            "{kind}: {} answers, but only {:.3} events each",
            seen.answered, of_server.events
        )
        .into());
    }
    server.stop().await?;
    arena.drop_stage(stage).await?;
    Ok(Figure {
        per_second: seen.per_second,
        p50_us: seen.p50_us,
        p99_us: seen.p99_us,
        p999_us: seen.p999_us,
        cpu: Some(seen.cpu),
        server: Some(of_server),
    })
}

/// Milliseconds from the last answer until the read models show what the log held then.
async fn shown(server: &Server, at_end: Positions, ended: Instant) -> Result<f64, Failure> {
    let mut now = at_end;
    while now.projected < at_end.ledger {
        tokio::time::sleep(LOOK_AGAIN).await;
        now = server.positions().await?;
    }
    Ok(ended.elapsed().as_secs_f64() * 1_000.0)
}

/// Looks at a server under load now and then.
struct Watch {
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<Result<(Server, i64, f64), Failure>>,
}

impl Watch {
    fn start(server: Server) -> Self {
        let (stop, mut told) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut events, mut seconds) = (0, 0.0_f64);
            loop {
                tokio::select! {
                    _ = &mut told => return Ok((server, events, seconds)),
                    () = tokio::time::sleep(LOOK_EVERY) => {
                        let now = server.positions().await?;
                        events = events.max(now.lag_events);
                        seconds = seconds.max(now.lag_seconds);
                    }
                }
            }
        });
        Self { stop, task }
    }

    async fn end(self) -> Result<(Server, i64, f64), Failure> {
        drop(self.stop);
        self.task.await?
    }
}

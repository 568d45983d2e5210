//! The task that watches PostgreSQL: the owner's starts it again when it dies, with growing pauses; an
//! attached process's waits to take over from an owner that went away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::Receiver;
use tokio::time::sleep;

use super::launch::Launcher;
use super::locks::Locks;
use super::postmaster::{Postmaster, Probe, probe};
use super::{ClusterError, Left};

const TICK: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A PostgreSQL that ran this long was healthy: the next restart is quick again.
const HEALTHY: Duration = Duration::from_secs(60);

pub(super) struct Supervisor {
    launcher: Launcher,
    locks: Locks,
    /// Of the owner; none while PostgreSQL is down, and in an attached process.
    postmaster: Option<Postmaster>,
    owner: Arc<AtomicBool>,
    started_at: Instant,
    pause: Duration,
}

enum Next {
    Stop,
    Abandoned,
    Restart,
    Tick,
}

impl Supervisor {
    pub(super) fn new(
        launcher: Launcher,
        locks: Locks,
        postmaster: Option<Postmaster>,
        owner: Arc<AtomicBool>,
    ) -> Self {
        Self { launcher, locks, postmaster, owner, started_at: Instant::now(), pause: SHORTEST_PAUSE }
    }

    pub(super) async fn run(mut self, mut stopped: Receiver<()>) -> Result<Left, ClusterError> {
        loop {
            let next = tokio::select! {
                stop = &mut stopped => if stop.is_ok() { Next::Stop } else { Next::Abandoned },
                () = ended(self.postmaster.as_mut()) => Next::Restart,
                () = sleep(TICK) => Next::Tick,
            };
            match next {
                Next::Stop => return self.leave().await,
                Next::Abandoned => return Ok(Left::Running),
                Next::Restart => {
                    tracing::error!("PostgreSQL has ended; it is started again");
                    self.postmaster = None;
                    if self.started_at.elapsed() > HEALTHY {
                        self.pause = SHORTEST_PAUSE;
                    }
                }
                Next::Tick if self.is_owner() => self.bound_log().await,
                Next::Tick => self.take_over(),
            }
            if self.is_owner() && self.postmaster.is_none() {
                tokio::select! {
                    () = self.restart() => {}
                    stop = &mut stopped => match stop {
                        Ok(()) => return self.leave().await,
                        Err(_) => return Ok(Left::Running),
                    },
                }
            }
        }
    }

    fn is_owner(&self) -> bool {
        self.owner.load(Ordering::Acquire)
    }

    fn take_over(&mut self) {
        match self.locks.try_own() {
            Ok(true) => {
                tracing::warn!(
                    "the owner of the data folder is gone; this process takes over its PostgreSQL"
                );
                self.owner.store(true, Ordering::Release);
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the lock of the data folder cannot be tried"),
        }
    }

    /// Adopts or starts PostgreSQL until it answers. The pause grows over failed starts and over quick deaths
    /// alike.
    async fn restart(&mut self) {
        loop {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            match self.launcher.adopt_or_start().await {
                Ok((found, postmaster)) => {
                    tracing::info!(?found, pid = postmaster.pid(), "PostgreSQL runs");
                    self.postmaster = Some(postmaster);
                    self.started_at = Instant::now();
                    return;
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, next_in = ?self.pause, "PostgreSQL cannot be started");
                }
            }
        }
    }

    async fn bound_log(&self) {
        let log = self.launcher.log.clone();
        // A panic in there has been reported; the log is then bounded at the next tick.
        let _ = tokio::task::spawn_blocking(move || log.bound()).await;
    }

    /// Stops PostgreSQL if it is ours to stop and nobody else uses it. Asked twice, because an attached
    /// process may be leaving in the same moment, each of us seeing the other still there.
    async fn leave(&mut self) -> Result<Left, ClusterError> {
        for attempt in 0..2 {
            let alone = self.locks.try_exclude()?;
            let owns = (attempt == 0 && self.is_owner()) || self.locks.try_own()?;
            if alone && owns {
                return self.stop().await;
            }
            if !self.is_owner() {
                break;
            }
            self.locks.disown()?;
            sleep(Duration::from_millis(50)).await;
        }
        tracing::info!("PostgreSQL goes on running for the other processes of this data folder");
        Ok(Left::Running)
    }

    async fn stop(&mut self) -> Result<Left, ClusterError> {
        let postmaster = match self.postmaster.take() {
            Some(postmaster) => Some(postmaster),
            // An attached process that became the last, or an owner stopped in the middle of a restart.
            None => match probe(&self.launcher.cluster).await? {
                Probe::Ready(running) => Some(Postmaster::Adopted { pid: running.pid }),
                Probe::Starting { pid } | Probe::Lost { pid } => Some(Postmaster::Adopted { pid }),
                Probe::Absent => None,
            },
        };
        if let Some(postmaster) = postmaster {
            postmaster.stop().await?;
        }
        Ok(Left::Stopped)
    }
}

async fn ended(postmaster: Option<&mut Postmaster>) {
    match postmaster {
        Some(postmaster) => postmaster.ended().await,
        None => std::future::pending().await,
    }
}

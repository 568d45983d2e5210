//! Settles transfers in the background: a process manager.
//!
//! It follows the log from a checkpoint and asks the ledger to settle every transfer that was started and has not ended. It has no
//! truth of its own: whether a transfer is still to be settled is decided on its stream. So a manager may die anywhere, come
//! back at an older position, or be two at once. A second guard is the id of each request, derived from the position that
//! calls for it and kept with its answer: the same position is answered once, whatever the stream would say.
//!
//! Bounds: [`UNDER_WAY`] use cases in the managers' lane, a window of open transfers in memory ([`Agenda`]). One node works at
//! a time, for economy alone. A ledger that gives no answer is asked again, further and further apart; what it cannot carry
//! out is parked for an operator after [`FAILURES`] times.

mod agenda;
mod progress;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lumbung_domain::{TransferId, TransferStatus};
use lumbung_journal::process::{checkpoint, note_checkpoint, pause};
use lumbung_journal::{Facts, JournalError, Lease, Stop, Stopper, read};
use sqlx::postgres::PgConnectOptions;

use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info, warn};

use crate::ledger::{Answer, Call, IdempotencyKey, Lane, Ledger, NoAnswer, UseCase};
use crate::transfer::{GiveUpTransfer, SettleTransfer, TransferEnd};
use agenda::{Agenda, Due};
use progress::Progress;
pub use progress::{SettlementCounts, SettlementProgress, SettlementState};

/// What its lease and its checkpoint are called, its ids are derived from, and its events name it by.
pub const PROCESS: &str = "settlement";

/// Use cases that are asked for at once.
const UNDER_WAY: usize = 256;
/// How often a command may fail before its transfer is parked.
const FAILURES: u32 = 5;
/// Events that are read at once; between two pages everything else has its turn.
const READ: usize = 4_096;
/// How often the lease is looked at and the checkpoint noted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After trouble with the database.
const TROUBLE: Duration = Duration::from_millis(200);
/// How long the use cases under way are waited for at the end.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long the end of the task is waited for: that, and the last note of the checkpoint.
const END_WITHIN: Duration = Duration::from_secs(7);

/// A page of the log that is on its way.
type Page = Pin<Box<dyn Future<Output = Result<Vec<Facts>, JournalError>> + Send>>;

/// The running task of a node.
pub struct Settlement {
    task: JoinHandle<()>,
    stopper: Stopper,
    progress: SettlementProgress,
}

/// Trouble that passes; the log holds everything.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the log")]
    Journal(#[from] JournalError),
    #[error("the database")]
    Database(#[from] sqlx::Error),
}

struct Shift {
    database: PgConnectOptions,
    ledger: Ledger,
    progress: Progress,
    stop: Stop,
}

/// How a request ended.
struct Ended {
    due: Due,
    told: Result<Told, Trouble>,
}

enum Told {
    /// It was brought to this end by this very request.
    Done(TransferStatus),
    /// It had ended, or the answer was given before.
    AlreadySo,
}

enum Trouble {
    /// The ledger gave no answer.
    Away,
    /// It cannot be carried out.
    Failed,
}

impl Settlement {
    /// Starts the task. It works while no other node does.
    #[must_use]
    pub fn start(database: PgConnectOptions, ledger: Ledger) -> Self {
        let (stopper, stop) = Stopper::new();
        let (progress, shown) = Progress::new();
        let shift = Shift { database, ledger, progress, stop };
        Self { task: tokio::spawn(shift.work()), stopper, progress: shown }
    }

    /// What it does and has done, for operators.
    #[must_use]
    pub fn progress(&self) -> SettlementProgress {
        self.progress.clone()
    }

    /// Ends the task where it stands, as the end of its process would.
    pub fn abandon(self) {
        self.task.abort();
    }

    /// Lets the use cases under way be answered, for at most five seconds, and ends the task, after seven seconds by force.
    pub async fn stopped(self) {
        self.stopper.stop();
        let task = self.task.abort_handle();
        match tokio::time::timeout(END_WITHIN, self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => {
                error!(
                    error = &panic as &dyn std::error::Error,
                    "the settlement of transfers did not end well"
                );
            }
            Err(_) => {
                task.abort();
                warn!(
                    "the settlement of transfers did not end in time; what it had begun is asked for again"
                );
            }
        }
    }
}

impl Shift {
    async fn work(self) {
        while !self.stop.is_raised() {
            let lease = tokio::select! {
                lease = Lease::wait(&self.database, PROCESS) => lease,
                () = self.stop.raised() => return,
            };
            let worked = match lease {
                Ok(mut lease) => {
                    let worked = self.settle(&mut lease).await;
                    self.progress.standby();
                    lease.give_back().await;
                    worked
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = worked {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "the settlement of transfers was interrupted; trying again"
                );
                let _ = tokio::time::timeout(TROUBLE, self.stop.raised()).await;
            }
        }
    }

    /// Until the task is told to stop, or something is amiss.
    async fn settle(&self, lease: &mut Lease) -> Result<(), Interrupted> {
        let mut noted = checkpoint(self.ledger.pool(), PROCESS).await?;
        // What this node has not heard of yet another one may have noted; what the log does not hold nobody can have.
        let unheard = noted > self.ledger.feed().reached();
        let mut agenda = Agenda::new(noted);
        if unheard && noted > read::head(self.ledger.pool()).await?.position {
            // Transfers would wait for ever. From the beginning costs time and nothing else.
            error!(noted, "the checkpoint of the settlement is beyond the log; reading all of it");
            agenda = Agenda::new(0);
        }
        info!(position = agenda.read_to(), "settling transfers");
        let mut news = self.ledger.feed().watch();
        let caught_up = self.ledger.feed().reached();
        let mut page = None;
        let mut under_way = JoinSet::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        while !self.stop.is_raised() {
            news.mark_unchanged();
            if page.is_none() {
                page = self.next_page(&agenda);
            }
            // What was settled since the checkpoint is found out before anything is asked for.
            let asking = agenda.read_to() >= caught_up || !agenda.has_room();
            while asking
                && under_way.len() < UNDER_WAY
                && let Some(due) = agenda.next(Instant::now())
            {
                under_way.spawn(ask(self.ledger.clone(), due));
            }
            self.progress.show(&agenda, under_way.len());
            let next_at = agenda.next_at().filter(|_| asking && under_way.len() < UNDER_WAY);
            tokio::select! {
                batches = arrival(&mut page), if page.is_some() => {
                    page = None;
                    batches?.iter().flat_map(|batch| batch.iter()).for_each(|fact| agenda.take_in(fact));
                }
                Some(ended) = under_way.join_next() => {
                    self.conclude(&mut agenda, ended);
                    while let Some(ended) = under_way.try_join_next() {
                        self.conclude(&mut agenda, ended);
                    }
                }
                changed = news.changed(), if page.is_none() && agenda.has_room() => if changed.is_err() { return Ok(()) },
                () = until(next_at), if next_at.is_some() => {}
                _ = look.tick() => {
                    lease.check().await?;
                    self.note(&agenda, &mut noted).await?;
                }
                () = self.stop.raised() => {}
            }
        }
        let ending = async {
            while let Some(ended) = under_way.join_next().await {
                self.conclude(&mut agenda, ended);
            }
        };
        let _ = tokio::time::timeout(STOP_WITHIN, ending).await;
        self.note(&agenda, &mut noted).await
    }

    /// Begins to read on, if there is room and anything to read.
    fn next_page(&self, agenda: &Agenda) -> Option<Page> {
        let (feed, after) = (Arc::clone(self.ledger.feed()), agenda.read_to());
        let read: Page = Box::pin(async move { feed.after(after, READ).await });
        (agenda.has_room() && after < self.ledger.feed().reached()).then_some(read)
    }

    async fn note(&self, agenda: &Agenda, noted: &mut i64) -> Result<(), Interrupted> {
        let finished = agenda.checkpoint();
        if finished > *noted {
            note_checkpoint(self.ledger.pool(), PROCESS, finished).await?;
            *noted = finished;
        }
        Ok(())
    }

    fn conclude(&self, agenda: &mut Agenda, ended: Result<Ended, tokio::task::JoinError>) {
        // The loop catches panics of decisions; what is left is a runtime that ends.
        let Ok(Ended { due, told }) = ended else { return };
        match told {
            Ok(told) => {
                if let Told::Done(status) = told {
                    self.progress.ended(status);
                }
                agenda.finish(due.position);
            }
            Err(trouble) => {
                self.progress.retried();
                let again = Instant::now() + pause(SHORTEST_PAUSE, due.attempts + 1, LONGEST_PAUSE);
                agenda.rest(due, again, matches!(trouble, Trouble::Failed));
            }
        }
    }
}

/// Whoever stops waiting for it finds it where it was.
async fn arrival(page: &mut Option<Page>) -> Result<Vec<Facts>, JournalError> {
    match page {
        Some(page) => page.await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at.into()).await;
    }
}

/// Has one transfer settled, or parked if it failed too often.
async fn ask(ledger: Ledger, due: Due) -> Ended {
    let transfer = due.transfer;
    let told = if due.failures < FAILURES {
        request(&ledger, due, Step::Settle, SettleTransfer { transfer }).await
    } else {
        error!(%transfer, position = due.position, "a transfer cannot be settled; parking it");
        request(&ledger, due, Step::GiveUp, GiveUpTransfer { transfer }).await
    };
    Ended { due, told }
}

async fn request<U: UseCase<Outcome = TransferEnd>>(
    ledger: &Ledger,
    due: Due,
    step: Step,
    use_case: U,
) -> Result<Told, Trouble> {
    let key = Some(derived_id(ledger, due.position, step, due.transfer));
    let call = Call { metadata: vec![("process_manager", PROCESS.to_owned())], key };
    match ledger.execute_in(Lane::Manager, use_case, call).await {
        Ok(Answer { outcome: Ok(TransferEnd { status, now: true }), replayed: false, .. }) => {
            Ok(Told::Done(status))
        }
        Ok(Answer { outcome: Ok(_), .. }) => Ok(Told::AlreadySo),
        Ok(Answer { outcome: Err(rejection), .. }) => {
            error!(transfer = %due.transfer, code = rejection.code(), "the ledger refuses to settle a transfer");
            Err(Trouble::Failed)
        }
        Err(NoAnswer::Failed) => Err(Trouble::Failed),
        Err(NoAnswer::Overloaded | NoAnswer::OutcomeUnknown) => Err(Trouble::Away),
    }
}

/// What is asked for because of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Settle,
    GiveUp,
}

/// The id of what is asked for because of the event at a position.
#[must_use]
pub fn derived_id(ledger: &Ledger, position: i64, step: Step, transfer: TransferId) -> IdempotencyKey {
    let vault = ledger.vault();
    let position = position.to_be_bytes();
    let step: &[u8] = match step {
        Step::Settle => b"settle",
        Step::GiveUp => b"give up",
    };
    IdempotencyKey {
        key: vault.keyed_hash("process", &[PROCESS.as_bytes(), &position, step]),
        body: vault.keyed_hash("process-body", &[transfer.0.as_bytes()]),
    }
}

//! Hashing passwords, which is slow on purpose, without letting it take the node.
//!
//! Bounds: one hash per two cores at a time, 19 MiB each, on threads of their own that give way to every other;
//! [`QUEUE_PER_WORKER`] more have a place per thread, then the caller is told to come back. A caller that hangs up frees
//! its place only when its hash is done. Whoever is known has places of their own and comes first: a flood of strangers
//! keeps no owner out. One account has [`KNOWN_AT_ONCE`] and [`STRANGERS_AT_ONCE`] of the places, whatever the devices
//! that know it; and after [`KNOWN_IN_A_ROW`] of the known it is a stranger's turn. The strangers of one address have
//! [`SHARE_OF_ADDRESS`] of theirs, however many accounts they name or make up: nobody keeps everybody else out.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier};
use lumbung_domain::PasswordHash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{debug, error};
use zeroize::Zeroizing;

use super::CountKey;
use super::quota::network;
use super::turns::{Turn, Turns};

const QUEUE_PER_WORKER: usize = 32;

/// Of one account. Its strangers cannot take the owner's.
const KNOWN_AT_ONCE: usize = 2;
const STRANGERS_AT_ONCE: usize = 1;
const WAITING_FOR_ACCOUNT: usize = 32;

/// One of so many places of the strangers is for one address; as many as there are in all may wait for those.
const SHARE_OF_ADDRESS: usize = 4;

/// How many of the known come before the next stranger.
const KNOWN_IN_A_ROW: u32 = 3;

/// How far the threads step back behind the others of this machine, from 0 to 19. Not all the way: on a machine that is
/// busy with other work people must still get in.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A hash of nothing that anybody types: what is compared when there is nobody to compare with, so that it takes as
/// long. Made with the parameters of [`Passwords::new`], which a test holds it to.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$prMQUtw920l+AOh5MB7C0g$F0cOUK2xxf6iK5UxqjJ1Woi6jvggK0kkffysT6iMV6w";

type Job = Box<dyn FnOnce(&Argon2<'_>) + Send>;

/// Who asks for a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Somebody with a session, or a device that has logged in to the account before.
    Known,
    /// Where they are.
    Stranger(IpAddr),
}

/// The pool. Cheap to clone; its threads end with the last clone.
#[derive(Clone)]
pub struct Passwords {
    known: Pool,
    strangers: Pool,
    addresses: Arc<Turns<IpAddr>>,
    desk: Arc<Desk>,
}

/// The places of everybody with the same standing.
#[derive(Clone)]
struct Pool {
    places: Arc<Semaphore>,
    turns: Arc<Turns<CountKey>>,
}

/// Hashes that wait for a processor, and how many more would be taken.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub waiting: usize,
    pub free: usize,
}

/// The right to have hashes made, one after the other. Take it before anything else is done for a login: whoever gets
/// none costs nothing.
pub struct Place {
    standing: Standing,
    held: Arc<Held>,
    desk: Arc<Desk>,
}

/// What a place takes from others until its last hash is done.
struct Held {
    _place: OwnedSemaphorePermit,
    _turn: Turn<CountKey>,
    _of_address: Option<Turn<IpAddr>>,
}

/// Where jobs are handed in. When it is gone, the threads end.
struct Desk(Arc<Queue>);

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs {
    known: VecDeque<Job>,
    strangers: VecDeque<Job>,
    /// How many of the known came since the last stranger.
    in_a_row: u32,
    closed: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// Too many wait; nothing was done.
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the password hash failed: {0}")]
    Hash(String),
    #[error("a password hash was not finished")]
    Lost,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// Argon2id with OWASP's recommendation, which is the library's default: 19 MiB, two passes, one lane.
    #[must_use]
    pub fn new() -> Self {
        let workers = workers();
        let queue = Arc::new(Queue::default());
        for _ in 0..workers {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name("passwords".to_owned());
            if let Err(error) = thread.spawn(move || work(&queue)) {
                error!(error = &error as &dyn std::error::Error, "a thread for passwords did not start");
            }
        }
        let places = workers * (1 + QUEUE_PER_WORKER);
        let pool = |at_once| Pool {
            places: Arc::new(Semaphore::new(places)),
            turns: Turns::new(at_once, WAITING_FOR_ACCOUNT),
        };
        Self {
            known: pool(KNOWN_AT_ONCE),
            strangers: pool(STRANGERS_AT_ONCE),
            addresses: Turns::new((places / SHARE_OF_ADDRESS).max(1), places),
            desk: Arc::new(Desk(queue)),
        }
    }

    /// Of the known, and of the strangers.
    #[must_use]
    pub fn loads(&self) -> [(&'static str, Load); 2] {
        let jobs = self.desk.0.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, strangers) = (jobs.known.len(), jobs.strangers.len());
        drop(jobs);
        let load = |pool: &Pool, waiting| Load { waiting, free: pool.places.available_permits() };
        [("known", load(&self.known, known)), ("stranger", load(&self.strangers, strangers))]
    }

    /// Waits only for others of the same account; a stranger, for those of the same address too.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`].
    pub async fn place(&self, standing: Standing, account: CountKey) -> Result<Place, PasswordsError> {
        // First of the address: who waits in its own crowd keeps nobody else from an account.
        let (pool, of_address) = match standing {
            Standing::Known => (&self.known, None),
            Standing::Stranger(address) => {
                (&self.strangers, Some(self.addresses.take(network(address)).await?))
            }
        };
        let turn = pool.turns.take(account).await?;
        let place = Arc::clone(&pool.places).try_acquire_owned().map_err(|_| PasswordsError::Busy)?;
        let held = Arc::new(Held { _place: place, _turn: turn, _of_address: of_address });
        Ok(Place { standing, held, desk: Arc::clone(&self.desk) })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`], or as [`Place::hash`].
    pub async fn hash(
        &self,
        standing: Standing,
        account: CountKey,
        password: &str,
    ) -> Result<PasswordHash, PasswordsError> {
        self.place(standing, account).await?.hash(password).await
    }
}

impl Place {
    /// Hashes a new password.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordsError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |argon2| hash(argon2, password.as_bytes())).await
    }

    /// Whether the password fits. With no hash it never does, and that takes as long.
    ///
    /// # Errors
    /// The stored hash is none.
    pub async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, PasswordsError> {
        let password = Zeroizing::new(password.to_owned());
        let somebody = hash.is_some();
        let hash = Zeroizing::new(hash.map_or(NOBODY, PasswordHash::as_str).to_owned());
        let fits = self.run(move |argon2| verify(argon2, password.as_bytes(), &hash)).await?;
        Ok(fits && somebody)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordsError> + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let (reply, done) = oneshot::channel();
        let held = Arc::clone(&self.held);
        let job = move |argon2: &Argon2<'_>| {
            // Whoever hung up does not hear it.
            let _ = reply.send(work(argon2));
            drop(held);
        };
        self.desk.0.push(self.standing, Box::new(job));
        done.await.map_err(|_| PasswordsError::Lost)?
    }
}

/// Whether a hash was made with less effort than a new one would be.
#[must_use]
pub fn is_weak(hash: &PasswordHash) -> bool {
    let Ok(phc) = Phc::new(hash.as_str()) else { return true };
    let argon2id = Algorithm::new(phc.algorithm.as_str()).is_ok_and(|used| used == Algorithm::Argon2id);
    let today = Params::default();
    match Params::try_from(&phc) {
        Ok(used) => !argon2id || used.m_cost() < today.m_cost() || used.t_cost() < today.t_cost(),
        Err(_) => true,
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.more.notify_all();
    }
}

impl Queue {
    fn push(&self, standing: Standing, job: Job) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Standing::Known => jobs.known.push_back(job),
            Standing::Stranger(_) => jobs.strangers.push_back(job),
        }
        drop(jobs);
        self.more.notify_one();
    }

    /// Waits for a job; `None` once there will be no more.
    fn take(&self) -> Option<Job> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = jobs.next() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Jobs {
    fn next(&mut self) -> Option<Job> {
        if self.in_a_row >= KNOWN_IN_A_ROW || self.known.is_empty() {
            self.in_a_row = 0;
            if let Some(job) = self.strangers.pop_front() {
                return Some(job);
            }
        }
        let job = self.known.pop_front()?;
        self.in_a_row += 1;
        Some(job)
    }
}

/// Half the processors at most: a flood of logins leaves the others to the ledger.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

/// Until the pool is gone.
fn work(queue: &Queue) {
    step_back();
    let argon2 = Argon2::default();
    while let Some(job) = queue.take() {
        if catch_unwind(AssertUnwindSafe(|| job(&argon2))).is_err() {
            error!("a password hash panicked");
        }
    }
}

/// On Linux a priority belongs to the thread; elsewhere it would be the whole process that steps back.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        let own = rustix::process::getpriority_process(None).unwrap_or(0);
        if let Err(error) = rustix::process::setpriority_process(None, own.max(NICENESS)) {
            let error = &error as &dyn std::error::Error;
            debug!(error, "the threads for passwords keep their priority");
        }
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash, PasswordsError> {
    let hash = argon2.hash_password(password).map_err(|error| failed(&error.to_string()))?;
    PasswordHash::new(&hash.to_string()).map_err(|error| failed(error.as_str()))
}

fn verify(argon2: &Argon2<'_>, password: &[u8], hash: &str) -> Result<bool, PasswordsError> {
    let hash = Phc::new(hash).map_err(|error| failed(&error.to_string()))?;
    match argon2.verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(&error.to_string())),
    }
}

fn failed(why: &str) -> PasswordsError {
    PasswordsError::Hash(why.to_owned())
}

#[cfg(test)]
mod tests;

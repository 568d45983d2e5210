//! Hashing passwords, which is slow on purpose, without letting it take the node.
//!
//! Bounds: one hash per core at a time, 19 MiB each, on threads of their own; [`QUEUE_PER_WORKER`] more wait per
//! core, then the caller is told to come back. A caller that hangs up frees its place only when its hash is done.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use lumbung_domain::PasswordHash;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const QUEUE_PER_WORKER: usize = 32;

/// A hash of nothing that anybody types: what is compared when there is nobody to compare with, so that it takes as
/// long. Made with the parameters of [`Passwords::new`], which a test holds it to.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$prMQUtw920l+AOh5MB7C0g$F0cOUK2xxf6iK5UxqjJ1Woi6jvggK0kkffysT6iMV6w";

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// How many hashes are made at once at most.
    at_once: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// Too many wait; nothing was done.
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the password hash failed: {0}")]
    Hash(String),
    #[error("a password hash was not finished")]
    Lost(#[from] tokio::task::JoinError),
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
        // Half the processors at most: a flood of logins leaves the others to the ledger.
        let workers =
            std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1));
        Self {
            argon2: Argon2::default(),
            places: Arc::new(Semaphore::new(workers * (1 + QUEUE_PER_WORKER))),
            workers: Arc::new(Semaphore::new(workers)),
            at_once: workers,
        }
    }

    /// How many hashes are in the making, and how many wait.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let taken = self.at_once * (1 + QUEUE_PER_WORKER) - self.places.available_permits();
        let running = self.at_once - self.workers.available_permits();
        (running, taken.saturating_sub(running))
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`], or the system has no random numbers.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordsError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |argon2| hash(argon2, password.as_bytes())).await
    }

    /// Whether the password fits. With no hash it never does, and that takes as long.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`], or the stored hash is none.
    pub async fn verify(&self, password: &str, hash: Option<PasswordHash>) -> Result<bool, PasswordsError> {
        let password = Zeroizing::new(password.to_owned());
        let somebody = hash.is_some();
        let fits = self
            .run(move |argon2| {
                let hash = hash.as_ref().map_or(NOBODY, PasswordHash::as_str);
                verify(argon2, password.as_bytes(), hash)
            })
            .await?;
        Ok(fits && somebody)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordsError> + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordsError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordsError::Busy)?;
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || {
            let done = work(&argon2);
            drop((place, worker));
            done
        })
        .await?
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn fits_or_does_not() {
        let passwords = Passwords::new();
        let hash = passwords.hash("customer123").await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(passwords.verify("customer123", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("customer124", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("", None).await.unwrap());
        assert_ne!(hash, passwords.hash("customer123").await.unwrap());
        let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(parameters(NOBODY), parameters(hash.as_str()));
        assert_eq!(NOBODY.len(), hash.as_str().len());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let passwords = Passwords::new();
        let all = u32::try_from(passwords.places.available_permits()).unwrap();
        let held = passwords.places.clone().acquire_many_owned(all).await.unwrap();
        assert!(matches!(passwords.hash("p").await, Err(PasswordsError::Busy)));
        drop(held);
        assert!(passwords.hash("p").await.is_ok());
    }
}

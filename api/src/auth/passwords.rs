//! Hashing passwords, which is slow on purpose, without letting it take the node.
//!
//! Bounds: one hash per core at a time, 19 MiB each, on threads of their own; [`QUEUE_PER_WORKER`] more wait per
//! core, then the caller is told to come back. A caller that hangs up frees its place only when its hash is done.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use lumbung_domain::PasswordHash;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const QUEUE_PER_WORKER: usize = 32;

/// OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// What is compared when there is nobody to compare with, so that it takes as long.
    nobody: Arc<PasswordHash>,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait; nothing was done.
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the password hash failed: {0}")]
    Hash(String),
    #[error("a password hash was not finished")]
    Lost(#[from] tokio::task::JoinError),
}

impl Passwords {
    /// Takes as long as one hash.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<Self, PasswordError> {
        let params =
            Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = Arc::new(hash(&argon2, b"")?);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            argon2,
            places: Arc::new(Semaphore::new(workers * (1 + QUEUE_PER_WORKER))),
            workers: Arc::new(Semaphore::new(workers)),
            nobody,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordError::Busy`], or the system has no random numbers.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |argon2| hash(argon2, password.as_bytes())).await
    }

    /// Whether the password fits. With no hash it never does, and that takes as long.
    ///
    /// # Errors
    /// [`PasswordError::Busy`], or the stored hash is none.
    pub async fn verify(&self, password: &str, hash: Option<PasswordHash>) -> Result<bool, PasswordError> {
        let password = Zeroizing::new(password.to_owned());
        let somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| (*self.nobody).clone());
        let fits = self.run(move |argon2| verify(argon2, password.as_bytes(), &hash)).await?;
        Ok(fits && somebody)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || {
            let done = work(&argon2);
            drop((place, worker));
            done
        })
        .await?
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash, PasswordError> {
    let hash = argon2.hash_password(password).map_err(|error| failed(&error.to_string()))?;
    PasswordHash::new(&hash.to_string()).map_err(|error| failed(error.as_str()))
}

fn verify(argon2: &Argon2<'_>, password: &[u8], hash: &PasswordHash) -> Result<bool, PasswordError> {
    let hash = Phc::new(hash.as_str()).map_err(|error| failed(&error.to_string()))?;
    match argon2.verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(&error.to_string())),
    }
}

fn failed(why: &str) -> PasswordError {
    PasswordError::Hash(why.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn fits_or_does_not() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("customer123").await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(passwords.verify("customer123", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("customer124", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("", None).await.unwrap());
        assert_ne!(hash, passwords.hash("customer123").await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let passwords = Passwords::new().unwrap();
        let all = u32::try_from(passwords.places.available_permits()).unwrap();
        let held = passwords.places.clone().acquire_many_owned(all).await.unwrap();
        assert!(matches!(passwords.hash("p").await, Err(PasswordError::Busy)));
        drop(held);
        assert!(passwords.hash("p").await.is_ok());
    }
}

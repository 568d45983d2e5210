//! What every request may use: the two sides of the node, the keys and pools of the edge, and its settings.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use lumbung_commands::Ledger;
use lumbung_projections::{AccessView, Freshness, ProjectorState, Reader};
use tokio::sync::watch;

use crate::auth::{PasswordError, Passwords, Tokens};
use crate::config::{Config, Environment, Limits};
use crate::numbers::Numbers;
use crate::secret::SecretKey;

/// Shared by all requests of a node.
pub struct App {
    pub ledger: Ledger,
    pub reader: Arc<Reader>,
    pub freshness: Freshness,
    pub access: Arc<AccessView>,
    pub projector: watch::Receiver<ProjectorState>,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub numbers: Numbers,
    /// The zone that the documented endpoints print times in.
    pub zone: Tz,
    pub public_url: String,
    pub environment: Environment,
    pub limits: Limits,
    /// How long a read waits for the projections.
    pub patience: Duration,
}

impl App {
    /// `projector` is the state of the node's own projector. Takes as long as one password hash.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(
        ledger: Ledger,
        reader: Arc<Reader>,
        access: Arc<AccessView>,
        projector: watch::Receiver<ProjectorState>,
        config: &Config,
        token_key: &SecretKey,
    ) -> Result<Arc<Self>, PasswordError> {
        let limits = config.limits.clone();
        Ok(Arc::new(Self {
            numbers: Numbers::new(ledger.pool().clone()),
            freshness: reader.freshness(),
            tokens: Tokens::new(token_key, Duration::from_secs(limits.access_token_s)),
            passwords: Passwords::new()?,
            zone: config.zone,
            public_url: config.public_url.clone(),
            environment: config.environment,
            patience: Duration::from_millis(limits.freshness_wait_ms),
            limits,
            ledger,
            reader,
            access,
            projector,
        }))
    }
}

//! What every request may use: the two sides of the node, the keys and pools of the edge, and its settings.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use lumbung_commands::Ledger;
use lumbung_commands::ledger::Calendar;
use lumbung_commands::settlement::SettlementProgress;
use lumbung_journal::JournalError;
use lumbung_projections::{AccessView, Freshness, ProjectorState, Reader};
use tokio::sync::{Notify, watch};

use crate::audit::{Audit, Bounds};
use crate::auth::{AddressQuota, FailedLogins, Passwords, Tokens, TrustedProxies};
use crate::business_date::BusinessDay;
use crate::config::{Config, Environment, Limits};
use crate::daily_run::DailyRunProgress;
use crate::memory::Memory;
use crate::metrics::Requests;
use crate::node::Node;
use crate::numbers::Numbers;
use crate::operations::Operations;
use crate::rest::{Cors, ROUTES};
use crate::seats::Seats;
use crate::secret::SecretKey;
use crate::uploads::{self, Uploads};

/// Reports that one person has on their way at once.
const REPORTS_OF_ONE: usize = 2;

/// Shared by all requests of a node.
pub struct App {
    pub ledger: Ledger,
    pub reader: Arc<Reader>,
    pub freshness: Freshness,
    pub access: Arc<AccessView>,
    pub projector: watch::Receiver<ProjectorState>,
    pub settlement: SettlementProgress,
    pub daily_run: DailyRunProgress,
    /// What the ledger takes for the business date unless an operator set one.
    pub calendar: Calendar,
    pub operations: Operations,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub failed_logins: FailedLogins,
    /// Those of one address, whatever the accounts.
    pub failed_logins_of_addresses: FailedLogins,
    /// What one address may ask for that costs us or somebody else.
    pub quota: AddressQuota,
    /// How often one address may show a token that is not good.
    pub refusals: AddressQuota,
    pub trusted_proxies: TrustedProxies,
    /// Whether messages get anywhere.
    pub delivers: bool,
    /// Rung when a message was queued, so that it need not wait for the next look.
    pub outbox_bell: Arc<Notify>,
    pub numbers: Numbers,
    pub uploads: Uploads,
    /// What all JSON bodies may take together.
    pub bodies: Memory,
    /// Long reports on their way.
    pub reports: Arc<Seats>,
    pub audit: Audit,
    pub requests: Requests,
    /// The zone that the documented endpoints print times in.
    pub zone: Tz,
    pub public_url: String,
    /// Whether clients reach the API by HTTPS.
    pub https: bool,
    pub cors: Cors,
    pub environment: Environment,
    pub limits: Limits,
    /// Whether a line is logged for each request.
    pub log_requests: bool,
    /// How long a read waits for the projections.
    pub patience: Duration,
}

impl App {
    /// What requests to this node need of it. Starts the writer of audit rows and
    /// what operators are told by; call it inside a runtime.
    #[must_use]
    pub fn new(config: &Config, token_key: &SecretKey, node: &Node) -> Self {
        let limits = config.limits.clone();
        Self {
            ledger: node.ledger.clone(),
            reader: Arc::clone(&node.reader),
            freshness: node.reader.freshness(),
            access: Arc::clone(&node.access),
            projector: node.projector.state(),
            settlement: node.settlement.progress(),
            daily_run: node.daily_run.clone(),
            calendar: Arc::clone(&node.calendar),
            operations: Operations::start(node.ledger.feed()),
            tokens: Tokens::new(
                token_key,
                Duration::from_secs(limits.access_token_s),
                Duration::from_secs(limits.refresh_token_s),
            ),
            passwords: Passwords::new(),
            uploads: Uploads::new(
                &config.uploads_dir,
                node.ledger.vault().ledger(),
                uploads::Bounds::from(&limits),
            ),
            bodies: Memory::new(limits.bodies_memory_bytes),
            reports: Seats::new(
                usize::try_from(limits.reports_at_once).unwrap_or(usize::MAX),
                REPORTS_OF_ONE,
            ),
            failed_logins: FailedLogins::new(limits.failed_logins_per_quarter_hour),
            failed_logins_of_addresses: FailedLogins::new(limits.failed_logins_per_address_per_quarter_hour),
            quota: AddressQuota::new(limits.sensitive_requests_per_hour),
            refusals: AddressQuota::new(limits.sensitive_requests_per_hour),
            trusted_proxies: config.trusted_proxies.clone(),
            delivers: config.mail.is_some() || config.environment != Environment::Production,
            outbox_bell: Arc::default(),
            numbers: Numbers::new(node.ledger.pool().clone()),
            audit: Audit::start(
                node.ledger.pool().clone(),
                Arc::clone(node.ledger.vault()),
                Bounds::from(&limits),
            ),
            requests: Requests::new(ROUTES.iter().map(|(_, path)| *path)),
            zone: config.zone,
            public_url: config.public_url.clone(),
            https: config.public_url.starts_with("https://"),
            cors: Cors::new(&config.cors_origins),
            environment: config.environment,
            patience: Duration::from_millis(limits.freshness_wait_ms),
            log_requests: config.log.requests,
            limits,
        }
    }

    /// The business date, with whatever this node acknowledged of it.
    ///
    /// # Errors
    /// The journal could not be read.
    pub async fn business_day(&self) -> Result<BusinessDay, JournalError> {
        BusinessDay::now(&self.access, self.ledger.id(), &self.calendar).await
    }
}

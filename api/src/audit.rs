//! Audit rows: attempts that left no event. Denied requests, failed logins, and the staff looking at people.
//!
//! Bounds: a queue of rows, one writer that inserts them in batches; a row that finds the queue full is dropped and
//! counted, because a flood of refusals must not hold up the requests that are served. Rows are deleted when they are too
//! old, and the oldest of a kind when there are too many of it: so nobody pushes out rows of another kind. Order: none
//! between rows of one batch; [`Audit::flush`] comes back when everything recorded before is stored.

mod kind;
mod row;
mod trail;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::http::StatusCode;
use lumbung_domain::{LoanNumber, UserId};
use lumbung_journal::Vault;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

pub use kind::Kind;
pub use trail::Trail;
pub(crate) use trail::{UNMATCHED, method_name};

use crate::auth::LoginName;
use crate::config::Limits;
use row::Row;
use writer::{Message, Writer};

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Rows that may wait for the writer.
    pub queue_rows: usize,
    /// Age at which a row is deleted.
    pub keep_for: Duration,
    /// The most rows of one kind.
    pub rows_per_kind: i64,
}

/// Where attempts are recorded. Cheap to clone; nothing waits for it.
#[derive(Clone)]
pub struct Audit {
    vault: Arc<Vault>,
    rows: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
}

/// A login that was refused.
#[derive(Debug, Clone, Copy)]
pub struct FailedLogin<'a> {
    /// As it was given, if it is one; kept as a keyed hash.
    pub name: Option<&'a LoginName>,
    /// Whose it is, if anybody's.
    pub person: Option<UserId>,
    /// What they were told.
    pub code: &'static str,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            queue_rows: usize::try_from(limits.audit_queue_rows).unwrap_or(usize::MAX),
            keep_for: Duration::from_secs(limits.audit_retention_s),
            rows_per_kind: i64::try_from(limits.audit_rows_per_kind).unwrap_or(i64::MAX),
        }
    }
}

impl Audit {
    /// Starts the writer, which ends when every clone is dropped and all rows are stored. `pool`: connections of the
    /// application.
    #[must_use]
    pub fn start(pool: PgPool, vault: Arc<Vault>, bounds: Bounds) -> Self {
        let (rows, queue) = mpsc::channel(bounds.queue_rows.max(1));
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(Writer::new(pool, queue, bounds, Arc::clone(&lost)).run());
        Self { vault, rows, lost }
    }

    /// A request that was refused for who sent it.
    pub fn denied(&self, trail: &Trail, status: StatusCode, code: &'static str) {
        let kind = if status == StatusCode::UNAUTHORIZED { Kind::Unauthenticated } else { Kind::Denied };
        let (subject_kind, subject_id) = trail.subject().unzip();
        self.record(Row {
            status: Some(status.as_u16()),
            code: Some(code),
            subject_kind,
            subject_id,
            ..self.row(kind, trail)
        });
    }

    /// A login that was refused, whatever the reason.
    pub fn login_failed(&self, trail: &Trail, login: FailedLogin<'_>) {
        let FailedLogin { name, person, code } = login;
        // The same hashes as those of the claims, so rows can be found for an address that somebody asks about.
        let hash = |kind, key: &str| Some(self.vault.keyed_hash(kind, &[key.as_bytes()]));
        let (email, phone) = match name {
            Some(LoginName::Email(email)) => (hash("email", &email.login_key()), None),
            Some(LoginName::Phone(phone)) => (None, hash("phone", phone.as_e164())),
            None => (None, None),
        };
        self.record(Row {
            code: Some(code),
            person: person.map(|person| person.0),
            email,
            phone,
            ..self.row(Kind::LoginFailed, trail)
        });
    }

    /// Somebody was shown a person's data. Of one's own it is no row.
    pub fn looked_at_person(&self, trail: &Trail, person: UserId) {
        self.looked(Kind::LookedAtPerson, trail, person, None);
    }

    /// Somebody was shown a loan, with the data of the customer that is on it. Of one's own it is no row.
    pub fn looked_at_loan(&self, trail: &Trail, customer: UserId, loan: LoanNumber) {
        self.looked(Kind::LookedAtPerson, trail, customer, Some(("loan", loan.0.to_string())));
    }

    /// Somebody was shown a file of a person. Of one's own it is no row. `document`: its id, never a name that its owner
    /// gave it.
    pub fn looked_at_file(&self, trail: &Trail, person: UserId, document: impl Into<String>) {
        self.looked(Kind::LookedAtFile, trail, person, Some(("document", document.into())));
    }

    /// Comes back when all rows recorded until now are stored, or are given up because the database stays away.
    pub async fn flush(&self) {
        let (done, stored) = oneshot::channel();
        if self.rows.send(Message::Flush(done)).await.is_ok() {
            let _ = stored.await;
        }
    }

    /// Deletes everything that is too old or too much now, which otherwise happens every ten minutes.
    pub async fn pruned(&self) {
        let (done, pruned) = oneshot::channel();
        if self.rows.send(Message::Prune(done)).await.is_ok() {
            let _ = pruned.await;
        }
    }

    /// Rows that were not stored: the queue was full, or the database did not take them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Rows that wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rows.max_capacity() - self.rows.capacity()
    }

    fn looked(&self, kind: Kind, trail: &Trail, person: UserId, subject: Option<(&'static str, String)>) {
        if trail.actor().is_some_and(|actor| actor.user == person) {
            return;
        }
        let (subject_kind, subject_id) = subject.unzip();
        self.record(Row {
            person: Some(person.0),
            subject_kind: subject_kind.map(Into::into),
            subject_id,
            ..self.row(kind, trail)
        });
    }

    fn row(&self, kind: Kind, trail: &Trail) -> Row {
        let address = trail.client().map(|address| match address {
            IpAddr::V4(address) => self.vault.keyed_hash("client-address", &[&address.octets()]),
            IpAddr::V6(address) => self.vault.keyed_hash("client-address", &[&address.octets()]),
        });
        let agent = trail.agent().map(|agent| self.vault.keyed_hash("user-agent", &[agent]));
        Row::new(kind, trail, address, agent)
    }

    fn record(&self, row: Row) {
        if self.rows.try_send(Message::Row(Box::new(row))).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }
}

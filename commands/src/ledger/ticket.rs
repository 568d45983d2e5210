//! A use case on its way through the loop, and the answer on its way back.

use std::any::Any;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lumbung_domain::Rejection;
use lumbung_journal::{KeyedAnswer, WrappedPersonKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::book::{Book, Halt};

/// What somebody wants of the ledger. May touch several aggregates; all its events go in together or none do.
///
/// `decide` must be pure: it may run several times before it counts.
pub trait UseCase: Send + Sync + 'static {
    /// Stored with its events as `use_case`.
    const NAME: &'static str;
    /// What the caller is told. Kept with an Idempotency-Key, so it holds personal values only sealed.
    type Outcome: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Keys of people whose first event is among this use case's; they go in with it.
    fn person_keys(&self) -> &[WrappedPersonKey] {
        &[]
    }

    /// Reads streams, has aggregates decide, and answers.
    ///
    /// # Errors
    /// The business rejection, or [`Halt::Missing`].
    fn decide(&self, book: &mut Book<'_>) -> Result<Self::Outcome, Halt>;
}

/// How a use case is called.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Stored with the events as flat JSON strings, e.g. actor and request id.
    pub metadata: Vec<(&'static str, String)>,
    pub key: Option<IdempotencyKey>,
}

/// Keyed hashes of what an Idempotency-Key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Of actor, route and key.
    pub key: [u8; 32],
    /// Of the canonical body.
    pub body: [u8; 32],
}

/// A definite answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    pub outcome: Result<T, Rejection>,
    /// The ledger's position once the use case was done.
    pub position: i64,
    pub answered_at: DateTime<Utc>,
    /// Given before, and told again because the Idempotency-Key was.
    pub replayed: bool,
}

/// Why there is no definite answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Too much is waiting; nothing was done.
    #[error("too many commands are waiting")]
    Overloaded,
    /// It was not known in time whether the command was committed. A repetition with its key finds out.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// The command cannot be carried out, whatever is tried; nothing was done.
    #[error("the command failed")]
    Failed,
}

pub(super) type Reply<T> = Result<Answer<T>, NoAnswer>;

/// A use case of any type, as the loop sees it.
pub(super) trait Ticket: Send + Sync {
    fn name(&self) -> &'static str;
    fn metadata(&self) -> &Arc<str>;
    fn key(&self) -> Option<&IdempotencyKey>;
    fn person_keys(&self) -> &[WrappedPersonKey];
    /// Decides; a rejection is a decision.
    fn decide(&mut self, book: &mut Book<'_>) -> Decision;
    /// The stored form of what was decided.
    fn kept(&self, position: i64, at: DateTime<Utc>) -> Option<KeyedAnswer>;
    fn answer(self: Box<Self>, position: i64, at: DateTime<Utc>);
    /// Answers from a stored form.
    fn replay(self: Box<Self>, body: &[u8; 32], outcome: &[u8]);
    fn fail(self: Box<Self>, reason: NoAnswer);
}

/// How a decision ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Done,
    /// Refused; whether and how that is kept with a key.
    Refused(Keeping),
    Missing,
}

/// What a rejection means for the Idempotency-Key of its call (CONTRACT §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// A business rejection: kept.
    Keep,
    /// A 403 of the business, a command meant for another version, or one that may be tried again as it is: not kept, but an earlier answer to the same key
    /// goes first.
    LookOnly,
    /// The caller may not even ask: neither kept nor looked up.
    Never,
}

impl Keeping {
    fn of(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Unauthorized
            | Rejection::AccessDenied
            | Rejection::InvalidCredentials
            | Rejection::InvalidPhoneOrPin
            | Rejection::RefreshTokenReused => Self::Never,
            Rejection::LoanNotYours
            | Rejection::LoanOfOtherBranch
            | Rejection::AlreadyDecided
            | Rejection::LoanDaysOpen
            | Rejection::VersionMismatch => Self::LookOnly,
            _ => Self::Keep,
        }
    }
}

pub(super) struct Pending<U: UseCase> {
    use_case: U,
    metadata: Arc<str>,
    key: Option<IdempotencyKey>,
    decided: Option<Result<U::Outcome, Rejection>>,
    reply: oneshot::Sender<Reply<U::Outcome>>,
}

/// The stored form of an answer.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    position: i64,
    at: DateTime<Utc>,
    outcome: Result<T, Rejection>,
}

#[derive(Serialize)]
struct KeptRef<'a, T> {
    position: i64,
    at: DateTime<Utc>,
    outcome: Result<&'a T, &'a Rejection>,
}

impl<U: UseCase> Pending<U> {
    pub(super) fn issue(use_case: U, call: Call) -> (Box<dyn Ticket>, oneshot::Receiver<Reply<U::Outcome>>) {
        let Call { metadata: entries, key } = call;
        let (reply, receiver) = oneshot::channel();
        let metadata = metadata(U::NAME, entries);
        (Box::new(Self { use_case, metadata, key, decided: None, reply }), receiver)
    }
}

/// The flat JSON object stored with each event of the use case, its names in order.
fn metadata(use_case: &'static str, mut entries: Vec<(&'static str, String)>) -> Arc<str> {
    entries.push(("use_case", use_case.to_owned()));
    entries.sort_by_key(|(name, _)| *name);
    let mut text = Vec::with_capacity(128);
    text.push(b'{');
    for (place, (name, value)) in entries.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        // Writing a text to memory cannot fail, and JSON is UTF-8.
        let _ = serde_json::to_writer(&mut text, name);
        text.push(b':');
        let _ = serde_json::to_writer(&mut text, value);
    }
    text.push(b'}');
    String::from_utf8_lossy(&text).into()
}

impl<U: UseCase> Ticket for Pending<U> {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn metadata(&self) -> &Arc<str> {
        &self.metadata
    }

    fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    fn person_keys(&self) -> &[WrappedPersonKey] {
        self.use_case.person_keys()
    }

    fn decide(&mut self, book: &mut Book<'_>) -> Decision {
        match self.use_case.decide(book) {
            Ok(outcome) => {
                self.decided = Some(Ok(outcome));
                Decision::Done
            }
            Err(Halt::Rejected(rejection)) => {
                let keeping = Keeping::of(&rejection);
                self.decided = Some(Err(rejection));
                Decision::Refused(keeping)
            }
            Err(Halt::Missing) => Decision::Missing,
        }
    }

    fn kept(&self, position: i64, at: DateTime<Utc>) -> Option<KeyedAnswer> {
        let key = self.key?;
        let kept = KeptRef { position, at, outcome: self.decided.as_ref()?.as_ref() };
        let outcome = serde_json::to_vec(&kept).ok()?;
        Some(KeyedAnswer { key: key.key, body: key.body, outcome })
    }

    fn answer(self: Box<Self>, position: i64, at: DateTime<Utc>) {
        let answer = self
            .decided
            .map(|outcome| Answer { outcome, position, answered_at: at, replayed: false })
            .ok_or(NoAnswer::Failed);
        // Whoever hung up cancels nothing.
        let _ = self.reply.send(answer);
    }

    fn replay(self: Box<Self>, body: &[u8; 32], outcome: &[u8]) {
        let asked_again = self.key.is_some_and(|key| key.body == *body);
        let answer = match serde_json::from_slice::<Kept<U::Outcome>>(outcome) {
            Ok(kept) if asked_again => {
                let Kept { position, at, outcome } = kept;
                Ok(Answer { outcome, position, answered_at: at, replayed: true })
            }
            Ok(kept) => Ok(Answer {
                outcome: Err(Rejection::IdempotencyKeyReused),
                position: kept.position,
                answered_at: kept.at,
                replayed: false,
            }),
            Err(_) => Err(NoAnswer::Failed),
        };
        let _ = self.reply.send(answer);
    }

    fn fail(self: Box<Self>, reason: NoAnswer) {
        let _ = self.reply.send(Err(reason));
    }
}

/// The text of a caught panic, for the log.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_a_flat_object_in_order() {
        let text = metadata("TopUp", vec![("request_id", "a\"b".to_owned()), ("actor", "é".to_owned())]);
        assert_eq!(&*text, r#"{"actor":"é","request_id":"a\"b","use_case":"TopUp"}"#);
        assert_eq!(&*metadata("OpenLedger", Vec::new()), r#"{"use_case":"OpenLedger"}"#);
    }
}

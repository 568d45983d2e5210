//! The index key: the ledger's keyed hashes.

use hmac::{Hmac, KeyInit, Mac};
use lumbung_domain::LedgerId;
use sha2::Sha256;
use sqlx::{PgPool, Row};
use zeroize::Zeroizing;

use super::{MasterKey, random, unwrap, wrap};
use crate::error::JournalError;

const NAME: &str = "index";

/// The ledger's own secret for keyed hashes. Wrapped by the master key in the database; never rotates.
#[derive(Clone)]
pub struct IndexKey(Zeroizing<[u8; 32]>);

impl IndexKey {
    /// Draws the key on the ledger's first start, and unwraps it on every other.
    pub(super) async fn open(
        pool: &PgPool,
        ledger: LedgerId,
        master: &MasterKey,
    ) -> Result<Self, JournalError> {
        let wrapped = wrap(master, ledger, NAME, &*random::<32>()?)?;
        sqlx::query("insert into journal.ledger_keys (name, wrapped) values ($1, $2) on conflict do nothing")
            .bind(NAME)
            .bind(wrapped)
            .execute(pool)
            .await?;
        let row = sqlx::query("select wrapped from journal.ledger_keys where name = $1")
            .bind(NAME)
            .fetch_one(pool)
            .await?;
        Ok(Self(unwrap(master, ledger, NAME, row.try_get("wrapped")?)?))
    }

    /// The key of the ledger in this database; writes nothing. `None` if the ledger was never opened.
    ///
    /// # Errors
    /// [`super::KeyError::WrongMasterKey`], or the database fails.
    pub async fn find(pool: &PgPool, master: &MasterKey) -> Result<Option<Self>, JournalError> {
        let row = sqlx::query(
            "select e.aggregate_id, k.wrapped from journal.events e, journal.ledger_keys k
             where e.position = 1 and k.name = $1",
        )
        .bind(NAME)
        .fetch_optional(pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let ledger = row
            .try_get::<&str, _>("aggregate_id")?
            .parse()
            .map_err(|_| JournalError::Malformed { what: "the ledger's id" })?;
        Ok(Some(Self(unwrap(master, ledger, NAME, row.try_get("wrapped")?)?)))
    }

    /// The keyed hash of a list of values. `purpose` separates what must not collide.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, values: &[&[u8]]) -> [u8; 32] {
        // HMAC takes keys of any length, so there is no error to meet.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.0) else {
            return [0; 32];
        };
        for value in std::iter::once(purpose.as_bytes()).chain(values.iter().copied()) {
            mac.update(&(value.len() as u64).to_be_bytes());
            mac.update(value);
        }
        mac.finalize().into_bytes().into()
    }
}

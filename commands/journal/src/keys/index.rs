//! The index key: the ledger's keyed hashes.

use hmac::{Hmac, KeyInit, Mac};
use lumbung_domain::LedgerId;
use sha2::Sha256;
use sqlx::{PgPool, Row};
use zeroize::Zeroizing;

use super::{KeyError, MasterKey, random, unwrap, wrap};
use crate::error::JournalError;
use crate::read;

/// Its name, in the database and in exports.
pub(crate) const NAME: &str = "index";

/// The ledger's own secret for keyed hashes. Wrapped by the master key in the database; never rotates.
#[derive(Clone)]
pub struct IndexKey(Zeroizing<[u8; 32]>);

impl IndexKey {
    /// Draws the key on the first start of a new ledger, and unwraps it on every other.
    ///
    /// A ledger with a history and without the key came from an export without keys. A new key would find nobody who
    /// registered under the old one, and let their e-mails be claimed again: so there is none.
    pub(super) async fn open(
        pool: &PgPool,
        ledger: LedgerId,
        master: &MasterKey,
    ) -> Result<Self, JournalError> {
        // Whoever writes the second event has stored the key before: it is looked for after that event was.
        let new = read::head(pool).await?.position <= 1;
        let mut wrapped = stored(pool).await?;
        if wrapped.is_none() && new {
            let fresh = wrap(master, ledger, NAME, &*random::<32>()?)?;
            sqlx::query(
                "insert into journal.ledger_keys (name, wrapped) values ($1, $2) on conflict do nothing",
            )
            .bind(NAME)
            .bind(fresh)
            .execute(pool)
            .await?;
            wrapped = stored(pool).await?;
        }
        Ok(Self(unwrap(master, ledger, NAME, &wrapped.ok_or(KeyError::NoKeys)?)?))
    }

    /// The key of the ledger in this database; writes nothing. `None` if the ledger was never opened, or has
    /// come here without its keys.
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

async fn stored(pool: &PgPool) -> Result<Option<Vec<u8>>, JournalError> {
    let row = sqlx::query("select wrapped from journal.ledger_keys where name = $1")
        .bind(NAME)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.try_get("wrapped")).transpose()?)
}

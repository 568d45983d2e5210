//! The ledger's own key, and wrapped keys on their way to another master key.

use lumbung_domain::LedgerId;
use sqlx::{PgPool, Row};
use zeroize::Zeroizing;

use super::{KeyError, MasterKey, random, unwrap, wrap};
use crate::error::JournalError;
use crate::read;

/// The name of the index key, in the database and in exports.
pub(crate) const INDEX: &str = "index";

/// The index key; drawn at the first start of a new ledger.
///
/// A ledger with a history and without the key came from an export without keys. A new key would find nobody who
/// registered under the old one, and let their e-mails be claimed again: so there is none.
pub(super) async fn open(
    pool: &PgPool,
    ledger: LedgerId,
    master: &MasterKey,
) -> Result<Zeroizing<[u8; 32]>, JournalError> {
    if let Some(wrapped) = stored(pool).await? {
        return Ok(unwrap(master, ledger, INDEX, &wrapped)?);
    }
    // Whoever writes the second event has stored the key before.
    if read::head(pool).await?.position > 1 {
        return match stored(pool).await? {
            Some(wrapped) => Ok(unwrap(master, ledger, INDEX, &wrapped)?),
            None => Err(KeyError::NoKeys.into()),
        };
    }
    let wrapped = wrap(master, ledger, INDEX, &*random::<32>()?)?;
    sqlx::query(
        "insert into journal.ledger_keys (name, wrapped) values ('index', $1) on conflict do nothing",
    )
    .bind(wrapped)
    .execute(pool)
    .await?;
    let wrapped = stored(pool).await?.ok_or(KeyError::NoKeys)?;
    Ok(unwrap(master, ledger, INDEX, &wrapped)?)
}

async fn stored(pool: &PgPool) -> Result<Option<Vec<u8>>, JournalError> {
    let row = sqlx::query("select wrapped from journal.ledger_keys where name = 'index'")
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.try_get("wrapped")).transpose()?)
}

/// Whether `master` opens the keys of the ledger in this database; writes nothing. A ledger that was never opened has
/// no keys to try.
///
/// # Errors
/// [`KeyError::WrongMasterKey`], [`KeyError::NoKeys`], or the database fails.
pub async fn check(pool: &PgPool, master: MasterKey) -> Result<(), JournalError> {
    let Some(first) = read::after(pool, 0, 1).await?.pop() else { return Ok(()) };
    let Some(wrapped) = stored(pool).await? else {
        return if read::head(pool).await?.position > 1 { Err(KeyError::NoKeys.into()) } else { Ok(()) };
    };
    let ledger = first.stream.id.parse().map_err(|_| JournalError::Malformed { what: "the ledger's id" })?;
    unwrap(&master, ledger, INDEX, &wrapped)?;
    Ok(())
}

/// The same key under another wrapping. `name`: `index`, or the person's id.
///
/// # Errors
/// [`KeyError::WrongMasterKey`] when `from` does not open it.
pub(crate) fn rewrap(
    from: &MasterKey,
    to: &MasterKey,
    ledger: LedgerId,
    name: &str,
    wrapped: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let key = unwrap(from, ledger, name, wrapped)?;
    wrap(to, ledger, name, &key)
}

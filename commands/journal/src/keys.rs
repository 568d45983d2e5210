//! Person keys: sealing personal values, and the keyed hashes that let them be found.
//!
//! Every person has a data key, wrapped by the master key and stored in the same append as their first event. A
//! value is sealed with AES-256-GCM; its associated data binds ledger, person, field and format, so a ciphertext
//! cannot be moved to another field or ledger, and only the key of the person it names opens it. The index key hashes what must be looked up (e-mails, phones, Idempotency-Keys); it is
//! wrapped like the others and never rotates. Destroying a person's key erases the person; the chain covers
//! ciphertexts and stays valid.
//!
//! Files are sealed the same way, as bytes: the field then names the file, so that no file can be passed off as another.
//!
//! Bounds: [`KEY_CACHE`] unwrapped keys are kept in memory.

mod index;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead, AeadInOut, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lru::LruCache;
use lumbung_domain::{LedgerId, Personal, Sealed};
use sqlx::{PgPool, Row};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use crate::append::WrappedPersonKey;
use crate::error::JournalError;
use crate::read;

pub use index::IndexKey;
pub(crate) use index::NAME as INDEX;

/// How many unwrapped person keys a node keeps.
pub const KEY_CACHE: usize = 65_536;

const FORMAT: &str = "1";
const NONCE_BYTES: usize = 12;
const PERSON_BYTES: usize = 16;
const HEAD_BYTES: usize = PERSON_BYTES + NONCE_BYTES;
const TAG_BYTES: usize = 16;

/// The key that wraps all others. It lives outside the database.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*self.0))
    }
}

/// All keys of one ledger, as far as this node needs them.
pub struct Vault {
    ledger: LedgerId,
    master: MasterKey,
    index: IndexKey,
    pool: PgPool,
    opened: Mutex<LruCache<Uuid, Arc<Aes256Gcm>>>,
}

/// Seals values of one person.
#[derive(Clone)]
pub struct Sealer {
    ledger: LedgerId,
    person: Uuid,
    cipher: Arc<Aes256Gcm>,
}

/// Opens values of the people it was made for.
pub struct Opener {
    ledger: LedgerId,
    ciphers: HashMap<Uuid, Arc<Aes256Gcm>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The database belongs to another master key. Fatal: nothing sealed could be opened, and new values would
    /// be sealed so that nobody else can open them.
    #[error("the master key is not the one that this ledger was opened with")]
    WrongMasterKey,
    /// The log came without its keys. Fatal: nobody could log in, and everybody could register a second time.
    #[error(
        "the log is here, but the ledger's keys are not: it was imported without them; \
         import it with keys into an empty database"
    )]
    NoKeys,
    /// The person was erased: their key is gone for good.
    #[error("the person's key was destroyed")]
    Erased,
    #[error("the sealed value is damaged or belongs elsewhere")]
    Damaged,
    #[error("the cipher refused to work")]
    Cipher,
    #[error("the system has no random numbers")]
    NoEntropy,
}

impl Vault {
    /// Opens the ledger's keys, creating the index key on the first start.
    ///
    /// # Errors
    /// [`KeyError::WrongMasterKey`], [`KeyError::NoKeys`], or the database fails.
    pub async fn open(pool: PgPool, ledger: LedgerId, master: MasterKey) -> Result<Self, JournalError> {
        let index = IndexKey::open(&pool, ledger, &master).await?;
        let capacity = NonZeroUsize::new(KEY_CACHE).unwrap_or(NonZeroUsize::MIN);
        Ok(Self { ledger, master, index, pool, opened: Mutex::new(LruCache::new(capacity)) })
    }

    /// Draws the key of a new person. It opens nothing for others until its wrapped form was appended.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`].
    pub fn new_person(&self, person: Uuid) -> Result<(Sealer, WrappedPersonKey), KeyError> {
        let key = random::<32>()?;
        let wrapped = wrap(&self.master, self.ledger, &person.to_string(), &key)?;
        let cipher = Arc::new(Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)));
        Ok((Sealer { ledger: self.ledger, person, cipher }, WrappedPersonKey { person, wrapped }))
    }

    /// The ledger whose keys these are.
    #[must_use]
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// A sealer for someone whose key is stored.
    ///
    /// # Errors
    /// [`KeyError::Erased`], or the database fails.
    pub async fn sealer(&self, person: Uuid) -> Result<Sealer, JournalError> {
        let mut ciphers = self.ciphers(&[person]).await?;
        let cipher = ciphers.remove(&person).ok_or(KeyError::Erased)?;
        Ok(Sealer { ledger: self.ledger, person, cipher })
    }

    /// An opener for everyone that a list of sealed texts names.
    ///
    /// # Errors
    /// The database fails. Erased people are no error here but in [`Opener::open`].
    pub async fn opener<'a>(
        &self,
        ciphertexts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Opener, JournalError> {
        let mut people: Vec<Uuid> = ciphertexts.into_iter().filter_map(person_of).collect();
        people.sort_unstable();
        people.dedup();
        Ok(Opener { ledger: self.ledger, ciphers: self.ciphers(&people).await? })
    }

    /// An opener for one person.
    ///
    /// # Errors
    /// The database fails. Erased people are no error here but in [`Opener::open_bytes`].
    pub async fn opener_of(&self, person: Uuid) -> Result<Opener, JournalError> {
        Ok(Opener { ledger: self.ledger, ciphers: self.ciphers(&[person]).await? })
    }

    /// The ledger's keyed hash of a value, in hex. `purpose` separates what must not collide.
    #[must_use]
    pub fn keyed_hash_hex(&self, purpose: &str, value: &str) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.keyed_hash(purpose, &[value.as_bytes()]) {
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text
    }

    /// The ledger's keyed hash of a list of values. `purpose` separates what must not collide.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, values: &[&[u8]]) -> [u8; 32] {
        self.index.keyed_hash(purpose, values)
    }

    /// The key of the keyed hashes.
    #[must_use]
    pub fn index_key(&self) -> &IndexKey {
        &self.index
    }

    async fn ciphers(&self, people: &[Uuid]) -> Result<HashMap<Uuid, Arc<Aes256Gcm>>, JournalError> {
        let mut found = HashMap::with_capacity(people.len());
        let mut missing = Vec::new();
        {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            for person in people {
                match opened.get(person) {
                    Some(cipher) => drop(found.insert(*person, Arc::clone(cipher))),
                    None => missing.push(*person),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = sqlx::query(
            "select k.person, k.wrapped from unnest($1::uuid[]) as wanted (person) join journal.person_keys k using (person)",
        )
        .bind(&missing)
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let person: Uuid = row.try_get("person")?;
            let key = unwrap(&self.master, self.ledger, &person.to_string(), row.try_get("wrapped")?)?;
            let cipher = Arc::new(Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)));
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).put(person, Arc::clone(&cipher));
            found.insert(person, cipher);
        }
        Ok(found)
    }
}

/// Whether `master` opens the keys of the ledger in this database; writes nothing. A ledger that was never opened has
/// no keys to try.
///
/// # Errors
/// [`KeyError::WrongMasterKey`], [`KeyError::NoKeys`], or the database fails.
pub async fn check(pool: &PgPool, master: MasterKey) -> Result<(), JournalError> {
    let old = read::head(pool).await?.position > 1;
    match IndexKey::find(pool, &master).await? {
        None if old => Err(KeyError::NoKeys.into()),
        _ => Ok(()),
    }
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

impl Sealer {
    /// Seals a value of this person.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`], [`KeyError::Cipher`].
    pub fn seal<T: Personal>(&self, value: &T) -> Result<Sealed<T>, KeyError> {
        let clear = Zeroizing::new(value.reveal());
        let bytes = self.seal_bytes(T::FIELD, clear.as_bytes())?;
        Ok(Sealed::from_ciphertext(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Seals bytes of this person: 44 bytes more than they were. `field` is bound into them, and must be one that is never
    /// reused for other bytes.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`], [`KeyError::Cipher`].
    pub fn seal_bytes(&self, field: &str, clear: &[u8]) -> Result<Vec<u8>, KeyError> {
        let nonce = random::<NONCE_BYTES>()?;
        let aad = associated_data(self.ledger, &self.person, field);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + clear.len() + TAG_BYTES);
        bytes.extend_from_slice(self.person.as_bytes());
        bytes.extend_from_slice(&*nonce);
        bytes.extend_from_slice(clear);
        let message = &mut bytes[HEAD_BYTES..];
        let sealed = self.cipher.encrypt_inout_detached(&Nonce::from(*nonce), &aad, message.into());
        let Ok(tag) = sealed else {
            bytes.zeroize();
            return Err(KeyError::Cipher);
        };
        bytes.extend_from_slice(&tag);
        Ok(bytes)
    }
}

impl Opener {
    /// Opens a value that must be of `person`: one sealed for somebody else says nothing about them, however it got where
    /// it stands.
    ///
    /// # Errors
    /// As [`Opener::open`], and [`KeyError::Damaged`] for a value of somebody else.
    pub fn open_of<T: Personal>(&self, person: Uuid, sealed: &Sealed<T>) -> Result<T, KeyError> {
        if person_of(sealed.ciphertext()) == Some(person) {
            self.open(sealed)
        } else {
            Err(KeyError::Damaged)
        }
    }

    /// Opens a sealed value of whomever it names. Where the owner is known, [`Opener::open_of`] is the one to ask.
    ///
    /// # Errors
    /// [`KeyError::Erased`] when the person's key is gone, [`KeyError::Damaged`] when the text is not what was sealed.
    pub fn open<T: Personal>(&self, sealed: &Sealed<T>) -> Result<T, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.ciphertext()).map_err(|_| KeyError::Damaged)?;
        let clear = self.open_any(T::FIELD, &bytes)?;
        let clear = String::from_utf8(clear).map_err(|error| {
            error.into_bytes().zeroize();
            KeyError::Damaged
        })?;
        T::restore(clear).ok_or(KeyError::Damaged)
    }

    /// Opens what [`Sealer::seal_bytes`] sealed for the same person and field.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub fn open_bytes(&self, person: Uuid, field: &str, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        // Else a damaged name of the person would look like an erased one.
        if sealed.starts_with(person.as_bytes()) {
            self.open_any(field, sealed)
        } else {
            Err(KeyError::Damaged)
        }
    }

    fn open_any(&self, field: &str, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (person, rest) = sealed.split_at_checked(PERSON_BYTES).ok_or(KeyError::Damaged)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_BYTES).ok_or(KeyError::Damaged)?;
        let person = Uuid::from_slice(person).map_err(|_| KeyError::Damaged)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| KeyError::Damaged)?;
        let cipher = self.ciphers.get(&person).ok_or(KeyError::Erased)?;
        let aad = associated_data(self.ledger, &person, field);
        cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: ciphertext, aad: &aad })
            .map_err(|_| KeyError::Damaged)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The person that a sealed text names, if it is one.
fn person_of(ciphertext: &str) -> Option<Uuid> {
    // 22 characters hold the person's 16 bytes and 4 spare bits.
    let head = ciphertext.get(..24)?;
    let bytes = URL_SAFE_NO_PAD.decode(head).ok()?;
    Uuid::from_slice(bytes.get(..PERSON_BYTES)?).ok()
}

fn associated_data(ledger: LedgerId, person: &Uuid, field: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(2 * PERSON_BYTES + field.len() + FORMAT.len() + 1);
    data.extend_from_slice(ledger.0.as_bytes());
    data.extend_from_slice(person.as_bytes());
    data.extend_from_slice(FORMAT.as_bytes());
    data.push(b'/');
    data.extend_from_slice(field.as_bytes());
    data
}

fn wrap(master: &MasterKey, ledger: LedgerId, name: &str, key: &[u8; 32]) -> Result<Vec<u8>, KeyError> {
    let nonce = random::<NONCE_BYTES>()?;
    let aad = wrap_data(ledger, name);
    let sealed = master
        .cipher()
        .encrypt(&Nonce::from(*nonce), Payload { msg: key, aad: &aad })
        .map_err(|_| KeyError::Cipher)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn unwrap(
    master: &MasterKey,
    ledger: LedgerId,
    name: &str,
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let (nonce, sealed) = wrapped.split_at_checked(NONCE_BYTES).ok_or(KeyError::Damaged)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| KeyError::Damaged)?;
    let aad = wrap_data(ledger, name);
    let clear = master
        .cipher()
        .decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: &aad })
        .map_err(|_| KeyError::WrongMasterKey)?;
    let clear = Zeroizing::new(clear);
    clear.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeyError::Damaged)
}

fn wrap_data(ledger: LedgerId, name: &str) -> Vec<u8> {
    [b"lumbung-key-v1/", ledger.0.as_bytes().as_slice(), name.as_bytes()].concat()
}

pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(|_| KeyError::NoEntropy)?;
    Ok(bytes)
}

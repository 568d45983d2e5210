//! The passphrase under which keys travel, and what is derived from it.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::head::Hash;
use crate::keys::{KeyError, MasterKey, random};

/// Fewer characters are refused: whoever has the file may guess without end.
const SHORTEST: usize = 12;
const SALT_BYTES: usize = 16;

/// What a new export costs to try one passphrase: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// What a file may ask for: 1 GiB, 16 passes. A file from a stranger must not exhaust this machine.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;

/// What opens the keys of an export.
pub struct Passphrase(Zeroizing<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    #[error("the passphrase must have at least {SHORTEST} characters")]
    TooShort,
}

impl Passphrase {
    /// # Errors
    /// It has fewer than twelve characters.
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.chars().count() < SHORTEST {
            return Err(PassphraseError::TooShort);
        }
        Ok(Self(text))
    }
}

/// How a passphrase becomes keys; stands in the header of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kdf {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    /// Base64.
    salt: String,
    cipher: String,
}

const ARGON2ID: &str = "argon2id";
const CIPHER: &str = "AES-256-GCM";

/// The keys from a passphrase.
pub(super) struct Derived {
    /// Wraps the keys in the file.
    pub(super) wrapping: MasterKey,
    authenticating: Zeroizing<[u8; 32]>,
}

impl Kdf {
    pub(super) fn fresh() -> Result<Self, KeyError> {
        let salt = random::<SALT_BYTES>()?;
        Ok(Self {
            kdf: ARGON2ID.to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: STANDARD.encode(*salt),
            cipher: CIPHER.to_owned(),
        })
    }

    /// `None` when the parameters are not what this software can or would work with.
    pub(super) fn derive(&self, passphrase: &Passphrase) -> Option<Derived> {
        let known = self.kdf == ARGON2ID && self.cipher == CIPHER;
        if !known || self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES {
            return None;
        }
        let salt = STANDARD.decode(&self.salt).ok()?;
        let mut out = Zeroizing::new([0_u8; 64]);
        let params = Params::new(self.memory_kib, self.passes, 1, Some(out.len())).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(passphrase.0.as_bytes(), &salt, &mut *out).ok()?;
        let (mut wrapping, mut authenticating) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        wrapping.copy_from_slice(&out[..32]);
        authenticating.copy_from_slice(&out[32..]);
        Some(Derived { wrapping: MasterKey::new(*wrapping), authenticating })
    }
}

impl Derived {
    /// Authenticates the digest of a file: only who knows the passphrase can take a key or an anchor out of it unseen.
    pub(super) fn mac(&self, digest: Hash) -> Hash {
        // HMAC takes keys of any length, so there is no error to meet.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.authenticating) else {
            return Hash::GENESIS;
        };
        mac.update(b"lumbung-export-v1");
        mac.update(&digest.0);
        Hash(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        for text in ["", "eleven char"] {
            let refused = Passphrase::new(Zeroizing::new(text.to_owned())).err();
            assert_eq!(refused, Some(PassphraseError::TooShort), "{text}");
        }
    }

    #[test]
    fn the_mac_depends_on_passphrase_salt_and_digest() {
        let (kdf, other) = (Kdf::fresh().unwrap(), Kdf::fresh().unwrap());
        let mac = |kdf: &Kdf, text, digest| kdf.derive(&passphrase(text)).unwrap().mac(Hash([digest; 32]));
        let first = mac(&kdf, "twelve letters", 1);
        assert_eq!(first, mac(&kdf, "twelve letters", 1));
        for different in
            [mac(&other, "twelve letters", 1), mac(&kdf, "twelve letter", 1), mac(&kdf, "twelve letters", 2)]
        {
            assert_ne!(first, different);
        }
    }

    #[test]
    fn parameters_of_a_hostile_file_are_refused() {
        let kdf = Kdf::fresh().unwrap();
        for hostile in [
            Kdf { memory_kib: u32::MAX, ..kdf.clone() },
            Kdf { memory_kib: 0, ..kdf.clone() },
            Kdf { passes: u32::MAX, ..kdf.clone() },
            Kdf { passes: 0, ..kdf.clone() },
            Kdf { salt: String::new(), ..kdf.clone() },
            Kdf { salt: "?".to_owned(), ..kdf.clone() },
            Kdf { kdf: "none".to_owned(), ..kdf.clone() },
            Kdf { cipher: "ROT13".to_owned(), ..kdf },
        ] {
            assert!(hostile.derive(&passphrase("twelve letters")).is_none(), "{hostile:?}");
        }
    }
}

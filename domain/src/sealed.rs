//! Personal values, opaque to the rules.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// The ciphertext of a personal value of type `T`.
///
/// Sealed at the edge before a command is decided and opened only when answering, so no cache, read model, dump
/// or log holds a person in clear. The text names the person whose key opens it; the journal's `keys` module
/// knows the format. Equality is of ciphertexts: the same value sealed twice differs.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed<T> {
    ciphertext: Box<str>,
    #[serde(skip)]
    value: PhantomData<fn() -> T>,
}

/// A value that is stored only sealed.
pub trait Personal: Sized {
    /// Bound into the ciphertext, so a sealed note cannot be passed off as a name. Never changes.
    const FIELD: &'static str;
    /// The text that is sealed.
    fn reveal(&self) -> String;
    /// The value of an opened text; `None` when the text is not one this type could have sealed.
    fn restore(text: String) -> Option<Self>;
}

impl<T> Sealed<T> {
    /// Wraps what the `keys` module produced.
    #[must_use]
    pub fn from_ciphertext(ciphertext: impl Into<Box<str>>) -> Self {
        Self { ciphertext: ciphertext.into(), value: PhantomData }
    }

    #[must_use]
    pub fn ciphertext(&self) -> &str {
        &self.ciphertext
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_ciphertext(self.ciphertext.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.ciphertext == other.ciphertext
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

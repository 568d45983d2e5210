//! Opening sealed values for an answer: one look at the keys per answer, not one per row.

use std::cell::Cell;

use lumbung_domain::{CustomerSnapshot, NameParts, PersonName, Personal, Sealed};
use lumbung_journal::{KeyError, Opener};

use super::error::ApiError;
use crate::app::App;

/// What a required value of an erased person shows; an optional one is `null`.
const ERASED: &str = "[erased]";

/// Opens the values of the people that an answer shows.
pub(super) struct People {
    opener: Opener,
    erased: Cell<bool>,
}

impl People {
    /// For everyone that the ciphertexts name.
    pub(super) async fn of<'a>(
        app: &App,
        ciphertexts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ApiError> {
        Ok(Self { opener: app.ledger.vault().opener(ciphertexts).await?, erased: Cell::new(false) })
    }

    /// A value that an answer always has.
    pub(super) fn text<T: Personal>(&self, sealed: &Sealed<T>) -> Result<String, ApiError> {
        Ok(self.open(sealed)?.unwrap_or_else(|| ERASED.to_owned()))
    }

    /// A value that may be missing.
    pub(super) fn optional<T: Personal>(
        &self,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<String>, ApiError> {
        match sealed {
            Some(sealed) => self.open(sealed),
            None => Ok(None),
        }
    }

    /// Like [`People::text`], of who may never have had it: then `None`.
    pub(super) fn text_of_some<T: Personal>(
        &self,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<String>, ApiError> {
        sealed.map(|sealed| self.text(sealed)).transpose()
    }

    /// First and last name, which is empty of who has but one.
    pub(super) fn names(
        &self,
        name: &Sealed<PersonName>,
        parts: Option<&NameParts>,
    ) -> Result<(String, String), ApiError> {
        if let Some(NameParts { first, last }) = parts {
            return Ok((self.text(first)?, self.text_of_some(last.as_ref())?.unwrap_or_default()));
        }
        let whole = self.text(name)?;
        let parted =
            whole.split_once(' ').map(|(first, last)| (first.to_owned(), last.trim_start().to_owned()));
        Ok(parted.unwrap_or_else(|| (whole, String::new())))
    }

    /// An answer given again would show less than it did: someone was erased since.
    ///
    /// # Errors
    /// 410, for a replay that met an erased value.
    pub(super) fn complete(&self, replayed: bool) -> Result<(), ApiError> {
        if replayed && self.erased.get() { Err(ApiError::erased()) } else { Ok(()) }
    }

    fn open<T: Personal>(&self, sealed: &Sealed<T>) -> Result<Option<String>, ApiError> {
        match self.opener.open(sealed) {
            Ok(value) => Ok(Some(value.reveal())),
            Err(KeyError::Erased) => {
                self.erased.set(true);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// One of a customer's ciphertexts names the person whose key opens all of them.
pub(super) fn customer_of(customer: &CustomerSnapshot) -> &str {
    customer.name.ciphertext()
}

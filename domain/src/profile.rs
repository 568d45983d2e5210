//! What a lender must know of a borrower.

use serde::{Deserialize, Serialize};

use crate::{Address, Birthdate, DocumentKind, DocumentRef, Nik, Phone, Sealed};

/// What a lender must know of a borrower. Claims nothing: the same NIK or phone may stand in two profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub nik: Option<Sealed<Nik>>,
    pub birthdate: Option<Sealed<Birthdate>>,
    pub phone: Option<Sealed<Phone>>,
    pub address: Option<Sealed<Address>>,
    #[serde(default)]
    pub ktp: Option<DocumentRef>,
    #[serde(default)]
    pub kk: Option<DocumentRef>,
    #[serde(default)]
    pub npwp: Option<DocumentRef>,
}

impl Profile {
    /// A loan may be asked for once NIK, birthdate, phone and address are known (CONTRACT §3).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.nik.is_some() && self.birthdate.is_some() && self.phone.is_some() && self.address.is_some()
    }

    /// Where a document of this kind stands.
    pub fn slot(&mut self, kind: DocumentKind) -> &mut Option<DocumentRef> {
        match kind {
            DocumentKind::Ktp => &mut self.ktp,
            DocumentKind::Kk => &mut self.kk,
            DocumentKind::Npwp => &mut self.npwp,
        }
    }

    /// Takes the given fields; absent ones keep their value.
    pub fn take_over(&mut self, given: &Self) {
        fn replace<T: Clone>(held: &mut Option<T>, given: Option<&T>) {
            if let Some(value) = given {
                *held = Some(value.clone());
            }
        }
        replace(&mut self.nik, given.nik.as_ref());
        replace(&mut self.birthdate, given.birthdate.as_ref());
        replace(&mut self.phone, given.phone.as_ref());
        replace(&mut self.address, given.address.as_ref());
        replace(&mut self.ktp, given.ktp.as_ref());
        replace(&mut self.kk, given.kk.as_ref());
        replace(&mut self.npwp, given.npwp.as_ref());
    }
}

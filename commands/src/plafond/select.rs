//! A customer chooses a product and gets its plafond.

use lumbung_domain::{
    Permission, Plafond, PlafondCommand, PlafondNumber, Product, ProductId, ProductTerms, Rejection, StreamId,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Rejections: [`Rejection::ProductNotFound`] (also for a product that is only assigned),
/// [`Rejection::PlafondAlreadyActive`], [`Rejection::VersionMismatch`].
#[derive(Debug, Clone)]
pub struct SelectPlafond {
    pub actor: Actor,
    pub number: PlafondNumber,
    pub product: ProductId,
    /// Of the plafond.
    pub expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlafondSelected {
    pub number: PlafondNumber,
    pub terms: ProductTerms,
    /// The version of the stream `Plafond`.
    pub version: i64,
}

impl UseCase for SelectPlafond {
    const NAME: &'static str = "SelectPlafond";
    type Outcome = PlafondSelected;

    fn decide(&self, book: &mut Book<'_>) -> Result<PlafondSelected, Halt> {
        let customer = self.actor.user;
        book.prefetch([StreamId::of::<Plafond>(customer), StreamId::of::<Product>(self.product)]);
        self.actor.customer(book, Permission::PlafondSelect)?;
        self.expected.check(book.version::<Plafond>(customer)?)?;
        let terms = match &*book.read::<Product>(self.product)? {
            Product::Defined(offer) if offer.is_selectable() => offer.terms.clone(),
            Product::Defined(_) | Product::Undefined => return Err(Rejection::ProductNotFound.into()),
        };
        book.run::<Plafond>(customer, PlafondCommand::Select { number: self.number, terms: terms.clone() })?;
        let version = book.version::<Plafond>(customer)?;
        Ok(PlafondSelected { number: self.number, terms, version })
    }
}

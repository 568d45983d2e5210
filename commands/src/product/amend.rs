//! A product gets other terms, or is withdrawn.

use lumbung_domain::{Permission, Product, ProductCommand, ProductTerms, Rejection, StreamId};

use super::ProductOutcome;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Replaces what a product offers from now on. Plafonds and loans keep the terms that they were made with.
///
/// Rejections: [`Rejection::ProductNotFound`], [`Rejection::VersionMismatch`].
#[derive(Debug, Clone)]
pub struct AmendProduct {
    pub actor: Actor,
    pub terms: ProductTerms,
    /// `None` keeps it as it is.
    pub active: Option<bool>,
    /// Of the product.
    pub expected: Expected,
}

impl UseCase for AmendProduct {
    const NAME: &'static str = "AmendProduct";
    type Outcome = ProductOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ProductOutcome, Halt> {
        let product = self.terms.product_id;
        book.prefetch([StreamId::of::<Product>(product)]);
        self.actor.holding(book, &[Permission::ProductManage])?;
        if book.read::<Product>(product)?.offer().is_none() {
            return Err(Rejection::ProductNotFound.into());
        }
        self.expected.check(book.version::<Product>(product)?)?;
        let (terms, active) = (self.terms.clone(), self.active);
        book.run::<Product>(product, ProductCommand::Amend { terms, active })?;
        ProductOutcome::read(book, product)
    }
}

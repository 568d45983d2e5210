//! A product gets other terms, or is withdrawn.

use lumbung_domain::{
    Claim, ClaimId, Permission, Product, ProductCommand, ProductTerms, Rejection, StreamId,
};

use super::ProductOutcome;
use super::name::claim_name;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Replaces what a product offers from now on, and with its name the claim of it. Plafonds and loans keep the terms that they were made with.
///
/// Rejections: [`Rejection::ProductNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::ProductNameAlreadyExists`].
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
        let claim = ClaimId::product_name(&self.terms.name);
        book.prefetch([StreamId::of::<Product>(product), StreamId::of::<Claim>(claim)]);
        self.actor.holding(book, &[Permission::ProductManage])?;
        let before = book.read::<Product>(product)?;
        let before = &before.offer().ok_or(Rejection::ProductNotFound)?.terms;
        self.expected.check(book.version::<Product>(product)?)?;
        let (terms, active) = (self.terms.clone(), self.active);
        book.run::<Product>(product, ProductCommand::Amend { terms, active })?;
        claim_name(book, product, &self.terms.name, Some(&before.name))?;
        ProductOutcome::read(book, product)
    }
}

//! A product gets other terms, or is withdrawn.

use lumbung_domain::{
    Claim, ClaimId, Permission, Product, ProductChange, ProductCommand, ProductId, Rejection, StreamId,
};

use super::ProductOutcome;
use super::name::claim_name;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Changes what a product offers from now on, and with its name the claim of it. Plafonds and loans keep the terms that they were made with.
///
/// Rejections: [`Rejection::ProductNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::ProductNameAlreadyExists`].
#[derive(Debug, Clone)]
pub struct AmendProduct {
    pub actor: Actor,
    pub product: ProductId,
    pub change: ProductChange,
    /// Of the product.
    pub expected: Expected,
}

impl UseCase for AmendProduct {
    const NAME: &'static str = "AmendProduct";
    type Outcome = ProductOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ProductOutcome, Halt> {
        let product = self.product;
        let claim = ClaimId::product_name(&self.change.name);
        book.prefetch([StreamId::of::<Product>(product), StreamId::of::<Claim>(claim)]);
        self.actor.holding(book, &[Permission::ProductManage])?;
        let before = book.read::<Product>(product)?;
        let before = &before.offer().ok_or(Rejection::ProductNotFound)?.terms;
        self.expected.check(book.version::<Product>(product)?)?;
        book.run::<Product>(product, ProductCommand::Amend(self.change.clone()))?;
        claim_name(book, product, &self.change.name, Some(&before.name))?;
        ProductOutcome::read(book, product)
    }
}

//! A new product.

use lumbung_domain::{Claim, ClaimId, Offer, Permission, Product, ProductCommand, ProductTerms, StreamId};

use super::ProductOutcome;
use super::name::claim_name;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Defines a product that customers may select while it is active.
///
/// Rejections: [`lumbung_domain::Rejection::ProductNameAlreadyExists`].
#[derive(Debug, Clone)]
pub struct DefineProduct {
    pub actor: Actor,
    pub terms: ProductTerms,
    pub active: bool,
}

impl UseCase for DefineProduct {
    const NAME: &'static str = "DefineProduct";
    type Outcome = ProductOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ProductOutcome, Halt> {
        let product = self.terms.product_id;
        let claim = ClaimId::product_name(&self.terms.name);
        book.prefetch([StreamId::of::<Product>(product), StreamId::of::<Claim>(claim)]);
        self.actor.holding(book, &[Permission::ProductManage])?;
        let offer = Offer { terms: self.terms.clone(), selectable: true, active: self.active };
        book.run::<Product>(product, ProductCommand::Define(offer))?;
        claim_name(book, product, &self.terms.name, None)?;
        ProductOutcome::read(book, product)
    }
}

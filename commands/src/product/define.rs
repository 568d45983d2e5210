//! A new product.

use lumbung_domain::{Offer, Permission, Product, ProductCommand, ProductTerms, StreamId};

use super::ProductOutcome;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Defines a product that customers may select while it is active.
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
        book.prefetch([StreamId::of::<Product>(product)]);
        self.actor.holding(book, &[Permission::ProductManage])?;
        let offer = Offer { terms: self.terms.clone(), selectable: true, active: self.active };
        book.run::<Product>(product, ProductCommand::Define(offer))?;
        ProductOutcome::read(book, product)
    }
}

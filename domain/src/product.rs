//! Loan products: the terms that a plafond is cut from.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Aggregate, Event, Invalid, ProductId, Rate, Rejection, Rupiah, ServicingChange, ServicingTerms, Tenor,
    text,
};

/// Stream id: the [`ProductId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    #[default]
    Undefined,
    Defined(Offer),
}

/// What a product offers. A plafond and a loan keep the terms they were made with; a later change of the
/// product never touches them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductTerms {
    pub product_id: ProductId,
    pub name: String,
    /// The plafond it grants.
    pub amount_rupiah: Rupiah,
    /// The longest tenor of a loan under it.
    pub tenor_months: Tenor,
    /// The lowest yearly rate of a loan under it.
    pub interest_rate: Rate,
    /// Terms that were made before there was a choice say nothing of it.
    #[serde(default)]
    pub servicing: ServicingTerms,
}

/// A product and who gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub terms: ProductTerms,
    /// Customers may choose it themselves; INSTANT is only assigned.
    pub selectable: bool,
    /// It is offered at all. Every product was before there was a choice.
    #[serde(default = "always")]
    pub active: bool,
}

fn always() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductCommand {
    Define(Offer),
    /// Whether customers may choose it stays as it is. Refused with [`Rejection::ProductNotFound`].
    Amend(ProductChange),
}

/// What a product offers from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductChange {
    pub name: String,
    pub amount_rupiah: Rupiah,
    pub tenor_months: Tenor,
    pub interest_rate: Rate,
    pub servicing: ServicingChange,
    /// `None` keeps its value.
    pub active: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ProductEvent {
    /// A product exists from here on.
    ProductDefined(Offer),
    /// The whole product as it is from then on.
    ProductAmended(Offer),
}

impl Event for ProductEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl ProductTerms {
    /// The name of a product: 1 to 100 characters.
    ///
    /// # Errors
    /// Blank, too long, or with control characters.
    pub fn read_name(text: &str) -> Result<String, Invalid> {
        text::line(text, 1..=100).map(String::from)
    }
}

impl Product {
    #[must_use]
    pub fn offer(&self) -> Option<&Offer> {
        match self {
            Self::Undefined => None,
            Self::Defined(offer) => Some(offer),
        }
    }
}

impl Offer {
    fn with(&self, change: ProductChange) -> Self {
        let ProductChange { name, amount_rupiah, tenor_months, interest_rate, servicing, active } = change;
        let servicing = self.terms.servicing.with(&servicing);
        let product_id = self.terms.product_id;
        let terms = ProductTerms { product_id, name, amount_rupiah, tenor_months, interest_rate, servicing };
        Self { terms, selectable: self.selectable, active: active.unwrap_or(self.active) }
    }

    /// Whether a customer may choose it now.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        self.selectable && self.active
    }
}

impl Aggregate for Product {
    tie_to_any!(Product);
    type Command = ProductCommand;
    type Event = ProductEvent;

    fn decide(&self, command: ProductCommand) -> Result<Vec<ProductEvent>, Rejection> {
        match (self, command) {
            (Self::Undefined, ProductCommand::Define(offer)) => Ok(vec![ProductEvent::ProductDefined(offer)]),
            (Self::Defined(_), ProductCommand::Define(_)) => Err(Rejection::AlreadyExists),
            (Self::Undefined, ProductCommand::Amend(_)) => Err(Rejection::ProductNotFound),
            (Self::Defined(held), ProductCommand::Amend(change)) => {
                let offer = held.with(change);
                Ok(if *held == offer { Vec::new() } else { vec![ProductEvent::ProductAmended(offer)] })
            }
        }
    }

    fn evolve(&mut self, event: &ProductEvent) {
        let (ProductEvent::ProductDefined(offer) | ProductEvent::ProductAmended(offer)) = event;
        *self = Self::Defined(offer.clone());
    }
}

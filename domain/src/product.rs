//! Loan products: the terms that a plafond is cut from.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, ProductId, Rate, Rejection, Rupiah, Tenor};

/// Stream id: the [`ProductId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    #[default]
    Undefined,
    Defined {
        terms: ProductTerms,
        selectable: bool,
    },
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
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductCommand {
    /// `selectable`: customers may choose it themselves; INSTANT is only assigned.
    Define { terms: ProductTerms, selectable: bool },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ProductEvent {
    ProductDefined { terms: ProductTerms, selectable: bool },
}

impl Event for ProductEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Aggregate for Product {
    tie_to_any!(Product);
    type Command = ProductCommand;
    type Event = ProductEvent;

    fn decide(&self, command: ProductCommand) -> Result<Vec<ProductEvent>, Rejection> {
        let ProductCommand::Define { terms, selectable } = command;
        match self {
            Self::Undefined => Ok(vec![ProductEvent::ProductDefined { terms, selectable }]),
            Self::Defined { .. } => Err(Rejection::AlreadyExists),
        }
    }

    fn evolve(&mut self, event: &ProductEvent) {
        let ProductEvent::ProductDefined { terms, selectable } = event;
        *self = Self::Defined { terms: terms.clone(), selectable: *selectable };
    }
}

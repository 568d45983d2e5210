//! Products are defined and changed.

mod amend;
mod define;
mod name;

pub use amend::AmendProduct;
pub use define::DefineProduct;

use lumbung_domain::{Offer, Product, ProductId, Rejection};
use serde::{Deserialize, Serialize};

use crate::ledger::{Book, Halt};

/// A product after a command on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductOutcome {
    pub offer: Offer,
    /// The version of the stream `Product`.
    pub version: i64,
}

impl ProductOutcome {
    fn read(book: &mut Book<'_>, product: ProductId) -> Result<Self, Halt> {
        let version = book.version::<Product>(product)?;
        let state = book.read::<Product>(product)?;
        let offer = state.offer().ok_or(Rejection::ProductNotFound)?.clone();
        Ok(Self { offer, version })
    }
}

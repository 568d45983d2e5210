//! The five products.

use lumbung_domain::{
    Claim, ClaimCommand, ClaimId, Holder, Offer, Product, ProductCommand, ProductId, ProductTerms, Rate,
    Rupiah, ServicingTerms, StreamId, Tenor,
};

use super::once;
use crate::ledger::{Book, Halt};

pub(super) fn define(book: &mut Book<'_>) -> Result<(), Halt> {
    let products = products();
    book.prefetch(products.iter().map(|terms| StreamId::of::<Product>(terms.product_id)));
    book.prefetch(products.iter().map(|terms| StreamId::of::<Claim>(ClaimId::product_name(&terms.name))));
    for terms in products {
        let selectable = terms.product_id != ProductId::INSTANT;
        let id = terms.product_id;
        once::<Product>(book, id, ProductCommand::Define(Offer { terms, selectable, active: true }))?;
        // By the name that it has now: a ledger from before names were claimed may have renamed it.
        if let Some(offer) = book.read::<Product>(id)?.offer() {
            let claim = ClaimId::product_name(&offer.terms.name);
            once::<Claim>(book, claim, ClaimCommand::Take { holder: Holder::Product(id) })?;
        }
    }
    Ok(())
}

fn products() -> [ProductTerms; 5] {
    [
        terms(1, "BRONZE", 5_000_000, 12, 120_000),
        terms(2, "SILVER", 10_000_000, 24, 100_000),
        terms(3, "GOLD", 25_000_000, 36, 85_000),
        terms(4, "PLATINUM", 50_000_000, 48, 70_000),
        terms(ProductId::INSTANT.0, "INSTANT", 10_000_000, 24, 50_000),
    ]
}

/// `rate_e4` is in ten-thousandths of a percent per year.
fn terms(id: i64, name: &str, amount_rupiah: i64, tenor_months: u16, rate_e4: u32) -> ProductTerms {
    ProductTerms {
        product_id: ProductId(id),
        name: name.to_owned(),
        amount_rupiah: Rupiah::from_const(amount_rupiah),
        tenor_months: Tenor::from_const(tenor_months),
        interest_rate: Rate::from_e4_const(rate_e4),
        servicing: ServicingTerms::STANDARD,
    }
}

//! The claim of a product's name: loans and customers know products by name alone.

use lumbung_domain::{Claim, ClaimCommand, ClaimId, Holder, ProductId, Rejection};

use crate::ledger::{Book, Halt};

/// Claims the name for the product, and frees the one that it had `before`.
///
/// A product from before names were claimed may have one that is another's claim. It keeps it until it is renamed.
///
/// # Errors
/// [`Rejection::ProductNameAlreadyExists`].
pub(super) fn claim_name(
    book: &mut Book<'_>,
    product: ProductId,
    name: &str,
    before: Option<&str>,
) -> Result<(), Halt> {
    let ours = Holder::Product(product);
    let claim = ClaimId::product_name(name);
    let old = before.map(ClaimId::product_name);
    let kept = old.as_ref() == Some(&claim);
    match book.read::<Claim>(claim.clone())?.holder() {
        None => book.run::<Claim>(claim, ClaimCommand::Take { holder: ours })?,
        Some(holder) if holder == ours || kept => {}
        Some(_) => return Err(Rejection::ProductNameAlreadyExists.into()),
    }
    match old.filter(|_| !kept) {
        Some(old) if book.read::<Claim>(old.clone())?.holder() == Some(ours) => {
            book.run::<Claim>(old, ClaimCommand::Release { holder: ours })
        }
        Some(_) | None => Ok(()),
    }
}

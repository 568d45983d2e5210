use lumbung_domain::*;

use crate::example::bronze;
use crate::{given, nothing};

#[test]
fn a_product_is_defined() {
    for selectable in [true, false] {
        nothing::<Product>()
            .when(ProductCommand::Define { terms: bronze(), selectable })
            .then_expect_events(vec![ProductEvent::ProductDefined { terms: bronze(), selectable }]);
    }
}

#[test]
fn a_product_is_defined_once() {
    given::<Product>([ProductEvent::ProductDefined { terms: bronze(), selectable: true }])
        .when(ProductCommand::Define { terms: bronze(), selectable: false })
        .then_expect_error(Rejection::AlreadyExists);
}

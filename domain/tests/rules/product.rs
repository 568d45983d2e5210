use lumbung_domain::*;

use crate::example::{bronze, offer, rupiah};
use crate::{folded, given, nothing};

fn amend(terms: ProductTerms, active: Option<bool>) -> ProductCommand {
    let ProductTerms { name, amount_rupiah, tenor_months, interest_rate, .. } = terms;
    let servicing = ServicingChange::default();
    ProductCommand::Amend(ProductChange {
        name,
        amount_rupiah,
        tenor_months,
        interest_rate,
        servicing,
        active,
    })
}

#[test]
fn a_product_is_defined() {
    for selectable in [true, false] {
        let offer = Offer { selectable, ..offer(true) };
        nothing::<Product>()
            .when(ProductCommand::Define(offer.clone()))
            .then_expect_events(vec![ProductEvent::ProductDefined(offer)]);
    }
}

#[test]
fn a_product_is_defined_once() {
    given::<Product>([ProductEvent::ProductDefined(offer(true))])
        .when(ProductCommand::Define(Offer { selectable: false, ..offer(true) }))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn a_product_is_amended_as_a_whole() {
    let terms = ProductTerms { amount_rupiah: rupiah(7_000_000), ..bronze() };
    for (active, then) in [(None, true), (Some(true), true), (Some(false), false)] {
        let amended = Offer { terms: terms.clone(), ..offer(then) };
        given::<Product>([ProductEvent::ProductDefined(offer(true))])
            .when(amend(terms.clone(), active))
            .then_expect_events(vec![ProductEvent::ProductAmended(amended)]);
    }
    // What is withdrawn stays so until it is said otherwise.
    given::<Product>([ProductEvent::ProductDefined(offer(false))])
        .when(amend(bronze(), Some(true)))
        .then_expect_events(vec![ProductEvent::ProductAmended(offer(true))]);
}

#[test]
fn an_amendment_of_nothing_is_no_event() {
    for same in [None, Some(false)] {
        given::<Product>([ProductEvent::ProductDefined(offer(false))])
            .when(amend(bronze(), same))
            .then_expect_events(vec![]);
    }
    nothing::<Product>().when(amend(bronze(), None)).then_expect_error(Rejection::ProductNotFound);
}

#[test]
fn terms_of_servicing_stay_unless_they_are_named() {
    let with = |servicing| {
        let ProductCommand::Amend(change) = amend(bronze(), None) else { unreachable!() };
        ProductCommand::Amend(ProductChange { servicing, ..change })
    };
    let flat = ServicingTerms { method: Method::Flat, grace_days: 7, ..bronze().servicing };
    let held = Offer { terms: ProductTerms { servicing: flat, ..bronze() }, ..offer(true) };
    let state = || given::<Product>([ProductEvent::ProductDefined(held.clone())]);
    state().when(with(ServicingChange::default())).then_expect_events(vec![]);
    let order =
        Allocation::new(&[Component::Principal, Component::Interest, Component::Fee, Component::Penalty])
            .unwrap();
    let change = ServicingChange { grace_days: Some(0), allocation: Some(order), ..Default::default() };
    let servicing = ServicingTerms { grace_days: 0, allocation: order, ..flat };
    let terms = ProductTerms { servicing, ..bronze() };
    let amended = Offer { terms, ..held.clone() };
    state().when(with(change)).then_expect_events(vec![ProductEvent::ProductAmended(amended)]);
}

#[test]
fn who_may_be_offered_it() {
    let instant = Offer { selectable: false, ..offer(true) };
    let state = |offer: Offer| folded::<Product>(&[ProductEvent::ProductDefined(offer)]);
    for (offer, selectable) in [(offer(true), true), (offer(false), false), (instant.clone(), false)] {
        assert_eq!(state(offer).offer().unwrap().is_selectable(), selectable);
    }
    // No amendment makes INSTANT one to choose.
    given::<Product>([ProductEvent::ProductDefined(instant.clone())])
        .when(amend(ProductTerms { name: "INSTANT+".into(), ..bronze() }, Some(true)))
        .then_expect_events(vec![ProductEvent::ProductAmended(Offer {
            terms: ProductTerms { name: "INSTANT+".into(), ..bronze() },
            ..instant
        })]);
    assert_eq!(folded::<Product>(&[]).offer(), None);
}

#[test]
fn names_of_products() {
    assert_eq!(ProductTerms::read_name("  Gold  Plus ").unwrap(), "Gold  Plus");
    for bad in ["", " ", &"x".repeat(101), "a\u{0}b"] {
        assert!(ProductTerms::read_name(bad).is_err(), "{bad:?}");
    }
}

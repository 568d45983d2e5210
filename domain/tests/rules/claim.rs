use lumbung_domain::*;

use crate::example::user;
use crate::{folded, given, nothing};

fn take(holder: Holder) -> ClaimCommand {
    ClaimCommand::Take { holder }
}

fn taken(holder: Holder) -> ClaimEvent {
    ClaimEvent::ClaimTaken { holder }
}

#[test]
fn a_free_value_is_taken() {
    for holder in [Holder::User(user(1)), Holder::Branch(BranchId(1)), Holder::Product(ProductId(1))] {
        nothing::<Claim>().when(take(holder)).then_expect_events(vec![taken(holder)]);
    }
}

#[test]
fn a_held_value_is_refused_to_everybody() {
    let held = || given::<Claim>([taken(Holder::User(user(1)))]);
    held().when(take(Holder::User(user(2)))).then_expect_error(Rejection::AlreadyExists);
    held().when(take(Holder::User(user(1)))).then_expect_error(Rejection::AlreadyExists);
    held().when(take(Holder::Branch(BranchId(1)))).then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn a_claim_finds_its_user() {
    assert_eq!(folded::<Claim>(&[]).user(), None);
    assert_eq!(folded::<Claim>(&[taken(Holder::User(user(1)))]).user(), Some(user(1)));
    assert_eq!(folded::<Claim>(&[taken(Holder::Branch(BranchId(1)))]).user(), None);
}

#[test]
fn kinds_of_claims_never_collide() {
    let ids = [
        ClaimId::email("1"),
        ClaimId::phone("1"),
        ClaimId::user_number(UserNumber(1)),
        ClaimId::branch_code("1"),
    ];
    for (index, id) in ids.iter().enumerate() {
        assert!(ids[..index].iter().all(|other| other != id));
    }
    assert_eq!(ClaimId::branch_code("jkt"), ClaimId::branch_code("JKT"));
}

#[test]
fn who_holds_a_value_may_let_it_go() {
    let (one, other) = (Holder::User(user(1)), Holder::User(user(2)));
    let release = |holder| ClaimCommand::Release { holder };
    let released = ClaimEvent::ClaimReleased {};
    given::<Claim>([taken(one)]).when(release(one)).then_expect_events(vec![released.clone()]);
    given::<Claim>([taken(one)]).when(release(other)).then_expect_error(Rejection::AlreadyExists);
    nothing::<Claim>().when(release(one)).then_expect_events(vec![]);
    given::<Claim>([taken(one), released]).when(take(other)).then_expect_events(vec![taken(other)]);
}

use lumbung_domain::*;

use crate::example::user;
use crate::{folded, given, nothing, obey};

const JKT: BranchId = BranchId(1);
const SBY: BranchId = BranchId(2);

fn joined(number: u128, role: RoleId, branch: Option<BranchId>) -> StaffEvent {
    StaffEvent::StaffJoined { user: user(number), roles: vec![role], branch }
}

fn left(number: u128, branch: Option<BranchId>) -> StaffEvent {
    StaffEvent::StaffLeft { user: user(number), branch }
}

fn join(number: u128, role: RoleId, branch: Option<BranchId>) -> StaffCommand {
    StaffCommand::Join { user: user(number), roles: vec![role], branch }
}

fn leave(number: u128) -> StaffCommand {
    StaffCommand::Leave { user: user(number) }
}

#[test]
fn somebody_joins() {
    nothing::<Staff>().when(join(1, RoleId::MARKETING, Some(JKT))).then_expect_events(vec![joined(
        1,
        RoleId::MARKETING,
        Some(JKT),
    )]);
}

#[test]
fn nobody_joins_twice() {
    given::<Staff>([joined(1, RoleId::MARKETING, Some(JKT))])
        .when(join(1, RoleId::MARKETING, Some(SBY)))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn who_leaves_leaves_the_branch_they_belonged_to() {
    given::<Staff>([joined(1, RoleId::MARKETING, Some(JKT))])
        .when(leave(1))
        .then_expect_events(vec![left(1, Some(JKT))]);
}

#[test]
fn nobody_leaves_who_is_not_there() {
    nothing::<Staff>().when(leave(1)).then_expect_error(Rejection::UserNotFound);
    given::<Staff>([joined(1, RoleId::MARKETING, None), left(1, None)])
        .when(leave(1))
        .then_expect_error(Rejection::UserNotFound);
}

#[test]
fn the_last_superadmin_stays() {
    given::<Staff>([joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::BACKOFFICE, None)])
        .when(leave(1))
        .then_expect_error(Rejection::LastSuperadmin);
}

#[test]
fn the_last_but_one_superadmin_may_leave() {
    let two = [joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::SUPERADMIN, None)];
    given::<Staff>(two.clone()).when(leave(1)).then_expect_events(vec![left(1, None)]);
    given::<Staff>(two).and(vec![left(1, None)]).when(leave(2)).then_expect_error(Rejection::LastSuperadmin);
}

#[test]
fn others_leave_while_there_is_one_superadmin() {
    given::<Staff>([joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::BACKOFFICE, None)])
        .when(leave(2))
        .then_expect_events(vec![left(2, None)]);
}

#[test]
fn people_of_a_branch_are_counted() {
    let mut staff: Staff = folded(&[
        joined(1, RoleId::MARKETING, Some(JKT)),
        joined(2, RoleId::BRANCH_MANAGER, Some(JKT)),
        joined(3, RoleId::MARKETING, Some(SBY)),
        joined(4, RoleId::BACKOFFICE, None),
    ]);
    assert_eq!((staff.people_of(JKT), staff.people_of(SBY)), (2, 1));
    obey(&mut staff, leave(1)).unwrap();
    obey(&mut staff, leave(1)).unwrap_err();
    assert_eq!((staff.people_of(JKT), staff.people_of(SBY), staff.people_of(BranchId(3))), (1, 1, 0));
}

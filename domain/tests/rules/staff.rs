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

fn roles(number: u128, roles: &[RoleId]) -> StaffCommand {
    StaffCommand::ChangeRoles { user: user(number), roles: roles.to_vec() }
}

fn deactivate(number: u128) -> StaffCommand {
    StaffCommand::Deactivate { user: user(number) }
}

fn deactivated(number: u128) -> StaffEvent {
    StaffEvent::StaffDeactivated { user: user(number) }
}

#[test]
fn the_last_superadmin_is_neither_stripped_nor_deactivated() {
    let one = [joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::BACKOFFICE, None)];
    for command in [roles(1, &[]), roles(1, &[RoleId::AUDITOR]), deactivate(1), leave(1)] {
        given::<Staff>(one.clone()).when(command).then_expect_error(Rejection::LastSuperadmin);
    }
    // Another role beside it is fine, and so is everything that happens to others.
    let both = vec![RoleId::SUPERADMIN, RoleId::AUDITOR];
    given::<Staff>(one.clone())
        .when(roles(1, &both))
        .then_expect_events(vec![StaffEvent::StaffRolesChanged { user: user(1), roles: both }]);
    given::<Staff>(one).when(deactivate(2)).then_expect_events(vec![deactivated(2)]);
}

#[test]
fn a_deactivated_superadmin_is_none() {
    let two = [joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::SUPERADMIN, None), deactivated(2)];
    given::<Staff>(two.clone()).when(deactivate(1)).then_expect_error(Rejection::LastSuperadmin);
    given::<Staff>(two.clone()).when(deactivate(2)).then_expect_events(vec![]);
    let stripped = StaffEvent::StaffRolesChanged { user: user(2), roles: vec![] };
    given::<Staff>(two.clone()).when(roles(2, &[])).then_expect_events(vec![stripped]);
    let back = StaffEvent::StaffReactivated { user: user(2) };
    given::<Staff>(two.clone())
        .when(StaffCommand::Reactivate { user: user(2) })
        .then_expect_events(vec![back.clone()]);
    given::<Staff>(two).and(vec![back]).when(deactivate(1)).then_expect_events(vec![deactivated(1)]);
}

#[test]
fn who_becomes_superadmin_counts() {
    let mut staff: Staff =
        folded(&[joined(1, RoleId::SUPERADMIN, None), joined(2, RoleId::BACKOFFICE, None)]);
    obey(&mut staff, roles(2, &[RoleId::BACKOFFICE, RoleId::SUPERADMIN])).unwrap();
    assert_eq!(staff.active_superadmins(), 2);
    obey(&mut staff, roles(1, &[])).unwrap();
    obey(&mut staff, deactivate(2)).unwrap_err();
    assert_eq!(staff.active_superadmins(), 1);
}

#[test]
fn people_move_and_the_deactivated_still_belong_to_their_branch() {
    let mut staff: Staff =
        folded(&[joined(1, RoleId::MARKETING, Some(JKT)), joined(2, RoleId::MARKETING, None)]);
    let to_sby = |number| StaffCommand::Move { user: user(number), branch: SBY };
    assert_eq!(obey(&mut staff, deactivate(1)).unwrap(), [deactivated(1)]);
    assert_eq!(staff.people_of(JKT), 1);
    let moved = StaffEvent::StaffMoved { user: user(1), branch: SBY };
    assert_eq!(obey(&mut staff, to_sby(1)).unwrap(), [moved]);
    assert_eq!(obey(&mut staff, to_sby(1)).unwrap(), []);
    obey(&mut staff, to_sby(2)).unwrap();
    assert_eq!((staff.people_of(JKT), staff.people_of(SBY)), (0, 2));
    obey(&mut staff, StaffCommand::Reactivate { user: user(1) }).unwrap();
    assert_eq!(obey(&mut staff, StaffCommand::Reactivate { user: user(1) }).unwrap(), []);
}

#[test]
fn nobody_is_changed_who_is_not_there() {
    for command in [
        roles(9, &[]),
        deactivate(9),
        StaffCommand::Reactivate { user: user(9) },
        StaffCommand::Move { user: user(9), branch: JKT },
    ] {
        nothing::<Staff>().when(command).then_expect_error(Rejection::UserNotFound);
    }
}

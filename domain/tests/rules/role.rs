use lumbung_domain::*;

use crate::{folded, given, nothing};

fn grants() -> Grants {
    Grants::only(&[Permission::LoanReadBranch, Permission::LoanReject])
}

fn define(role_id: RoleId) -> RoleCommand {
    RoleCommand::Define { role_id, name: "MARKETING".into(), grants: grants(), needs_branch: true }
}

fn defined(role_id: RoleId) -> RoleEvent {
    RoleEvent::RoleDefined { role_id, name: "MARKETING".into(), grants: grants(), needs_branch: true }
}

fn replace(grants: Grants) -> RoleCommand {
    RoleCommand::ReplacePermissions { grants }
}

#[test]
fn a_role_is_defined_once() {
    nothing::<Role>().when(define(RoleId::MARKETING)).then_expect_events(vec![defined(RoleId::MARKETING)]);
    given::<Role>([defined(RoleId::MARKETING)])
        .when(define(RoleId::MARKETING))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn the_whole_set_is_replaced() {
    let empty = Grants::default();
    given::<Role>([defined(RoleId::MARKETING)])
        .when(replace(empty.clone()))
        .then_expect_events(vec![RoleEvent::RolePermissionsReplaced { grants: empty.clone() }]);
    let role: Role =
        folded(&[defined(RoleId::MARKETING), RoleEvent::RolePermissionsReplaced { grants: empty.clone() }]);
    assert_eq!((role.name(), role.grants()), (Some("MARKETING"), Some(&empty)));
}

#[test]
fn the_same_set_again_changes_nothing() {
    given::<Role>([defined(RoleId::MARKETING)]).when(replace(grants())).then_expect_events(vec![]);
}

#[test]
fn superadmin_keeps_its_permissions() {
    for set in [Grants::default(), Grants::Wildcard, grants()] {
        given::<Role>([defined(RoleId::SUPERADMIN)])
            .when(replace(set))
            .then_expect_error(Rejection::SuperadminPermissionsFixed);
    }
}

#[test]
fn an_unknown_role_has_no_permissions_to_replace() {
    nothing::<Role>().when(replace(grants())).then_expect_error(Rejection::RoleNotFound);
    assert_eq!(Role::default().grants(), None);
}

#[test]
fn the_role_of_customers_holds_what_is_for_customers() {
    let customer = || RoleEvent::RoleDefined {
        role_id: RoleId::CUSTOMER,
        name: "CUSTOMER".into(),
        grants: Grants::only(&[Permission::LoanCreate]),
        needs_branch: false,
    };
    for permission in Permission::all() {
        let wanted = Grants::only(&[Permission::ProfileRead, *permission]);
        let asked = given::<Role>([customer()]).when(replace(wanted.clone()));
        if permission.is_for_customers() {
            asked.then_expect_events(vec![RoleEvent::RolePermissionsReplaced { grants: wanted }]);
        } else {
            asked.then_expect_error(Rejection::PermissionNotForCustomers { permission: *permission });
        }
    }
    given::<Role>([customer()])
        .when(replace(Grants::Wildcard))
        .then_expect_error(Rejection::PermissionNotForCustomers { permission: Permission::UserCreate });
}

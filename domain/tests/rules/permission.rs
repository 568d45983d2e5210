use lumbung_domain::*;
use strum::VariantArray;

#[test]
fn ids_are_those_of_the_contract() {
    let ids: Vec<u8> = Permission::VARIANTS.iter().map(|permission| permission.id()).collect();
    assert_eq!(ids, (1..=33).collect::<Vec<u8>>());
    for (id, name) in [
        (1, "USER_CREATE"),
        (7, "LOAN_READ_BRANCH"),
        (9, "LOAN_APPROVE_MARKETING"),
        (10, "LOAN_APPROVE_BRANCH_MANAGER"),
        (19, "PERMISSION_READ"),
        (20, "PROFILE_READ"),
        (24, "NOTIFICATION_SEND"),
        (33, "PRODUCT_MANAGE"),
    ] {
        assert_eq!(Permission::VARIANTS[id - 1].name(), name);
    }
}

#[test]
fn the_wildcard_neither_decides_on_loans_nor_acts_as_a_customer() {
    let refused: Vec<&str> = Permission::VARIANTS
        .iter()
        .filter(|permission| !Grants::Wildcard.allow(**permission))
        .map(|permission| permission.name())
        .collect();
    assert_eq!(
        refused,
        [
            "LOAN_CREATE",
            "LOAN_READ",
            "LOAN_APPROVE_MARKETING",
            "LOAN_APPROVE_BRANCH_MANAGER",
            "LOAN_APPROVE_BACKOFFICE",
            "LOAN_REJECT",
            "PROFILE_READ",
            "PROFILE_UPDATE",
            "PLAFOND_READ",
            "PLAFOND_SELECT",
        ]
    );
}

#[test]
fn a_set_allows_just_what_it_names() {
    let set = Grants::only(&[Permission::LoanReject, Permission::LoanRead]);
    for permission in Permission::VARIANTS {
        let named = matches!(permission, Permission::LoanReject | Permission::LoanRead);
        assert_eq!(set.allow(*permission), named, "{permission:?}");
    }
    assert_eq!(set.names(), ["LOAN_READ", "LOAN_REJECT"]);
    assert_eq!(Grants::Wildcard.names(), ["*"]);
    assert!(Permission::VARIANTS.iter().all(|permission| !Grants::default().allow(*permission)));
}

#[test]
fn customers_may_hold_eight_of_them_and_the_staff_all() {
    let theirs: Vec<u8> = Permission::all()
        .iter()
        .filter(|permission| UserType::Customer.may_hold(**permission))
        .map(|permission| permission.id())
        .collect();
    assert_eq!(theirs, [5, 6, 13, 14, 20, 21, 22, 23]);
    assert!(Permission::all().iter().all(|permission| UserType::Internal.may_hold(*permission)));
}

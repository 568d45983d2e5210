//! The read models of the administration say what the log says.

use lumbung_domain::*;
use lumbung_projections::{Cursor, Limit, LiveSchema, branches, products, roles, users};

use crate::log::Log;
use crate::people::{branch, product, rupiah, sealed, user};
use crate::projecting::Node;

async fn person(read: &LiveSchema, number: i64) -> users::User {
    users::by_number(read, UserNumber(number)).await.unwrap().unwrap()
}

/// Batch by batch, so that every step changes a stored row, and all at once, so that it changes one of the same batch.
#[tokio::test]
async fn the_whole_life_of_a_person() {
    for at_once in [false, true] {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        let password = UserCommand::SetPassword { password: sealed("p"), because: PasswordChange::Changed };
        let amend = |name: Option<&str>, email: Option<&str>| {
            let (name, email) = (name.map(sealed), email.map(sealed));
            UserCommand::Amend(Amendment { name, email, ..Amendment::default() })
        };
        let steps = [
            UserCommand::UpdateProfile(Profile { nik: Some(sealed("nik")), ..Profile::default() }),
            amend(Some("new name"), None),
            amend(None, Some("new")),
            UserCommand::RemoveRole { role: RoleId::CUSTOMER },
            UserCommand::AssignRole { role: RoleId::CUSTOMER },
            password,
            UserCommand::Deactivate,
        ];
        log.register(1);
        for step in steps {
            if !at_once {
                node.read_at(log.commit().await).await;
            }
            log.run::<User>(user(1), step).unwrap();
        }
        log.commit().await;
        let read = node.read_at(log.position()).await;
        let row = person(&read, 1).await;
        assert_eq!((&row.name, &row.email), (&sealed("new name"), &Some(sealed("new"))));
        assert_eq!(row.profile, Profile { nik: Some(sealed("nik")), ..Profile::default() });
        assert_eq!((row.roles, row.active, row.version), (vec![RoleId::CUSTOMER], false, 8));
        assert_eq!((row.user_type, row.user_id, row.branch), (UserType::Customer, user(1), None));
        assert_eq!(users::by_number(&read, UserNumber(2)).await.unwrap(), None);

        log.run::<User>(user(1), UserCommand::Reactivate).unwrap();
        log.run::<User>(user(1), UserCommand::RemoveRole { role: RoleId::CUSTOMER }).unwrap();
        let read = node.read_at(log.commit().await).await;
        let row = person(&read, 1).await;
        assert_eq!((row.roles, row.active, row.version), (vec![], true, 10));
        node.stop().await;
    }
}

#[tokio::test]
async fn people_are_shown_with_their_branch_and_in_pages() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    for number in [5, 3, 1, 4] {
        log.register(number);
    }
    log.open_branch(1);
    let moves = Amendment { branch: Some(BranchId(1)), ..Amendment::default() };
    log.run::<User>(user(3), UserCommand::Amend(moves)).unwrap();
    let location = Place::new("Elsewhere").unwrap();
    let code = branch(1).code;
    log.run::<Branch>(BranchId(1), BranchCommand::Amend { code, location: location.clone() }).unwrap();
    let read = node.read_at(log.commit().await).await;
    let row = person(&read, 3).await;
    assert_eq!((row.branch_id, row.branch.unwrap().location), (Some(BranchId(1)), location));

    let limit = Limit::new(3).unwrap();
    let first = users::page(&read, limit, None).await.unwrap();
    let numbers = |page: &lumbung_projections::Page<users::User>| {
        page.rows.iter().map(|user| user.number.0).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&first), first.next), (vec![1, 3, 4], Some(Cursor(4))));
    let rest = users::page(&read, limit, first.next).await.unwrap();
    assert_eq!((numbers(&rest), rest.next), (vec![5], None));
    node.stop().await;
}

#[tokio::test]
async fn roles_products_and_branches_change() {
    for at_once in [false, true] {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        log.define_role(RoleId(2), &[Permission::LoanReject]);
        log.define_product(1, true);
        log.define_product(2, true);
        for number in [1, 2] {
            log.open_branch(number);
        }
        if !at_once {
            node.read_at(log.commit().await).await;
        }
        let grants = Grants::only(&[Permission::UserRead, Permission::LedgerRead]);
        log.run::<Role>(RoleId(2), RoleCommand::ReplacePermissions { grants: grants.clone() }).unwrap();
        let terms = ProductTerms { amount_rupiah: rupiah(1), ..product(1) };
        let amend = |terms: ProductTerms, active| {
            ProductCommand::Amend(ProductChange {
                name: terms.name,
                amount_rupiah: terms.amount_rupiah,
                tenor_months: terms.tenor_months,
                interest_rate: terms.interest_rate,
                servicing: ServicingChange::default(),
                active,
            })
        };
        log.run::<Product>(ProductId(1), amend(terms.clone(), None)).unwrap();
        log.run::<Product>(ProductId(2), amend(product(2), Some(false))).unwrap();
        let (code, location) = (BranchCode::new("NEW").unwrap(), Place::new("New").unwrap());
        log.run::<Branch>(BranchId(1), BranchCommand::Use).unwrap();
        log.run::<Branch>(BranchId(1), BranchCommand::Amend { code: code.clone(), location }).unwrap();
        log.run::<Branch>(BranchId(2), BranchCommand::Close).unwrap();
        let read = node.read_at(log.commit().await).await;

        let found = roles::page(&read, Limit::MAX, None).await.unwrap().rows;
        assert_eq!((found.len(), found[0].role_id, &found[0].grants), (1, RoleId(2), &grants));
        assert_eq!(products::list(&read, Limit::MAX, None).await.unwrap().rows, [terms]);
        let found = branches::list(&read, Limit::MAX, None).await.unwrap().rows;
        assert_eq!(found.iter().map(|branch| &branch.code).collect::<Vec<_>>(), [&code]);
        node.stop().await;
    }
}

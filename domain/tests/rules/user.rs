use lumbung_domain::*;

use crate::example::{john, marketer, sealed, whole_profile};
use crate::{folded, given, nothing};

fn registered() -> UserEvent {
    UserEvent::UserRegistered(john())
}

#[test]
fn customers_and_staff_register() {
    for registration in [john(), marketer()] {
        nothing::<User>()
            .when(UserCommand::Register(registration.clone()))
            .then_expect_events(vec![UserEvent::UserRegistered(registration)]);
    }
}

#[test]
fn a_person_registers_once() {
    given::<User>([registered()])
        .when(UserCommand::Register(john()))
        .then_expect_error(Rejection::AlreadyExists);
    given::<User>([registered(), UserEvent::UserDeactivated {}])
        .when(UserCommand::Register(john()))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn staff_is_no_customer() {
    for roles in [vec![RoleId::CUSTOMER], vec![RoleId::MARKETING, RoleId::CUSTOMER]] {
        nothing::<User>()
            .when(UserCommand::Register(Registration { roles, ..marketer() }))
            .then_expect_error(Rejection::CustomerRoleForInternalUser);
    }
}

#[test]
fn a_customer_is_a_customer_and_nothing_else() {
    for roles in [vec![], vec![RoleId::SUPERADMIN], vec![RoleId::CUSTOMER, RoleId::BACKOFFICE]] {
        nothing::<User>()
            .when(UserCommand::Register(Registration { roles, ..john() }))
            .then_expect_error(Rejection::InternalRoleForCustomer);
    }
}

#[test]
fn a_profile_is_updated_field_by_field() {
    let phone_alone = Profile { phone: Some(sealed("+628111")), ..Profile::default() };
    given::<User>([registered()])
        .when(UserCommand::UpdateProfile(phone_alone.clone()))
        .then_expect_events(vec![UserEvent::ProfileUpdated(phone_alone.clone())]);

    let user: User = folded(&[
        registered(),
        UserEvent::ProfileUpdated(whole_profile()),
        UserEvent::ProfileUpdated(phone_alone.clone()),
    ]);
    let expected = Profile { phone: phone_alone.phone, ..whole_profile() };
    assert_eq!(user.person().unwrap().profile, expected);
}

#[test]
fn an_update_of_nothing_is_no_event() {
    given::<User>([registered()])
        .when(UserCommand::UpdateProfile(Profile::default()))
        .then_expect_events(vec![]);
}

#[test]
fn a_profile_is_complete_with_nik_birthdate_phone_and_address() {
    assert!(whole_profile().is_complete());
    assert!(!Profile { nik: None, ..whole_profile() }.is_complete());
    assert!(!Profile { birthdate: None, ..whole_profile() }.is_complete());
    assert!(!Profile { phone: None, ..whole_profile() }.is_complete());
    assert!(!Profile { address: None, ..whole_profile() }.is_complete());
}

#[test]
fn a_user_is_deactivated_once() {
    given::<User>([registered()])
        .when(UserCommand::Deactivate)
        .then_expect_events(vec![UserEvent::UserDeactivated {}]);
    given::<User>([registered(), UserEvent::UserDeactivated {}])
        .when(UserCommand::Deactivate)
        .then_expect_events(vec![]);
    assert!(!folded::<User>(&[registered(), UserEvent::UserDeactivated {}]).person().unwrap().active);
}

#[test]
fn a_user_is_reactivated_once() {
    given::<User>([registered(), UserEvent::UserDeactivated {}])
        .when(UserCommand::Reactivate)
        .then_expect_events(vec![UserEvent::UserReactivated {}]);
    given::<User>([registered()]).when(UserCommand::Reactivate).then_expect_events(vec![]);
}

#[test]
fn what_an_administrator_changes_is_what_is_given() {
    let given_fields = Amendment { branch: Some(BranchId(2)), ..Amendment::default() };
    given::<User>([registered()])
        .when(UserCommand::Amend(given_fields.clone()))
        .then_expect_events(vec![UserEvent::UserAmended(given_fields.clone())]);
    given::<User>([registered()]).when(UserCommand::Amend(Amendment::default())).then_expect_events(vec![]);
    let staff = UserEvent::UserRegistered(marketer());
    let name = Amendment { name: Some(sealed("New Name")), ..Amendment::default() };
    let user: User =
        folded(&[staff, UserEvent::UserAmended(given_fields), UserEvent::UserAmended(name.clone())]);
    let person = user.person().unwrap();
    assert_eq!((person.branch, Some(&person.name)), (Some(BranchId(2)), name.name.as_ref()));
    assert_eq!(person.email, marketer().email);
}

#[test]
fn roles_are_assigned_and_removed_one_by_one() {
    let staff = || UserEvent::UserRegistered(marketer());
    let (assign, remove) = (|role| UserCommand::AssignRole { role }, |role| UserCommand::RemoveRole { role });
    let backoffice = UserEvent::RoleAssigned { role: RoleId::BACKOFFICE };
    given::<User>([staff()]).when(assign(RoleId::BACKOFFICE)).then_expect_events(vec![backoffice.clone()]);
    given::<User>([staff()]).when(assign(RoleId::MARKETING)).then_expect_events(vec![]);
    given::<User>([staff()])
        .when(assign(RoleId::CUSTOMER))
        .then_expect_error(Rejection::CustomerRoleForInternalUser);
    given::<User>([registered()])
        .when(assign(RoleId::BACKOFFICE))
        .then_expect_error(Rejection::InternalRoleForCustomer);
    let removed = UserEvent::RoleRemoved { role: RoleId::MARKETING };
    given::<User>([staff(), backoffice.clone()])
        .when(remove(RoleId::MARKETING))
        .then_expect_events(vec![removed.clone()]);
    given::<User>([staff(), removed.clone()])
        .when(remove(RoleId::MARKETING))
        .then_expect_error(Rejection::RoleNotFound);
    let user: User = folded(&[staff(), backoffice, removed]);
    assert_eq!(user.person().unwrap().roles, [RoleId::BACKOFFICE]);
}

#[test]
fn a_password_is_replaced() {
    let set = UserEvent::PasswordSet { password: sealed("$new$hash$x"), because: PasswordChange::Changed };
    given::<User>([registered()])
        .when(UserCommand::SetPassword { password: sealed("$new$hash$x"), because: PasswordChange::Changed })
        .then_expect_events(vec![set.clone()]);
    let user: User = folded(&[registered(), set]);
    assert_eq!(user.person().unwrap().password, Some(sealed("$new$hash$x")));
}

#[test]
fn nobody_unknown_is_changed() {
    nothing::<User>()
        .when(UserCommand::UpdateProfile(whole_profile()))
        .then_expect_error(Rejection::UserNotFound);
    nothing::<User>().when(UserCommand::Deactivate).then_expect_error(Rejection::UserNotFound);
}

#[test]
fn no_debug_output_names_a_person() {
    let user: User = folded(&[registered(), UserEvent::ProfileUpdated(whole_profile())]);
    let shown = format!("{user:?} {:?}", registered());
    for text in ["John", "example.com", "3201234567890001", "Sudirman", "argon2"] {
        assert!(!shown.contains(text), "{text}");
    }
}

#[test]
fn another_email_ends_all_sessions() {
    let wanted = Amendment { email: Some(sealed("new@example.com")), ..Amendment::default() };
    let amended = Amendment { ends_sessions: true, ..wanted.clone() };
    given::<User>([registered()])
        .when(UserCommand::Amend(wanted.clone()))
        .then_expect_events(vec![UserEvent::UserAmended(amended.clone())]);
    // An event from before it ended sessions ends none, on any node.
    for (event, generation) in [(wanted, 0), (amended, 1)] {
        let user: User = folded(&[registered(), UserEvent::UserAmended(event)]);
        assert_eq!(user.person().unwrap().session_generation, generation);
    }
}

//! People who log in by phone and PIN.

use lumbung_domain::*;

use crate::example::{john, reset, sealed, tom};
use crate::{folded, given, nothing};

fn registered() -> UserEvent {
    UserEvent::UserRegistered(tom())
}

#[test]
fn a_customer_registers_by_phone_alone() {
    nothing::<User>().when(UserCommand::Register(tom())).then_expect_events(vec![registered()]);
    let user: User = folded(&[registered()]);
    let person = user.person().unwrap();
    assert_eq!((&person.phone, &person.pin), (&tom().phone, &tom().pin));
    assert_eq!((&person.email, &person.password), (&None, &None));
    assert_eq!(person.name_parts, tom().name_parts);
    let both = Registration { phone: tom().phone, pin: tom().pin, ..john() };
    nothing::<User>()
        .when(UserCommand::Register(both.clone()))
        .then_expect_events(vec![UserEvent::UserRegistered(both)]);
}

#[test]
fn nobody_registers_who_could_not_log_in() {
    for registration in [
        Registration { phone: None, pin: None, ..tom() },
        Registration { pin: None, ..tom() },
        Registration { phone: None, ..tom() },
        Registration { password: None, ..john() },
        Registration { email: None, ..john() },
        Registration { pin: None, phone: tom().phone, ..john() },
        Registration { email: None, password: john().password, ..tom() },
    ] {
        nothing::<User>()
            .when(UserCommand::Register(registration))
            .then_expect_error(Rejection::LoginIncomplete);
    }
}

#[test]
fn a_new_pin_ends_all_sessions_and_a_stronger_hash_none() {
    for (because, generation) in
        [(PasswordChange::Changed, 1), (PasswordChange::Reset, 1), (PasswordChange::Rehashed, 0)]
    {
        let set = UserEvent::PinSet { pin: sealed("$new$hash$x"), because };
        given::<User>([registered()])
            .when(UserCommand::SetPin { pin: sealed("$new$hash$x"), because })
            .then_expect_events(vec![set.clone()]);
        let user: User = folded(&[registered(), set]);
        let person = user.person().unwrap();
        assert_eq!((&person.pin, person.session_generation), (&Some(sealed("$new$hash$x")), generation));
        assert_eq!(person.password, None);
    }
}

#[test]
fn who_has_no_phone_has_no_pin_and_who_has_no_email_no_password() {
    let because = PasswordChange::Changed;
    given::<User>([UserEvent::UserRegistered(john())])
        .when(UserCommand::SetPin { pin: sealed("$a$b$c"), because })
        .then_expect_error(Rejection::LoginIncomplete);
    given::<User>([registered()])
        .when(UserCommand::SetPassword { password: sealed("$a$b$c"), because })
        .then_expect_error(Rejection::LoginIncomplete);
    given::<User>([registered()])
        .when(UserCommand::RequestReset(reset("abc", 30)))
        .then_expect_error(Rejection::UserNotFound);
}

#[test]
fn nobody_else_gives_them_an_email() {
    let email = Amendment { email: Some(sealed("new@example.com")), ..Amendment::default() };
    given::<User>([registered()]).when(UserCommand::Amend(email)).then_expect_error(Rejection::NoEmailLogin);
}

#[test]
fn the_parts_of_a_name_go_with_it() {
    let parts = NameParts { first: sealed("Tommy"), last: None };
    let parted =
        Amendment { name: Some(sealed("Tommy")), name_parts: Some(parts.clone()), ..Amendment::default() };
    given::<User>([registered()])
        .when(UserCommand::Amend(parted.clone()))
        .then_expect_events(vec![UserEvent::UserAmended(parted.clone())]);
    let user: User = folded(&[registered(), UserEvent::UserAmended(parted)]);
    assert_eq!(user.person().unwrap().name_parts, Some(parts));
    // An administrator names the whole: the parts of another name are not its.
    let whole = Amendment { name: Some(sealed("Thomas Araya")), ..Amendment::default() };
    let user: User = folded(&[registered(), UserEvent::UserAmended(whole)]);
    assert_eq!(user.person().unwrap().name_parts, None);
    let branch = Amendment { branch: Some(BranchId(1)), ..Amendment::default() };
    let user: User = folded(&[registered(), UserEvent::UserAmended(branch)]);
    assert_eq!(user.person().unwrap().name_parts, tom().name_parts);
}

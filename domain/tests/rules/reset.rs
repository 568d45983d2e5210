use lumbung_domain::*;

use crate::example::{john, minute, reset, sealed};
use crate::{folded, given, nothing};

fn registered() -> UserEvent {
    UserEvent::UserRegistered(john())
}

fn asked(token_hash: &str) -> UserEvent {
    UserEvent::PasswordResetRequested(reset(token_hash, 30))
}

fn set(because: PasswordChange) -> UserEvent {
    UserEvent::PasswordSet { password: sealed("$new$hash$x"), because }
}

fn use_token(token_hash: &str, minutes: i64) -> UserCommand {
    UserCommand::ResetPassword {
        token_hash: token_hash.into(),
        password: sealed("$new$hash$x"),
        at: minute(minutes),
    }
}

#[test]
fn a_reset_is_asked_for() {
    given::<User>([registered()])
        .when(UserCommand::RequestReset(reset("one", 30)))
        .then_expect_events(vec![asked("one")]);
    nothing::<User>()
        .when(UserCommand::RequestReset(reset("one", 30)))
        .then_expect_error(Rejection::UserNotFound);
    given::<User>([registered(), UserEvent::UserDeactivated {}])
        .when(UserCommand::RequestReset(reset("one", 30)))
        .then_expect_error(Rejection::UserNotFound);
}

#[test]
fn the_token_sets_a_password_once_and_ends_every_session() {
    given::<User>([registered(), asked("one")])
        .when(use_token("one", 29))
        .then_expect_events(vec![set(PasswordChange::Reset)]);
    let user: User = folded(&[registered(), asked("one"), set(PasswordChange::Reset)]);
    let person = user.person().unwrap();
    assert_eq!((person.session_generation, &person.reset), (1, &None));
    given::<User>([registered(), asked("one"), set(PasswordChange::Reset)])
        .when(use_token("one", 29))
        .then_expect_error(Rejection::ResetTokenInvalid);
}

#[test]
fn a_token_that_is_wrong_late_or_void_sets_nothing() {
    let refused = |events: Vec<UserEvent>, command| {
        given::<User>(events).when(command).then_expect_error(Rejection::ResetTokenInvalid);
    };
    refused(vec![registered()], use_token("one", 1));
    refused(vec![registered(), asked("one")], use_token("two", 1));
    refused(vec![registered(), asked("one")], use_token("one", 30));
    refused(vec![registered(), asked("one"), asked("two")], use_token("one", 1));
    refused(vec![registered(), asked("one"), set(PasswordChange::Changed)], use_token("one", 1));
    let deactivated = [registered(), asked("one"), UserEvent::UserDeactivated {}].to_vec();
    refused(deactivated.clone(), use_token("one", 1));
    refused([deactivated, vec![UserEvent::UserReactivated {}]].concat(), use_token("one", 1));
    let moved = Amendment { email: Some(sealed("new@example.com")), ..Amendment::default() };
    refused(vec![registered(), asked("one"), UserEvent::UserAmended(moved)], use_token("one", 1));
    nothing::<User>().when(use_token("one", 1)).then_expect_error(Rejection::UserNotFound);
}

#[test]
fn what_leaves_a_token_good() {
    let renamed = Amendment { name: Some(sealed("New Name")), ..Amendment::default() };
    for event in [set(PasswordChange::Rehashed), UserEvent::UserAmended(renamed)] {
        given::<User>([registered(), asked("one"), event])
            .when(use_token("one", 1))
            .then_expect_events(vec![set(PasswordChange::Reset)]);
    }
}

use lumbung_domain::*;

use crate::example::{john, sealed, session_id, user};
use crate::{folded, given, nothing};

fn open(number: u128) -> SessionCommand {
    SessionCommand::Open { session_id: session_id(), user: user(number), generation: 2 }
}

fn opened() -> SessionEvent {
    SessionEvent::SessionOpened { session_id: session_id(), user: user(1), generation: 2 }
}

#[test]
fn a_session_opens() {
    nothing::<Session>().when(open(1)).then_expect_events(vec![opened()]);
}

#[test]
fn a_session_opens_once_and_never_again() {
    given::<Session>([opened()]).when(open(1)).then_expect_error(Rejection::AlreadyExists);
    given::<Session>([opened()]).when(open(2)).then_expect_error(Rejection::AlreadyExists);
    given::<Session>([opened(), SessionEvent::SessionEnded {}])
        .when(open(1))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn a_session_ends_once() {
    given::<Session>([opened()])
        .when(SessionCommand::End)
        .then_expect_events(vec![SessionEvent::SessionEnded {}]);
    given::<Session>([opened(), SessionEvent::SessionEnded {}])
        .when(SessionCommand::End)
        .then_expect_events(vec![]);
}

#[test]
fn a_session_that_never_was_cannot_end() {
    nothing::<Session>().when(SessionCommand::End).then_expect_error(Rejection::Unauthorized);
}

#[test]
fn a_session_is_over_once_its_owner_ended_all_of_theirs_or_is_not_active() {
    let open = SessionEvent::SessionOpened { session_id: session_id(), user: user(1), generation: 0 };
    let session: Session = folded(&[open]);
    let after = |events: &[UserEvent]| {
        let mut all = vec![UserEvent::UserRegistered(john())];
        all.extend_from_slice(events);
        session.admits(folded::<User>(&all).person().unwrap())
    };
    let set = |because| UserEvent::PasswordSet { password: sealed("$a$b$c"), because };
    assert!(after(&[]));
    assert!(after(&[set(PasswordChange::Rehashed)]));
    assert!(!after(&[set(PasswordChange::Changed)]));
    assert!(!after(&[set(PasswordChange::Reset)]));
    assert!(!after(&[UserEvent::UserDeactivated {}]));
    assert!(!after(&[UserEvent::UserDeactivated {}, UserEvent::UserReactivated {}]));
    assert!(
        !Session::default().admits(folded::<User>(&[UserEvent::UserRegistered(john())]).person().unwrap())
    );
    let somebody = Registration { user_id: user(2), ..john() };
    assert!(!session.admits(folded::<User>(&[UserEvent::UserRegistered(somebody)]).person().unwrap()));
}

#[test]
fn only_an_open_session_speaks_for_its_user() {
    assert_eq!(Session::default().open_for(), None);
    assert_eq!(folded::<Session>(&[opened()]).open_for(), Some(user(1)));
    assert_eq!(folded::<Session>(&[opened(), SessionEvent::SessionEnded {}]).open_for(), None);
}

use lumbung_domain::*;

use crate::example::{session_id, user};
use crate::{folded, given, nothing};

fn open(number: u128) -> SessionCommand {
    SessionCommand::Open { session_id: session_id(), user: user(number) }
}

fn opened() -> SessionEvent {
    SessionEvent::SessionOpened { session_id: session_id(), user: user(1) }
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
fn only_an_open_session_speaks_for_its_user() {
    assert_eq!(Session::default().open_for(), None);
    assert_eq!(folded::<Session>(&[opened()]).open_for(), Some(user(1)));
    assert_eq!(folded::<Session>(&[opened(), SessionEvent::SessionEnded {}]).open_for(), None);
}

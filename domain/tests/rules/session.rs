use chrono::{DateTime, TimeDelta, Utc};
use lumbung_domain::*;

use crate::example::{john, minute, sealed, session_id, user};
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

fn refresh(rotation: u32, at: DateTime<Utc>) -> SessionCommand {
    SessionCommand::Refresh { rotation, at }
}

fn refreshed(rotation: u32, rotated_at: DateTime<Utc>) -> SessionEvent {
    SessionEvent::SessionRefreshed { rotation, rotated_at }
}

#[test]
fn the_good_refresh_token_is_replaced() {
    given::<Session>([opened()])
        .when(refresh(0, minute(1)))
        .then_expect_events(vec![refreshed(1, minute(1))]);
    let twice = [opened(), refreshed(1, minute(1)), refreshed(2, minute(2))];
    assert_eq!(folded::<Session>(&twice).rotation(), Some(2));
    given::<Session>(twice).when(refresh(2, minute(9))).then_expect_events(vec![refreshed(3, minute(9))]);
}

#[test]
fn the_token_before_it_is_forgiven_for_ten_seconds() {
    let events = || [opened(), refreshed(1, minute(1)), refreshed(2, minute(2))];
    let (last, late) = (minute(2) + Session::GRACE, minute(2) + Session::GRACE + TimeDelta::microseconds(1));
    assert_eq!(Session::GRACE, TimeDelta::seconds(10));
    given::<Session>(events()).when(refresh(1, last)).then_expect_events(vec![]);
    given::<Session>(events()).when(refresh(1, late)).then_expect_events(vec![SessionEvent::SessionEnded {}]);
    // A clock that steps back forgives too.
    given::<Session>(events()).when(refresh(1, minute(1))).then_expect_events(vec![]);
}

#[test]
fn an_older_token_ends_the_session() {
    given::<Session>([opened(), refreshed(1, minute(2)), refreshed(2, minute(2))])
        .when(refresh(0, minute(2)))
        .then_expect_events(vec![SessionEvent::SessionEnded {}]);
}

#[test]
fn what_cannot_be_refreshed() {
    let refused = Rejection::Unauthorized;
    nothing::<Session>().when(refresh(0, minute(1))).then_expect_error(refused.clone());
    given::<Session>([opened()]).when(refresh(1, minute(1))).then_expect_error(refused.clone());
    given::<Session>([opened(), SessionEvent::SessionEnded {}])
        .when(refresh(0, minute(1)))
        .then_expect_error(refused.clone());
    given::<Session>([opened(), refreshed(u32::MAX, minute(1))])
        .when(refresh(u32::MAX, minute(2)))
        .then_expect_error(refused);
}

#[test]
fn a_session_is_carried_over_into_another_generation() {
    let carry = || SessionCommand::CarryOver { generation: 3 };
    let carried = || SessionEvent::SessionCarriedOver { generation: 3 };
    given::<Session>([opened()]).when(carry()).then_expect_events(vec![carried()]);
    given::<Session>([opened(), carried()]).when(carry()).then_expect_events(vec![]);
    nothing::<Session>().when(carry()).then_expect_error(Rejection::Unauthorized);
    given::<Session>([opened(), SessionEvent::SessionEnded {}])
        .when(carry())
        .then_expect_error(Rejection::Unauthorized);
    let owner = Registration { user_id: user(1), ..john() };
    let changed = UserEvent::PasswordSet { password: sealed("$a$b$c"), because: PasswordChange::Changed };
    let mut events = vec![UserEvent::UserRegistered(owner)];
    events.extend(std::iter::repeat_n(changed, 3));
    let user: User = folded(&events);
    assert!(folded::<Session>(&[opened(), carried()]).admits(user.person().unwrap()));
    assert!(!folded::<Session>(&[opened()]).admits(user.person().unwrap()));
    // Its chain of refresh tokens goes on.
    let session: Session = folded(&[opened(), refreshed(4, minute(1)), carried()]);
    assert_eq!(session.rotation(), Some(4));
}

use lumbung_domain::*;

use crate::example::{minute, queued};
use crate::{folded, given, nothing};

fn in_queue() -> MessageEvent {
    MessageEvent::MessageQueued(queued())
}

fn failed(attempt: u32) -> MessageEvent {
    MessageEvent::MessageAttemptFailed { attempt, because: DeliveryFailure::Deferred, retry_at: minute(1) }
}

fn fail(retry_at: Option<i64>) -> MessageCommand {
    MessageCommand::MarkFailed { because: DeliveryFailure::Deferred, retry_at: retry_at.map(minute) }
}

fn closed() -> [MessageEvent; 3] {
    [
        MessageEvent::MessageSent { sent_at: minute(1) },
        MessageEvent::MessageParked { attempt: 1, because: DeliveryFailure::Refused },
        MessageEvent::MessageDropped { because: Dropped::Expired },
    ]
}

#[test]
fn a_message_is_queued_once() {
    nothing::<Message>().when(MessageCommand::Queue(queued())).then_expect_events(vec![in_queue()]);
    given::<Message>([in_queue()])
        .when(MessageCommand::Queue(queued()))
        .then_expect_error(Rejection::AlreadyExists);
    for end in closed() {
        given::<Message>([in_queue(), end])
            .when(MessageCommand::Queue(queued()))
            .then_expect_error(Rejection::AlreadyExists);
    }
}

#[test]
fn attempts_are_counted_until_it_is_sent_or_parked() {
    given::<Message>([in_queue()]).when(fail(Some(1))).then_expect_events(vec![failed(1)]);
    given::<Message>([in_queue(), failed(1)]).when(fail(Some(1))).then_expect_events(vec![failed(2)]);
    let parked = MessageEvent::MessageParked { attempt: 3, because: DeliveryFailure::Deferred };
    given::<Message>([in_queue(), failed(1), failed(2)]).when(fail(None)).then_expect_events(vec![parked]);
    given::<Message>([in_queue(), failed(1)])
        .when(MessageCommand::MarkSent { sent_at: minute(1) })
        .then_expect_events(vec![MessageEvent::MessageSent { sent_at: minute(1) }]);
    given::<Message>([in_queue()])
        .when(MessageCommand::Drop { because: Dropped::Erased })
        .then_expect_events(vec![MessageEvent::MessageDropped { because: Dropped::Erased }]);
    assert_eq!(folded::<Message>(&[in_queue(), failed(2)]), Message::Pending { attempts: 2 });
}

#[test]
fn a_closed_message_stays_as_it_is() {
    for end in closed() {
        for command in [
            MessageCommand::MarkSent { sent_at: minute(2) },
            fail(None),
            MessageCommand::Drop { because: Dropped::Erased },
        ] {
            given::<Message>([in_queue(), end.clone()]).when(command).then_expect_events(vec![]);
        }
    }
    nothing::<Message>().when(fail(Some(1))).then_expect_events(vec![]);
}

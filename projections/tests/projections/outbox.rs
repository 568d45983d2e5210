//! The outbox says what is to be delivered, however the events arrived.

use chrono::{DateTime, TimeDelta, Utc};
use lumbung_domain::*;
use lumbung_projections::outbox::{Backlog, backlog, due};
use uuid::Uuid;

use crate::log::{Log, instant};
use crate::people::{sealed, user};
use crate::projecting::Node;

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

/// So many minutes after anything is recorded.
fn minute(minutes: i64) -> DateTime<Utc> {
    instant(0) + TimeDelta::minutes(minutes)
}

fn queue(number: u128) -> MessageCommand {
    MessageCommand::Queue(Queued {
        message_id: id(number),
        recipient: user(1),
        channel: Channel::Email,
        kind: MessageKind::PasswordReset,
        content: sealed(format!("letter {number}")),
        queued_at: minute(i64::try_from(number).unwrap()),
        expires_at: Some(minute(30)),
    })
}

fn fail(retry_at: Option<i64>) -> MessageCommand {
    MessageCommand::MarkFailed { because: DeliveryFailure::Deferred, retry_at: retry_at.map(minute) }
}

type Stored = (Uuid, String, i64, Option<String>, Option<String>, Option<DateTime<Utc>>);

#[tokio::test]
async fn the_life_of_messages() {
    let steps = [
        (1, queue(1)),
        (2, queue(2)),
        (3, queue(3)),
        (4, queue(4)),
        (1, fail(Some(9))),
        (2, fail(Some(8))),
        (2, MessageCommand::MarkSent { sent_at: minute(8) }),
        (3, fail(None)),
        (4, fail(Some(7))),
        (4, MessageCommand::Drop { because: Dropped::Expired }),
        (5, queue(5)),
    ];
    // One batch per step, all in one, and cut at every place in between.
    let mut found: Vec<Vec<Stored>> = Vec::new();
    for cut in 0..=steps.len() {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        for (number, (message, command)) in steps.iter().enumerate() {
            log.run::<Message>(id(*message), command.clone()).unwrap();
            if cut == steps.len() || cut == number {
                log.commit().await;
            }
        }
        if cut < steps.len() - 1 {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;
        let sql =
            "select message, state, attempts, failure, content, next_attempt_at from outbox order by message";
        found.push(sqlx::query_as(sql).fetch_all(read.pool()).await.unwrap());

        let all = due(&read, minute(9), 10).await.unwrap();
        let messages: Vec<_> = all.iter().map(|due| (due.message, due.attempts)).collect();
        assert_eq!(messages, [(id(5), 0), (id(1), 1)]);
        assert_eq!((&all[1].content, all[1].recipient), (&sealed("letter 1"), user(1)));
        assert_eq!(all[1].expires_at, Some(minute(30)));
        assert_eq!(due(&read, minute(8), 10).await.unwrap().len(), 1);
        assert_eq!(due(&read, minute(9), 1).await.unwrap().len(), 1);
        assert_eq!(due(&read, minute(4), 10).await.unwrap(), []);
        let expected = Backlog { pending: 2, parked: 1, oldest: Some(minute(1)) };
        assert_eq!(backlog(&read).await.unwrap(), expected);
        node.stop().await;
    }
    assert!(found.iter().all(|rows| *rows == found[0]));
    let states: Vec<_> = found[0].iter().map(|row| (row.1.as_str(), row.2, row.3.as_deref())).collect();
    assert_eq!(
        states,
        [
            ("PENDING", 1, Some("DEFERRED")),
            ("SENT", 1, Some("DEFERRED")),
            ("PARKED", 1, Some("DEFERRED")),
            ("DROPPED", 1, Some("EXPIRED")),
            ("PENDING", 0, None),
        ]
    );
    // Only what is still to be sent is kept.
    let kept: Vec<_> = found[0].iter().map(|row| row.4.is_some()).collect();
    assert_eq!(kept, [true, false, false, false, true]);
}

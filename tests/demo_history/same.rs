//! Two runs, and two seeds.

use lumbung::demo_history::{HistoryError, tell};
use lumbung_commands::Call;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_journal::verify::verify_with;
use lumbung_journal::{app_pool, read};

use super::normal::normal;
use super::{history_options, log, size, story, told};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound};
use crate::support::people::register_customer;

#[tokio::test]
async fn two_runs_are_equal_but_for_keys_and_hashes() {
    let (customers, days) = size(14, 100);
    let ((first, told_first), (second, told_second)) =
        tokio::join!(told(story(customers, days, 7)), told(story(customers, days, 7)));
    assert_eq!(told_first, told_second);
    let (first, second) = (log(&first).await, log(&second).await);
    assert_eq!(told_first.events, first.len() as i64);
    for (first, second) in normal(&first).iter().zip(normal(&second)) {
        assert_eq!(*first, second);
    }
    assert_eq!(first.len(), second.len());
    // What is random is so in both; otherwise the comparison would say nothing of keys.
    assert_ne!(first.last().unwrap().hash, second.last().unwrap().hash);
    let registered = first.iter().zip(&second).find(|(one, _)| one.event_type == "UserRegistered").unwrap();
    assert_ne!(registered.0.payload, registered.1.payload);
}

#[tokio::test]
async fn another_seed_is_another_history() {
    let ((first, _), (second, _)) = tokio::join!(told(story(4, 40, 7)), told(story(4, 40, 8)));
    assert_ne!(normal(&log(&first).await), normal(&log(&second).await));
}

#[tokio::test]
async fn a_history_is_sound_and_recorded_on_its_days() {
    let story = story(12, 280, 7);
    let (database, told) = told(story).await;
    let pool = app_pool(&database, 2).await.unwrap();
    let verified = verify_with(&pool, None, |_| {}).await.unwrap();
    assert_eq!(verified.head.position, told.events);
    pool.close().await;
    let log = log(&database).await;
    assert!(log.is_sorted_by_key(|record| record.recorded_at));
    let on = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&story.zone).date_naive();
    assert_eq!(on(log.first().unwrap().recorded_at), story.begins_on);
    assert_eq!(on(log.last().unwrap().recorded_at), story.ends_on);
    for record in &log {
        let payload: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
        if let Some(day) = payload[&*record.event_type]["business_on"].as_str() {
            // Recorded on the day it is booked on, or, of a reversal that opens a paid loan again, later.
            assert!(day.parse::<chrono::NaiveDate>().unwrap() <= on(record.recorded_at), "{record:?}");
        }
    }
    // One of every kind, as a small history is cast.
    let loans = told.loans;
    for (what, count) in [
        ("pending", loans.pending),
        ("rejected", loans.rejected),
        ("active", loans.disbursed),
        ("paid off", loans.paid_off),
        ("written off", loans.written_off),
        ("repayments", told.repayments),
        ("reversals", told.reversals),
        ("transfers", told.transfers),
    ] {
        assert!(count > 0, "nothing is {what}: {told:?}");
    }
    assert_eq!(told.customers, 12);
}

#[tokio::test]
async fn a_ledger_that_was_opened_is_told_no_history() {
    let database = database().await;
    let node = Node::open(&database).await;
    node.execute(DefineReferenceData, Call::default()).await.unwrap().outcome.unwrap();
    node.close().await;
    let before = log(&database).await.len();
    let refused = tell(history_options(&database), story(2, 5, 7), |_| {}).await;
    assert!(matches!(refused, Err(HistoryError::NotEmpty { .. })), "{refused:?}");
    let pool = app_pool(&database, 1).await.unwrap();
    assert_eq!(read::head(&pool).await.unwrap().position, before as i64);
    pool.close().await;
}

#[tokio::test]
async fn whoever_writes_meanwhile_ends_the_history() {
    let database = database().await;
    let meanwhile = async {
        let pool = app_pool(&database, 1).await.unwrap();
        while read::head(&pool).await.unwrap().position < 200 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        pool.close().await;
        let node = Node::open(&database).await;
        register_customer(&node).await;
        node
    };
    let (told, node) = tokio::join!(tell(history_options(&database), story(20, 700, 7), |_| {}), meanwhile);
    assert!(matches!(told, Err(HistoryError::Disturbed)), "{told:?}");
    assert_sound(&node).await;
    node.close().await;
}

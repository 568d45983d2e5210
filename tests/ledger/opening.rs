//! The first moments of a ledger.

use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::{Call, Ledger};
use lumbung_journal::{JournalError, KeyError, MasterKey, migrate};

use crate::support::cluster::{database, empty_database};
use crate::support::ledger::{Node, assert_sound, events, options, run};

#[tokio::test]
async fn two_nodes_that_open_an_empty_ledger_at_once_open_one_ledger() {
    for _ in 0..5 {
        let database = database().await;
        let (one, other) = tokio::join!(Node::open(&database), Node::open(&database));
        assert_eq!(one.id(), other.id());
        assert_eq!(one.vault().keyed_hash("", &[]), other.vault().keyed_hash("", &[]));
        assert_eq!(events(&one, "LedgerOpened").await, 1);
        assert_eq!(assert_sound(&one).await.head.position, 1);
        one.close().await;
        other.close().await;
    }
}

#[tokio::test]
async fn two_nodes_that_migrate_an_empty_database_at_once_both_succeed() {
    let database = empty_database().await;
    let migrated = tokio::join!(migrate(&database), migrate(&database), migrate(&database));
    assert!(migrated.0.is_ok() && migrated.1.is_ok() && migrated.2.is_ok(), "{migrated:?}");
    Node::open(&database).await.close().await;
}

#[tokio::test]
async fn a_node_with_another_master_key_is_refused() {
    let database = database().await;
    Node::open(&database).await.close().await;
    let mut stranger = options(&database);
    stranger.master_key = MasterKey::new([8; 32]);
    let refused = Ledger::open(stranger).await.err().expect("it opened the ledger");
    assert!(matches!(refused, JournalError::Keys(KeyError::WrongMasterKey)), "{refused:?}");
}

#[tokio::test]
async fn reference_data_that_is_defined_again_makes_no_new_events() {
    let database = database().await;
    let node = Node::open(&database).await;
    run(&node, DefineReferenceData).await;
    let first = node.head().await.unwrap();
    assert!(first.position > 10, "{first}");
    let again = node.execute(DefineReferenceData, Call::default()).await.unwrap();
    assert_eq!((again.outcome, again.position), (Ok(()), first.position));
    node.close().await;

    let reopened = Node::open(&database).await;
    run(&reopened, DefineReferenceData).await;
    assert_eq!(reopened.head().await, Some(first));
    assert_eq!(assert_sound(&reopened).await.head, first);
    reopened.close().await;
}

#[tokio::test]
async fn two_nodes_that_define_reference_data_at_once_define_it_once() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    tokio::join!(run(&one, DefineReferenceData), run(&other, DefineReferenceData));
    assert_eq!(events(&one, "RoleDefined").await, 8);
    assert_eq!(events(&one, "ProductDefined").await, 5);
    assert_sound(&other).await;
    one.close().await;
    other.close().await;
}

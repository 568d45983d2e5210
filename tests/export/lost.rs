//! A connection that is lost while an import commits: what became of it is found out, or said to be unknown.

use lumbung_journal::portable::ImportError;
use lumbung_journal::verify::{VerifyError, verify};
use lumbung_journal::{Head, app_pool};
use sqlx::postgres::PgConnectOptions;

use super::{export_of, import_to};
use crate::support::cluster::database;
use crate::support::ledger::{Node, furnish};
use crate::support::proxy::{Cut, Proxy};

async fn end_of(database: &PgConnectOptions) -> Head {
    let pool = app_pool(database, 1).await.unwrap();
    match verify(&pool, |_| {}).await {
        Ok(verified) => verified.head,
        Err(VerifyError::Broken(found)) => panic!("{found}"),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_import_whose_commit_is_not_answered_knows_what_became_of_it_or_says_that_nobody_does() {
    let source = database().await;
    let node = Node::open(&source).await;
    furnish(&node).await;
    node.close().await;
    let (file, exported) = export_of(&source, None).await;
    for cut in [Cut::BeforeTheRequest, Cut::BehindTheRequest, Cut::BeforeTheAnswer, Cut::TheWholeServer] {
        let (target, proxy) = (database().await, Proxy::start());
        proxy.cut_next(cut);
        let imported = import_to(&proxy.before(&target), &file, None).await;
        assert_eq!(proxy.cuts_made(), 1, "{cut:?}");
        let there = end_of(&target).await;
        match imported {
            Ok(imported) => assert_eq!((imported.head, there), (exported.head, exported.head), "{cut:?}"),
            Err(ImportError::Journal(_)) => assert_eq!(there, Head::EMPTY, "{cut:?}"),
            Err(unknown) => {
                assert_eq!(cut, Cut::TheWholeServer, "{unknown}");
                assert!(matches!(unknown, ImportError::Unknown { head, .. } if head == exported.head));
                assert!(unknown.to_string().contains("`lumbung verify` tells which"), "{unknown}");
                continue;
            }
        }
        // What is there is there whatever was lost, and what is not can be brought once more.
        match cut {
            Cut::BeforeTheAnswer => assert_eq!(there, exported.head, "{cut:?}"),
            Cut::BeforeTheRequest => {
                assert_eq!(import_to(&target, &file, None).await.unwrap().head, exported.head);
            }
            Cut::BehindTheRequest => {}
            Cut::Silence | Cut::TheWholeServer => panic!("{cut:?}: it cannot know"),
        }
    }
}

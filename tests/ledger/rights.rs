//! History is insert-only: the application has no right to change it, and not even the owner can by accident.

use lumbung_journal::{APP_ROLE, OWNER_ROLE, app_pool, excess_rights};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Row};

use crate::support::cluster::{database, superuser};
use crate::support::ledger::Node;

const CHANGES: [&str; 3] =
    ["update journal.X set hash = hash", "delete from journal.X", "truncate journal.X"];

/// Pairs of table and SQLSTATE, for every change of both tables.
async fn refusals(pool: &PgPool, role: &str) -> Vec<(String, String)> {
    let mut refusals = Vec::new();
    for table in ["events", "anchors"] {
        for change in CHANGES {
            let sql = format!("set role {role}; {}", change.replace('X', table));
            let refused = sqlx::raw_sql(&sql).execute(pool).await.expect_err(&sql);
            let code = refused.as_database_error().unwrap().code().unwrap().into_owned();
            refusals.push((sql, code));
        }
    }
    refusals
}

async fn ledger_with_an_anchor() -> PgConnectOptions {
    let database = database().await;
    Node::open(&database).await.close().await;
    database
}

#[tokio::test]
async fn the_application_has_no_right_to_change_history() {
    let pool = superuser(&ledger_with_an_anchor().await).await;
    for (sql, code) in refusals(&pool, APP_ROLE).await {
        assert_eq!(code, "42501", "{sql}");
    }
}

#[tokio::test]
async fn not_even_the_owner_changes_history_by_accident() {
    let pool = superuser(&ledger_with_an_anchor().await).await;
    for (sql, code) in refusals(&pool, OWNER_ROLE).await {
        assert_eq!(code, "LB002", "{sql}");
    }
}

#[tokio::test]
async fn the_application_does_not_have_more_rights_than_it_needs() {
    let database = ledger_with_an_anchor().await;
    assert_eq!(excess_rights(&app_pool(&database, 1).await.unwrap()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_right_too_many_is_noticed() {
    let database = ledger_with_an_anchor().await;
    let (owner, app) = (superuser(&database).await, app_pool(&database, 1).await.unwrap());
    let excesses = [
        ("grant update on journal.events to lumbung_app", "revoke update on journal.events from lumbung_app"),
        (
            "grant delete on journal.anchors to lumbung_app",
            "revoke delete on journal.anchors from lumbung_app",
        ),
        (
            "grant truncate on journal.events to lumbung_app",
            "revoke truncate on journal.events from lumbung_app",
        ),
        (
            "grant update (payload) on journal.events to lumbung_app",
            "revoke update (payload) on journal.events from lumbung_app",
        ),
        (
            "grant update (state) on journal.snapshots to lumbung_app",
            "revoke update (state) on journal.snapshots from lumbung_app",
        ),
        ("grant update on journal.person_keys to public", "revoke update on journal.person_keys from public"),
        (
            "alter table journal.events owner to lumbung_app",
            "alter table journal.events owner to lumbung_owner",
        ),
        (
            "grant update (kind) on audit.attempts to lumbung_app",
            "revoke update (kind) on audit.attempts from lumbung_app",
        ),
        (
            "grant truncate on audit.attempts to lumbung_app",
            "revoke truncate on audit.attempts from lumbung_app",
        ),
        (
            "alter table audit.attempts disable trigger insert_only",
            "alter table audit.attempts enable trigger insert_only",
        ),
        (
            "alter table journal.events disable trigger insert_only",
            "alter table journal.events enable trigger insert_only",
        ),
        (
            "alter table journal.anchors enable replica trigger insert_only",
            "alter table journal.anchors enable trigger insert_only",
        ),
        (
            "alter trigger insert_only on journal.events rename to gone",
            "alter trigger gone on journal.events rename to insert_only",
        ),
    ];
    for (excess, cure) in excesses {
        sqlx::raw_sql(excess).execute(&owner).await.unwrap();
        assert_ne!(excess_rights(&app).await.unwrap(), Vec::<String>::new(), "{excess}");
        sqlx::raw_sql(cure).execute(&owner).await.unwrap();
        assert_eq!(excess_rights(&app).await.unwrap(), Vec::<String>::new(), "{cure}");
    }
}

#[tokio::test]
async fn the_application_runs_as_the_role_without_rights() {
    let pool = app_pool(&ledger_with_an_anchor().await, 1).await.unwrap();
    let row = sqlx::query("select current_user::text as role").fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<String, _>("role"), APP_ROLE);
}

//! Out of one database and into another: the same history, and everything that follows from it.

use lumbung_commands::ledger::Options;
use lumbung_domain::{AggregateType, Email};
use lumbung_journal::portable::{ExportError, KeysOnImport, SEQUENCES, export, import};
use lumbung_journal::verify::verify;
use lumbung_journal::{
    AppendError, Appender, Batch, JournalError, KeyError, MasterKey, Record, Verdict, app_pool, keys, read,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

use super::{OTHER_MASTER_KEY, PASSPHRASE, body, export_of, import_to, passphrase};
use crate::rest_smoke::Server;
use crate::support::cluster::{database, superuser};
use crate::support::ledger::{MASTER_KEY, Node, furnish, options};
use crate::support::people::{register_customer, top_up};

/// A small ledger, closed.
async fn used_ledger() -> PgConnectOptions {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for rupiah in 1..=5 {
        node.execute(top_up(customer, rupiah), Default::default()).await.unwrap().outcome.unwrap();
    }
    node.close().await;
    database
}

fn elsewhere(database: &PgConnectOptions) -> Options {
    Options { master_key: MasterKey::new(OTHER_MASTER_KEY), ..options(database) }
}

/// Appends the last event that moved no money once more, with another text for the same value.
async fn append_odd_text(database: &PgConnectOptions, rewrite: impl Fn(&str) -> String) {
    let pool = app_pool(database, 1).await.unwrap();
    let head = read::head(&pool).await.unwrap();
    let records = read::after(&pool, 0, head.position).await.unwrap();
    let recorded_at = records.last().unwrap().recorded_at;
    let last = records.into_iter().rfind(|record| record.stream.kind != AggregateType::Wallet).unwrap();
    let mut record = Record {
        position: head.position + 1,
        sequence: last.sequence + 1,
        payload: rewrite(&last.payload),
        metadata: rewrite(&last.metadata),
        recorded_at,
        ..last
    };
    record.hash = record.expected_hash(head.hash);
    let batch = Batch {
        expected: head,
        last: record.head(),
        recorded_at: record.recorded_at,
        records: vec![record],
        answers: vec![],
        person_keys: vec![],
    };
    let appended: Result<Verdict, AppendError> =
        Appender::new(database.clone(), Duration::from_secs(5)).append(&batch).await;
    assert_eq!(appended.unwrap(), Verdict::Appended);
}

#[tokio::test]
async fn what_was_exported_verifies_elsewhere_and_is_exported_again_byte_by_byte() {
    let (source, target) = (used_ledger().await, database().await);
    // Texts that the journal never writes, but PostgreSQL keeps as they are.
    append_odd_text(&source, |text| format!(" {text}")).await;
    append_odd_text(&source, |text| text.replace(':', " : \t")).await;
    append_odd_text(&source, |text| text.replacen('{', "{\r\n", 1)).await;
    let (file, exported) = export_of(&source, None).await;
    let (again, _) = export_of(&source, None).await;
    assert_eq!(body(&file), body(&again));

    let imported = import_to(&target, &file, None).await.unwrap();
    assert_eq!((imported.ledger, imported.head), (exported.ledger, exported.head));
    assert_eq!((imported.anchors, imported.keys), (1, None));
    let pool = superuser(&target).await;
    let verified = verify(&pool, |_| {}).await.unwrap();
    assert_eq!((verified.head, verified.anchors), (exported.head, 1));
    let (back, _) = export_of(&target, None).await;
    assert_eq!(body(&back), body(&file));
    assert_eq!(rows(&superuser(&source).await).await, rows(&pool).await);
}

/// Everything of the log that a dump would show.
async fn rows(pool: &PgPool) -> Vec<String> {
    let sql =
        "select e::text from journal.events e union all select a::text from journal.anchors a order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// The content of every read model that the node shows.
async fn read_models(server: &Server) -> Vec<(String, Vec<String>)> {
    let pool = server.node().ledger.pool();
    let schema: String = sqlx::query_scalar("select name from projection.read_schemas where live")
        .fetch_one(pool)
        .await
        .unwrap();
    let mut found = Vec::new();
    for table in lumbung_projections::tables() {
        let sql = format!("select t::text from {schema}.{table} t order by 1");
        found.push((table.to_owned(), sqlx::query_scalar(&sql).fetch_all(pool).await.unwrap()));
    }
    found
}

/// Waits until the read models show the whole log.
async fn settle(server: &Server) {
    let admin = server.login("admin@loan.com", "admin123").await;
    server.get("/api/admin/users", &admin).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_with_its_keys_goes_on_elsewhere() {
    let source = database().await;
    let server = Server::start_on(options(&source)).await;
    let (john, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let note = json!({"note": "Documents verified"});
    server.post(&format!("/api/approval/{loan}/approve"), &marketing, note).await.ok(200);
    let profile = server.get("/api/customer/profile", &john).await.ok(200);
    settle(&server).await;
    let passphrase = passphrase(PASSPHRASE);
    let (file, exported) = export_of(&source, Some(&passphrase)).await;
    let people: i64 = sqlx::query_scalar("select count(*) from journal.person_keys")
        .fetch_one(server.node().ledger.pool())
        .await
        .unwrap();
    assert_eq!(exported.keys, Some(people + 1));
    let shown = read_models(&server).await;
    let empty: Vec<_> = shown.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
    assert!(empty.len() < shown.len() / 2, "nothing to compare: {empty:?}");

    let target = database().await;
    let imported = import_to(&target, &file, Some(&passphrase)).await.unwrap();
    assert_eq!((imported.head, imported.keys), (exported.head, exported.keys));
    let other = Server::start_on(elsewhere(&target)).await;
    let head = verify(other.node().ledger.pool(), |_| {}).await.unwrap().head;
    assert_eq!(head, exported.head, "neither reference data nor demo accounts were missing");
    // The first look at anything waits for the read models.
    other.get("/api/products", "").await.ok(200);
    for (there, here) in shown.iter().zip(read_models(&other).await) {
        assert_eq!(*there, here);
    }

    let john = other.login("john.doe@email.com", "customer123").await;
    assert_eq!(other.get("/api/customer/profile", &john).await.ok(200), profile);
    let manager = other.login("bm.jkt@loan.com", "bm123").await;
    other.post(&format!("/api/approval/{loan}/approve"), &manager, json!({})).await.ok(200);
    let history = other.get(&format!("/api/loans/{loan}/history"), &john).await.ok(200);
    assert_eq!(history[1]["note"], "Documents verified");

    // Who is known stays known, and numbers go on behind those of the log.
    let register = |email: &str| json!({"name": "New", "email": email, "password": "password123"});
    let taken = other.post("/api/auth/register", "", register("john.doe@email.com")).await;
    assert_eq!(taken.status, 409, "{}", taken.text);
    let users: Vec<i64> = numbers(&other, "users").await;
    other.post("/api/auth/register", "", register("new@email.com")).await.ok(201);
    settle(&other).await;
    let now = numbers(&other, "users").await;
    // The one that was refused drew a number too.
    assert_eq!(now.last().unwrap() - users.last().unwrap(), 2, "{now:?}");
    let backoffice = other.login("backoffice@loan.com", "backoffice123").await;
    let disbursed =
        other.post(&format!("/api/approval/{loan}/approve"), &backoffice, json!({})).await.ok(200);
    assert_eq!(disbursed["status"], "DISBURSED");
    let body = json!({"branchId": 1, "amount": 1_000_000, "tenor": 6});
    let next = other.post("/api/loans", &john, body).await.ok(201);
    assert!(next["id"].as_i64().unwrap() > loan, "{next}: the log holds {loan} already");
}

async fn numbers(server: &Server, list: &str) -> Vec<i64> {
    let admin = server.login("admin@loan.com", "admin123").await;
    let Value::Array(rows) = server.get(&format!("/api/admin/{list}"), &admin).await.ok(200) else {
        panic!()
    };
    let mut numbers: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn without_its_keys_a_ledger_is_proven_but_not_served() {
    let (source, target) = (used_ledger().await, database().await);
    let with_keys = export_of(&source, Some(&passphrase(PASSPHRASE))).await.0;
    for file in [export_of(&source, None).await.0, with_keys] {
        let target = database().await;
        assert_eq!(import_to(&target, &file, None).await.unwrap().keys, None);
        let pool = app_pool(&target, 2).await.unwrap();
        verify(&pool, |_| {}).await.unwrap();
        let refused = keys::check(&pool, MasterKey::new(MASTER_KEY)).await;
        assert!(matches!(refused, Err(JournalError::Keys(KeyError::NoKeys))), "{refused:?}");
        let opened = lumbung_commands::Ledger::open(options(&target)).await.err();
        assert!(matches!(opened, Some(JournalError::Keys(KeyError::NoKeys))), "{opened:?}");
        let made: i64 =
            sqlx::query_scalar("select count(*) from journal.ledger_keys").fetch_one(&pool).await.unwrap();
        assert_eq!(made, 0, "a new key would let everybody register once more");
        // It may go on to a place where the keys are.
        assert_eq!(body(&export_of(&target, None).await.0), body(&export_of(&source, None).await.0));
        let master = MasterKey::new(MASTER_KEY);
        let asked = Some((&master, &passphrase(PASSPHRASE)));
        let refused = export(&pool, &mut Vec::new(), asked, |_, _| {}).await;
        assert!(matches!(refused, Err(ExportError::Journal(JournalError::Keys(KeyError::NoKeys)))));
    }
    let pool = app_pool(&target, 1).await.unwrap();
    assert!(matches!(export(&pool, &mut Vec::new(), None, |_, _| {}).await, Err(ExportError::Empty)));
}

#[tokio::test]
async fn keys_open_with_the_passphrase_and_the_right_master_key_alone() {
    let source = used_ledger().await;
    let (file, _) = export_of(&source, Some(&passphrase(PASSPHRASE))).await;
    let text = String::from_utf8(file.clone()).unwrap();
    let pool = app_pool(&source, 1).await.unwrap();
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(
        "select wrapped from journal.person_keys union all select wrapped from journal.ledger_keys",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    use base64::Engine;
    for wrapped in stored {
        let wrapped = base64::engine::general_purpose::STANDARD.encode(wrapped);
        assert!(!text.contains(&wrapped), "keys leave in a wrapping of their own");
    }

    let target = database().await;
    let wrong = import_to(&target, &file, Some(&passphrase("seven sacks of salt"))).await.unwrap_err();
    assert_eq!(wrong.to_string(), "the passphrase is not the one that the file was made with");
    let unsaid = import(&target, &file[..], KeysOnImport::Unsaid, |_, _| {}).await.unwrap_err();
    assert!(unsaid.to_string().starts_with("the file holds keys"), "{unsaid}");
    let (plain, _) = export_of(&source, None).await;
    let none = import_to(&target, &plain, Some(&passphrase(PASSPHRASE))).await.unwrap_err();
    assert_eq!(none.to_string(), "the file holds no keys");

    let other = MasterKey::new(OTHER_MASTER_KEY);
    let refused =
        export(&pool, &mut Vec::new(), Some((&other, &passphrase(PASSPHRASE))), |_, _| {}).await.unwrap_err();
    assert!(
        matches!(refused, ExportError::Journal(JournalError::Keys(KeyError::WrongMasterKey))),
        "{refused}"
    );

    import_to(&target, &file, Some(&passphrase(PASSPHRASE))).await.unwrap();
    let opened = lumbung_commands::Ledger::open(options(&target)).await.err();
    assert!(matches!(opened, Some(JournalError::Keys(KeyError::WrongMasterKey))), "{opened:?}");
    let node = Node::open_with(elsewhere(&target)).await;
    let source = Node::open(&source).await;
    let email = Email::new("person1@example.com").unwrap();
    let claim = |node: &Node| lumbung_commands::user::email_claim(node.vault(), &email);
    assert_eq!(format!("{:?}", claim(&node)), format!("{:?}", claim(&source)));
    node.close().await;
    source.close().await;
}

/// Else its numbers would be drawn a second time after an import.
#[tokio::test]
async fn every_sequence_is_carried_on() {
    let pool = app_pool(&database().await, 1).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(
        "select sequencename::text from pg_sequences where schemaname = 'journal' order by 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(found, SEQUENCES);
}

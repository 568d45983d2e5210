//! An open REPEATABLE READ transaction holds back the removal of dead rows; an append must leave none to trip over. Counted
//! in pages, which do not depend on what else this machine does; the benchmark measures the time.

use lumbung_journal::read;
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection, Row};

use crate::support::cluster::database;
use crate::support::ledger::Node;

/// An append of one event behind `$1` and `$2`.
const APPEND: &str = "journal.append($1, $2, $1 + 1, sha256($2), now(), array['Session'],
    array[$1::text], array[1::bigint], array['SessionEnded'], array['1'], array['{}'], array['{}'],
    array[sha256($2)], array[sha256($2)], array[sha256($2)], array[sha256($2)], array[gen_random_uuid()], array[sha256($2)])";

/// Three thousand appends, each a transaction of its own, which also keeps a head row as we do not.
async fn append_on_and_on(connection: &mut PgConnection) {
    let append = APPEND.replace("$1", "p").replace("$2", "h");
    let sql = format!(
        "do $$ declare p bigint; h bytea; begin
             for i in 1..3000 loop
                 select position, hash into p, h from journal.events order by position desc limit 1;
                 perform {append};
                 update public.head_row set position = p, hash = h;
                 commit;
             end loop;
         end $$"
    );
    connection.execute(sql.as_str()).await.unwrap();
}

fn pages(row: sqlx::postgres::PgRow) -> i64 {
    let plan: Value = row.get(0);
    let pages = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
    pages("Shared Hit Blocks") + pages("Shared Read Blocks")
}

/// How many pages one append touches; it is undone.
async fn pages_of_an_append(connection: &mut PgConnection) -> i64 {
    let head = read::head(&mut *connection).await.unwrap();
    let mut undone = connection.begin().await.unwrap();
    let explain = format!("explain (analyze, buffers, format json) select {APPEND}");
    let row = sqlx::query(&explain).bind(head.position).bind(&head.hash.0[..]).fetch_one(&mut *undone).await;
    undone.rollback().await.unwrap();
    pages(row.unwrap())
}

async fn pages_of_the_head_row(connection: &mut PgConnection) -> i64 {
    let explain = "explain (analyze, buffers, format json) select * from public.head_row";
    pages(sqlx::query(explain).fetch_one(connection).await.unwrap())
}

#[tokio::test]
async fn an_append_touches_no_more_pages_under_an_open_snapshot() {
    let database = database().await;
    Node::open(&database).await.close().await;
    let mut writer = PgConnection::connect_with(&database).await.unwrap();
    writer
        .execute(
            "create table public.head_row as select position, hash from journal.events;
             -- Statistics that arrive in between would have the append planned anew, which touches pages too.
             alter table journal.events set (autovacuum_enabled = off);
             alter table journal.idempotency set (autovacuum_enabled = off);
             alter table journal.person_keys set (autovacuum_enabled = off);
             alter table public.head_row set (autovacuum_enabled = off)",
        )
        .await
        .unwrap();
    append_on_and_on(&mut writer).await;
    // The first in a session also reads the catalogue.
    pages_of_an_append(&mut writer).await;
    let before = pages_of_an_append(&mut writer).await;

    let mut reader = PgConnection::connect_with(&database).await.unwrap();
    reader
        .execute("begin isolation level repeatable read; select count(*) from journal.events")
        .await
        .unwrap();
    append_on_and_on(&mut writer).await;
    let under = pages_of_an_append(&mut writer).await;
    // An index may have grown by a level.
    assert!(under <= before + 8, "{before} pages before, {under} under an open snapshot");
    // What this test must be able to see.
    let head_row = pages_of_the_head_row(&mut writer).await;
    assert!(head_row > 16, "a head row, {head_row} pages");
    reader.execute("commit").await.unwrap();
}

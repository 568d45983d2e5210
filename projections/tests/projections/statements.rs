//! Every statement of the read models is one that the database can prepare.

use lumbung_projections::{Reader, fingerprint, prepare, statements, tables};
use sqlx::Executor;

use crate::log::Log;

#[tokio::test]
async fn every_statement_prepares() {
    let log = Log::new().await;
    let schema = prepare(&log.options).await.unwrap();
    assert_eq!(schema.as_str(), format!("read_{}_1", fingerprint()));
    let reader = Reader::open(log.options.clone(), 2).await.unwrap();
    let mut connection = reader.live().pool().acquire().await.unwrap();
    let mut count = 0;
    for statement in statements() {
        connection.prepare(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        count += 1;
    }
    assert!(count > 15, "{count}");
}

/// Whatever an event held must fit: no check, foreign key, second unique key, default or bounded type.
#[tokio::test]
async fn read_tables_refuse_nothing() {
    let log = Log::new().await;
    let schema = prepare(&log.options).await.unwrap();
    let findings: Vec<String> = sqlx::query_scalar(
        "select conrelid::regclass || ' ' || conname from pg_constraint c join pg_namespace n on n.oid = c.connamespace
             where n.nspname = $1 and contype not in ('p', 'n')
         union all
         select i.indrelid::regclass || ' ' || i.indexrelid::regclass from pg_index i
             join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = $1 and i.indisunique and not i.indisprimary
         union all
         select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
             where table_schema = $1 and (column_default is not null or character_maximum_length is not null
                 or data_type not in ('bigint', 'text', 'numeric', 'boolean', 'uuid', 'date', 'timestamp with time zone')
                 -- Numbers of accounts and lines are ours, not the events'.
                 and not (data_type = 'smallint' and column_name in ('account', 'debit_account', 'credit_account', 'line')))",
    )
    .bind(schema.as_str())
    .fetch_all(&log.pool)
    .await
    .unwrap();
    assert_eq!(findings, Vec::<String>::new());
}

#[tokio::test]
async fn the_application_may_write_rows_and_nothing_else() {
    let log = Log::new().await;
    let schema = prepare(&log.options).await.unwrap();
    for table in tables() {
        let (rows, owned): (bool, bool) = sqlx::query_as(
            "select has_table_privilege(current_user, $1, 'select, insert, update, delete'),
                    pg_has_role(current_user, relowner, 'member')
             from pg_class where oid = $1::regclass",
        )
        .bind(format!("{schema}.{table}"))
        .fetch_one(&log.pool)
        .await
        .unwrap();
        assert!(rows && !owned, "{table}");
    }
    for forbidden in [
        "create schema read_00000000_9".to_owned(),
        format!("create table {schema}.more (a int)"),
        format!("drop table {schema}.loans"),
        "update projection.read_schemas set live = false".to_owned(),
    ] {
        let error = sqlx::raw_sql(&forbidden).execute(&log.pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{forbidden}");
    }
}

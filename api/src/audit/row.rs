//! A row of `audit.attempts`, and its statements.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::MatchedPath;
use axum::http::Method;
use chrono::{DateTime, Utc};
use lumbung_commands::Actor;
use sqlx::PgPool;
use uuid::Uuid;

use super::trail::route_of;
use super::{Kind, Trail};

/// A keyed hash.
type Hash = [u8; 32];

/// One attempt. Holds nothing of the request's own buffers: rows may wait for a while.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: Kind,
    pub(super) actor: Option<Actor>,
    pub(super) method: Method,
    pub(super) route: Option<MatchedPath>,
    pub(super) request_id: Arc<str>,
    pub(super) person: Option<Uuid>,
    pub(super) subject_kind: Option<Cow<'static, str>>,
    pub(super) subject_id: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) code: Option<&'static str>,
    pub(super) email: Option<Hash>,
    pub(super) phone: Option<Hash>,
    pub(super) client: Option<Hash>,
    pub(super) agent: Option<Hash>,
}

impl Row {
    pub(super) fn new(kind: Kind, trail: &Trail, client: Option<Hash>, agent: Option<Hash>) -> Self {
        Self {
            id: Uuid::now_v7(),
            at: Utc::now(),
            kind,
            actor: trail.actor(),
            method: trail.method().clone(),
            route: trail.matched().cloned(),
            request_id: trail.shared_request_id(),
            person: None,
            subject_kind: None,
            subject_id: None,
            status: None,
            code: None,
            email: None,
            phone: None,
            client,
            agent,
        }
    }
}

/// Stores rows. Those that are stored already stay as they are.
pub(super) async fn insert(pool: &PgPool, rows: &[Row]) -> Result<(), sqlx::Error> {
    fn column<'a, T>(rows: &'a [Row], value: impl Fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    fn hashes<'a>(rows: &'a [Row], value: impl Fn(&'a Row) -> Option<&'a Hash>) -> Vec<Option<&'a [u8]>> {
        rows.iter().map(|row| value(row).map(Hash::as_slice)).collect()
    }
    sqlx::query(
        "insert into audit.attempts (id, at, kind, actor, session, person, subject_kind, subject_id, method, route,
             status, code, request_id, email_hash, client_hash, agent_hash, phone_hash)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[],
             $8::text[], $9::text[], $10::text[], $11::smallint[], $12::text[], $13::text[], $14::bytea[], $15::bytea[],
             $16::bytea[], $17::bytea[])
         on conflict do nothing",
    )
    .bind(column(rows, |row| row.id))
    .bind(column(rows, |row| row.at))
    .bind(column(rows, |row| row.kind.as_str()))
    .bind(column(rows, |row| row.actor.map(|actor| actor.user.0)))
    .bind(column(rows, |row| row.actor.map(|actor| actor.session.0)))
    .bind(column(rows, |row| row.person))
    .bind(column(rows, |row| row.subject_kind.as_deref()))
    .bind(column(rows, |row| row.subject_id.as_deref()))
    .bind(column(rows, |row| row.method.as_str()))
    .bind(column(rows, |row| route_of(row.route.as_ref())))
    .bind(column(rows, |row| row.status.and_then(|status| i16::try_from(status).ok())))
    .bind(column(rows, |row| row.code))
    .bind(column(rows, |row| &*row.request_id))
    .bind(hashes(rows, |row| row.email.as_ref()))
    .bind(hashes(rows, |row| row.client.as_ref()))
    .bind(hashes(rows, |row| row.agent.as_ref()))
    .bind(hashes(rows, |row| row.phone.as_ref()))
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes at most `at_once` of the oldest rows of a kind that are older than `horizon` or more than `most`; answers how
/// many there were.
pub(super) async fn prune(
    pool: &PgPool,
    kind: Kind,
    horizon: DateTime<Utc>,
    most: i64,
    at_once: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "with surplus as (
             select at, id from audit.attempts where kind = $1 order by at desc, id desc offset $3 limit 1
         )
         delete from audit.attempts where id in (
             select a.id from audit.attempts a left join surplus s on true
             where a.kind = $1 and (a.at < $2 or (a.at, a.id) <= (s.at, s.id))
             order by a.at, a.id limit $4
         )",
    )
    .bind(kind.as_str())
    .bind(horizon)
    .bind(most)
    .bind(at_once)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

//! What may a customer still borrow? One row per customer: the plafond assigned last.
//!
//! The remaining amount shown falls at disbursement. A reservation is not shown; it only counts the version.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, PlafondEvent, PlafondNumber, ProductId, ProductTerms, Rupiah, UserId};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::cell::{all_found, column, json, json_text, rate, rupiah, tenor};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table plafonds (
    customer              uuid        not null primary key,
    plafond               bigint      not null,
    product               bigint      not null,
    product_name          text        not null,
    product_tenor_months  bigint      not null,
    product_interest_rate numeric     not null,
    original_rupiah       bigint      not null,
    remaining_rupiah      bigint      not null,
    active                boolean     not null,
    assigned_at           timestamptz not null,
    version               bigint      not null,
    product_servicing     text        not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, UPDATE, ACTIVE_OF];

const UPSERT: &str = "
insert into plafonds (customer, plafond, product, product_name, product_tenor_months, product_interest_rate,
    original_rupiah, remaining_rupiah, active, assigned_at, version, product_servicing)
select p.customer, p.plafond, p.product, p.product_name, p.product_tenor_months, p.product_interest_rate::numeric,
    p.original_rupiah, p.remaining_rupiah, p.active, p.assigned_at, p.version, p.product_servicing
from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[],
        $9::boolean[], $10::timestamptz[], $11::bigint[], $12::text[])
    as p (customer, plafond, product, product_name, product_tenor_months, product_interest_rate, original_rupiah,
        remaining_rupiah, active, assigned_at, version, product_servicing)
on conflict (customer) do update set
    plafond = excluded.plafond, product = excluded.product, product_name = excluded.product_name,
    product_tenor_months = excluded.product_tenor_months, product_interest_rate = excluded.product_interest_rate,
    original_rupiah = excluded.original_rupiah, remaining_rupiah = excluded.remaining_rupiah,
    active = excluded.active, assigned_at = excluded.assigned_at, version = excluded.version,
    product_servicing = excluded.product_servicing";

const UPDATE: &str = "
update plafonds p set
    remaining_rupiah = coalesce(u.remaining_rupiah, p.remaining_rupiah),
    active = p.active and coalesce(u.remaining_rupiah <> 0, true),
    version = u.version
from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as u (customer, remaining_rupiah, version)
where p.customer = u.customer";

const ACTIVE_OF: &str = "
select plafond, product, product_name, product_tenor_months, product_interest_rate::text as product_interest_rate,
    original_rupiah, remaining_rupiah, assigned_at, version, product_servicing
from plafonds where customer = $1 and active";

/// The plafond that a customer borrows under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivePlafond {
    pub number: PlafondNumber,
    /// As they were when it was assigned; the amount is the original plafond.
    pub terms: ProductTerms,
    /// What was not disbursed yet.
    pub remaining_rupiah: Rupiah,
    pub assigned_at: DateTime<Utc>,
    /// The sequence of the last event of the `Plafond` stream.
    pub version: i64,
}

/// The customer's active plafond.
///
/// # Errors
/// See [`ReadError`].
pub async fn active_of(read: &LiveSchema, customer: UserId) -> Result<Option<ActivePlafond>, ReadError> {
    let row = sqlx::query(ACTIVE_OF).bind(customer.0).fetch_optional(read.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ActivePlafond {
        number: PlafondNumber(row.try_get("plafond")?),
        terms: ProductTerms {
            product_id: ProductId(row.try_get("product")?),
            name: row.try_get("product_name")?,
            amount_rupiah: rupiah(&row, "original_rupiah")?,
            tenor_months: tenor(&row, "product_tenor_months")?,
            interest_rate: rate(&row, "product_interest_rate")?,
            servicing: json(&row, "product_servicing")?,
        },
        remaining_rupiah: rupiah(&row, "remaining_rupiah")?,
        assigned_at: row.try_get("assigned_at")?,
        version: row.try_get("version")?,
    }))
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Plafonds {
    changes: HashMap<Uuid, Change>,
}

enum Change {
    Assigned(Box<Assigned>),
    Moved { remaining: Option<Rupiah>, version: i64 },
}

struct Assigned {
    customer: Uuid,
    number: PlafondNumber,
    terms: ProductTerms,
    remaining: Rupiah,
    active: bool,
    assigned_at: DateTime<Utc>,
    version: i64,
}

impl Plafonds {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Plafond(event) = &fact.event else { return Ok(()) };
        let customer: UserId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        match event {
            PlafondEvent::PlafondSelected { number, terms } => {
                let assigned = Assigned {
                    customer: customer.0,
                    number: *number,
                    terms: terms.clone(),
                    remaining: terms.amount_rupiah,
                    active: true,
                    assigned_at: fact.recorded_at,
                    version: fact.sequence,
                };
                self.changes.insert(customer.0, Change::Assigned(Box::new(assigned)));
            }
            PlafondEvent::PlafondReserved(_) | PlafondEvent::PlafondReleased(_) => {
                self.moved(customer, None, fact.sequence);
            }
            PlafondEvent::PlafondConverted { remaining_rupiah, .. } => {
                self.moved(customer, Some(*remaining_rupiah), fact.sequence);
            }
        }
        Ok(())
    }

    fn moved(&mut self, customer: UserId, now: Option<Rupiah>, sequence: i64) {
        let change =
            self.changes.entry(customer.0).or_insert(Change::Moved { remaining: None, version: sequence });
        match change {
            Change::Assigned(assigned) => {
                if let Some(now) = now {
                    assigned.remaining = now;
                    assigned.active = !now.is_zero();
                }
                assigned.version = sequence;
            }
            Change::Moved { remaining, version } => {
                *remaining = now.or(*remaining);
                *version = sequence;
            }
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let mut assigned = Vec::new();
        let mut moved = Vec::new();
        for (customer, change) in &self.changes {
            match change {
                Change::Assigned(row) => assigned.push(&**row),
                Change::Moved { remaining, version } => moved.push((*customer, *remaining, *version)),
            }
        }
        if !assigned.is_empty() {
            upsert(connection, &assigned).await?;
        }
        if moved.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(UPDATE)
            .bind(column(&moved, |(customer, ..)| *customer))
            .bind(column(&moved, |(_, remaining, _)| remaining.map(Rupiah::get)))
            .bind(column(&moved, |(.., version)| *version))
            .execute(connection)
            .await?;
        all_found("plafonds", moved.len(), done.rows_affected())
    }
}

async fn upsert(connection: &mut PgConnection, rows: &[&Assigned]) -> Result<(), sqlx::Error> {
    sqlx::query(UPSERT)
        .bind(column(rows, |row| row.customer))
        .bind(column(rows, |row| row.number.0))
        .bind(column(rows, |row| row.terms.product_id.0))
        .bind(column(rows, |row| row.terms.name.as_str()))
        .bind(column(rows, |row| i64::from(row.terms.tenor_months.get())))
        .bind(column(rows, |row| row.terms.interest_rate.to_string()))
        .bind(column(rows, |row| row.terms.amount_rupiah.get()))
        .bind(column(rows, |row| row.remaining.get()))
        .bind(column(rows, |row| row.active))
        .bind(column(rows, |row| row.assigned_at))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| json_text(&row.terms.servicing)))
        .execute(connection)
        .await?;
    Ok(())
}

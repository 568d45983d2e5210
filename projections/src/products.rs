//! Which products are there to choose from?

use std::collections::BTreeMap;

use lumbung_domain::{AnyEvent, Offer, ProductEvent, ProductId, ProductTerms};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::cell::{column, json, json_text, rate, rupiah, tenor};
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table products (
    product       bigint  not null primary key,
    name          text    not null,
    amount_rupiah bigint  not null,
    tenor_months  bigint  not null,
    interest_rate numeric not null,
    selectable    boolean not null,
    active        boolean not null,
    servicing     text    not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, LIST];

const UPSERT: &str = "
insert into products (product, name, amount_rupiah, tenor_months, interest_rate, selectable, active, servicing)
select p.product, p.name, p.amount_rupiah, p.tenor_months, p.interest_rate::numeric, p.selectable, p.active,
    p.servicing
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[],
        $7::boolean[], $8::text[])
    as p (product, name, amount_rupiah, tenor_months, interest_rate, selectable, active, servicing)
on conflict (product) do update set
    name = excluded.name, amount_rupiah = excluded.amount_rupiah, tenor_months = excluded.tenor_months,
    interest_rate = excluded.interest_rate, selectable = excluded.selectable,
    active = excluded.active, servicing = excluded.servicing";

const LIST: &str = "
select product, name, amount_rupiah, tenor_months, interest_rate::text as interest_rate, servicing
from products where selectable and active and product > $1 order by product limit $2";

/// The products that a customer may select, by id.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<ProductTerms>, ReadError> {
    let rows = sqlx::query(LIST)
        .bind(after.map_or(0, |Cursor(product)| product))
        .bind(Page::<ProductTerms>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let terms = |row: &PgRow| {
        Ok(ProductTerms {
            product_id: ProductId(row.try_get("product")?),
            name: row.try_get("name")?,
            amount_rupiah: rupiah(row, "amount_rupiah")?,
            tenor_months: tenor(row, "tenor_months")?,
            interest_rate: rate(row, "interest_rate")?,
            servicing: json(row, "servicing")?,
        })
    };
    let products = rows.iter().map(terms).collect::<Result<_, ReadError>>()?;
    Ok(Page::cut(products, limit, |terms: &ProductTerms| terms.product_id.0))
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Products {
    offers: BTreeMap<ProductId, Offer>,
}

impl Products {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        if let AnyEvent::Product(ProductEvent::ProductDefined(offer) | ProductEvent::ProductAmended(offer)) =
            &fact.event
        {
            self.offers.insert(offer.terms.product_id, offer.clone());
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.offers.is_empty() {
            return Ok(());
        }
        let rows = || self.offers.values();
        sqlx::query(UPSERT)
            .bind(column(rows(), |offer| offer.terms.product_id.0))
            .bind(column(rows(), |offer| offer.terms.name.as_str()))
            .bind(column(rows(), |offer| offer.terms.amount_rupiah.get()))
            .bind(column(rows(), |offer| i64::from(offer.terms.tenor_months.get())))
            .bind(column(rows(), |offer| offer.terms.interest_rate.to_string()))
            .bind(column(rows(), |offer| offer.selectable))
            .bind(column(rows(), |offer| offer.active))
            .bind(column(rows(), |offer| json_text(&offer.terms.servicing)))
            .execute(connection)
            .await?;
        Ok(())
    }
}

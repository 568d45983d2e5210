//! Which products are there to choose from?

use std::collections::BTreeMap;

use lumbung_domain::{AnyEvent, ProductEvent, ProductId, ProductTerms};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};

use crate::cell::{column, rate, rupiah, tenor};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table products (
    product       bigint  not null primary key,
    name          text    not null,
    amount_rupiah bigint  not null,
    tenor_months  bigint  not null,
    interest_rate numeric not null,
    selectable    boolean not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, LIST];

const UPSERT: &str = "
insert into products (product, name, amount_rupiah, tenor_months, interest_rate, selectable)
select p.product, p.name, p.amount_rupiah, p.tenor_months, p.interest_rate::numeric, p.selectable
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[])
    as p (product, name, amount_rupiah, tenor_months, interest_rate, selectable)
on conflict (product) do update set
    name = excluded.name, amount_rupiah = excluded.amount_rupiah, tenor_months = excluded.tenor_months,
    interest_rate = excluded.interest_rate, selectable = excluded.selectable";

const LIST: &str = "
select product, name, amount_rupiah, tenor_months, interest_rate::text as interest_rate
from products where selectable order by product";

/// The products that a customer may select, by id.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(read: &LiveSchema) -> Result<Vec<ProductTerms>, ReadError> {
    let rows = sqlx::query(LIST).fetch_all(read.pool()).await?;
    rows.iter()
        .map(|row| {
            Ok(ProductTerms {
                product_id: ProductId(row.try_get("product")?),
                name: row.try_get("name")?,
                amount_rupiah: rupiah(row, "amount_rupiah")?,
                tenor_months: tenor(row, "tenor_months")?,
                interest_rate: rate(row, "interest_rate")?,
            })
        })
        .collect()
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Products {
    defined: BTreeMap<ProductId, (ProductTerms, bool)>,
}

impl Products {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        if let AnyEvent::Product(ProductEvent::ProductDefined { terms, selectable }) = &fact.event {
            self.defined.insert(terms.product_id, (terms.clone(), *selectable));
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.defined.is_empty() {
            return Ok(());
        }
        let rows = || self.defined.values();
        sqlx::query(UPSERT)
            .bind(column(rows(), |(terms, _)| terms.product_id.0))
            .bind(column(rows(), |(terms, _)| terms.name.as_str()))
            .bind(column(rows(), |(terms, _)| terms.amount_rupiah.get()))
            .bind(column(rows(), |(terms, _)| i64::from(terms.tenor_months.get())))
            .bind(column(rows(), |(terms, _)| terms.interest_rate.to_string()))
            .bind(column(rows(), |(_, selectable)| *selectable))
            .execute(connection)
            .await?;
        Ok(())
    }
}

//! `GET /api/ledger/arrears`: who is late, and with how much.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_domain::{BranchId, UserId};
use lumbung_projections::loan_accounts::arrears::{
    Late, OfCustomer, OfLoan, by_branch, by_customer, by_loan,
};
use lumbung_projections::{Cursor, Page};
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ReadLedger};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::query::Query;
use crate::rest::view::{Filter, Filtered};

/// `by`: what the arrears are added up for; `loan` if it is left out.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::rest) enum By {
    #[default]
    Loan,
    Customer,
    Branch,
}

impl Filter for By {
    const NAMES: &'static [&'static str] = &["by"];

    fn read(query: &mut Query<'_>, _: &App) -> Self {
        let by = query.one("by", "must be loan, customer or branch", |text| match text {
            "loan" => Some(Self::Loan),
            "customer" => Some(Self::Customer),
            "branch" => Some(Self::Branch),
            _ => None,
        });
        by.unwrap_or_default()
    }
}

/// Of the loans that are in arrears alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct ArrearsJson {
    #[serde(flatten)]
    of: OfJson,
    outstanding: i64,
    arrears: i64,
    /// The worst of them.
    days_past_due: i64,
    /// The worst of them.
    collectibility: i64,
    loans: i64,
    /// The business date as of which it is; of several loans the earliest.
    as_of: NaiveDate,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OfJson {
    #[serde(rename_all = "camelCase")]
    Loan { loan_id: i64, customer_id: i64, branch_id: i64 },
    #[serde(rename_all = "camelCase")]
    Customer { customer_id: i64, user_id: UserId },
    #[serde(rename_all = "camelCase")]
    Branch { branch_id: i64 },
}

impl From<OfLoan> for OfJson {
    fn from(of: OfLoan) -> Self {
        Self::Loan { loan_id: of.loan.0, customer_id: of.customer.0, branch_id: of.branch.0 }
    }
}

impl From<OfCustomer> for OfJson {
    fn from(of: OfCustomer) -> Self {
        Self::Customer { customer_id: of.number.0, user_id: of.user }
    }
}

impl From<BranchId> for OfJson {
    fn from(branch: BranchId) -> Self {
        Self::Branch { branch_id: branch.0 }
    }
}

pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ReadLedger>,
    Filtered { view, paging, filter: by }: Filtered<By>,
) -> Result<Reply<Vec<ArrearsJson>>, ApiError> {
    let (limit, after) = (paging.limit, paging.after);
    let (rows, next) = match by {
        By::Loan => shown(by_loan(&view.read, limit, after).await?),
        By::Customer => shown(by_customer(&view.read, limit, after).await?),
        By::Branch => shown(by_branch(&view.read, limit, after).await?),
    };
    Ok(view.reply(&app, rows).next(paging.next(next)))
}

fn shown<K: Into<OfJson>>(page: Page<Late<K>>) -> (Vec<ArrearsJson>, Option<Cursor>) {
    let rows = page.rows.into_iter().map(|late| ArrearsJson {
        of: late.of.into(),
        outstanding: late.outstanding_rupiah,
        arrears: late.arrears_rupiah,
        days_past_due: late.days_past_due,
        collectibility: late.collectibility,
        loans: late.loans,
        as_of: late.as_of_on,
    });
    (rows.collect(), page.next)
}

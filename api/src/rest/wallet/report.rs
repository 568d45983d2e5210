//! `GET /transactions` and `GET /api/customer/wallet`.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use lumbung_domain::{LoanNumber, PaymentId, RepaymentId, Rupiah, TopUpId, TransferId, UserId};
use lumbung_projections::transactions::{self, Direction, Kind, Movement, Status, Transaction, Wanted};
use lumbung_projections::wallets;
use serde::Serialize;

use super::csv;
use crate::app::App;
use crate::auth::{Caller, OwnWallet};
use crate::rest::days::Days;
use crate::rest::envelope::{Reply, wallet_time};
use crate::rest::error::ApiError;
use crate::rest::people::People;
use crate::rest::query::Query;
use crate::rest::view::{Filter, Filtered, View};

const TYPE: &str = "must be DEBIT or CREDIT";
const KIND: &str = "must be one or more of TOP_UP, PAYMENT, TRANSFER, TRANSFER_OUT, TRANSFER_IN, TRANSFER_RETURN, \
    DISBURSEMENT, with commas between them";
const STATUS: &str = "must be one or more of PENDING, SUCCESS, RETURNED, with commas between them";

/// `type`, `kind`, `status`, `from` and `to`. The dates are days of the configured zone, both included.
pub(in crate::rest) struct ReportFilter(Wanted);

impl Filter for ReportFilter {
    const NAMES: &'static [&'static str] = &["type", "kind", "status", "from", "to"];

    fn read(query: &mut Query<'_>, app: &App) -> Self {
        let direction = query.one("type", TYPE, |text| {
            [Direction::Debit, Direction::Credit].into_iter().find(|known| known.as_str() == text)
        });
        let kinds = query.list("kind", KIND, kinds);
        let statuses =
            query.list("status", STATUS, |text| Status::ALL.into_iter().find(|known| known.as_str() == text));
        let Days { from, until } = Days::read(query, app.zone);
        let kinds: Vec<Kind> = if kinds.is_empty() {
            Kind::ALL.to_vec()
        } else {
            kinds.into_iter().flatten().copied().collect()
        };
        let narrowed: Vec<Kind> = kinds
            .into_iter()
            .filter(|kind| direction.is_none_or(|direction| kind.direction() == direction))
            .collect();
        Self(Wanted {
            kinds: Some(narrowed).filter(|kinds| kinds.len() < Kind::ALL.len()),
            statuses: Some(statuses).filter(|statuses| !statuses.is_empty()),
            from,
            until,
        })
    }
}

/// A transfer is one kind, whichever way its money goes.
fn kinds(text: &str) -> Option<&'static [Kind]> {
    match text {
        "TOP_UP" => Some(&[Kind::TopUp]),
        "PAYMENT" => Some(&[Kind::Payment]),
        "DISBURSEMENT" => Some(&[Kind::Disbursement]),
        "TRANSFER" => Some(&[Kind::TransferOut, Kind::TransferIn, Kind::TransferReturn]),
        "TRANSFER_OUT" => Some(&[Kind::TransferOut]),
        "TRANSFER_IN" => Some(&[Kind::TransferIn]),
        "TRANSFER_RETURN" => Some(&[Kind::TransferReturn]),
        "REPAYMENT" => Some(&[Kind::Repayment, Kind::RepaymentReversal]),
        "REPAYMENT_REVERSAL" => Some(&[Kind::RepaymentReversal]),
        _ => None,
    }
}

/// What moved the money: one of these ids.
#[derive(Serialize)]
pub(super) enum Reference {
    #[serde(rename = "transfer_id")]
    Transfer(TransferId),
    #[serde(rename = "payment_id")]
    Payment(PaymentId),
    #[serde(rename = "top_up_id")]
    TopUp(TopUpId),
    #[serde(rename = "disbursement_id")]
    Disbursement(LoanNumber),
    #[serde(rename = "repayment_id")]
    Repayment(RepaymentId),
}

impl From<Movement> for Reference {
    fn from(movement: Movement) -> Self {
        match movement {
            Movement::TopUp(id) => Self::TopUp(id),
            // No wallet has a part in what a loan earns or in its write-off.
            Movement::Disbursement(loan) | Movement::Accrual(loan) | Movement::WriteOff(loan) => {
                Self::Disbursement(loan)
            }
            Movement::Repayment(id) | Movement::RepaymentReversal(id) => Self::Repayment(id),
            Movement::Payment(id) => Self::Payment(id),
            Movement::TransferOut(id) | Movement::TransferIn(id) | Movement::TransferReturn(id) => {
                Self::Transfer(id)
            }
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transfer(id) => id.fmt(f),
            Self::Payment(id) => id.fmt(f),
            Self::TopUp(id) => id.fmt(f),
            Self::Disbursement(loan) => loan.fmt(f),
            Self::Repayment(id) => id.fmt(f),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TransactionJson {
    #[serde(flatten)]
    pub(super) reference: Reference,
    pub(super) status: &'static str,
    pub(super) user_id: UserId,
    pub(super) transaction_type: &'static str,
    pub(super) kind: &'static str,
    pub(super) amount: Rupiah,
    /// Empty if there are none.
    pub(super) remarks: String,
    pub(super) balance_before: Rupiah,
    pub(super) balance_after: Rupiah,
    pub(super) created_date: String,
}

impl TransactionJson {
    fn new(app: &App, owner: UserId, row: &Transaction, people: &People) -> Result<Self, ApiError> {
        let kind = row.movement.kind();
        Ok(Self {
            reference: row.movement.into(),
            status: row.status.as_str(),
            user_id: owner,
            transaction_type: kind.direction().as_str(),
            kind: kind.as_str(),
            amount: row.amount_rupiah,
            remarks: people.optional(row.remarks.as_ref())?.unwrap_or_default(),
            balance_before: row.balance_before_rupiah()?,
            balance_after: row.balance_after_rupiah,
            created_date: wallet_time(row.created_at, app.zone),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct WalletJson {
    balance: Rupiah,
    /// More than a wallet can hold, if need be.
    pending_out: i64,
    user_id: UserId,
}

pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    headers: HeaderMap,
    Filtered { view, paging, filter: ReportFilter(wanted) }: Filtered<ReportFilter>,
) -> Result<Response, ApiError> {
    let owner = caller.user();
    if csv::is_wanted(&headers) {
        return csv::report(app, owner, &view, &paging, wanted);
    }
    let page = transactions::list(&view.read, owner, &wanted, paging.limit, paging.after).await?;
    let rows = rows(&app, owner, &page.rows).await?;
    Ok(view.reply(&app, rows).next(paging.next(page.next)).into_response())
}

/// All of one owner, so one look at one key opens them.
pub(super) async fn rows(
    app: &App,
    owner: UserId,
    rows: &[Transaction],
) -> Result<Vec<TransactionJson>, ApiError> {
    let remarks = rows.iter().filter_map(|row| row.remarks.as_ref());
    let people = People::of(app, remarks.map(|remarks| remarks.ciphertext())).await?;
    rows.iter().map(|row| TransactionJson::new(app, owner, row, &people)).collect()
}

/// A wallet is there from the start: empty, with version 0.
pub(in crate::rest) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    view: View,
) -> Result<Reply<WalletJson>, ApiError> {
    let wallet = wallets::of(&view.read, caller.user()).await?;
    let json = WalletJson {
        balance: wallet.map_or(Rupiah::ZERO, |wallet| wallet.balance_rupiah),
        pending_out: wallet.map_or(0, |wallet| wallet.pending_out_rupiah),
        user_id: caller.user(),
    };
    Ok(view.reply(&app, json).version(wallet.map_or(0, |wallet| wallet.version)))
}

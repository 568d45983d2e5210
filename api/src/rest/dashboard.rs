//! `GET /api/customer/dashboard`: what a customer wants to know first, in one call.
//!
//! Bounds: the [`LOANS`] newest debts, folded from their streams for today, and the [`PENDING`] newest applications.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_domain::{Debt, LendingRules, Loan, LoanNumber, LoanStatus, Owed, Rupiah, UserId};
use lumbung_projections::loan_accounts::of_customer;
use lumbung_projections::loans::{self, Wanted};
use lumbung_projections::{Limit, plafonds, wallets};
use serde::Serialize;

use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::LoanRow;
use super::plafond::PlafondJson;
use super::view::View;
use crate::app::App;
use crate::auth::{Caller, OwnWallet};

const LOANS: i64 = 50;
const PENDING: i64 = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DashboardJson {
    business_date: NaiveDate,
    /// Charged and not paid, of all loans.
    outstanding: i64,
    /// The bill to pay next, of all loans.
    next_bill: Option<BillJson>,
    arrears: i64,
    /// Of the loan that is latest.
    days_past_due: u32,
    wallet: WalletJson,
    plafond: Option<PlafondJson>,
    /// Those that are being decided on.
    applications: Vec<LoanRow>,
    loans: Vec<DebtJson>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BillJson {
    loan_id: i64,
    number: u16,
    due_on: NaiveDate,
    amount: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WalletJson {
    balance: Rupiah,
    pending_out: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DebtJson {
    id: i64,
    status: &'static str,
    outstanding: i64,
    /// What settles the loan today.
    payoff: i64,
    arrears: i64,
    days_past_due: u32,
    next_due_on: Option<NaiveDate>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    view: View,
) -> Result<Reply<DashboardJson>, ApiError> {
    let customer = caller.user();
    let today = app.business_day().await?.on;
    let debts = debts(&app, &view, customer, today).await?;
    let (wallet, plafond, pending) = tokio::try_join!(
        wallets::of(&view.read, customer),
        plafonds::active_of(&view.read, customer),
        pending(&view, customer),
    )?;
    let bills = debts.iter().filter_map(|(loan, debt)| bill(*loan, debt));
    let json = DashboardJson {
        business_date: today,
        outstanding: debts.iter().map(|(_, debt)| debt.outstanding().total_rupiah()).sum(),
        next_bill: bills.min_by_key(|bill| (bill.due_on, bill.loan_id)),
        arrears: debts.iter().map(|(_, debt)| debt.arrears_rupiah()).sum(),
        days_past_due: debts.iter().map(|(_, debt)| debt.days_past_due).max().unwrap_or(0),
        wallet: WalletJson {
            balance: wallet.map_or(Rupiah::ZERO, |wallet| wallet.balance_rupiah),
            pending_out: wallet.map_or(0, |wallet| wallet.pending_out_rupiah),
        },
        plafond: plafond.map(|plafond| PlafondJson::of(&plafond, app.zone)),
        applications: super::loans::rows(&app, &pending).await?,
        loans: debts.iter().map(|(loan, debt)| DebtJson::new(*loan, debt)).collect(),
    };
    Ok(view.reply(&app, json))
}

/// What the customer owes today, whether the days are closed yet or not; the newest loans first.
async fn debts(
    app: &App,
    view: &View,
    customer: UserId,
    today: NaiveDate,
) -> Result<Vec<(LoanNumber, Debt)>, ApiError> {
    let limit = Limit::new(LOANS).unwrap_or_default();
    let (rules, _) = app.access.get::<LendingRules>(LendingRules::STREAM).await?;
    let held = of_customer(&view.read, customer, limit, None).await?.rows;
    let mut debts = Vec::with_capacity(held.len());
    for account in held {
        let (loan, _) = app.access.get::<Loan>(account.loan).await?;
        // One from before there were schedules owes nothing that is known yet; the daily run is about to find it.
        let Some(debt) = loan.debt() else { continue };
        let behind = debt.closed_through_on < today;
        debts.push((account.loan, if behind { debt.about(today, &rules)? } else { Debt::clone(debt) }));
    }
    Ok(debts)
}

/// The applications of the customer that somebody is to decide on.
async fn pending(view: &View, customer: UserId) -> Result<Vec<loans::Loan>, lumbung_projections::ReadError> {
    let statuses =
        vec![LoanStatus::Submitted, LoanStatus::MarketingApproved, LoanStatus::BranchManagerApproved];
    let wanted = Wanted { customer: Some(customer), statuses, ..Wanted::default() };
    Ok(loans::list(&view.read, &wanted, Limit::new(PENDING).unwrap_or_default(), None).await?.rows)
}

/// The oldest instalment of which something is to be paid.
fn next_owed(debt: &Debt) -> Option<&Owed> {
    debt.instalments.iter().find(|owed| debt.unpaid(owed) > 0)
}

fn bill(loan: LoanNumber, debt: &Debt) -> Option<BillJson> {
    let owed = next_owed(debt)?;
    let (number, due_on) = (owed.plan.number, owed.plan.due_on);
    Some(BillJson { loan_id: loan.0, number, due_on, amount: debt.unpaid(owed) })
}

impl DebtJson {
    fn new(loan: LoanNumber, debt: &Debt) -> Self {
        Self {
            id: loan.0,
            status: debt.condition().status.as_str(),
            outstanding: debt.outstanding().total_rupiah(),
            payoff: debt.payoff_rupiah(),
            arrears: debt.arrears_rupiah(),
            days_past_due: debt.days_past_due,
            next_due_on: next_owed(debt).map(|owed| owed.plan.due_on),
        }
    }
}

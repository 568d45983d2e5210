//! `/api/loans/{id}/schedule`, `/bills`, `/payoff-quote`: what is due, and when.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_domain::{Bill, LoanNumber};
use serde::Serialize;

use super::sight::{Balance, Sight};
use crate::app::App;
use crate::auth::{Caller, ReadLoan};
use crate::rest::debt_json::{AmountsJson, InstalmentJson, TermsJson};
use crate::rest::entry_filter::Moment;
use crate::rest::envelope::{Percent, Reply};
use crate::rest::error::ApiError;
use crate::rest::path::LoanToRead;
use crate::rest::view::{Streamed, StreamedList, Unfiltered};

/// What was agreed, and how the loan stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct LoanHead {
    loan_id: i64,
    status: &'static str,
    #[serde(flatten)]
    terms: TermsJson,
    interest_rate: Percent,
    /// The edition of the lending rules that its caps are from.
    rules_version: u32,
    disbursed_on: NaiveDate,
    as_of: NaiveDate,
    as_of_position: i64,
    outstanding: AmountsJson,
    payoff: i64,
    arrears: i64,
    days_past_due: u32,
    collectibility: u8,
}

#[derive(Serialize)]
pub(in crate::rest) struct ScheduleJson {
    #[serde(flatten)]
    head: LoanHead,
    instalments: Vec<InstalmentJson>,
}

/// An instalment with what it still asks for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct BillJson {
    number: u16,
    due_on: NaiveDate,
    amount: i64,
    principal: i64,
    interest: i64,
    fee: i64,
    penalty: i64,
    days_past_due: u32,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct QuoteJson {
    loan_id: i64,
    business_date: NaiveDate,
    amount: i64,
    principal: i64,
    interest: i64,
    fee: i64,
    penalty: i64,
    /// The day on which the amount settles the loan.
    valid_on: NaiveDate,
}

impl LoanHead {
    pub(in crate::rest) fn new(sight: &Sight, loan: LoanNumber, balance: &Balance) -> Self {
        let Balance { debt, on } = balance;
        let (agreement, condition) = (&debt.agreement, debt.condition());
        Self {
            loan_id: loan.0,
            status: condition.status.as_str(),
            terms: (&agreement.terms).into(),
            interest_rate: Percent(agreement.interest_rate),
            rules_version: agreement.rules_version,
            disbursed_on: agreement.disbursed_on,
            as_of: *on,
            as_of_position: sight.position,
            outstanding: (&debt.outstanding()).into(),
            payoff: debt.payoff_rupiah(),
            arrears: debt.arrears_rupiah(),
            days_past_due: condition.days_past_due,
            collectibility: condition.collectibility,
        }
    }
}

impl From<&Bill> for BillJson {
    fn from(bill: &Bill) -> Self {
        let left = bill.asked - bill.paid;
        Self {
            number: bill.number,
            due_on: bill.due_on,
            amount: bill.unpaid_rupiah(),
            principal: left.principal_rupiah,
            interest: left.interest_rupiah,
            fee: left.fee_rupiah,
            penalty: left.penalty_rupiah,
            days_past_due: bill.days_past_due,
            status: bill.status.as_str(),
        }
    }
}

pub(in crate::rest) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    Streamed { streams, filter: moment }: Streamed<Moment>,
) -> Result<Reply<ScheduleJson>, ApiError> {
    let sight = Sight::of(&app, &caller, number, &moment).await?;
    let balance = sight.owed()?;
    let instalments = balance.debt.bills().iter().map(InstalmentJson::from).collect();
    let json = ScheduleJson { head: LoanHead::new(&sight, number, &balance), instalments };
    Ok(streams.reply(&app, json).version(sight.version))
}

/// What is due and not paid, the oldest first; then the next one.
pub(in crate::rest) async fn bills(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    StreamedList { streams, paging }: StreamedList,
) -> Result<Reply<Vec<BillJson>>, ApiError> {
    let sight = Sight::of(&app, &caller, number, &Moment::NOW).await?;
    let bills = sight.owed()?.debt.bills();
    let (due, coming): (Vec<_>, Vec<_>) =
        bills.iter().filter(|bill| bill.unpaid_rupiah() > 0).partition(|bill| bill.is_due());
    let open = due.into_iter().chain(coming.into_iter().take(1));
    let (rows, next) = paging.cut(open, |bill: &&Bill| bill.number.into());
    let rows = rows.into_iter().map(BillJson::from).collect();
    Ok(streams.reply(&app, rows).version(sight.version).next(next))
}

pub(in crate::rest) async fn payoff_quote(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    Streamed { streams, filter: Unfiltered }: Streamed<Unfiltered>,
) -> Result<Reply<QuoteJson>, ApiError> {
    let sight = Sight::of(&app, &caller, number, &Moment::NOW).await?;
    let Balance { debt, on } = sight.owed()?;
    let payoff = debt.payoff();
    let json = QuoteJson {
        loan_id: number.0,
        business_date: sight.today,
        amount: payoff.total_rupiah(),
        principal: payoff.principal_rupiah,
        interest: payoff.interest_rupiah,
        fee: payoff.fee_rupiah,
        penalty: payoff.penalty_rupiah,
        valid_on: on,
    };
    Ok(streams.reply(&app, json).version(sight.version))
}

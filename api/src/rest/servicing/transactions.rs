//! `GET /api/loans/{id}/transactions`: where every rupiah of a loan went.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_domain::{Component, LoanEvent, Note, RepaymentId, Rupiah, Sealed};
use lumbung_projections::debts::{self, LoanTransaction};
use serde::Serialize;

use super::sight::Sight;
use crate::app::App;
use crate::auth::{Caller, ReadLoan};
use crate::rest::debt_json::LineJson;
use crate::rest::entry_filter::Moment;
use crate::rest::envelope::{Reply, exact_time};
use crate::rest::error::ApiError;
use crate::rest::path::LoanToRead;
use crate::rest::people::People;
use crate::rest::view::StreamedList;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct TransactionJson {
    /// The position of the event.
    id: i64,
    kind: &'static str,
    repayment_id: Option<RepaymentId>,
    amount: i64,
    /// The day as of which a repayment counts.
    paid_on: Option<NaiveDate>,
    business_date: NaiveDate,
    /// RFC 3339 with the offset of the configured zone.
    recorded_at: String,
    note: Option<String>,
    lines: Vec<LineJson>,
}

/// What an event tells of itself.
struct Told<'a> {
    kind: &'static str,
    repayment_id: Option<RepaymentId>,
    amount: i64,
    paid_on: Option<NaiveDate>,
    business_on: NaiveDate,
    note: Option<&'a Sealed<Note>>,
    lines: Vec<LineJson>,
}

pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    StreamedList { streams, paging }: StreamedList,
) -> Result<Reply<Vec<TransactionJson>>, ApiError> {
    let sight = Sight::of(&app, &caller, number, &Moment::NOW).await?;
    let page =
        debts::transactions(app.ledger.pool(), number, sight.position, paging.limit, paging.after).await?;
    let told: Vec<_> = page.rows.iter().filter_map(|row| Some((row, Told::by(&row.event)?))).collect();
    let notes = told.iter().filter_map(|(_, told)| told.note.map(|note| note.ciphertext()));
    let people = People::of(&app, notes).await?;
    let rows = told.into_iter().map(|(row, told)| TransactionJson::new(&app, row, told, &people));
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(streams.reply(&app, rows).version(sight.version).next(paging.next(page.next)))
}

impl TransactionJson {
    fn new(app: &App, row: &LoanTransaction, told: Told<'_>, people: &People) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.position,
            kind: told.kind,
            repayment_id: told.repayment_id,
            amount: told.amount,
            paid_on: told.paid_on,
            business_date: told.business_on,
            recorded_at: exact_time(row.recorded_at, app.zone),
            note: people.optional(told.note)?,
            lines: told.lines,
        })
    }
}

impl<'a> Told<'a> {
    /// `None` of an event that moves no money of the loan.
    fn by(event: &'a LoanEvent) -> Option<Self> {
        let told = |kind, amount: Rupiah, business_on| Told {
            kind,
            repayment_id: None,
            amount: amount.get(),
            paid_on: None,
            business_on,
            note: None,
            lines: Vec::new(),
        };
        match event {
            LoanEvent::LoanDisbursed { amount_rupiah, note, business_on, .. } => Some(Self {
                note: note.as_ref(),
                lines: vec![LineJson::of_loan(Component::Principal, amount_rupiah.get())],
                ..told("DISBURSEMENT", *amount_rupiah, *business_on)
            }),
            LoanEvent::RepaymentReceived(receipt) => Some(Self {
                repayment_id: Some(receipt.repayment_id),
                paid_on: Some(receipt.paid_on),
                lines: LineJson::all(&receipt.lines, receipt.after),
                ..told("REPAYMENT", receipt.amount_rupiah, receipt.business_on)
            }),
            LoanEvent::RepaymentReversed(reversal) => Some(Self {
                repayment_id: Some(reversal.repayment_id),
                note: Some(&reversal.note),
                lines: LineJson::all(&reversal.lines, reversal.after),
                ..told("REVERSAL", reversal.amount_rupiah, reversal.business_on)
            }),
            LoanEvent::LoanWrittenOff { note, lines, written_off, business_on, .. } => Some(Self {
                note: Some(note),
                amount: written_off.total_rupiah(),
                lines: LineJson::given_up(lines, written_off),
                ..told("WRITE_OFF", Rupiah::ZERO, *business_on)
            }),
            LoanEvent::LoanSubmitted(_)
            | LoanEvent::LoanApproved { .. }
            | LoanEvent::LoanRejected { .. }
            | LoanEvent::LoanCancelled { .. }
            | LoanEvent::LoanExpired { .. }
            | LoanEvent::LoanScheduled { .. }
            | LoanEvent::LoanDayClosed { .. } => None,
        }
    }
}

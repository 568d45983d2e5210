//! `/api/ledger`: the books.

pub(super) mod arrears;

use std::sync::Arc;

use axum::extract::State;
use chrono::{NaiveDate, SecondsFormat};
use lumbung_domain::{Account, Reference, Subject, Totals};
use lumbung_projections::ledger_entries::{LedgerEntry, Line};
use lumbung_projections::{account_balances, ledger_entries};
use serde::Serialize;

use super::entry_filter::{BalanceFilter, EntryFilter, Moment};
use super::envelope::Reply;
use super::error::ApiError;
use super::view::{Filtered, Narrowed};
use crate::app::App;
use crate::auth::{Caller, ReadLedger};

/// An account and what stands on it, in whole rupiah.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountJson {
    code: u16,
    name: &'static str,
    class: &'static str,
    /// The side on which it grows.
    normal_side: &'static str,
    /// On that side; below zero if it stands on the other.
    balance: i128,
    debit_total: i128,
    credit_total: i128,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryJson {
    position: i64,
    event_type: String,
    /// As in the wallet's report.
    kind: &'static str,
    reference: ReferenceJson,
    business_date: NaiveDate,
    /// RFC 3339 with the offset of the configured zone.
    recorded_at: String,
    lines: Vec<LineJson>,
}

/// What the money moved for.
#[derive(Serialize)]
struct ReferenceJson {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineJson {
    account: u16,
    account_name: &'static str,
    subject_type: Option<&'static str>,
    subject: Option<String>,
    debit: i64,
    credit: i64,
}

/// The accounts, each with its net on the side where it stands; the two columns of nets are equal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrialBalanceJson {
    as_of: Option<NaiveDate>,
    as_of_position: i64,
    accounts: Vec<TrialJson>,
    debit_total: i128,
    credit_total: i128,
    debit_balance: i128,
    credit_balance: i128,
    /// Debits less credits: zero.
    difference: i128,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrialJson {
    #[serde(flatten)]
    account: AccountJson,
    debit_balance: i128,
    credit_balance: i128,
}

impl AccountJson {
    fn new(account: Account, totals: Totals) -> Self {
        let class = account.class();
        Self {
            code: account.code(),
            name: account.as_str(),
            class: class.as_str(),
            normal_side: if class.grows_by_debit() { "DEBIT" } else { "CREDIT" },
            balance: totals.balance_rupiah(class),
            debit_total: totals.debit_rupiah,
            credit_total: totals.credit_rupiah,
        }
    }
}

impl EntryJson {
    fn new(entry: LedgerEntry, app: &App) -> Self {
        Self {
            position: entry.position,
            event_type: entry.event_type,
            kind: entry.movement.kind().as_str(),
            reference: entry.movement.reference().into(),
            business_date: entry.business_on,
            recorded_at: entry
                .recorded_at
                .with_timezone(&app.zone)
                .to_rfc3339_opts(SecondsFormat::Micros, false),
            lines: entry.lines.iter().map(LineJson::new).collect(),
        }
    }
}

impl From<Reference> for ReferenceJson {
    fn from(reference: Reference) -> Self {
        let id = match reference {
            Reference::TopUp(id) => id.to_string(),
            Reference::Payment(id) => id.to_string(),
            Reference::Transfer(id) => id.to_string(),
            Reference::Repayment(id) => id.to_string(),
            Reference::Loan(loan) => loan.to_string(),
        };
        Self { kind: reference.as_str(), id }
    }
}

impl LineJson {
    fn new(line: &Line) -> Self {
        let (subject_type, subject) = match line.subject {
            Some(Subject::Wallet(user)) => (Some("WALLET"), Some(user.to_string())),
            Some(Subject::Loan(loan)) => (Some("LOAN"), Some(loan.to_string())),
            Some(Subject::Transfer(transfer)) => (Some("TRANSFER"), Some(transfer.to_string())),
            None => (None, None),
        };
        Self {
            account: line.account.code(),
            account_name: line.account.as_str(),
            subject_type,
            subject,
            debit: line.signed_rupiah.max(0),
            credit: -line.signed_rupiah.min(0),
        }
    }
}

/// The chart of accounts, by number: all that is on them, or what of it is one subject's.
pub(super) async fn accounts(
    State(app): State<Arc<App>>,
    _: Caller<ReadLedger>,
    Filtered { view, paging, filter: BalanceFilter { part, moment } }: Filtered<BalanceFilter>,
) -> Result<Reply<Vec<AccountJson>>, ApiError> {
    let position = moment.position_of(view.position);
    let books = match part {
        Some(part) => account_balances::part_balance(&view.read, part, moment.as_of, position).await?,
        None => account_balances::trial_balance(&view.read, moment.as_of, position).await?,
    };
    let (shown, next) = paging.cut(books.accounts(), |(account, _)| account.code().into());
    let rows = shown.into_iter().map(|(account, totals)| AccountJson::new(account, totals)).collect();
    Ok(view.reply(&app, rows).next(next))
}

pub(super) async fn entries(
    State(app): State<Arc<App>>,
    _: Caller<ReadLedger>,
    Filtered { view, paging, filter }: Filtered<EntryFilter>,
) -> Result<Reply<Vec<EntryJson>>, ApiError> {
    let wanted = filter.wanted(view.position);
    let page = ledger_entries::list(&view.read, &wanted, paging.limit, paging.after).await?;
    let next = paging.next(page.next);
    let rows = page.rows.into_iter().map(|entry| EntryJson::new(entry, &app)).collect();
    Ok(view.reply(&app, rows).next(next))
}

pub(super) async fn trial_balance(
    State(app): State<Arc<App>>,
    _: Caller<ReadLedger>,
    Narrowed { view, filter }: Narrowed<Moment>,
) -> Result<Reply<TrialBalanceJson>, ApiError> {
    let position = filter.position_of(view.position);
    let books = account_balances::trial_balance(&view.read, filter.as_of, position).await?;
    let mut answer = TrialBalanceJson {
        as_of: filter.as_of,
        as_of_position: position,
        accounts: Vec::new(),
        debit_total: 0,
        credit_total: 0,
        debit_balance: 0,
        credit_balance: 0,
        difference: books.difference_rupiah(),
    };
    for (account, totals) in books.accounts() {
        let net = totals.net_rupiah();
        let (debit_balance, credit_balance) = (net.max(0), -net.min(0));
        answer.debit_total += totals.debit_rupiah;
        answer.credit_total += totals.credit_rupiah;
        answer.debit_balance += debit_balance;
        answer.credit_balance += credit_balance;
        let account = AccountJson::new(account, totals);
        answer.accounts.push(TrialJson { account, debit_balance, credit_balance });
    }
    Ok(view.reply(&app, answer))
}

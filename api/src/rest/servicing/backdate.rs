//! A repayment that counts as of a day in the past: what it would change, and, once confirmed, the change.

use chrono::NaiveDate;
use lumbung_commands::loan::servicing::{BackdateRepayment, Backdated, BillChange, RepaymentOutcome};
use lumbung_domain::{
    Account, Amounts, AnyEvent, LoanEvent, Receipt, RepaymentId, Rupiah, WalletEvent, WalletPurpose,
    WalletSource, postings,
};
use serde::Serialize;
use uuid::Uuid;

use super::repay::{RepaymentForm, RepaymentJson};
use crate::app::App;
use crate::auth::{Caller, RepayLoans};
use crate::rest::command::{Asked, carry_out};
use crate::rest::debt_json::{InstalmentJson, ServicedJson};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::path::LoanToChange;

/// The loan before and after, and how the one comes from the other.
#[derive(Serialize)]
pub(super) struct DifferenceJson {
    before: ServicedJson,
    after: ServicedJson,
    /// Penalties that are charged more; below zero: that fall away.
    penalty: i64,
    arrears: i64,
    /// Those that change.
    instalments: Vec<ChangeJson>,
    postings: Vec<PostingJson>,
}

#[derive(Serialize)]
struct ChangeJson {
    before: InstalmentJson,
    after: InstalmentJson,
}

/// One side of what it comes to in the books.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostingJson {
    account: u16,
    account_name: &'static str,
    debit: i64,
    credit: i64,
}

pub(super) async fn repay(
    app: &App,
    caller: &Caller<RepayLoans>,
    asked: Asked<LoanToChange, RepaymentForm>,
    paid_on: NaiveDate,
) -> Result<Reply<RepaymentJson>, ApiError> {
    let call = asked.call(app, caller.user());
    let LoanToChange(loan) = asked.target;
    let RepaymentForm { amount, purse, confirmed, .. } = asked.form;
    let use_case = BackdateRepayment {
        actor: caller.actor(),
        loan,
        repayment_id: RepaymentId(Uuid::now_v7()),
        amount,
        source: purse.source(app)?,
        paid_on,
        confirmed,
        expected: asked.expected,
    };
    let done = carry_out(app, use_case, call).await?;
    let Backdated { applied, after, .. } = &done.outcome;
    let difference = DifferenceJson::new(&done.outcome);
    let json = RepaymentJson::dated_back(after, *applied, difference);
    let (message, version) = if *applied {
        ("Repayment received", after.loan.version)
    } else {
        ("Nothing was done yet. Repeat it with confirm to have it done.", done.outcome.before.version)
    };
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    let reply = reply.version(version).replayed(done.replayed);
    Ok(if *applied { reply.created() } else { reply })
}

impl DifferenceJson {
    fn new(outcome: &Backdated) -> Self {
        let Backdated { before, after: RepaymentOutcome { receipt, loan: after, .. }, changed, .. } = outcome;
        let change = |BillChange { before, after }: &BillChange| ChangeJson {
            before: before.into(),
            after: after.into(),
        };
        Self {
            before: before.into(),
            after: after.into(),
            penalty: Amounts::charged(&receipt.lines).penalty_rupiah,
            arrears: after.arrears_rupiah - before.arrears_rupiah,
            instalments: changed.iter().map(change).collect(),
            postings: entries(receipt),
        }
    }
}

/// The entries of the events that take the repayment, by the books' own rule.
fn entries(receipt: &Receipt) -> Vec<PostingJson> {
    let (amount_rupiah, business_on) = (receipt.amount_rupiah, receipt.business_on);
    let balance_rupiah = Rupiah::ZERO;
    let filled = receipt.top_up_id.map(|top_up_id| {
        let source = WalletSource::TopUp { top_up_id };
        let remarks = None;
        AnyEvent::Wallet(WalletEvent::WalletCredited {
            amount_rupiah,
            balance_rupiah,
            source,
            remarks,
            business_on,
        })
    });
    let purpose = WalletPurpose::Repayment {
        repayment_id: receipt.repayment_id,
        loan: receipt.loan,
        allotment: receipt.allotment(),
    };
    let debited =
        WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, purpose, remarks: None, business_on };
    let charged = AnyEvent::Loan(LoanEvent::RepaymentReceived(Box::new(receipt.clone())));
    let events = [charged].into_iter().chain(filled).chain([AnyEvent::Wallet(debited)]);
    // Whose part of an account it is, is not told here: the whole answer is about one loan and one wallet.
    let sides = events.flat_map(|event| postings(&event, ""));
    sides.map(|side| PostingJson::new(side.account, side.signed_rupiah)).collect()
}

impl PostingJson {
    fn new(account: Account, signed_rupiah: i64) -> Self {
        Self {
            account: account.code(),
            account_name: account.as_str(),
            debit: signed_rupiah.max(0),
            credit: -signed_rupiah.min(0),
        }
    }
}

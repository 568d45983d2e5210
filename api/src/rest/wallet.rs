//! The wallet API: `/topup`, `/pay`, `/transfer`; and below it what there is to read.

pub(super) mod report;

mod csv;
mod on_time;

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::transfer::{StartTransfer, TransferBegun};
use lumbung_commands::wallet::{Paid, Pay, TopUp, ToppedUp};
use lumbung_domain::{Invalid, PaymentId, Remarks, Rupiah, Sealed, TopUpId, TransferId, UserId};
use lumbung_journal::{JournalError, KeyError};
use serde::Serialize;
use uuid::Uuid;

use super::body::{Fields, Form};
use super::command::{Accepted, Asked, carry_out};
use super::envelope::{Reply, wallet_time};
use super::error::ApiError;
use super::people::People;
use crate::app::App;
use crate::auth::{Caller, OwnWallet};
use crate::config::Environment;

pub(super) struct Deposit {
    amount: Rupiah,
}

impl Form for Deposit {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { amount: fields.number("amount", Rupiah::parse_positive)? })
    }
}

pub(super) struct Payment {
    amount: Rupiah,
    remarks: Option<Remarks>,
}

impl Form for Payment {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.number("amount", Rupiah::parse_positive);
        let remarks = fields.optional_text("remarks", Remarks::new);
        Some(Self { amount: amount?, remarks: remarks? })
    }
}

pub(super) struct Gift {
    target: UserId,
    payment: Payment,
}

impl Form for Gift {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let target = fields.text("target_user", |text| {
            text.trim().parse().map(UserId).map_err(|_| Invalid::new("must be a UUID"))
        });
        let payment = Payment::read(fields);
        Some(Self { target: target?, payment: payment? })
    }
}

#[derive(Serialize)]
pub(super) struct TopUpJson {
    top_up_id: TopUpId,
    amount_top_up: Rupiah,
    balance_before: Rupiah,
    balance_after: Rupiah,
    created_date: String,
}

#[derive(Serialize)]
pub(super) struct PaymentJson {
    payment_id: PaymentId,
    #[serde(flatten)]
    debit: DebitJson,
}

#[derive(Serialize)]
pub(super) struct TransferJson {
    transfer_id: TransferId,
    #[serde(flatten)]
    debit: DebitJson,
}

/// What payments and transfers tell alike.
#[derive(Serialize)]
struct DebitJson {
    amount: Rupiah,
    /// Empty if there are none.
    remarks: String,
    balance_before: Rupiah,
    balance_after: Rupiah,
    created_date: String,
}

/// In production only a settled payment at a gateway credits a wallet; elsewhere the sandbox does, at once.
pub(super) async fn top_up(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    asked: Asked<(), Deposit>,
) -> Result<Reply<TopUpJson>, ApiError> {
    if app.environment == Environment::Production {
        return Err(ApiError::top_up_unavailable());
    }
    let call = asked.call(&app, caller.user());
    let use_case = TopUp {
        actor: caller.actor(),
        top_up_id: TopUpId(Uuid::now_v7()),
        amount: asked.form.amount,
        remarks: None,
        expected: asked.expected,
    };
    let Accepted { outcome, position, at, replayed } = carry_out(&app, use_case, call).await?;
    let ToppedUp { top_up_id, amount_rupiah, balance_before_rupiah, balance_after_rupiah, version } = outcome;
    let json = TopUpJson {
        top_up_id,
        amount_top_up: amount_rupiah,
        balance_before: balance_before_rupiah,
        balance_after: balance_after_rupiah,
        created_date: wallet_time(at, app.zone),
    };
    let reply = Reply::new("Success", Some(json), at, app.zone, position);
    Ok(reply.version(version).replayed(replayed))
}

pub(super) async fn pay(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    asked: Asked<(), Payment>,
) -> Result<Reply<PaymentJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let Payment { amount, remarks } = &asked.form;
    let use_case = Pay {
        actor: caller.actor(),
        payment_id: PaymentId(Uuid::now_v7()),
        amount: *amount,
        remarks: sealed(&app, caller.user(), remarks.as_ref()).await?,
        expected: asked.expected,
    };
    let Accepted { outcome, position, at, replayed } = carry_out(&app, use_case, call).await?;
    let Paid { payment_id, amount_rupiah, remarks, balance_before_rupiah, balance_after_rupiah, version } =
        outcome;
    let debit = DebitJson {
        amount: amount_rupiah,
        remarks: opened(&app, remarks.as_ref(), replayed).await?,
        balance_before: balance_before_rupiah,
        balance_after: balance_after_rupiah,
        created_date: wallet_time(at, app.zone),
    };
    let json = PaymentJson { payment_id, debit };
    let reply = Reply::new("Success", Some(json), at, app.zone, position);
    Ok(reply.version(version).replayed(replayed))
}

pub(super) async fn transfer(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    asked: Asked<(), Gift>,
) -> Result<Reply<TransferJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let Gift { target, payment: Payment { amount, remarks } } = &asked.form;
    let use_case = StartTransfer {
        actor: caller.actor(),
        transfer_id: TransferId(Uuid::now_v7()),
        target: *target,
        amount: *amount,
        remarks: sealed(&app, caller.user(), remarks.as_ref()).await?,
        remarks_for_target: sealed_for_target(&app, *target, remarks.as_ref()).await?,
        expected: asked.expected,
    };
    let Accepted { outcome, position, at, replayed } = carry_out(&app, use_case, call).await?;
    let TransferBegun {
        transfer_id,
        amount_rupiah,
        remarks,
        balance_before_rupiah,
        balance_after_rupiah,
        version,
    } = outcome;
    let debit = DebitJson {
        amount: amount_rupiah,
        remarks: opened(&app, remarks.as_ref(), replayed).await?,
        balance_before: balance_before_rupiah,
        balance_after: balance_after_rupiah,
        created_date: wallet_time(at, app.zone),
    };
    let json = TransferJson { transfer_id, debit };
    let reply = Reply::new("Success", Some(json), at, app.zone, position);
    Ok(reply.version(version).replayed(replayed))
}

async fn sealed(
    app: &App,
    person: UserId,
    remarks: Option<&Remarks>,
) -> Result<Option<Sealed<Remarks>>, JournalError> {
    match remarks {
        Some(remarks) => Ok(Some(app.ledger.vault().sealer(person.0).await?.seal(remarks)?)),
        None => Ok(None),
    }
}

/// Nothing for whom there is no key: whether there is such a person is for the ledger to say.
async fn sealed_for_target(
    app: &App,
    target: UserId,
    remarks: Option<&Remarks>,
) -> Result<Option<Sealed<Remarks>>, JournalError> {
    match sealed(app, target, remarks).await {
        Err(JournalError::Keys(KeyError::Erased)) => Ok(None),
        sealed => sealed,
    }
}

async fn opened(app: &App, remarks: Option<&Sealed<Remarks>>, replayed: bool) -> Result<String, ApiError> {
    let Some(remarks) = remarks else { return Ok(String::new()) };
    let people = People::of(app, [remarks.ciphertext()]).await?;
    let text = people.text(remarks)?;
    people.complete(replayed)?;
    Ok(text)
}

//! Which entry of the double-entry ledger a money event stands for.
//!
//! Money moves through wallets: the wallet's event is the entry. The events of loans, plafonds and transfers say why, and
//! post nothing, or a rupiah would be counted twice.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Account;
use crate::{AnyEvent, LoanNumber, Rupiah, TransferId, UserId, WalletEvent, WalletPurpose, WalletSource};

/// One side of an entry. Debits are positive, credits negative, in whole rupiah.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    /// Whose part of the account it is; `None` where the account has no parts.
    pub subject: Option<Subject>,
    pub signed_rupiah: i64,
}

/// A part of an account: the sub-ledger of one wallet, loan or transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Wallet(UserId),
    Loan(LoanNumber),
    Transfer(TransferId),
}

/// The entry that a money event stands for; empty for an event that moves no money.
///
/// `stream_id` is the id of the event's stream: of a wallet, its owner's.
///
/// Invariant, asserted before every append: the postings of one event sum to zero.
#[must_use]
pub fn postings(event: &AnyEvent, stream_id: &str) -> Vec<Posting> {
    let wallet = || (Account::CustomerWallets, stream_id.parse().ok().map(Subject::Wallet));
    match money_event(event) {
        Some(MoneyEvent::In { amount, source, .. }) => {
            let from = match source {
                WalletSource::TopUp { .. } => (Account::CashAtGateway, None),
                WalletSource::Disbursement { loan } => {
                    (Account::LoansReceivablePrincipal, Some(Subject::Loan(loan)))
                }
                WalletSource::Transfer { transfer_id } | WalletSource::Return { transfer_id } => {
                    (Account::TransfersInTransit, Some(Subject::Transfer(transfer_id)))
                }
            };
            entry(from, wallet(), amount)
        }
        Some(MoneyEvent::Out { amount, purpose, .. }) => {
            let to = match purpose {
                WalletPurpose::Payment { .. } => (Account::MerchantSettlement, None),
                WalletPurpose::Transfer { transfer_id } => {
                    (Account::TransfersInTransit, Some(Subject::Transfer(transfer_id)))
                }
            };
            entry(wallet(), to, amount)
        }
        None => Vec::new(),
    }
}

/// The business date of a money event; `None` of an event that posts nothing.
#[must_use]
pub fn booked_on(event: &AnyEvent) -> Option<NaiveDate> {
    money_event(event).map(|moved| match moved {
        MoneyEvent::In { business_on, .. } | MoneyEvent::Out { business_on, .. } => business_on,
    })
}

/// What moves money, as far as the books care.
pub(super) enum MoneyEvent {
    In { amount: Rupiah, source: WalletSource, business_on: NaiveDate },
    Out { amount: Rupiah, purpose: WalletPurpose, business_on: NaiveDate },
}

/// The one place that says of every event whether it moves money; `None` if it does not.
pub(super) fn money_event(event: &AnyEvent) -> Option<MoneyEvent> {
    match event {
        AnyEvent::Wallet(WalletEvent::WalletCredited { amount_rupiah, source, business_on, .. }) => {
            Some(MoneyEvent::In { amount: *amount_rupiah, source: *source, business_on: *business_on })
        }
        AnyEvent::Wallet(WalletEvent::WalletDebited { amount_rupiah, purpose, business_on, .. }) => {
            Some(MoneyEvent::Out { amount: *amount_rupiah, purpose: *purpose, business_on: *business_on })
        }
        AnyEvent::Wallet(WalletEvent::WalletOpened { .. })
        | AnyEvent::Ledger(_)
        | AnyEvent::Role(_)
        | AnyEvent::Branch(_)
        | AnyEvent::Product(_)
        | AnyEvent::Staff(_)
        | AnyEvent::User(_)
        | AnyEvent::Document(_)
        | AnyEvent::Claim(_)
        | AnyEvent::Session(_)
        | AnyEvent::Plafond(_)
        | AnyEvent::Loan(_)
        | AnyEvent::Transfer(_)
        | AnyEvent::Message(_) => None,
    }
}

type Part = (Account, Option<Subject>);

fn entry(debit: Part, credit: Part, amount: Rupiah) -> Vec<Posting> {
    let posting = |(account, subject), signed_rupiah| Posting { account, subject, signed_rupiah };
    vec![posting(debit, amount.get()), posting(credit, -amount.get())]
}

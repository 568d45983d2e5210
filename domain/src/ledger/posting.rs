//! Which entry of the double-entry ledger a money event stands for.
//!
//! Money moves through wallets: the wallet's event is the entry, of a repayment with what it is set against. The events of loans
//! post what is earned and what is given up, and nothing that moves; those of plafonds and transfers say why and post nothing, or a rupiah
//! would be counted twice.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Account;
use crate::{
    Allotment, Amounts, AnyEvent, Component, Condition, Line, LoanEvent, LoanNumber, LoanStatus, Rupiah,
    TransferId, UserId, WalletEvent, WalletPurpose, WalletSource,
};

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
        None => Vec::new(),
        Some(MoneyEvent::In { amount, source, .. }) => match source {
            WalletSource::TopUp { .. } => entry((Account::CashAtGateway, None), wallet(), amount),
            WalletSource::Disbursement { loan } => {
                let lent = (Account::LoansReceivablePrincipal, Some(Subject::Loan(loan)));
                entry(lent, wallet(), amount)
            }
            WalletSource::Transfer { transfer_id } | WalletSource::Return { transfer_id } => {
                let transit = (Account::TransfersInTransit, Some(Subject::Transfer(transfer_id)));
                entry(transit, wallet(), amount)
            }
            WalletSource::Reversal { loan, allotment, .. } => {
                repayment(wallet(), -amount.get(), loan, allotment)
            }
        },
        Some(MoneyEvent::Out { amount, purpose, .. }) => match purpose {
            WalletPurpose::Payment { .. } => entry(wallet(), (Account::MerchantSettlement, None), amount),
            WalletPurpose::Transfer { transfer_id } => {
                let transit = (Account::TransfersInTransit, Some(Subject::Transfer(transfer_id)));
                entry(wallet(), transit, amount)
            }
            WalletPurpose::Repayment { loan, allotment, .. } => {
                repayment(wallet(), amount.get(), loan, allotment)
            }
        },
        Some(MoneyEvent::Charged { loan, charged, written_off, .. }) => earned(loan, &charged, written_off),
        Some(MoneyEvent::WrittenOff { loan, charged, paid, amounts, .. }) => {
            // What was paid ahead is not earned any more, and goes to what is owed.
            let mut postings = earned(loan, &charged, false);
            postings.extend(receivables(loan, &paid));
            postings.extend(written_off(loan, &amounts));
            postings
        }
    }
}

/// The business date of a money event; `None` of an event that posts nothing.
#[must_use]
pub fn booked_on(event: &AnyEvent) -> Option<NaiveDate> {
    money_event(event).map(|moved| match moved {
        MoneyEvent::In { business_on, .. }
        | MoneyEvent::Out { business_on, .. }
        | MoneyEvent::Charged { business_on, .. }
        | MoneyEvent::WrittenOff { business_on, .. } => business_on,
    })
}

/// What moves money, as far as the books care.
pub(super) enum MoneyEvent {
    /// Into a wallet.
    In { amount: Rupiah, source: WalletSource, business_on: NaiveDate },
    /// Out of a wallet.
    Out { amount: Rupiah, purpose: WalletPurpose, business_on: NaiveDate },
    /// A loan earned something, or gives it back. Of one that was `written_off` the books expect nothing of it.
    Charged { loan: LoanNumber, charged: Amounts, written_off: bool, business_on: NaiveDate },
    /// The books give up a loan, after these charges and payments.
    WrittenOff { loan: LoanNumber, charged: Amounts, paid: Amounts, amounts: Amounts, business_on: NaiveDate },
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
        AnyEvent::Loan(event) => loan_event(event),
        AnyEvent::Wallet(WalletEvent::WalletOpened { .. })
        | AnyEvent::Ledger(_)
        | AnyEvent::LendingRules(_)
        | AnyEvent::Role(_)
        | AnyEvent::Branch(_)
        | AnyEvent::Product(_)
        | AnyEvent::Staff(_)
        | AnyEvent::User(_)
        | AnyEvent::Document(_)
        | AnyEvent::Claim(_)
        | AnyEvent::Session(_)
        | AnyEvent::Plafond(_)
        | AnyEvent::Transfer(_)
        | AnyEvent::Message(_) => None,
    }
}

fn loan_event(event: &LoanEvent) -> Option<MoneyEvent> {
    let charged = |loan: LoanNumber, lines: &[Line], after: Condition, business_on: NaiveDate| {
        let (charged, written_off) = (Amounts::charged(lines), after.status == LoanStatus::WrittenOff);
        let any = charged != Amounts::default();
        any.then_some(MoneyEvent::Charged { loan, charged, written_off, business_on })
    };
    match event {
        LoanEvent::LoanDayClosed { loan, lines, after, business_on } => {
            charged(*loan, lines, *after, *business_on)
        }
        LoanEvent::RepaymentReceived(receipt) => {
            charged(receipt.loan, &receipt.lines, receipt.after, receipt.business_on)
        }
        LoanEvent::RepaymentReversed(reversal) => {
            charged(reversal.loan, &reversal.lines, reversal.after, reversal.business_on)
        }
        LoanEvent::LoanWrittenOff { loan, lines, written_off, business_on, .. } => {
            let (charged, paid) = (Amounts::charged(lines), Amounts::paid(lines));
            let any = [charged, paid, *written_off].iter().any(|amounts| *amounts != Amounts::default());
            let (loan, amounts, business_on) = (*loan, *written_off, *business_on);
            any.then_some(MoneyEvent::WrittenOff { loan, charged, paid, amounts, business_on })
        }
        LoanEvent::LoanSubmitted(_)
        | LoanEvent::LoanApproved { .. }
        | LoanEvent::LoanRejected { .. }
        | LoanEvent::LoanDisbursed { .. }
        | LoanEvent::LoanCancelled { .. }
        | LoanEvent::LoanExpired { .. }
        | LoanEvent::LoanScheduled { .. } => None,
    }
}

type Part = (Account, Option<Subject>);

fn entry(debit: Part, credit: Part, amount: Rupiah) -> Vec<Posting> {
    vec![posting(debit, amount.get()), posting(credit, -amount.get())]
}

fn posting((account, subject): Part, signed_rupiah: i64) -> Posting {
    Posting { account, subject, signed_rupiah }
}

/// A repayment out of a wallet, or one that goes back into it if the amounts are below zero.
fn repayment(wallet: Part, debit_rupiah: i64, loan: LoanNumber, allotment: Allotment) -> Vec<Posting> {
    let mut postings = vec![posting(wallet, debit_rupiah)];
    match allotment {
        Allotment::Receivables(amounts) => postings.extend(receivables(loan, &amounts)),
        Allotment::WriteOff { recovered_rupiah } => {
            postings.push(posting((Account::WriteOffs, Some(Subject::Loan(loan))), -recovered_rupiah));
        }
    }
    postings
}

/// These amounts less are owed to us.
fn receivables(loan: LoanNumber, less: &Amounts) -> impl Iterator<Item = Posting> {
    let of_loan = Some(Subject::Loan(loan));
    Component::ALL
        .iter()
        .map(move |component| posting((Account::receivable(*component), of_loan), -less.of(*component)))
        .filter(|posting| posting.signed_rupiah != 0)
}

/// What was charged is owed to us, and income. Of a loan that was written off it is given up at once, so that its write-off stays what
/// it owes: a repayment that is dated back or reversed may change what it had earned before.
fn earned(loan: LoanNumber, charged: &Amounts, written_off: bool) -> Vec<Posting> {
    let of_loan = Some(Subject::Loan(loan));
    let sides = |component: &Component| {
        let (income, amount) = (Account::income(*component)?, charged.of(*component));
        let owed = if written_off { Account::WriteOffs } else { Account::receivable(*component) };
        (amount != 0).then(|| [posting((owed, of_loan), amount), posting((income, of_loan), -amount)])
    };
    Component::ALL.iter().filter_map(sides).flatten().collect()
}

fn written_off(loan: LoanNumber, amounts: &Amounts) -> Vec<Posting> {
    let loss = posting((Account::WriteOffs, Some(Subject::Loan(loan))), amounts.total_rupiah());
    [loss].into_iter().filter(|loss| loss.signed_rupiah != 0).chain(receivables(loan, amounts)).collect()
}

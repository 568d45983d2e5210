//! The ledger itself, and the balanced postings that its money events stand for.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, AnyEvent, Event, LedgerId, Rejection, Rupiah, WalletEvent, WalletSource};

/// The first stream of every ledger: its one event is position 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ledger {
    #[default]
    Unopened,
    Open {
        ledger_id: LedgerId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerCommand {
    Open { ledger_id: LedgerId },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LedgerEvent {
    /// Event 1 of every ledger; everything sealed is bound to its id.
    LedgerOpened { ledger_id: LedgerId },
}

impl Event for LedgerEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Aggregate for Ledger {
    tie_to_any!(Ledger);
    type Command = LedgerCommand;
    type Event = LedgerEvent;

    fn decide(&self, command: LedgerCommand) -> Result<Vec<LedgerEvent>, Rejection> {
        let LedgerCommand::Open { ledger_id } = command;
        match self {
            Self::Unopened => Ok(vec![LedgerEvent::LedgerOpened { ledger_id }]),
            Self::Open { .. } => Err(Rejection::AlreadyExists),
        }
    }

    fn evolve(&mut self, event: &LedgerEvent) {
        let LedgerEvent::LedgerOpened { ledger_id } = event;
        *self = Self::Open { ledger_id: *ledger_id };
    }
}

/// An account of the general ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Account {
    /// Asset: money that the payment gateway holds for us.
    CashAtGateway,
    /// Asset: principal that borrowers owe.
    LoansReceivablePrincipal,
    /// Liability: what we owe to the owners of wallets.
    CustomerWallets,
}

/// One side of an entry. Debits are positive, credits negative, in whole rupiah.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    pub signed_rupiah: i64,
}

/// The entry that a money event stands for; empty for an event that moves no money.
///
/// Invariant, asserted before every append: the postings of one event sum to zero.
#[must_use]
pub fn postings(event: &AnyEvent) -> Vec<Posting> {
    match event {
        AnyEvent::Wallet(WalletEvent::WalletCredited { amount_rupiah, source, .. }) => {
            let from = match source {
                WalletSource::TopUp { .. } => Account::CashAtGateway,
                WalletSource::Disbursement { .. } => Account::LoansReceivablePrincipal,
            };
            entry(from, Account::CustomerWallets, *amount_rupiah)
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
        | AnyEvent::Message(_) => Vec::new(),
    }
}

fn entry(debit: Account, credit: Account, amount: Rupiah) -> Vec<Posting> {
    vec![
        Posting { account: debit, signed_rupiah: amount.get() },
        Posting { account: credit, signed_rupiah: -amount.get() },
    ]
}

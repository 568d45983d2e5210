//! What the history has to know of the ledger to go on: folded from the feed by the rules of the domain, as every reader does.

use std::collections::{BTreeSet, HashMap};

use lumbung_domain::{
    Aggregate, AnyEvent, Debt, Loan, LoanNumber, LoanStatus, Plafond, Standing, UserId, Wallet,
};
use lumbung_journal::{Feed, JournalError};

/// How many facts are taken at a time.
const PAGE: usize = 4_096;

#[derive(Default)]
pub(super) struct Mirror {
    position: i64,
    loans: HashMap<LoanNumber, Loan>,
    wallets: HashMap<UserId, Wallet>,
    plafonds: HashMap<UserId, Plafond>,
    active: BTreeSet<LoanNumber>,
}

impl Mirror {
    /// Takes in what was committed since. The feed knows of a commit before its caller does.
    pub(super) async fn follow(&mut self, feed: &Feed) -> Result<(), JournalError> {
        loop {
            let facts = feed.after(self.position, PAGE).await?;
            if facts.is_empty() {
                return Ok(());
            }
            for fact in facts.iter().flat_map(|batch| batch.iter()) {
                self.position = fact.position;
                self.take(&fact.stream.id, &fact.event);
            }
        }
    }

    fn take(&mut self, stream: &str, event: &AnyEvent) {
        match event {
            AnyEvent::Loan(event) => {
                let Ok(number) = stream.parse() else { return };
                let loan = self.loans.entry(number).or_default();
                loan.evolve(event);
                if loan.debt().is_some_and(|debt| debt.standing == Standing::Active) {
                    self.active.insert(number);
                } else {
                    self.active.remove(&number);
                }
            }
            AnyEvent::Wallet(event) => {
                let Ok(owner) = stream.parse() else { return };
                self.wallets.entry(owner).or_default().evolve(event);
            }
            AnyEvent::Plafond(event) => {
                let Ok(owner) = stream.parse() else { return };
                self.plafonds.entry(owner).or_default().evolve(event);
            }
            AnyEvent::Ledger(_)
            | AnyEvent::LendingRules(_)
            | AnyEvent::Role(_)
            | AnyEvent::Branch(_)
            | AnyEvent::Product(_)
            | AnyEvent::Staff(_)
            | AnyEvent::User(_)
            | AnyEvent::Document(_)
            | AnyEvent::Claim(_)
            | AnyEvent::Session(_)
            | AnyEvent::Transfer(_)
            | AnyEvent::Message(_) => {}
        }
    }

    /// The last event that was taken in.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    pub(super) fn loan(&self, number: LoanNumber) -> Option<&Loan> {
        self.loans.get(&number)
    }

    pub(super) fn status(&self, number: LoanNumber) -> Option<LoanStatus> {
        let loan = self.loan(number)?;
        loan.debt().map(|debt| debt.condition().status).or(loan.application().map(|known| known.status))
    }

    pub(super) fn debt(&self, number: LoanNumber) -> Option<&Debt> {
        self.loan(number)?.debt()
    }

    /// Loans whose days are still to be closed, in the order of their numbers.
    pub(super) fn active(&self) -> impl Iterator<Item = LoanNumber> {
        self.active.iter().copied()
    }

    pub(super) fn loans(&self) -> impl Iterator<Item = LoanNumber> {
        self.loans.keys().copied()
    }

    pub(super) fn balance(&self, owner: UserId) -> i64 {
        self.wallets.get(&owner).map_or(0, |wallet| wallet.balance().get())
    }

    pub(super) fn has_wallet(&self, owner: UserId) -> bool {
        self.wallets.contains_key(&owner)
    }

    pub(super) fn plafond(&self, owner: UserId) -> Option<&Plafond> {
        self.plafonds.get(&owner)
    }
}

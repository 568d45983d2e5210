//! The rules of the law are put down: an edition that holds from a day on.

use chrono::NaiveDate;
use lumbung_domain::{
    Collectibility, Edition, LegalCaps, LendingRules, LendingRulesCommand, Permission, Rejection,
};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Adds an edition. Loans that were disbursed keep the caps they were disbursed with.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::LendingRulesFull`].
#[derive(Debug, Clone)]
pub struct AdoptLendingRules {
    pub actor: Actor,
    pub effective_on: NaiveDate,
    pub citation: String,
    pub caps: LegalCaps,
    pub collectibility: Collectibility,
}

impl UseCase for AdoptLendingRules {
    const NAME: &'static str = "AdoptLendingRules";
    type Outcome = Edition;

    fn decide(&self, book: &mut Book<'_>) -> Result<Edition, Halt> {
        self.actor.holding(book, &[Permission::ProductManage])?;
        let command = LendingRulesCommand::Adopt {
            actor: Some(self.actor.user),
            effective_on: self.effective_on,
            citation: self.citation.clone(),
            caps: self.caps,
            collectibility: self.collectibility.clone(),
        };
        book.run::<LendingRules>(LendingRules::STREAM, command)?;
        let rules = book.read::<LendingRules>(LendingRules::STREAM)?;
        rules.editions().last().cloned().ok_or(Rejection::LendingRulesFull.into())
    }
}

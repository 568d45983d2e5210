//! The lending rules that a ledger begins with: examples, which say so.

use lumbung_domain::{Edition, LendingRules, LendingRulesCommand};

use crate::ledger::{Book, Halt};

pub(super) fn adopt(book: &mut Book<'_>) -> Result<(), Halt> {
    if !book.read::<LendingRules>(LendingRules::STREAM)?.editions().is_empty() {
        return Ok(());
    }
    let Edition { effective_on, citation, caps, collectibility, .. } = Edition::example();
    let command = LendingRulesCommand::Adopt { actor: None, effective_on, citation, caps, collectibility };
    book.run::<LendingRules>(LendingRules::STREAM, command)
}

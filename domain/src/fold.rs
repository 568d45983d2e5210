//! Which fold this software has: what tells a stored state of this software from that of another.
//!
//! A state that was written down by other software may have another shape, or be what another `evolve` made of the same
//! events. So every kind of stream names its fold by `<number>-<digest>`. The digest is of every state that the stored samples of
//! its events fold into; a test computes it, names what to write here when it changed, and writes it itself with
//! `LUMBUNG_UPDATE=1`. Two branches of the software that fold differently thus differ here without talking to each other.
//! The number is raised by hand for a change of `evolve` that no sample shows.

use crate::AggregateType;

impl AggregateType {
    /// The name of the fold of this kind of stream, shape of the state included.
    #[must_use]
    pub const fn fold(self) -> &'static str {
        match self {
            Self::Ledger => "1-0a8378ef3eb89d66",
            Self::LendingRules => "1-8f91bb26075da09d",
            Self::Role => "1-9adeb06645e66448",
            Self::Branch => "1-ced4e1d4a7d9f520",
            Self::Product => "1-adb83bae6c079457",
            Self::Staff => "1-e1871b7b1879252b",
            Self::User => "1-f91a75aafd395023",
            Self::Claim => "1-b54af83966a9866c",
            Self::Session => "1-519a1c478a276ef8",
            Self::Plafond => "1-1b963a91ab1e96f3",
            Self::Loan => "1-3378b7d7ebc4fd47",
            Self::Wallet => "1-940cb9a41752963d",
            Self::Transfer => "1-a643394f243e3afe",
            Self::Message => "1-bfa7c0be7585166d",
            Self::Document => "1-0b303ed3eb44e5f1",
        }
    }
}

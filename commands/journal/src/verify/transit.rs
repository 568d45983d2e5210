//! Transfers on their way: each is debited, started, credited and ended, in this order, with one amount and by those whom it
//! names.
//!
//! A sum over all of them would not tell of a transfer that was credited twice while another one got nothing.
//!
//! Bounds: some 80 bytes for every transfer that has not ended; one that has is forgotten. It cannot be credited again,
//! because it is not on its way any more, nor start again, because a start is the first event of its stream.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use lumbung_domain::{
    Instruction, Rupiah, TransferEvent, TransferId, UserId, WalletEvent, WalletPurpose, WalletSource,
};

use crate::record::BreakReason;

#[derive(Default)]
pub(super) struct InTransit(HashMap<TransferId, Stage>);

#[derive(Clone, Copy)]
enum Stage {
    /// The sender was debited; what was asked for must follow.
    Debited { sender: UserId, amount: Rupiah },
    /// The money is on its way, or parked.
    Started(Way),
    /// The receiver was credited, or with `back` the sender; the end must follow.
    Credited { way: Way, back: bool },
}

#[derive(Clone, Copy)]
struct Way {
    sender: UserId,
    target: UserId,
    amount: Rupiah,
}

impl InTransit {
    /// Takes in an event of the wallet of `owner`; `None` if the id of its stream is nobody's.
    pub(super) fn wallet(&mut self, owner: Option<UserId>, event: &WalletEvent) -> Result<(), BreakReason> {
        match *event {
            WalletEvent::WalletDebited {
                purpose: WalletPurpose::Transfer { transfer_id },
                amount_rupiah,
                ..
            } => self.debited(transfer_id, owner, amount_rupiah),
            WalletEvent::WalletCredited {
                source: WalletSource::Transfer { transfer_id },
                amount_rupiah,
                ..
            } => self.credited(transfer_id, owner, amount_rupiah, false),
            WalletEvent::WalletCredited {
                source: WalletSource::Return { transfer_id },
                amount_rupiah,
                ..
            } => self.credited(transfer_id, owner, amount_rupiah, true),
            WalletEvent::WalletOpened { .. }
            | WalletEvent::WalletDebited {
                purpose: WalletPurpose::Payment { .. } | WalletPurpose::Repayment { .. },
                ..
            }
            | WalletEvent::WalletCredited {
                source:
                    WalletSource::TopUp { .. } | WalletSource::Disbursement { .. } | WalletSource::Reversal { .. },
                ..
            } => Ok(()),
        }
    }

    /// Takes in the event `sequence` of a transfer.
    pub(super) fn transfer(
        &mut self,
        transfer: TransferId,
        sequence: i64,
        event: &TransferEvent,
    ) -> Result<(), BreakReason> {
        match event {
            TransferEvent::TransferStarted(instruction) => self.started(transfer, sequence, instruction),
            TransferEvent::TransferSettled { .. } => self.ended(transfer, false),
            TransferEvent::TransferReturned { .. } => self.ended(transfer, true),
            TransferEvent::TransferParked { .. } | TransferEvent::TransferRetried {} => {
                match self.0.get(&transfer) {
                    Some(Stage::Started(_)) => Ok(()),
                    _ => Err(wrong(transfer, "it is parked or retried, but not on its way")),
                }
            }
        }
    }

    /// What is on its way, in whole rupiah.
    pub(super) fn total(&self) -> i128 {
        let amounts = self.0.values().map(|stage| match stage {
            Stage::Debited { .. } => 0,
            Stage::Started(way) | Stage::Credited { way, .. } => i128::from(way.amount.get()),
        });
        amounts.sum()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// At the end of an append nothing is half done. Of several that are, the first by id is told.
    pub(super) fn finish(&self) -> Result<(), BreakReason> {
        let half_done = self.0.iter().filter_map(|(transfer, stage)| match stage {
            Stage::Debited { .. } => Some((*transfer, "its sender was debited, and it was never started")),
            Stage::Credited { .. } => Some((*transfer, "it was credited, and it never ended")),
            Stage::Started(_) => None,
        });
        half_done.min_by_key(|(transfer, _)| transfer.0).map_or(Ok(()), |(at, what)| Err(wrong(at, what)))
    }

    fn debited(
        &mut self,
        transfer: TransferId,
        owner: Option<UserId>,
        amount: Rupiah,
    ) -> Result<(), BreakReason> {
        let Some(sender) = owner else { return Err(wrong(transfer, "nobody's wallet was debited for it")) };
        match self.0.entry(transfer) {
            Entry::Vacant(place) => {
                place.insert(Stage::Debited { sender, amount });
                Ok(())
            }
            Entry::Occupied(_) => Err(wrong(transfer, "it was debited a second time")),
        }
    }

    fn started(
        &mut self,
        transfer: TransferId,
        sequence: i64,
        instruction: &Instruction,
    ) -> Result<(), BreakReason> {
        let Instruction { transfer_id, sender, target, amount_rupiah: amount, .. } = *instruction;
        if sequence != 1 || transfer_id != transfer {
            return Err(wrong(transfer, "it was started a second time, or under another id"));
        }
        let stage = self.0.get_mut(&transfer);
        let stage = stage.ok_or_else(|| wrong(transfer, "it was started, and nobody was debited for it"))?;
        match *stage {
            Stage::Debited { sender: debited, amount: paid } => {
                *stage = Stage::Started(Way { sender, target, amount });
                if (debited, paid) == (sender, amount) {
                    return Ok(());
                }
                Err(wrong(transfer, "it was started with another sender or amount than was debited"))
            }
            Stage::Started(_) | Stage::Credited { .. } => {
                Err(wrong(transfer, "it was started a second time"))
            }
        }
    }

    fn credited(
        &mut self,
        transfer: TransferId,
        owner: Option<UserId>,
        amount: Rupiah,
        back: bool,
    ) -> Result<(), BreakReason> {
        let stage = self.0.get_mut(&transfer);
        let stage = stage.ok_or_else(|| wrong(transfer, "it was credited, but is not on its way"))?;
        match *stage {
            Stage::Started(way) => {
                *stage = Stage::Credited { way, back };
                let whose = if back { way.sender } else { way.target };
                if (owner, amount) == (Some(whose), way.amount) {
                    return Ok(());
                }
                Err(wrong(transfer, "it was credited to another wallet, or with another amount"))
            }
            Stage::Debited { .. } => Err(wrong(transfer, "it was credited before it was started")),
            Stage::Credited { .. } => Err(wrong(transfer, "it was credited a second time")),
        }
    }

    fn ended(&mut self, transfer: TransferId, returned: bool) -> Result<(), BreakReason> {
        match self.0.remove(&transfer) {
            Some(Stage::Credited { back, .. }) if back == returned => Ok(()),
            Some(Stage::Credited { .. }) => Err(wrong(transfer, "it ended otherwise than it was credited")),
            Some(Stage::Started(_) | Stage::Debited { .. }) => {
                Err(wrong(transfer, "it ended, and nobody was credited"))
            }
            None => Err(wrong(transfer, "it ended, but was not on its way")),
        }
    }
}

fn wrong(transfer: TransferId, what: &'static str) -> BreakReason {
    BreakReason::Transfer { transfer: transfer.0, what }
}

//! Loans that were paid out: what each owes by its own events is what the books hold against it, each of its days is closed once,
//! and each repayment moves its wallet and its loan by the same amount.
//!
//! A sum over all of them would not tell of a repayment that was set against somebody else's loan.
//!
//! Bounds: some 80 bytes for every loan that was paid out, and as much for a repayment half of which was seen.

use std::collections::HashMap;

use chrono::NaiveDate;
use lumbung_domain::{
    Account, Allotment, Amounts, Component, Line, LoanEvent, LoanNumber, LoanStatus, RepaymentId, Rupiah,
    WalletEvent, WalletPurpose, WalletSource,
};

use crate::record::BreakReason;

/// Of 600 instalments of four components each, twice in a write-off.
const MOST_LINES: usize = 4_800;

#[derive(Default)]
pub(super) struct Lent {
    loans: HashMap<LoanNumber, Borrowed>,
    /// One half was seen: the loan's or the wallet's.
    halves: HashMap<RepaymentId, Half>,
}

/// What is known of one loan.
#[derive(Default)]
struct Borrowed {
    /// By the wallet's event.
    lent_rupiah: i64,
    /// By the schedule; `None` of a loan from before there were any.
    scheduled_rupiah: Option<i64>,
    /// Charged and not paid.
    outstanding: Amounts,
    closed_through_on: Option<NaiveDate>,
    written_off: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Half {
    loan: LoanNumber,
    /// Whole rupiah; below zero of a reversal.
    rupiah: i64,
    allotment: Allotment,
    of_wallet: bool,
}

impl Lent {
    /// Takes in an event of a wallet.
    pub(super) fn wallet(&mut self, event: &WalletEvent) -> Result<(), BreakReason> {
        match *event {
            WalletEvent::WalletCredited {
                source: WalletSource::Disbursement { loan },
                amount_rupiah,
                ..
            } => {
                let borrowed = self.loans.entry(loan).or_default();
                borrowed.outstanding.principal_rupiah += amount_rupiah.get();
                let first = std::mem::replace(&mut borrowed.lent_rupiah, amount_rupiah.get()) == 0;
                if first { Ok(()) } else { Err(wrong(loan, "it was paid out a second time")) }
            }
            WalletEvent::WalletDebited {
                purpose: WalletPurpose::Repayment { repayment_id, loan, allotment },
                amount_rupiah,
                ..
            } => self
                .meet(repayment_id, Half { loan, rupiah: amount_rupiah.get(), allotment, of_wallet: true }),
            WalletEvent::WalletCredited {
                source: WalletSource::Reversal { repayment_id, loan, allotment },
                amount_rupiah,
                ..
            } => self
                .meet(repayment_id, Half { loan, rupiah: -amount_rupiah.get(), allotment, of_wallet: true }),
            WalletEvent::WalletOpened { .. }
            | WalletEvent::WalletDebited {
                purpose: WalletPurpose::Payment { .. } | WalletPurpose::Transfer { .. },
                ..
            }
            | WalletEvent::WalletCredited {
                source:
                    WalletSource::TopUp { .. } | WalletSource::Transfer { .. } | WalletSource::Return { .. },
                ..
            } => Ok(()),
        }
    }

    /// Takes in an event of the loan's stream.
    pub(super) fn loan(&mut self, number: LoanNumber, event: &LoanEvent) -> Result<(), BreakReason> {
        check_lines(number, event)?;
        match event {
            LoanEvent::LoanScheduled { agreement, instalments, .. } => {
                let borrowed = self.loans.entry(number).or_default();
                borrowed.closed_through_on = Some(agreement.disbursed_on);
                let principal = instalments.iter().map(|row| row.principal_rupiah.get()).sum();
                match borrowed.scheduled_rupiah.replace(principal) {
                    None => Ok(()),
                    Some(_) => Err(wrong(number, "it was scheduled a second time")),
                }
            }
            LoanEvent::LoanDayClosed { lines, business_on, .. } => {
                self.day_closed(number, lines, *business_on)
            }
            LoanEvent::RepaymentReceived(receipt) => {
                self.changed(number, &receipt.lines);
                let (loan, rupiah, allotment) =
                    (receipt.loan, receipt.amount_rupiah.get(), receipt.allotment());
                self.meet(receipt.repayment_id, Half { loan, rupiah, allotment, of_wallet: false })
            }
            LoanEvent::RepaymentReversed(reversal) => {
                self.changed(number, &reversal.lines);
                let (loan, rupiah, allotment) =
                    (reversal.loan, -reversal.amount_rupiah.get(), reversal.allotment());
                self.meet(reversal.repayment_id, Half { loan, rupiah, allotment, of_wallet: false })
            }
            LoanEvent::LoanWrittenOff { lines, written_off, after, .. } => {
                self.changed(number, lines);
                let borrowed = self.loans.entry(number).or_default();
                borrowed.written_off = true;
                if borrowed.outstanding == *written_off && after.status == LoanStatus::WrittenOff {
                    Ok(())
                } else {
                    Err(wrong(number, "something else was written off than it owed"))
                }
            }
            LoanEvent::LoanSubmitted(_)
            | LoanEvent::LoanApproved { .. }
            | LoanEvent::LoanRejected { .. }
            | LoanEvent::LoanDisbursed { .. }
            | LoanEvent::LoanCancelled { .. }
            | LoanEvent::LoanExpired { .. } => Ok(()),
        }
    }

    /// What the loans owe by their own events, on the accounts where it stands.
    pub(super) fn owed(&self) -> [(Account, i128); 5] {
        let sum = |written_off: bool, owes: &dyn Fn(&Amounts) -> i64| {
            let loans = self.loans.values().filter(|loan| loan.written_off == written_off);
            loans.map(|loan| i128::from(owes(&loan.outstanding))).sum()
        };
        let receivable =
            |component| (Account::receivable(component), sum(false, &|amounts| amounts.of(component)));
        [
            receivable(Component::Principal),
            receivable(Component::Interest),
            receivable(Component::Fee),
            receivable(Component::Penalty),
            (Account::WriteOffs, sum(true, &Amounts::total_rupiah)),
        ]
    }

    /// At the end of an append nothing is half done. Of several that are, the first is told.
    pub(super) fn finish(&self) -> Result<(), BreakReason> {
        let halves = self.halves.values().map(|half| {
            (
                half.loan,
                if half.of_wallet {
                    "a wallet paid, and the loan knows nothing of it"
                } else {
                    "a repayment moved no wallet"
                },
            )
        });
        let below = self.loans.iter().filter_map(|(loan, borrowed)| {
            let below_zero = Component::ALL.iter().any(|component| borrowed.outstanding.of(*component) < 0);
            below_zero.then_some((*loan, "more was paid of it than was charged"))
        });
        let unlent = self.loans.iter().filter_map(|(loan, borrowed)| {
            let as_lent = borrowed.scheduled_rupiah.is_none_or(|scheduled| scheduled == borrowed.lent_rupiah);
            (!as_lent).then_some((*loan, "another amount was paid out than its schedule repays"))
        });
        halves
            .chain(below)
            .chain(unlent)
            .min_by_key(|(loan, _)| *loan)
            .map_or(Ok(()), |(loan, what)| Err(wrong(loan, what)))
    }

    fn day_closed(&mut self, number: LoanNumber, lines: &[Line], day: NaiveDate) -> Result<(), BreakReason> {
        let borrowed = self.loans.entry(number).or_default();
        let before = borrowed.closed_through_on.replace(day);
        if before.and_then(|before| before.succ_opt()) != Some(day) {
            return Err(wrong(number, "a day was closed twice, or left out"));
        }
        self.changed(number, lines);
        Ok(())
    }

    fn changed(&mut self, number: LoanNumber, lines: &[Line]) {
        let borrowed = self.loans.entry(number).or_default();
        for line in lines {
            // So many events that this wraps are more than a log can hold.
            borrowed.outstanding.add(line.component, line.charged_rupiah - line.paid_rupiah);
        }
    }

    /// The two halves of a repayment come in one append, in any order.
    fn meet(&mut self, id: RepaymentId, half: Half) -> Result<(), BreakReason> {
        if half.allotment.total_rupiah() != half.rupiah {
            return Err(wrong(half.loan, "a repayment is set against more or less than was paid"));
        }
        match self.halves.remove(&id) {
            None => {
                self.halves.insert(id, half);
                Ok(())
            }
            Some(other) if other == (Half { of_wallet: !half.of_wallet, ..half }) => Ok(()),
            Some(_) => Err(wrong(half.loan, "a repayment is another one in the wallet")),
        }
    }
}

/// An event of servicing names its own loan, and holds no more lines and no larger amounts than any loan can have: what adds them up
/// relies on that.
fn check_lines(number: LoanNumber, event: &LoanEvent) -> Result<(), BreakReason> {
    let (loan, lines) = match event {
        LoanEvent::LoanDayClosed { loan, lines, .. } | LoanEvent::LoanWrittenOff { loan, lines, .. } => {
            (*loan, lines)
        }
        LoanEvent::RepaymentReceived(receipt) => (receipt.loan, &receipt.lines),
        LoanEvent::RepaymentReversed(reversal) => (reversal.loan, &reversal.lines),
        LoanEvent::LoanSubmitted(_)
        | LoanEvent::LoanApproved { .. }
        | LoanEvent::LoanRejected { .. }
        | LoanEvent::LoanDisbursed { .. }
        | LoanEvent::LoanCancelled { .. }
        | LoanEvent::LoanExpired { .. }
        | LoanEvent::LoanScheduled { .. } => return Ok(()),
    };
    let fits = |amount: i64| amount.unsigned_abs() <= Rupiah::MAX.get().unsigned_abs();
    if loan != number {
        Err(wrong(number, "an event of it names another loan"))
    } else if lines.len() > MOST_LINES
        || !lines.iter().all(|line| fits(line.charged_rupiah) && fits(line.paid_rupiah))
    {
        Err(wrong(number, "an event of it has more lines or larger amounts than there can be"))
    } else {
        Ok(())
    }
}

fn wrong(loan: LoanNumber, what: &'static str) -> BreakReason {
    BreakReason::Loan { loan: loan.0, what }
}

#[cfg(test)]
mod tests;

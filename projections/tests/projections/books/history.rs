//! Random movements of money that the rules allow.

use chrono::{Days, NaiveDate};
use lumbung_domain::*;
use lumbung_projections::ledger_entries::{Part, Voucher, Wanted};
use uuid::Uuid;

use super::all;
use crate::log::Log;
use crate::people::{officer, rupiah, today, user};

pub(super) const PRODUCT: i64 = 40;
const CUSTOMERS: i64 = 9;

/// Random choices that a seed repeats (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 0 to `end`, without `end`.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        i64::try_from(mixed % u64::try_from(end).unwrap()).unwrap()
    }

    fn customer(&mut self) -> UserId {
        user(u128::try_from(self.below(CUSTOMERS) + 1).unwrap())
    }
}

pub(super) struct History {
    day: NaiveDate,
    open: Vec<TransferId>,
    transfers: i64,
    loans: i64,
    /// The loan that is being decided on.
    loan: Option<i64>,
}

fn transfer_id(number: i64) -> TransferId {
    TransferId(Uuid::from_u128(0x7a5f_0000 + u128::try_from(number).unwrap()))
}

/// Of a few payments, so that one has several entries.
fn payment_id(number: i64) -> Uuid {
    Uuid::from_u128(0x9a40_0000 + u128::try_from(number).unwrap())
}

impl History {
    pub(super) fn begin(log: &mut Log) -> Self {
        for customer in 1..=CUSTOMERS {
            log.select(u128::try_from(customer).unwrap(), customer, PRODUCT);
        }
        Self { day: today(), open: Vec::new(), transfers: 0, loans: 0, loan: None }
    }

    /// A day on which something may have been booked, or nearly.
    pub(super) fn day(&self, dice: &mut Dice) -> NaiveDate {
        let days = (self.day - today()).num_days() + 60;
        today() - Days::new(40) + Days::new(dice.below(days).unsigned_abs())
    }

    /// Any subject.
    pub(super) fn part(&self, dice: &mut Dice) -> Part {
        match dice.below(3) {
            0 => Part::Party(dice.customer().0),
            1 => Part::Party(transfer_id(dice.below(self.transfers) + 1).0),
            _ => Part::Loan(LoanNumber(dice.below(self.loans) + 1)),
        }
    }

    /// Any filter.
    pub(super) fn wanted(&self, dice: &mut Dice, head: i64) -> Wanted {
        let mut wanted = all(if dice.below(2) == 0 { head } else { dice.below(head) });
        if dice.below(2) == 0 {
            wanted.account = Some(Account::ALL[usize::try_from(dice.below(9)).unwrap()]);
        }
        wanted.part = match dice.below(6) {
            0 => Some(Part::Party(dice.customer().0)),
            1 => Some(Part::Party(transfer_id(dice.below(self.transfers) + 1).0)),
            2 => Some(Part::Loan(LoanNumber(dice.below(self.loans) + 1))),
            _ => None,
        };
        wanted.reference = match dice.below(12) {
            0 => Some(Voucher::Id(payment_id(dice.below(50)))),
            1 => Some(Voucher::Id(transfer_id(dice.below(self.transfers) + 1).0)),
            2 => Some(Voucher::Loan(LoanNumber(dice.below(self.loans) + 1))),
            _ => None,
        };
        if dice.below(3) > 0 {
            wanted.from = Some(self.day(dice));
        }
        if dice.below(3) > 0 {
            let to = self.day(dice);
            wanted.to = Some(wanted.from.map_or(to, |from| from.max(to)));
        }
        wanted
    }

    /// At least one event.
    pub(super) fn step(&mut self, log: &mut Log, dice: &mut Dice) {
        if dice.below(6) == 0 {
            self.day = self.day + Days::new(dice.below(3).unsigned_abs());
        }
        // One in ten is dated back.
        let business_on = if dice.below(10) == 0 { self.day(dice).min(self.day) } else { self.day };
        let customer = dice.customer();
        let amount = rupiah(dice.below(500_000) + 1);
        let done = match dice.below(20) {
            0..4 => false,
            4..10 => {
                let purpose = WalletPurpose::Payment { payment_id: PaymentId(payment_id(amount.get() % 50)) };
                let debit = WalletCommand::Debit { amount, purpose, remarks: None, business_on };
                log.run::<Wallet>(customer, debit).is_ok()
            }
            10..14 => self.start(log, dice, customer, amount, business_on),
            14..17 => self.proceed(log, dice, business_on),
            17..19 => self.lend(log, dice),
            _ => {
                log.define_role(RoleId(1_000 + i64::try_from(log.streams.len()).unwrap()), &[]);
                true
            }
        };
        if !done {
            let top_up_id = TopUpId(Uuid::from_u128(amount.get().cast_unsigned().into()));
            credit(log, customer, amount, WalletSource::TopUp { top_up_id }, business_on);
        }
    }

    fn start(
        &mut self,
        log: &mut Log,
        dice: &mut Dice,
        sender: UserId,
        amount: Rupiah,
        business_on: NaiveDate,
    ) -> bool {
        let target = dice.customer();
        let transfer_id = transfer_id(self.transfers + 1);
        let purpose = WalletPurpose::Transfer { transfer_id };
        let debit = WalletCommand::Debit { amount, purpose, remarks: None, business_on };
        if target == sender || log.run::<Wallet>(sender, debit).is_err() {
            return false;
        }
        self.transfers += 1;
        self.open.push(transfer_id);
        let instruction = Instruction {
            transfer_id,
            sender,
            target,
            amount_rupiah: amount,
            remarks: None,
            remarks_for_target: None,
            business_on,
        };
        log.run::<Transfer>(transfer_id, TransferCommand::Start(instruction)).unwrap();
        true
    }

    /// Settles, returns, parks or retries one that is open.
    fn proceed(&mut self, log: &mut Log, dice: &mut Dice, business_on: NaiveDate) -> bool {
        if self.open.is_empty() {
            return false;
        }
        let index = usize::try_from(dice.below(i64::try_from(self.open.len()).unwrap())).unwrap();
        let transfer_id = self.open[index];
        let state = log.state::<Transfer>(transfer_id).0;
        let Transfer::Started { instruction, status } = &state else { unreachable!() };
        let (command, end) = match (status, dice.below(5)) {
            (TransferStatus::Parked, _) => (TransferCommand::Retry, None),
            (_, 0) => (TransferCommand::Park { because: ParkReason::Operator }, None),
            (_, 1) => {
                let because = ReturnReason::TargetNotActive;
                let back = (instruction.sender, WalletSource::Return { transfer_id });
                (TransferCommand::Return { because, business_on }, Some(back))
            }
            _ => {
                let on = (instruction.target, WalletSource::Transfer { transfer_id });
                (TransferCommand::Settle { business_on }, Some(on))
            }
        };
        log.run::<Transfer>(transfer_id, command).unwrap();
        if let Some((owner, source)) = end {
            self.open.swap_remove(index);
            credit(log, owner, instruction.amount_rupiah, source, business_on);
        }
        true
    }

    fn lend(&mut self, log: &mut Log, dice: &mut Dice) -> bool {
        let Some(loan) = self.loan else {
            self.loans += 1;
            self.loan = Some(self.loans);
            let customer = u128::try_from(dice.below(CUSTOMERS) + 1).unwrap();
            log.submit(self.loans, customer, 1, 1_000_000 + dice.below(9) * 1_000);
            return true;
        };
        let status = log.state::<Loan>(LoanNumber(loan)).0.application().unwrap().status;
        if dice.below(8) == 0 {
            log.reject(loan, officer(104, Some(1)), "no");
            self.loan = None;
            return true;
        }
        let number = match status {
            LoanStatus::Submitted => 101,
            LoanStatus::MarketingApproved => 102,
            _ => 103,
        };
        log.approve(loan, officer(number, Some(1)), None);
        if number == 103 {
            self.loan = None;
        }
        true
    }
}

fn credit(log: &mut Log, owner: UserId, amount: Rupiah, source: WalletSource, business_on: NaiveDate) {
    let credit = WalletCommand::Credit { owner, amount, source, remarks: None, business_on };
    log.run::<Wallet>(owner, credit).unwrap();
}

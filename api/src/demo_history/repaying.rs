//! From the payout to the end of a loan.

use chrono::NaiveDate;
use lumbung_commands::Expected;
use lumbung_commands::loan::servicing::{
    BackdateRepayment, PayOffLoan, RepayLoan, ReverseRepayment, Source, WriteOffLoan,
};
use lumbung_domain::{Debt, LoanNumber, LoanStatus, Note, Owed, RepaymentId, Rupiah, Stage, TopUpId, UserId};

use super::agenda::{Errand, Step};
use super::character::Manner;
use super::days::Teller;
use super::dice::Dice;
use super::house::{between_hours, workday_after};
use super::scene::{Asking, Who};
use super::{HistoryError, days_later};

/// Whose first repayment the bank takes back, so that a small history has that too.
const REVERSED: usize = 8;
/// Days past due beyond which nobody expects anything: the last grade of collectibility.
const HOPELESS_AFTER_DAYS: u32 = 180;

impl Teller {
    /// Who pays today, and which loans are given up.
    pub(super) fn plan_loans(&mut self) {
        let active: Vec<LoanNumber> = self.scene.mirror.active().collect();
        for loan in active {
            if let Some((second, step)) = self.step_of_loan(loan) {
                self.agenda.plan(self.today, second, step);
            }
        }
    }

    fn step_of_loan(&self, loan: LoanNumber) -> Option<(u32, Step)> {
        let character = &self.customers[self.owner(loan)?].character;
        let debt = self.scene.mirror.debt(loan)?;
        let mut dice = self.dice_of_loan("end", loan);
        let patience = HOPELESS_AFTER_DAYS + u32::try_from(dice.below(20)).unwrap_or_default();
        if debt.days_past_due > patience && self.at_work() {
            return Some((between_hours(&mut dice, 10, 12), Step::WriteOff { loan }));
        }
        let owed = debt.instalments.iter().find(|owed| debt.unpaid(owed) > 0)?;
        let early = 1 + dice.below(debt.instalments.len() as u64);
        let (instalment, due_on) = (owed.plan.number, owed.plan.due_on);
        let mut dice =
            Dice::of(self.story.seed, "instalment", loan.0.unsigned_abs() << 16 | u64::from(instalment));
        let second = between_hours(&mut dice, 7, 20);
        if character.manner == Manner::Early && due_on == self.today && u64::from(instalment) >= early {
            return Some((second, Step::PayOff { loan }));
        }
        let attempts = character.attempts(instalment, &mut dice);
        let days = (self.today - due_on).num_days();
        let last = attempts.last()?.after_days;
        let due_now = attempts.iter().find(|attempt| attempt.after_days == days);
        // Whatever went wrong is made good within the week.
        let percent = match due_now {
            Some(attempt) => attempt.percent,
            None if days > last && (days - last) % 7 == 0 => 100,
            None => return None,
        };
        let by_bank = character.manner == Manner::Slow && days > 2 && days < 20 && dice.chance(80);
        if by_bank && self.at_work() {
            return Some((second.max(9 * 3_600), Step::Backdate { loan, instalment, paid_on: due_on }));
        }
        Some((second, Step::Errand(Errand::Repay { loan, instalment, percent })))
    }

    pub(super) fn repaying(
        &mut self,
        loan: LoanNumber,
        instalment: u16,
        percent: i64,
    ) -> Result<Option<Asking>, HistoryError> {
        let Some(debt) = self.scene.mirror.debt(loan) else { return Ok(None) };
        let ahead = owed(debt, instalment).filter(|owed| owed.plan.due_on > self.today);
        let due = ahead.map_or_else(|| debt.due_rupiah(), |owed| debt.unpaid(owed));
        let part = if percent == 100 { due } else { (due * percent / 100_000 * 1_000).max(1_000) };
        let rupiah = part.min(due).min(debt.payoff_rupiah());
        let before = debt.repayments.len() as u64;
        let Some((repayment, asking)) = self.paying_in(loan, rupiah)? else { return Ok(None) };
        // Every repayment has a throw of its own: what was taken back once is not taken back for ever.
        let mut dice = Dice::of(self.story.seed, "reversal", loan.0.unsigned_abs() << 16 | before);
        let cast = self.owner(loan) == Some(REVERSED) && before == 0;
        if dice.chance(15) || cast {
            let day = workday_after(self.today, 1);
            self.agenda.plan(day, between_hours(&mut dice, 13, 16), Step::Reverse { loan, repayment });
        }
        Ok(Some(asking))
    }

    /// Sets an amount against the loan: out of the wallet if there is enough in it, else paid in by the gateway.
    fn paying_in(
        &mut self,
        loan: LoanNumber,
        rupiah: i64,
    ) -> Result<Option<(RepaymentId, Asking)>, HistoryError> {
        let Some(known) = self.owner(loan).and_then(|owner| self.customers[owner].known.as_ref()) else {
            return Ok(None);
        };
        if rupiah <= 0 {
            return Ok(None);
        }
        let actor = known.actor;
        let repayment_id = RepaymentId(self.scene.id());
        let source = self.source(actor.user, rupiah);
        let amount = Rupiah::positive(rupiah)?;
        let repaying = RepayLoan { actor, loan, repayment_id, amount, source, expected: Expected::Anything };
        self.told.repayments += 1;
        Ok(Some((repayment_id, self.scene.asking(Who::Person(actor.user), repaying))))
    }

    fn source(&mut self, owner: UserId, rupiah: i64) -> Source {
        if self.scene.mirror.balance(owner) >= rupiah {
            Source::Wallet
        } else {
            Source::Gateway { top_up_id: TopUpId(self.scene.id()) }
        }
    }

    pub(super) async fn pay_off(&mut self, loan: LoanNumber) -> Result<(), HistoryError> {
        let Some(known) = self.owner(loan).and_then(|owner| self.customers[owner].known.as_ref()) else {
            return Ok(());
        };
        let actor = known.actor;
        let Some(payoff) = self.scene.mirror.debt(loan).map(Debt::payoff_rupiah) else { return Ok(()) };
        let repayment_id = RepaymentId(self.scene.id());
        let source = self.source(actor.user, payoff);
        let paying = PayOffLoan { actor, loan, repayment_id, source, expected: Expected::Anything };
        self.scene.ask(Who::Person(actor.user), paying).await?;
        self.told.repayments += 1;
        Ok(())
    }

    /// The customer paid at the bank on the due day; an officer finds it and has it count from then.
    pub(super) async fn backdate(
        &mut self,
        loan: LoanNumber,
        instalment: u16,
        paid_on: NaiveDate,
    ) -> Result<(), HistoryError> {
        let Some(debt) = self.scene.mirror.debt(loan) else { return Ok(()) };
        let Some(owed) = owed(debt, instalment) else { return Ok(()) };
        let paid = owed.paid.principal_rupiah + owed.paid.interest_rupiah + owed.paid.fee_rupiah;
        let rupiah = (owed.plan.total_rupiah() - paid).min(debt.payoff_rupiah());
        let Some(branch) = self.owner(loan).map(|owner| self.customers[owner].character.branch) else {
            return Ok(());
        };
        if rupiah <= 0 {
            return Ok(());
        }
        let actor = self.house.officer(Stage::Backoffice, branch)?;
        let backdating = BackdateRepayment {
            actor,
            loan,
            repayment_id: RepaymentId(self.scene.id()),
            amount: Rupiah::positive(rupiah)?,
            source: Source::Gateway { top_up_id: TopUpId(self.scene.id()) },
            paid_on,
            confirmed: true,
            expected: Expected::Anything,
        };
        self.scene.ask(Who::Person(actor.user), backdating).await?;
        self.told.repayments += 1;
        Ok(())
    }

    pub(super) async fn reverse(
        &mut self,
        loan: LoanNumber,
        repayment_id: RepaymentId,
    ) -> Result<(), HistoryError> {
        let Some(customer) = self.owner(loan) else { return Ok(()) };
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let note = known.sealer.seal(&Note::new("Dana ditarik kembali oleh bank pengirim")?)?;
        let actor = self.house.officer(Stage::Backoffice, self.customers[customer].character.branch)?;
        let reversing = ReverseRepayment { actor, loan, repayment_id, note, expected: Expected::Anything };
        self.scene.ask(Who::Person(actor.user), reversing).await?;
        self.told.reversals += 1;
        Ok(())
    }

    pub(super) async fn write_off(&mut self, loan: LoanNumber) -> Result<(), HistoryError> {
        let Some(customer) = self.owner(loan) else { return Ok(()) };
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let note = known.sealer.seal(&Note::new("Tidak tertagih setelah 180 hari")?)?;
        let actor = self.house.officer(Stage::Backoffice, self.customers[customer].character.branch)?;
        let writing_off = WriteOffLoan { actor, loan, note, expected: Expected::Anything };
        self.scene.ask(Who::Person(actor.user), writing_off).await?;
        let mut dice = self.dice_of_loan("recovery", loan);
        if self.customers[customer].character.cast || dice.chance(300) {
            let day = days_later(self.today, dice.below(30) + 5)?;
            let (second, percent) = (between_hours(&mut dice, 9, 18), dice.between(5..=40));
            self.agenda.plan(day, second, Step::Recover { loan, percent });
        }
        Ok(())
    }

    pub(super) async fn recover(&mut self, loan: LoanNumber, percent: i64) -> Result<(), HistoryError> {
        let given_up = self.scene.mirror.status(loan) == Some(LoanStatus::WrittenOff);
        let Some(debt) = self.scene.mirror.debt(loan).filter(|_| given_up) else { return Ok(()) };
        let rupiah = (debt.payoff_rupiah() * percent / 100_000 * 1_000).max(10_000).min(debt.payoff_rupiah());
        let asking = self.paying_in(loan, rupiah)?.map(|(_, asking)| asking);
        self.scene.ask_all(asking.into_iter().collect()).await
    }
}

fn owed(debt: &Debt, instalment: u16) -> Option<&Owed> {
    debt.instalments.get(usize::from(instalment).checked_sub(1)?)
}

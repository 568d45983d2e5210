//! From the registration to the payout.

use lumbung_commands::loan::{ApproveLoan, CancelLoan, ExpireLoan, RejectLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::session::EndSession;
use lumbung_commands::user::{Newcomer, RegisterCustomer, UpdateProfile};
use lumbung_commands::{Actor, Expected};
use lumbung_domain::{
    LoanNumber, LoanStatus, Note, Plafond, ProductId, Profile, Rupiah, SessionId, Tenor, UserId,
};

use super::agenda::{Errand, Step};
use super::character::Manner;
use super::days::{Known, Teller};
use super::house::{BRANCHES, between_hours, is_weekend, workday_after};
use super::people::Login;
use super::scene::Who;
use super::{HistoryError, days_later};

/// Whose first application is refused, so that a small history has that too.
const REFUSED: usize = 9;
/// The setting's default.
const EXPIRES_AFTER_DAYS: u32 = 30;

/// By what they earn in a month: the product, its limit, and its longest tenor.
const PRODUCTS: [(i64, ProductId, i64); 4] = [
    (4_500_000, ProductId(1), 12),
    (8_000_000, ProductId(2), 24),
    (14_000_000, ProductId(3), 36),
    (i64::MAX, ProductId(4), 48),
];

const APPROVED: &[&str] = &[
    "Dokumen lengkap",
    "Dokumen sudah diverifikasi",
    "Survei lapangan baik",
    "Penghasilan sesuai slip gaji",
];
const REJECTED: &[&str] = &[
    "Penghasilan tidak mencukupi",
    "Dokumen tidak lengkap",
    "Rasio cicilan terlalu tinggi",
    "Usaha belum berjalan",
];
const CANCELLED: &[&str] =
    &["Sudah tidak membutuhkan", "Mendapat pinjaman keluarga", "Ingin mengubah jumlah"];

impl Teller {
    pub(super) async fn register(&mut self, customer: usize) -> Result<(), HistoryError> {
        let number = self.scene.numbers.user().await?;
        let (user, session) = (UserId(self.scene.id()), SessionId(self.scene.id()));
        let person = &self.customers[customer].person;
        let vault = self.scene.ledger.vault();
        let (newcomer, sealer) = match &person.login {
            Login::Email(email) => {
                let name = lumbung_domain::PersonName::joined(&person.first, Some(&person.last));
                Newcomer::seal_by_email(vault, user, number, &name, email, &self.password)?
            }
            Login::Phone => {
                let name = (&person.first, Some(&person.last));
                Newcomer::seal_by_phone(vault, user, number, name, &person.phone, &self.pin)?
            }
        };
        let profile = match &person.login {
            Login::Email(_) => Profile::default(),
            Login::Phone => Profile {
                phone: Some(sealer.seal(&person.phone)?),
                address: Some(sealer.seal(&person.address)?),
                ..Profile::default()
            },
        };
        let registering = RegisterCustomer { newcomer, profile, session: Some(session) };
        self.scene.ask(Who::Person(user), registering).await?;
        self.owners.insert(user, customer);
        self.customers[customer].known = Some(Known {
            actor: Actor { user, session },
            sealer,
            profile_complete: false,
            loans: Vec::new(),
            rests_until: self.today,
        });
        self.told.customers += 1;
        let mut dice = self.dice_of_day(customer, "registering");
        let days = if self.customers[customer].character.cast { 1 } else { dice.below(4) + 1 };
        let second = between_hours(&mut dice, 7, 21);
        self.agenda.plan(days_later(self.today, days)?, second, Step::CompleteProfile { customer });
        Ok(())
    }

    pub(super) async fn complete_profile(&mut self, customer: usize) -> Result<(), HistoryError> {
        let person = &self.customers[customer].person;
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let by_email = matches!(person.login, Login::Email(_));
        let profile = Profile {
            nik: Some(known.sealer.seal(&person.nik)?),
            birthdate: Some(known.sealer.seal(&person.birthdate)?),
            phone: if by_email { Some(known.sealer.seal(&person.phone)?) } else { None },
            address: if by_email { Some(known.sealer.seal(&person.address)?) } else { None },
            ..Profile::default()
        };
        let actor = known.actor;
        let updating = UpdateProfile { actor, expected: Expected::Anything, profile, documents: Vec::new() };
        self.scene.ask(Who::Person(actor.user), updating).await?;
        let rests_until = self.today.succ_opt().ok_or(HistoryError::Calendar)?;
        if let Some(known) = &mut self.customers[customer].known {
            (known.profile_complete, known.rests_until) = (true, rests_until);
        }
        Ok(())
    }

    /// Whether somebody applies today.
    pub(super) fn plan_application(&mut self, customer: usize) {
        let Some(known) = &self.customers[customer].known else { return };
        let character = &self.customers[customer].character;
        let mut dice = self.dice_of_day(customer, "applying");
        let willing = match known.loans.len() {
            _ if character.manner == Manner::NoLoans || !known.profile_complete => 0,
            0 if character.cast => 1_000,
            0 => 70,
            // Who waits at the end has nothing else by then.
            _ if character.waits_for.is_some() => 0,
            _ => 25,
        };
        let open = known.loans.iter().any(|loan| match self.scene.mirror.status(*loan) {
            Some(
                LoanStatus::Submitted | LoanStatus::MarketingApproved | LoanStatus::BranchManagerApproved,
            )
            | Some(LoanStatus::Disbursed | LoanStatus::WrittenOff) => true,
            Some(
                LoanStatus::MarketingRejected
                | LoanStatus::BmRejected
                | LoanStatus::Rejected
                | LoanStatus::Cancelled
                | LoanStatus::Expired
                | LoanStatus::PaidOff,
            )
            | None => false,
        });
        if !open && self.today >= known.rests_until && dice.chance(willing) {
            let second = between_hours(&mut dice, 8, 21);
            self.agenda.plan(self.today, second, Step::Apply { customer });
        }
    }

    pub(super) async fn apply(&mut self, customer: usize) -> Result<(), HistoryError> {
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let (actor, character) = (known.actor, &self.customers[customer].character);
        let (income, branch, cast) = (character.income_rupiah, BRANCHES[character.branch], character.cast);
        let (_, product, longest) =
            PRODUCTS.into_iter().find(|(below, ..)| income < *below).unwrap_or(PRODUCTS[3]);
        let remaining = match self.scene.mirror.plafond(actor.user) {
            Some(Plafond::Active { remaining_rupiah, .. }) => remaining_rupiah.get(),
            Some(Plafond::Unselected | Plafond::Depleted { .. }) | None => {
                let number = self.scene.numbers.plafond().await?;
                let selecting = SelectPlafond { actor, number, product, expected: Expected::Anything };
                let selected = self.scene.ask(Who::Person(actor.user), selecting).await?;
                self.scene.pass(150);
                selected.terms.amount_rupiah.get()
            }
        };
        let mut dice = self.dice_of_day(customer, "wish");
        let months = dice.one(&[&3_i64, &3, &6, &6, &6, &9, &12, &12, &18, &24]).to_owned().min(longest);
        let months = if cast { months.min(6) } else { months };
        let wish = dice.rupiah(500_000..=(income * months * 35 / 100).max(500_000), 100_000);
        // What is left of a plafond is taken whole rather than left behind.
        let amount = if remaining - wish < 500_000 { remaining } else { wish };
        let loan = self.scene.numbers.loan().await?;
        let submitting = SubmitLoan {
            actor,
            loan,
            branch,
            amount: Rupiah::positive(amount)?,
            tenor: Tenor::new(months)?,
            interest_rate: None,
        };
        self.scene.ask(Who::Person(actor.user), submitting).await?;
        if let Some(known) = &mut self.customers[customer].known {
            known.loans.push(loan);
        }
        self.plan_decisions(customer, loan)
    }

    /// What will become of an application.
    fn plan_decisions(&mut self, customer: usize, loan: LoanNumber) -> Result<(), HistoryError> {
        let cast = self.customers[customer].character.cast;
        let mut dice = self.dice_of_loan("application", loan);
        let (forgotten, withdrawn) = (dice.chance(20), dice.chance(40));
        if forgotten && !cast {
            let day = days_later(self.today, u64::from(EXPIRES_AFTER_DAYS) + 1)?;
            self.agenda.plan(day, 1_800, Step::Expire { loan });
            return Ok(());
        }
        if withdrawn && !cast {
            let day = days_later(self.today, dice.below(2))?;
            self.agenda.plan(day, between_hours(&mut dice, 21, 22), Step::Cancel { loan });
        }
        self.plan_decision(customer, loan);
        Ok(())
    }

    fn plan_decision(&mut self, customer: usize, loan: LoanNumber) {
        let waits_for = self.customers[customer].character.waits_for;
        let Some(stage) = self.scene.mirror.status(loan).and_then(LoanStatus::awaits) else { return };
        if waits_for == Some(stage) {
            return;
        }
        let mut dice = self.dice_of_loan(&format!("when {}", stage.role_name()), loan);
        let days = if waits_for.is_some() { 1 } else { dice.between(1..=3) };
        let day = workday_after(self.today, days);
        self.agenda.plan(day, between_hours(&mut dice, 9, 16), Step::Decide { loan });
    }

    pub(super) async fn decide(&mut self, loan: LoanNumber) -> Result<(), HistoryError> {
        let Some(customer) = self.owner(loan) else { return Ok(()) };
        // Withdrawn meanwhile.
        let Some(stage) = self.scene.mirror.status(loan).and_then(LoanStatus::awaits) else { return Ok(()) };
        let (cast, branch) =
            (self.customers[customer].character.cast, self.customers[customer].character.branch);
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let actor = self.house.officer(stage, branch)?;
        let who = Who::Person(actor.user);
        let mut dice = self.dice_of_loan(stage.role_name(), loan);
        let refuses = if cast { customer == REFUSED && known.loans.len() == 1 } else { dice.chance(60) };
        let expected = Expected::Anything;
        if refuses {
            let note = known.sealer.seal(&Note::new(dice.one(REJECTED))?)?;
            self.scene.ask(who, RejectLoan { actor, loan, note, expected }).await?;
            self.rest(customer, 20)?;
            return Ok(());
        }
        let text = Note::new(dice.one(APPROVED))?;
        let note = if dice.chance(700) { Some(known.sealer.seal(&text)?) } else { None };
        let outcome = self.scene.ask(who, ApproveLoan { actor, loan, note, expected }).await?;
        if outcome.status == LoanStatus::Disbursed {
            let percent = dice.between(50..=90);
            let rupiah = outcome.submission.amount_rupiah.get() * percent / 100_000 * 1_000;
            let day = days_later(self.today, dice.below(3) + 1)?;
            let second = between_hours(&mut dice, 8, 20);
            self.agenda.plan(day, second, Step::Errand(Errand::Spend { customer, rupiah }));
        } else {
            self.plan_decision(customer, loan);
        }
        Ok(())
    }

    pub(super) async fn cancel(&mut self, loan: LoanNumber) -> Result<(), HistoryError> {
        let Some(customer) = self.owner(loan) else { return Ok(()) };
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        if self.scene.mirror.status(loan).and_then(LoanStatus::awaits).is_none() {
            return Ok(());
        }
        let actor = known.actor;
        let mut dice = self.dice_of_loan("cancelling", loan);
        let note = Some(known.sealer.seal(&Note::new(dice.one(CANCELLED))?)?);
        let cancelling = CancelLoan { actor, loan, note, expected: Expected::Anything };
        self.scene.ask(Who::Person(actor.user), cancelling).await?;
        self.rest(customer, 10)
    }

    pub(super) async fn expire(&mut self, loan: LoanNumber) -> Result<(), HistoryError> {
        let expiring = ExpireLoan { loan, after_days: EXPIRES_AFTER_DAYS };
        self.scene.ask(Who::Process("expiry"), expiring).await?;
        Ok(())
    }

    /// Somebody applies for nothing for some days.
    fn rest(&mut self, customer: usize, days: u64) -> Result<(), HistoryError> {
        let until = days_later(self.today, days)?;
        if let Some(known) = &mut self.customers[customer].known {
            known.rests_until = until;
        }
        Ok(())
    }

    pub(super) async fn log_out(&mut self, customer: usize) -> Result<(), HistoryError> {
        let Some(known) = &self.customers[customer].known else { return Ok(()) };
        let actor = known.actor;
        self.scene.ask(Who::Person(actor.user), EndSession { actor }).await
    }

    /// Whether the house is at work today.
    pub(super) fn at_work(&self) -> bool {
        !is_weekend(self.today)
    }
}

//! Day after day: first the days of all loans are closed, then everybody does what they have planned, in the order of the clock.

use std::collections::HashMap;

use chrono::NaiveDate;
use lumbung_commands::loan::servicing::CloseLoanDays;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::{Actor, Ledger};
use lumbung_domain::{LoanNumber, LoanStatus, PasswordHash, UserId};
use lumbung_journal::Sealer;

use super::agenda::{Agenda, Step};
use super::character::Character;
use super::dice::Dice;
use super::errands::Together;
use super::house::{House, between_hours};
use super::people::Person;
use super::scene::{Hands, Scene, Who};
use super::{HistoryError, OPENS_AT, Progress, Story, Told, days_later};
use crate::auth::{Passwords, Standing};
use crate::demo::{self, Tools};

/// Of all customers, as of those of the demo data.
const PASSWORD: &str = "customer123";
const PIN: &str = "123456";

/// Everything that the steps work with.
pub(super) struct Teller {
    pub(super) scene: Scene,
    pub(super) story: Story,
    pub(super) house: House,
    pub(super) agenda: Agenda,
    pub(super) customers: Vec<Customer>,
    /// Their places in the list.
    pub(super) owners: HashMap<UserId, usize>,
    /// Of all: hashing is slow on purpose.
    pub(super) password: PasswordHash,
    pub(super) pin: PasswordHash,
    pub(super) told: Told,
    pub(super) today: NaiveDate,
}

pub(super) struct Customer {
    pub(super) person: Person,
    pub(super) character: Character,
    /// Once they are registered.
    pub(super) known: Option<Known>,
}

pub(super) struct Known {
    pub(super) actor: Actor,
    pub(super) sealer: Sealer,
    pub(super) profile_complete: bool,
    /// The first of their applications, the last of them behind it.
    pub(super) loans: Vec<LoanNumber>,
    /// Before that day they apply for nothing.
    pub(super) rests_until: NaiveDate,
}

pub(super) async fn tell(
    ledger: Ledger,
    hands: Hands,
    story: Story,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Told, HistoryError> {
    let mut teller = Teller::begin(ledger, hands, story).await?;
    for day in 0..story.days() {
        teller.day(days_later(story.begins_on, day)?).await?;
        progress(Progress { days: day + 1, of_days: story.days(), events: teller.scene.mirror.position() });
    }
    teller.end().await
}

impl Teller {
    async fn begin(ledger: Ledger, hands: Hands, story: Story) -> Result<Self, HistoryError> {
        let mut scene = Scene::new(ledger, hands, story.zone, story.seed);
        scene.set(story.begins_on, OPENS_AT);
        scene.ask(Who::Start, DefineReferenceData).await?;
        let passwords = Passwords::new();
        let (ledger, numbers) = (scene.ledger.clone(), scene.numbers.clone());
        let tools = Tools { ledger: &ledger, passwords: &passwords, numbers: &numbers };
        let made = demo::make(&tools, || UserId(scene.id())).await?;
        let house = House::open(&mut scene, &made).await?;
        let mut customers = Vec::new();
        let mut agenda = Agenda::default();
        for n in 0..usize::try_from(story.customers).unwrap_or_default() {
            let mut dice = Dice::of(story.seed, "customer", n as u64);
            let character = Character::draw(&mut dice, n, story.begins_on, story.ends_on);
            let person = Person::draw(&mut dice, n, character.branch, story.begins_on)?;
            let second = between_hours(&mut dice, 7, 20);
            agenda.plan(character.joins_on, second, Step::Register { customer: n });
            customers.push(Customer { person, character, known: None });
        }
        Ok(Self {
            scene,
            story,
            house,
            agenda,
            customers,
            owners: HashMap::new(),
            password: passwords.hash(Standing::Known, [0; 32], PASSWORD).await?,
            pin: passwords.hash(Standing::Known, [0; 32], PIN).await?,
            told: Told { begins_on: story.begins_on, ends_on: story.ends_on, ..Told::default() },
            today: story.begins_on,
        })
    }

    async fn day(&mut self, day: NaiveDate) -> Result<(), HistoryError> {
        self.today = day;
        self.close_days(day).await?;
        self.plan_loans();
        for customer in 0..self.customers.len() {
            self.plan_customer(customer);
        }
        let mut together = Together::default();
        while let Some((second, step)) = self.agenda.next_of(day) {
            let runner = self.runner(step);
            if !runner.is_some_and(|runner| together.takes(runner, second)) {
                self.scene.ask_all(together.send()).await?;
                self.scene.set(day, second);
                together = Together::begin(second, self.story.customers);
            }
            match (step, runner) {
                (Step::Errand(errand), Some(runner)) => {
                    let asking = self.asking_for(errand)?;
                    together.take(runner, asking);
                }
                (step, _) => self.play(step).await?,
            }
        }
        self.scene.ask_all(together.send()).await
    }

    /// What the daily run does: every loan in the order of its number.
    async fn close_days(&mut self, day: NaiveDate) -> Result<(), HistoryError> {
        self.scene.set(day, 0);
        let active: Vec<LoanNumber> = self.scene.mirror.active().collect();
        let closing = |loan| self.scene.asking(Who::Process("daily-run"), CloseLoanDays { loan });
        let closing = active.into_iter().map(closing).collect();
        self.scene.ask_all(closing).await
    }

    async fn play(&mut self, step: Step) -> Result<(), HistoryError> {
        match step {
            Step::Register { customer } => self.register(customer).await,
            Step::CompleteProfile { customer } => self.complete_profile(customer).await,
            Step::Apply { customer } => self.apply(customer).await,
            Step::Decide { loan } => self.decide(loan).await,
            Step::Cancel { loan } => self.cancel(loan).await,
            Step::Expire { loan } => self.expire(loan).await,
            Step::Errand(errand) => {
                let asking = self.asking_for(errand)?;
                self.scene.ask_all(asking.into_iter().collect()).await
            }
            Step::Transfer { customer } => self.transfer(customer).await,
            Step::PayOff { loan } => self.pay_off(loan).await,
            Step::Backdate { loan, instalment, paid_on } => self.backdate(loan, instalment, paid_on).await,
            Step::Reverse { loan, repayment } => self.reverse(loan, repayment).await,
            Step::WriteOff { loan } => self.write_off(loan).await,
            Step::Recover { loan, percent } => self.recover(loan, percent).await,
        }
    }

    /// The day of the end begins: its loans are closed up to it, and nobody is logged in any more.
    async fn end(mut self) -> Result<Told, HistoryError> {
        self.close_days(self.story.ends_on).await?;
        for customer in 0..self.customers.len() {
            self.log_out(customer).await?;
        }
        let Self { mut scene, house, mut told, .. } = self;
        house.close(&mut scene).await?;
        let mut loans = super::Loans::default();
        for status in scene.mirror.loans().filter_map(|loan| scene.mirror.status(loan)) {
            *match status {
                LoanStatus::Submitted | LoanStatus::MarketingApproved | LoanStatus::BranchManagerApproved => {
                    &mut loans.pending
                }
                LoanStatus::MarketingRejected | LoanStatus::BmRejected | LoanStatus::Rejected => {
                    &mut loans.rejected
                }
                LoanStatus::Cancelled => &mut loans.cancelled,
                LoanStatus::Expired => &mut loans.expired,
                LoanStatus::Disbursed => &mut loans.disbursed,
                LoanStatus::PaidOff => &mut loans.paid_off,
                LoanStatus::WrittenOff => &mut loans.written_off,
            } += 1;
        }
        (told.loans, told.events) = (loans, scene.mirror.position());
        Ok(told)
    }

    /// The dice of somebody's day, for one purpose.
    pub(super) fn dice_of_day(&self, customer: usize, purpose: &str) -> Dice {
        let day = (self.today - self.story.begins_on).num_days().unsigned_abs();
        Dice::of(self.story.seed, purpose, (customer as u64) << 32 | day)
    }

    /// The dice of one loan, for one purpose.
    pub(super) fn dice_of_loan(&self, purpose: &str, loan: LoanNumber) -> Dice {
        Dice::of(self.story.seed, purpose, loan.0.unsigned_abs())
    }

    /// Whose loan it is: their place in the list.
    pub(super) fn owner(&self, loan: LoanNumber) -> Option<usize> {
        let application = self.scene.mirror.loan(loan)?.application()?;
        self.owners.get(&application.submission.customer.user_id).copied()
    }
}

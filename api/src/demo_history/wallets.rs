//! What customers do with their wallets.

use chrono::Datelike;
use lumbung_commands::Expected;
use lumbung_commands::transfer::{SettleTransfer, StartTransfer};
use lumbung_commands::wallet::{Pay, TopUp};
use lumbung_domain::{PaymentId, Remarks, Rupiah, TopUpId, TransferId};

use super::HistoryError;
use super::agenda::{Errand, Step};
use super::days::Teller;
use super::house::between_hours;
use super::scene::{Asking, Who};

/// What is paid for, and how much it is.
const BILLS: [(&str, i64, i64); 8] = [
    ("Pulsa Telkomsel", 25_000, 100_000),
    ("Token listrik PLN", 50_000, 300_000),
    ("Iuran BPJS Kesehatan", 42_000, 150_000),
    ("Belanja warung", 20_000, 180_000),
    ("Bensin", 25_000, 120_000),
    ("Tagihan air PDAM", 60_000, 220_000),
    ("Uang sekolah anak", 150_000, 450_000),
    ("Paket internet", 55_000, 350_000),
];
const PURPOSES: &[&str] = &[
    "Modal usaha warung",
    "Renovasi rumah",
    "Biaya sekolah",
    "Perbaikan motor",
    "Biaya rumah sakit",
    "Stok dagangan",
];
const TRANSFERS: &[&str] = &["Arisan", "Patungan makan", "Bayar utang", "Untuk Ibu", "Kado", "Ganti ongkos"];

/// What stays in the wallet when something is paid for.
const RESERVE: i64 = 20_000;

impl Teller {
    /// What somebody does today, besides their loans.
    pub(super) fn plan_customer(&mut self, customer: usize) {
        if self.customers[customer].known.is_none() {
            return;
        }
        self.plan_application(customer);
        let mut dice = self.dice_of_day(customer, "wallet");
        let payday = self.customers[customer].character.payday;
        if self.today.day() == payday {
            let second = between_hours(&mut dice, 7, 12);
            self.agenda.plan(self.today, second, Step::Errand(Errand::TopUp { customer }));
        }
        if dice.chance(150) {
            let second = between_hours(&mut dice, 7, 22);
            self.agenda.plan(self.today, second, Step::Errand(Errand::Pay { customer }));
        }
        if dice.chance(22) {
            let second = between_hours(&mut dice, 9, 21);
            self.agenda.plan(self.today, second, Step::Transfer { customer });
        }
    }

    pub(super) fn topping_up(&mut self, customer: usize) -> Result<Option<Asking>, HistoryError> {
        let Some(known) = &self.customers[customer].known else { return Ok(None) };
        let (actor, income) = (known.actor, self.customers[customer].character.income_rupiah);
        let mut dice = self.dice_of_day(customer, "top-up");
        let amount = Rupiah::positive(dice.rupiah(income / 8..=income / 4, 50_000).max(100_000))?;
        let top_up_id = TopUpId(self.scene.id());
        let filling = TopUp { actor, top_up_id, amount, remarks: None, expected: Expected::Anything };
        self.told.top_ups += 1;
        Ok(Some(self.scene.asking(Who::Person(actor.user), filling)))
    }

    pub(super) fn paying(&mut self, customer: usize) -> Result<Option<Asking>, HistoryError> {
        let mut dice = self.dice_of_day(customer, "bill");
        let at = usize::try_from(dice.below(BILLS.len() as u64)).unwrap_or_default();
        let (what, least, most) = BILLS[at];
        let rupiah = dice.rupiah(least..=most, 1_000);
        self.paying_for(customer, what, rupiah)
    }

    pub(super) fn spending(&mut self, customer: usize, rupiah: i64) -> Result<Option<Asking>, HistoryError> {
        let purpose = self.dice_of_day(customer, "purpose").one(PURPOSES);
        self.paying_for(customer, purpose, rupiah)
    }

    /// Unless there is too little in the wallet.
    fn paying_for(
        &mut self,
        customer: usize,
        what: &str,
        rupiah: i64,
    ) -> Result<Option<Asking>, HistoryError> {
        let Some(known) = &self.customers[customer].known else { return Ok(None) };
        let actor = known.actor;
        if rupiah <= 0 || self.scene.mirror.balance(actor.user) < rupiah + RESERVE {
            return Ok(None);
        }
        let remarks = Some(known.sealer.seal(&Remarks::new(what)?)?);
        let payment_id = PaymentId(self.scene.id());
        let amount = Rupiah::positive(rupiah)?;
        let paying = Pay { actor, payment_id, amount, remarks, expected: Expected::Anything };
        self.told.payments += 1;
        Ok(Some(self.scene.asking(Who::Person(actor.user), paying)))
    }

    /// To another customer; settled a moment later, as the process manager does it.
    pub(super) async fn transfer(&mut self, customer: usize) -> Result<(), HistoryError> {
        let mut dice = self.dice_of_day(customer, "transfer");
        let target = usize::try_from(dice.below(self.customers.len() as u64)).unwrap_or_default();
        let (Some(known), Some(receiver)) = (&self.customers[customer].known, &self.customers[target].known)
        else {
            return Ok(());
        };
        let (actor, to) = (known.actor, receiver.actor.user);
        let rupiah = dice.rupiah(20_000..=400_000, 5_000);
        if target == customer || self.scene.mirror.balance(actor.user) < rupiah + RESERVE {
            return Ok(());
        }
        let remarks = Remarks::new(dice.one(TRANSFERS))?;
        let (remarks, remarks_for_target) = (known.sealer.seal(&remarks)?, receiver.sealer.seal(&remarks)?);
        let transfer_id = TransferId(self.scene.id());
        let starting = StartTransfer {
            actor,
            transfer_id,
            target: to,
            amount: Rupiah::positive(rupiah)?,
            remarks: Some(remarks),
            remarks_for_target: Some(remarks_for_target),
            expected: Expected::Anything,
        };
        self.scene.ask(Who::Person(actor.user), starting).await?;
        self.scene.pass(1);
        self.scene.ask(Who::Process("settlement"), SettleTransfer { transfer: transfer_id }).await?;
        self.told.transfers += 1;
        Ok(())
    }
}

//! What customers do by themselves with what they have: asked for together, or a long history would be one wait after the other.
//!
//! Bounds: [`MOST`] at once, one of each customer, so that none depends on another. They are recorded at one instant, that of the first:
//! the more people there are, the longer they may be apart, and the less it shows.

use std::collections::HashSet;

use super::HistoryError;
use super::agenda::{Errand, Step};
use super::days::Teller;
use super::scene::Asking;

const MOST: usize = 64;
/// How far apart they may be, in seconds: so many for each customer, up to the most.
const APART_PER_CUSTOMER: u32 = 15;
const APART: u32 = 7_200;

/// Errands that are asked for together.
#[derive(Default)]
pub(super) struct Together {
    began: u32,
    apart: u32,
    runners: HashSet<usize>,
    asking: Vec<Asking>,
}

impl Together {
    pub(super) fn begin(second: u32, customers: u32) -> Self {
        let apart = customers.saturating_mul(APART_PER_CUSTOMER).min(APART);
        Self { began: second, apart, ..Self::default() }
    }

    /// Whether there is room for one more, of this customer at this second.
    pub(super) fn takes(&self, runner: usize, second: u32) -> bool {
        !self.runners.contains(&runner)
            && !self.runners.is_empty()
            && self.runners.len() < MOST
            && second <= self.began + self.apart
    }

    pub(super) fn take(&mut self, runner: usize, asking: Option<Asking>) {
        self.runners.insert(runner);
        self.asking.extend(asking);
    }

    pub(super) fn send(&mut self) -> Vec<Asking> {
        self.runners.clear();
        std::mem::take(&mut self.asking)
    }
}

impl Teller {
    /// Who may do it beside others: whoever has a wallet already, because then it names no stream that is not held.
    pub(super) fn runner(&self, step: Step) -> Option<usize> {
        let Step::Errand(errand) = step else { return None };
        let runner = match errand {
            Errand::TopUp { customer } | Errand::Pay { customer } | Errand::Spend { customer, .. } => {
                customer
            }
            Errand::Repay { loan, .. } => self.owner(loan)?,
        };
        let known = self.customers[runner].known.as_ref()?;
        self.scene.mirror.has_wallet(known.actor.user).then_some(runner)
    }

    /// `None` if there is no reason to, such as too little in the wallet.
    pub(super) fn asking_for(&mut self, errand: Errand) -> Result<Option<Asking>, HistoryError> {
        match errand {
            Errand::TopUp { customer } => self.topping_up(customer),
            Errand::Pay { customer } => self.paying(customer),
            Errand::Spend { customer, rupiah } => self.spending(customer, rupiah),
            Errand::Repay { loan, instalment, percent } => self.repaying(loan, instalment, percent),
        }
    }
}

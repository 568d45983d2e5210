//! A customer's credit limit, what of it is reserved, and the one application that may be pending.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, LoanNumber, PlafondNumber, ProductTerms, Rate, Rejection, Rupiah, Tenor};

/// Stream id: the customer's [`crate::UserId`].
///
/// Submitting a loan reserves its amount here, so two submissions can never pass the limit together. The
/// `remaining` that people see falls only when the loan is disbursed.
///
/// Invariant: the reserved amount is at most `remaining`, and at most one loan is pending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plafond {
    #[default]
    Unselected,
    Active {
        number: PlafondNumber,
        terms: ProductTerms,
        remaining_rupiah: Rupiah,
        pending: Option<Reservation>,
    },
    /// Everything was disbursed; another product may be selected.
    Depleted { number: PlafondNumber },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub loan: LoanNumber,
    pub amount_rupiah: Rupiah,
}

/// What a customer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanRequest {
    pub amount: Rupiah,
    pub tenor: Tenor,
    pub interest_rate: Rate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlafondCommand {
    Select {
        number: PlafondNumber,
        terms: ProductTerms,
    },
    Reserve {
        loan: LoanNumber,
        request: LoanRequest,
    },
    /// Gives a reservation back: the loan was rejected, cancelled or forgotten.
    Release {
        loan: LoanNumber,
    },
    /// Turns a reservation into money lent.
    Convert {
        loan: LoanNumber,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum PlafondEvent {
    /// The customer's limit, on the terms of the product at that moment.
    PlafondSelected { number: PlafondNumber, terms: ProductTerms },
    /// A pending application holds this much of the limit.
    PlafondReserved(Reservation),
    /// The application ended without a loan; its reservation is free again.
    PlafondReleased(Reservation),
    /// The loan was paid out: its reservation is used for good.
    PlafondConverted { loan: LoanNumber, amount_rupiah: Rupiah, remaining_rupiah: Rupiah },
}

impl Event for PlafondEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Plafond {
    /// The checks of a submission that concern the plafond, in the contract's order: active plafond, no pending
    /// loan. The branch is checked by the use case between these and [`Plafond::check_request`].
    ///
    /// # Errors
    /// [`Rejection::PlafondRequired`], [`Rejection::LoanAlreadyPending`].
    pub fn check_ready(&self) -> Result<(), Rejection> {
        match self {
            Self::Unselected | Self::Depleted { .. } => Err(Rejection::PlafondRequired),
            Self::Active { pending: Some(_), .. } => Err(Rejection::LoanAlreadyPending),
            Self::Active { pending: None, .. } => Ok(()),
        }
    }

    /// Amount, then tenor, then rate against the plafond.
    ///
    /// # Errors
    /// [`Rejection::PlafondExceeded`], [`Rejection::TenorExceeded`], [`Rejection::RateTooLow`].
    pub fn check_request(&self, request: &LoanRequest) -> Result<(), Rejection> {
        let Self::Active { terms, remaining_rupiah, .. } = self else {
            return Err(Rejection::PlafondRequired);
        };
        if request.amount > *remaining_rupiah {
            return Err(Rejection::PlafondExceeded { remaining_rupiah: *remaining_rupiah });
        }
        if request.tenor > terms.tenor_months {
            return Err(Rejection::TenorExceeded { maximum_months: terms.tenor_months });
        }
        if request.interest_rate < terms.interest_rate {
            return Err(Rejection::RateTooLow { minimum: terms.interest_rate });
        }
        Ok(())
    }

    /// The terms while it is active.
    #[must_use]
    pub fn terms(&self) -> Option<&ProductTerms> {
        match self {
            Self::Active { terms, .. } => Some(terms),
            Self::Unselected | Self::Depleted { .. } => None,
        }
    }

    fn reservation_for(&self, loan: LoanNumber) -> Result<(Reservation, Rupiah), Rejection> {
        match self {
            Self::Active { pending: Some(held), remaining_rupiah, .. } if held.loan == loan => {
                Ok((*held, *remaining_rupiah))
            }
            Self::Active { .. } | Self::Unselected | Self::Depleted { .. } => {
                Err(Rejection::ReservationNotFound)
            }
        }
    }
}

impl Aggregate for Plafond {
    tie_to_any!(Plafond);
    type Command = PlafondCommand;
    type Event = PlafondEvent;

    fn decide(&self, command: PlafondCommand) -> Result<Vec<PlafondEvent>, Rejection> {
        match command {
            PlafondCommand::Select { number, terms } => match self {
                Self::Active { .. } => Err(Rejection::PlafondAlreadyActive),
                Self::Unselected | Self::Depleted { .. } => {
                    Ok(vec![PlafondEvent::PlafondSelected { number, terms }])
                }
            },
            PlafondCommand::Reserve { loan, request } => {
                self.check_ready()?;
                self.check_request(&request)?;
                Ok(vec![PlafondEvent::PlafondReserved(Reservation { loan, amount_rupiah: request.amount })])
            }
            PlafondCommand::Release { loan } => {
                let (held, _) = self.reservation_for(loan)?;
                Ok(vec![PlafondEvent::PlafondReleased(held)])
            }
            PlafondCommand::Convert { loan } => {
                let (held, remaining) = self.reservation_for(loan)?;
                let remaining_rupiah =
                    remaining.checked_sub(held.amount_rupiah).ok_or(Rejection::ReservationNotFound)?;
                Ok(vec![PlafondEvent::PlafondConverted {
                    loan,
                    amount_rupiah: held.amount_rupiah,
                    remaining_rupiah,
                }])
            }
        }
    }

    fn evolve(&mut self, event: &PlafondEvent) {
        match (&mut *self, event) {
            (state, PlafondEvent::PlafondSelected { number, terms }) => {
                *state = Self::Active {
                    number: *number,
                    terms: terms.clone(),
                    remaining_rupiah: terms.amount_rupiah,
                    pending: None,
                };
            }
            (Self::Active { pending, .. }, PlafondEvent::PlafondReserved(held)) => *pending = Some(*held),
            (Self::Active { pending, .. }, PlafondEvent::PlafondReleased(_)) => *pending = None,
            (
                Self::Active { number, pending, remaining_rupiah: remaining, .. },
                PlafondEvent::PlafondConverted { remaining_rupiah, .. },
            ) => {
                *pending = None;
                *remaining = *remaining_rupiah;
                if *remaining_rupiah == Rupiah::ZERO {
                    *self = Self::Depleted { number: *number };
                }
            }
            (
                Self::Unselected | Self::Depleted { .. },
                PlafondEvent::PlafondReserved(_)
                | PlafondEvent::PlafondReleased(_)
                | PlafondEvent::PlafondConverted { .. },
            ) => {}
        }
    }
}

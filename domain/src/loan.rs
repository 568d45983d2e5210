//! A loan: the application, the staged approval that turns it into a debt, and the debt until it ends.
//!
//! What a debt comes to is computed in [`debt`]; here stand the stages, and what each of them allows.

mod amounts;
mod application;
mod command;
mod debt;
mod event;
mod servicing;
mod status;

use chrono::Days;
use serde::{Deserialize, Serialize};

pub use amounts::{Allotment, Amounts, Line};
pub use application::{Application, BranchSnapshot, CustomerSnapshot, Officer, Submission};
pub use command::{Incoming, LoanCommand, Paid};
pub use debt::{Agreement, Bill, BillStatus, Condition, Debt, Owed, Repayment, Standing};
pub use event::{LoanEvent, Receipt, Reversal};
pub use status::{LoanStatus, Stage};

use crate::any::tie_to_any;
use crate::{Aggregate, Rejection, UserId};

/// Stream id: the [`crate::LoanNumber`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loan {
    #[default]
    Unsubmitted,
    Submitted(Box<Application>),
    Serviced(Box<Serviced>),
}

/// A loan that was disbursed and scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serviced {
    pub application: Application,
    pub debt: Debt,
}

impl Loan {
    #[must_use]
    pub fn application(&self) -> Option<&Application> {
        match self {
            Self::Unsubmitted => None,
            Self::Submitted(application) => Some(application),
            Self::Serviced(serviced) => Some(&serviced.application),
        }
    }

    /// What is owed, once it was disbursed and scheduled.
    #[must_use]
    pub fn debt(&self) -> Option<&Debt> {
        match self {
            Self::Unsubmitted | Self::Submitted(_) => None,
            Self::Serviced(serviced) => Some(&serviced.debt),
        }
    }

    fn serviced(&self) -> Result<&Serviced, Rejection> {
        match self {
            Self::Unsubmitted => Err(Rejection::LoanNotFound),
            Self::Submitted(application) => Err(Rejection::LoanNotDisbursed { status: application.status }),
            Self::Serviced(serviced) => Ok(serviced),
        }
    }

    /// The application and the stage at which `officer` may decide on it.
    fn open_for(&self, officer: UserId) -> Result<(&Application, Stage), Rejection> {
        let application = self.application().ok_or(Rejection::LoanNotFound)?;
        let status = application.status;
        let stage = status.awaits().ok_or(Rejection::LoanWrongStatus { status })?;
        if application.decided_by.contains(&officer) || application.submission.customer.user_id == officer {
            return Err(Rejection::AlreadyDecided);
        }
        Ok((application, stage))
    }

    /// The application, while somebody is still to decide on it.
    fn pending(&self) -> Result<&Application, Rejection> {
        let application = self.application().ok_or(Rejection::LoanNotFound)?;
        let status = application.status;
        status.awaits().map(|_| application).ok_or(Rejection::LoanNotPending { status })
    }
}

impl Aggregate for Loan {
    tie_to_any!(Loan);
    type Command = LoanCommand;
    type Event = LoanEvent;

    fn decide(&self, command: LoanCommand) -> Result<Vec<LoanEvent>, Rejection> {
        match command {
            LoanCommand::Submit(submission) => match self {
                Self::Unsubmitted => Ok(vec![LoanEvent::LoanSubmitted(submission)]),
                Self::Submitted(_) | Self::Serviced(_) => Err(Rejection::AlreadyExists),
            },
            LoanCommand::Approve { officer, note, business_on } => {
                let (application, stage) = self.open_for(officer.user_id)?;
                Ok(vec![match stage {
                    Stage::Marketing | Stage::BranchManager => {
                        LoanEvent::LoanApproved { stage, officer, note, business_on }
                    }
                    Stage::Backoffice => LoanEvent::LoanDisbursed {
                        officer,
                        note,
                        amount_rupiah: application.submission.amount_rupiah,
                        business_on,
                    },
                }])
            }
            LoanCommand::Reject { officer, note, business_on } => {
                let (_, stage) = self.open_for(officer.user_id)?;
                Ok(vec![LoanEvent::LoanRejected { stage, officer, note, business_on }])
            }
            LoanCommand::Cancel { name, note, business_on } => {
                let customer = self.pending()?.submission.customer.user_id;
                Ok(vec![LoanEvent::LoanCancelled { customer, name, note, business_on }])
            }
            LoanCommand::Expire { after_days, business_on } => {
                let waiting_since_on = self.pending()?.waiting_since_on;
                let last_day = waiting_since_on.checked_add_days(Days::new(after_days.into()));
                if last_day.is_none_or(|last_day| business_on <= last_day) {
                    return Err(Rejection::LoanNotExpired);
                }
                Ok(vec![LoanEvent::LoanExpired { waiting_since_on, business_on }])
            }
            LoanCommand::Schedule { rules, business_on } => self.schedule(&rules, business_on),
            LoanCommand::CloseThrough { on, rules } => Ok(self.serviced()?.close_through(on, &rules)),
            LoanCommand::Repay { incoming, rules, business_on } => {
                self.serviced()?.repay(incoming, &rules, business_on)
            }
            LoanCommand::Reverse { repayment_id, officer, note, rules, business_on } => {
                self.serviced()?.reverse(repayment_id, officer, note, &rules, business_on)
            }
            LoanCommand::WriteOff { officer, note, business_on } => {
                self.serviced()?.write_off(officer, note, business_on)
            }
        }
    }

    fn evolve(&mut self, event: &LoanEvent) {
        if let Self::Serviced(serviced) = self {
            return serviced.evolve(event);
        }
        match (self, event) {
            (state, LoanEvent::LoanSubmitted(submission)) => {
                *state = Self::Submitted(Box::new(Application {
                    submission: Submission::clone(submission),
                    status: LoanStatus::Submitted,
                    decided_by: Vec::new(),
                    waiting_since_on: submission.business_on,
                }));
            }
            (Self::Submitted(application), LoanEvent::LoanApproved { stage, officer, business_on, .. }) => {
                application.decide(stage.approved(), officer, *business_on);
            }
            (Self::Submitted(application), LoanEvent::LoanRejected { stage, officer, business_on, .. }) => {
                application.decide(stage.rejected(), officer, *business_on);
            }
            (Self::Submitted(application), LoanEvent::LoanDisbursed { officer, business_on, .. }) => {
                application.decide(LoanStatus::Disbursed, officer, *business_on);
            }
            (Self::Submitted(application), LoanEvent::LoanCancelled { .. }) => {
                application.status = LoanStatus::Cancelled;
            }
            (Self::Submitted(application), LoanEvent::LoanExpired { .. }) => {
                application.status = LoanStatus::Expired;
            }
            (state @ Self::Submitted(_), LoanEvent::LoanScheduled { agreement, instalments, .. }) => {
                if let Self::Submitted(application) = std::mem::take(state) {
                    let debt = Debt::begin(Agreement::clone(agreement), instalments.clone());
                    *state = Self::Serviced(Box::new(Serviced { application: *application, debt }));
                }
            }
            // An application is no debt yet, and what is not there has no steps.
            (
                Self::Submitted(_) | Self::Serviced(_),
                LoanEvent::LoanDayClosed { .. }
                | LoanEvent::RepaymentReceived(_)
                | LoanEvent::RepaymentReversed(_)
                | LoanEvent::LoanWrittenOff { .. },
            )
            | (
                Self::Serviced(_),
                LoanEvent::LoanApproved { .. }
                | LoanEvent::LoanRejected { .. }
                | LoanEvent::LoanDisbursed { .. }
                | LoanEvent::LoanCancelled { .. }
                | LoanEvent::LoanExpired { .. }
                | LoanEvent::LoanScheduled { .. },
            )
            | (
                Self::Unsubmitted,
                LoanEvent::LoanApproved { .. }
                | LoanEvent::LoanRejected { .. }
                | LoanEvent::LoanDisbursed { .. }
                | LoanEvent::LoanCancelled { .. }
                | LoanEvent::LoanExpired { .. }
                | LoanEvent::LoanScheduled { .. }
                | LoanEvent::LoanDayClosed { .. }
                | LoanEvent::RepaymentReceived(_)
                | LoanEvent::RepaymentReversed(_)
                | LoanEvent::LoanWrittenOff { .. },
            ) => {}
        }
    }
}

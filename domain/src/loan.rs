//! A loan application and the staged approval that turns it into a loan.

mod status;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use status::{LoanStatus, Stage};

use crate::any::tie_to_any;
use crate::{
    Address, Aggregate, Birthdate, BranchCode, BranchId, DocumentRef, Email, Event, LoanNumber, LoanRequest,
    Nik, Note, PersonName, Phone, Place, ProductTerms, Rate, Rejection, Rupiah, Sealed, Tenor, UserId,
    UserNumber,
};

/// Stream id: the [`LoanNumber`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loan {
    #[default]
    Unsubmitted,
    Submitted(Box<Application>),
}

/// What the staff decides on, and how far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub submission: Submission,
    pub status: LoanStatus,
    /// Who decided so far; nobody decides twice on one loan.
    pub decided_by: Vec<UserId>,
    /// The business date of the submission or of the last decision.
    pub waiting_since_on: NaiveDate,
}

/// An application as it was handed in. The customer's values are a snapshot: later changes of the profile
/// do not reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    pub loan: LoanNumber,
    pub customer: CustomerSnapshot,
    pub product: ProductTerms,
    pub branch: BranchSnapshot,
    pub amount_rupiah: Rupiah,
    pub tenor_months: Tenor,
    pub interest_rate: Rate,
    pub submitted_at: DateTime<Utc>,
    pub business_on: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerSnapshot {
    pub user_id: UserId,
    pub number: UserNumber,
    pub name: Sealed<PersonName>,
    /// `None` of who logs in by phone alone.
    #[serde(default)]
    pub email: Option<Sealed<Email>>,
    pub nik: Option<Sealed<Nik>>,
    pub phone: Option<Sealed<Phone>>,
    pub address: Option<Sealed<Address>>,
    pub birthdate: Option<Sealed<Birthdate>>,
    #[serde(default)]
    pub ktp: Option<DocumentRef>,
    #[serde(default)]
    pub kk: Option<DocumentRef>,
    #[serde(default)]
    pub npwp: Option<DocumentRef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchSnapshot {
    pub branch_id: BranchId,
    pub code: BranchCode,
    pub location: Place,
}

/// Who decided, as the history will show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    pub user_id: UserId,
    pub name: Sealed<PersonName>,
    /// The name of the branch; `None` for staff of the head office.
    pub branch_location: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoanCommand {
    Submit(Box<Submission>),
    /// Decides at the stage that the status asks for. The use case has checked that the officer may.
    Approve {
        officer: Officer,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    Reject {
        officer: Officer,
        note: Sealed<Note>,
        business_on: NaiveDate,
    },
    /// The customer takes the application back. The use case has checked that it is theirs.
    Cancel {
        name: Sealed<PersonName>,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    /// Gives up an application that nobody decided on for more than `after_days` whole business days.
    Expire {
        after_days: u32,
        business_on: NaiveDate,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LoanEvent {
    /// An application, with the customer, the terms and the branch as they were then.
    LoanSubmitted(Box<Submission>),
    /// The stage was passed; at the last one the event is `LoanDisbursed`.
    LoanApproved { stage: Stage, officer: Officer, note: Option<Sealed<Note>>, business_on: NaiveDate },
    /// The end of the application, at the stage where it was.
    LoanRejected { stage: Stage, officer: Officer, note: Sealed<Note>, business_on: NaiveDate },
    /// The last approval: the amount goes to the customer's wallet in the same append.
    LoanDisbursed {
        officer: Officer,
        note: Option<Sealed<Note>>,
        amount_rupiah: Rupiah,
        business_on: NaiveDate,
    },
    /// Withdrawn by the customer while it was pending.
    LoanCancelled {
        customer: UserId,
        /// The customer's name at that moment.
        name: Sealed<PersonName>,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    /// Nobody decided for too long; the reservation is released.
    LoanExpired {
        /// The business date of the submission or of the last decision.
        waiting_since_on: NaiveDate,
        business_on: NaiveDate,
    },
}

impl Event for LoanEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Loan {
    #[must_use]
    pub fn application(&self) -> Option<&Application> {
        match self {
            Self::Unsubmitted => None,
            Self::Submitted(application) => Some(application),
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

impl Submission {
    /// What was asked for.
    #[must_use]
    pub fn request(&self) -> LoanRequest {
        LoanRequest {
            amount: self.amount_rupiah,
            tenor: self.tenor_months,
            interest_rate: self.interest_rate,
        }
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
                Self::Submitted(_) => Err(Rejection::AlreadyExists),
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
        }
    }

    fn evolve(&mut self, event: &LoanEvent) {
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
            (
                Self::Unsubmitted,
                LoanEvent::LoanApproved { .. }
                | LoanEvent::LoanRejected { .. }
                | LoanEvent::LoanDisbursed { .. }
                | LoanEvent::LoanCancelled { .. }
                | LoanEvent::LoanExpired { .. },
            ) => {}
        }
    }
}

impl Application {
    fn decide(&mut self, status: LoanStatus, officer: &Officer, business_on: NaiveDate) {
        self.status = status;
        self.decided_by.push(officer.user_id);
        self.waiting_since_on = business_on;
    }
}

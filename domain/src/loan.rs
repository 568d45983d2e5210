//! A loan application and the staged approval that turns it into a loan.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Address, Aggregate, Birthdate, BranchCode, BranchId, DocumentRef, Email, Event, LoanNumber, LoanRequest,
    Nik, Note, Permission, PersonName, Phone, Place, ProductTerms, Rate, Rejection, Rupiah, Sealed, Tenor,
    UserId, UserNumber,
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
    pub email: Sealed<Email>,
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

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum LoanStatus {
    Submitted,
    MarketingApproved,
    MarketingRejected,
    BranchManagerApproved,
    BmRejected,
    Disbursed,
    Rejected,
}

/// Who decides next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    Marketing,
    BranchManager,
    Backoffice,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LoanEvent {
    LoanSubmitted(Box<Submission>),
    /// The stage was passed; at the last one the event is `LoanDisbursed`.
    LoanApproved {
        stage: Stage,
        officer: Officer,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    LoanRejected {
        stage: Stage,
        officer: Officer,
        note: Sealed<Note>,
        business_on: NaiveDate,
    },
    LoanDisbursed {
        officer: Officer,
        note: Option<Sealed<Note>>,
        amount_rupiah: Rupiah,
        business_on: NaiveDate,
    },
}

impl Event for LoanEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl LoanStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The stage that decides now; `None` once everything is decided.
    #[must_use]
    pub fn awaits(self) -> Option<Stage> {
        match self {
            Self::Submitted => Some(Stage::Marketing),
            Self::MarketingApproved => Some(Stage::BranchManager),
            Self::BranchManagerApproved => Some(Stage::Backoffice),
            Self::MarketingRejected | Self::BmRejected | Self::Disbursed | Self::Rejected => None,
        }
    }
}

impl Stage {
    #[must_use]
    pub fn approved(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::MarketingApproved,
            Self::BranchManager => LoanStatus::BranchManagerApproved,
            Self::Backoffice => LoanStatus::Disbursed,
        }
    }

    #[must_use]
    pub fn rejected(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::MarketingRejected,
            Self::BranchManager => LoanStatus::BmRejected,
            Self::Backoffice => LoanStatus::Rejected,
        }
    }

    /// The permission that decides at this stage.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Self::Marketing => Permission::LoanApproveMarketing,
            Self::BranchManager => Permission::LoanApproveBranchManager,
            Self::Backoffice => Permission::LoanApproveBackoffice,
        }
    }

    /// The status a loan has while it waits for this stage.
    #[must_use]
    pub fn decides_on(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::Submitted,
            Self::BranchManager => LoanStatus::MarketingApproved,
            Self::Backoffice => LoanStatus::BranchManagerApproved,
        }
    }

    /// The role that the history names.
    #[must_use]
    pub fn role_name(self) -> &'static str {
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
        }
    }

    fn evolve(&mut self, event: &LoanEvent) {
        match (self, event) {
            (state, LoanEvent::LoanSubmitted(submission)) => {
                *state = Self::Submitted(Box::new(Application {
                    submission: Submission::clone(submission),
                    status: LoanStatus::Submitted,
                    decided_by: Vec::new(),
                }));
            }
            (Self::Submitted(application), LoanEvent::LoanApproved { stage, officer, .. }) => {
                application.decide(stage.approved(), officer);
            }
            (Self::Submitted(application), LoanEvent::LoanRejected { stage, officer, .. }) => {
                application.decide(stage.rejected(), officer);
            }
            (Self::Submitted(application), LoanEvent::LoanDisbursed { officer, .. }) => {
                application.decide(LoanStatus::Disbursed, officer);
            }
            (
                Self::Unsubmitted,
                LoanEvent::LoanApproved { .. }
                | LoanEvent::LoanRejected { .. }
                | LoanEvent::LoanDisbursed { .. },
            ) => {}
        }
    }
}

impl Application {
    fn decide(&mut self, status: LoanStatus, officer: &Officer) {
        self.status = status;
        self.decided_by.push(officer.user_id);
    }
}

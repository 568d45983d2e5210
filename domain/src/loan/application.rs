//! An application: who applies for what, and how far it got.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::LoanStatus;
use crate::{
    Address, Birthdate, BranchCode, BranchId, DocumentRef, Email, LoanNumber, LoanRequest, Nik, PersonName,
    Phone, Place, Plan, ProductTerms, Rate, Rupiah, Sealed, Tenor, UserId, UserNumber,
};

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

impl Submission {
    /// What it comes to if it is disbursed on a day.
    #[must_use]
    pub fn plan(&self, begins_on: NaiveDate) -> Plan {
        let servicing = &self.product.servicing;
        Plan {
            principal_rupiah: self.amount_rupiah,
            interest_rate: self.interest_rate,
            tenor_months: self.tenor_months,
            method: servicing.method,
            day_count: servicing.day_count,
            instalment_fee_rupiah: servicing.instalment_fee_rupiah,
            begins_on,
        }
    }

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

impl Application {
    pub(super) fn decide(&mut self, status: LoanStatus, officer: &Officer, business_on: NaiveDate) {
        self.status = status;
        self.decided_by.push(officer.user_id);
        self.waiting_since_on = business_on;
    }
}

//! A loan, as lists show it and as everything else does.

use chrono_tz::Tz;
use lumbung_domain::{BranchSnapshot, LoanStatus, ProductTerms, Rupiah, Submission, Tenor};
use serde::Serialize;

use super::debt_json::TermsJson;
use super::envelope::{Percent, local_time};
use super::error::ApiError;
use super::people::People;
use super::uploads::document_path;

/// A row of "Get My Loans".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoanRow {
    id: i64,
    customer_id: i64,
    customer_name: String,
    product_id: i64,
    product_name: String,
    amount: Rupiah,
    tenor: Tenor,
    interest_rate: Percent,
    branch_id: i64,
    branch_name: String,
    status: &'static str,
    created_at: String,
}

/// One loan: the row and everything of the submission. The customer's values are those of that moment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoanDetail {
    #[serde(flatten)]
    row: LoanRow,
    customer_email: Option<String>,
    customer_nik: Option<String>,
    customer_phone: Option<String>,
    customer_address: Option<String>,
    customer_birthdate: Option<String>,
    customer_ktp_path: Option<String>,
    customer_kk_path: Option<String>,
    customer_npwp_path: Option<String>,
    product: ProductJson,
    branch: BranchJson,
    requested_amount: Rupiah,
    requested_tenor: Tenor,
    requested_rate: Percent,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductJson {
    id: i64,
    name: String,
    amount: Rupiah,
    tenor: Tenor,
    interest_rate: Percent,
}

/// A product with how its loans are serviced.
#[derive(Serialize)]
pub(super) struct OfferedProduct {
    #[serde(flatten)]
    product: ProductJson,
    #[serde(flatten)]
    servicing: TermsJson,
}

#[derive(Serialize)]
pub(super) struct BranchJson {
    id: i64,
    code: String,
    name: String,
    location: String,
}

impl LoanRow {
    pub(super) fn new(
        submission: &Submission,
        status: LoanStatus,
        people: &People,
        zone: Tz,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            id: submission.loan.0,
            customer_id: submission.customer.number.0,
            customer_name: people.text(&submission.customer.name)?,
            product_id: submission.product.product_id.0,
            product_name: submission.product.name.clone(),
            amount: submission.amount_rupiah,
            tenor: submission.tenor_months,
            interest_rate: Percent(submission.interest_rate),
            branch_id: submission.branch.branch_id.0,
            branch_name: submission.branch.location.to_string(),
            status: status.as_str(),
            created_at: local_time(submission.submitted_at, zone),
        })
    }
}

impl LoanDetail {
    pub(super) fn new(
        submission: &Submission,
        status: LoanStatus,
        people: &People,
        zone: Tz,
    ) -> Result<Self, ApiError> {
        let customer = &submission.customer;
        Ok(Self {
            row: LoanRow::new(submission, status, people, zone)?,
            customer_email: people.text_of_some(customer.email.as_ref())?,
            customer_nik: people.optional(customer.nik.as_ref())?,
            customer_phone: people.optional(customer.phone.as_ref())?,
            customer_address: people.optional(customer.address.as_ref())?,
            customer_birthdate: people.optional(customer.birthdate.as_ref())?,
            customer_ktp_path: customer.ktp.map(document_path),
            customer_kk_path: customer.kk.map(document_path),
            customer_npwp_path: customer.npwp.map(document_path),
            product: (&submission.product).into(),
            branch: (&submission.branch).into(),
            requested_amount: submission.amount_rupiah,
            requested_tenor: submission.tenor_months,
            requested_rate: Percent(submission.interest_rate),
        })
    }
}

impl From<&ProductTerms> for ProductJson {
    fn from(terms: &ProductTerms) -> Self {
        Self {
            id: terms.product_id.0,
            name: terms.name.clone(),
            amount: terms.amount_rupiah,
            tenor: terms.tenor_months,
            interest_rate: Percent(terms.interest_rate),
        }
    }
}

impl From<&ProductTerms> for OfferedProduct {
    fn from(terms: &ProductTerms) -> Self {
        Self { product: terms.into(), servicing: (&terms.servicing).into() }
    }
}

impl From<&BranchSnapshot> for BranchJson {
    fn from(branch: &BranchSnapshot) -> Self {
        Self::new(branch.branch_id.0, branch.code.as_str(), branch.location.as_str())
    }
}

impl BranchJson {
    /// A branch is named after its place.
    pub(super) fn new(id: i64, code: &str, location: &str) -> Self {
        Self { id, code: code.to_owned(), name: location.to_owned(), location: location.to_owned() }
    }

    pub(super) fn id(&self) -> i64 {
        self.id
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

//! What was applied for, and what became of it? One row per loan application.

mod list;

use std::collections::HashMap;

use lumbung_domain::{
    AnyEvent, BranchCode, BranchId, BranchSnapshot, CustomerSnapshot, DocumentRef, LoanEvent, LoanNumber,
    LoanStatus, Place, ProductId, ProductTerms, Rate, Submission, Tenor, UserId, UserNumber,
};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

pub use list::{Wanted, list};

use crate::cell::{
    all_found, column, json, json_text, parsed, parsed_option, rate, rupiah, sealed, sealed_option, tenor,
};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 2;
pub(crate) const DDL: &str = "
create table loans (
    loan                  bigint      not null primary key,
    position              bigint      not null,
    customer              uuid        not null,
    customer_number       bigint      not null,
    customer_name         text        not null,
    customer_email        text,
    customer_nik          text,
    customer_phone        text,
    customer_address      text,
    customer_birthdate    text,
    customer_ktp          text,
    customer_kk           text,
    customer_npwp         text,
    product               bigint      not null,
    product_name          text        not null,
    product_amount_rupiah bigint      not null,
    product_tenor_months  bigint      not null,
    product_interest_rate numeric     not null,
    branch                bigint      not null,
    branch_code           text        not null,
    branch_location       text        not null,
    amount_rupiah         bigint      not null,
    tenor_months          bigint      not null,
    interest_rate         numeric     not null,
    submitted_at          timestamptz not null,
    business_on           date        not null,
    status                text        not null,
    version               bigint      not null,
    product_servicing     text        not null
);
create index loans_by_position on loans (position);
create index loans_by_submission on loans (submitted_at, position);
create index loans_of_customer on loans (customer, position);
create index loans_of_branch on loans (branch, position);
create index loans_of_branch_in_status on loans (branch, status, position);
create index loans_in_status on loans (status, position);
create index loans_of_product on loans (product, position);";
pub(crate) const STATEMENTS: &[&str] = &{
    let [all, of_statuses, of_customer, first_since] = list::STATEMENTS;
    [INSERT, UPDATE, BY_ID, all, of_statuses, of_customer, first_since]
};

const INSERT: &str = "
insert into loans (loan, position, customer, customer_number, customer_name, customer_email, customer_nik,
    customer_phone, customer_address, customer_birthdate, product, product_name, product_amount_rupiah,
    product_tenor_months, product_interest_rate, branch, branch_code, branch_location, amount_rupiah, tenor_months,
    interest_rate, submitted_at, business_on, status, version, customer_ktp, customer_kk, customer_npwp,
    product_servicing)
select l.loan, l.position, l.customer, l.customer_number, l.customer_name, l.customer_email, l.customer_nik,
    l.customer_phone, l.customer_address, l.customer_birthdate, l.product, l.product_name, l.product_amount_rupiah,
    l.product_tenor_months, l.product_interest_rate::numeric, l.branch, l.branch_code, l.branch_location,
    l.amount_rupiah, l.tenor_months, l.interest_rate::numeric, l.submitted_at, l.business_on, l.status, l.version,
    l.customer_ktp, l.customer_kk, l.customer_npwp, l.product_servicing
from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::text[],
        $16::bigint[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::text[], $22::timestamptz[],
        $23::date[], $24::text[], $25::bigint[], $26::text[], $27::text[], $28::text[], $29::text[])
    as l (loan, position, customer, customer_number, customer_name, customer_email, customer_nik, customer_phone,
        customer_address, customer_birthdate, product, product_name, product_amount_rupiah, product_tenor_months,
        product_interest_rate, branch, branch_code, branch_location, amount_rupiah, tenor_months, interest_rate,
        submitted_at, business_on, status, version, customer_ktp, customer_kk, customer_npwp, product_servicing)";

const UPDATE: &str = "
update loans l set status = u.status, version = u.version
from unnest($1::bigint[], $2::text[], $3::bigint[]) as u (loan, status, version)
where l.loan = u.loan";

/// The columns of [`Loan`], in the tables' name `l`.
macro_rules! loan_columns {
    () => {
        "l.loan, l.position, l.customer, l.customer_number, l.customer_name, l.customer_email, l.customer_nik,
         l.customer_phone, l.customer_address, l.customer_birthdate, l.product, l.product_name,
         l.product_amount_rupiah, l.product_tenor_months, l.product_interest_rate::text as product_interest_rate,
         l.branch, l.branch_code, l.branch_location, l.amount_rupiah, l.tenor_months,
         l.interest_rate::text as interest_rate, l.submitted_at, l.business_on, l.status, l.version,
         l.customer_ktp, l.customer_kk, l.customer_npwp, l.product_servicing"
    };
}
pub(crate) use loan_columns;

const BY_ID: &str = concat!("select ", loan_columns!(), " from loans l where l.loan = $1");

/// A loan application as it was handed in, and its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// What was submitted; the customer's values are sealed and from that moment.
    pub submission: Submission,
    pub status: LoanStatus,
    /// The position of the submission; lists are ordered by it.
    pub position: i64,
    /// The sequence of the last event of the `Loan` stream.
    pub version: i64,
}

/// One loan.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_id(read: &LiveSchema, loan: LoanNumber) -> Result<Option<Loan>, ReadError> {
    let row = sqlx::query(BY_ID).bind(loan.0).fetch_optional(read.pool()).await?;
    row.as_ref().map(Loan::from_row).transpose()
}

impl Loan {
    pub(crate) fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        let submission = Submission {
            loan: LoanNumber(row.try_get("loan")?),
            customer: CustomerSnapshot {
                user_id: UserId(row.try_get("customer")?),
                number: UserNumber(row.try_get("customer_number")?),
                name: sealed(row, "customer_name")?,
                email: sealed_option(row, "customer_email")?,
                nik: sealed_option(row, "customer_nik")?,
                phone: sealed_option(row, "customer_phone")?,
                address: sealed_option(row, "customer_address")?,
                birthdate: sealed_option(row, "customer_birthdate")?,
                ktp: parsed_option(row, "customer_ktp")?,
                kk: parsed_option(row, "customer_kk")?,
                npwp: parsed_option(row, "customer_npwp")?,
            },
            product: ProductTerms {
                product_id: ProductId(row.try_get("product")?),
                name: row.try_get("product_name")?,
                amount_rupiah: rupiah(row, "product_amount_rupiah")?,
                tenor_months: tenor(row, "product_tenor_months")?,
                interest_rate: rate(row, "product_interest_rate")?,
                servicing: json(row, "product_servicing")?,
            },
            branch: BranchSnapshot {
                branch_id: BranchId(row.try_get("branch")?),
                code: BranchCode::new(row.try_get("branch_code")?)
                    .map_err(|_| ReadError::Malformed { column: "branch_code" })?,
                location: Place::new(row.try_get("branch_location")?)
                    .map_err(|_| ReadError::Malformed { column: "branch_location" })?,
            },
            amount_rupiah: rupiah(row, "amount_rupiah")?,
            tenor_months: tenor(row, "tenor_months")?,
            interest_rate: rate(row, "interest_rate")?,
            submitted_at: row.try_get("submitted_at")?,
            business_on: row.try_get("business_on")?,
        };
        Ok(Self {
            submission,
            status: parsed(row, "status")?,
            position: row.try_get("position")?,
            version: row.try_get("version")?,
        })
    }
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Loans {
    submitted: HashMap<LoanNumber, Loan>,
    decided: HashMap<LoanNumber, (LoanStatus, i64)>,
}

impl Loans {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Loan(event) = &fact.event else { return Ok(()) };
        let number: LoanNumber =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        match event {
            LoanEvent::LoanSubmitted(submission) => {
                let loan = Loan {
                    submission: Submission::clone(submission),
                    status: LoanStatus::Submitted,
                    position: fact.position,
                    version: fact.sequence,
                };
                self.submitted.insert(number, loan);
            }
            LoanEvent::LoanApproved { stage, .. } => self.decide(number, stage.approved(), fact.sequence),
            LoanEvent::LoanRejected { stage, .. } => self.decide(number, stage.rejected(), fact.sequence),
            LoanEvent::LoanDisbursed { .. } => self.decide(number, LoanStatus::Disbursed, fact.sequence),
            LoanEvent::LoanCancelled { .. } => self.decide(number, LoanStatus::Cancelled, fact.sequence),
            LoanEvent::LoanExpired { .. } => self.decide(number, LoanStatus::Expired, fact.sequence),
            LoanEvent::LoanScheduled { .. } => self.decide(number, LoanStatus::Disbursed, fact.sequence),
            LoanEvent::LoanDayClosed { after, .. } | LoanEvent::LoanWrittenOff { after, .. } => {
                self.decide(number, after.status, fact.sequence);
            }
            LoanEvent::RepaymentReceived(receipt) => self.decide(number, receipt.after.status, fact.sequence),
            LoanEvent::RepaymentReversed(reversal) => {
                self.decide(number, reversal.after.status, fact.sequence)
            }
        }
        Ok(())
    }

    fn decide(&mut self, number: LoanNumber, status: LoanStatus, version: i64) {
        if let Some(loan) = self.submitted.get_mut(&number) {
            loan.status = status;
            loan.version = version;
        } else {
            self.decided.insert(number, (status, version));
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if !self.submitted.is_empty() {
            self.insert(connection).await?;
        }
        if self.decided.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(UPDATE)
            .bind(column(self.decided.keys(), |loan| loan.0))
            .bind(column(self.decided.values(), |(status, _)| status.as_str()))
            .bind(column(self.decided.values(), |(_, version)| *version))
            .execute(connection)
            .await?;
        all_found("loans", self.decided.len(), done.rows_affected())
    }

    async fn insert(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        fn cells<'a, V>(loans: &'a Loans, value: impl Fn(&'a Submission) -> V) -> Vec<V> {
            column(loans.submitted.values(), |loan| value(&loan.submission))
        }
        let rate_text = |rate: Rate| rate.to_string();
        let rows = || self.submitted.values();
        sqlx::query(INSERT)
            .bind(cells(self, |s| s.loan.0))
            .bind(column(rows(), |loan| loan.position))
            .bind(cells(self, |s| s.customer.user_id.0))
            .bind(cells(self, |s| s.customer.number.0))
            .bind(cells(self, |s| s.customer.name.ciphertext()))
            .bind(cells(self, |s| s.customer.email.as_ref().map(|email| email.ciphertext())))
            .bind(cells(self, |s| s.customer.nik.as_ref().map(|nik| nik.ciphertext())))
            .bind(cells(self, |s| s.customer.phone.as_ref().map(|phone| phone.ciphertext())))
            .bind(cells(self, |s| s.customer.address.as_ref().map(|address| address.ciphertext())))
            .bind(cells(self, |s| s.customer.birthdate.as_ref().map(|date| date.ciphertext())))
            .bind(cells(self, |s| s.product.product_id.0))
            .bind(cells(self, |s| s.product.name.as_str()))
            .bind(cells(self, |s| s.product.amount_rupiah.get()))
            .bind(cells(self, |s| months(s.product.tenor_months)))
            .bind(cells(self, |s| rate_text(s.product.interest_rate)))
            .bind(cells(self, |s| s.branch.branch_id.0))
            .bind(cells(self, |s| s.branch.code.as_str()))
            .bind(cells(self, |s| s.branch.location.as_str()))
            .bind(cells(self, |s| s.amount_rupiah.get()))
            .bind(cells(self, |s| months(s.tenor_months)))
            .bind(cells(self, |s| rate_text(s.interest_rate)))
            .bind(cells(self, |s| s.submitted_at))
            .bind(cells(self, |s| s.business_on))
            .bind(column(rows(), |loan| loan.status.as_str()))
            .bind(column(rows(), |loan| loan.version))
            .bind(cells(self, |s| name_of(s.customer.ktp)))
            .bind(cells(self, |s| name_of(s.customer.kk)))
            .bind(cells(self, |s| name_of(s.customer.npwp)))
            .bind(cells(self, |s| json_text(&s.product.servicing)))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Documents are kept by their file names.
fn name_of(document: Option<DocumentRef>) -> Option<String> {
    document.map(|document| document.to_string())
}

fn months(tenor: Tenor) -> i64 {
    i64::from(tenor.get())
}

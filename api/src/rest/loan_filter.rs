//! Which loans `GET /api/loans` shows: those within the caller's reach, narrowed by what they ask for.

use lumbung_domain::{
    BranchId, Claim, ClaimId, LoanStatus, Permission, ProductId, Rejection, UserId, UserNumber,
};
use lumbung_projections::Identity;
use lumbung_projections::loans::Wanted;

use super::body::integer;
use super::days::Days;
use super::error::{ApiError, FieldError};
use super::query::Query;
use super::view::Filter;
use crate::app::App;
use crate::auth::is_customer_with;

const STATUS: &str = "must be one or more statuses of a loan, with commas between them";
const NUMBER: &str = "must be an integer";

/// `status`, `branchId`, `customerId`, `productId`, `from` and `to`. The dates are days of the configured zone, both
/// included, on which the application was submitted.
pub(super) struct LoanFilter {
    wanted: Wanted,
    customer: Option<UserNumber>,
    /// What of it is for the staff alone.
    of_staff: Vec<&'static str>,
}

impl Filter for LoanFilter {
    const NAMES: &'static [&'static str] = &["status", "branchId", "customerId", "productId", "from", "to"];

    fn read(query: &mut Query<'_>, app: &App) -> Self {
        let number = |text: &str| integer(text).ok();
        let statuses = query.list("status", STATUS, |text| text.parse::<LoanStatus>().ok());
        let branch = query.one("branchId", NUMBER, number);
        let customer = query.one("customerId", NUMBER, number);
        let product = query.one("productId", NUMBER, number);
        let Days { from, until } = Days::read(query, app.zone);
        let of_staff = &Self::NAMES[1..];
        Self {
            wanted: Wanted {
                customer: None,
                branch: branch.map(BranchId),
                product: product.map(ProductId),
                statuses: distinct(statuses),
                from,
                until,
            },
            customer: customer.map(UserNumber),
            of_staff: of_staff.iter().copied().filter(|name| query.first(name).is_some()).collect(),
        }
    }
}

impl LoanFilter {
    /// What is wanted and within reach; `None` if that can be nothing.
    ///
    /// # Errors
    /// A customer narrows their own loans by more than the status, or an officer asks for another branch.
    pub(super) async fn within(self, app: &App, reach: Option<Reach>) -> Result<Option<Wanted>, ApiError> {
        let Self { mut wanted, customer, of_staff } = self;
        match reach {
            Some(Reach::All) => {}
            Some(Reach::Branch(own)) => {
                if wanted.branch.is_some_and(|branch| branch != own) {
                    return Err(Rejection::AccessDenied.into());
                }
                wanted.branch = Some(own);
            }
            Some(Reach::Own(user)) => {
                let fault = |name: &&'static str| FieldError {
                    field: (*name).into(),
                    message: "is not a parameter of this list".into(),
                };
                if !of_staff.is_empty() {
                    return Err(ApiError::fields(of_staff.iter().map(fault).collect()));
                }
                wanted.customer = Some(user);
            }
            None => return Err(Rejection::AccessDenied.into()),
        }
        if let Some(number) = customer {
            let (claim, _) = app.access.get::<Claim>(ClaimId::user_number(number)).await?;
            let Some(user) = claim.user() else { return Ok(None) };
            wanted.customer = Some(user);
        }
        Ok(Some(wanted))
    }
}

/// Which loans a caller's list shows.
pub(super) enum Reach {
    All,
    Branch(BranchId),
    Own(UserId),
}

/// The widest that the permissions allow.
pub(super) fn reach(caller: &Identity, user: UserId) -> Option<Reach> {
    let branch = caller.person().and_then(|person| person.branch);
    if caller.allows(Permission::LoanReadAll) {
        return Some(Reach::All);
    }
    match branch.filter(|_| caller.allows(Permission::LoanReadBranch)) {
        Some(branch) => Some(Reach::Branch(branch)),
        None => is_customer_with(caller, Permission::LoanRead).then_some(Reach::Own(user)),
    }
}

fn distinct(mut statuses: Vec<LoanStatus>) -> Vec<LoanStatus> {
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

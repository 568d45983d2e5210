//! Which loans `GET /api/loans` shows: those within the caller's reach, narrowed by what they ask for.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use lumbung_domain::{
    BranchId, Claim, ClaimId, LoanStatus, Permission, ProductId, Rejection, UserId, UserNumber,
};
use lumbung_projections::Identity;
use lumbung_projections::loans::Wanted;

use super::body::integer;
use super::error::{ApiError, FieldError};
use super::query::Query;
use super::view::Filter;
use crate::app::App;
use crate::auth::is_customer_with;

const STATUS: &str = "must be one or more statuses of a loan, with commas between them";
const NUMBER: &str = "must be an integer";
pub(super) const DATE: &str = "must be a date like 2025-12-31";

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
        let from = query.one("from", DATE, date);
        let to = query.one("to", DATE, date);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            query.fault::<()>("to", "must not be before from");
        }
        let of_staff = &Self::NAMES[1..];
        Self {
            wanted: Wanted {
                customer: None,
                branch: branch.map(BranchId),
                product: product.map(ProductId),
                statuses: distinct(statuses),
                from: from.map(|day| start_of(day, app.zone)),
                until: to
                    .and_then(|day| day.checked_add_days(Days::new(1)))
                    .map(|day| start_of(day, app.zone)),
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

/// A day; [`DATE`] says what else is wrong. Ten characters, so that there is one way to write a day.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| plain)
}

/// The first instant of a day. Where clocks are put forward at midnight it begins an hour later.
fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let begins = |hours| zone.from_local_datetime(&(midnight + TimeDelta::hours(hours))).earliest();
    (0..3).find_map(begins).map_or_else(|| midnight.and_utc(), |start| start.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_have_one_spelling() {
        assert_eq!(date("2025-12-31"), NaiveDate::from_ymd_opt(2025, 12, 31));
        for bad in [
            "",
            "2025-1-1",
            "2025-13-01",
            "2025-02-30",
            "31-12-2025",
            "+025-01-01",
            "2025-12-311",
            "2025/12/31",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_begins_where_it_is() {
        let day = |text| date(text).unwrap();
        let start = |text, zone| start_of(day(text), zone).to_rfc3339();
        assert_eq!(start("2025-12-22", Tz::Asia__Jakarta), "2025-12-21T17:00:00+00:00");
        assert_eq!(start("2025-12-22", Tz::UTC), "2025-12-22T00:00:00+00:00");
        // Beirut's clocks went forward at midnight.
        assert_eq!(start("2022-03-27", Tz::Asia__Beirut), "2022-03-26T22:00:00+00:00");
        // Havana's went back at one o'clock, so the day had two midnights; it began at the first.
        assert_eq!(start("2022-11-06", Tz::America__Havana), "2022-11-06T04:00:00+00:00");
        assert_eq!(start("9999-12-31", Tz::UTC), "9999-12-31T00:00:00+00:00");
    }
}

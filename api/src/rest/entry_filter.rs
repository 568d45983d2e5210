//! Which entries `GET /api/ledger/entries` shows, which balances `GET /api/ledger/accounts`, and which moment the trial balance
//! is of.

use chrono::NaiveDate;
use lumbung_domain::{Account, LoanNumber};
use lumbung_projections::ledger_entries::{Part, Voucher, Wanted};
use uuid::Uuid;

use super::body::integer;
use super::days::{DATE, date};
use super::query::Query;
use super::view::Filter;
use crate::app::App;

const ACCOUNT: &str = "must be the number or the name of an account, like 2010";
const SUBJECT: &str = "must be the user_id of a wallet, the id of a transfer or the number of a loan";
const REFERENCE: &str = "must be the id of a top-up, a payment or a transfer, or the number of a loan";
const POSITION: &str = "must be a whole number from 0 to 9223372036854775807";

/// `account`, `subject`, `reference`, `from` and `to` (business dates, both included), `asOf` (as `to`), `asOfPosition`.
pub(super) struct EntryFilter {
    account: Option<Account>,
    part: Option<Part>,
    reference: Option<Voucher>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    as_of_position: Option<i64>,
}

/// `subject`, and the moment.
pub(super) struct BalanceFilter {
    pub(super) part: Option<Part>,
    pub(super) moment: Moment,
}

/// `asOf`, a business date, and `asOfPosition`.
pub(super) struct Moment {
    pub(super) as_of: Option<NaiveDate>,
    pub(super) as_of_position: Option<i64>,
}

impl Filter for EntryFilter {
    const NAMES: &'static [&'static str] =
        &["account", "subject", "reference", "from", "to", "asOf", "asOfPosition"];

    fn read(query: &mut Query<'_>, app: &App) -> Self {
        let account = query.one("account", ACCOUNT, account);
        let part = query.one("subject", SUBJECT, part);
        let reference = query.one("reference", REFERENCE, voucher);
        let from = query.one("from", DATE, date);
        let to = query.one("to", DATE, date);
        let Moment { as_of, as_of_position } = Moment::read(query, app);
        for (name, end) in [("to", to), ("asOf", as_of)] {
            if from.zip(end).is_some_and(|(from, end)| end < from) {
                query.fault::<()>(name, "must not be before from");
            }
        }
        let to = to.into_iter().chain(as_of).min();
        Self { account, part, reference, from, to, as_of_position }
    }

    fn position(&self) -> i64 {
        self.as_of_position.unwrap_or(0)
    }
}

impl EntryFilter {
    /// `shown`: how far the books go if nobody asks for less.
    pub(super) fn wanted(self, shown: i64) -> Wanted {
        let Self { account, part, reference, from, to, as_of_position } = self;
        Wanted { position: as_of_position.unwrap_or(shown), account, part, reference, from, to }
    }
}

impl Filter for BalanceFilter {
    const NAMES: &'static [&'static str] = &["subject", "asOf", "asOfPosition"];

    fn read(query: &mut Query<'_>, app: &App) -> Self {
        Self { part: query.one("subject", SUBJECT, part), moment: Moment::read(query, app) }
    }

    fn position(&self) -> i64 {
        self.moment.position()
    }
}

impl Filter for Moment {
    const NAMES: &'static [&'static str] = &["asOf", "asOfPosition"];

    fn read(query: &mut Query<'_>, _: &App) -> Self {
        Self {
            as_of: query.one("asOf", DATE, date),
            as_of_position: query.one("asOfPosition", POSITION, position),
        }
    }

    fn position(&self) -> i64 {
        self.as_of_position.unwrap_or(0)
    }
}

impl Moment {
    /// Today, as far as is known.
    pub(super) const NOW: Self = Self { as_of: None, as_of_position: None };

    /// As in [`EntryFilter::wanted`].
    pub(super) fn position_of(&self, shown: i64) -> i64 {
        self.as_of_position.unwrap_or(shown)
    }
}

fn account(text: &str) -> Option<Account> {
    match integer(text) {
        Ok(code) => Account::from_code(code),
        Err(_) => text.parse().ok(),
    }
}

fn part(text: &str) -> Option<Part> {
    match integer(text) {
        Ok(number) => (number > 0).then_some(Part::Loan(LoanNumber(number))),
        Err(_) => id(text).map(Part::Party),
    }
}

fn voucher(text: &str) -> Option<Voucher> {
    match integer(text) {
        Ok(number) => (number > 0).then_some(Voucher::Loan(LoanNumber(number))),
        Err(_) => id(text).map(Voucher::Id),
    }
}

/// In one spelling; the crate knows others.
fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn position(text: &str) -> Option<i64> {
    // One that 64 bits do not hold is not the nearest: no log ever gets there.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accounts_have_numbers_and_names() {
        assert_eq!(account("2010"), Some(Account::CustomerWallets));
        assert_eq!(account("WRITE_OFFS"), Some(Account::WriteOffs));
        for bad in ["", "0", "-2010", "2011", "67546", "wallets", "CustomerWallets", "2010.0"] {
            assert_eq!(account(bad), None, "{bad}");
        }
    }

    #[test]
    fn subjects_are_uuids_or_numbers() {
        let id = "b7342e8e-e8e7-4a5d-873e-b1b1bfcdeddb";
        assert_eq!(part(id), Some(Part::Party(id.parse().unwrap())));
        assert_eq!(part("7"), Some(Part::Loan(LoanNumber(7))));
        for bad in ["", "0", "-7", "x", "b7342e8ee8e74a5d873eb1b1bfcdeddb", "{b7342e8e}"] {
            assert_eq!(part(bad), None, "{bad}");
        }
    }

    #[test]
    fn vouchers_are_uuids_or_numbers() {
        let id = "0199b73c-e8e7-7a5d-873e-b1b1bfcdeddb";
        assert_eq!(voucher(id), Some(Voucher::Id(id.parse().unwrap())));
        assert_eq!(voucher("7"), Some(Voucher::Loan(LoanNumber(7))));
        for bad in ["", "0", "-7", "PAYMENT", "0199b73ce8e77a5d873eb1b1bfcdeddb"] {
            assert_eq!(voucher(bad), None, "{bad}");
        }
    }

    #[test]
    fn positions_are_never_below_zero() {
        assert_eq!((position("0"), position("9223372036854775807")), (Some(0), Some(i64::MAX)));
        for bad in ["", "-0", "-1", "+1", "1.0", "head", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(position(bad), None, "{bad}");
        }
    }
}

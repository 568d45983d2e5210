//! What stood on the accounts of one subject: the balance of a wallet, a loan or a transfer, by any date, as it was known at
//! any position.
//!
//! Nothing is kept for it. The subject's own entries are added up, which its index names: a wallet with a million of them
//! takes about half a second.

use chrono::NaiveDate;
use lumbung_domain::TrialBalance;

use super::gathered;
use crate::error::ReadError;
use crate::ledger_entries::Part;
use crate::reader::LiveSchema;

macro_rules! of_subject {
    ($debit:literal, $credit:literal) => {
        concat!(
            "
select account, sum(debit_rupiah)::text as debit, sum(credit_rupiah)::text as credit from (
    select debit_account as account, amount_rupiah as debit_rupiah, 0::bigint as credit_rupiah from ledger_entries
    where ",
            $debit,
            " = $1 and position <= $2 and ($3::date is null or business_on <= $3)
    union all
    select credit_account, 0, amount_rupiah from ledger_entries
    where ",
            $credit,
            " = $1 and position <= $2 and ($3::date is null or business_on <= $3)
) parts group by account"
        )
    };
}

pub(super) const OF_PARTY: &str = of_subject!("debit_party", "credit_party");
pub(super) const OF_LOAN: &str = of_subject!("debit_loan", "credit_loan");

/// As [`super::trial_balance`], of what is the subject's: the accounts hardly ever balance then.
///
/// # Errors
/// See [`ReadError`].
pub async fn part_balance(
    read: &LiveSchema,
    part: Part,
    as_of: Option<NaiveDate>,
    position: i64,
) -> Result<TrialBalance, ReadError> {
    let query = match part {
        Part::Party(party) => sqlx::query(OF_PARTY).bind(party),
        Part::Loan(loan) => sqlx::query(OF_LOAN).bind(loan.0),
    };
    gathered(&query.bind(position).bind(as_of).fetch_all(read.pool()).await?)
}

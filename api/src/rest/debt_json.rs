//! What a loan owes, as answers show it: amounts by component, instalments, and the lines that explain a change.

use chrono::NaiveDate;
use lumbung_commands::loan::servicing::ServicedLoan;
use lumbung_domain::{
    Account, Amounts, Bill, Component, Condition, Line, LoanStatus, Rupiah, ServicingTerms,
};
use serde::Serialize;

use super::envelope::Percent;

/// Whole rupiah by component.
#[derive(Serialize)]
pub(super) struct AmountsJson {
    principal: i64,
    interest: i64,
    fee: i64,
    penalty: i64,
    total: i64,
}

/// How a loan is serviced.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TermsJson {
    method: &'static str,
    day_count: &'static str,
    grace_days: u16,
    late_penalty_percent_per_day: Percent,
    instalment_fee: Rupiah,
    allocation: Vec<&'static str>,
}

/// An instalment, with what it asks for in all.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstalmentJson {
    number: u16,
    due_on: NaiveDate,
    #[serde(flatten)]
    asked: AmountsJson,
    paid: i64,
    status: &'static str,
}

/// What changed about one component of one instalment, and on which accounts it stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineJson {
    /// Of the whole loan if there is none.
    instalment: Option<u16>,
    component: &'static str,
    /// Paid of it; below zero: taken back.
    amount: i64,
    /// Owed more by it; below zero: owed less.
    charged: i64,
    account: u16,
    account_name: &'static str,
    /// Where what is charged is income; `null` if nothing is.
    income_account: Option<u16>,
    income_account_name: Option<&'static str>,
}

/// A loan after a command on it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicedJson {
    loan_id: i64,
    status: &'static str,
    outstanding: AmountsJson,
    payoff: i64,
    arrears: i64,
    days_past_due: u32,
    collectibility: u8,
}

impl From<&Amounts> for AmountsJson {
    fn from(amounts: &Amounts) -> Self {
        Self {
            principal: amounts.principal_rupiah,
            interest: amounts.interest_rupiah,
            fee: amounts.fee_rupiah,
            penalty: amounts.penalty_rupiah,
            total: amounts.total_rupiah(),
        }
    }
}

impl From<&ServicingTerms> for TermsJson {
    fn from(terms: &ServicingTerms) -> Self {
        Self {
            method: terms.method.as_str(),
            day_count: terms.day_count.as_str(),
            grace_days: terms.grace_days,
            late_penalty_percent_per_day: Percent(terms.late_penalty_percent_per_day),
            instalment_fee: terms.instalment_fee_rupiah,
            allocation: terms.allocation.order().iter().map(|component| component.as_str()).collect(),
        }
    }
}

impl From<&Bill> for InstalmentJson {
    fn from(bill: &Bill) -> Self {
        Self {
            number: bill.number,
            due_on: bill.due_on,
            asked: (&bill.asked).into(),
            paid: bill.paid.total_rupiah(),
            status: bill.status.as_str(),
        }
    }
}

impl LineJson {
    /// Of a loan that is `written_off`, what comes in takes back some of the loss, and what is charged adds to it.
    fn new(line: &Line, written_off: bool) -> Self {
        let account = if written_off { Account::WriteOffs } else { Account::receivable(line.component) };
        let income = Account::income(line.component).filter(|_| line.charged_rupiah != 0);
        Self {
            instalment: Some(line.instalment),
            component: line.component.as_str(),
            amount: line.paid_rupiah,
            charged: line.charged_rupiah,
            account: account.code(),
            account_name: account.as_str(),
            income_account: income.map(Account::code),
            income_account_name: income.map(Account::as_str),
        }
    }

    /// `after`: how the loan stands then.
    pub(super) fn all(lines: &[Line], after: Condition) -> Vec<Self> {
        let written_off = after.status == LoanStatus::WrittenOff;
        lines.iter().map(|line| Self::new(line, written_off)).collect()
    }

    /// Of a write-off: what was paid ahead goes to what is owed, and the rest is given up.
    pub(super) fn given_up(lines: &[Line], amounts: &Amounts) -> Vec<Self> {
        let moved = lines.iter().map(|line| Self::new(line, false));
        let rest = Component::ALL.iter().map(|component| (*component, amounts.of(*component)));
        let rest = rest.filter(|(_, amount)| *amount != 0);
        moved.chain(rest.map(|(component, amount)| Self::of_loan(component, amount))).collect()
    }

    /// An amount of the whole loan, where it stands as owed.
    pub(super) fn of_loan(component: Component, amount: i64) -> Self {
        let account = Account::receivable(component);
        Self {
            instalment: None,
            component: component.as_str(),
            amount,
            charged: 0,
            account: account.code(),
            account_name: account.as_str(),
            income_account: None,
            income_account_name: None,
        }
    }
}

impl From<&ServicedLoan> for ServicedJson {
    fn from(loan: &ServicedLoan) -> Self {
        Self {
            loan_id: loan.loan.0,
            status: loan.condition.status.as_str(),
            outstanding: (&loan.outstanding).into(),
            payoff: loan.payoff_rupiah,
            arrears: loan.arrears_rupiah,
            days_past_due: loan.condition.days_past_due,
            collectibility: loan.condition.collectibility,
        }
    }
}

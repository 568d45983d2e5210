//! A loan as a read shows it, on two axes of time: what is known of it up to a position of the log, about a day.
//!
//! Bounds: a day lies at most [`FURTHEST_DAYS`] after today, so that nobody has a thousand years computed.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use lumbung_commands::business_date::FURTHEST_DAYS;
use lumbung_domain::{
    Aggregate, Application, Debt, Ledger, LendingRules, Loan, LoanCommand, LoanNumber, LoanStatus, Rejection,
    Standing,
};
use lumbung_journal::JournalError;
use lumbung_projections::Known;

use crate::app::App;
use crate::auth::{Caller, ReadLoan};
use crate::rest::entry_filter::Moment;
use crate::rest::error::ApiError;
use crate::rest::loans::may_read;

/// A loan, and when it is looked at.
pub(in crate::rest) struct Sight {
    loan: Arc<Loan>,
    /// The sequence of the last event that is known.
    pub(in crate::rest) version: i64,
    pub(in crate::rest) position: i64,
    /// The business date, as it was known.
    pub(super) today: NaiveDate,
    /// The day that was asked for.
    as_of: Option<NaiveDate>,
    rules: Arc<LendingRules>,
}

/// What is owed about a day.
pub(in crate::rest) struct Balance {
    pub(in crate::rest) debt: Debt,
    pub(in crate::rest) on: NaiveDate,
}

impl Sight {
    /// A loan that the caller may read. Who looks is put down.
    ///
    /// # Errors
    /// There is no such loan, not at that position, or it is not for the caller.
    pub(in crate::rest) async fn of(
        app: &App,
        caller: &Caller<ReadLoan>,
        number: LoanNumber,
        moment: &Moment,
    ) -> Result<Self, ApiError> {
        let sight = match moment.as_of_position {
            None => Self::now(app, number, moment.as_of).await?,
            Some(position) => Self::at(app, number, position, moment.as_of).await?,
        };
        let submission = &sight.application()?.submission;
        may_read(caller, submission)?;
        app.audit.looked_at_loan(caller.trail(), submission.customer.user_id, number);
        Ok(sight)
    }

    async fn now(app: &App, number: LoanNumber, as_of: Option<NaiveDate>) -> Result<Self, JournalError> {
        let Known { state, version, position } = app.access.known::<Loan>(number).await?;
        let (rules, _) = app.access.get::<LendingRules>(LendingRules::STREAM).await?;
        Ok(Self { loan: state, version, position, today: app.business_day().await?.on, as_of, rules })
    }

    async fn at(
        app: &App,
        number: LoanNumber,
        position: i64,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, ApiError> {
        let Known { state, version, .. } = app.access.known_at::<Loan>(number, position).await?;
        // Before its submission there was no such loan, and at 0 no ledger.
        state.application().ok_or(Rejection::LoanNotFound)?;
        let rules = app.access.known_at::<LendingRules>(LendingRules::STREAM, position).await?.state;
        let ledger = app.access.known_at::<Ledger>(app.ledger.id(), position).await?.state;
        let today = match ledger.business_on() {
            Some(set) => set,
            // The day on which that was the newest event.
            None => (app.calendar)(app.access.recorded_at(position).await?),
        };
        Ok(Self { loan: state, version, position, today, as_of, rules })
    }

    pub(in crate::rest) fn application(&self) -> Result<&Application, Rejection> {
        self.loan.application().ok_or(Rejection::LoanNotFound)
    }

    /// What is owed; `None` of a loan that is not disbursed, or was not on that day.
    ///
    /// # Errors
    /// 400 for a day that is too far away.
    pub(in crate::rest) fn balance(&self) -> Result<Option<Balance>, ApiError> {
        let scheduled = self.scheduled()?;
        let Some(debt) = scheduled.debt() else { return Ok(None) };
        // What was closed stays closed if the business date goes back.
        let today = self.today.max(debt.closed_through_on);
        let on = self.as_of.unwrap_or(today);
        let last = today.checked_add_days(Days::new(FURTHEST_DAYS)).unwrap_or(NaiveDate::MAX);
        if on > last {
            return Err(ApiError::parameter("asOf", format!("must not be after {last}")));
        }
        if on < debt.agreement.disbursed_on {
            return Ok(None);
        }
        Ok(Some(Balance { debt: self.about(debt, on)?, on }))
    }

    /// As [`Sight::balance`], of what cannot be shown without.
    ///
    /// # Errors
    /// `LOAN_NOT_DISBURSED`, and those of [`Sight::balance`].
    pub(in crate::rest) fn owed(&self) -> Result<Balance, ApiError> {
        let status = self.application()?.status;
        match self.balance()? {
            Some(balance) => Ok(balance),
            None => match self.scheduled()?.debt() {
                Some(debt) => {
                    let first = debt.agreement.disbursed_on;
                    Err(ApiError::parameter("asOf", format!("must not be before {first}")))
                }
                None => Err(Rejection::LoanNotDisbursed { status }.into()),
            },
        }
    }

    fn about(&self, debt: &Debt, on: NaiveDate) -> Result<Debt, Rejection> {
        let later = debt.repayments.iter().any(|repayment| !repayment.reversed && repayment.paid_on > on);
        // Of a loan that came to its end no more days are closed.
        let ended = debt.standing != Standing::Active && on >= debt.closed_through_on;
        if !later && (ended || on == debt.closed_through_on) {
            return Ok(debt.clone());
        }
        debt.about(on, &self.rules)
    }

    /// A loan from before there were schedules has the one that its next command will give it.
    fn scheduled(&self) -> Result<Arc<Loan>, Rejection> {
        let loan = match &*self.loan {
            Loan::Submitted(application) if application.status == LoanStatus::Disbursed => {
                let disbursed_on = application.waiting_since_on;
                let rules = Box::new(self.rules.on(disbursed_on));
                let mut loan = Loan::clone(&self.loan);
                for event in loan.decide(LoanCommand::Schedule { rules, business_on: disbursed_on })? {
                    loan.evolve(&event);
                }
                loan
            }
            Loan::Unsubmitted | Loan::Submitted(_) | Loan::Serviced(_) => return Ok(Arc::clone(&self.loan)),
        };
        Ok(Arc::new(loan))
    }
}

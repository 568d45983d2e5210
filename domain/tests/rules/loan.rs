use chrono::Days;
use lumbung_domain::*;
use strum::VariantArray;

use crate::example::{CUSTOMER, LOAN, officer, rupiah, sealed, submission, today, user};
use crate::{folded, given, nothing};

const MARKETER: u128 = 2;
const MANAGER: u128 = 3;
const BACKOFFICE: u128 = 4;

fn submitted() -> LoanEvent {
    LoanEvent::LoanSubmitted(submission().into())
}

fn approve(who: u128) -> LoanCommand {
    LoanCommand::Approve { officer: officer(who), note: Some(sealed("fine")), business_on: today() }
}

fn reject(who: u128) -> LoanCommand {
    LoanCommand::Reject { officer: officer(who), note: sealed("slip missing"), business_on: today() }
}

fn approved(stage: Stage, who: u128) -> LoanEvent {
    LoanEvent::LoanApproved { stage, officer: officer(who), note: Some(sealed("fine")), business_on: today() }
}

fn rejected(stage: Stage, who: u128) -> LoanEvent {
    LoanEvent::LoanRejected {
        stage,
        officer: officer(who),
        note: sealed("slip missing"),
        business_on: today(),
    }
}

fn disbursed(who: u128) -> LoanEvent {
    LoanEvent::LoanDisbursed {
        officer: officer(who),
        note: Some(sealed("fine")),
        amount_rupiah: rupiah(3_000_000),
        business_on: today(),
    }
}

fn cancel() -> LoanCommand {
    LoanCommand::Cancel {
        name: sealed("John Doe"),
        note: Some(sealed("changed my mind")),
        business_on: today(),
    }
}

fn cancelled() -> LoanEvent {
    LoanEvent::LoanCancelled {
        customer: user(CUSTOMER),
        name: sealed("John Doe"),
        note: Some(sealed("changed my mind")),
        business_on: today(),
    }
}

/// On the day that is so many days after the examples' own.
fn expire(days: u64) -> LoanCommand {
    LoanCommand::Expire { after_days: 30, business_on: today() + Days::new(days) }
}

fn expired(days: u64) -> LoanEvent {
    LoanEvent::LoanExpired { waiting_since_on: today(), business_on: today() + Days::new(days) }
}

/// The way of a loan up to each open stage.
fn waiting_for(stage: Stage) -> Vec<LoanEvent> {
    match stage {
        Stage::Marketing => vec![submitted()],
        Stage::BranchManager => vec![submitted(), approved(Stage::Marketing, MARKETER)],
        Stage::Backoffice => {
            vec![submitted(), approved(Stage::Marketing, MARKETER), approved(Stage::BranchManager, MANAGER)]
        }
    }
}

/// Every history that ends a loan, with its last status.
fn over() -> Vec<(Vec<LoanEvent>, LoanStatus)> {
    let with = |stage, last| {
        let mut events = waiting_for(stage);
        events.push(last);
        events
    };
    vec![
        (with(Stage::Marketing, rejected(Stage::Marketing, MARKETER)), LoanStatus::MarketingRejected),
        (with(Stage::BranchManager, rejected(Stage::BranchManager, MANAGER)), LoanStatus::BmRejected),
        (with(Stage::Backoffice, rejected(Stage::Backoffice, BACKOFFICE)), LoanStatus::Rejected),
        (with(Stage::Backoffice, disbursed(BACKOFFICE)), LoanStatus::Disbursed),
        (with(Stage::BranchManager, cancelled()), LoanStatus::Cancelled),
        (with(Stage::Marketing, expired(31)), LoanStatus::Expired),
    ]
}

fn status(events: &[LoanEvent]) -> LoanStatus {
    folded::<Loan>(events).application().unwrap().status
}

#[test]
fn a_loan_is_submitted_once() {
    nothing::<Loan>().when(LoanCommand::Submit(submission().into())).then_expect_events(vec![submitted()]);
    given::<Loan>([submitted()])
        .when(LoanCommand::Submit(submission().into()))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn marketing_then_branch_manager_then_backoffice_approve() {
    given::<Loan>(waiting_for(Stage::Marketing))
        .when(approve(MARKETER))
        .then_expect_events(vec![approved(Stage::Marketing, MARKETER)]);
    given::<Loan>(waiting_for(Stage::BranchManager))
        .when(approve(MANAGER))
        .then_expect_events(vec![approved(Stage::BranchManager, MANAGER)]);
    given::<Loan>(waiting_for(Stage::Backoffice))
        .when(approve(BACKOFFICE))
        .then_expect_events(vec![disbursed(BACKOFFICE)]);
}

#[test]
fn an_approval_needs_no_note() {
    given::<Loan>([submitted()])
        .when(LoanCommand::Approve { officer: officer(MARKETER), note: None, business_on: today() })
        .then_expect_events(vec![LoanEvent::LoanApproved {
            stage: Stage::Marketing,
            officer: officer(MARKETER),
            note: None,
            business_on: today(),
        }]);
}

#[test]
fn every_stage_may_reject() {
    for (stage, who) in
        [(Stage::Marketing, MARKETER), (Stage::BranchManager, MANAGER), (Stage::Backoffice, BACKOFFICE)]
    {
        given::<Loan>(waiting_for(stage)).when(reject(who)).then_expect_events(vec![rejected(stage, who)]);
    }
}

#[test]
fn the_statuses_are_those_of_the_contract() {
    assert_eq!(status(&waiting_for(Stage::Marketing)).as_str(), "SUBMITTED");
    assert_eq!(status(&waiting_for(Stage::BranchManager)).as_str(), "MARKETING_APPROVED");
    assert_eq!(status(&waiting_for(Stage::Backoffice)).as_str(), "BRANCH_MANAGER_APPROVED");
    let ends: Vec<&str> = over().iter().map(|(events, _)| status(events).as_str()).collect();
    assert_eq!(ends, ["MARKETING_REJECTED", "BM_REJECTED", "REJECTED", "DISBURSED", "CANCELLED", "EXPIRED"]);
}

#[test]
fn what_is_decided_stays_decided() {
    for (history, status) in over() {
        for command in [approve(99), reject(99)] {
            given::<Loan>(history.clone())
                .when(command)
                .then_expect_error(Rejection::LoanWrongStatus { status });
        }
        for command in [cancel(), expire(1_000)] {
            given::<Loan>(history.clone())
                .when(command)
                .then_expect_error(Rejection::LoanNotPending { status });
        }
        given::<Loan>(history)
            .when(LoanCommand::Submit(submission().into()))
            .then_expect_error(Rejection::AlreadyExists);
    }
}

#[test]
fn a_customer_takes_a_pending_application_back() {
    for stage in [Stage::Marketing, Stage::BranchManager, Stage::Backoffice] {
        given::<Loan>(waiting_for(stage)).when(cancel()).then_expect_events(vec![cancelled()]);
    }
    given::<Loan>([submitted()])
        .when(LoanCommand::Cancel { name: sealed("John Doe"), note: None, business_on: today() })
        .then_expect_events(vec![LoanEvent::LoanCancelled {
            customer: user(CUSTOMER),
            name: sealed("John Doe"),
            note: None,
            business_on: today(),
        }]);
}

/// Thirty whole days: the day of the last step and the thirty after it do not count as too late.
#[test]
fn an_application_expires_after_thirty_days_without_a_decision() {
    for stage in [Stage::Marketing, Stage::BranchManager, Stage::Backoffice] {
        for early in [0, 1, 30] {
            given::<Loan>(waiting_for(stage))
                .when(expire(early))
                .then_expect_error(Rejection::LoanNotExpired);
        }
        for late in [31, 400] {
            given::<Loan>(waiting_for(stage)).when(expire(late)).then_expect_events(vec![expired(late)]);
        }
    }
}

#[test]
fn a_decision_starts_the_thirty_days_anew() {
    let decided_on = today() + Days::new(20);
    let approved = LoanEvent::LoanApproved {
        stage: Stage::Marketing,
        officer: officer(MARKETER),
        note: None,
        business_on: decided_on,
    };
    given::<Loan>([submitted(), approved.clone()])
        .when(expire(50))
        .then_expect_error(Rejection::LoanNotExpired);
    given::<Loan>([submitted(), approved]).when(expire(51)).then_expect_events(vec![
        LoanEvent::LoanExpired { waiting_since_on: decided_on, business_on: today() + Days::new(51) },
    ]);
}

/// A date that no calendar holds is never reached.
#[test]
fn a_patience_beyond_all_dates_lasts() {
    let command = LoanCommand::Expire { after_days: u32::MAX, business_on: chrono::NaiveDate::MAX };
    given::<Loan>([submitted()]).when(command).then_expect_error(Rejection::LoanNotExpired);
}

#[test]
fn nobody_decides_twice_on_one_loan() {
    for command in [approve(MARKETER), reject(MARKETER)] {
        given::<Loan>(waiting_for(Stage::BranchManager))
            .when(command.clone())
            .then_expect_error(Rejection::AlreadyDecided);
        given::<Loan>(waiting_for(Stage::Backoffice))
            .when(command)
            .then_expect_error(Rejection::AlreadyDecided);
    }
    given::<Loan>(waiting_for(Stage::Backoffice))
        .when(approve(MANAGER))
        .then_expect_error_message("You have already decided on this loan");
}

#[test]
fn nobody_decides_on_their_own_loan() {
    for stage in [Stage::Marketing, Stage::BranchManager, Stage::Backoffice] {
        for command in [approve(CUSTOMER), reject(CUSTOMER)] {
            given::<Loan>(waiting_for(stage)).when(command).then_expect_error(Rejection::AlreadyDecided);
        }
    }
}

/// The status comes before the question who decides: on a finished loan everybody hears of the status.
#[test]
fn a_finished_loan_says_so_even_to_who_decided_it() {
    for (history, status) in over() {
        for who in [CUSTOMER, MARKETER] {
            given::<Loan>(history.clone())
                .when(approve(who))
                .then_expect_error(Rejection::LoanWrongStatus { status });
        }
    }
}

#[test]
fn a_loan_that_never_was_is_not_found() {
    nothing::<Loan>().when(approve(MARKETER)).then_expect_error(Rejection::LoanNotFound);
    for command in [reject(MARKETER), cancel(), expire(400)] {
        nothing::<Loan>().when(command).then_expect_error(Rejection::LoanNotFound);
    }
}

#[test]
fn statuses_and_stages_agree() {
    for status in LoanStatus::VARIANTS {
        if let Some(stage) = status.awaits() {
            assert_eq!(stage.decides_on(), *status);
            assert_ne!(stage.approved(), *status);
            assert_eq!(stage.rejected().awaits(), None);
        }
    }
    assert_eq!(Stage::Marketing.approved().awaits(), Some(Stage::BranchManager));
    assert_eq!(Stage::BranchManager.approved().awaits(), Some(Stage::Backoffice));
    assert_eq!(Stage::Backoffice.approved().awaits(), None);
    assert_eq!(Stage::Marketing.permission(), Permission::LoanApproveMarketing);
    assert_eq!(Stage::BranchManager.permission(), Permission::LoanApproveBranchManager);
    assert_eq!(Stage::Backoffice.permission(), Permission::LoanApproveBackoffice);
    assert_eq!(Stage::BranchManager.role_name(), "BRANCH_MANAGER");
}

#[test]
fn a_submission_asks_the_plafond_for_what_the_customer_asked() {
    let asked = submission().request();
    assert_eq!(
        (asked.amount, asked.tenor, asked.interest_rate),
        (rupiah(3_000_000), Tenor::from_const(6), Rate::from_e4_const(120_000))
    );
    assert_eq!(submission().loan, LOAN);
}

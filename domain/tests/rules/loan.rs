use lumbung_domain::*;
use strum::VariantArray;

use crate::example::{CUSTOMER, LOAN, officer, rupiah, sealed, submission, today};
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
    assert_eq!(ends, ["MARKETING_REJECTED", "BM_REJECTED", "REJECTED", "DISBURSED"]);
}

#[test]
fn what_is_decided_stays_decided() {
    for (history, status) in over() {
        for command in [approve(99), reject(99)] {
            given::<Loan>(history.clone())
                .when(command)
                .then_expect_error(Rejection::LoanWrongStatus { status });
        }
        given::<Loan>(history)
            .when(LoanCommand::Submit(submission().into()))
            .then_expect_error(Rejection::AlreadyExists);
    }
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
    nothing::<Loan>().when(reject(MARKETER)).then_expect_error(Rejection::LoanNotFound);
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

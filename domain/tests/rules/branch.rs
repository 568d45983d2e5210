use lumbung_domain::*;

use crate::{folded, given, nothing};

fn open(id: i64) -> BranchCommand {
    BranchCommand::Open {
        branch_id: BranchId(id),
        code: BranchCode::new("JKT").unwrap(),
        location: Place::new("Jakarta").unwrap(),
    }
}

fn opened(id: i64) -> BranchEvent {
    BranchEvent::BranchOpened {
        branch_id: BranchId(id),
        code: BranchCode::new("JKT").unwrap(),
        location: Place::new("Jakarta").unwrap(),
    }
}

#[test]
fn a_branch_opens() {
    nothing::<Branch>().when(open(1)).then_expect_events(vec![opened(1)]);
}

#[test]
fn a_branch_opens_once() {
    given::<Branch>([opened(1)]).when(open(1)).then_expect_error(Rejection::AlreadyExists);
}

fn amend(code: &str, location: &str) -> BranchCommand {
    BranchCommand::Amend { code: BranchCode::new(code).unwrap(), location: Place::new(location).unwrap() }
}

#[test]
fn a_branch_moves_and_is_renamed() {
    let amended = BranchEvent::BranchAmended {
        code: BranchCode::new("JKT").unwrap(),
        location: Place::new("Jakarta Selatan").unwrap(),
    };
    given::<Branch>([opened(1)])
        .when(amend("JKT", "Jakarta Selatan"))
        .then_expect_events(vec![amended.clone()]);
    given::<Branch>([opened(1), amended]).when(amend("jkt", "Jakarta Selatan")).then_expect_events(vec![]);
}

#[test]
fn the_first_loan_is_remembered_and_keeps_the_branch() {
    let used = BranchEvent::BranchUsed {};
    given::<Branch>([opened(1)]).when(BranchCommand::Use).then_expect_events(vec![used.clone()]);
    given::<Branch>([opened(1), used.clone()]).when(BranchCommand::Use).then_expect_events(vec![]);
    given::<Branch>([opened(1), used])
        .when(BranchCommand::Close)
        .then_expect_error(Rejection::BranchHasLoans);
}

#[test]
fn a_closed_branch_is_gone_for_good() {
    let closed = BranchEvent::BranchClosed {};
    given::<Branch>([opened(1)]).when(BranchCommand::Close).then_expect_events(vec![closed.clone()]);
    for command in [BranchCommand::Close, BranchCommand::Use, amend("A", "B")] {
        given::<Branch>([opened(1), closed.clone()])
            .when(command.clone())
            .then_expect_error(Rejection::BranchNotFound);
        nothing::<Branch>().when(command).then_expect_error(Rejection::BranchNotFound);
    }
    given::<Branch>([opened(1), closed.clone()]).when(open(1)).then_expect_error(Rejection::AlreadyExists);
    assert!(folded::<Branch>(&[opened(1)]).is_open());
    assert!(!folded::<Branch>(&[opened(1), closed]).is_open());
}

#[test]
fn the_online_branch_stays_as_it_is() {
    let online = BranchId::ONLINE.0;
    given::<Branch>([opened(online)])
        .when(amend("ONL", "Internet"))
        .then_expect_error(Rejection::OnlineBranchFixed { deleting: false });
    for events in [vec![opened(online)], vec![opened(online), BranchEvent::BranchUsed {}]] {
        given::<Branch>(events)
            .when(BranchCommand::Close)
            .then_expect_error(Rejection::OnlineBranchFixed { deleting: true });
    }
}

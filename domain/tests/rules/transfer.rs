use lumbung_domain::*;

use crate::example::{instruction, today, user};
use crate::{folded, given, nothing};

const BECAUSE: ReturnReason = ReturnReason::TargetNotActive;

fn started() -> TransferEvent {
    TransferEvent::TransferStarted(instruction())
}

fn settle() -> TransferCommand {
    TransferCommand::Settle { business_on: today() }
}

fn give_back() -> TransferCommand {
    TransferCommand::Return { because: BECAUSE, business_on: today() }
}

fn park() -> TransferCommand {
    TransferCommand::Park { because: ParkReason::Operator }
}

fn settled() -> TransferEvent {
    TransferEvent::TransferSettled { business_on: today() }
}

fn returned() -> TransferEvent {
    TransferEvent::TransferReturned { because: BECAUSE, business_on: today() }
}

fn parked() -> TransferEvent {
    TransferEvent::TransferParked { because: ParkReason::Operator }
}

fn retried() -> TransferEvent {
    TransferEvent::TransferRetried {}
}

#[test]
fn a_transfer_is_started_once_and_not_to_oneself() {
    let start = TransferCommand::Start;
    nothing::<Transfer>().when(start(instruction())).then_expect_events(vec![started()]);
    given::<Transfer>([started()]).when(start(instruction())).then_expect_error(Rejection::AlreadyExists);
    let to_oneself = Instruction { target: user(1), ..instruction() };
    nothing::<Transfer>().when(start(to_oneself)).then_expect_error(Rejection::TransferToSelf);
}

#[test]
fn what_was_not_started_cannot_end() {
    for command in [settle(), give_back(), park(), TransferCommand::Retry] {
        nothing::<Transfer>().when(command).then_expect_error(Rejection::TransferNotFound);
    }
}

#[test]
fn a_transfer_ends_once() {
    given::<Transfer>([started()]).when(settle()).then_expect_events(vec![settled()]);
    given::<Transfer>([started()]).when(give_back()).then_expect_events(vec![returned()]);
    for end in [settled(), returned()] {
        for command in [settle(), give_back()] {
            given::<Transfer>([started(), end.clone()]).when(command).then_expect_events(Vec::new());
        }
    }
}

#[test]
fn a_parked_transfer_waits_for_an_operator() {
    given::<Transfer>([started()]).when(park()).then_expect_events(vec![parked()]);
    for command in [settle(), give_back()] {
        given::<Transfer>([started(), parked()]).when(command).then_expect_events(Vec::new());
    }
    given::<Transfer>([started(), parked()]).when(TransferCommand::Retry).then_expect_events(vec![retried()]);
    given::<Transfer>([started(), parked(), retried()]).when(settle()).then_expect_events(vec![settled()]);
    given::<Transfer>([started(), parked(), retried()]).when(park()).then_expect_events(vec![parked()]);
}

#[test]
fn who_parks_or_retries_learns_why_not() {
    for (events, status) in [
        (vec![started(), parked()], TransferStatus::Parked),
        (vec![started(), settled()], TransferStatus::Success),
        (vec![started(), returned()], TransferStatus::Returned),
    ] {
        assert_eq!(folded::<Transfer>(&events).status(), Some(status));
        given::<Transfer>(events)
            .when(park())
            .then_expect_error(Rejection::TransferWrongStatus { status, parking: true });
    }
    for (events, status) in
        [(vec![started()], TransferStatus::Pending), (vec![started(), settled()], TransferStatus::Success)]
    {
        given::<Transfer>(events)
            .when(TransferCommand::Retry)
            .then_expect_error(Rejection::TransferWrongStatus { status, parking: false });
    }
    let status = TransferStatus::Success;
    let told = Rejection::TransferWrongStatus { status, parking: false }.to_string();
    assert_eq!(told, "The transfer is SUCCESS, so it cannot be retried");
}

use lumbung_domain::*;

use crate::example::{LOAN, bronze, request, rupiah};
use crate::{folded, given, nothing};

const NUMBER: PlafondNumber = PlafondNumber(1);
const LIMIT: i64 = 10_000_000;

fn select() -> PlafondCommand {
    PlafondCommand::Select { number: NUMBER, terms: bronze() }
}

fn reserve(amount: i64) -> PlafondCommand {
    PlafondCommand::Reserve { loan: LOAN, request: request(amount) }
}

fn selected() -> PlafondEvent {
    PlafondEvent::PlafondSelected { number: NUMBER, terms: bronze() }
}

fn reservation(amount: i64) -> Reservation {
    Reservation { loan: LOAN, amount_rupiah: rupiah(amount) }
}

fn reserved(amount: i64) -> PlafondEvent {
    PlafondEvent::PlafondReserved(reservation(amount))
}

fn released(amount: i64) -> PlafondEvent {
    PlafondEvent::PlafondReleased(reservation(amount))
}

fn converted(amount: i64, remaining: i64) -> PlafondEvent {
    PlafondEvent::PlafondConverted {
        loan: LOAN,
        amount_rupiah: rupiah(amount),
        remaining_rupiah: rupiah(remaining),
    }
}

fn depleted() -> Vec<PlafondEvent> {
    vec![selected(), reserved(LIMIT), converted(LIMIT, 0)]
}

#[test]
fn a_plafond_is_selected() {
    nothing::<Plafond>().when(select()).then_expect_events(vec![selected()]);
}

#[test]
fn an_active_plafond_stays() {
    given::<Plafond>([selected()]).when(select()).then_expect_error(Rejection::PlafondAlreadyActive);
    given::<Plafond>([selected(), reserved(1)])
        .when(select())
        .then_expect_error(Rejection::PlafondAlreadyActive);
    given::<Plafond>([selected(), reserved(LIMIT - 1), converted(LIMIT - 1, 1)])
        .when(select())
        .then_expect_error(Rejection::PlafondAlreadyActive);
}

#[test]
fn after_the_last_rupiah_another_is_selected() {
    let number = PlafondNumber(2);
    given::<Plafond>(depleted())
        .when(PlafondCommand::Select { number, terms: bronze() })
        .then_expect_events(vec![PlafondEvent::PlafondSelected { number, terms: bronze() }]);
}

#[test]
fn an_amount_up_to_the_remainder_is_reserved() {
    for amount in [1, LIMIT] {
        given::<Plafond>([selected()]).when(reserve(amount)).then_expect_events(vec![reserved(amount)]);
    }
    given::<Plafond>([selected(), reserved(4), converted(4, LIMIT - 4)])
        .when(reserve(LIMIT - 4))
        .then_expect_events(vec![reserved(LIMIT - 4)]);
}

#[test]
fn one_rupiah_above_the_remainder_is_refused() {
    given::<Plafond>([selected()])
        .when(reserve(LIMIT + 1))
        .then_expect_error(Rejection::PlafondExceeded { remaining_rupiah: rupiah(LIMIT) });
    given::<Plafond>([selected(), reserved(5_000_000), converted(5_000_000, 5_000_000)])
        .when(reserve(5_000_001))
        .then_expect_error_message("Requested amount exceeds remaining plafond. Remaining: Rp 5000000");
}

fn with(tenor: u16, rate_e4: u32) -> PlafondCommand {
    let request = LoanRequest {
        tenor: Tenor::from_const(tenor),
        interest_rate: Rate::from_e4_const(rate_e4),
        ..request(1)
    };
    PlafondCommand::Reserve { loan: LOAN, request }
}

#[test]
fn the_tenor_is_at_most_the_plafonds() {
    given::<Plafond>([selected()]).when(with(12, 120_000)).then_expect_events(vec![reserved(1)]);
    given::<Plafond>([selected()])
        .when(with(13, 120_000))
        .then_expect_error_message("Requested tenor exceeds plafond limit. Maximum: 12 months");
}

#[test]
fn the_rate_is_at_least_the_plafonds() {
    given::<Plafond>([selected()]).when(with(12, 120_001)).then_expect_events(vec![reserved(1)]);
    given::<Plafond>([selected()])
        .when(with(12, 119_999))
        .then_expect_error_message("Interest rate cannot be lower than plafond minimum. Minimum: 12.0%");
}

/// Active plafond → no pending loan → amount → tenor → rate.
#[test]
fn the_first_fault_in_the_contracts_order_is_named() {
    let all_wrong =
        LoanRequest { amount: rupiah(LIMIT + 1), tenor: Tenor::from_const(13), interest_rate: Rate::ZERO };
    let reserve = |request| PlafondCommand::Reserve { loan: LOAN, request };
    nothing::<Plafond>().when(reserve(all_wrong)).then_expect_error(Rejection::PlafondRequired);
    given::<Plafond>([selected(), reserved(1)])
        .when(reserve(all_wrong))
        .then_expect_error(Rejection::LoanAlreadyPending);
    given::<Plafond>([selected()])
        .when(reserve(all_wrong))
        .then_expect_error(Rejection::PlafondExceeded { remaining_rupiah: rupiah(LIMIT) });
    let amount_right = LoanRequest { amount: rupiah(1), ..all_wrong };
    given::<Plafond>([selected()])
        .when(reserve(amount_right))
        .then_expect_error(Rejection::TenorExceeded { maximum_months: Tenor::from_const(12) });
    let tenor_right = LoanRequest { tenor: Tenor::from_const(12), ..amount_right };
    given::<Plafond>([selected()])
        .when(reserve(tenor_right))
        .then_expect_error(Rejection::RateTooLow { minimum: Rate::from_e4_const(120_000) });
}

#[test]
fn nothing_is_reserved_without_an_active_plafond() {
    given::<Plafond>(depleted()).when(reserve(1)).then_expect_error(Rejection::PlafondRequired);
}

#[test]
fn one_loan_is_pending_at_most() {
    given::<Plafond>([selected(), reserved(1)])
        .when(reserve(1))
        .then_expect_error(Rejection::LoanAlreadyPending);
    for over in [released(1), converted(1, LIMIT - 1)] {
        given::<Plafond>([selected(), reserved(1), over])
            .when(reserve(2))
            .then_expect_events(vec![reserved(2)]);
    }
}

#[test]
fn a_reservation_is_released() {
    given::<Plafond>([selected(), reserved(3)])
        .when(PlafondCommand::Release { loan: LOAN })
        .then_expect_events(vec![released(3)]);
    assert_eq!(
        folded::<Plafond>(&[selected(), reserved(3), released(3)]),
        folded::<Plafond>(&[selected()]),
        "released, it is as before"
    );
}

#[test]
fn a_reservation_is_converted() {
    given::<Plafond>([selected(), reserved(3)])
        .when(PlafondCommand::Convert { loan: LOAN })
        .then_expect_events(vec![converted(3, LIMIT - 3)]);
    given::<Plafond>([selected(), reserved(LIMIT)])
        .when(PlafondCommand::Convert { loan: LOAN })
        .then_expect_events(vec![converted(LIMIT, 0)]);
}

#[test]
fn what_is_not_reserved_is_neither_released_nor_converted() {
    let other = LoanNumber(LOAN.0 + 1);
    for history in [
        vec![],
        vec![selected()],
        vec![selected(), reserved(3), released(3)],
        vec![selected(), reserved(3), converted(3, LIMIT - 3)],
        depleted(),
    ] {
        for command in [PlafondCommand::Release { loan: LOAN }, PlafondCommand::Convert { loan: LOAN }] {
            given::<Plafond>(history.clone()).when(command).then_expect_error(Rejection::ReservationNotFound);
        }
    }
    for command in [PlafondCommand::Release { loan: other }, PlafondCommand::Convert { loan: other }] {
        given::<Plafond>([selected(), reserved(3)])
            .when(command)
            .then_expect_error(Rejection::ReservationNotFound);
    }
}

#[test]
fn the_terms_are_those_of_the_active_plafond() {
    assert_eq!(folded::<Plafond>(&[selected()]).terms(), Some(&bronze()));
    assert_eq!(folded::<Plafond>(&depleted()).terms(), None);
    assert_eq!(Plafond::default().terms(), None);
}

#[test]
fn what_remains_falls_at_disbursement_and_not_at_submission() {
    let remaining = |events: &[PlafondEvent]| match folded::<Plafond>(events) {
        Plafond::Active { remaining_rupiah, .. } => remaining_rupiah.get(),
        Plafond::Unselected | Plafond::Depleted { .. } => panic!("not active"),
    };
    assert_eq!(remaining(&[selected(), reserved(3)]), LIMIT);
    assert_eq!(remaining(&[selected(), reserved(3), converted(3, LIMIT - 3)]), LIMIT - 3);
}

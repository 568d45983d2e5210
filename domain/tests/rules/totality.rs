//! Evolving is total: no order of events, however wrong, stops a fold; and every event reads back as written.

use lumbung_domain::*;
use proptest::prelude::*;
use proptest::sample::subsequence;
use strum::VariantArray;
use uuid::Uuid;

use crate::example::*;

/// At least one event of every variant there is.
fn basic_events() -> Vec<AnyEvent> {
    let reservation = Reservation { loan: LOAN, amount_rupiah: rupiah(3) };
    let source = WalletSource::TopUp { top_up_id: TopUpId(Uuid::from_u128(9)) };
    let grants = Grants::only(&[Permission::LoanReject]);
    let name = "MARKETING".to_owned();
    let branch = Some(BranchId(1));
    let stage = Stage::Marketing;
    let business_on = today();
    vec![
        LedgerEvent::LedgerOpened { ledger_id: LedgerId(Uuid::from_u128(8)) }.into(),
        RoleEvent::RoleDefined { role_id: RoleId(2), name, grants: grants.clone(), needs_branch: true }
            .into(),
        RoleEvent::RolePermissionsReplaced { grants }.into(),
        RoleEvent::RolePermissionsReplaced { grants: Grants::Wildcard }.into(),
        BranchEvent::BranchOpened {
            branch_id: BranchId(1),
            code: BranchCode::new("JKT").unwrap(),
            location: Place::new("Jakarta").unwrap(),
        }
        .into(),
        BranchEvent::BranchAmended {
            code: BranchCode::new("JKT-2").unwrap(),
            location: Place::new("Jakarta Selatan").unwrap(),
        }
        .into(),
        BranchEvent::BranchUsed {}.into(),
        BranchEvent::BranchClosed {}.into(),
        ProductEvent::ProductDefined(offer(true)).into(),
        ProductEvent::ProductAmended(offer(false)).into(),
        StaffEvent::StaffJoined { user: user(2), roles: vec![RoleId::SUPERADMIN], branch }.into(),
        StaffEvent::StaffLeft { user: user(2), branch }.into(),
        StaffEvent::StaffRolesChanged { user: user(2), roles: vec![RoleId::BACKOFFICE] }.into(),
        StaffEvent::StaffMoved { user: user(2), branch: BranchId(2) }.into(),
        StaffEvent::StaffDeactivated { user: user(2) }.into(),
        StaffEvent::StaffReactivated { user: user(2) }.into(),
        UserEvent::UserRegistered(john()).into(),
        UserEvent::UserRegistered(tom()).into(),
        UserEvent::ProfileUpdated(whole_profile()).into(),
        DocumentEvent::DocumentStored(stored_ktp()).into(),
        UserEvent::UserAmended(Amendment { name: Some(sealed("J. Doe")), ..Amendment::default() }).into(),
        UserEvent::UserAmended(Amendment {
            email: Some(sealed("new@example.com")),
            ends_sessions: true,
            ..Amendment::default()
        })
        .into(),
        UserEvent::UserAmended(Amendment {
            name: Some(sealed("Tommy")),
            name_parts: Some(NameParts { first: sealed("Tommy"), last: None }),
            ..Amendment::default()
        })
        .into(),
        UserEvent::PinSet { pin: sealed("$a$b$c"), because: PasswordChange::Rehashed }.into(),
        UserEvent::PasswordSet { password: sealed("$a$b$c"), because: PasswordChange::Reset }.into(),
        UserEvent::PasswordResetRequested(reset("abc", 30)).into(),
        UserEvent::RoleAssigned { role: RoleId::MARKETING }.into(),
        UserEvent::RoleRemoved { role: RoleId::MARKETING }.into(),
        UserEvent::UserDeactivated {}.into(),
        UserEvent::UserReactivated {}.into(),
        ClaimEvent::ClaimTaken { holder: Holder::User(user(1)) }.into(),
        ClaimEvent::ClaimTaken { holder: Holder::Branch(BranchId(1)) }.into(),
        ClaimEvent::ClaimTaken { holder: Holder::Product(ProductId(1)) }.into(),
        ClaimEvent::ClaimReleased {}.into(),
        SessionEvent::SessionOpened { session_id: session_id(), user: user(1), generation: 0 }.into(),
        SessionEvent::SessionRefreshed { rotation: 1, rotated_at: chrono::DateTime::UNIX_EPOCH }.into(),
        SessionEvent::SessionCarriedOver { generation: 1 }.into(),
        SessionEvent::SessionEnded {}.into(),
        PlafondEvent::PlafondSelected { number: PlafondNumber(1), terms: bronze() }.into(),
        PlafondEvent::PlafondReserved(reservation).into(),
        PlafondEvent::PlafondReleased(reservation).into(),
        PlafondEvent::PlafondConverted {
            loan: LOAN,
            amount_rupiah: rupiah(3),
            remaining_rupiah: Rupiah::ZERO,
        }
        .into(),
        LoanEvent::LoanSubmitted(submission().into()).into(),
        LoanEvent::LoanApproved { stage, officer: officer(2), note: None, business_on }.into(),
        LoanEvent::LoanRejected { stage, officer: officer(2), note: sealed("no"), business_on }.into(),
        LoanEvent::LoanDisbursed {
            officer: officer(4),
            note: Some(sealed("fine")),
            amount_rupiah: rupiah(3),
            business_on,
        }
        .into(),
        LoanEvent::LoanCancelled {
            customer: user(CUSTOMER),
            name: sealed("John Doe"),
            note: Some(sealed("no longer needed")),
            business_on,
        }
        .into(),
        LoanEvent::LoanExpired { waiting_since_on: business_on, business_on }.into(),
        MessageEvent::MessageQueued(queued()).into(),
        MessageEvent::MessageSent { sent_at: chrono::DateTime::UNIX_EPOCH }.into(),
        MessageEvent::MessageAttemptFailed {
            attempt: 1,
            because: DeliveryFailure::Unreachable,
            retry_at: chrono::DateTime::UNIX_EPOCH,
        }
        .into(),
        MessageEvent::MessageParked { attempt: 2, because: DeliveryFailure::Refused }.into(),
        MessageEvent::MessageDropped { because: Dropped::Expired }.into(),
        WalletEvent::WalletOpened { owner: user(1) }.into(),
        WalletEvent::WalletCredited {
            amount_rupiah: rupiah(3),
            balance_rupiah: rupiah(3),
            source,
            remarks: None,
            business_on,
        }
        .into(),
        WalletEvent::WalletDebited {
            amount_rupiah: rupiah(2),
            balance_rupiah: rupiah(1),
            purpose: WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(5)) },
            remarks: None,
            business_on,
        }
        .into(),
        TransferEvent::TransferStarted(instruction()).into(),
        TransferEvent::TransferSettled { business_on }.into(),
        TransferEvent::TransferReturned { because: ReturnReason::TargetNotActive, business_on }.into(),
        TransferEvent::TransferParked { because: ParkReason::Operator }.into(),
        TransferEvent::TransferRetried {}.into(),
    ]
}

fn every_event() -> Vec<AnyEvent> {
    basic_events().into_iter().chain(crate::servicing::every_event()).collect()
}

#[test]
fn every_kind_of_stream_has_its_examples() {
    let events = every_event();
    for kind in AggregateType::VARIANTS {
        assert!(events.iter().any(|event| event.aggregate_type() == *kind), "{kind}");
        assert_eq!(kind.as_str().parse(), Ok(*kind));
    }
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    for event in every_event() {
        let stored = serde_json::to_string(&event).unwrap();
        let mut reader = serde_json::Deserializer::from_str(&stored);
        let read = AnyEvent::deserialize(event.aggregate_type(), &mut reader).unwrap();
        assert_eq!(read, event);
        assert!(stored.contains(event.event_type()), "{stored}");
        assert_eq!(event.event_version(), "1");
    }
}

#[test]
fn an_event_of_another_stream_is_refused_and_changes_nothing() {
    for event in every_event() {
        for kind in AggregateType::VARIANTS {
            let mut state = AnyAggregate::unborn(*kind);
            let taken = state.evolve(&event);
            assert_eq!(taken.is_ok(), event.aggregate_type() == *kind);
            if taken.is_err() {
                assert_eq!(state, AnyAggregate::unborn(*kind));
            }
        }
    }
}

#[test]
fn the_postings_of_every_event_sum_to_zero() {
    for event in every_event() {
        let entry = postings(&event, "1");
        assert_eq!(entry.iter().map(|posting| posting.signed_rupiah).sum::<i64>(), 0, "{event:?}");
    }
}

/// What posts something has a date, is something and names something; a loan that it names is one of its subjects.
#[test]
fn every_entry_has_a_date_and_a_voucher() {
    for event in every_event() {
        let entry = postings(&event, "1");
        let movement = movement(&event);
        assert_eq!(movement.is_some(), !entry.is_empty(), "{event:?}");
        assert_eq!(booked_on(&event).is_some(), !entry.is_empty(), "{event:?}");
        let Some(movement) = movement else { continue };
        let reference = movement.reference();
        assert_eq!(reference.id().is_some(), reference.loan().is_none());
        assert_eq!(Movement::new(movement.kind(), reference.id(), reference.loan()), Some(movement));
        assert_eq!(Movement::new(movement.kind(), None, None), None);
        let loan = reference.loan().map(Subject::Loan);
        assert!(loan.is_none() || entry.iter().any(|posting| posting.subject == loan), "{event:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_events_folds(
        picked in prop::collection::vec(subsequence(every_event(), 0..=8).prop_shuffle(), 1..6)
    ) {
        for kind in AggregateType::VARIANTS {
            let mut state = AnyAggregate::unborn(*kind);
            for event in picked.iter().flatten().filter(|event| event.aggregate_type() == *kind) {
                prop_assert!(state.evolve(event).is_ok());
            }
        }
    }
}

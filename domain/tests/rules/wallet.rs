use lumbung_domain::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::example::{LOAN, rupiah, today, user};
use crate::{folded, given, nothing, obey};

const DISBURSED: WalletSource = WalletSource::Disbursement { loan: LOAN };

fn credit(amount: i64, source: WalletSource) -> WalletCommand {
    WalletCommand::Credit {
        owner: user(1),
        amount: rupiah(amount),
        source,
        remarks: None,
        business_on: today(),
    }
}

fn debit(amount: i64) -> WalletCommand {
    let purpose = WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(5)) };
    WalletCommand::Debit { amount: rupiah(amount), purpose, remarks: None, business_on: today() }
}

fn debited(amount: i64, balance: i64) -> WalletEvent {
    WalletEvent::WalletDebited {
        amount_rupiah: rupiah(amount),
        balance_rupiah: rupiah(balance),
        purpose: WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(5)) },
        remarks: None,
        business_on: today(),
    }
}

fn opened() -> WalletEvent {
    WalletEvent::WalletOpened { owner: user(1) }
}

fn credited(amount: i64, balance: i64) -> WalletEvent {
    WalletEvent::WalletCredited {
        amount_rupiah: rupiah(amount),
        balance_rupiah: rupiah(balance),
        source: DISBURSED,
        remarks: None,
        business_on: today(),
    }
}

#[test]
fn the_first_credit_opens_the_wallet() {
    nothing::<Wallet>().when(credit(1, DISBURSED)).then_expect_events(vec![opened(), credited(1, 1)]);
}

#[test]
fn a_credit_adds_to_the_balance() {
    given::<Wallet>([opened(), credited(3_000_000, 3_000_000)])
        .when(credit(500_000, DISBURSED))
        .then_expect_events(vec![credited(500_000, 3_500_000)]);
    assert_eq!(folded::<Wallet>(&[opened(), credited(1, 1), credited(2, 3)]).balance(), rupiah(3));
    assert_eq!(Wallet::default().balance(), Rupiah::ZERO);
}

#[test]
fn the_balance_reaches_the_largest_amount_and_no_rupiah_more() {
    let max = Rupiah::MAX.get();
    nothing::<Wallet>().when(credit(max, DISBURSED)).then_expect_events(vec![opened(), credited(max, max)]);
    given::<Wallet>([opened(), credited(max - 1, max - 1)])
        .when(credit(1, DISBURSED))
        .then_expect_events(vec![credited(1, max)]);
    given::<Wallet>([opened(), credited(max, max)])
        .when(credit(1, DISBURSED))
        .then_expect_error(Rejection::BalanceTooLarge);
    given::<Wallet>([opened(), credited(1, 1)])
        .when(credit(max, DISBURSED))
        .then_expect_error(Rejection::BalanceTooLarge);
}

#[test]
fn a_debit_takes_what_there_is_and_no_rupiah_more() {
    let left = |amount, balance| debited(amount, balance);
    given::<Wallet>([opened(), credited(3, 3)]).when(debit(3)).then_expect_events(vec![left(3, 0)]);
    given::<Wallet>([opened(), credited(3, 3), left(1, 2)])
        .when(debit(2))
        .then_expect_events(vec![left(2, 0)]);
    given::<Wallet>([opened(), credited(3, 3)]).when(debit(4)).then_expect_error(Rejection::BalanceNotEnough);
    nothing::<Wallet>().when(debit(1)).then_expect_error(Rejection::BalanceNotEnough);
    assert_eq!(folded::<Wallet>(&[opened(), credited(3, 3), left(1, 2)]).balance(), rupiah(2));
}

fn any_movement() -> impl Strategy<Value = WalletCommand> {
    let amount = prop_oneof![1..=1_000_i64, 1..=Rupiah::MAX.get(), Just(Rupiah::MAX.get())];
    let id = || any::<u128>().prop_map(Uuid::from_u128);
    let source = prop_oneof![
        id().prop_map(|id| WalletSource::TopUp { top_up_id: TopUpId(id) }),
        any::<i64>().prop_map(|loan| WalletSource::Disbursement { loan: LoanNumber(loan) }),
        id().prop_map(|id| WalletSource::Transfer { transfer_id: TransferId(id) }),
        id().prop_map(|id| WalletSource::Return { transfer_id: TransferId(id) }),
    ];
    let purpose = prop_oneof![
        id().prop_map(|id| WalletPurpose::Payment { payment_id: PaymentId(id) }),
        id().prop_map(|id| WalletPurpose::Transfer { transfer_id: TransferId(id) }),
    ];
    (amount, source, purpose, any::<bool>()).prop_map(|(amount, source, purpose, out)| {
        if out {
            let (remarks, business_on) = (None, today());
            WalletCommand::Debit { amount: rupiah(amount), purpose, remarks, business_on }
        } else {
            credit(amount, source)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_balance_is_what_came_in_less_what_went_out(
        commands in prop::collection::vec(any_movement(), 0..30),
    ) {
        let mut wallet = Wallet::default();
        let mut sum = 0_i64;
        for command in commands {
            let change = match &command {
                WalletCommand::Credit { amount, .. } => amount.get(),
                WalletCommand::Debit { amount, .. } => -amount.get(),
            };
            let decided = obey(&mut wallet, command);
            let fits = (0..=Rupiah::MAX.get()).contains(&(sum + change));
            prop_assert_eq!(decided.is_ok(), fits);
            if fits {
                sum += change;
            }
            prop_assert_eq!(wallet.balance().get(), sum);

            let id = user(1).to_string();
            for event in decided.unwrap_or_default() {
                let moves_money = !matches!(event, WalletEvent::WalletOpened { .. });
                let entry = postings(&event.into(), &id);
                prop_assert_eq!(entry.is_empty(), !moves_money);
                prop_assert_eq!(entry.iter().map(|posting| posting.signed_rupiah).sum::<i64>(), 0);
                // What the wallet gains we owe: a credit, which is negative.
                let owed = entry.iter().filter(|posting| posting.subject == Some(Subject::Wallet(user(1))));
                prop_assert_eq!(
                    owed.map(|posting| posting.signed_rupiah).sum::<i64>(),
                    if moves_money { -change } else { 0 }
                );
            }
        }
    }
}

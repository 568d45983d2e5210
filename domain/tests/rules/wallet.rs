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

fn any_credit() -> impl Strategy<Value = WalletCommand> {
    let amount = prop_oneof![1..=1_000_i64, 1..=Rupiah::MAX.get(), Just(Rupiah::MAX.get())];
    let source = prop_oneof![
        any::<u128>().prop_map(|id| WalletSource::TopUp { top_up_id: TopUpId(Uuid::from_u128(id)) }),
        any::<i64>().prop_map(|loan| WalletSource::Disbursement { loan: LoanNumber(loan) }),
    ];
    (amount, source).prop_map(|(amount, source)| credit(amount, source))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_balance_is_the_sum_of_what_was_credited(commands in prop::collection::vec(any_credit(), 0..30)) {
        let mut wallet = Wallet::default();
        let mut sum = 0_i64;
        for command in commands {
            let WalletCommand::Credit { amount, .. } = command.clone();
            let decided = obey(&mut wallet, command);
            let fits = sum + amount.get() <= Rupiah::MAX.get();
            prop_assert_eq!(decided.is_ok(), fits);
            if fits {
                sum += amount.get();
            }
            prop_assert_eq!(wallet.balance().get(), sum);

            for event in decided.unwrap_or_default() {
                let moves_money = matches!(event, WalletEvent::WalletCredited { .. });
                let entry = postings(&event.into());
                prop_assert_eq!(entry.is_empty(), !moves_money);
                prop_assert_eq!(entry.iter().map(|posting| posting.signed_rupiah).sum::<i64>(), 0);
                prop_assert!(entry.iter().filter(|posting| posting.signed_rupiah < 0).all(
                    |posting| posting.account == Account::CustomerWallets
                        && -posting.signed_rupiah == amount.get()
                ));
            }
        }
    }
}

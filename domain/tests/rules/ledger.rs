use lumbung_domain::*;
use strum::VariantArray;
use uuid::Uuid;

use crate::example::{LOAN, rupiah, today, user};
use crate::{given, nothing};

fn opened(number: u128) -> LedgerEvent {
    LedgerEvent::LedgerOpened { ledger_id: LedgerId(Uuid::from_u128(number)) }
}

fn open(number: u128) -> LedgerCommand {
    LedgerCommand::Open { ledger_id: LedgerId(Uuid::from_u128(number)) }
}

#[test]
fn a_ledger_is_opened() {
    nothing::<Ledger>().when(open(1)).then_expect_events(vec![opened(1)]);
}

#[test]
fn a_ledger_is_opened_once() {
    given::<Ledger>([opened(1)]).when(open(1)).then_expect_error(Rejection::AlreadyExists);
    given::<Ledger>([opened(1)]).when(open(2)).then_expect_error(Rejection::AlreadyExists);
}

fn credited(source: WalletSource) -> AnyEvent {
    let (amount_rupiah, balance_rupiah) = (rupiah(3_000_000), rupiah(4_000_000));
    WalletEvent::WalletCredited { amount_rupiah, balance_rupiah, source, remarks: None, business_on: today() }
        .into()
}

fn debited(purpose: WalletPurpose) -> AnyEvent {
    let (amount_rupiah, balance_rupiah) = (rupiah(3_000_000), rupiah(4_000_000));
    WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, purpose, remarks: None, business_on: today() }
        .into()
}

/// The event's postings on the wallet of user 1: which account is debited, which is credited, each with its part.
fn entry(event: &AnyEvent) -> [(Account, Option<Subject>); 2] {
    let entry = postings(event, &user(1).to_string());
    let [debit, credit] = entry.as_slice() else { panic!("{entry:?}") };
    assert_eq!((debit.signed_rupiah, credit.signed_rupiah), (3_000_000, -3_000_000));
    [(debit.account, debit.subject), (credit.account, credit.subject)]
}

const WALLET: Account = Account::CustomerWallets;
const TRANSIT: Account = Account::TransfersInTransit;

#[test]
fn every_movement_of_a_wallet_has_another_side() {
    let wallet = (WALLET, Some(Subject::Wallet(user(1))));
    let transfer_id = TransferId(Uuid::from_u128(7));
    let transit = (TRANSIT, Some(Subject::Transfer(transfer_id)));
    for (source, from) in [
        (WalletSource::TopUp { top_up_id: TopUpId(Uuid::from_u128(9)) }, (Account::CashAtGateway, None)),
        (
            WalletSource::Disbursement { loan: LOAN },
            (Account::LoansReceivablePrincipal, Some(Subject::Loan(LOAN))),
        ),
        (WalletSource::Transfer { transfer_id }, transit),
        (WalletSource::Return { transfer_id }, transit),
    ] {
        assert_eq!(entry(&credited(source)), [from, wallet]);
    }
    for (purpose, to) in [
        (
            WalletPurpose::Payment { payment_id: PaymentId(Uuid::from_u128(5)) },
            (Account::MerchantSettlement, None),
        ),
        (WalletPurpose::Transfer { transfer_id }, transit),
    ] {
        assert_eq!(entry(&debited(purpose)), [wallet, to]);
    }
}

#[test]
fn every_movement_has_a_name_and_a_voucher() {
    let [top_up, payment, transfer] = [1, 2, 3].map(Uuid::from_u128);
    let transfer_id = TransferId(transfer);
    for (event, kind, reference) in [
        (credited(WalletSource::TopUp { top_up_id: TopUpId(top_up) }), "TOP_UP", "TOP_UP"),
        (credited(WalletSource::Disbursement { loan: LOAN }), "DISBURSEMENT", "LOAN"),
        (credited(WalletSource::Transfer { transfer_id }), "TRANSFER_IN", "TRANSFER"),
        (credited(WalletSource::Return { transfer_id }), "TRANSFER_RETURN", "TRANSFER"),
        (debited(WalletPurpose::Payment { payment_id: PaymentId(payment) }), "PAYMENT", "PAYMENT"),
        (debited(WalletPurpose::Transfer { transfer_id }), "TRANSFER_OUT", "TRANSFER"),
    ] {
        let movement = movement(&event).unwrap();
        assert_eq!((movement.kind().as_str(), movement.reference().as_str()), (kind, reference));
        assert_eq!(kind.parse(), Ok(movement.kind()));
        let id = match reference {
            "TOP_UP" => Some(top_up),
            "PAYMENT" => Some(payment),
            "TRANSFER" => Some(transfer),
            _ => None,
        };
        assert_eq!(
            (movement.reference().id(), movement.reference().loan()),
            (id, id.is_none().then_some(LOAN))
        );
        let direction = if matches!(event, AnyEvent::Wallet(WalletEvent::WalletCredited { .. })) {
            Direction::Credit
        } else {
            Direction::Debit
        };
        assert_eq!(movement.kind().direction(), direction);
    }
}

#[test]
fn the_chart_of_accounts_is_in_the_order_of_its_numbers() {
    let codes: Vec<u16> = Account::VARIANTS.iter().map(|account| account.code()).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    for account in Account::VARIANTS {
        assert_eq!(account.as_str().parse(), Ok(*account));
        let thousand = match account.class() {
            AccountClass::Asset => 1,
            AccountClass::Liability => 2,
            AccountClass::Income => 4,
            AccountClass::Expense => 5,
        };
        assert_eq!(account.code() / 1_000, thousand, "{account:?}");
        assert_eq!(account.class().grows_by_debit(), matches!(thousand, 1 | 5));
    }
}

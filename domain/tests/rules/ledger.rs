use lumbung_domain::*;
use uuid::Uuid;

use crate::example::{LOAN, rupiah, today};
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
    WalletEvent::WalletCredited {
        amount_rupiah: rupiah(3_000_000),
        balance_rupiah: rupiah(4_000_000),
        source,
        remarks: None,
        business_on: today(),
    }
    .into()
}

#[test]
fn a_disbursement_debits_what_borrowers_owe_and_credits_what_we_owe_them() {
    let entry = postings(&credited(WalletSource::Disbursement { loan: LOAN }));
    assert_eq!(
        entry,
        [
            Posting { account: Account::LoansReceivablePrincipal, signed_rupiah: 3_000_000 },
            Posting { account: Account::CustomerWallets, signed_rupiah: -3_000_000 },
        ]
    );
}

#[test]
fn a_top_up_debits_the_gateway() {
    let entry = postings(&credited(WalletSource::TopUp { top_up_id: TopUpId(Uuid::from_u128(9)) }));
    assert_eq!(
        entry,
        [
            Posting { account: Account::CashAtGateway, signed_rupiah: 3_000_000 },
            Posting { account: Account::CustomerWallets, signed_rupiah: -3_000_000 },
        ]
    );
}

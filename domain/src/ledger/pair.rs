//! A balanced entry as amounts that each go from one account to another: what a table of two-sided rows stores.

use super::{Account, Posting, Subject};

/// One side of a [`Pair`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    pub account: Account,
    pub subject: Option<Subject>,
}

/// An amount that is debited to one account and credited to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    pub debit: Side,
    pub credit: Side,
    /// Above zero.
    pub amount_rupiah: i64,
}

/// The entry as pairs, in the order of its postings: of two postings one pair, of n at most n − 1. The sums of every
/// account, subject and side are those of the postings; a posting of zero leaves nothing.
///
/// `None` if the postings do not sum to zero.
#[must_use]
pub fn pairs(postings: &[Posting]) -> Option<Vec<Pair>> {
    let side = |posting: &Posting| Side { account: posting.account, subject: posting.subject };
    let mut debits = postings.iter().filter(|posting| posting.signed_rupiah > 0);
    let mut credits = postings.iter().filter(|posting| posting.signed_rupiah < 0);
    let mut pairs = Vec::with_capacity(postings.len() / 2);
    let (mut debit, mut credit) = (None, None);
    loop {
        debit = debit.or_else(|| debits.next().map(|posting| (side(posting), posting.signed_rupiah)));
        credit = credit.or_else(|| credits.next().map(|posting| (side(posting), posting.signed_rupiah)));
        match (debit, credit) {
            (None, None) => return Some(pairs),
            (Some((from, owed)), Some((to, due))) => {
                let amount_rupiah = owed.min(due.checked_neg()?);
                pairs.push(Pair { debit: from, credit: to, amount_rupiah });
                debit = Some((from, owed - amount_rupiah)).filter(|(_, left)| *left != 0);
                credit = Some((to, due + amount_rupiah)).filter(|(_, left)| *left != 0);
            }
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::LoanNumber;

    const WALLETS: Account = Account::CustomerWallets;
    const PRINCIPAL: Account = Account::LoansReceivablePrincipal;
    const INTEREST: Account = Account::InterestIncome;

    fn posting(account: Account, signed_rupiah: i64) -> Posting {
        Posting { account, subject: Some(Subject::Loan(LoanNumber(1))), signed_rupiah }
    }

    fn amounts(postings: &[Posting]) -> Option<Vec<(Account, Account, i64)>> {
        let pairs = pairs(postings)?;
        Some(pairs.iter().map(|pair| (pair.debit.account, pair.credit.account, pair.amount_rupiah)).collect())
    }

    #[test]
    fn two_postings_are_one_pair_and_three_are_two() {
        assert_eq!(amounts(&[]), Some(vec![]));
        let two = [posting(WALLETS, 5), posting(PRINCIPAL, -5)];
        assert_eq!(amounts(&two), Some(vec![(WALLETS, PRINCIPAL, 5)]));
        let repaid = [posting(WALLETS, 517_645), posting(PRINCIPAL, -487_645), posting(INTEREST, -30_000)];
        let wanted = vec![(WALLETS, PRINCIPAL, 487_645), (WALLETS, INTEREST, 30_000)];
        assert_eq!(amounts(&repaid), Some(wanted));
        let without_interest = [posting(WALLETS, 5), posting(INTEREST, 0), posting(PRINCIPAL, -5)];
        assert_eq!(amounts(&without_interest), Some(vec![(WALLETS, PRINCIPAL, 5)]));
    }

    #[test]
    fn what_does_not_balance_has_none() {
        for postings in [
            vec![posting(WALLETS, 5)],
            vec![posting(WALLETS, -5)],
            vec![posting(WALLETS, 5), posting(PRINCIPAL, -4)],
            vec![posting(WALLETS, 4), posting(PRINCIPAL, -5)],
            vec![posting(WALLETS, i64::MAX), posting(PRINCIPAL, i64::MIN)],
        ] {
            assert_eq!(pairs(&postings), None, "{postings:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn sums_are_kept(amounts in proptest::collection::vec((0..9_usize, -1_000_i64..1_000), 0..6)) {
            use strum::VariantArray;
            let mut postings: Vec<Posting> =
                amounts.iter().map(|(account, amount)| posting(Account::VARIANTS[*account], *amount)).collect();
            let rest: i64 = amounts.iter().map(|(_, amount)| amount).sum();
            postings.push(posting(Account::CashAtGateway, -rest));
            let mut wanted = BTreeMap::<_, i64>::new();
            for posting in postings.iter().filter(|posting| posting.signed_rupiah != 0) {
                *wanted.entry((posting.account, posting.signed_rupiah > 0)).or_default() += posting.signed_rupiah;
            }
            let pairs = pairs(&postings).unwrap();
            prop_assert!(pairs.len() < postings.len());
            let mut found = BTreeMap::<_, i64>::new();
            for pair in pairs {
                prop_assert!(pair.amount_rupiah > 0);
                *found.entry((pair.debit.account, true)).or_default() += pair.amount_rupiah;
                *found.entry((pair.credit.account, false)).or_default() -= pair.amount_rupiah;
            }
            prop_assert_eq!(found, wanted);
        }
    }
}

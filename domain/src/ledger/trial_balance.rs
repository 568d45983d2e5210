//! What stands on every account.

use super::{Account, AccountClass, Posting};

const ACCOUNTS: usize = Account::ALL.len();

/// What was ever debited and credited to an account, in whole rupiah. 128 bits: a few thousand of the largest amounts
/// pass what 64 hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub debit_rupiah: i128,
    pub credit_rupiah: i128,
}

impl Totals {
    /// Takes in an amount: a debit above zero, a credit below.
    pub fn post(&mut self, signed_rupiah: i64) {
        let amount = i128::from(signed_rupiah);
        self.debit_rupiah += amount.max(0);
        self.credit_rupiah -= amount.min(0);
    }

    /// Debits less credits.
    #[must_use]
    pub fn net_rupiah(self) -> i128 {
        self.debit_rupiah - self.credit_rupiah
    }

    /// The balance on the side on which accounts of the class grow.
    #[must_use]
    pub fn balance_rupiah(self, class: AccountClass) -> i128 {
        if class.grows_by_debit() { self.net_rupiah() } else { -self.net_rupiah() }
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.debit_rupiah += other.debit_rupiah;
        self.credit_rupiah += other.credit_rupiah;
    }
}

/// The totals of all accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrialBalance([Totals; ACCOUNTS]);

impl TrialBalance {
    /// Takes in one side of an entry.
    pub fn post(&mut self, posting: &Posting) {
        self.0[posting.account as usize].post(posting.signed_rupiah);
    }

    pub fn add(&mut self, account: Account, totals: Totals) {
        self.0[account as usize] += totals;
    }

    #[must_use]
    pub fn of(&self, account: Account) -> Totals {
        self.0[account as usize]
    }

    /// Every account, in the order of the chart.
    pub fn accounts(&self) -> impl Iterator<Item = (Account, Totals)> {
        Account::ALL.iter().map(|account| (*account, self.of(*account)))
    }

    /// Debits less credits of all accounts: zero, always.
    #[must_use]
    pub fn difference_rupiah(&self) -> i128 {
        self.0.iter().map(|totals| totals.net_rupiah()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_stand_on_their_side() {
        let mut books = TrialBalance::default();
        for (account, signed_rupiah) in [
            (Account::CashAtGateway, 500),
            (Account::CustomerWallets, -500),
            (Account::CustomerWallets, 200),
            (Account::MerchantSettlement, -200),
        ] {
            books.post(&Posting { account, subject: None, signed_rupiah });
        }
        assert_eq!(books.difference_rupiah(), 0);
        let wallets = books.of(Account::CustomerWallets);
        assert_eq!(wallets, Totals { debit_rupiah: 200, credit_rupiah: 500 });
        assert_eq!((wallets.net_rupiah(), wallets.balance_rupiah(AccountClass::Liability)), (-300, 300));
        assert_eq!(books.of(Account::CashAtGateway).balance_rupiah(AccountClass::Asset), 500);
        let codes: Vec<u16> = books.accounts().map(|(account, _)| account.code()).collect();
        assert!(codes.is_sorted() && codes.len() == ACCOUNTS);
        books.post(&Posting { account: Account::WriteOffs, subject: None, signed_rupiah: 7 });
        assert_eq!(books.difference_rupiah(), 7);
    }

    #[test]
    fn the_largest_amounts_add_up() {
        let mut books = TrialBalance::default();
        for _ in 0..3 {
            books.post(&Posting { account: Account::WriteOffs, subject: None, signed_rupiah: i64::MAX });
            books.post(&Posting { account: Account::CashAtGateway, subject: None, signed_rupiah: -i64::MAX });
        }
        assert_eq!(books.of(Account::WriteOffs).debit_rupiah, 3 * i128::from(i64::MAX));
        assert_eq!(books.difference_rupiah(), 0);
    }
}

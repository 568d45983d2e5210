//! All read models of this software: their tables, and the fold that feeds them together.
//!
//! They share one checkpoint, so every table of a read schema shows the same position.

use lumbung_journal::Fact;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::account_balances::AccountBalances;
use crate::approval_queue::ApprovalQueue;
use crate::branches::Branches;
use crate::error::ProjectionError;
use crate::ledger_entries::LedgerEntries;
use crate::loan_accounts::LoanAccounts;
use crate::loan_history::LoanHistory;
use crate::loans::Loans;
use crate::outbox::Outbox;
use crate::plafonds::Plafonds;
use crate::products::Products;
use crate::roles::Roles;
use crate::transactions::Transactions;
use crate::transfers::Transfers;
use crate::users::Users;
use crate::{
    account_balances, approval_queue, branches, checkpoint, ledger_entries, loan_accounts, loan_history,
    loans, outbox, plafonds, products, roles, transactions, transfer, transfers, users,
};

/// What defines a read model. `version` grows when the fold changes but the table does not.
struct Definition {
    table: &'static str,
    version: u32,
    ddl: &'static str,
    statements: &'static [&'static str],
}

macro_rules! definitions {
    ($($module:ident),+ $(,)?) => {
        &[$(Definition {
            table: stringify!($module),
            version: $module::VERSION,
            ddl: $module::DDL,
            statements: $module::STATEMENTS,
        }),+]
    };
}

const DEFINITIONS: &[Definition] = definitions!(
    roles,
    products,
    branches,
    users,
    plafonds,
    loans,
    loan_accounts,
    loan_history,
    approval_queue,
    outbox,
    transactions,
    transfers,
    ledger_entries,
    account_balances
);

/// The first 8 hex digits of a hash over all definitions. Software with other read models has another one, and
/// with it read schemas of its own.
#[must_use]
pub fn fingerprint() -> String {
    let mut hasher = Sha256::new();
    for definition in DEFINITIONS {
        hasher.update(format!("{}\0{}\0{}\0", definition.table, definition.version, definition.ddl));
    }
    hasher.update(checkpoint::DDL);
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The tables of a read schema, without the checkpoint.
pub fn tables() -> impl Iterator<Item = &'static str> {
    DEFINITIONS.iter().map(|definition| definition.table)
}

/// Every statement that runs inside a read schema, so that a test can have the database prepare them all.
pub fn statements() -> impl Iterator<Item = &'static str> {
    DEFINITIONS
        .iter()
        .flat_map(|definition| definition.statements)
        .chain(&transfer::STATEMENTS)
        .chain(checkpoint::STATEMENTS)
        .copied()
}

pub(crate) fn ddl() -> String {
    DEFINITIONS.iter().map(|definition| definition.ddl).chain([checkpoint::DDL]).collect()
}

/// What a batch of events changes in all read models. Begins empty for every batch: nothing of an earlier one is
/// needed, so a projector can die between any two.
#[derive(Default)]
pub(crate) struct Fold {
    roles: Roles,
    products: Products,
    branches: Branches,
    users: Users,
    plafonds: Plafonds,
    loans: Loans,
    loan_accounts: LoanAccounts,
    loan_history: LoanHistory,
    approval_queue: ApprovalQueue,
    outbox: Outbox,
    transactions: Transactions,
    transfers: Transfers,
    ledger_entries: LedgerEntries,
    account_balances: AccountBalances,
}

impl Fold {
    /// Takes in the next event.
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        self.roles.apply(fact)?;
        self.products.apply(fact);
        self.branches.apply(fact)?;
        self.users.apply(fact)?;
        self.plafonds.apply(fact)?;
        self.loans.apply(fact)?;
        self.loan_accounts.apply(fact)?;
        self.loan_history.apply(fact)?;
        self.approval_queue.apply(fact)?;
        self.outbox.apply(fact)?;
        self.transactions.apply(fact)?;
        self.transfers.apply(fact)?;
        self.ledger_entries.apply(fact)?;
        self.account_balances.apply(fact);
        Ok(())
    }

    /// Writes the changes, a few statements per table however many they are.
    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        self.roles.write(connection).await?;
        self.products.write(connection).await?;
        self.branches.write(connection).await?;
        self.users.write(connection).await?;
        self.plafonds.write(connection).await?;
        self.loans.write(connection).await?;
        // Behind the applications: it looks there for whose loan it is.
        self.loan_accounts.write(connection).await?;
        self.loan_history.write(connection).await?;
        self.approval_queue.write(connection).await?;
        self.outbox.write(connection).await?;
        self.transactions.write(connection).await?;
        self.transfers.write(connection).await?;
        self.ledger_entries.write(connection).await?;
        self.account_balances.write(connection).await
    }
}

//! The people who do business in the benchmark: registered and logged in by the product's own use cases.

use std::sync::Arc;

use lumbung_commands::ledger::Call;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_commands::{Actor, Ledger};
use lumbung_domain::{Email, PasswordHash, PersonName, Profile, SessionId, UserNumber};
use uuid::Uuid;

use crate::Failure;
use crate::product::{self, Depositor};

/// A stored Argon2 hash has this form and size; nobody logs in by it here.
const PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

/// A customer with an open session and an open wallet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Customer {
    pub(crate) actor: Actor,
}

/// Registers customers and gives each a first credit, which opens the wallet.
pub(crate) async fn register(ledger: &Ledger, count: usize) -> Result<Vec<Customer>, Failure> {
    definite(ledger.execute(DefineReferenceData, Call::default()).await?.outcome)?;
    let mut customers = Vec::with_capacity(count);
    // One by one they would wait for a thousand commits.
    for numbers in (1..=i64::try_from(count)?).collect::<Vec<_>>().chunks(100) {
        let registrations = numbers.iter().map(|number| register_one(ledger, *number));
        customers.extend(futures_util::future::try_join_all(registrations).await?);
    }
    let depositors = Arc::new(Depositor::all(ledger, &customers).await?);
    product::warm_up(ledger, &depositors).await?;
    Ok(customers)
}

async fn register_one(ledger: &Ledger, number: i64) -> Result<Customer, Failure> {
    let session = SessionId(Uuid::now_v7());
    let name = PersonName::new(&format!("Customer Number {number}"))?;
    let email = Email::new(&format!("customer{number}@example.com"))?;
    let password = PasswordHash::new(PASSWORD)?;
    let (newcomer, _) = Newcomer::seal(ledger.vault(), UserNumber(number), &name, &email, &password)?;
    let user = newcomer.user_id;
    let registration = RegisterCustomer { newcomer, profile: Profile::default(), session: Some(session) };
    definite(ledger.execute(registration, Call::default()).await?.outcome)?;
    Ok(Customer { actor: Actor { user, session } })
}

fn definite<T>(outcome: Result<T, lumbung_domain::Rejection>) -> Result<T, Failure> {
    outcome.map_err(|rejection| format!("refused: {rejection:?}").into())
}

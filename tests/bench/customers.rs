//! The people who do business in the benchmark: registered and logged in by the product's own use cases.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use argon2::{Argon2, PasswordHasher};
use lumbung_commands::ledger::Call;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_commands::{Actor, Ledger};
use lumbung_domain::{Email, PasswordHash, PersonName, Profile, SessionId, UserNumber};
use lumbung_journal::Sealer;
use uuid::Uuid;

use crate::Failure;
use crate::product::{self, Depositor};

/// Everybody's password, so that it is hashed once.
pub(crate) const PASSWORD: &str = "correct-Horse-7";

/// A customer with an open session and an open wallet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Customer {
    pub(crate) actor: Actor,
}

/// Registers customers and gives each a first credit, which opens the wallet.
pub(crate) async fn register(ledger: &Ledger, count: usize) -> Result<Vec<Customer>, Failure> {
    definite(ledger.execute(DefineReferenceData, Call::default()).await?.outcome)?;
    let customers = register_numbers(ledger, 1..=i64::try_from(count)?).await?;
    let depositors = Arc::new(Depositor::all(ledger, &customers).await?);
    product::warm_up(ledger, &depositors).await?;
    Ok(customers)
}

/// Registers the customers with these numbers. Their wallets are not open yet.
pub(crate) async fn register_numbers(
    ledger: &Ledger,
    numbers: RangeInclusive<i64>,
) -> Result<Vec<Customer>, Failure> {
    let mut customers = Vec::new();
    // One by one they would wait for as many commits.
    for numbers in numbers.collect::<Vec<_>>().chunks(100) {
        let registrations = numbers.iter().map(|number| register_one(ledger, *number));
        customers.extend(futures_util::future::try_join_all(registrations).await?);
    }
    Ok(customers)
}

async fn register_one(ledger: &Ledger, number: i64) -> Result<Customer, Failure> {
    let session = SessionId(Uuid::now_v7());
    let (newcomer, _) = newcomer(ledger, number)?;
    let user = newcomer.user_id;
    let registration = RegisterCustomer { newcomer, profile: Profile::default(), session: Some(session) };
    definite(ledger.execute(registration, Call::default()).await?.outcome)?;
    Ok(Customer { actor: Actor { user, session } })
}

/// A person with that number.
pub(crate) fn newcomer(ledger: &Ledger, number: i64) -> Result<(Newcomer, Sealer), Failure> {
    let name = PersonName::new(&format!("Person Number {number}"))?;
    let email = Email::new(&email(number))?;
    let password = PasswordHash::new(password_hash()?)?;
    Ok(Newcomer::seal(ledger.vault(), UserNumber(number), &name, &email, &password)?)
}

fn definite<T>(outcome: Result<T, lumbung_domain::Rejection>) -> Result<T, Failure> {
    outcome.map_err(|rejection| format!("refused: {rejection:?}").into())
}

/// The e-mail of the person with that number.
pub(crate) fn email(number: i64) -> String {
    format!("person{number}@example.com")
}

fn password_hash() -> Result<&'static str, Failure> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let hash = Argon2::default().hash_password(PASSWORD.as_bytes()).map_err(|error| error.to_string())?;
    Ok(HASH.get_or_init(|| hash.to_string()))
}

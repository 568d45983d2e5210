//! The people who do business in the benchmark: registered and logged in by the product's own use cases.

use std::sync::Arc;

use lumbung_commands::ledger::Call;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::user::RegisterCustomer;
use lumbung_commands::{Actor, Ledger};
use lumbung_domain::{ClaimId, Email, PasswordHash, PersonName, Profile, SessionId, UserId, UserNumber};
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
    let vault = ledger.vault();
    let user = UserId(Uuid::now_v7());
    let session = SessionId(Uuid::now_v7());
    let email = format!("customer{number}@example.com");
    let (sealer, wrapped) = vault.new_person(user.0)?;
    let registration = RegisterCustomer {
        user_id: user,
        number: UserNumber(number),
        name: sealer.seal(&PersonName::new(&format!("Customer Number {number}"))?)?,
        email: sealer.seal(&Email::new(&email)?)?,
        email_claim: ClaimId::email(&vault.keyed_hash_hex("email", &email)),
        password: sealer.seal(&PasswordHash::new(PASSWORD)?)?,
        profile: Profile::default(),
        session: Some(session),
    };
    let call = Call { person_keys: vec![wrapped], ..Call::default() };
    definite(ledger.execute(registration, call).await?.outcome)?;
    Ok(Customer { actor: Actor { user, session } })
}

fn definite<T>(outcome: Result<T, lumbung_domain::Rejection>) -> Result<T, Failure> {
    outcome.map_err(|rejection| format!("refused: {rejection:?}").into())
}

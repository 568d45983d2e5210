//! People who are registered without the wait that a real password costs: by the use cases, in this process.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use lumbung_commands::user::{RegisterCustomer, RegisterStaff};
use lumbung_commands::{Call, Ledger};
use lumbung_domain::{
    Address, Birthdate, BranchId, ClaimId, Email, Nik, PasswordHash, PersonName, Phone, Profile, RoleId,
    UserId, UserNumber,
};
use uuid::Uuid;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "granary";

/// A hash of [`PASSWORD`] that takes no time: what is tested is not how hard a password is to guess.
pub(crate) fn cheap_hash() -> PasswordHash {
    let params = Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    PasswordHash::new(&argon2.hash_password(PASSWORD.as_bytes()).unwrap().to_string()).unwrap()
}

/// Registers a customer with a complete profile.
pub(crate) async fn register_customer(ledger: &Ledger, email: &str, hash: &PasswordHash) -> UserId {
    let vault = ledger.vault();
    let user_id = UserId(Uuid::now_v7());
    let (sealer, key) = vault.new_person(user_id.0).unwrap();
    let email = Email::new(email).unwrap();
    let customer = RegisterCustomer {
        user_id,
        number: next_number(ledger).await,
        name: sealer.seal(&PersonName::new("Crash Customer").unwrap()).unwrap(),
        email_claim: ClaimId::email(&vault.keyed_hash_hex("email", &email.login_key())),
        email: sealer.seal(&email).unwrap(),
        password: sealer.seal(hash).unwrap(),
        profile: Profile {
            nik: Some(sealer.seal(&Nik::new("3201234567890001").unwrap()).unwrap()),
            birthdate: Some(sealer.seal(&Birthdate::parse("1990-05-15").unwrap()).unwrap()),
            phone: Some(sealer.seal(&Phone::new("+6281234567890").unwrap()).unwrap()),
            address: Some(sealer.seal(&Address::new("Jl. Sudirman No. 123").unwrap()).unwrap()),
        },
        session: None,
    };
    let call = Call { person_keys: vec![key], ..Call::default() };
    ledger.execute(customer, call).await.unwrap().outcome.unwrap();
    user_id
}

/// Registers one more member of the staff.
pub(crate) async fn register_staff(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
    role: RoleId,
    branch: Option<BranchId>,
) {
    let vault = ledger.vault();
    let user_id = UserId(Uuid::now_v7());
    let (sealer, key) = vault.new_person(user_id.0).unwrap();
    let email = Email::new(email).unwrap();
    let staff = RegisterStaff {
        user_id,
        number: next_number(ledger).await,
        name: sealer.seal(&PersonName::new("Second Officer").unwrap()).unwrap(),
        email_claim: ClaimId::email(&vault.keyed_hash_hex("email", &email.login_key())),
        email: sealer.seal(&email).unwrap(),
        password: sealer.seal(hash).unwrap(),
        role,
        branch,
    };
    let call = Call { person_keys: vec![key], ..Call::default() };
    ledger.execute(staff, call).await.unwrap().outcome.unwrap();
}

async fn next_number(ledger: &Ledger) -> UserNumber {
    let next = sqlx::query_scalar("select nextval('journal.user_number')");
    UserNumber(next.fetch_one(ledger.pool()).await.unwrap())
}

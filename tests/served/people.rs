//! People who are registered without the wait that a real password costs: by the use cases, in this process.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{Newcomer, RegisterCustomer, RegisterStaff};
use lumbung_commands::{Actor, Call, Ledger};
use lumbung_domain::{
    Address, Birthdate, BranchId, Email, Nik, PasswordHash, PersonName, Phone, Profile, RoleId, SessionId,
    UserId, UserNumber,
};
use lumbung_journal::Sealer;
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
    register(ledger, email, hash, None).await.0
}

/// Registers a customer with a complete profile and an open session.
pub(crate) async fn sign_up(ledger: &Ledger, email: &str, hash: &PasswordHash) -> Actor {
    sign_up_numbered(ledger, email, hash).await.0
}

/// As [`sign_up`], and the number that administrators know the customer by.
pub(crate) async fn sign_up_numbered(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
) -> (Actor, UserNumber) {
    let session = SessionId(Uuid::now_v7());
    let (user, number) = register(ledger, email, hash, Some(session)).await;
    (Actor { user, session }, number)
}

async fn register(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
    session: Option<SessionId>,
) -> (UserId, UserNumber) {
    let (newcomer, sealer) = newcomer(ledger, "Crash Customer", email, hash).await;
    let (user_id, number) = (newcomer.user_id, newcomer.number);
    let customer = RegisterCustomer {
        newcomer,
        profile: Profile {
            nik: Some(sealer.seal(&Nik::new("3201234567890001").unwrap()).unwrap()),
            birthdate: Some(sealer.seal(&Birthdate::parse("1990-05-15").unwrap()).unwrap()),
            phone: Some(sealer.seal(&Phone::new("+6281234567890").unwrap()).unwrap()),
            address: Some(sealer.seal(&Address::new("Jl. Sudirman No. 123").unwrap()).unwrap()),
            ..Profile::default()
        },
        session,
    };
    ledger.execute(customer, Call::default()).await.unwrap().outcome.unwrap();
    (user_id, number)
}

/// Registers one more member of the staff.
pub(crate) async fn register_staff(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
    role: RoleId,
    branch: Option<BranchId>,
) {
    register_member(ledger, email, hash, role, branch).await;
}

/// Registers one more member of the staff, with an open session.
pub(crate) async fn sign_up_staff(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
    role: RoleId,
    branch: Option<BranchId>,
) -> Actor {
    let newcomer = register_member(ledger, email, hash, role, branch).await;
    let (user, session) = (newcomer.user_id, SessionId(Uuid::now_v7()));
    let opening = OpenSession { user, session, password: newcomer.password, rehashed: None };
    ledger.execute(opening, Call::default()).await.unwrap().outcome.unwrap();
    Actor { user, session }
}

async fn register_member(
    ledger: &Ledger,
    email: &str,
    hash: &PasswordHash,
    role: RoleId,
    branch: Option<BranchId>,
) -> Newcomer {
    let (newcomer, _) = newcomer(ledger, "Second Officer", email, hash).await;
    let staff = RegisterStaff { newcomer: newcomer.clone(), role, branch };
    ledger.execute(staff, Call::default()).await.unwrap().outcome.unwrap();
    newcomer
}

async fn newcomer(ledger: &Ledger, name: &str, email: &str, hash: &PasswordHash) -> (Newcomer, Sealer) {
    let (name, email) = (PersonName::new(name).unwrap(), Email::new(email).unwrap());
    Newcomer::seal(ledger.vault(), next_number(ledger).await, &name, &email, hash).unwrap()
}

async fn next_number(ledger: &Ledger) -> UserNumber {
    let next = sqlx::query_scalar("select nextval('journal.user_number')");
    UserNumber(next.fetch_one(ledger.pool()).await.unwrap())
}

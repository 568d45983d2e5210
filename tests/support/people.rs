//! People with sealed names, sessions and roles.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::NaiveDate;
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{RegisterCustomer, RegisterStaff};
use lumbung_commands::wallet::TopUp;
use lumbung_commands::{Actor, Call, Ledger};
use lumbung_domain::{
    Address, Birthdate, BranchId, ClaimId, Email, Nik, PasswordHash, PersonName, Phone, Profile, RoleId,
    Rupiah, Sealed, SessionId, TopUpId, UserId, UserNumber,
};
use lumbung_journal::{Sealer, WrappedPersonKey};
use uuid::Uuid;

static NUMBERS: AtomicI64 = AtomicI64::new(1);

/// A number that no other test of this process draws.
pub(crate) fn fresh_number() -> i64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// Everything about a person who is not registered yet.
pub(crate) struct Newcomer {
    pub(crate) user_id: UserId,
    pub(crate) number: UserNumber,
    pub(crate) sealer: Sealer,
    pub(crate) wrapped: WrappedPersonKey,
    pub(crate) name: Sealed<PersonName>,
    pub(crate) email: Sealed<Email>,
    pub(crate) email_claim: ClaimId,
    pub(crate) password: Sealed<PasswordHash>,
}

impl Newcomer {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        let user_id = UserId(Uuid::now_v7());
        let number = fresh_number();
        let (sealer, wrapped) = ledger.vault().new_person(user_id.0).unwrap();
        let email = Email::new(&format!("person{number}@example.com")).unwrap();
        Self {
            user_id,
            number: UserNumber(number),
            name: sealer.seal(&PersonName::new(&format!("Person {number}")).unwrap()).unwrap(),
            email_claim: ClaimId::email(&ledger.vault().keyed_hash_hex("email", &email.login_key())),
            email: sealer.seal(&email).unwrap(),
            password: sealer.seal(&PasswordHash::new("$argon2id$salt$hash").unwrap()).unwrap(),
            sealer,
            wrapped,
        }
    }

    pub(crate) fn profile(&self) -> Profile {
        let birthdate = Birthdate::new(NaiveDate::from_ymd_opt(1990, 5, 15).unwrap()).unwrap();
        Profile {
            nik: Some(self.sealer.seal(&Nik::new("1234567890123456").unwrap()).unwrap()),
            birthdate: Some(self.sealer.seal(&birthdate).unwrap()),
            phone: Some(self.sealer.seal(&Phone::new("081234567890").unwrap()).unwrap()),
            address: Some(self.sealer.seal(&Address::new("Jl. Sudirman 123").unwrap()).unwrap()),
        }
    }

    pub(crate) fn call(&self) -> Call {
        Call { person_keys: vec![self.wrapped.clone()], ..Call::default() }
    }

    pub(crate) fn as_customer(&self, session: SessionId) -> RegisterCustomer {
        RegisterCustomer {
            user_id: self.user_id,
            number: self.number,
            name: self.name.clone(),
            email: self.email.clone(),
            email_claim: self.email_claim.clone(),
            password: self.password.clone(),
            profile: self.profile(),
            session: Some(session),
        }
    }

    fn as_staff(&self, role: RoleId, branch: Option<BranchId>) -> RegisterStaff {
        RegisterStaff {
            user_id: self.user_id,
            number: self.number,
            name: self.name.clone(),
            email: self.email.clone(),
            email_claim: self.email_claim.clone(),
            password: self.password.clone(),
            role,
            branch,
        }
    }
}

/// A customer with a complete profile and an open session.
pub(crate) async fn register_customer(ledger: &Ledger) -> Actor {
    let newcomer = Newcomer::new(ledger);
    let session = SessionId(Uuid::now_v7());
    let registered = ledger.execute(newcomer.as_customer(session), newcomer.call()).await.unwrap();
    registered.outcome.unwrap();
    Actor { user: newcomer.user_id, session }
}

/// A member of the staff with an open session.
pub(crate) async fn register_staff(ledger: &Ledger, role: RoleId, branch: Option<BranchId>) -> Actor {
    let newcomer = Newcomer::new(ledger);
    let registered = ledger.execute(newcomer.as_staff(role, branch), newcomer.call()).await.unwrap();
    registered.outcome.unwrap();
    open_session(ledger, &newcomer).await
}

async fn open_session(ledger: &Ledger, person: &Newcomer) -> Actor {
    let session = SessionId(Uuid::now_v7());
    let opening = OpenSession { user: person.user_id, session, password: person.password.clone() };
    ledger.execute(opening, Call::default()).await.unwrap().outcome.unwrap();
    Actor { user: person.user_id, session }
}

/// A top-up with an id of its own.
pub(crate) fn top_up(actor: Actor, rupiah: i64) -> TopUp {
    let amount = Rupiah::positive(rupiah).unwrap();
    TopUp { actor, top_up_id: TopUpId(Uuid::now_v7()), amount, remarks: None }
}

//! People with sealed names, sessions and roles.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::NaiveDate;
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{Newcomer, RegisterCustomer, RegisterStaff};
use lumbung_commands::wallet::TopUp;
use lumbung_commands::{Actor, Call, Expected, Ledger};
use lumbung_domain::{
    Address, Birthdate, BranchId, Email, Nik, PasswordHash, PersonName, Phone, Profile, RoleId, Rupiah,
    SessionId, TopUpId, UserNumber,
};
use lumbung_journal::Sealer;
use uuid::Uuid;

/// Beyond the numbers that the demo data has.
static NUMBERS: AtomicI64 = AtomicI64::new(1_000_000);

/// A number that no other test of this process draws.
pub(crate) fn fresh_number() -> i64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// A person who is not registered yet.
pub(crate) struct Someone {
    pub(crate) newcomer: Newcomer,
    pub(crate) sealer: Sealer,
}

impl Someone {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        let number = fresh_number();
        let name = PersonName::new(&format!("Person {number}")).unwrap();
        let email = Email::new(&format!("person{number}@example.com")).unwrap();
        let password = PasswordHash::new("$argon2id$salt$hash").unwrap();
        let (newcomer, sealer) =
            Newcomer::seal(ledger.vault(), UserNumber(number), &name, &email, &password).unwrap();
        Self { newcomer, sealer }
    }

    pub(crate) fn profile(&self) -> Profile {
        let birthdate = Birthdate::new(NaiveDate::from_ymd_opt(1990, 5, 15).unwrap()).unwrap();
        Profile {
            nik: Some(self.sealer.seal(&Nik::new("1234567890123456").unwrap()).unwrap()),
            birthdate: Some(self.sealer.seal(&birthdate).unwrap()),
            phone: Some(self.sealer.seal(&Phone::new("081234567890").unwrap()).unwrap()),
            address: Some(self.sealer.seal(&Address::new("Jl. Sudirman 123").unwrap()).unwrap()),
            ..Profile::default()
        }
    }

    pub(crate) fn as_customer(&self, session: SessionId) -> RegisterCustomer {
        let (newcomer, profile) = (self.newcomer.clone(), self.profile());
        RegisterCustomer { newcomer, profile, session: Some(session) }
    }

    fn as_staff(&self, role: RoleId, branch: Option<BranchId>) -> RegisterStaff {
        RegisterStaff { newcomer: self.newcomer.clone(), role, branch }
    }
}

/// A customer with a complete profile and an open session.
pub(crate) async fn register_customer(ledger: &Ledger) -> Actor {
    let someone = Someone::new(ledger);
    let session = SessionId(Uuid::now_v7());
    let registered = ledger.execute(someone.as_customer(session), Call::default()).await.unwrap();
    registered.outcome.unwrap();
    Actor { user: someone.newcomer.user_id, session }
}

/// A member of the staff with an open session.
pub(crate) async fn register_staff(ledger: &Ledger, role: RoleId, branch: Option<BranchId>) -> Actor {
    let someone = Someone::new(ledger);
    let registered = ledger.execute(someone.as_staff(role, branch), Call::default()).await.unwrap();
    registered.outcome.unwrap();
    open_session(ledger, &someone.newcomer).await
}

async fn open_session(ledger: &Ledger, person: &Newcomer) -> Actor {
    let session = SessionId(Uuid::now_v7());
    let opening =
        OpenSession { user: person.user_id, session, password: person.password.clone(), rehashed: None };
    ledger.execute(opening, Call::default()).await.unwrap().outcome.unwrap();
    Actor { user: person.user_id, session }
}

/// A top-up with an id of its own.
pub(crate) fn top_up(actor: Actor, rupiah: i64) -> TopUp {
    let amount = Rupiah::positive(rupiah).unwrap();
    TopUp { actor, top_up_id: TopUpId(Uuid::now_v7()), amount, remarks: None, expected: Expected::Anything }
}

//! People who are there at once: registered and logged in by use cases, without the wait that a password costs. What they
//! do then goes over HTTP.

use chrono::Utc;
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{Newcomer, RegisterCustomer, RegisterStaff};
use lumbung_commands::{Book, Call, Halt, UseCase};
use lumbung_domain::{
    Address, Birthdate, BranchId, Email, Nik, PasswordHash, PersonName, Phone, Profile, RoleId, SessionId,
    User, UserCommand, UserId,
};
use lumbung_journal::Sealer;
use serde_json::json;
use uuid::Uuid;

use super::super::rest_smoke::Server;
use super::walk::application;
use crate::served::people::cheap_hash;

/// Somebody with an open session.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    /// The id that the API shows.
    pub(crate) number: i64,
    pub(crate) session: SessionId,
    pub(crate) token: String,
}

/// Whoever else a test needs.
pub(crate) struct Town<'a> {
    pub(crate) server: &'a Server,
    hash: PasswordHash,
}

impl<'a> Town<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self { server, hash: cheap_hash() }
    }

    /// A customer with a complete profile.
    pub(crate) async fn customer(&self) -> Person {
        let (newcomer, sealer) = self.newcomer().await;
        let customer =
            RegisterCustomer { newcomer: newcomer.clone(), profile: profile(&sealer), session: None };
        self.run(customer).await;
        self.session(newcomer).await
    }

    /// A customer with BRONZE.
    pub(crate) async fn borrower(&self) -> Person {
        let customer = self.customer().await;
        self.server.post("/api/customer/plafond", &customer.token, json!({"productId": 1})).await.ok(200);
        customer
    }

    pub(crate) async fn staff(&self, role: RoleId, branch: Option<BranchId>) -> Person {
        let (newcomer, _) = self.newcomer().await;
        self.run(RegisterStaff { newcomer: newcomer.clone(), role, branch }).await;
        self.session(newcomer).await
    }

    /// The person is deactivated; their tokens are what they were.
    pub(crate) async fn deactivate(&self, person: &Person) {
        self.run(Deactivate(person.user)).await;
    }

    /// The number of an application of 1,000,000.
    pub(crate) async fn loan(&self, customer: &Person, branch: i64) -> i64 {
        let mut body = application(1_000_000);
        body["branchId"] = json!(branch);
        let loan = self.server.post("/api/loans", &customer.token, body).await.ok(201);
        loan["id"].as_i64().unwrap()
    }

    async fn newcomer(&self) -> (Newcomer, Sealer) {
        let app = self.server.app();
        let number = app.numbers.user().await.unwrap();
        let name = PersonName::new(&format!("Citizen {number}")).unwrap();
        let email = Email::new(&format!("citizen.{number}@example.com")).unwrap();
        Newcomer::seal(app.ledger.vault(), number, &name, &email, &self.hash).unwrap()
    }

    async fn session(&self, newcomer: Newcomer) -> Person {
        let (user, session) = (newcomer.user_id, SessionId(Uuid::now_v7()));
        self.run(OpenSession { user, session, password: newcomer.password, rehashed: None }).await;
        let token = self.server.app().tokens.issue(user, session, Utc::now()).unwrap();
        Person { user, number: newcomer.number.0, session, token }
    }

    async fn run<U: UseCase>(&self, use_case: U) -> U::Outcome {
        self.server.app().ledger.execute(use_case, Call::default()).await.unwrap().outcome.unwrap()
    }
}

fn profile(sealer: &Sealer) -> Profile {
    Profile {
        nik: Some(sealer.seal(&Nik::new("3201234567890001").unwrap()).unwrap()),
        birthdate: Some(sealer.seal(&Birthdate::parse("1990-05-15").unwrap()).unwrap()),
        phone: Some(sealer.seal(&Phone::new("081234567890").unwrap()).unwrap()),
        address: Some(sealer.seal(&Address::new("Jl. Sudirman No. 123").unwrap()).unwrap()),
        ..Profile::default()
    }
}

struct Deactivate(UserId);

impl UseCase for Deactivate {
    const NAME: &'static str = "Deactivate";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.run::<User>(self.0, UserCommand::Deactivate)
    }
}

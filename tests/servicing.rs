//! A loan's life after its disbursement, over HTTP: schedule, repayments, corrections, the end. Operators set the business date, so
//! that a test lives through a year at once.

mod bills;
mod corrected;
mod late;
mod refused;
mod repaid;
mod terms;
mod times;

use lumbung_commands::Actor;
use lumbung_commands::business_date::{FURTHEST_DAYS, SetBusinessDate};
use lumbung_domain::RoleId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::golden::town::{Person, Town};
use crate::rest_smoke::{Answer, Server, send};
use crate::support::ledger::{JAKARTA, run};

/// The first day of most tests: its month has days that the next one lacks.
const DAY_ONE: &str = "2026-01-31";

/// Everybody who has to do with a loan at Jakarta.
struct Lender<'a> {
    server: &'a Server,
    town: Town<'a>,
    officers: [Person; 3],
    operator: Person,
}

impl<'a> Lender<'a> {
    /// Open for business on the first day.
    async fn of(server: &'a Server) -> Self {
        let town = Town::of(server);
        let officers = [
            town.staff(RoleId::MARKETING, Some(JAKARTA)).await,
            town.staff(RoleId::BRANCH_MANAGER, Some(JAKARTA)).await,
            town.staff(RoleId::BACKOFFICE, None).await,
        ];
        let operator = town.staff(RoleId::OPERATOR, None).await;
        let lender = Self { server, town, officers, operator };
        lender.on(DAY_ONE).await;
        lender
    }

    /// It is another day.
    async fn on(&self, day: &str) {
        let actor = Actor { user: self.operator.user, session: self.operator.session };
        let business_on = Some(day.parse().unwrap());
        run(
            &self.server.app().ledger,
            SetBusinessDate { actor, business_on, most_ahead_days: FURTHEST_DAYS },
        )
        .await;
    }

    /// Who services loans.
    fn backoffice(&self) -> &str {
        &self.officers[2].token
    }

    /// A customer with a loan of BRONZE over six months, and its amount in the wallet.
    async fn lend(&self, amount: i64) -> Borrower<'a> {
        self.lend_of(1, amount).await
    }

    async fn lend_of(&self, product: i64, amount: i64) -> Borrower<'a> {
        let person = self.town.customer().await;
        let body = json!({"productId": product});
        self.server.post("/api/customer/plafond", &person.token, body).await.ok(200);
        let loan = self.apply(&person, amount).await.ok(200)["id"].as_i64().unwrap();
        Borrower { server: self.server, person, loan }
    }

    /// An application over six months and every approval of it; the answer to the last one.
    async fn apply(&self, person: &Person, amount: i64) -> Answer {
        let body = json!({"branchId": 1, "amount": amount, "tenor": 6, "interestRate": 12.0});
        let loan = self.server.post("/api/loans", &person.token, body).await.ok(201);
        let path = format!("/api/approval/{}/approve", loan["id"]);
        let [marketing, manager, backoffice] = &self.officers;
        for officer in [marketing, manager] {
            self.server.post(&path, &officer.token, json!({})).await.ok(200);
        }
        self.server.post(&path, &backoffice.token, json!({})).await
    }
}

struct Borrower<'a> {
    server: &'a Server,
    person: Person,
    loan: i64,
}

impl Borrower<'_> {
    fn path(&self, below: &str) -> String {
        format!("/api/loans/{}{below}", self.loan)
    }

    async fn get(&self, below: &str) -> Value {
        self.server.get(&self.path(below), &self.person.token).await.ok(200)
    }

    async fn post(&self, below: &str, body: Value) -> Answer {
        self.server.post(&self.path(below), &self.person.token, body).await
    }

    async fn repay(&self, amount: i64) -> Value {
        self.post("/repayments", json!({"amount": amount})).await.ok(201)
    }

    async fn top_up(&self, amount: i64) {
        let told = self.server.post("/topup", &self.person.token, json!({"amount": amount})).await;
        assert_eq!(told.status, 200, "{}", told.text);
    }

    async fn wallet(&self) -> i64 {
        let wallet = self.server.get("/api/customer/wallet", &self.person.token).await.ok(200);
        wallet["balance"].as_i64().unwrap()
    }
}

/// One field of every row.
fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

/// Every line in short: instalment, component, paid, charged, account.
fn lines(told: &Value) -> Vec<String> {
    let rows = told["lines"].as_array().unwrap().iter();
    rows.map(|row| {
        let name = row["component"].as_str().unwrap();
        format!("{} {name} {} {} {}", row["instalment"], row["amount"], row["charged"], row["account"])
    })
    .collect()
}

/// Some fields of an answer.
fn fields<const N: usize>(told: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| told[name].clone())
}

/// Balance of an account in the books.
async fn balance(server: &Server, lender: &Lender<'_>, account: u16, subject: i64) -> i64 {
    let path = format!("/api/ledger/accounts?subject={subject}");
    let accounts = server.get(&path, lender.backoffice()).await.ok(200);
    let found = accounts.as_array().unwrap().iter().find(|row| row["code"] == account).unwrap().clone();
    found["balance"].as_i64().unwrap()
}

/// Without a token.
async fn openly(server: &Server, path: &str) -> Answer {
    send(server.request(Method::GET, path)).await
}

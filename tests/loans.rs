//! Loans and their approval over HTTP, beyond the way from plafond to disbursement that `rest_smoke` walks.

mod cancel;
mod expiry;
mod lists;
mod order;
mod plafond;
mod races;

use std::sync::atomic::{AtomicU32, Ordering};

use lumbung_commands::loan::SubmitLoan;
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::{Expected, Ledger};
use lumbung_domain::{BranchId, LoanNumber, PlafondNumber, ProductId, Rupiah, Tenor};
use serde_json::{Value, json};

use crate::rest_smoke::{Answer, Server};
use crate::served::people::{cheap_hash, sign_up};
use crate::support::ledger::run;

pub(super) const OFFICERS: [(&str, &str, &str); 3] = [
    ("marketing.jkt@loan.com", "marketing123", "MARKETING_APPROVED"),
    ("bm.jkt@loan.com", "bm123", "BRANCH_MANAGER_APPROVED"),
    ("backoffice@loan.com", "backoffice123", "DISBURSED"),
];

/// John Doe, and the officers of his loans at Jakarta by stage.
struct Cast {
    john: String,
    officers: [String; 3],
}

impl Cast {
    async fn log_in(server: &Server) -> Self {
        let [marketing, manager, backoffice] = OFFICERS.map(|(email, password, _)| (email, password));
        Self {
            john: server.login("john.doe@email.com", "customer123").await,
            officers: [
                server.login(marketing.0, marketing.1).await,
                server.login(manager.0, manager.1).await,
                server.login(backoffice.0, backoffice.1).await,
            ],
        }
    }

    async fn select(&self, server: &Server, product: i64) -> Answer {
        server.post("/api/customer/plafond", &self.john, json!({"productId": product})).await
    }

    async fn submit(&self, server: &Server, amount: i64) -> Answer {
        let body = json!({"branchId": 1, "amount": amount, "tenor": 6, "interestRate": 12.0});
        server.post("/api/loans", &self.john, body).await
    }

    /// Submits a loan that must be accepted.
    async fn borrow(&self, server: &Server, amount: i64) -> i64 {
        self.submit(server, amount).await.ok(201)["id"].as_i64().unwrap()
    }

    /// Approves by the first so many officers; with all three the loan is disbursed.
    async fn approve(&self, server: &Server, loan: i64, stages: usize) {
        for (officer, (_, _, status)) in self.officers.iter().zip(OFFICERS).take(stages) {
            let path = format!("/api/approval/{loan}/approve");
            assert_eq!(server.post(&path, officer, json!({})).await.ok(200)["status"], status);
        }
    }

    async fn remaining(&self, server: &Server) -> Value {
        server.get("/api/customer/plafond", &self.john).await.ok(200)["remainingAmount"].clone()
    }

    async fn history(&self, server: &Server, loan: i64) -> Value {
        server.get(&format!("/api/loans/{loan}/history"), &self.john).await.ok(200)
    }
}

/// Someone with a plafond of 5,000,000 applies for all of it at Jakarta, by the use cases.
async fn someone_applies(ledger: &Ledger) -> i64 {
    static EMAILS: AtomicU32 = AtomicU32::new(0);
    let email = format!("someone.{}@example.com", EMAILS.fetch_add(1, Ordering::Relaxed));
    let actor = sign_up(ledger, &email, &cheap_hash()).await;
    let next = async |sequence: &str| -> i64 {
        let next = sqlx::query_scalar("select nextval($1::regclass)").bind(sequence);
        next.fetch_one(ledger.pool()).await.unwrap()
    };
    let number = PlafondNumber(next("journal.plafond_number").await);
    let bronze = SelectPlafond { actor, number, product: ProductId(1), expected: Expected::Anything };
    run(ledger, bronze).await;
    let loan = LoanNumber(next("journal.loan_number").await);
    let (amount, tenor) = (Rupiah::positive(5_000_000).unwrap(), Tenor::new(6).unwrap());
    run(ledger, SubmitLoan { actor, loan, branch: BranchId(1), amount, tenor, interest_rate: None }).await;
    loan.0
}

//! The way of a loan through the stages.

use serde_json::{Value, json};

use super::super::rest_smoke::{Answer, Server};

/// Who decides at each stage, in Jakarta.
pub(super) struct Officers {
    pub(super) marketing: String,
    pub(super) manager: String,
    pub(super) backoffice: String,
}

/// Six months, the product's rate.
pub(super) fn application(amount: i64) -> Value {
    json!({"branchId": 1, "amount": amount, "tenor": 6})
}

impl Officers {
    pub(super) async fn of_jakarta(server: &Server) -> Self {
        Self {
            marketing: server.login("marketing.jkt@loan.com", "marketing123").await,
            manager: server.login("bm.jkt@loan.com", "bm123").await,
            backoffice: server.login("backoffice@loan.com", "backoffice123").await,
        }
    }

    /// From the application to the money.
    pub(super) async fn disburse(&self, server: &Server, customer: &str, amount: i64) -> i64 {
        let loan = server.post("/api/loans", customer, application(amount)).await.ok(201);
        let loan = loan["id"].as_i64().unwrap();
        for officer in [&self.marketing, &self.manager, &self.backoffice] {
            decide(server, officer, loan, "approve").await.ok(200);
        }
        loan
    }
}

pub(super) async fn decide(server: &Server, officer: &str, loan: i64, how: &str) -> Answer {
    let path = format!("/api/approval/{loan}/{how}");
    server.post(&path, officer, json!({"note": "Documents verified"})).await
}

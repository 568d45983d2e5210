//! The steps of Scenario 1, each answer compared with its document.

use serde_json::{Value, json};

use super::documented::{
    self, LOAN_PENDING, NOTE, PLAFOND_EXCEEDED, PLAFOND_MISSING, PLAFOND_NONE, detailed, history, listed,
    plafond, refused, success,
};
use crate::served::shape::assert_documented;
use crate::served::{Http, Told};

/// What a finished walk leaves: the loan, and tokens that must stay good.
pub(super) struct Walk {
    http: Http,
    customer: String,
    marketing: String,
    pub(super) loan: i64,
    /// The customer's own loan, as it was told last.
    last_told: Value,
}

impl Walk {
    /// Everything from the login to the fallen plafond.
    pub(super) async fn scenario_1(http: &Http, address: &str) -> Self {
        let (customer, loan) = apply(http, address).await;
        let marketing = http.login(address, "marketing.jkt@loan.com", "marketing123").await;
        let manager = http.login(address, "bm.jkt@loan.com", "bm123").await;
        let backoffice = http.login(address, "backoffice@loan.com", "backoffice123").await;
        let stages = [
            (&marketing, "SUBMITTED", "MARKETING_APPROVED", json!({"note": NOTE})),
            (&manager, "MARKETING_APPROVED", "BRANCH_MANAGER_APPROVED", json!({})),
            (&backoffice, "BRANCH_MANAGER_APPROVED", "DISBURSED", json!({"note": NOTE})),
        ];
        for (officer, before, after, body) in stages {
            let pending = get(http, address, "/api/approval/pending", officer).await.expect(200);
            assert_documented(&pending.json(), &success("Success", json!([listed(loan, before)])));
            let path = format!("/api/approval/{loan}/approve");
            let approved = post(http, address, &path, officer, body).await.expect(200);
            assert_documented(
                &approved.json(),
                &success("Loan approved successfully", detailed(loan, after)),
            );
            assert!(approved.header("Ledger-Position").is_some() && approved.header("ETag").is_some());
            let pending = get(http, address, "/api/approval/pending", officer).await.expect(200);
            assert_documented(&pending.json(), &success("Success", json!([])));
        }
        let last_told = get(http, address, &format!("/api/loans/{loan}"), &customer).await.expect(200).data();
        Self { http: http.clone(), customer, marketing, loan, last_told }
    }

    /// That a server of the same data shows what was there when the walk ended, to the tokens from then.
    pub(super) async fn assert_where_it_ended(&self, address: &str) {
        let (http, customer, loan) = (&self.http, self.customer.as_str(), self.loan);
        let read = async |path: &str| get(http, address, path, customer).await.expect(200);

        let told = read(&format!("/api/loans/{loan}")).await;
        assert_documented(&told.json(), &success("Success", detailed(loan, "DISBURSED")));
        assert_eq!(told.data(), self.last_told, "the same to the last field");
        let mine = read("/api/loans").await;
        assert_documented(&mine.json(), &success("Success", json!([listed(loan, "DISBURSED")])));
        let fallen = read("/api/customer/plafond").await;
        assert_documented(&fallen.json(), &success("Success", plafond(2_000_000)));
        let told = read(&format!("/api/loans/{loan}/history")).await;
        assert_documented(&told.json(), &success("Success", history()));
        let staff = get(http, address, &format!("/api/loans/{loan}"), &self.marketing).await.expect(200);
        assert_documented(&staff.json(), &success("Success", detailed(loan, "DISBURSED")));

        let too_much = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6, "interestRate": 12.0});
        let exceeded = post(http, address, "/api/loans", customer, too_much).await.expect(400);
        assert_documented(&exceeded.json(), &refused(PLAFOND_EXCEEDED));
    }

    /// §2.5: afterwards the token is good for nothing.
    pub(super) async fn log_out(&self, address: &str) {
        let (http, customer) = (&self.http, self.customer.as_str());
        let left = post(http, address, "/api/auth/logout", customer, json!({})).await.expect(200);
        assert_documented(&left.json(), &json!({"success": true, "message": "Logged out successfully"}));
        for path in ["/api/loans", "/api/customer/plafond"] {
            let refused = get(http, address, path, customer).await.expect(401);
            assert_documented(&refused.json(), &documented::refused("Unauthorized"));
        }
    }
}

/// From the login to a submitted loan.
async fn apply(http: &Http, address: &str) -> (String, i64) {
    for (path, documented) in
        [("/api/products", documented::products()), ("/api/branches", documented::branches())]
    {
        let told = http.get(address, path, None).await.unwrap().expect(200);
        assert_documented(&told.json(), &documented);
    }
    let account = json!({"email": "john.doe@email.com", "password": "customer123"});
    let told = http.post(address, "/api/auth/login", None, account).await.unwrap().expect(200);
    assert_documented(&told.json(), &documented::login());
    let customer = told.data()["token"].as_str().unwrap().to_owned();

    let none = get(http, address, "/api/customer/plafond", &customer).await.expect(404);
    assert_documented(&none.json(), &refused(PLAFOND_NONE));
    let application = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6, "interestRate": 12.0});
    let early = post(http, address, "/api/loans", &customer, application.clone()).await.expect(400);
    assert_documented(&early.json(), &refused(PLAFOND_MISSING));

    let selected = post(http, address, "/api/customer/plafond", &customer, json!({"productId": 1})).await;
    let selected = selected.expect(200).json();
    assert_documented(&selected, &success("Plafond selected successfully", plafond(5_000_000)));
    let shown = get(http, address, "/api/customer/plafond", &customer).await.expect(200);
    assert_documented(&shown.json(), &success("Success", plafond(5_000_000)));

    let submitted = post(http, address, "/api/loans", &customer, application.clone()).await.expect(201);
    let loan = submitted.data()["id"].as_i64().unwrap();
    assert_documented(
        &submitted.json(),
        &success("Loan application submitted successfully", detailed(loan, "SUBMITTED")),
    );
    let second = post(http, address, "/api/loans", &customer, application).await.expect(400);
    assert_documented(&second.json(), &refused(LOAN_PENDING));
    (customer, loan)
}

pub(super) async fn get(http: &Http, address: &str, path: &str, token: &str) -> Told {
    http.get(address, path, Some(token)).await.unwrap()
}

pub(super) async fn post(http: &Http, address: &str, path: &str, token: &str, body: Value) -> Told {
    http.post(address, path, Some(token), body).await.unwrap()
}

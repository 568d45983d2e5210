//! Who may not, and what is no question.

use reqwest::Method;
use serde_json::json;

use super::{Lender, openly};
use crate::golden::town::Town;
use crate::rest_smoke::{Server, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_peoples_loans_are_theirs() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    let budi = Town::of(&server).borrower().await;
    let not_yours = (403, "LOAN_NOT_YOURS", "You don't have access to this loan application");
    for below in ["/schedule", "/bills", "/payoff-quote", "/transactions"] {
        let told = server.get(&ani.path(below), &budi.token).await;
        assert_eq!(told.error(), not_yours, "{below}");
        assert_eq!(openly(&server, &ani.path(below)).await.error().0, 401);
        for missing in ["/api/loans/999999", "/api/loans/first"] {
            let told = server.get(&format!("{missing}{below}"), &budi.token).await;
            assert_eq!(told.error(), (404, "LOAN_NOT_FOUND", "Loan application not found"));
        }
        server.get(&ani.path(below), lender.backoffice()).await.ok(200);
    }
    for (below, body) in [("/repayments", json!({"amount": 1_000})), ("/payoff", json!({}))] {
        assert_eq!(server.post(&ani.path(below), &budi.token, body).await.error(), not_yours, "{below}");
    }
    // What officers do is not for customers, and what customers do not for officers.
    let denied = (403, "ACCESS_DENIED", "Access Denied");
    let dated = json!({"amount": 1_000, "paidOn": "2026-01-31"});
    assert_eq!(ani.post("/repayments", dated.clone()).await.error(), denied);
    assert_eq!(ani.post("/write-off", json!({"note": "Please"})).await.error(), denied);
    let reverse = "/repayments/00000000-0000-4000-8000-000000000000/reverse";
    assert_eq!(ani.post(reverse, json!({"note": "Please"})).await.error(), denied);
    let marketing = &lender.officers[0].token;
    for (below, body) in [("/repayments", dated), ("/payoff", json!({})), ("/write-off", json!({}))] {
        assert_eq!(server.post(&ani.path(below), marketing, body).await.error(), denied, "{below}");
    }
    assert_eq!(server.post(&ani.path("/payoff"), lender.backoffice(), json!({})).await.error(), denied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_name_the_field() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    for (body, told) in [
        (json!({}), "amount: is required"),
        (json!({"amount": 0}), "amount: must be greater than 0"),
        (json!({"amount": 0.5}), "amount: must be a whole amount of rupiah"),
        (json!({"amount": "1000"}), "amount: must be a number"),
        (json!({"amount": 1_000, "source": "CASH"}), "source: must be WALLET or GATEWAY"),
        (json!({"amount": 1_000, "paidOn": "31-01-2026"}), "paidOn: must be a date like 2025-12-31"),
        (json!({"amount": 1_000, "confirm": "yes"}), "confirm: must be true or false"),
    ] {
        assert_eq!(ani.post("/repayments", body).await.error(), (400, "VALIDATION_FAILED", told));
    }
    let officer = async |below: &str, body| server.post(&ani.path(below), lender.backoffice(), body).await;
    let told = officer("/repayments", json!({"amount": 1_000})).await;
    assert_eq!(told.error(), (400, "VALIDATION_FAILED", "paidOn: is required"));
    for day in ["2026-01-30", "2026-02-01"] {
        let told = officer("/repayments", json!({"amount": 1_000, "paidOn": day})).await;
        let range = "paidOn: must be between 2026-01-31 and 2026-01-31";
        assert_eq!(told.error(), (400, "PAID_ON_OUT_OF_RANGE", range));
        assert_eq!(told.json["errors"][0]["field"], "paidOn");
    }
    let told = ani.post("/repayments", json!({"amount": 3_000_001})).await;
    let above = "amount: must not be greater than what settles the loan, Rp 3000000";
    assert_eq!(told.error(), (400, "REPAYMENT_ABOVE_PAYOFF", above));
    assert_eq!(told.json["errors"][0]["field"], "amount");
    for note in [json!({}), json!({"note": ""}), json!({"note": "  "})] {
        let blank = officer("/write-off", note.clone()).await;
        assert_eq!((blank.error().0, &blank.json["errors"][0]["field"]), (400, &json!("note")), "{note}");
    }
    let note = json!({"note": "Seen"});
    let told = officer("/repayments/first/reverse", note.clone()).await;
    assert_eq!(told.error(), (400, "VALIDATION_FAILED", "repaymentId: must be a UUID"));
    let unknown = "/repayments/00000000-0000-4000-8000-000000000000/reverse";
    assert_eq!(
        officer(unknown, note.clone()).await.error(),
        (404, "REPAYMENT_NOT_FOUND", "Repayment not found")
    );
    let path = "/api/loans/first/repayments/second/reverse";
    let told = server.post(path, lender.backoffice(), note).await;
    assert_eq!(told.error().2, "id: must be an integer");
    assert_eq!(told.json["errors"].as_array().unwrap().len(), 2);
    let missing = server.post("/api/loans/999999/payoff", &ani.person.token, json!({})).await;
    assert_eq!(missing.error().1, "LOAN_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_no_debt_yet() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.town.borrower().await;
    let loan = lender.town.loan(&ani, 1).await;
    let path = |below: &str| format!("/api/loans/{loan}{below}");
    let not_yet = (400, "LOAN_NOT_DISBURSED", "The loan has not been disbursed");
    for below in ["/schedule", "/bills", "/payoff-quote"] {
        assert_eq!(server.get(&path(below), &ani.token).await.error(), not_yet, "{below}");
    }
    assert_eq!(server.get(&path("/transactions"), &ani.token).await.ok(200), json!([]));
    assert_eq!(server.get(&path(""), &ani.token).await.ok(200)["balance"], json!(null));
    for (below, body) in [("/repayments", json!({"amount": 1_000})), ("/payoff", json!({}))] {
        assert_eq!(server.post(&path(below), &ani.token, body).await.error(), not_yet, "{below}");
    }
    let told = server.post(&path("/write-off"), lender.backoffice(), json!({"note": "No"})).await;
    assert_eq!(told.error(), not_yet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_the_gateway_is_to_come() {
    let settings = [
        ("LUMBUNG_ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://localhost/lumbung"),
        ("LUMBUNG_MASTER_KEY", "0707070707070707070707070707070707070707070707070707070707070707"),
        ("LUMBUNG_TOKEN_KEY", crate::rest_smoke::TOKEN_KEY),
    ];
    let server = Server::start_with(&settings).await;
    let ani = Town::of(&server).customer().await;
    for (below, body) in [
        ("/repayments", json!({"amount": 1, "source": "GATEWAY"})),
        ("/payoff", json!({"source": "GATEWAY"})),
    ] {
        let request = server.request(Method::POST, &format!("/api/loans/1{below}")).bearer_auth(&ani.token);
        let told = send(request.json(&body)).await;
        assert_eq!((told.error().0, told.error().1), (503, "GATEWAY_UNAVAILABLE"), "{below}");
    }
}

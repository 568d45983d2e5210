//! A customer takes an application back.

use reqwest::Method;
use serde_json::json;

use super::Cast;
use crate::rest_smoke::{Server, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_stage_and_the_plafond_is_whole_again() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    for stages in 0..3 {
        let loan = cast.borrow(&server, 5_000_000).await;
        cast.approve(&server, loan, stages).await;
        let path = format!("/api/loans/{loan}/cancel");
        let answer = server.post(&path, &cast.john, json!({"note": " Found the money elsewhere "})).await;
        assert_eq!(answer.json["message"], "Loan application cancelled");
        let etag = format!("\"{}\"", stages + 2);
        assert_eq!(answer.headers["etag"], etag);
        let data = answer.ok(200);
        assert_eq!((&data["id"], &data["status"]), (&json!(loan), &json!("CANCELLED")));
        assert_eq!(
            (&data["requestedAmount"], &data["customerNik"]),
            (&json!(5_000_000), &json!("3201234567890001"))
        );

        let shown = server.get(&format!("/api/loans/{loan}"), &cast.john).await;
        assert_eq!(shown.headers["etag"], etag);
        assert_eq!(shown.ok(200)["status"], "CANCELLED");
        let history = cast.history(&server, loan).await;
        let last = history.as_array().unwrap().last().unwrap();
        assert_eq!(last["status"], "CANCELLED");
        assert_eq!(last["note"], "Found the money elsewhere");
        assert_eq!((&last["approvedBy"], &last["approvedByRole"]), (&json!("John Doe"), &json!("CUSTOMER")));
        assert!(last["approvedByBranchName"].is_null());
        assert_eq!(cast.remaining(&server).await, 5_000_000);
        for officer in &cast.officers {
            assert_eq!(server.get("/api/approval/pending", officer).await.ok(200), json!([]));
        }
        let again = server.post(&path, &cast.john, json!({})).await;
        let message = "Only a pending loan application can be cancelled";
        assert_eq!(again.error(), (400, "LOAN_NOT_PENDING", message));
        let late = server.post(&format!("/api/approval/{loan}/approve"), &cast.officers[0], json!({})).await;
        assert_eq!(late.error().1, "LOAN_WRONG_STATUS");
    }
    let disbursed = cast.borrow(&server, 5_000_000).await;
    cast.approve(&server, disbursed, 3).await;
    let late = server.post(&format!("/api/loans/{disbursed}/cancel"), &cast.john, json!({})).await;
    assert_eq!((late.error().0, late.error().1), (400, "LOAN_NOT_PENDING"));
    assert_eq!(cast.history(&server, disbursed).await.as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_by_the_customer_whose_it_is() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let path = format!("/api/loans/{loan}/cancel");
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let not_mine = server.post(&path, &jane, json!({})).await;
    let message = "You don't have access to this loan application";
    assert_eq!(not_mine.error(), (403, "LOAN_NOT_YOURS", message));
    let missing = server.post("/api/loans/999999/cancel", &jane, json!({})).await;
    assert_eq!(missing.error(), (404, "LOAN_NOT_FOUND", "Loan application not found"));
    for (email, password) in [
        ("marketing.jkt@loan.com", "marketing123"),
        ("backoffice@loan.com", "backoffice123"),
        ("admin@loan.com", "admin123"),
    ] {
        let staff = server.login(email, password).await;
        assert_eq!(
            server.post(&path, &staff, json!({})).await.error(),
            (403, "ACCESS_DENIED", "Access Denied")
        );
    }
    let anonymous = send(server.request(Method::POST, &path)).await;
    assert_eq!(anonymous.error().0, 401);
    let wrong = server.post("/api/loans/x/cancel", &john, json!({"note": 7})).await;
    assert_eq!(wrong.error(), (400, "VALIDATION_FAILED", "id: must be an integer"));
    assert_eq!(wrong.json["errors"][1]["field"], "note");
    let long = server.post(&path, &john, json!({"note": "x".repeat(501)})).await;
    assert_eq!(long.error().2, "note: must be at most 500 characters");
    // Nothing of that touched the loan; a missing body is enough to cancel it.
    let done = send(server.request(Method::POST, &path).bearer_auth(&john)).await;
    assert_eq!(done.headers["etag"], "\"2\"");
    let steps = server.get(&format!("/api/loans/{loan}/history"), &john).await.ok(200);
    assert!(steps[1]["note"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_key_and_for_one_version() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let path = format!("/api/loans/{loan}/cancel");
    let cancel = |tag: &str| {
        let request = server.request(Method::POST, &path).bearer_auth(&john).header("If-Match", tag);
        request.header("Idempotency-Key", "c").json(&json!({"note": "No"}))
    };
    assert_eq!(send(cancel("\"2\"")).await.error().0, 412);
    let first = send(cancel("\"1\"")).await;
    assert_eq!((first.status.as_u16(), first.headers["etag"].as_str()), (200, "\"2\""));
    let again = send(cancel("\"1\"")).await;
    assert_eq!((again.status.as_u16(), &again.text), (200, &first.text));
    for name in ["etag", "ledger-position"] {
        assert_eq!(again.headers[name], first.headers[name]);
    }
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = server.post_keyed(&path, &john, "c", "{}").await;
    assert_eq!((other.error().0, other.error().1), (422, "IDEMPOTENCY_KEY_REUSED"));
    // What the business refuses is kept as well.
    let refused = server.post_keyed(&path, &john, "d", "{}").await;
    assert_eq!(refused.error().1, "LOAN_NOT_PENDING");
    assert_eq!(server.post_keyed(&path, &john, "d", "").await.text, refused.text);
}

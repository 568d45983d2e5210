//! The life of a plafond: what is reserved, given back and lent.

use serde_json::json;

use super::Cast;
use crate::rest_smoke::Server;
use crate::served::shape::{INSTANT, NUMBER, assert_documented};

const EXCEEDED: &str = "Requested amount exceeds remaining plafond. Remaining: Rp 2000000";
const NOT_ACTIVE: &str = "You don't have an active plafond. Please select a plafond first.";

/// Document 004, "Scenario 2: Plafond Depletion Flow" and §4.3, step by step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_2_depletion_as_documented() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let plafond = |product: serde_json::Value, remaining: i64| {
        json!({"id": NUMBER, "product": product, "originalAmount": product["amount"], "remainingAmount": remaining,
               "assignedAt": INSTANT, "isActive": true})
    };
    let bronze = json!({"id": 1, "name": "BRONZE", "amount": 5_000_000, "tenor": 12, "interestRate": 12.0});
    let silver = json!({"id": 2, "name": "SILVER", "amount": 10_000_000, "tenor": 24, "interestRate": 10.0});

    let selected = cast.select(&server, 1).await;
    assert_eq!(selected.json["message"], "Plafond selected successfully");
    assert_documented(&selected.ok(200), &plafond(bronze.clone(), 5_000_000));
    let shown = async || server.get("/api/customer/plafond", &cast.john).await;
    assert_documented(&shown().await.ok(200), &plafond(bronze.clone(), 5_000_000));

    let first = cast.borrow(&server, 3_000_000).await;
    // Reserved, not lent: what is shown falls with the last approval.
    for stage in 0..3 {
        assert_documented(&shown().await.ok(200), &plafond(bronze.clone(), 5_000_000));
        let path = format!("/api/approval/{first}/approve");
        server.post(&path, &cast.officers[stage], json!({})).await.ok(200);
    }
    assert_documented(&shown().await.ok(200), &plafond(bronze, 2_000_000));

    let exceeded = cast.submit(&server, 3_000_000).await;
    assert_eq!(exceeded.error(), (400, "PLAFOND_EXCEEDED", EXCEEDED));

    let second = cast.borrow(&server, 2_000_000).await;
    cast.approve(&server, second, 3).await;
    assert_eq!(shown().await.error(), (404, "PLAFOND_NOT_ACTIVE", NOT_ACTIVE));
    let without = cast.submit(&server, 1).await;
    let message = "Please select a plafond first before submitting a loan application.";
    assert_eq!(without.error(), (400, "PLAFOND_REQUIRED", message));

    let next = cast.select(&server, 2).await.ok(200);
    assert_documented(&next, &plafond(silver.clone(), 10_000_000));
    assert_documented(&shown().await.ok(200), &plafond(silver, 10_000_000));
    cast.borrow(&server, 10_000_000).await;
}

/// Whatever ends an application without lending gives back exactly what it took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_lent_is_given_back() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let lent = cast.borrow(&server, 1_000_000).await;
    cast.approve(&server, lent, 3).await;
    for stages in 0..3 {
        let ends = [
            ("/api/loans/{loan}/cancel", &cast.john),
            ("/api/approval/{loan}/reject", &cast.officers[stages]),
        ];
        for (path, who) in ends {
            let loan = cast.borrow(&server, 4_000_000).await;
            cast.approve(&server, loan, stages).await;
            let second = cast.submit(&server, 1).await;
            assert_eq!(second.error().1, "LOAN_ALREADY_PENDING");
            let path = path.replace("{loan}", &loan.to_string());
            server.post(&path, who, json!({"note": "No"})).await.ok(200);
            assert_eq!(cast.remaining(&server).await, 4_000_000);
            let exceeded = cast.submit(&server, 4_000_001).await;
            assert_eq!(exceeded.error().1, "PLAFOND_EXCEEDED");
        }
    }
    let rest = cast.borrow(&server, 4_000_000).await;
    cast.approve(&server, rest, 3).await;
    assert_eq!(server.get("/api/customer/plafond", &cast.john).await.error().0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_selected() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    // 5 is the product of the online channel, which is only assigned.
    for product in [5, 0, -1, 999] {
        let answer = cast.select(&server, product).await;
        assert_eq!(answer.error(), (404, "PRODUCT_NOT_FOUND", "Product not found"), "{product}");
    }
    cast.select(&server, 1).await.ok(200);
    for product in [1, 2] {
        let answer = cast.select(&server, product).await;
        let message = "You already have an active plafond. Cannot select another one.";
        assert_eq!(answer.error(), (400, "PLAFOND_ALREADY_ACTIVE", message));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_is_locked_out_is_paid() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let loan = cast.borrow(&server, 3_000_000).await;
    cast.approve(&server, loan, 2).await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let customer = server.get("/api/customer/profile", &cast.john).await.ok(200)["id"].as_i64().unwrap();
    let active = async |active: bool| {
        let path = format!("/api/admin/users/{customer}/status");
        server.patch(&path, &admin, json!({"isActive": active})).await.ok(200);
    };
    active(false).await;
    let approve = format!("/api/approval/{loan}/approve");
    let refused = server.post(&approve, &cast.officers[2], json!({})).await;
    assert_eq!(
        refused.error(),
        (400, "CUSTOMER_NOT_ACTIVE", "The customer is deactivated, so the loan cannot be disbursed")
    );
    let waiting = server.get(&format!("/api/loans/{loan}"), &cast.officers[2]).await.ok(200);
    assert_eq!(waiting["status"], "BRANCH_MANAGER_APPROVED");
    active(true).await;
    assert_eq!(server.post(&approve, &cast.officers[2], json!({})).await.ok(200)["status"], "DISBURSED");
}

/// Who decides is not told how much the customer has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_wallet_is_paid_nothing_and_the_loan_waits() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let loan = cast.borrow(&server, 3_000_000).await;
    cast.approve(&server, loan, 2).await;
    let money = async |path: &str, amount: i64| {
        assert_eq!(server.post(path, &cast.john, json!({"amount": amount})).await.status, 200);
    };
    // One rupiah too much.
    money("/topup", 999_999_999_999_999 - 3_000_000 + 1).await;
    let approve = format!("/api/approval/{loan}/approve");
    let refused = server.post_keyed(&approve, &cast.officers[2], "full", "{}").await;
    let message = "The customer's wallet cannot take the amount";
    assert_eq!(refused.error(), (400, "WALLET_CANNOT_TAKE_LOAN", message));
    assert!(!refused.text.contains("99"), "{}", refused.text);
    let waiting = server.get(&format!("/api/loans/{loan}"), &cast.officers[2]).await.ok(200);
    assert_eq!(waiting["status"], "BRANCH_MANAGER_APPROVED");
    money("/pay", 1).await;
    let again = server.post_keyed(&approve, &cast.officers[2], "full", "{}").await;
    assert_eq!(again.text, refused.text);
    let done = server.post_keyed(&approve, &cast.officers[2], "room", "{}").await.ok(200);
    assert_eq!(done["status"], "DISBURSED");
    let wallet = server.get("/api/customer/wallet", &cast.john).await.ok(200);
    assert_eq!(wallet["balance"], 999_999_999_999_999_i64);
}

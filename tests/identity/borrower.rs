//! A customer who has but a phone takes a loan, and the staff deals with them.

use reqwest::Method;
use serde_json::{Value, json};

use super::registered;
use crate::rest_smoke::{Server, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_is_enough_for_a_loan() {
    let server = Server::start().await;
    let (told, token) = registered(&server, "0811255501").await;
    let application = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6, "interestRate": 12.0});
    let early = server.post("/api/loans", &token, application.clone()).await;
    assert_eq!(early.error().1, "PROFILE_INCOMPLETE");
    // Phone and address are known from registering.
    let rest = json!({"nik": "3201234567890009", "birthdate": "1990-05-15"});
    let profile = send(server.profile_form(&token, Some(&rest), &[])).await.ok(200);
    assert_eq!((&profile["isComplete"], &profile["phoneNumber"]), (&json!(true), &json!("+62811255501")));
    server.post("/api/customer/plafond", &token, json!({"productId": 1})).await.ok(200);
    let loan = server.post("/api/loans", &token, application).await.ok(201);
    assert_eq!(
        (&loan["customerEmail"], &loan["customerPhone"], &loan["customerName"]),
        (&Value::Null, &json!("+62811255501"), &json!("Guntur Saputro"))
    );
    let number = loan["id"].clone();
    for (email, password) in [
        ("marketing.jkt@loan.com", "marketing123"),
        ("bm.jkt@loan.com", "bm123"),
        ("backoffice@loan.com", "backoffice123"),
    ] {
        let officer = server.login(email, password).await;
        let pending = server.get("/api/approval/pending", &officer).await.ok(200);
        assert_eq!(pending[0]["customerName"], "Guntur Saputro");
        let detail = server.get(&format!("/api/loans/{number}"), &officer).await.ok(200);
        assert_eq!(detail["customerEmail"], Value::Null);
        let approve = format!("/api/approval/{number}/approve");
        server.post(&approve, &officer, json!({"note": "Documents verified"})).await.ok(200);
    }
    let mine = server.get("/api/loans", &token).await.ok(200);
    assert_eq!((&mine[0]["id"], &mine[0]["status"]), (&number, &json!("DISBURSED")));
    let paid = server.post("/pay", &token, json!({"amount": 1_000_000})).await.told(200);
    assert_eq!((&paid["balance_before"], &told["first_name"]), (&json!(3_000_000), &json!("Guntur")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administration_copes_with_who_has_no_email() {
    let server = Server::start().await;
    registered(&server, "0811255501").await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let theirs = users.as_array().unwrap().iter().find(|user| user["phone"] == "+62811255501").unwrap();
    let path = format!("/api/admin/users/{}", theirs["id"]);
    let detail = server.get(&format!("/api/users/{}", theirs["id"]), &admin).await.ok(200);
    assert_eq!((&detail["email"], &detail["profile"]["phoneNumber"]), (&Value::Null, &json!("+62811255501")));
    let put = |body: Value| send(server.request(Method::PUT, &path).bearer_auth(&admin).json(&body));
    let renamed = put(json!({"name": "Guntur S."})).await.ok(200);
    assert_eq!((&renamed["name"], &renamed["email"]), (&json!("Guntur S."), &Value::Null));
    let refused = put(json!({"email": "guntur@example.com"})).await;
    let message = "email: the user has no e-mail to log in by, and only they can add one";
    assert_eq!(refused.error(), (400, "NO_EMAIL_LOGIN", message));
    assert_eq!(refused.json["errors"][0]["field"], "email");
    // Whoever has an e-mail has no phone to log in by.
    let john = users.as_array().unwrap().iter().find(|user| user["name"] == "John Doe").unwrap();
    assert_eq!((&john["email"], &john["phone"]), (&json!("john.doe@email.com"), &Value::Null));
}

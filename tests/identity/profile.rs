//! `PUT /profile`.

use reqwest::Method;
use serde_json::{Value, json};

use super::registered;
use crate::rest_smoke::{Answer, Server, send};

impl Server {
    async fn rename(&self, token: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, "/profile").bearer_auth(token).json(&body)).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_changes_and_the_rest_stays() {
    let server = Server::start().await;
    let (told, token) = registered(&server, "0811255501").await;
    let both = json!({"first_name": "Tom", "last_name": "Araya", "address": "Jl. Diponegoro No. 215"});
    let answer = server.rename(&token, both).await;
    let updated = answer.told(200);
    let date = updated["updated_date"].as_str().unwrap();
    assert!(chrono::NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S").is_ok(), "{date}");
    assert_eq!(updated["user_id"], told["user_id"]);
    let shown = |profile: &Value| {
        ["first_name", "last_name", "address"].map(|field| profile[field].as_str().unwrap().to_owned())
    };
    assert_eq!(shown(&updated), ["Tom", "Araya", "Jl. Diponegoro No. 215"]);
    for (body, wanted) in [
        (json!({"first_name": "Maria Anna"}), ["Maria Anna", "Araya", "Jl. Diponegoro No. 215"]),
        (json!({"last_name": "de la Cruz"}), ["Maria Anna", "de la Cruz", "Jl. Diponegoro No. 215"]),
        (json!({"address": "Jl. Thamrin 1"}), ["Maria Anna", "de la Cruz", "Jl. Thamrin 1"]),
        (json!({}), ["Maria Anna", "de la Cruz", "Jl. Thamrin 1"]),
        (json!({"phone_number": "0811255509", "pin": "1"}), ["Maria Anna", "de la Cruz", "Jl. Thamrin 1"]),
    ] {
        assert_eq!(shown(&server.rename(&token, body.clone()).await.told(200)), wanted, "{body}");
    }
    let me = server.get("/api/customer/profile", &token).await.ok(200);
    assert_eq!((&me["name"], &me["phone"]), (&json!("Maria Anna de la Cruz"), &json!("+62811255501")));
    assert_eq!(me["profile"]["address"], "Jl. Thamrin 1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_with_an_email_has_two_names_too() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let updated = server.rename(&john, json!({"last_name": "Roe"})).await.told(200);
    assert_eq!((&updated["first_name"], &updated["last_name"]), (&json!("John"), &json!("Roe")));
    assert_eq!(server.get("/api/users/profile", &john).await.ok(200)["name"], "John Roe");
    // An administrator names the whole, which is parted at the first blank again.
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let number =
        users.as_array().unwrap().iter().find(|user| user["name"] == "John Roe").unwrap()["id"].clone();
    let put = |body: Value| {
        let request = server.request(Method::PUT, &format!("/api/admin/users/{number}"));
        send(request.bearer_auth(&admin).json(&body))
    };
    put(json!({"name": "Suharto"})).await.ok(200);
    let updated = server.rename(&john, json!({})).await.told(200);
    assert_eq!((&updated["first_name"], &updated["last_name"]), (&json!("Suharto"), &json!("")));
    let updated = server.rename(&john, json!({"first_name": "Haji Suharto"})).await.told(200);
    assert_eq!((&updated["first_name"], &updated["last_name"]), (&json!("Haji Suharto"), &json!("")));
    // Jane has told no address yet.
    let jane = server.login("jane.smith@email.com", "customer123").await;
    assert_eq!(server.rename(&jane, json!({})).await.told(200)["address"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_customers_own() {
    let server = Server::start().await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let body = json!({"first_name": "Tom"});
    let denied = server.rename(&admin, body.clone()).await;
    assert_eq!(denied.refused(), (403, "ACCESS_DENIED", "Access Denied"));
    let nobody = server.rename("x", body).await;
    assert_eq!(nobody.refused(), (401, "UNAUTHORIZED", "Unauthenticated"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_and_keys_count() {
    let server = Server::start().await;
    let (_, token) = registered(&server, "0811255501").await;
    let put = |tag: &str, key: &str, body: Value| {
        let request = server.request(Method::PUT, "/profile").bearer_auth(&token).json(&body);
        let request = if tag.is_empty() { request } else { request.header("If-Match", tag) };
        send(request.header("Idempotency-Key", key))
    };
    let tag = server.get("/api/customer/profile", &token).await.headers["etag"].clone();
    let first = put(&tag, "one", json!({"first_name": "Tom"})).await;
    first.told(200);
    let later = first.headers["etag"].clone();
    assert_ne!(later, tag);
    assert_eq!(put(&tag, "two", json!({"first_name": "Tim"})).await.refused().0, 412);
    put(&later, "three", json!({"last_name": "Araya"})).await.told(200);
    // The first answer again, whatever is true by now.
    let again = put("", "one", json!({"first_name": "Tom"})).await;
    assert_eq!((again.text, &*again.headers["idempotent-replayed"]), (first.text, "true"));
    assert_eq!(put("", "one", json!({"first_name": "Tim"})).await.refused().0, 422);
}

/// Each tells one half, at the same time; neither is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_a_name_do_not_overwrite_each_other() {
    let server = Server::start().await;
    let (_, token) = registered(&server, "0811255501").await;
    for round in ["A", "B", "C"] {
        let (first, last) = (format!("First{round}"), format!("Last{round}"));
        let (one, other) = tokio::join!(
            server.rename(&token, json!({"first_name": first})),
            server.rename(&token, json!({"last_name": last})),
        );
        one.told(200);
        other.told(200);
        let now = server.rename(&token, json!({})).await.told(200);
        assert_eq!((&now["first_name"], &now["last_name"]), (&json!(first), &json!(last)));
    }
}

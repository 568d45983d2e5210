//! Topping up, paying, transferring.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::Customer;
use crate::rest_smoke::{Server, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_comes_and_goes() {
    let server = Server::start().await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    let first = server.post("/topup", &john.token, json!({"amount": 500_000})).await;
    assert_eq!(first.headers["etag"], "\"2\"");
    let told = first.result();
    assert_eq!(
        (&told["amount_top_up"], &told["balance_before"], &told["balance_after"]),
        (&json!(500_000), &json!(0), &json!(500_000))
    );
    assert!(told["top_up_id"].as_str().unwrap().parse::<Uuid>().is_ok());
    let paid = json!({"amount": 100_000, "remarks": "Pulsa Telkomsel 100k"});
    let paid = server.post("/pay", &john.token, paid).await.result();
    assert_eq!(
        (&paid["amount"], &paid["remarks"], &paid["balance_before"], &paid["balance_after"]),
        (&json!(100_000), &json!("Pulsa Telkomsel 100k"), &json!(500_000), &json!(400_000))
    );
    let sent = john.transfer(&server, jane.user_id, 30_000).await.result();
    assert_eq!(
        (&sent["amount"], &sent["remarks"], &sent["balance_before"], &sent["balance_after"]),
        (&json!(30_000), &json!("Hadiah Ultah"), &json!(400_000), &json!(370_000))
    );
    let over = server.post("/pay", &john.token, json!({"amount": 370_001})).await;
    assert_eq!(over.refusal(), (400, "BALANCE_NOT_ENOUGH", "Balance is not enough"));
    let nobody = server.post("/pay", "nonsense", json!({"amount": 1})).await;
    assert_eq!(nobody.refusal(), (401, "UNAUTHORIZED", "Unauthenticated"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_given_again_byte_by_byte() {
    let server = Server::start().await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    let send_all = |amount: &str| {
        let to_jane = json!({"target_user": jane.user_id, "amount": 10, "remarks": "Hadiah"}).to_string();
        [
            ("/topup", format!(r#"{{"amount":{amount}}}"#)),
            ("/pay", format!(r#"{{"amount":{amount},"remarks":"=1"}}"#)),
            ("/pay", r#"{"amount":999999}"#.to_owned()),
            ("/transfer", r#"{"target_user":"00000000-0000-0000-0000-000000000000","amount":1}"#.to_owned()),
            ("/topup", r#"{"amount":100}"#.to_owned()),
            ("/transfer", to_jane),
        ]
    };
    let mut first = Vec::new();
    for (number, (path, body)) in send_all("1000").into_iter().enumerate() {
        let told = server.post_keyed(path, &john.token, &format!("k{number}"), &body).await;
        assert!(!told.headers.contains_key("idempotent-replayed"), "{}", told.text);
        first.push(told);
    }
    let statuses: Vec<_> = first.iter().map(|told| told.status.as_u16()).collect();
    assert_eq!(statuses, [200, 200, 400, 404, 200, 200]);
    // The same amounts in another spelling.
    for (number, (path, body)) in send_all("1000.00").into_iter().enumerate() {
        let again = server.post_keyed(path, &john.token, &format!("k{number}"), &body).await;
        let told = &first[number];
        assert_eq!((again.status, &again.text), (told.status, &told.text));
        assert_eq!(again.headers["idempotent-replayed"], "true");
        for name in ["etag", "ledger-position", "content-type"] {
            assert_eq!(again.headers.get(name), told.headers.get(name), "{name} of {path}");
        }
    }
    let wallet = server.get("/api/customer/wallet", &john.token).await.ok(200);
    assert_eq!(wallet["balance"], 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_on_what_was_seen() {
    let server = Server::start().await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    let versioned = async |path: &str, tag: &str| {
        let body = json!({"target_user": jane.user_id, "amount": 1});
        let request = server.request(Method::POST, path).bearer_auth(&john.token);
        send(request.header("If-Match", tag).json(&body)).await
    };
    // An empty wallet is there, with the version that it shows.
    let mut tag = server.get("/api/customer/wallet", &john.token).await.headers["etag"].clone();
    for path in ["/topup", "/topup", "/pay", "/transfer"] {
        let stale = versioned(path, "\"77\"").await;
        let message = "It has changed in the meantime. Please load it again and retry.";
        assert_eq!(stale.refusal(), (412, "VERSION_MISMATCH", message), "{path}");
        let done = versioned(path, &tag).await;
        done.result();
        assert_ne!(done.headers["etag"], tag);
        let before = std::mem::replace(&mut tag, done.headers["etag"].clone());
        assert_eq!(versioned(path, &before).await.refusal().0, 412, "{path} once more");
        assert_eq!(server.get("/api/customer/wallet", &john.token).await.headers["etag"], tag);
    }
    versioned("/topup", "*").await.result();
    let malformed = versioned("/topup", "7").await;
    assert_eq!(malformed.refusal().2, "If-Match: must be * or entity tags like \"3\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_are_read_exactly() {
    let server = Server::start().await;
    let john = Customer::john(&server).await;
    let ask = async |path: &str, amount: &str| {
        let body = format!(r#"{{"amount":{amount},"target_user":"00000000-0000-0000-0000-000000000000"}}"#);
        let request = server.request(Method::POST, path).bearer_auth(&john.token);
        send(request.header("Content-Type", "application/json").body(body)).await
    };
    for (amount, fault) in [
        ("0", "must be greater than 0"),
        ("-0.0", "must be greater than 0"),
        ("-1", "must be greater than 0"),
        ("1.5", "must be a whole amount of rupiah"),
        ("1.0000000000000000001", "must be a whole amount of rupiah"),
        ("1000000000000000", "must not be greater than 999999999999999"),
        ("1e400", "must not be greater than 999999999999999"),
        ("\"3000000\"", "must be a number"),
        ("true", "must be a number"),
        ("[1]", "must be a number"),
        ("null", "is required"),
    ] {
        for path in ["/topup", "/pay", "/transfer"] {
            let told = ask(path, amount).await;
            let message = format!("amount: {fault}");
            assert_eq!(told.refusal(), (400, "VALIDATION_FAILED", &*message), "{path} {amount}");
            assert_eq!(told.json["errors"], json!([{"field": "amount", "message": fault}]));
        }
    }
    assert_eq!(ask("/topup", "3000000.00").await.result()["amount_top_up"], 3_000_000);
    assert_eq!(ask("/topup", "999999996999999").await.result()["balance_after"], 999_999_999_999_999_i64);
    let full = ask("/topup", "1").await;
    let message = "amount: the balance would pass Rp 999999999999999";
    assert_eq!(full.refusal(), (400, "BALANCE_TOO_LARGE", message));
    let fault = json!({"field": "amount", "message": "the balance would pass Rp 999999999999999"});
    assert_eq!(full.json["errors"], json!([fault]));
    let all = ask("/pay", "999999999999999").await.result();
    assert_eq!(all["balance_after"], 0);
    assert_eq!(ask("/pay", "1").await.refusal().1, "BALANCE_NOT_ENOUGH");
    for body in ["", "[]", "{", "null", "\"x\""] {
        let request = server.request(Method::POST, "/topup").bearer_auth(&john.token);
        let told = send(request.header("Content-Type", "application/json").body(body)).await;
        assert_eq!((told.refusal().0, told.refusal().1), (400, "VALIDATION_FAILED"), "{body:?}");
    }
}

/// As many take from one wallet at once as there is money for a third of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_spends_what_is_not_there() {
    let server = Server::start().await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    john.top_up(&server, 200).await;
    let ask = async |number: usize| match number % 2 {
        0 => server.post("/pay", &john.token, json!({"amount": 10})).await,
        _ => john.transfer(&server, jane.user_id, 10).await,
    };
    let answers = join_all((0..60).map(ask)).await;
    let accepted: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    let refused = answers.iter().filter(|answer| answer.status != 200);
    refused.for_each(|answer| assert_eq!(answer.refusal().1, "BALANCE_NOT_ENOUGH"));
    let mut left: Vec<_> =
        accepted.iter().map(|answer| answer.result()["balance_after"].as_i64().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..20).map(|step| step * 10).collect::<Vec<_>>());
    assert_eq!(server.get("/api/customer/wallet", &john.token).await.ok(200)["balance"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_of_errors_follows_the_path() {
    let server = Server::start().await;
    let john = Customer::john(&server).await;
    for path in ["/topup", "/pay", "/transfer", "/transactions", "/register", "/withdraw/7", "/pay/"] {
        let told = server.request(Method::DELETE, path).bearer_auth(&john.token);
        let told = send(told).await;
        assert!([404, 405].contains(&told.refusal().0), "{path}");
        let problem = server.request(Method::DELETE, path).header("Accept", "application/problem+json");
        let problem = send(problem).await;
        assert_eq!(problem.headers["content-type"], "application/problem+json");
        assert_eq!(problem.json["status"], told.status.as_u16());
    }
    let unknown = send(server.request(Method::GET, "/transactions")).await;
    assert_eq!(unknown.headers["www-authenticate"], "Bearer");
    assert_eq!(unknown.refusal(), (401, "UNAUTHORIZED", "Unauthenticated"));
    let problem = server.request(Method::POST, "/pay").header("Accept", "application/problem+json");
    assert_eq!(send(problem).await.json["detail"], "Unauthenticated");
    // The wallet of the loan API keeps to the loan API.
    let unknown = send(server.request(Method::GET, "/api/customer/wallet")).await;
    assert_eq!(unknown.error(), (401, "UNAUTHORIZED", "Unauthorized"));
}

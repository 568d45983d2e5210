//! Whatever is sent: an answer that names the field, and nothing is done.

use reqwest::Method;
use serde_json::{Value, json};

use super::{log_in, newcomer, register, registered};
use crate::rest_smoke::{Server, send};

/// What is wrong with a body of `/register` where this field is another.
async fn fault(server: &Server, field: &str, value: Value) -> String {
    let mut body = newcomer("0811255501");
    body[field] = value;
    let answer = register(server, &body).await;
    let (status, code, message) = answer.refused();
    assert_eq!((status, code), (400, "VALIDATION_FAILED"), "{message}");
    assert_eq!(answer.json["errors"][0]["field"], field, "{}", answer.text);
    message.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_are_wrong_are_named() {
    let server = Server::start().await;
    let phone = "phone_number: must be 08 and 8 to 11 more digits";
    for bad in [
        "",
        "0",
        "08",
        "081234567",
        "08123456789012",
        "0212345678",
        "08112555O1",
        "+1 415 555 0100",
        "+6591234567",
        "8112555011",
        "628",
        "00628112555011",
        "++628112555011",
        "0811255501a",
        "0811255501\u{0}",
        "081125550\u{0661}",
        "０８１１２５５５０１",
        "٠٨١١٢٥٥٥٠١",
        "0811.255.501",
        "(0811)255501",
        "0811/255501",
        "0x811255501",
        "8.11e9",
        "'; drop table users; --",
    ] {
        assert_eq!(fault(&server, "phone_number", json!(bad)).await, phone, "{bad:?}");
    }
    let pin = "pin: must be exactly 6 digits";
    for bad in [
        "",
        "12345",
        "1234567",
        "12345a",
        "abcdef",
        " 12345",
        "123456 ",
        "+12345",
        "12.456",
        "١٢٣٤٥٦",
        "１２３４５６",
        "12345\u{0}",
    ] {
        assert_eq!(fault(&server, "pin", json!(bad)).await, pin, "{bad:?}");
    }
    for (field, value, message) in [
        ("phone_number", json!(811_255_501), "phone_number: must be a string"),
        ("pin", json!(123_456), "pin: must be a string"),
        ("pin", json!(["1"]), "pin: must be a string"),
        ("pin", Value::Null, "pin: is required"),
        ("first_name", json!(" "), "first_name: must not be blank"),
        ("first_name", json!("x".repeat(101)), "first_name: must be at most 100 characters"),
        ("last_name", json!("Sapu\u{200b}tro"), "last_name: must not contain invisible characters"),
        ("last_name", json!("Sapu\u{0}tro"), "last_name: must not contain control characters"),
        ("address", json!("x".repeat(501)), "address: must be at most 500 characters"),
        ("address", json!(""), "address: must not be blank"),
    ] {
        assert_eq!(fault(&server, field, value).await, message);
    }
    let nothing = register(&server, &json!({})).await;
    let fields: Vec<_> =
        nothing.json["errors"].as_array().unwrap().iter().map(|fault| &fault["field"]).collect();
    assert_eq!(fields, ["first_name", "last_name", "phone_number", "address", "pin"]);
    // Nothing of it took the number.
    register(&server, &newcomer("0811255501")).await.told(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_that_is_allowed_goes_in_and_comes_out() {
    let server = Server::start().await;
    let (first, last, address) = ("é".repeat(100), "界".repeat(100), "Jl. ".repeat(125));
    let body = json!({
        "first_name": first, "last_name": last, "phone_number": "0811255550199", "address": address, "pin": "000000",
    });
    let told = register(&server, &body).await.told(201);
    assert_eq!((&told["first_name"], &told["last_name"]), (&json!(first), &json!(last)));
    assert_eq!(told["address"], address.trim_end());
    let token = log_in(&server, "0811255550199", "000000").await.told(200)["access_token"].clone();
    let me = server.get("/api/users/profile", token.as_str().unwrap()).await.ok(200);
    assert_eq!(me["name"], format!("{first} {last}"));
    assert_eq!(me["profile"]["phoneNumber"], "+62811255550199");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_none_are_refused_in_the_envelope_of_the_wallet() {
    let server = Server::start().await;
    let (_, token) = registered(&server, "0811255501").await;
    for (method, path) in [(Method::POST, "/register"), (Method::POST, "/login"), (Method::PUT, "/profile")] {
        for (kind, body, status) in [
            ("application/json", "{", 400),
            ("application/json", "[]", 400),
            ("application/json", "\u{0}", 400),
            ("application/x-www-form-urlencoded", "pin=1", 415),
            ("text/plain", "{}", 415),
        ] {
            let request =
                server.request(method.clone(), path).bearer_auth(&token).header("Content-Type", kind);
            let answer = send(request.body(body)).await;
            assert_eq!(answer.refused().0, status, "{method} {path} {body:?}: {}", answer.text);
        }
        let wrong = send(server.request(Method::DELETE, path)).await;
        assert_eq!(wrong.refused().0, 405);
    }
    for (body, message) in [
        (json!({}), "phone_number: is required"),
        (json!({"phone_number": " ", "pin": "1"}), "phone_number: must not be blank"),
        (json!({"phone_number": "0811255501", "pin": ""}), "pin: must not be blank"),
        (json!({"phone_number": "0811255501", "pin": 271_828}), "pin: must be a string"),
    ] {
        let answer = send(server.request(Method::POST, "/login").json(&body)).await;
        assert_eq!(answer.refused(), (400, "VALIDATION_FAILED", message));
    }
    for (body, message) in [
        (json!({"first_name": ""}), "first_name: must not be blank"),
        (json!({"last_name": 7}), "last_name: must be a string"),
        (json!({"address": "\u{7}"}), "address: must not contain control characters"),
    ] {
        let answer = send(server.request(Method::PUT, "/profile").bearer_auth(&token).json(&body)).await;
        assert_eq!(answer.refused(), (400, "VALIDATION_FAILED", message));
    }
}

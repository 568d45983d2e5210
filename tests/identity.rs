//! People who log in by phone and PIN: on the same user, with the same rights as everybody else.

mod borrower;
mod hostile;
mod login;
mod profile;
mod register;

use reqwest::Method;
use serde_json::{Value, json};

use crate::rest_smoke::{Answer, Server, send};

const PIN: &str = "271828";

/// The body that registers somebody with this number.
fn newcomer(phone: &str) -> Value {
    json!({
        "first_name": "Guntur", "last_name": "Saputro", "phone_number": phone,
        "address": "Jl. Kebon Sirih No. 1", "pin": PIN,
    })
}

async fn register(server: &Server, body: &Value) -> Answer {
    send(server.request(Method::POST, "/register").json(body)).await
}

async fn log_in(server: &Server, phone: &str, pin: &str) -> Answer {
    send(server.request(Method::POST, "/login").json(&json!({"phone_number": phone, "pin": pin}))).await
}

/// Registers somebody and logs them in: what registering told, and the access token.
async fn registered(server: &Server, phone: &str) -> (Value, String) {
    let told = register(server, &newcomer(phone)).await.told(201);
    let tokens = log_in(server, phone, PIN).await.told(200);
    (told, tokens["access_token"].as_str().unwrap().to_owned())
}

impl Answer {
    /// What a success of the wallet API tells.
    fn told(&self, status: u16) -> Value {
        assert_eq!(
            (self.status.as_u16(), &self.json["status"]),
            (status, &json!("SUCCESS")),
            "{}",
            self.text
        );
        self.json["result"].clone()
    }

    /// Status, code and message of an error of the wallet API.
    fn refused(&self) -> (u16, &str, &str) {
        assert!(self.json["success"].is_null() && self.json["status"].is_null(), "{}", self.text);
        (self.status.as_u16(), self.json["code"].as_str().unwrap(), self.json["message"].as_str().unwrap())
    }
}

const TAKEN: (u16, &str, &str) = (409, "PHONE_ALREADY_REGISTERED", "Phone Number already registered");
const WRONG: (u16, &str, &str) = (401, "INVALID_PHONE_OR_PIN", "Phone number and pin doesn't match.");

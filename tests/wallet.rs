//! The wallet API over HTTP: money in, money out, and its envelope.

mod commands;
mod report;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rest_smoke::{Answer, Server, send};

/// A customer who is logged in.
struct Customer {
    token: String,
    user_id: Uuid,
}

impl Customer {
    async fn john(server: &Server) -> Self {
        Self::of(server, "john.doe@email.com", "customer123").await
    }

    async fn jane(server: &Server) -> Self {
        Self::of(server, "jane.smith@email.com", "customer123").await
    }

    async fn of(server: &Server, email: &str, password: &str) -> Self {
        let credentials = json!({"email": email, "password": password});
        let answer = send(server.request(Method::POST, "/api/auth/login").json(&credentials)).await.ok(200);
        let token = answer["token"].as_str().unwrap().to_owned();
        let user_id = server.app().tokens.verify(&token).unwrap().user.0;
        Self { token, user_id }
    }

    async fn top_up(&self, server: &Server, amount: i64) -> Value {
        server.post("/topup", &self.token, json!({"amount": amount})).await.result()
    }

    async fn transfer(&self, server: &Server, target: Uuid, amount: i64) -> Answer {
        let body = json!({"target_user": target, "amount": amount, "remarks": "Hadiah Ultah"});
        server.post("/transfer", &self.token, body).await
    }
}

impl Answer {
    /// What a success of the wallet API tells.
    fn result(&self) -> Value {
        assert_eq!((self.status.as_u16(), &self.json["status"]), (200, &json!("SUCCESS")), "{}", self.text);
        self.json["result"].clone()
    }

    /// Status, code and message of its error.
    fn refusal(&self) -> (u16, &str, &str) {
        for absent in ["success", "status", "timestamp"] {
            assert!(self.json[absent].is_null(), "{absent}: {}", self.text);
        }
        for present in ["errors", "requestId"] {
            assert!(!self.json[present].is_null(), "{present} is missing: {}", self.text);
        }
        (self.status.as_u16(), self.json["code"].as_str().unwrap(), self.json["message"].as_str().unwrap())
    }
}

//! CONTRACT §1: the limits of failed attempts.

use serde_json::json;

use super::super::rest_smoke::Server;
use super::messages::Golden;

pub(super) async fn run(golden: &mut Golden) {
    logins(golden).await;
    addresses(golden).await;
}

async fn logins(golden: &mut Golden) {
    let server = Server::start().await;
    for attempt in 1..=11 {
        let body = json!({"email": "jane.smith@email.com", "password": format!("wrong-{attempt}")});
        let told = server.open_post("/api/auth/login", body).await;
        if attempt == 11 {
            golden.row("LIMITS_LOGIN", &told);
        } else {
            assert_eq!(told.error().1, "INVALID_CREDENTIALS", "attempt {attempt}");
        }
    }
}

/// What costs us, or somebody else, may be asked for so often from one address.
async fn addresses(golden: &mut Golden) {
    for (id, path) in
        [("LIMITS_REGISTER", "/api/auth/register"), ("LIMITS_FORGOT", "/api/auth/forgot-password")]
    {
        let server = Server::start_with(&[("LUMBUNG_LIMITS_SENSITIVE_REQUESTS_PER_HOUR", "2")]).await;
        let ask = async |number: usize| {
            let email = format!("person{number}@email.com");
            let body = json!({"name": "Person", "email": email, "password": "password123"});
            server.open_post(path, body).await
        };
        for number in 0..2 {
            assert!(ask(number).await.status.is_success(), "{path}");
        }
        let told = ask(3).await;
        golden.row(id, &told);
        assert!(told.headers.contains_key("retry-after"), "{path}");
    }
}

//! CONTRACT §1: the limits of failed attempts.

use serde_json::json;

use super::super::rest_smoke::Server;
use super::messages::Golden;

pub(super) async fn run(golden: &mut Golden) {
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

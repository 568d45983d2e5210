//! §4: selecting a plafond, and how it falls until it is used up.

use reqwest::Method;
use serde_json::json;

use super::super::rest_smoke::{Server, send};
use super::messages::Golden;
use super::walk::{Officers, application};

const PATH: &str = "/api/customer/plafond";

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let officers = Officers::of_jakarta(&server).await;
    let select = async |product: i64| server.post(PATH, &john, json!({"productId": product})).await;

    golden.row("PLAFOND_SHOW_NONE", &server.get(PATH, &john).await);
    golden.row("PLAFOND_SELECT_PRODUCT", &select(99).await);
    golden.row("PLAFOND_SELECT_INSTANT", &select(5).await);
    let versioned = server.request(Method::POST, PATH).bearer_auth(&john).header("If-Match", "\"9\"");
    golden.row("PLAFOND_SELECT_VERSION", &send(versioned.json(&json!({"productId": 1}))).await);
    golden
        .row("PLAFOND_SELECT_STAFF", &server.post(PATH, &officers.marketing, json!({"productId": 1})).await);
    golden.row("PLAFOND_SELECT", &select(1).await);
    golden.row("PLAFOND_SELECT_ACTIVE", &select(2).await);
    golden.row("PLAFOND_SHOW", &server.get(PATH, &john).await);

    // §4.3, step by step.
    officers.disburse(&server, &john, 3_000_000).await;
    let reduced = server.get(PATH, &john).await;
    golden.row("PLAFOND_SHOW_REDUCED", &reduced);
    let data = &reduced.json["data"];
    golden.also("PLAFOND_SHOW_REDUCED", "originalAmount", &data["originalAmount"], &json!(5_000_000));
    golden.also("PLAFOND_SHOW_REDUCED", "remainingAmount", &data["remainingAmount"], &json!(2_000_000));
    golden.also("PLAFOND_SHOW_REDUCED", "isActive", &data["isActive"], &json!(true));
    officers.disburse(&server, &john, 2_000_000).await;
    golden.row("PLAFOND_SHOW_DEPLETED", &server.get(PATH, &john).await);
    let early = server.post("/api/loans", &john, application(1)).await;
    assert_eq!(early.error().1, "PLAFOND_REQUIRED");
    let again = select(2).await;
    golden.row("PLAFOND_SELECT_AGAIN", &again);
    golden.also("PLAFOND_SELECT_AGAIN", "product", &again.json["data"]["product"]["name"], &json!("SILVER"));
}

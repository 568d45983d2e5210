//! Topping up, paying, transferring.

use serde_json::json;
use uuid::Uuid;

use super::Customer;
use crate::rest_smoke::Server;

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

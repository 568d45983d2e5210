//! How loans are serviced is said by the product, and what the law allows by its rules.

use serde_json::{Value, json};

use super::{Lender, column, fields, openly};
use crate::rest_smoke::{Answer, Server};

impl Server {
    async fn product(&self, admin: &str, body: Value) -> Answer {
        self.post("/api/admin/products", admin, body).await
    }
}

fn terms() -> Value {
    json!({
        "name": "COPPER", "amount": 5_000_000, "tenor": 12, "interestRate": 12.0, "method": "FLAT",
        "dayCount": "ACTUAL_365", "graceDays": 5, "latePenaltyPercentPerDay": 0.2, "instalmentFee": 2_500,
        "allocation": ["INTEREST", "PRINCIPAL", "FEE", "PENALTY"],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_say_how_their_loans_are_serviced() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let listed = openly(&server, "/api/products").await.ok(200);
    let usual = json!({
        "id": 1, "name": "BRONZE", "amount": 5_000_000, "tenor": 12, "interestRate": 12.0, "method": "ANNUITY",
        "dayCount": "THIRTY_360", "graceDays": 3, "latePenaltyPercentPerDay": 0.1, "instalmentFee": 0,
        "allocation": ["PENALTY", "FEE", "INTEREST", "PRINCIPAL"],
    });
    assert_eq!(listed[0], usual);
    let mut copper = server.product(&admin, terms()).await.ok(201);
    let id = copper["id"].as_i64().unwrap();
    let mut wanted = terms();
    (wanted["id"], wanted["active"]) = (json!(id), json!(true));
    assert_eq!(copper, wanted);
    // What is left out stays.
    let plain = json!({"name": "COPPER", "amount": 6_000_000, "tenor": 12, "interestRate": 12.0});
    let path = format!("/api/admin/products/{id}");
    copper["amount"] = json!(6_000_000);
    assert_eq!(server.put(&path, &admin, plain.clone()).await.ok(200), copper);
    let mut other = plain.clone();
    (other["graceDays"], other["instalmentFee"]) = (json!(0), json!(0));
    (copper["graceDays"], copper["instalmentFee"]) = (json!(0), json!(0));
    assert_eq!(server.put(&path, &admin, other).await.ok(200), copper);
    for (field, value, message) in [
        ("method", json!("BULLET"), "must be ANNUITY or FLAT"),
        ("dayCount", json!("30/360"), "must be THIRTY_360 or ACTUAL_365"),
        ("graceDays", json!(91), "must be between 0 and 90"),
        ("latePenaltyPercentPerDay", json!(-1), "must be between 0 and 1000"),
        ("instalmentFee", json!(-1), "must not be negative"),
        ("instalmentFee", json!(0.5), "must be a whole amount of rupiah"),
        ("allocation", json!("PENALTY"), "must be a list of strings"),
        (
            "allocation",
            json!(["PENALTY", "FEE", "FEE", "PRINCIPAL"]),
            "must name PENALTY, FEE, INTEREST and PRINCIPAL once each",
        ),
        ("allocation", json!(["FEE", "FEE", "FEE", "FEE", "FEE"]), "must have at most 4 entries"),
    ] {
        let mut body = plain.clone();
        body[field] = value;
        let told = server.put(&path, &admin, body).await;
        assert_eq!(told.error().2, format!("{field}: {message}"));
    }
    let mut body = plain;
    body["allocation"] = json!(["PENALTY", 7, "CASH"]);
    let told = server.put(&path, &admin, body).await;
    assert_eq!(column(&told.json["errors"], "field"), ["allocation[1]", "allocation[2]"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loan_keeps_the_terms_it_was_made_with() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lender = Lender::of(&server).await;
    let id = server.product(&admin, terms()).await.ok(201)["id"].as_i64().unwrap();
    let ani = lender.lend_of(id, 3_000_000).await;
    let plain = json!({"name": "COPPER", "amount": 1, "tenor": 1, "interestRate": 99, "method": "ANNUITY"});
    server.put(&format!("/api/admin/products/{id}"), &admin, plain).await.ok(200);
    let schedule = ani.get("/schedule").await;
    assert_eq!(
        fields(&schedule, ["method", "dayCount", "graceDays", "latePenaltyPercentPerDay", "instalmentFee"]),
        [json!("FLAT"), json!("ACTUAL_365"), json!(5), json!(0.2), json!(2_500)]
    );
    // 3,000,000 × 12 % × 28/365, and so on; six equal parts; the fee with each.
    let rows = &schedule["instalments"];
    assert_eq!(column(rows, "principal"), [500_000; 6]);
    assert_eq!(column(rows, "interest"), [27_616, 30_575, 29_589, 30_575, 29_589, 30_577]);
    assert_eq!(column(rows, "fee"), [2_500; 6]);
    // The order of its parts: interest, principal, fee.
    lender.on("2026-02-28").await;
    let told = ani.repay(529_000).await;
    assert_eq!(
        super::lines(&told),
        ["1 INTEREST 27616 0 1120", "1 PRINCIPAL 500000 0 1110", "1 FEE 1384 0 1130"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_of_the_law_are_added_and_never_changed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lender = Lender::of(&server).await;
    let path = "/api/admin/lending-rules";
    let examples = server.get(path, &admin).await.ok(200);
    assert_eq!(
        fields(&examples[0], ["version", "effectiveOn", "collectibility"]),
        [json!(1), json!("2000-01-01"), json!([0, 90, 120, 180])]
    );
    assert!(examples[0]["citation"].as_str().unwrap().starts_with("EXAMPLE"));
    let stricter = json!({
        "effectiveOn": "2026-02-01", "citation": "Circular 1/2026",
        "caps": {"dailyCostPercent": 0.01, "dailyPenaltyPercent": 0.05, "totalCostPercent": 50},
        "collectibility": [0, 30, 60],
    });
    let told = server.post(path, &admin, stricter.clone()).await;
    assert_eq!(told.json["message"], "Lending rules adopted");
    let mut wanted = stricter.clone();
    wanted["version"] = json!(2);
    let told = told.ok(201);
    assert_eq!(
        fields(&told, ["version", "citation", "collectibility"]),
        fields(&wanted, ["version", "citation", "collectibility"])
    );
    assert_eq!(told["caps"]["totalCostPercent"], 50.0);
    assert_eq!(column(&server.get(path, &admin).await.ok(200), "version"), [1, 2]);
    // Before its day it says nothing; from then on 12 % a year is too much, and the citation says so.
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-02-01").await;
    let body = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6});
    let refused = server.post("/api/loans", &lender.town.borrower().await.token, body).await;
    let message = "The loan would cost more than the law allows: interest and fees per day of at most 0.01% \
                   (Circular 1/2026)";
    assert_eq!(refused.error(), (400, "AGREEMENT_ABOVE_CAP", message));
    assert_eq!(ani.get("/schedule").await["rulesVersion"], 1);
    // The grades are those of the day.
    lender.on("2026-04-01").await;
    assert_eq!(fields(&ani.get("/schedule").await, ["daysPastDue", "collectibility"]), [json!(32), json!(3)]);
    for (field, value, faulty) in [
        ("effectiveOn", json!("tomorrow"), "effectiveOn"),
        ("citation", json!(" "), "citation"),
        ("caps", json!(null), "caps"),
        ("caps", json!([]), "caps"),
        ("caps", json!({"dailyCostPercent": 1, "totalCostPercent": 1}), "caps.dailyPenaltyPercent"),
        ("collectibility", json!([1, 2]), "collectibility"),
        ("collectibility", json!([0, -1]), "collectibility[1]"),
    ] {
        let mut body = stricter.clone();
        body[field] = value;
        let told = server.post(path, &admin, body).await;
        assert_eq!((told.error().0, &told.json["errors"][0]["field"]), (400, &json!(faulty)));
    }
    assert_eq!(server.get(path, lender.backoffice()).await.error().0, 403);
}

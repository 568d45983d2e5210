//! Document 003 §3 to §6: money in and out of a wallet, and what the report says of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::rest_smoke::{Answer, Server, send};
use super::messages::Golden;
use super::town::{Person, Town};
use super::walk::Officers;

struct Scene<'a> {
    server: &'a Server,
    john: String,
    jane: Person,
    officers: Officers,
}

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let town = Town::of(&server);
    let john = server.login("john.doe@email.com", "customer123").await;
    let scene = Scene {
        server: &server,
        john,
        jane: town.customer().await,
        officers: Officers::of_jakarta(&server).await,
    };
    scene.top_ups(golden).await;
    scene.payments(golden).await;
    scene.transfers(golden, &town).await;
    scene.reports(golden).await;
    in_production(golden).await;
}

async fn in_production(golden: &mut Golden) {
    let settings = [
        ("LUMBUNG_ENVIRONMENT", "production"),
        ("LUMBUNG_MASTER_KEY", &"ab".repeat(32)),
        ("LUMBUNG_TOKEN_KEY", &"cd".repeat(32)),
        ("LUMBUNG_PUBLIC_URL", "https://lumbung.example"),
        ("DATABASE_URL", "postgres://somewhere/else"),
    ];
    let server = Server::start_with(&settings).await;
    let john = server.login("john.doe@email.com", "customer123").await;
    golden.row("WALLET_TOPUP_PRODUCTION", &server.post("/topup", &john, json!({"amount": 500_000})).await);
}

impl Scene<'_> {
    async fn john(&self, path: &str, body: Value) -> Answer {
        self.server.post(path, &self.john, body).await
    }

    async fn versioned(&self, path: &str, body: Value) -> Answer {
        let request = self.server.request(Method::POST, path).bearer_auth(&self.john);
        send(request.header("If-Match", "\"99\"").json(&body)).await
    }

    async fn top_ups(&self, golden: &mut Golden) {
        let topped_up = self.john("/topup", json!({"amount": 500_000})).await;
        golden.row("WALLET_TOPUP", &topped_up);
        let result = &topped_up.json["result"];
        let told = json!([result["amount_top_up"], result["balance_before"], result["balance_after"]]);
        golden.also("WALLET_TOPUP", "the money", &told, &json!([500_000, 0, 500_000]));
        for (id, amount) in [
            ("WALLET_TOPUP_MISSING", Value::Null),
            ("WALLET_TOPUP_TEXT", json!("500000")),
            ("WALLET_TOPUP_ZERO", json!(0)),
            ("WALLET_TOPUP_NEGATIVE", json!(-1)),
            ("WALLET_TOPUP_FRACTION", json!(1.5)),
            ("WALLET_TOPUP_MAXIMUM", json!(1_000_000_000_000_000_i64)),
            ("WALLET_TOPUP_FULL", json!(999_999_999_999_999_i64)),
        ] {
            golden.row(id, &self.john("/topup", json!({"amount": amount})).await);
        }
        let full = self.john("/topup", json!({"amount": 999_999_999_999_999_i64})).await;
        let fault = json!([{"field": "amount", "message": "the balance would pass Rp 999999999999999"}]);
        golden.also("WALLET_TOPUP_FULL", "errors", &full.json["errors"], &fault);
        let twice = self.server.request(Method::POST, "/topup").bearer_auth(&self.john);
        let twice = twice.header("Content-Type", "application/json").body(r#"{"amount":1,"amount":2}"#);
        golden.row("WALLET_TOPUP_TWICE", &send(twice).await);
        golden.row("WALLET_TOPUP_VERSION", &self.versioned("/topup", json!({"amount": 1})).await);
        golden.row("WALLET_TOPUP_TOKEN", &self.server.post("/topup", "none", json!({"amount": 1})).await);
        let staff = self.server.post("/topup", &self.officers.backoffice, json!({"amount": 1})).await;
        golden.row("WALLET_TOPUP_STAFF", &staff);
        let wrong = self.server.request(Method::POST, "/topup").bearer_auth(&self.john).body("amount=1");
        golden.row("WALLET_TOPUP_FORM", &send(wrong).await);
        golden.row("WALLET_TOPUP_METHOD", &self.server.get("/topup", &self.john).await);
        golden.row("WALLET_TOPUP_NOWHERE", &self.server.get("/topup/1", &self.john).await);
        let large = self.server.post_keyed("/topup", &self.john, "large", &" ".repeat((1 << 20) + 1)).await;
        golden.row("WALLET_TOPUP_LARGE", &large);
        let keyed = async |amount: i64| {
            let body = json!({"amount": amount}).to_string();
            self.server.post_keyed("/topup", &self.john, "twice", &body).await
        };
        keyed(7).await;
        golden.row("WALLET_TOPUP_KEY", &keyed(8).await);
        self.john("/pay", json!({"amount": 7})).await;
    }

    async fn payments(&self, golden: &mut Golden) {
        let paid = self.john("/pay", json!({"amount": 100_000, "remarks": "Pulsa Telkomsel 100k"})).await;
        golden.row("WALLET_PAY", &paid);
        let result = &paid.json["result"];
        let told =
            json!([result["amount"], result["balance_before"], result["balance_after"], result["remarks"]]);
        golden.also("WALLET_PAY", "it", &told, &json!([100_000, 500_000, 400_000, "Pulsa Telkomsel 100k"]));
        golden.row("WALLET_PAY_BALANCE", &self.john("/pay", json!({"amount": 400_001})).await);
        let long = json!({"amount": 1, "remarks": "x".repeat(501)});
        golden.row("WALLET_PAY_REMARKS", &self.john("/pay", long).await);
        golden.row("WALLET_PAY_AMOUNT", &self.john("/pay", json!({"remarks": 7})).await);
        golden.row("WALLET_PAY_VERSION", &self.versioned("/pay", json!({"amount": 1})).await);
        golden.row("WALLET_PAY_TOKEN", &self.server.post("/pay", "none", json!({"amount": 1})).await);
        let staff = self.server.post("/pay", &self.officers.marketing, json!({"amount": 1})).await;
        golden.row("WALLET_PAY_STAFF", &staff);
    }

    async fn transfers(&self, golden: &mut Golden, town: &Town<'_>) {
        let send_to = async |target: Value, amount: i64| {
            let body = json!({"target_user": target, "amount": amount, "remarks": "Hadiah Ultah"});
            self.john("/transfer", body).await
        };
        let jane = json!(self.jane.user);
        let sent = send_to(jane.clone(), 30_000).await;
        golden.row("WALLET_TRANSFER", &sent);
        let result = &sent.json["result"];
        let told =
            json!([result["amount"], result["balance_before"], result["balance_after"], result["remarks"]]);
        golden.also("WALLET_TRANSFER", "it", &told, &json!([30_000, 400_000, 370_000, "Hadiah Ultah"]));
        golden.row("WALLET_TRANSFER_BALANCE", &send_to(jane.clone(), 370_001).await);
        let own = self.server.get("/api/customer/wallet", &self.john).await.ok(200)["userId"].clone();
        golden.row("WALLET_TRANSFER_SELF", &send_to(own, 370_001).await);
        let unknown = json!("b7342e8e-0000-4a5d-873e-b1b1bfcdeddb");
        golden.row("WALLET_TRANSFER_UNKNOWN", &send_to(unknown, 370_001).await);
        let officer = town.staff(lumbung_domain::RoleId::BACKOFFICE, None).await;
        golden.row("WALLET_TRANSFER_TO_STAFF", &send_to(json!(officer.user), 1).await);
        let gone = town.customer().await;
        town.deactivate(&gone).await;
        golden.row("WALLET_TRANSFER_DEACTIVATED", &send_to(json!(gone.user), 1).await);
        golden.row("WALLET_TRANSFER_ID", &send_to(json!("jane"), 0).await);
        golden.row("WALLET_TRANSFER_NOBODY", &self.john("/transfer", json!({"amount": 1})).await);
        let body = json!({"target_user": jane, "amount": 1});
        golden.row("WALLET_TRANSFER_VERSION", &self.versioned("/transfer", body.clone()).await);
        golden.row("WALLET_TRANSFER_TOKEN", &self.server.post("/transfer", "none", body.clone()).await);
        let staff = self.server.post("/transfer", &self.officers.manager, body).await;
        golden.row("WALLET_TRANSFER_STAFF", &staff);
    }

    async fn reports(&self, golden: &mut Golden) {
        let get = async |path: &str| self.server.get(path, &self.john).await;
        golden.row("WALLET_SHOW", &get("/api/customer/wallet").await);
        golden
            .row("WALLET_SHOW_STAFF", &self.server.get("/api/customer/wallet", &self.officers.manager).await);
        golden.row("WALLET_SHOW_TOKEN", &self.server.get("/api/customer/wallet", "none").await);
        for (id, path) in [
            ("WALLET_REPORT_TRANSFER", "/transactions?kind=TRANSFER"),
            ("WALLET_REPORT_PAYMENT", "/transactions?kind=PAYMENT&limit=1&type=DEBIT"),
            ("WALLET_REPORT_LIMIT", "/transactions?limit=1001"),
            ("WALLET_REPORT_TYPE", "/transactions?type=debit"),
            ("WALLET_REPORT_KIND", "/transactions?kind=X"),
            ("WALLET_REPORT_DATE", "/transactions?from=1-4-2021"),
        ] {
            golden.row(id, &get(path).await);
        }
        let top_up = get("/transactions?kind=TOP_UP").await;
        golden.row("WALLET_REPORT_TOPUP", &top_up);
        golden.also("WALLET_REPORT_TOPUP", "remarks", &top_up.json["result"][0]["remarks"], &json!(""));
        golden.row("WALLET_REPORT_TOKEN", &self.server.get("/transactions", "none").await);
        let staff = self.server.get("/transactions", &self.officers.backoffice).await;
        golden.row("WALLET_REPORT_STAFF", &staff);
        self.server.post("/api/customer/plafond", &self.john, json!({"productId": 1})).await.ok(200);
        let loan = self.officers.disburse(self.server, &self.john, 3_000_000).await;
        let disbursed = get("/transactions?limit=1").await;
        golden.row("WALLET_REPORT_DISBURSEMENT", &disbursed);
        let row = &disbursed.json["result"][0];
        let told = json!([row["disbursement_id"], row["amount"], row["transaction_type"], row["status"]]);
        golden.also(
            "WALLET_REPORT_DISBURSEMENT",
            "it",
            &told,
            &json!([loan, 3_000_000, "CREDIT", "SUCCESS"]),
        );
    }
}

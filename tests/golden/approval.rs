//! §5 "Approval Workflow".

use serde_json::json;

use super::super::rest_smoke::Server;
use super::messages::Golden;
use super::walk::{Officers, application, decide};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let officers = Officers::of_jakarta(&server).await;
    server.upload_all(&john).await.ok(200);
    server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);

    golden.row("APPROVAL_HISTORY_EMPTY", &server.get("/api/approval/my-history", &officers.marketing).await);
    refusals(golden, &server, &john, &officers).await;
    rejections(golden, &server, &john, &officers).await;
    history(golden, &server, &officers).await;
    two_stages(golden, &server, &john, &officers).await;
}

async fn apply(server: &Server, customer: &str) -> i64 {
    let loan = server.post("/api/loans", customer, application(1_000_000)).await.ok(201);
    loan["id"].as_i64().unwrap()
}

async fn refusals(golden: &mut Golden, server: &Server, john: &str, officers: &Officers) {
    let admin = server.login("admin@loan.com", "admin123").await;
    let elsewhere = server.login("marketing.sby@loan.com", "marketing123").await;
    let loan = apply(server, john).await;
    golden.row("APPROVAL_PENDING", &server.get("/api/approval/pending", &officers.marketing).await);
    golden.row("APPROVAL_PENDING_STRANGER", &server.get("/api/approval/pending", john).await);
    golden.row("APPROVAL_HISTORY_STRANGER", &server.get("/api/approval/my-history", john).await);
    for (id, officer, loan, how) in [
        ("APPROVAL_APPROVE_STATUS", &officers.manager, loan, "approve"),
        ("APPROVAL_APPROVE_BRANCH", &elsewhere, loan, "approve"),
        ("APPROVAL_APPROVE_MISSING", &officers.marketing, 999_999, "approve"),
        ("APPROVAL_APPROVE_STRANGER", &admin, loan, "approve"),
    ] {
        golden.row(id, &decide(server, officer, loan, how).await);
    }
    let reject = format!("/api/approval/{loan}/reject");
    golden.row("APPROVAL_REJECT_STRANGER", &server.post(&reject, john, json!({"note": "No"})).await);
    golden.row("APPROVAL_REJECT_NOTE", &server.post(&reject, &officers.marketing, json!({})).await);
    let blank = server.post(&reject, &officers.marketing, json!({"note": " "})).await;
    golden.row("APPROVAL_REJECT_BLANK", &blank);

    let full = json!({"amount": 999_999_999_999_999_i64});
    for (id, officer) in
        [("APPROVAL_APPROVE_MARKETING", &officers.marketing), ("APPROVAL_APPROVE_MANAGER", &officers.manager)]
    {
        golden.row(id, &decide(server, officer, loan, "approve").await);
    }
    server.post("/topup", john, full.clone()).await;
    let backoffice = &officers.backoffice;
    golden.row("APPROVAL_APPROVE_WALLET", &decide(server, backoffice, loan, "approve").await);
    server.post("/pay", john, full).await;
    golden.row("APPROVAL_APPROVE_BACKOFFICE", &decide(server, backoffice, loan, "approve").await);
    golden.row("APPROVAL_REJECT_DISBURSED", &decide(server, &officers.backoffice, loan, "reject").await);
}

/// At every stage, with the status that the diagram of §5 shows.
async fn rejections(golden: &mut Golden, server: &Server, john: &str, officers: &Officers) {
    let Officers { marketing, manager, backoffice } = officers;
    for (id, before, officer, status) in [
        ("APPROVAL_REJECT", &[][..], marketing, "MARKETING_REJECTED"),
        ("APPROVAL_REJECT_MANAGER", &[marketing], manager, "BM_REJECTED"),
        ("APPROVAL_REJECT_BACKOFFICE", &[marketing, manager], backoffice, "REJECTED"),
    ] {
        let loan = apply(server, john).await;
        for officer in before {
            decide(server, officer, loan, "approve").await.ok(200);
        }
        let rejected = decide(server, officer, loan, "reject").await;
        golden.row(id, &rejected);
        golden.also(id, "status", &rejected.json["data"]["status"], &json!(status));
    }
}

/// §5.4, newest first.
async fn history(golden: &mut Golden, server: &Server, officers: &Officers) {
    let told = server.get("/api/approval/my-history", &officers.manager).await;
    golden.row("APPROVAL_HISTORY", &told);
    let steps = told.json["data"].as_array().cloned().unwrap_or_default();
    let actions: Vec<_> =
        steps.iter().map(|step| json!([step["actionTaken"], step["currentStatus"]])).collect();
    let wanted = json!([
        ["BRANCH_MANAGER_APPROVED", "REJECTED"],
        ["BM_REJECTED", "BM_REJECTED"],
        ["BRANCH_MANAGER_APPROVED", "DISBURSED"],
    ]);
    golden.also("APPROVAL_HISTORY", "what was done, and what became of it", &json!(actions), &wanted);
}

/// An officer of two stages decides at one of them.
async fn two_stages(golden: &mut Golden, server: &Server, john: &str, officers: &Officers) {
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let officer = users.as_array().unwrap().iter().find(|user| user["email"] == "marketing.jkt@loan.com");
    let path = format!("/api/admin/users/{}/roles", officer.unwrap()["id"]);
    server.post(&path, &admin, json!({"roleId": 3})).await.ok(200);
    let loan = apply(server, john).await;
    decide(server, &officers.marketing, loan, "approve").await.ok(200);
    golden.row("APPROVAL_APPROVE_TWICE", &decide(server, &officers.marketing, loan, "approve").await);
}

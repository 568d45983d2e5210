//! Which fault is told when there are several: every case has all the later faults as well.

use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{
    Claim, ClaimId, Grants, Permission, Role, RoleCommand, RoleId, User, UserCommand, UserNumber,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::Cast;
use crate::rest_smoke::{Server, send};
use crate::support::ledger::run;

/// Gives someone one more role.
struct Promote {
    user: i64,
    role: RoleId,
}

impl UseCase for Promote {
    const NAME: &'static str = "Promote";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let user = book.read::<Claim>(ClaimId::user_number(UserNumber(self.user)))?.user().unwrap();
        book.run::<User>(user, UserCommand::AssignRole { role: self.role })
    }
}

/// Sets what a role allows.
pub(super) struct Allow(pub(super) RoleId, pub(super) &'static [Permission]);

impl UseCase for Allow {
    const NAME: &'static str = "Allow";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.run::<Role>(self.0, RoleCommand::ReplacePermissions { grants: Grants::only(self.1) })
    }
}

const PROFILE: &str =
    "Please complete your profile (NIK, birthdate, phone and address) before submitting a loan application.";
const PLAFOND: &str = "Please select a plafond first before submitting a loan application.";
const PENDING: &str = "You already have a pending loan application. Please wait until it is fully approved or \
                       rejected before submitting a new one.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_submission() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let body = |branch: i64, amount: i64, tenor: i64, rate: f64| json!({"branchId": branch, "amount": amount, "tenor": tenor, "interestRate": rate});
    let all_wrong = body(999, 5_000_001, 13, 11.9);
    let told = async |token: &str, body: &Value| {
        let answer = server.post("/api/loans", token, body.clone()).await;
        let (status, code, message) = answer.error();
        (status, code.to_owned(), message.to_owned())
    };
    let is = |status: u16, code: &str, message: &str| (status, code.to_owned(), message.to_owned());

    let malformed = json!({"branchId": "1", "amount": 0, "tenor": 601, "interestRate": -1});
    assert_eq!(told("nonsense", &malformed).await, is(401, "UNAUTHORIZED", "Unauthorized"));
    assert_eq!(told(&cast.officers[0], &malformed).await, is(403, "ACCESS_DENIED", "Access Denied"));
    assert_eq!(told(&jane, &malformed).await, is(400, "VALIDATION_FAILED", "branchId: must be a number"));
    let answer = server.post("/api/loans", &jane, malformed).await;
    let fields: Vec<_> = answer.json["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!(fields, ["branchId", "amount", "tenor", "interestRate"]);

    assert_eq!(told(&jane, &all_wrong).await, is(400, "PROFILE_INCOMPLETE", PROFILE));
    assert_eq!(told(&cast.john, &all_wrong).await, is(400, "PLAFOND_REQUIRED", PLAFOND));
    cast.select(&server, 1).await.ok(200);
    let pending = cast.borrow(&server, 5_000_000).await;
    assert_eq!(told(&cast.john, &all_wrong).await, is(400, "LOAN_ALREADY_PENDING", PENDING));
    server.post(&format!("/api/loans/{pending}/cancel"), &cast.john, json!({})).await.ok(200);
    let amount = "Requested amount exceeds remaining plafond. Remaining: Rp 5000000";
    let tenor = "Requested tenor exceeds plafond limit. Maximum: 12 months";
    let rate = "Interest rate cannot be lower than plafond minimum. Minimum: 12.0%";
    for (body, expected) in [
        (all_wrong, is(404, "BRANCH_NOT_FOUND", "Branch not found")),
        // The online branch takes no application over the counter.
        (body(0, 5_000_001, 13, 11.9), is(404, "BRANCH_NOT_FOUND", "Branch not found")),
        (body(1, 5_000_001, 13, 11.9), is(400, "PLAFOND_EXCEEDED", amount)),
        (body(1, 5_000_000, 13, 11.9), is(400, "TENOR_EXCEEDED", tenor)),
        (body(1, 5_000_000, 12, 11.9999), is(400, "RATE_TOO_LOW", rate)),
    ] {
        assert_eq!(told(&cast.john, &body).await, expected, "{body}");
    }
    server.post("/api/loans", &cast.john, body(1, 5_000_000, 12, 12.0)).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_decision() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let ledger = &server.node().ledger;
    let surabaya = server.login("marketing.sby@loan.com", "marketing123").await;
    let admin = server.login("admin@loan.com", "admin123").await;
    cast.select(&server, 1).await.ok(200);
    let over = cast.borrow(&server, 1_000_000).await;
    server.post(&format!("/api/loans/{over}/cancel"), &cast.john, json!({})).await.ok(200);
    let loan = cast.borrow(&server, 1_000_000).await;
    cast.approve(&server, loan, 1).await;
    let [marketing, manager, backoffice] = &cast.officers;

    let wrong_body = json!({"note": 7});
    let good = json!({"note": "No"});
    let elsewhere = "You can only process loans from your branch";
    let wrong_status = "Loan is not in the correct status for your approval";
    for verb in ["approve", "reject"] {
        let told = async |token: &str, loan: &str, tag: &str, body: &Value| {
            let request = server.request(Method::POST, &format!("/api/approval/{loan}/{verb}"));
            let request = request.bearer_auth(token).header("If-Match", tag).json(body);
            let answer = send(request).await;
            let (status, _, message) = answer.error();
            (status, message.to_owned())
        };
        let is = |status: u16, message: &str| (status, message.to_owned());
        let over = &over.to_string();
        let loan = &loan.to_string();
        let none = "999999";
        assert_eq!(told("nonsense", "x", "?", &wrong_body).await, is(401, "Unauthorized"));
        for token in [&admin, &cast.john] {
            assert_eq!(told(token, "x", "?", &wrong_body).await, is(403, "Access Denied"));
        }
        assert_eq!(told(&surabaya, "x", "?", &wrong_body).await, is(400, "id: must be an integer"));
        assert_eq!(told(&surabaya, none, "*", &wrong_body).await, is(400, "note: must be a string"));
        assert_eq!(told(&surabaya, none, "\"9\"", &good).await, is(404, "Loan application not found"));
        assert_eq!(told(&surabaya, over, "\"9\"", &good).await, is(403, elsewhere));
        let changed = "It has changed in the meantime. Please load it again and retry.";
        assert_eq!(told(marketing, over, "\"9\"", &good).await, is(412, changed));
        // Their own decision is in the way as well, but the status comes first.
        assert_eq!(told(marketing, loan, "*", &good).await, is(400, wrong_status));
        assert_eq!(told(marketing, over, "*", &good).await, is(400, wrong_status));
        assert_eq!(told(backoffice, loan, "*", &good).await, is(400, wrong_status));
    }
    let needed = server.post(&format!("/api/approval/{loan}/reject"), manager, json!({"note": " "})).await;
    assert_eq!((needed.error().0, needed.json["errors"][0]["field"].as_str()), (400, Some("note")));

    // Whoever may decide at two stages decides at one of them.
    let me = server.get("/api/approval/my-history", marketing).await.ok(200);
    assert_eq!(me[0]["loanId"], loan);
    let email = json!({"email": "marketing.jkt@loan.com", "password": "marketing123"});
    let login = send(server.request(Method::POST, "/api/auth/login").json(&email)).await.ok(200);
    let user = login["userId"].as_i64().unwrap();
    run(ledger, Promote { user, role: RoleId::BRANCH_MANAGER }).await;
    for verb in ["approve", "reject"] {
        let answer = server.post(&format!("/api/approval/{loan}/{verb}"), marketing, good.clone()).await;
        let message = "You have already decided on this loan";
        assert_eq!(answer.error(), (403, "ALREADY_DECIDED", message));
    }
    // To reject takes two permissions.
    run(ledger, Allow(RoleId::BRANCH_MANAGER, &[Permission::LoanApproveBranchManager])).await;
    let reject = server.post(&format!("/api/approval/{loan}/reject"), manager, good).await;
    assert_eq!(reject.error(), (403, "ACCESS_DENIED", "Access Denied"));
    let approve = server.post(&format!("/api/approval/{loan}/approve"), manager, json!({})).await;
    assert_eq!(approve.ok(200)["status"], "BRANCH_MANAGER_APPROVED");
}

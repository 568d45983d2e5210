//! The lists of loans and of an officer's own decisions.

use serde_json::{Value, json};

use super::Cast;
use crate::rest_smoke::{Answer, Server};
use crate::served::shape::{INSTANT, NUMBER, assert_documented};

fn ids(answer: Answer) -> Vec<i64> {
    answer.ok(200).as_array().unwrap().iter().map(|loan| loan["id"].as_i64().unwrap()).collect()
}

fn faults(answer: &Answer) -> Vec<String> {
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (400, &json!("VALIDATION_FAILED")));
    let faults = answer.json["errors"].as_array().unwrap().iter();
    faults.map(|fault| format!("{}: {}", fault["field"], fault["message"]).replace('"', "")).collect()
}

/// The path of the next page.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?;
    Some(link.strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_narrows_the_list() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let backoffice = &cast.officers[2];
    cast.select(&server, 1).await.ok(200);
    // Of John at Jakarta: cancelled, rejected, marketing approved and cancelled; at Surabaya: submitted.
    let cancelled = cast.borrow(&server, 1_000_000).await;
    server.post(&format!("/api/loans/{cancelled}/cancel"), &cast.john, json!({})).await.ok(200);
    let rejected = cast.borrow(&server, 1_000_000).await;
    let reject = format!("/api/approval/{rejected}/reject");
    server.post(&reject, &cast.officers[0], json!({"note": "No"})).await.ok(200);
    let disbursed = cast.borrow(&server, 1_000_000).await;
    cast.approve(&server, disbursed, 3).await;
    let body = json!({"branchId": 2, "amount": 1_000_000, "tenor": 6});
    let submitted = server.post("/api/loans", &cast.john, body).await.ok(201);
    let (submitted, john) = (submitted["id"].as_i64().unwrap(), submitted["customerId"].as_i64().unwrap());
    let other = super::someone_applies(&server.node().ledger).await;

    let today = submitted_on(&server, backoffice, submitted).await;
    let all = vec![other, submitted, disbursed, rejected, cancelled];
    let none: Vec<i64> = vec![];
    let list = async |token: &str, query: &str| ids(server.get(&format!("/api/loans{query}"), token).await);
    for (query, expected) in [
        (String::new(), all.clone()),
        ("?status=CANCELLED".into(), vec![cancelled]),
        ("?status=SUBMITTED".into(), vec![other, submitted]),
        ("?status=SUBMITTED,CANCELLED".into(), vec![other, submitted, cancelled]),
        ("?status=CANCELLED%2C%20SUBMITTED&status=CANCELLED".into(), vec![other, submitted, cancelled]),
        ("?status=EXPIRED".into(), none.clone()),
        ("?branchId=2".into(), vec![submitted]),
        ("?branchId=77".into(), none.clone()),
        ("?branchId=1&status=SUBMITTED".into(), vec![other]),
        (format!("?customerId={john}"), all[1..].to_vec()),
        (format!("?customerId={john}&status=DISBURSED,MARKETING_REJECTED"), vec![disbursed, rejected]),
        (format!("?customerId={john}&branchId=1"), vec![disbursed, rejected, cancelled]),
        ("?customerId=999999".into(), none.clone()),
        ("?customerId=99999999999999999999".into(), none.clone()),
        ("?productId=1".into(), all.clone()),
        ("?productId=2".into(), none.clone()),
        (format!("?from={today}&to={today}"), all.clone()),
        (format!("?to={today}&status=CANCELLED"), vec![cancelled]),
        ("?from=2000-01-01&to=2000-12-31".into(), none.clone()),
        ("?from=9999-12-31".into(), none.clone()),
        ("?to=9999-12-31&branchId=2".into(), vec![submitted]),
        (format!("?st%61tus=CANCELLED&customerId={john}&stale=%6Fk"), vec![cancelled]),
    ] {
        assert_eq!(list(backoffice, &query).await, expected, "{query}");
    }

    // An officer of a branch sees that branch, whatever they ask for.
    let marketing = &cast.officers[0];
    assert_eq!(list(marketing, "?status=SUBMITTED").await, [other]);
    assert_eq!(
        list(marketing, &format!("?branchId=1&customerId={john}")).await,
        [disbursed, rejected, cancelled]
    );
    let elsewhere = server.get("/api/loans?branchId=2", marketing).await;
    assert_eq!(elsewhere.error(), (403, "ACCESS_DENIED", "Access Denied"));
    // A customer sees their own, narrowed by status alone.
    assert_eq!(list(&cast.john, "?status=SUBMITTED,DISBURSED").await, [submitted, disbursed]);
    let own =
        server.get(&format!("/api/loans?customerId={john}&status=SUBMITTED&from={today}"), &cast.john).await;
    assert_eq!(
        faults(&own),
        ["customerId: is not a parameter of this list", "from: is not a parameter of this list"]
    );
}

/// The day on which a loan was submitted, as it is shown.
async fn submitted_on(server: &Server, token: &str, loan: i64) -> String {
    let shown = server.get(&format!("/api/loans/{loan}"), token).await.ok(200);
    shown["createdAt"].as_str().unwrap()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_survive_to_the_last_page() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let mut cancelled = Vec::new();
    for _ in 0..5 {
        let loan = cast.borrow(&server, 1_000_000).await;
        server.post(&format!("/api/loans/{loan}/cancel"), &cast.john, json!({})).await.ok(200);
        cancelled.insert(0, loan);
        super::someone_applies(&server.node().ledger).await;
    }
    for (path, token) in [
        ("/api/loans?status=CANCELLED%2CEXPIRED&limit=2&branchId=1&from=2000-01-01", &cast.officers[2]),
        ("/api/loans?limit=2&status=CANCELLED", &cast.john),
    ] {
        let (mut path, mut seen, mut pages) = (path.to_owned(), Vec::new(), 0);
        loop {
            let answer = server.get(&path, token).await;
            let link = next(&answer);
            seen.extend(ids(answer));
            pages += 1;
            let Some(link) = link else { break };
            assert!(link.contains("status=CANCELLED") && link.contains("limit=2"), "{link}");
            assert_eq!(link.matches("cursor=").count(), 1, "{link}");
            path = link;
        }
        assert_eq!((&seen, pages), (&cancelled, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_values_are_told_all_at_once() {
    let server = Server::start().await;
    let backoffice = server.login("backoffice@loan.com", "backoffice123").await;
    let query =
        "to=x&productId=1.5&status=SUBMITTED,open&branchId=&customerId=me&from=2025-02-30&limit=0&sort=id";
    let answer = server.get(&format!("/api/loans?{query}"), &backoffice).await;
    let all = [
        "limit: must be a whole number between 1 and 1000",
        "status: must be one or more statuses of a loan, with commas between them",
        "branchId: must be an integer",
        "customerId: must be an integer",
        "productId: must be an integer",
        "from: must be a date like 2025-12-31",
        "to: must be a date like 2025-12-31",
        "sort: is not a parameter of this list",
    ];
    assert_eq!(faults(&answer), all);
    assert_eq!(answer.error().2, all[0]);
    for (query, fault) in [
        ("status=", "status: must be one or more statuses of a loan, with commas between them"),
        ("status=submitted", "status: must be one or more statuses of a loan, with commas between them"),
        ("status=SUBMITTED,", "status: must be one or more statuses of a loan, with commas between them"),
        ("from=2025-12-02&to=2025-12-01", "to: must not be before from"),
        ("branchId=1&branchId=2", "branchId: must be given once"),
    ] {
        assert_eq!(faults(&server.get(&format!("/api/loans?{query}"), &backoffice).await), [fault]);
    }
    for path in ["/api/approval/pending?status=SUBMITTED", "/api/approval/my-history?status=SUBMITTED"] {
        assert_eq!(faults(&server.get(path, &backoffice).await), ["status: is not a parameter of this list"]);
    }
}

/// Document 004 §5.4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_finds_what_they_decided() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let [marketing, manager, backoffice] = &cast.officers;
    let mine = async |token: &str| server.get("/api/approval/my-history", token).await;
    for officer in &cast.officers {
        assert_eq!(mine(officer).await.ok(200), json!([]));
    }
    cast.select(&server, 1).await.ok(200);
    let first = cast.borrow(&server, 3_000_000).await;
    let note = json!({"note": "Documents verified"});
    server.post(&format!("/api/approval/{first}/approve"), marketing, note).await.ok(200);
    let row = |loan: i64, amount: i64, action: &str, current: &str, note: Value| {
        json!({"id": NUMBER, "loanId": loan, "customerName": "John Doe", "productName": "BRONZE", "loanAmount": amount,
               "branchLocation": "Jakarta", "actionTaken": action, "currentStatus": current, "note": note,
               "actionDate": INSTANT})
    };
    let approved =
        |current| row(first, 3_000_000, "MARKETING_APPROVED", current, json!("Documents verified"));
    assert_documented(&mine(marketing).await.ok(200), &json!([approved("MARKETING_APPROVED")]));
    server.post(&format!("/api/approval/{first}/approve"), manager, json!({})).await.ok(200);
    assert_documented(&mine(marketing).await.ok(200), &json!([approved("BRANCH_MANAGER_APPROVED")]));
    server.post(&format!("/api/approval/{first}/approve"), backoffice, json!({})).await.ok(200);
    let second = cast.borrow(&server, 2_000_000).await;
    let reject = json!({"note": "Incomplete documents"});
    server.post(&format!("/api/approval/{second}/reject"), marketing, reject).await.ok(200);

    let rejected =
        row(second, 2_000_000, "MARKETING_REJECTED", "MARKETING_REJECTED", json!("Incomplete documents"));
    let shown = mine(marketing).await.ok(200);
    assert_documented(&shown, &json!([rejected, approved("DISBURSED")]));
    // The ids are those of the loan's own history.
    let history = cast.history(&server, first).await;
    assert_eq!(shown[1]["id"], history[1]["id"]);
    let managers = row(first, 3_000_000, "BRANCH_MANAGER_APPROVED", "DISBURSED", json!(null));
    assert_documented(&mine(manager).await.ok(200), &json!([managers]));
    assert_eq!(mine(backoffice).await.ok(200)[0]["actionTaken"], "DISBURSED");

    let page = server.get("/api/approval/my-history?limit=1", marketing).await;
    let rest = server.get(&next(&page).unwrap(), marketing).await;
    assert_eq!((page.json["data"][0]["loanId"].as_i64(), next(&rest)), (Some(second), None));
    assert_eq!(rest.json["data"][0]["loanId"], first);

    let surabaya = server.login("marketing.sby@loan.com", "marketing123").await;
    assert_eq!(mine(&surabaya).await.ok(200), json!([]));
    let admin = server.login("admin@loan.com", "admin123").await;
    for token in [&admin, &cast.john] {
        assert_eq!(mine(token).await.error(), (403, "ACCESS_DENIED", "Access Denied"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_comes_in_pages_too() {
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let loan = cast.borrow(&server, 1_000_000).await;
    cast.approve(&server, loan, 3).await;
    let all = ids(server.get(&format!("/api/loans/{loan}/history"), &cast.john).await);
    assert_eq!(all.len(), 4);
    let mut path = Some(format!("/api/loans/{loan}/history?limit=3"));
    let mut seen = Vec::new();
    while let Some(page) = path {
        let answer = server.get(&page, &cast.john).await;
        path = next(&answer);
        seen.push(ids(answer));
    }
    assert_eq!(seen, [&all[..3], &all[3..]]);
    let wrong = server.get(&format!("/api/loans/{loan}/history?limit=0&page=2"), &cast.john).await;
    assert_eq!(
        faults(&wrong),
        ["limit: must be a whole number between 1 and 1000", "page: is not a parameter of this list"]
    );
}

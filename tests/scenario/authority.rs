//! Who may decide on a loan, and who may look at it.

use serde_json::json;

use super::documented::{ACCESS_DENIED, NO_ACCESS, WRONG_BRANCH, WRONG_STATUS, refused};
use super::walk::{get, post};
use crate::served::shape::assert_documented;
use crate::served::{Folder, Http, Server};

#[tokio::test]
async fn only_the_officer_whose_turn_it_is_decides() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let (http, address) = (Http::new(), server.address());
    let login = async |email: &str, password: &str| http.login(address, email, password).await;
    let customer = login("john.doe@email.com", "customer123").await;
    let other = login("jane.smith@email.com", "customer123").await;
    let marketing = login("marketing.jkt@loan.com", "marketing123").await;
    let elsewhere = login("marketing.sby@loan.com", "marketing123").await;
    let manager = login("bm.jkt@loan.com", "bm123").await;
    let backoffice = login("backoffice@loan.com", "backoffice123").await;
    let admin = login("admin@loan.com", "admin123").await;

    post(&http, address, "/api/customer/plafond", &customer, json!({"productId": 1})).await.expect(200);
    let application = json!({"branchId": 1, "amount": 1_000_000, "tenor": 6});
    let submitted = post(&http, address, "/api/loans", &customer, application).await.expect(201);
    let loan = submitted.data()["id"].as_i64().unwrap();

    let path = format!("/api/loans/{loan}");
    for stranger in [&other, &elsewhere] {
        let told = get(&http, address, &path, stranger).await.expect(403);
        assert_documented(&told.json(), &refused(NO_ACCESS));
    }
    let approve = format!("/api/approval/{loan}/approve");
    let reject = format!("/api/approval/{loan}/reject");
    let refusals = [
        (&customer, 403, ACCESS_DENIED),
        (&other, 403, ACCESS_DENIED),
        (&admin, 403, ACCESS_DENIED),
        (&elsewhere, 403, WRONG_BRANCH),
        (&manager, 400, WRONG_STATUS),
        (&backoffice, 400, WRONG_STATUS),
    ];
    for (officer, status, message) in refusals {
        for path in [&approve, &reject] {
            let told = post(&http, address, path, officer, json!({"note": "no"})).await.expect(status);
            assert_documented(&told.json(), &refused(message));
        }
    }
    let anonymous = http.post(address, &approve, None, json!({})).await.unwrap().expect(401);
    assert_documented(&anonymous.json(), &refused("Unauthorized"));
    let untouched = get(&http, address, &path, &customer).await.expect(200);
    assert_eq!(untouched.data()["status"], "SUBMITTED");

    post(&http, address, &approve, &marketing, json!({})).await.expect(200);
    let twice = post(&http, address, &approve, &marketing, json!({})).await.expect(400);
    assert_documented(&twice.json(), &refused(WRONG_STATUS));
    let rejected = post(&http, address, &reject, &manager, json!({"note": "Insufficient income"})).await;
    let rejected = rejected.expect(200);
    assert_eq!(rejected.message(), "Loan rejected");
    assert_eq!(rejected.data()["status"], "BM_REJECTED");
    let late = post(&http, address, &approve, &backoffice, json!({})).await.expect(400);
    assert_documented(&late.json(), &refused(WRONG_STATUS));
    let kept = get(&http, address, "/api/customer/plafond", &customer).await.expect(200);
    assert_eq!(kept.data()["remainingAmount"], 5_000_000, "a rejected loan takes nothing");
}

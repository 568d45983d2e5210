//! `/api/admin/branches`.

use serde_json::json;

use crate::rest_smoke::{Server, send};
use crate::served::shape::{INSTANT, assert_documented};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_branch() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let told = |message: &str, code: &str, location: &str| {
        json!({"success": true, "message": message, "timestamp": INSTANT,
               "data": {"id": 4, "code": code, "location": location, "name": location}})
    };
    let body = json!({"code": "YGY", "location": "Yogyakarta"});
    let created = server.post("/api/admin/branches", &admin, body.clone()).await;
    assert_eq!((created.status.as_u16(), created.headers["etag"].as_str()), (201, "\"1\""));
    assert_documented(&created.json, &told("Branch created successfully", "YGY", "Yogyakarta"));
    let again = server.post("/api/admin/branches", &admin, json!({"code": "ygy", "location": "X"})).await;
    assert_eq!(again.error(), (409, "BRANCH_CODE_ALREADY_EXISTS", "Branch code already exists"));

    let (path, moved) =
        ("/api/admin/branches/4", json!({"code": "YGY-UPD", "location": "Yogyakarta Updated"}));
    let taken = server.put(path, &admin, json!({"code": "JKT", "location": "X"})).await;
    assert_eq!(taken.error().1, "BRANCH_CODE_ALREADY_EXISTS");
    let updated = server.put(path, &admin, moved.clone()).await;
    assert_documented(&updated.json, &told("Branch updated successfully", "YGY-UPD", "Yogyakarta Updated"));
    let old = server.request(reqwest::Method::PUT, path).bearer_auth(&admin).header("If-Match", "\"1\"");
    assert_eq!(send(old.json(&body)).await.error().0, 412);
    let listed = server.get("/api/branches", &admin).await.ok(200);
    assert_documented(&listed[3], &json!({"id": 4, "code": "YGY-UPD", "name": "Yogyakarta Updated"}));
    // The old code is free, and goes to a branch of its own. A refused command leaves a gap in the numbers.
    assert_eq!(server.post("/api/admin/branches", &admin, body).await.ok(201)["id"], 6);

    let (hired, token) = server.hire(&admin, "ygy@loan.com", 2, Some(4)).await;
    server
        .patch(&format!("/api/admin/users/{hired}/status"), &admin, json!({"isActive": false}))
        .await
        .ok(200);
    assert_eq!(server.get("/api/loans", &token).await.error().0, 401);
    let kept = server.delete(path, &admin).await;
    assert_eq!(kept.error(), (409, "BRANCH_HAS_USERS", "Cannot delete branch that has assigned users"));
    server.put(&format!("/api/admin/users/{hired}"), &admin, json!({"branchId": 6})).await.ok(200);
    let deleted = server.delete(path, &admin).await;
    assert_documented(
        &deleted.json,
        &json!({"success": true, "message": "Branch deleted successfully", "data": null, "timestamp": INSTANT}),
    );

    // It is gone: for lists, for people, for itself. Its code is not.
    let listed = server.get("/api/branches", &admin).await.ok(200);
    let ids: Vec<_> =
        listed.as_array().unwrap().iter().map(|branch| branch["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 6]);
    let missing = (404, "BRANCH_NOT_FOUND", "Branch not found");
    assert_eq!(server.delete(path, &admin).await.error(), missing);
    assert_eq!(server.put(path, &admin, moved.clone()).await.error(), missing);
    let there = server.put(&format!("/api/admin/users/{hired}"), &admin, json!({"branchId": 4})).await;
    assert_eq!(there.error(), missing);
    assert_eq!(server.post("/api/admin/branches", &admin, moved).await.ok(201)["id"], 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loans_keep_a_branch_and_their_snapshot_of_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({"code": "MDN", "location": "Medan"});
    let medan = server.post("/api/admin/branches", &admin, body).await.ok(201)["id"].as_i64().unwrap();
    let path = format!("/api/admin/branches/{medan}");
    let john = server.login("john.doe@email.com", "customer123").await;
    server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
    let application = json!({"branchId": medan, "amount": 1_000_000, "tenor": 6});
    let loan = server.post("/api/loans", &john, application.clone()).await.ok(201)["id"].as_i64().unwrap();
    let kept = server.delete(&path, &admin).await;
    assert_eq!(kept.error(), (409, "BRANCH_HAS_LOANS", "Cannot delete branch that has loans"));
    server.put(&path, &admin, json!({"code": "MDN", "location": "Medan Baru"})).await.ok(200);
    assert_eq!(server.get(&format!("/api/loans/{loan}"), &john).await.ok(200)["branchName"], "Medan");
    // A closed branch takes no application.
    let closing =
        server.post("/api/admin/branches", &admin, json!({"code": "X", "location": "X"})).await.ok(201);
    let closing = closing["id"].as_i64().unwrap();
    server.delete(&format!("/api/admin/branches/{closing}"), &admin).await.ok(200);
    let jane = server.get("/api/branches", &john).await.ok(200);
    assert!(jane.as_array().unwrap().iter().all(|branch| branch["id"] != closing));
    server.hire(&admin, "mdn@loan.com", 2, Some(medan)).await;
    let officer = server.login("mdn@loan.com", "password123").await;
    server.post(&format!("/api/approval/{loan}/reject"), &officer, json!({"note": "No"})).await.ok(200);
    let refused =
        server.post("/api/loans", &john, json!({"branchId": closing, "amount": 1_000_000, "tenor": 6})).await;
    assert_eq!(refused.error(), (404, "BRANCH_NOT_FOUND", "Branch not found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_about_branches() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let fine = json!({"code": "ONLINE", "location": "Internet"});
    for (answer, status, message) in [
        (server.delete("/api/admin/branches/0", &admin).await, 409, "The online branch cannot be deleted"),
        (
            server.put("/api/admin/branches/0", &admin, fine.clone()).await,
            409,
            "The online branch cannot be changed",
        ),
        (server.delete("/api/admin/branches/99", &admin).await, 404, "Branch not found"),
        (server.delete("/api/admin/branches/x", &admin).await, 400, "id: must be an integer"),
        (server.put("/api/admin/branches/99", &admin, fine).await, 404, "Branch not found"),
        (server.post("/api/admin/branches", &admin, json!({})).await, 400, "code: is required"),
        (
            server.post("/api/admin/branches", &admin, json!({"code": "A B", "location": "x"})).await,
            400,
            "code: must have only letters A-Z, digits and -",
        ),
        (
            server.post("/api/admin/branches", &admin, json!({"code": "ONL", "location": "x"})).await,
            409,
            "Branch code already exists",
        ),
        (
            server.put("/api/admin/branches/1", &admin, json!({"code": "JKT"})).await,
            400,
            "location: is required",
        ),
        (
            server.delete("/api/admin/branches/1", &admin).await,
            409,
            "Cannot delete branch that has assigned users",
        ),
    ] {
        assert_eq!((answer.error().0, answer.error().2), (status, message));
    }
}

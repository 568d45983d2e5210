//! The edge of the loan API: what is refused, in which words, and what counts as the same request.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::rest_smoke::{Answer, Server, send};

const JSON: &str = "application/json";

impl Server {
    fn approve(&self, loan: i64, token: &str) -> RequestBuilder {
        self.request(Method::POST, &format!("/api/approval/{loan}/approve")).bearer_auth(token)
    }

    async fn register(&self, body: Value) -> Answer {
        send(self.request(Method::POST, "/api/auth/register").json(&body)).await
    }
}

/// Of an error, each field with what is wrong with it.
fn faults(answer: &Answer) -> Vec<String> {
    let faults = answer.json["errors"].as_array().unwrap().iter();
    faults.map(|fault| format!("{}: {}", fault["field"], fault["message"]).replace('"', "")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_which_loans_exist() {
    let server = Server::start().await;
    let (_, loan) = server.submitted().await;
    let mut strangers = vec![
        server.login("auditor@loan.com", "auditor123").await,
        server.login("operator@loan.com", "operator123").await,
        server.login("marketing.sby@loan.com", "marketing123").await,
        server.login("jane.smith@email.com", "customer123").await,
    ];
    let no_access = (403, "LOAN_NOT_YOURS", "You don't have access to this loan application");
    let not_there = (404, "LOAN_NOT_FOUND", "Loan application not found");
    for (who, token) in strangers.iter().enumerate() {
        // The first two may not read loans at all.
        for (id, told) in [(loan, no_access), (999_999, if who < 2 { no_access } else { not_there })] {
            for path in [format!("/api/loans/{id}"), format!("/api/loans/{id}/history")] {
                assert_eq!(server.get(&path, token).await.error(), told, "{who} {path}");
            }
        }
    }
    assert_eq!(server.get("/api/loans/x", &strangers[0]).await.error(), no_access);
    assert_eq!(server.get("/api/loans/x", &strangers.remove(3)).await.error().0, 404);
    let backoffice = server.login("backoffice@loan.com", "backoffice123").await;
    let missing = server.get("/api/loans/999999", &backoffice).await;
    assert_eq!(missing.error(), not_there);
    assert_eq!(server.get("/api/loans", &strangers[0]).await.error().2, "Access Denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_for_another_version_is_refused() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let approve = |tag: &str| server.approve(loan, &marketing).header("If-Match", tag);
    for malformed in ["1", "\"1", "*, \"1\"", ""] {
        let answer = send(approve(malformed)).await;
        assert_eq!(answer.error().2, "If-Match: must be * or entity tags like \"3\"", "{malformed}");
    }
    for other in ["\"2\"", "W/\"1\"", "\"one\"", "\"2\", \"3\""] {
        let answer = send(approve(other).header("Idempotency-Key", "k")).await;
        assert_eq!((answer.error().0, answer.error().1), (412, "VERSION_MISMATCH"), "{other}");
    }
    // Who may not decide is not told the version, and a rule is not told to who looks at an old state.
    let surabaya = server.login("marketing.sby@loan.com", "marketing123").await;
    let elsewhere = send(server.approve(loan, &surabaya).header("If-Match", "\"9\"")).await;
    assert_eq!(elsewhere.error().1, "LOAN_OF_OTHER_BRANCH");
    // A mismatch is not kept with the key, and an earlier answer goes before one.
    let first = send(approve("\"7\", \"1\"").header("Idempotency-Key", "k")).await;
    assert_eq!((first.status.as_u16(), first.headers["etag"].as_str()), (200, "\"2\""));
    let again = send(approve("\"1\"").header("Idempotency-Key", "k")).await;
    assert_eq!((again.status.as_u16(), &again.text), (200, &first.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(send(approve("\"1\"")).await.error().0, 412);
    assert_eq!(send(approve("*")).await.error().1, "LOAN_WRONG_STATUS");

    let manager = server.login("bm.jkt@loan.com", "bm123").await;
    let reject = |tag: &str| {
        let request = server.request(Method::POST, &format!("/api/approval/{loan}/reject"));
        request.bearer_auth(&manager).header("If-Match", tag).json(&json!({"note": "No"}))
    };
    assert_eq!(send(reject("\"1\"")).await.error().0, 412);
    assert_eq!(send(reject("\"2\"")).await.ok(200)["status"], "BM_REJECTED");

    let select = |token: &str, tag: &str| {
        let request = server.request(Method::POST, "/api/customer/plafond").bearer_auth(token);
        request.header("If-Match", tag).json(&json!({"productId": 1}))
    };
    let jane = server.login("jane.smith@email.com", "customer123").await;
    assert_eq!(send(select(&jane, "*")).await.error().0, 412);
    assert_eq!(send(select(&john, "*")).await.error().1, "PLAFOND_ALREADY_ACTIVE");
    assert_eq!(send(select(&john, "\"1\"")).await.error().0, 412);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_body_and_a_null_note_are_the_same_request() {
    let server = Server::start().await;
    let (_, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let keyed = || server.approve(loan, &marketing).header("Idempotency-Key", "k");
    let first = send(keyed()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    for body in ["{}", "{\"note\":null}", " \n", " { \"note\" : null } "] {
        let again = send(keyed().header("Content-Type", JSON).body(body)).await;
        assert_eq!((again.status.as_u16(), &again.text), (200, &first.text), "{body:?}");
    }
    let other = send(keyed().json(&json!({"note": "Yes"}))).await;
    let reused = "The Idempotency-Key was already used with a different body";
    assert_eq!(other.error(), (422, "IDEMPOTENCY_KEY_REUSED", reused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_and_register_ignore_the_idempotency_key() {
    let server = Server::start().await;
    for (path, body, status) in [
        ("/api/auth/register", json!({"name": "A", "email": "a@b.co", "password": "password1"}), 201),
        ("/api/auth/login", json!({"email": "a@b.co", "password": "password1"}), 200),
    ] {
        let request = || server.request(Method::POST, path).json(&body);
        send(request().header("Idempotency-Key", "not a key")).await.ok(status);
        let again = send(request().header("Idempotency-Key", "k").header("Idempotency-Key", "l")).await;
        assert!(!again.headers.contains_key("idempotent-replayed"));
        assert_eq!(again.status.as_u16(), if status == 201 { 409 } else { 200 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_name_and_a_password_may_not_hold() {
    let server = Server::start().await;
    for (name, password, fault) in [
        ("Budi", "secret\0more", "password: must not contain control characters"),
        ("Budi", "secret\n", "password: must not contain control characters"),
        ("\u{200b}", "secret1", "name: must not contain invisible characters"),
        ("Bu\u{202e}di", "secret1", "name: must not contain invisible characters"),
        ("Bu\u{2028}di", "secret1", "name: must not contain invisible characters"),
    ] {
        let answer = server.register(json!({"name": name, "email": "b@b.co", "password": password})).await;
        assert_eq!(answer.error(), (400, "VALIDATION_FAILED", fault));
    }
    server.register(json!({"name": "Budi", "email": "b@b.co", "password": "secret1"})).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_a_body_like_any_other() {
    let server = Server::start().await;
    let token = server.login("john.doe@email.com", "customer123").await;
    let logout = || server.request(Method::POST, "/api/auth/logout").bearer_auth(&token);
    assert_eq!(send(logout().body("junk")).await.error().0, 415);
    let large = send(logout().header("Content-Type", JSON).body("x".repeat((1 << 20) + 1))).await;
    let what = "The request body is larger than the limit of 1048576 bytes";
    assert_eq!(large.error(), (413, "PAYLOAD_TOO_LARGE", what));
    // Blanks are no body, so they need no type.
    send(logout().header("Content-Type", "text/plain").body(" \r\n\t")).await.ok(200);
    assert_eq!(send(logout()).await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_are_told_at_once() {
    let server = Server::start().await;
    let (_, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let reject = server.request(Method::POST, "/api/approval/x/reject").bearer_auth(&marketing);
    let reject = reject.header("Idempotency-Key", "a b").header("If-Match", "3").json(&json!({"note": 7}));
    let answer = send(reject).await;
    assert_eq!(answer.error(), (400, "VALIDATION_FAILED", "id: must be an integer"));
    let all = [
        "id: must be an integer",
        "Idempotency-Key: must be one key of 1 to 255 visible ASCII characters",
        "If-Match: must be * or entity tags like \\3\\",
        "note: must be a string",
    ];
    assert_eq!(faults(&answer), all);
    let long = send(server.approve(loan, &marketing).json(&json!({"note": "x".repeat(501)}))).await;
    assert_eq!(faults(&long), ["note: must be at most 500 characters"]);
    let broken =
        send(server.approve(loan, &marketing).header("Content-Type", JSON).body("{\n\"note\": x}")).await;
    assert_eq!(broken.error().2, "body: must be valid JSON (line 2, column 9)");

    let list = server.request(Method::GET, "/api/loans?limit=0&cursor=zzz&sort=id&branchId=x");
    let answer = send(list.bearer_auth(&marketing).header("Min-Position", "-1")).await;
    assert_eq!(answer.error().0, 400);
    let all = [
        "Min-Position: must be a whole number, 0 or more",
        "limit: must be a whole number between 1 and 1000",
        "cursor: must be the cursor of a previous page",
        "branchId: must be an integer",
        "sort: is not a parameter of this list",
    ];
    assert_eq!(faults(&answer), all);
    let pending = server.get("/api/approval/pending?status=SUBMITTED", &marketing).await;
    assert_eq!(pending.error().2, "status: is not a parameter of this list");
    server.get("/api/approval/pending?limit=1&stale=ok", &marketing).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weight_of_nothing_accepts_nothing() {
    let server = Server::start().await;
    for (accept, kind) in [
        ("application/problem+json;q=0", JSON),
        ("application/problem+json; q=0.000, */*", JSON),
        ("application/problem+json;q=0.1", "application/problem+json"),
    ] {
        let answer = send(server.request(Method::GET, "/api/loans").header("Accept", accept)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers["content-type"].as_str()),
            (401, kind),
            "{accept}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_may_be_written_as_a_decimal_number() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let select = |product: &str| {
        let request = server.request(Method::POST, "/api/customer/plafond").bearer_auth(&john);
        request.header("Content-Type", JSON).body(format!("{{\"productId\":{product}}}"))
    };
    // A float would take this for 1.
    for (product, fault) in [
        ("1.00000000000000000001", "productId: must be an integer"),
        ("\"1\"", "productId: must be a number"),
        ("1.5", "productId: must be an integer"),
    ] {
        assert_eq!(send(select(product)).await.error().2, fault);
    }
    assert_eq!(send(select("1e400")).await.error().1, "PRODUCT_NOT_FOUND");
    let first = send(select("1.0").header("Idempotency-Key", "k")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = send(select("10e-1").header("Idempotency-Key", "k")).await;
    assert_eq!((again.status.as_u16(), &again.text), (200, &first.text));
    // The number of a path is plain digits.
    assert_eq!(server.get("/api/loans/1.0", &john).await.error().0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_of_a_file_has_two_fields_but_for_who_must_log_in() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    for (method, path, status, reason) in [
        (Method::DELETE, "/uploads/nope.jpg", 405, "Method Not Allowed"),
        (Method::POST, "/uploads/documents/nope.jpg", 405, "Method Not Allowed"),
        (Method::GET, "/uploads/", 404, "Not Found"),
        (Method::GET, "/uploads", 404, "Not Found"),
        (Method::GET, "/uploads/a/b/c", 404, "Not Found"),
        (Method::GET, "/uploads/nope.jpg", 404, "Not Found"),
    ] {
        let answer = send(server.request(method, path).bearer_auth(&john)).await;
        assert_eq!(answer.json, json!({"status": status, "error": reason}), "{path}");
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    assert_eq!(server.get("/uploads/nope.jpg", "").await.error(), (401, "UNAUTHORIZED", "Unauthorized"));
    assert_eq!(server.get("/uploadsx", &john).await.error().2, "Not Found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_a_person_is_no_id_of_a_request() {
    let server = Server::start().await;
    for (given, taken) in [
        ("0192a4b0-0000-7000-8000-00000000000a", true),
        ("4bf92f3577b34da6a3ce929d0e0e4736", true),
        ("3171234567890123", false),
        ("0812-3456-7890", false),
        ("budi-081234567890", false),
    ] {
        let request = server.request(Method::GET, "/livez").header("X-Request-Id", given);
        assert_eq!(send(request).await.headers["x-request-id"] == given, taken, "{given}");
    }
}

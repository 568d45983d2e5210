//! The loan API over HTTP: a whole node in this process, its router on a port of its own, the demo accounts.

use std::collections::HashMap;

use lumbung::app::App;
use lumbung::cli::{CommonArgs, ServeArgs};
use lumbung::config::Config;
use lumbung::demo;
use lumbung::http;
use lumbung::node::Node;
use lumbung::rest;
use lumbung::secret::SecretKey;
use lumbung_commands::ledger::Options;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

use crate::support::cluster::database;
use crate::support::ledger::options;

/// What the tokens of these servers are signed with, in hexadecimal.
pub(super) const TOKEN_KEY: &str = "5f1c0b6e9d2a47f3885ec4d1a06b7293e8140fd95b3c6a72f4e19d0837c5ab60";

/// A node that serves.
pub(super) struct Server {
    app: Arc<App>,
    pub(super) url: String,
    client: reqwest::Client,
    /// Holds the upload folder.
    pub(super) uploads: tempfile::TempDir,
    // Its tasks live as long as it does.
    node: Node,
}

/// An answer, taken apart.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HashMap<String, String>,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_on(options(&database().await)).await
    }

    /// With settings in its environment.
    pub(super) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_as(options(&database().await), settings).await
    }

    /// A node on a ledger of these options; another one may run on its database.
    pub(super) async fn start_on(options: Options) -> Self {
        Self::start_as(options, &[]).await
    }

    async fn start_as(options: Options, settings: &[(&str, &str)]) -> Self {
        // An ordinary user's data folder is at home; nothing is written there.
        let uploads = tempfile::tempdir().unwrap();
        let settings = |name: &str| {
            let given = settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            given.or_else(|| match name {
                "HOME" => Some("/nowhere".to_owned()),
                "LUMBUNG_UPLOADS_DIR" => Some(uploads.path().join("uploads").display().to_string()),
                _ => None,
            })
        };
        let config = Config::resolve_with(&CommonArgs::default(), &ServeArgs::default(), settings).unwrap();
        let node = Node::start(options, 4).await.unwrap();
        let app = Arc::new(App::new(&config, &SecretKey::from_hex(TOKEN_KEY).unwrap(), &node));
        demo::seed(&app).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = rest::router(Arc::clone(&app));
        let bounds = http::Bounds { connections: 1_000, write_within: Duration::from_secs(30) };
        tokio::spawn(http::serve(listener, router, bounds, std::future::pending(), Duration::ZERO));
        Self { app, url, client: reqwest::Client::new(), uploads, node }
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// Where it serves, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(token).json(&body)).await
    }

    pub(super) async fn post_keyed(&self, path: &str, token: &str, key: &str, body: &str) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token).header("Idempotency-Key", key);
        send(request.header("Content-Type", "application/json").body(body.to_owned())).await
    }

    pub(super) async fn login(&self, email: &str, password: &str) -> String {
        let credentials = json!({"email": email, "password": password});
        let answer = send(self.request(Method::POST, "/api/auth/login").json(&credentials)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["data"]["token"].as_str().unwrap().to_owned()
    }

    /// John with the plafond BRONZE and a loan of 3,000,000 at Jakarta.
    pub(super) async fn submitted(&self) -> (String, i64) {
        let john = self.login("john.doe@email.com", "customer123").await;
        self.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
        let body = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6, "interestRate": 12.0});
        let loan = self.post("/api/loans", &john, body).await.ok(201);
        (john, loan["id"].as_i64().unwrap())
    }
}

pub(super) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect::<HashMap<String, String>>();
    let endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let text = if endless { String::new() } else { response.text().await.unwrap() };
    Answer { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
}

impl Answer {
    /// The data of a success.
    pub(super) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.json["success"], true);
        self.json["data"].clone()
    }

    /// Status, code and message of an error.
    pub(super) fn error(&self) -> (u16, &str, &str) {
        assert_eq!(self.json["success"], false, "{}", self.text);
        for field in ["timestamp", "errors", "requestId"] {
            assert!(!self.json[field].is_null(), "{field} is missing: {}", self.text);
        }
        (self.status.as_u16(), self.json["code"].as_str().unwrap(), self.json["message"].as_str().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loan_from_plafond_to_disbursement() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let decide = format!("/api/approval/{loan}/approve");
    for (email, password, status) in [
        ("marketing.jkt@loan.com", "marketing123", "MARKETING_APPROVED"),
        ("bm.jkt@loan.com", "bm123", "BRANCH_MANAGER_APPROVED"),
        ("backoffice@loan.com", "backoffice123", "DISBURSED"),
    ] {
        let officer = server.login(email, password).await;
        let pending = server.get("/api/approval/pending", &officer).await.ok(200);
        assert_eq!(pending[0]["id"], loan, "{email}");
        let decided = server.post(&decide, &officer, json!({"note": "Documents verified"})).await.ok(200);
        assert_eq!(decided["status"], status);
        assert_eq!(server.get("/api/approval/pending", &officer).await.ok(200), json!([]));
    }
    let plafond = server.get("/api/customer/plafond", &john).await.ok(200);
    assert_eq!((&plafond["remainingAmount"], &plafond["isActive"]), (&json!(2_000_000), &json!(true)));
    let detail = server.get(&format!("/api/loans/{loan}"), &john).await;
    // Three decisions and the schedule.
    assert_eq!(detail.headers["etag"], "\"5\"");
    assert!(detail.text.contains(r#""interestRate":12.0,"#), "{}", detail.text);
    let detail = detail.ok(200);
    assert_eq!(
        (&detail["status"], &detail["customerNik"]),
        (&json!("DISBURSED"), &json!("3201234567890001"))
    );
    let history = server.get(&format!("/api/loans/{loan}/history"), &john).await.ok(200);
    let steps: Vec<_> =
        history.as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(steps, ["SUBMITTED", "MARKETING_APPROVED", "BRANCH_MANAGER_APPROVED", "DISBURSED"]);
    assert_eq!(history[0]["note"], "Loan application submitted");
    assert_eq!(
        (&history[1]["approvedBy"], &history[1]["approvedByRole"], &history[1]["approvedByBranchName"]),
        (&json!("Marketing Jakarta"), &json!("MARKETING"), &json!("Jakarta"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_byte_equal_and_another_body_is_refused() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    // A rejection is kept like an outcome.
    let early = r#"{"branchId":1,"amount":3000000,"tenor":6}"#;
    let first = server.post_keyed("/api/loans", &john, "early", early).await;
    assert_eq!(first.error().1, "PLAFOND_REQUIRED");
    server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
    let again = server.post_keyed("/api/loans", &john, "early", early).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");

    let first = server.post_keyed("/api/loans", &john, "k", early).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let same = r#" {"tenor":6, "amount":3000000.00, "branchId":1}"#;
    let again = server.post_keyed("/api/loans", &john, "k", same).await;
    assert_eq!((again.status.as_u16(), &again.text), (201, &first.text));
    for name in ["etag", "ledger-position"] {
        assert_eq!(again.headers[name], first.headers[name]);
    }
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = server.post_keyed("/api/loans", &john, "k", r#"{"branchId":1,"amount":1,"tenor":6}"#).await;
    assert_eq!((other.error().0, other.error().1), (422, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(server.get("/api/loans", &john).await.ok(200).as_array().unwrap().len(), 1);
    // Another session of the same person is the same actor.
    let elsewhere = server.login("john.doe@email.com", "customer123").await;
    assert_eq!(server.post_keyed("/api/loans", &elsewhere, "k", same).await.text, first.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_comes_before_what_is_asked() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let surabaya = server.login("marketing.sby@loan.com", "marketing123").await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let junk =
        |path: &str, token: &str| send(server.request(Method::POST, path).bearer_auth(token).body("junk"));
    assert_eq!(junk("/api/loans", "nonsense").await.error(), (401, "UNAUTHORIZED", "Unauthorized"));
    assert_eq!(junk("/api/loans", &marketing).await.error(), (403, "ACCESS_DENIED", "Access Denied"));
    assert_eq!(junk("/api/loans", &john).await.error().1, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(junk("/api/approval/x/approve", &admin).await.error().0, 403);
    assert_eq!(junk("/api/approval/x/approve", &marketing).await.error().2, "id: must be an integer");
    let reject = format!("/api/approval/{loan}/reject");
    assert_eq!(server.post(&reject, &surabaya, json!({})).await.error().2, "note: is required");
    let note = json!({"note": "No"});
    let other = server.post(&reject, &surabaya, note.clone()).await;
    assert_eq!(other.error(), (403, "LOAN_OF_OTHER_BRANCH", "You can only process loans from your branch"));
    assert_eq!(server.get("/api/loans/x", &john).await.error().0, 404);
    let path = format!("/api/loans/{loan}");
    assert_eq!(server.get(&path, &surabaya).await.error().1, "LOAN_NOT_YOURS");
    for (token, seen) in [(&john, 1), (&marketing, 1), (&surabaya, 0), (&admin, 1)] {
        assert_eq!(server.get("/api/loans", token).await.ok(200).as_array().unwrap().len(), seen);
    }
    let rejected = server.post(&reject, &marketing, note).await;
    assert_eq!(rejected.json["message"], "Loan rejected");
    assert_eq!(rejected.ok(200)["status"], "MARKETING_REJECTED");
    server.post("/api/auth/logout", &marketing, json!({})).await.ok(200);
    assert_eq!(server.get("/api/loans", &marketing).await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_and_strangers() {
    let server = Server::start().await;
    let register = |body: Value| send(server.request(Method::POST, "/api/auth/register").json(&body));
    let body =
        json!({"name": "Test Customer", "email": "Test.Customer@email.com", "password": "password123"});
    let data = register(body.clone()).await.ok(201);
    assert_eq!((&data["tokenType"], &data["expiresIn"]), (&json!("Bearer"), &json!(3_600)));
    assert_eq!((&data["name"], &data["roles"]), (&json!("Test Customer"), &json!(["CUSTOMER"])));
    assert_eq!(data["permissions"].as_array().unwrap().len(), 8);
    assert_eq!(register(body).await.error(), (409, "EMAIL_ALREADY_REGISTERED", "Email already registered"));
    let wrong = register(json!({"name": "T", "email": "invalid-email", "password": "123"})).await;
    assert_eq!(wrong.error().2, "email: must be a valid email");
    assert_eq!(wrong.json["errors"][1]["message"], "size must be between 6 and 100");
    // The new token is good at once, and the same letters in another case log in.
    let token = data["token"].as_str().unwrap();
    let missing = server.get("/api/customer/plafond", token).await;
    let message = "You don't have an active plafond. Please select a plafond first.";
    assert_eq!(missing.error(), (404, "PLAFOND_NOT_ACTIVE", message));
    server.login("test.customer@EMAIL.com", "password123").await;
    for (email, password) in
        [("test.customer@email.com", "password124"), ("nobody@email.com", "p"), ("?", "p")]
    {
        let credentials = json!({"email": email, "password": password});
        let answer = send(server.request(Method::POST, "/api/auth/login").json(&credentials)).await;
        assert_eq!(answer.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_as_fresh_as_they_are_asked_to_be() {
    let server = Server::start().await;
    let (john, _) = server.submitted().await;
    let at = |position: i64, path: &'static str| {
        server.request(Method::GET, path).bearer_auth(&john).header("Min-Position", position)
    };
    let head = server.app.ledger.head().await.unwrap().position;
    let now = send(at(head, "/api/loans")).await;
    assert_eq!(now.headers["ledger-position"], head.to_string());
    let behind = send(at(head + 1, "/api/loans")).await;
    assert_eq!((behind.error().0, behind.error().1), (503, "PROJECTION_BEHIND"));
    assert_eq!(behind.headers["retry-after"], "1");
    send(at(head + 1, "/api/loans?stale=ok")).await.ok(200);
    for path in ["/api/loans", "/api/customer/profile", "/api/customer/plafond", "/api/products"] {
        for bad in ["stale=", "stale=yes", "stale=ok&stale=ok"] {
            let answer = server.get(&format!("{path}?{bad}"), &john).await;
            let fault = if bad.contains('&') { "stale: must be given once" } else { "stale: must be ok" };
            assert_eq!(answer.error(), (400, "VALIDATION_FAILED", fault), "{path}?{bad}");
        }
    }
    let ready = send(server.request(Method::GET, "/readyz")).await;
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (200, r#"{"status":"ready"}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_of_this_api() {
    let server = Server::start().await;
    let error = async |request: RequestBuilder| {
        let answer = send(request).await;
        let (status, code, _) = answer.error();
        (status, code.to_owned())
    };
    assert_eq!(error(server.request(Method::GET, "/api/nothing")).await, (404, "NOT_FOUND".to_owned()));
    let wrong = send(server.request(Method::DELETE, "/api/loans")).await;
    assert_eq!((wrong.error().0, wrong.headers["allow"].as_str()), (405, "GET,HEAD,POST"));
    let login = || server.request(Method::POST, "/api/auth/login").header("Content-Type", "application/json");
    assert_eq!(error(login().body("x".repeat((1 << 20) + 1))).await.0, 413);
    assert_eq!(error(login().body("[1")).await, (400, "VALIDATION_FAILED".to_owned()));
    let form = server.request(Method::POST, "/api/auth/login").body("email=x");
    assert_eq!(error(form).await.0, 415);
    let problem = server.request(Method::GET, "/api/loans").header("Accept", "application/problem+json");
    let problem = send(problem.header("X-Request-Id", "0192a4b0-0000-7000-8000-00000000000a")).await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    assert_eq!(problem.headers["x-request-id"], "0192a4b0-0000-7000-8000-00000000000a");
    assert_eq!(
        (&problem.json["status"], &problem.json["requestId"]),
        (&json!(401), &json!("0192a4b0-0000-7000-8000-00000000000a"))
    );
    assert_eq!(problem.headers["cache-control"], "no-store");
}

//! What operators see of a node: metrics, who may see them, and what the documentation says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use std::time::Duration;

use lumbung::metrics::{CATALOGUE, Kind};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Row};

use crate::rest_smoke::{Server, send};
use crate::served;
use crate::support::cluster::{database, superuser};

/// The samples of a text in Prometheus' format, by name and labels.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        });
        Self(samples.collect())
    }

    /// The sum of a metric's samples whose labels hold all of these.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of = |sample: &str| {
            let (found, rest) = sample.split_once('{').unwrap_or((sample, ""));
            found == name && labels.iter().all(|label| rest.contains(label))
        };
        self.0.iter().filter(|(sample, _)| of(sample)).map(|(_, value)| value).sum()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(|sample| sample.split('{').next().unwrap()).collect()
    }
}

impl Server {
    async fn metrics(&self) -> Samples {
        let operator = self.login("operator@loan.com", "operator123").await;
        let answer = self.get("/metrics", &operator).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Samples::read(&answer.text)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_was_done() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let before = server.metrics().await;
    let approve = format!("/api/approval/{loan}/approve");
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    server.post(&approve, &marketing, json!({})).await.ok(200);
    assert_eq!(server.post(&approve, &marketing, json!({})).await.status, 400);
    for _ in 0..3 {
        assert_eq!(server.post("/api/approval/1/approve", &john, json!({})).await.status, 403);
    }
    assert_eq!(server.get("/api/nowhere/of/john@email.com", &john).await.status, 404);
    let after = server.metrics().await;

    // Other tests share the process and its counters, so at least this much.
    let grown = |name: &str, labels: &[&str], by: f64| {
        let (from, to) = (before.sum(name, labels), after.sum(name, labels));
        assert!(to >= from + by, "{name} {labels:?}: {from} → {to}");
    };
    let command = "lumbung_command_seconds_count";
    grown(command, &["use_case=\"ApproveLoan\"", "outcome=\"accepted\""], 1.0);
    grown(command, &["use_case=\"ApproveLoan\"", "outcome=\"refused\""], 1.0);
    grown("lumbung_batch_commands_count", &[], 2.0);
    grown("lumbung_append_seconds_count", &[], 2.0);
    // What a node counts by itself is here the busiest node's, for the process has several.
    for cache in ["cache=\"ledger\"", "cache=\"access\""] {
        assert!(after.sum("lumbung_cache_hits_total", &[cache]) >= 1.0, "{cache}");
    }
    let requests = "lumbung_http_requests_total";
    let route = "route=\"/api/approval/{id}/approve\"";
    grown(requests, &["method=\"POST\"", route, "status=\"200\""], 1.0);
    grown(requests, &["method=\"POST\"", route, "status=\"400\""], 1.0);
    grown(requests, &["method=\"POST\"", route, "status=\"403\""], 3.0);
    grown("lumbung_http_request_seconds_count", &["method=\"POST\"", route], 5.0);
    grown(requests, &["route=\"unmatched\"", "status=\"404\""], 1.0);
    assert!(after.sum("lumbung_http_connections", &[]) >= 1.0);
    assert!(after.sum("lumbung_pool_connections", &[]) >= 2.0);
    assert!(after.sum("lumbung_projector_state", &[]) >= 1.0);
    assert!(!after.0.keys().any(|sample| sample.contains("john")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_operators() {
    let server = Server::start().await;
    assert_eq!(send(server.request(Method::GET, "/metrics")).await.error().0, 401);
    for (email, password, status) in [
        ("john.doe@email.com", "customer123", 403),
        ("backoffice@loan.com", "backoffice123", 403),
        ("operator@loan.com", "operator123", 200),
        ("admin@loan.com", "admin123", 200),
    ] {
        let token = server.login(email, password).await;
        assert_eq!(server.get("/metrics", &token).await.status.as_u16(), status, "{email}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_is_documented_and_none_is_made_up() {
    let server = Server::start().await;
    let (_, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    server.post(&format!("/api/approval/{loan}/approve"), &marketing, json!({})).await.ok(200);
    server.metrics().await;
    let samples = server.metrics().await;
    let shown: BTreeSet<&str> = samples
        .names()
        .into_iter()
        .map(|name| {
            let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let is_one = |name: &&str| {
                CATALOGUE.iter().any(|metric| metric.name == *name && metric.kind == Kind::Histogram)
            };
            histogram.filter(is_one).unwrap_or(name)
        })
        .collect();
    let listed: BTreeSet<&str> = CATALOGUE.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, listed);
    for (sample, metric) in samples.0.keys().filter_map(|sample| {
        Some((sample, CATALOGUE.iter().find(|metric| sample.split('{').next() == Some(metric.name))?))
    }) {
        for label in metric.labels {
            assert!(sample.contains(&format!("{label}=\"")), "{sample} lacks {label}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/observability.md");
    let docs = std::fs::read_to_string(path).unwrap();
    for metric in CATALOGUE {
        assert!(
            docs.contains(&format!("| `{}` |", metric.name)),
            "{} is not in docs/observability.md",
            metric.name
        );
    }
}

/// The lines of a log in JSON, until one of them fits.
async fn lines_until(log: &Path, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    for _ in 0..500 {
        let text = std::fs::read_to_string(log).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines: Vec<Value> = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect();
        if lines.iter().any(&fits) {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no such line:\n{}", std::fs::read_to_string(log).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_served_node_logs_in_ecs_and_keeps_what_it_recorded_when_it_stops() {
    let (database, folder, http) = (database().await, served::Folder::new(), served::Http::new());
    let url = database.to_url_lossy().to_string();
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("LUMBUNG_LOG_FORMAT", "json"),
        ("LUMBUNG_LOG_REQUESTS", "true"),
        ("LUMBUNG_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let server = served::Server::start_with(&folder, &settings).await;
    let log = server.log().to_owned();
    let private = lines_until(&log, |line| line["lumbung.address"].is_string()).await;
    let private = private.iter().find_map(|line| line["lumbung.address"].as_str()).unwrap().to_owned();

    let token = http.login(server.address(), "john.doe@email.com", "customer123").await;
    let get = async |path: &str| http.get(server.address(), path, Some(&token)).await.unwrap().status;
    assert_eq!(get("/api/loans/jane.doe@email.com?nik=3201234567890001").await, 404);
    assert_eq!(get("/api/approval/pending").await, 403);
    let body = json!({"email": "nobody@email.com", "password": "hunter22"});
    let failed = http.post(server.address(), "/api/auth/login", None, body).await.unwrap();
    assert_eq!(failed.status, 401);
    // The private listener asks nobody who they are, and serves nothing else.
    let metrics = http.get(&private, "/metrics", None).await.unwrap().expect(200);
    let samples = Samples::read(std::str::from_utf8(&metrics.bytes).unwrap());
    assert_eq!(samples.sum("lumbung_http_requests_total", &["/api/loans/{id}"]), 1.0);
    assert_eq!(http.get(&private, "/api/products", None).await.unwrap().status, 404);
    assert_eq!(http.get(server.address(), "/metrics", None).await.unwrap().status, 401);
    assert!(server.stop().await.success());

    let lines = lines_until(&log, |line| line["message"] == "stopped").await;
    for line in &lines {
        for field in ["@timestamp", "log.level", "message", "log.logger", "service.version", "ecs.version"] {
            assert!(line[field].is_string(), "{field} is missing: {line}");
        }
    }
    let requests: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "a request was answered" && line["url.path"] != "/readyz")
        .map(|line| {
            assert!(
                line["http.request.id"].is_string() && line["event.duration"].as_u64() > Some(0),
                "{line}"
            );
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            let status = line["http.response.status_code"].as_u64().unwrap();
            (text("http.request.method"), text("url.path"), status)
        })
        .collect();
    let expected = [
        ("POST", "/api/auth/login", 200),
        ("GET", "/api/loans/{id}", 404),
        ("GET", "/api/approval/pending", 403),
        ("POST", "/api/auth/login", 401),
        ("GET", "/metrics", 401),
    ];
    assert_eq!(requests, expected.map(|(method, path, status)| (method.to_owned(), path.to_owned(), status)));
    let text = std::fs::read_to_string(&log).unwrap();
    for secret in ["email.com", "3201234567890001", "hunter22", "customer123", &token, "nik="] {
        assert!(!text.contains(secret), "{secret}");
    }
    // What was recorded last is stored although the node stopped at once.
    let rows = sqlx::query("select kind from audit.attempts order by at, id");
    let rows = rows.fetch_all(&superuser(&database).await).await.unwrap();
    let kinds: Vec<String> = rows.iter().map(|row| row.get("kind")).collect();
    assert_eq!(kinds, ["DENIED", "LOGIN_FAILED"]);
}

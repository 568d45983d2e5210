//! What operators see of a node: metrics, who may see them, and what the documentation says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lumbung::metrics::{CATALOGUE, Kind};
use reqwest::Method;
use serde_json::json;

use crate::rest_smoke::{Server, send};

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
    grown("lumbung_cache_hits_total", &["cache=\"ledger\""], 1.0);
    grown("lumbung_cache_hits_total", &["cache=\"access\""], 1.0);
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

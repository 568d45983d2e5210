//! The overview, and the live feed of it.

use std::time::{Duration, Instant};

use lumbung_domain::TransferStatus;
use reqwest::Method;
use serde_json::{Value, json};

use super::operators::Office;
use crate::served::Server as Served;
use crate::served::{Folder, Http};

impl Office {
    /// The overview, once it is as wanted.
    async fn watched(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let overview = self.get("overview").await.ok(200);
            if wanted(&overview) {
                return overview;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{overview}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// An open feed.
struct Listener {
    response: reqwest::Response,
    buffer: String,
}

impl Listener {
    async fn open(office: &Office) -> Self {
        let request = office.server.request(Method::GET, "/api/operations/events");
        let response = request.bearer_auth(&office.operator).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, buffer: String::new() }
    }

    /// The next event: its name and data; `None` when the feed is over.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let told = (field("event:"), serde_json::from_str(&field("data:")).unwrap_or_default());
                self.buffer = rest.to_owned();
                return Some(told);
            }
            let reading = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
            let chunk = reading.await.expect("nothing came").ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn until(&mut self, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        loop {
            let (name, data) = self.next().await.expect("the feed ended");
            if wanted(&name, &data) {
                return data;
            }
        }
    }

    /// Reads on until it is over.
    async fn ends(&mut self) {
        while self.next().await.is_some() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_says_what_waits_and_who_works() {
    let mut office = Office::open().await;
    for rupiah in 1..=3 {
        office.start(rupiah).await;
    }
    let settled =
        |overview: &Value| overview["transfers"]["pending"] == 0 && overview["settlement"]["settled"] == 3;
    let waiting = office.watched(|overview| overview["transfers"]["pending"] == 3).await;
    assert!(waiting["transfers"]["oldestPendingSeconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(waiting["settlement"]["state"], "standby");
    assert_eq!(waiting["settlement"]["checkpoint"], Value::Null);
    assert_eq!((&waiting["outbox"]["pending"], &waiting["outbox"]["parked"]), (&json!(0), &json!(0)));
    assert_eq!(waiting["projector"]["state"], "running");
    assert!(waiting["headPosition"].as_i64().unwrap() > 0);
    office.let_go().await;
    let done = office.watched(settled).await;
    assert_eq!(done["settlement"]["state"], "running");
    assert_eq!(done["transfers"]["oldestPendingSeconds"], Value::Null);
    let rate =
        office.watched(|overview| overview["transfers"]["settledPerSecond"].as_f64() > Some(0.0)).await;
    assert_eq!(rate["transfers"]["settledPerSecond"], json!(0.3));
    let customer = office.server.login("john.doe@email.com", "customer123").await;
    assert_eq!(office.server.get("/api/operations/overview", &customer).await.error().0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_feed_tells_of_every_change_once() {
    let mut office = Office::open().await;
    let mut listener = Listener::open(&office).await;
    let overview = listener.until(|name, _| name == "overview").await;
    assert_eq!(overview["transfers"]["pending"], 0);
    let transfer = office.start(5).await;
    office.let_go().await;
    office.until(transfer, TransferStatus::Success).await;
    let mut told = Vec::new();
    while told.len() < 2 {
        let data = listener.until(|name, _| name == "transfers").await;
        assert_eq!(data["missed"], 0);
        told.extend(data["changes"].as_array().unwrap().clone());
    }
    assert_eq!(told.len(), 2);
    for (change, status) in told.iter().zip(["PENDING", "SUCCESS"]) {
        assert_eq!((&change["id"], &change["status"]), (&json!(transfer), &json!(status)));
    }
    listener
        .until(|name, data| name == "overview" && data["transfers"]["settledPerSecond"].as_f64() > Some(0.0))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_feed_ends_with_the_right_to_it_and_has_so_many_seats_for_each() {
    let office = Office::open().await;
    let mut listeners = Vec::new();
    for _ in 0..4 {
        listeners.push(Listener::open(&office).await);
    }
    let refused = office.get("events").await;
    assert_eq!((refused.error().0, refused.error().1), (503, "OVERLOADED"));
    assert!(refused.headers.contains_key("retry-after"));
    // Others still have theirs.
    let admin = office.server.login("admin@loan.com", "admin123").await;
    let request = office.server.request(Method::GET, "/api/operations/events");
    assert_eq!(request.bearer_auth(admin).send().await.unwrap().status(), 200);
    drop(listeners.pop());
    let mut last = listeners.pop().unwrap();
    office.server.post("/api/auth/logout", &office.operator, json!({})).await.ok(200);
    last.ends().await;
    for mut listener in listeners {
        listener.ends().await;
    }
    let nobody = office.server.request(Method::GET, "/api/operations/events?token=x");
    assert_eq!(crate::rest_smoke::send(nobody).await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_does_not_wait_for_listeners() {
    let folder = Folder::new();
    let server = Served::start(&folder).await;
    let http = Http::new();
    let token = http.login(server.address(), "operator@loan.com", "operator123").await;
    let url = format!("http://{}/api/operations/events", server.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(url).bearer_auth(token).send().await.unwrap();
    let mut listener = Listener { response, buffer: String::new() };
    listener.until(|name, _| name == "overview").await;
    let told = Instant::now();
    let (status, ()) = tokio::join!(server.stop(), listener.ends());
    assert!(status.success());
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
}

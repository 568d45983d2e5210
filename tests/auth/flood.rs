//! A flood of logins must not take the node: what others wait for their commands, with and without it.
//!
//! A measurement and no test: it says what it found. `just flood` measures optimised code;
//! without the variable only one short round shows that it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::house::House;
use crate::rest_smoke::send;

const LOGINS_PER_S: u32 = 200;
const CONNECTIONS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_flood() {
    let seconds: Option<u64> = std::env::var("LOGIN_FLOOD_S").ok().map(|text| text.parse().unwrap());
    let (rounds, length) = (if seconds.is_some() { 4 } else { 1 }, Duration::from_secs(seconds.unwrap_or(1)));
    let house = Arc::new(House::open().await);
    let tokens = customers(&house).await;
    let (mut calm, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        calm.extend(commands(&house, &tokens, length).await);
        let flood = Flood::start(&house);
        flooded.extend(commands(&house, &tokens, length).await);
        flood.end().await;
    }
    let (calm, flooded) = (Summary::of(calm), Summary::of(flooded));
    println!("without: {calm:?}");
    println!("with:    {flooded:?}");
    println!("ratio of the p99: {:.2}", flooded.p99.as_secs_f64() / calm.p99.as_secs_f64());
    assert!(calm.count > 0 && flooded.count > 0);
}

/// Access tokens of customers, who select a plafond, are refused the second, and so on: a command that the ledger decides.
async fn customers(house: &House) -> Vec<String> {
    let mut tokens = Vec::new();
    for number in 0..CONNECTIONS {
        let body = json!({"name": "C", "email": format!("c{number}@email.com"), "password": "password1"});
        let data = house.post("/api/auth/register", body).await.ok(201);
        tokens.push(data["token"].as_str().unwrap().to_owned());
    }
    tokens
}

/// What each command took, on a connection per customer.
async fn commands(house: &Arc<House>, tokens: &[String], length: Duration) -> Vec<Duration> {
    let until = Instant::now() + length;
    let connections = tokens.iter().map(|token| {
        let (house, token) = (Arc::clone(house), token.clone());
        tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let started = Instant::now();
                let asking =
                    house.asking("/api/customer/plafond", &json!({"productId": 1})).bearer_auth(&token);
                let answer = send(asking).await;
                assert!(matches!(answer.status.as_u16(), 200 | 400), "{}", answer.text);
                times.push(started.elapsed());
            }
            times
        })
    });
    let mut all = Vec::new();
    for connection in connections.collect::<Vec<_>>() {
        all.extend(connection.await.unwrap());
    }
    all
}

/// Wrong passwords of ever other people, so that no account's own limit ends it.
struct Flood {
    stop: Arc<AtomicBool>,
    told: Arc<[AtomicU32; 3]>,
    task: tokio::task::JoinHandle<()>,
}

impl Flood {
    fn start(house: &Arc<House>) -> Self {
        let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU32::new(0) }; 3]));
        let (house, stopped, count) = (Arc::clone(house), Arc::clone(&stop), Arc::clone(&told));
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / LOGINS_PER_S);
            let mut number = 0_u32;
            while !stopped.load(Ordering::Relaxed) {
                ticks.tick().await;
                number += 1;
                let (house, count) = (Arc::clone(&house), Arc::clone(&count));
                tokio::spawn(async move {
                    let who = (format!("flood{number}@email.com"), "wrong");
                    let status = house.login((&who.0, who.1)).await.status.as_u16();
                    let kind = match status {
                        401 => 0,
                        503 => 1,
                        _ => 2,
                    };
                    count[kind].fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Self { stop, told, task }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        let [refused, busy, other] = [0, 1, 2].map(|kind| self.told[kind].load(Ordering::Relaxed));
        println!("logins: {refused} compared, {busy} turned away, {other} other");
        assert_eq!(other, 0);
    }
}

#[derive(Debug)]
#[allow(dead_code)]
struct Summary {
    count: usize,
    p50: Duration,
    p99: Duration,
    most: Duration,
}

impl Summary {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        Self { count: times.len(), p50: at(50), p99: at(99), most: at(100) }
    }
}

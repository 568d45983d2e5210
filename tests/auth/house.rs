//! A node with settings of the test's own, behind the product's own connections, so that it knows its clients' addresses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lumbung::app::App;
use lumbung::cli::{CommonArgs, ServeArgs};
use lumbung::config::Config;
use lumbung::node::Node;
use lumbung::outbox::Outbox;
use lumbung::secret::SecretKey;
use lumbung::{demo, http, rest};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

use crate::rest_smoke::{Answer, send};
use crate::support::cluster::database;
use crate::support::ledger::options;

pub(super) const JOHN: (&str, &str) = ("john.doe@email.com", "customer123");
pub(super) const JANE: (&str, &str) = ("jane.smith@email.com", "customer123");

pub(super) struct House {
    pub(super) app: Arc<App>,
    pub(super) config: Config,
    pub(super) database: PgConnectOptions,
    pub(super) address: String,
    pub(super) client: reqwest::Client,
    _node: Node,
}

impl House {
    pub(super) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub(super) async fn open_with(env: &[(&str, &str)]) -> Self {
        Self::open_on(database().await, env).await
    }

    /// Another node on a database that may have one already.
    pub(super) async fn open_on(database: PgConnectOptions, env: &[(&str, &str)]) -> Self {
        let env = |name: &str| {
            let given = env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            // An ordinary user's data folder is at home; nothing is written there.
            given.or_else(|| (name == "HOME").then(|| "/nowhere".to_owned()))
        };
        let config = Config::resolve_with(&CommonArgs::default(), &ServeArgs::default(), env).unwrap();
        let node = Node::start(options(&database), 4).await.unwrap();
        let key = SecretKey::from_hex(&"5a".repeat(32)).unwrap();
        let app = Arc::new(App::new(&config, &key, &node));
        demo::seed(&app).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = rest::router(Arc::clone(&app));
        let bounds = http::Bounds { connections: 256, write_within: Duration::from_secs(30) };
        tokio::spawn(http::serve(listener, router, bounds, std::future::pending(), Duration::ZERO));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { app, config, database, address, client, _node: node }
    }

    pub(super) fn start_outbox(&self) -> Outbox {
        Outbox::start(&self.config, &self.database, &self.app).unwrap().unwrap()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(super) fn asking(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.asking(path, &body)).await
    }

    pub(super) async fn post_as(&self, token: &str, path: &str, body: Value) -> Answer {
        send(self.asking(path, &body).bearer_auth(token)).await
    }

    pub(super) async fn login(&self, (email, password): (&str, &str)) -> Answer {
        self.post("/api/auth/login", json!({"email": email, "password": password})).await
    }

    /// The data of a login that must succeed.
    pub(super) async fn logged_in(&self, who: (&str, &str)) -> Value {
        self.login(who).await.ok(200)
    }

    pub(super) async fn refresh(&self, token: &Value) -> Answer {
        self.post("/api/auth/refresh", json!({"refreshToken": token})).await
    }

    /// The status that a request with this access token gets.
    pub(super) async fn status(&self, token: &Value) -> u16 {
        let request = self.request(Method::GET, "/api/customer/plafond").bearer_auth(token.as_str().unwrap());
        let status = send(request).await.status.as_u16();
        assert!(matches!(status, 200 | 401 | 404), "{status}");
        if status == 401 { 401 } else { 200 }
    }
}

/// Asks again and again until there is an answer.
pub(super) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

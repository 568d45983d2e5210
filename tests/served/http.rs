//! A client that a program of a customer could be: JSON, a bearer token, an Idempotency-Key.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// What is asked, without the server's address: it may go out again to another server.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) key: Option<String>,
    /// What the answer must show at least.
    pub(crate) min_position: Option<i64>,
    pub(crate) body: Option<Value>,
}

impl Request {
    pub(crate) fn get(path: &str, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        Self { method: Method::GET, path: path.to_owned(), token, key: None, min_position: None, body: None }
    }

    pub(crate) fn post(path: &str, token: Option<&str>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path, token) }
    }

    pub(crate) fn patch(path: &str, token: Option<&str>, body: Value) -> Self {
        Self { method: Method::PATCH, ..Self::post(path, token, body) }
    }

    pub(crate) fn keyed(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    pub(crate) fn reaching(self, position: i64) -> Self {
        Self { min_position: Some(position), ..self }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Told {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The part of the answer that the caller is after.
    pub(crate) fn data(&self) -> Value {
        self.json()["data"].take()
    }

    /// The same in the wallet's envelope.
    pub(crate) fn result(&self) -> Value {
        self.json()["result"].take()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn position(&self) -> Option<i64> {
        self.header("Ledger-Position").map(|position| position.parse().unwrap())
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn replayed(&self) -> bool {
        self.header("Idempotent-Replayed") == Some("true")
    }

    /// The answer, which must have this status.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Self {
        Self::within(Duration::from_secs(30))
    }

    /// With another patience for one answer.
    pub(crate) fn within(timeout: Duration) -> Self {
        Self(reqwest::Client::builder().no_proxy().timeout(timeout).build().unwrap())
    }

    /// Sends once. The error says that nobody knows what became of it.
    pub(crate) async fn send(&self, address: &str, request: &Request) -> Result<Told, reqwest::Error> {
        let mut builder = self.0.request(request.method.clone(), format!("http://{address}{}", request.path));
        if let Some(token) = &request.token {
            builder = builder.bearer_auth(token);
        }
        if let Some(key) = &request.key {
            builder = builder.header("Idempotency-Key", key);
        }
        if let Some(position) = request.min_position {
            builder = builder.header("Min-Position", position);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let response = builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Told { status, headers, bytes: response.bytes().await?.to_vec() })
    }

    pub(crate) async fn get(
        &self,
        address: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<Told, reqwest::Error> {
        self.send(address, &Request::get(path, token)).await
    }

    pub(crate) async fn post(
        &self,
        address: &str,
        path: &str,
        token: Option<&str>,
        body: Value,
    ) -> Result<Told, reqwest::Error> {
        self.send(address, &Request::post(path, token, body)).await
    }

    pub(crate) async fn put(
        &self,
        address: &str,
        path: &str,
        token: &str,
        body: Value,
    ) -> Result<Told, reqwest::Error> {
        let request = Request { method: Method::PUT, ..Request::post(path, Some(token), body) };
        self.send(address, &request).await
    }

    /// The access token of a login that must succeed.
    pub(crate) async fn login(&self, address: &str, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let told = self.post(address, "/api/auth/login", None, body).await.unwrap().expect(200);
        told.data()["token"].as_str().unwrap().to_owned()
    }
}

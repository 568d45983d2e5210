//! What the planted people do, and what is done about them: every flow that takes a personal value or a secret.

use reqwest::Method;
use serde_json::{Value, json};

use super::person::Planted;
use super::scan::Needles;
use crate::golden::form::multipart;
use crate::served::Server;

/// The staff, and everything secret that the server told.
pub(super) struct Town {
    client: reqwest::Client,
    url: String,
    marketing: String,
    manager: String,
    admin: String,
    pub(super) secrets: Needles,
}

/// An answer.
struct Told {
    status: u16,
    json: Value,
}

impl Town {
    pub(super) async fn enter(address: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}");
        let nobody = String::new();
        let mut town = Self {
            client,
            url,
            marketing: nobody.clone(),
            manager: nobody.clone(),
            admin: nobody,
            secrets: Needles::new(),
        };
        town.marketing = town.login("marketing.jkt@loan.com", "marketing123").await;
        town.manager = town.login("bm.jkt@loan.com", "bm123").await;
        town.admin = town.login("admin@loan.com", "admin123").await;
        town
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Told {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(status < 500, "{text}");
        Told { status, json: serde_json::from_str(&text).unwrap_or_default() }
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Told {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.send(request).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Told {
        self.call(Method::POST, path, Some(token), &body).await
    }

    /// A login whose tokens will be looked for.
    async fn login(&mut self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let told = self.call(Method::POST, "/api/auth/login", None, &body).await.ok(200);
        self.remember(&told)
    }

    fn remember(&mut self, session: &Value) -> String {
        for (what, token) in
            [("access token", &session["token"]), ("refresh token", &session["refreshToken"])]
        {
            let token = token.as_str().unwrap();
            // The signature is what makes it one; what stands before it is no secret.
            self.secrets.add(what, token.rsplit('.').next().unwrap());
        }
        session["token"].as_str().unwrap().to_owned()
    }

    /// A branch, whose place is nobody's secret.
    pub(super) async fn open_branch(&self, location: &str) {
        let body = json!({"code": "CTL", "location": location});
        self.post("/api/admin/branches", &self.admin, body).await.ok(201);
    }

    /// What operators can read of the server.
    pub(super) async fn metrics(&mut self) -> String {
        let operator = self.login("operator@loan.com", "operator123").await;
        let request = self.client.get(format!("{}/metrics", self.url)).bearer_auth(operator);
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// All of one person's flows.
    pub(super) async fn live(&mut self, person: &Planted, server: &Server) {
        let token = self.join(person).await;
        self.fill_in(person, &token).await;
        self.borrow(person, &token).await;
        self.forget(person, server).await;
        self.administer(person).await;
        self.join_by_phone(person).await;
    }

    /// Registers, in vain at first; then fails to log in.
    async fn join(&mut self, person: &Planted) -> String {
        let register =
            |password: &str| json!({"name": person.name, "email": person.email, "password": password});
        let path = "/api/auth/register";
        let agent = |request: reqwest::RequestBuilder| request.header("User-Agent", &person.agent);
        self.call(Method::POST, path, None, &register("short")).await.ok(400);
        let request = self.client.post(format!("{}{path}", self.url)).json(&register(&person.password));
        let session = self.send(agent(request)).await.ok(201);
        let token = self.remember(&session);
        self.call(Method::POST, path, None, &register(&person.password)).await.ok(409);
        for email in [&person.email, &format!("not.{}", person.email)] {
            let body = json!({"email": email, "password": person.wrong_password});
            let request = self.client.post(format!("{}/api/auth/login", self.url)).json(&body);
            self.send(agent(request)).await.ok(401);
        }
        let body = json!({"refreshToken": session["refreshToken"]});
        let refreshed = self.call(Method::POST, "/api/auth/refresh", None, &body).await.ok(200);
        self.remember(&refreshed);
        token
    }

    /// An account of its own: registers, in vain at first, fails to log in, and changes names.
    async fn join_by_phone(&mut self, person: &Planted) {
        let [first, last, next_first, next_last] = &person.wallet_names;
        let register = |pin: &str| {
            json!({
                "first_name": first, "last_name": last, "phone_number": person.login_phone,
                "address": person.address, "pin": pin,
            })
        };
        self.call(Method::POST, "/register", None, &register("short")).await.told(400);
        self.call(Method::POST, "/register", None, &register(&person.pin)).await.told(201);
        self.call(Method::POST, "/register", None, &register(&person.pin)).await.told(409);
        let login = |pin: &str| json!({"phone_number": person.login_phone, "pin": pin});
        let wrong = self.client.post(format!("{}/login", self.url)).header("User-Agent", &person.agent);
        self.send(wrong.json(&login(&person.wrong_password))).await.told(401);
        let tokens = self.call(Method::POST, "/login", None, &login(&person.pin)).await.told(200);
        let session = json!({"token": tokens["access_token"], "refreshToken": tokens["refresh_token"]});
        let token = self.remember(&session);
        let names = json!({"first_name": next_first, "last_name": next_last, "address": person.address});
        let request = self.client.put(format!("{}/profile", self.url)).bearer_auth(&token);
        let request = request.header("Idempotency-Key", &person.password).json(&names);
        self.send(request).await.told(200);
        self.call(Method::GET, "/api/users/profile", Some(&token), &json!({})).await.ok(200);
        self.call(Method::GET, "/api/admin/users", Some(&self.admin), &json!({})).await.ok(200);
    }

    async fn fill_in(&self, person: &Planted, token: &str) {
        let put = async |data: &Value, files: &[(&str, &str, &[u8])]| {
            let (kind, body) = multipart(Some(data), files);
            let request = self.client.put(format!("{}/api/customer/profile", self.url)).bearer_auth(token);
            let request = request.header("Content-Type", kind).header("Idempotency-Key", &person.password);
            self.send(request.body(body)).await
        };
        let [ktp, kk, npwp] = &person.files;
        // A refused one first: what is wrong with it is told without it.
        let mut wrong = person.profile();
        wrong["birthdate"] = json!(format!("{}x", person.birthdate));
        put(&wrong, &[]).await.ok(400);
        let files: [(&str, &str, &[u8]); 3] =
            [("ktp", "ktp.jpg", ktp), ("kk", "kk.png", kk), ("npwp", "npwp.pdf", npwp)];
        let stored = put(&person.profile(), &files).await.ok(200);
        for url in ["ktpUrl", "kkUrl", "npwpUrl"] {
            let url = stored[url].as_str().unwrap();
            let path = &url[url.find("/uploads/").unwrap()..];
            for reader in [token, &self.marketing] {
                let file =
                    self.client.get(format!("{}{path}", self.url)).bearer_auth(reader).send().await.unwrap();
                let bytes = file.bytes().await.unwrap();
                assert!(person.files.iter().any(|file| *file == bytes), "{path}");
            }
        }
        self.call(Method::GET, "/api/customer/profile", Some(token), &json!({})).await.ok(200);
    }

    /// One application is cancelled, one approved and rejected, each with a note under a key.
    async fn borrow(&self, person: &Planted, token: &str) {
        let [approved, rejected, cancelled] = &person.notes;
        self.post("/api/customer/plafond", token, json!({"productId": 1})).await.ok(200);
        let apply = async || {
            let body = json!({"branchId": 1, "amount": 1_000_000, "tenor": 6});
            self.post("/api/loans", token, body).await.ok(201)["id"].as_i64().unwrap()
        };
        let decide = async |who: &str, path: String, note: &str| {
            let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(who);
            let request = request.header("Idempotency-Key", "once").json(&json!({"note": note}));
            self.send(request).await.ok(200)
        };
        let first = apply().await;
        decide(token, format!("/api/loans/{first}/cancel"), cancelled).await;
        let second = apply().await;
        decide(&self.marketing, format!("/api/approval/{second}/approve"), approved).await;
        decide(&self.manager, format!("/api/approval/{second}/reject"), rejected).await;
        for (who, path) in [
            (token, format!("/api/loans/{second}/history")),
            (&self.manager, format!("/api/loans/{second}")),
            (&self.manager, "/api/approval/my-history".to_owned()),
        ] {
            self.call(Method::GET, &path, Some(who), &json!({})).await.ok(200);
        }
    }

    /// Resets the password, changes it, and leaves.
    async fn forget(&mut self, person: &Planted, server: &Server) {
        let body = json!({"email": person.email});
        self.call(Method::POST, "/api/auth/forgot-password", None, &body).await.ok(200);
        let reset = reset_token(server, &person.email).await;
        self.secrets.add("reset token", &reset);
        let bytes = uuid::Uuid::parse_str(&reset).unwrap().into_bytes();
        self.secrets.add_coded("reset token, as bytes", &bytes);
        let body = |new: &str| json!({"token": reset, "newPassword": new, "confirmPassword": new});
        let path = "/api/auth/reset-password";
        self.call(Method::POST, path, None, &body("short")).await.ok(400);
        self.call(Method::POST, path, None, &body(&person.next_password)).await.ok(200);
        let token = self.login(&person.email, &person.next_password).await;
        let wrong = json!({"currentPassword": person.wrong_password, "newPassword": person.password});
        self.post("/api/auth/change-password", &token, wrong).await.ok(400);
        let right = json!({"currentPassword": person.next_password, "newPassword": person.password});
        self.post("/api/auth/change-password", &token, right).await.ok(200);
        let token = self.login(&person.email, &person.password).await;
        self.post("/api/auth/logout", &token, json!({})).await.ok(200);
        self.call(Method::GET, "/api/loans", Some(&token), &json!({})).await.ok(401);
    }

    /// An officer of this name is made and amended.
    async fn administer(&self, person: &Planted) {
        let email = format!("office.{}", person.email);
        let body = json!({"name": person.name, "email": email, "password": person.password, "roleId": 2, "branchId": 1});
        let officer = self.post("/api/admin/users", &self.admin, body).await.ok(201)["id"].clone();
        let body = json!({"name": format!("{} the Second", person.name), "email": format!("new.{email}")});
        let path = format!("/api/admin/users/{officer}");
        self.call(Method::PUT, &path, Some(&self.admin), &body).await.ok(200);
        self.call(Method::GET, "/api/admin/users", Some(&self.admin), &json!({})).await.ok(200);
        self.call(Method::GET, &format!("/api/users/{officer}"), Some(&self.manager), &json!({}))
            .await
            .ok(200);
    }
}

impl Told {
    /// The data of an answer that must have this status.
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.json);
        self.json["data"].clone()
    }

    /// What the wallet API tells with this status.
    fn told(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.json);
        self.json["result"].clone()
    }
}

/// From the terminal, where letters go outside production while there is no mail server.
async fn reset_token(server: &Server, email: &str) -> String {
    server.printed(&format!("To:      {email}")).await;
    // A letter arrives line by line.
    loop {
        let printed = server.printed("").await;
        let letter = printed.split("To:").find(|letter| letter.trim_start().starts_with(email));
        let token = letter.and_then(|letter| letter.split_once("#token=")?.1.split_once('\n'));
        if let Some((token, _)) = token {
            return token.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

//! The administration over HTTP: people, roles, branches, products, and what nobody may do with them.

mod branches;
mod catalogue;
mod command_line;
mod customers;
mod delegation;
mod people;
mod records;
mod roles;
mod superadmins;

use reqwest::Method;
use serde_json::{Value, json};

use crate::rest_smoke::{Answer, Server, send};

pub(crate) const ADMIN: (&str, &str) = ("admin@loan.com", "admin123");

impl Server {
    pub(crate) async fn admin(&self) -> String {
        self.login(ADMIN.0, ADMIN.1).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        send(self.request(method, path).bearer_auth(token).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, token, body).await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, token, body).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    /// The number of the user with this e-mail.
    pub(crate) async fn number_of(&self, admin: &str, email: &str) -> i64 {
        let users = self.get("/api/admin/users", admin).await.ok(200);
        let user = users.as_array().unwrap().iter().find(|user| user["email"] == email);
        user.unwrap_or_else(|| panic!("no {email} in {users}"))["id"].as_i64().unwrap()
    }

    /// One more member of the staff, with their token.
    pub(crate) async fn hire(
        &self,
        admin: &str,
        email: &str,
        role: i64,
        branch: Option<i64>,
    ) -> (i64, String) {
        let body = json!({"name": "New Hire", "email": email, "password": "password123", "roleId": role,
                          "branchId": branch});
        let user = self.post("/api/admin/users", admin, body).await.ok(201);
        (user["id"].as_i64().unwrap(), self.login(email, "password123").await)
    }

    /// Lets a role do exactly this.
    pub(crate) async fn allow(&self, admin: &str, role: i64, permissions: &[i64]) {
        let path = format!("/api/admin/roles/{role}/permissions");
        self.put(&path, admin, json!({"permissionIds": permissions})).await.ok(200);
    }
}

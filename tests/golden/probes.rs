//! One well-formed request per route, such that whoever is admitted gets past every check that is about them. Probes that
//! change something have an object of their own each time, so that none disturbs another.

use lumbung_domain::{BranchId, RoleId, UserId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::super::rest_smoke::Server;
use super::form::{documented_profile, jpeg, multipart};
use super::gates::Object;
use super::town::{Person, Town};
use super::walk::application;

pub(super) const JAKARTA: BranchId = BranchId(1);
pub(super) const SURABAYA: BranchId = BranchId(2);

/// Who asks: a role of Jakarta, or nobody.
pub(super) struct Caller {
    pub(super) role: Option<RoleId>,
    pub(super) deactivated: bool,
    pub(super) person: Option<Person>,
}

/// What the probes find in place.
pub(super) struct Scene<'a> {
    pub(super) town: Town<'a>,
    /// Three stages, in Jakarta; the head office decides everywhere.
    officers: [Person; 3],
    officers_elsewhere: [Person; 2],
    admin: Person,
    /// Loans that nobody decides on: in Jakarta, in Surabaya.
    loans: [i64; 2],
    /// Loans that are disbursed, and whose: in Jakarta, in Surabaya.
    debts: [(Person, i64); 2],
    /// A file of somebody.
    file: String,
    /// Who money is sent to.
    neighbour: UserId,
}

pub(super) enum Body {
    Nothing,
    Json(Value),
    Profile,
}

impl<'a> Scene<'a> {
    pub(super) async fn set(server: &'a Server) -> Self {
        let town = Town::of(server);
        let (jakarta, surabaya) = (Some(JAKARTA), Some(SURABAYA));
        let officers = [
            town.staff(RoleId::MARKETING, jakarta).await,
            town.staff(RoleId::BRANCH_MANAGER, jakarta).await,
            town.staff(RoleId::BACKOFFICE, None).await,
        ];
        let officers_elsewhere = [
            town.staff(RoleId::MARKETING, surabaya).await,
            town.staff(RoleId::BRANCH_MANAGER, surabaya).await,
        ];
        let admin = town.staff(RoleId::SUPERADMIN, None).await;
        let (here, there) = (town.borrower().await, town.borrower().await);
        let loans = [town.loan(&here, 1).await, town.loan(&there, 2).await];
        let file = upload(server, &here).await;
        let neighbour = here.user;
        let debts = [(town.borrower().await, 0), (town.borrower().await, 0)];
        let mut scene = Self { town, officers, officers_elsewhere, admin, loans, debts, file, neighbour };
        for (at, branch) in [JAKARTA, SURABAYA].into_iter().enumerate() {
            let loan = scene.town.loan(&scene.debts[at].0, branch.0).await;
            scene.debts[at].1 = scene.disbursed(loan, branch).await;
        }
        scene
    }

    fn server(&self) -> &Server {
        self.town.server
    }

    pub(super) async fn caller(&self, role: RoleId) -> Person {
        let branch = [RoleId::MARKETING, RoleId::BRANCH_MANAGER].contains(&role).then_some(JAKARTA);
        if role == RoleId::CUSTOMER {
            let customer = self.town.borrower().await;
            let body = json!({"amount": 1_000_000});
            assert_eq!(self.server().post("/topup", &customer.token, body).await.status, 200);
            customer
        } else {
            self.town.staff(role, branch).await
        }
    }

    /// Marketing and manager.
    fn officers_of(&self, branch: BranchId) -> [&Person; 2] {
        if branch == JAKARTA {
            [&self.officers[0], &self.officers[1]]
        } else {
            self.officers_elsewhere.each_ref()
        }
    }

    /// A loan that waits for this role, at this branch.
    async fn waiting(&self, role: Option<RoleId>, branch: BranchId) -> i64 {
        let loan = self.town.loan(&self.town.borrower().await, branch.0).await;
        let [marketing, manager] = self.officers_of(branch);
        let before: &[&Person] = match role {
            Some(RoleId::BRANCH_MANAGER) => &[marketing],
            Some(RoleId::BACKOFFICE) => &[marketing, manager],
            _ => &[],
        };
        for officer in before {
            let path = format!("/api/approval/{loan}/approve");
            self.server().post(&path, &officer.token, json!({})).await.ok(200);
        }
        loan
    }

    /// The loan, once everybody has approved of it.
    async fn disbursed(&self, loan: i64, branch: BranchId) -> i64 {
        let [marketing, manager] = self.officers_of(branch);
        for officer in [marketing, manager, &self.officers[2]] {
            let path = format!("/api/approval/{loan}/approve");
            self.server().post(&path, &officer.token, json!({})).await.ok(200);
        }
        loan
    }

    /// A loan that is disbursed: the caller's own, or one that is there.
    async fn debt(&self, caller: &Caller, object: Object) -> i64 {
        match (object, &caller.person) {
            (Object::Own, Some(person)) if caller.role == Some(RoleId::CUSTOMER) && !caller.deactivated => {
                let mine = self.server().get("/api/loans?status=DISBURSED", &person.token).await.ok(200);
                match mine[0]["id"].as_i64() {
                    Some(loan) => loan,
                    None => self.disbursed(self.loan(caller, object).await, JAKARTA).await,
                }
            }
            (Object::OtherBranch, _) => self.debts[1].1,
            _ => self.debts[0].1,
        }
    }

    /// A debt that nobody else needs, for who may end it.
    async fn debt_to_end(&self, caller: &Caller, object: Object) -> i64 {
        let branch = if object == Object::OtherBranch { SURABAYA } else { JAKARTA };
        match caller.role {
            Some(RoleId::BACKOFFICE | RoleId::SUPERADMIN) if !caller.deactivated => {
                let loan = self.town.loan(&self.town.borrower().await, branch.0).await;
                self.disbursed(loan, branch).await
            }
            _ => self.debt(caller, object).await,
        }
    }

    /// A debt and a repayment of it.
    async fn repaid(&self, object: Object) -> (i64, String) {
        let (person, loan) = &self.debts[usize::from(object == Object::OtherBranch)];
        let path = format!("/api/loans/{loan}/repayments");
        let told = self.server().post(&path, &person.token, json!({"amount": 1_000})).await.ok(201);
        (*loan, told["repaymentId"].as_str().unwrap().to_owned())
    }

    /// A loan to look at.
    async fn loan(&self, caller: &Caller, object: Object) -> i64 {
        match (object, &caller.person) {
            (Object::Own, Some(person)) if caller.role == Some(RoleId::CUSTOMER) && !caller.deactivated => {
                let mine = self.server().get("/api/loans", &person.token).await.ok(200);
                match mine.as_array().unwrap().iter().find(|loan| loan["status"] == "SUBMITTED") {
                    Some(loan) => loan["id"].as_i64().unwrap(),
                    None => self.town.loan(person, 1).await,
                }
            }
            (Object::OtherBranch, _) => self.loans[1],
            _ => self.loans[0],
        }
    }

    /// Somebody to administer.
    async fn member(&self, caller: &Caller, object: Object) -> i64 {
        let branch = if object == Object::OtherBranch { SURABAYA } else { JAKARTA };
        match (object, &caller.person) {
            (Object::Own, Some(person)) => person.number,
            _ => self.town.staff(RoleId::MARKETING, Some(branch)).await.number,
        }
    }

    /// A name of a file that is there.
    async fn file(&self, caller: &Caller, object: Object) -> String {
        match (object, &caller.person) {
            (Object::Own, Some(person)) if caller.role == Some(RoleId::CUSTOMER) && !caller.deactivated => {
                upload(self.server(), person).await
            }
            _ => self.file.clone(),
        }
    }

    async fn new_branch(&self) -> i64 {
        let body = json!({"code": fresh("B"), "location": "Medan"});
        let branch = self.server().post("/api/admin/branches", &self.admin.token, body).await.ok(201);
        branch["id"].as_i64().unwrap()
    }

    /// The request that asks for this of this object.
    pub(super) async fn request(
        &self,
        method: &str,
        path: &str,
        caller: &Caller,
        object: Object,
    ) -> RequestBuilder {
        let fresh = match (&caller.person, caller.role) {
            // What ends a session or changes the caller gets a caller of its own.
            (Some(_), Some(role)) if !caller.deactivated && changes_caller(method, path) => {
                let borrows = path == "/api/loans";
                let customer = role == RoleId::CUSTOMER && !borrows;
                Some(if customer { self.town.customer().await } else { self.caller(role).await })
            }
            _ => None,
        };
        let (target, body) = self.target(method, path, caller, object).await;
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut request = self.server().request(method, &target);
        if let Some(person) = fresh.as_ref().or(caller.person.as_ref()) {
            request = request.bearer_auth(&person.token);
        }
        match body {
            Body::Nothing => request,
            Body::Json(body) => request.json(&body),
            Body::Profile => {
                let (kind, body) = multipart(Some(&documented_profile()), &[]);
                request.header("Content-Type", kind).body(body)
            }
        }
    }

    /// The path with its object, and the body.
    async fn target(&self, method: &str, path: &str, caller: &Caller, object: Object) -> (String, Body) {
        let body = Body::Json(body(method, path));
        let with = |name: &str, value: &dyn std::fmt::Display| path.replace(name, &value.to_string());
        match (method, path) {
            ("put", "/api/customer/profile") => (path.to_owned(), Body::Profile),
            ("get", "/api/loans/{id}" | "/api/loans/{id}/history") => {
                (with("{id}", &self.loan(caller, object).await), Body::Nothing)
            }
            ("get", "/api/loans/simulate") => {
                (format!("{path}?amount=3000000&tenor=6&interestRate=12"), Body::Nothing)
            }
            (
                "get",
                "/api/loans/{id}/schedule"
                | "/api/loans/{id}/bills"
                | "/api/loans/{id}/payoff-quote"
                | "/api/loans/{id}/transactions",
            ) => (with("{id}", &self.debt(caller, object).await), Body::Nothing),
            ("post", "/api/loans/{id}/repayments") => {
                let own = caller.role == Some(RoleId::CUSTOMER);
                let today = chrono::Utc::now().date_naive();
                let dated = json!({"amount": 1_000, "paidOn": today, "confirm": true});
                let body = if own { json!({"amount": 1_000}) } else { dated };
                (with("{id}", &self.debt(caller, object).await), Body::Json(body))
            }
            ("post", "/api/loans/{id}/payoff") => (with("{id}", &self.debt(caller, object).await), body),
            ("post", "/api/loans/{id}/write-off") => {
                (with("{id}", &self.debt_to_end(caller, object).await), body)
            }
            ("post", "/api/loans/{id}/repayments/{repaymentId}/reverse") => {
                let (loan, repayment) = self.repaid(object).await;
                (with("{id}", &loan).replace("{repaymentId}", &repayment), body)
            }
            ("post", "/transfer") => {
                let gift = json!({"target_user": self.neighbour, "amount": 1_000, "remarks": "Thanks"});
                (path.to_owned(), Body::Json(gift))
            }
            ("post", "/api/loans/{id}/cancel") => (with("{id}", &self.loan(caller, object).await), body),
            ("post", "/api/approval/{id}/approve" | "/api/approval/{id}/reject") => {
                let branch = if object == Object::OtherBranch { SURABAYA } else { JAKARTA };
                let own = object == Object::Own && caller.role == Some(RoleId::CUSTOMER);
                let loan = if own {
                    self.loan(caller, object).await
                } else {
                    self.waiting(caller.role, branch).await
                };
                (with("{id}", &loan), body)
            }
            ("get", "/api/users/{id}") => (with("{id}", &self.member(caller, object).await), Body::Nothing),
            ("put" | "patch" | "post", path) if path.starts_with("/api/admin/users/") => {
                (with("{id}", &self.member(caller, object).await), body)
            }
            ("delete", "/api/admin/users/{userId}/roles/{roleId}") => {
                let path = with("{userId}", &self.member(caller, object).await);
                (path.replace("{roleId}", "2"), Body::Nothing)
            }
            // A role that nobody here has; what it has stays.
            ("put", "/api/admin/roles/{id}/permissions") => (with("{id}", &7), body),
            ("put", "/api/admin/branches/{id}") => {
                let (id, code, location) =
                    if object == Object::Own { (1, "JKT", "Jakarta") } else { (2, "SBY", "Surabaya") };
                (with("{id}", &id), Body::Json(json!({"code": code, "location": location})))
            }
            ("delete", "/api/admin/branches/{id}") => (with("{id}", &self.new_branch().await), Body::Nothing),
            ("put", "/api/admin/products/{id}") => (with("{id}", &4), body),
            ("get", "/uploads/{filename}" | "/uploads/documents/{filename}") => {
                (with("{filename}", &self.file(caller, object).await), Body::Nothing)
            }
            ("get", "/api/operations/transfers/{id}") => {
                (with("{id}", &"00000000-0000-4000-8000-000000000000"), Body::Nothing)
            }
            // Nobody's; who may not ask is told before it is looked for.
            ("post", path) if path.starts_with("/api/operations/transfers/") => {
                (with("{id}", &"00000000-0000-4000-8000-000000000000"), body)
            }
            ("get", path) => (path.to_owned(), Body::Nothing),
            (_, path) => {
                assert!(!path.contains('{'), "no object for {method} {path}");
                (path.to_owned(), body)
            }
        }
    }
}

fn changes_caller(method: &str, path: &str) -> bool {
    let changing = ["/api/auth/logout", "/api/auth/change-password", "/api/customer/plafond", "/api/loans"];
    method == "post" && changing.contains(&path)
}

/// What is sent to the route; panics for a route that has no probe.
fn body(method: &str, path: &str) -> Value {
    let email = || format!("{}@example.com", fresh("probe."));
    match (method, path) {
        ("post", "/api/auth/register") => {
            json!({"name": "New Customer", "email": email(), "password": "password123"})
        }
        ("post", "/api/auth/login") => json!({"email": "john.doe@email.com", "password": "customer123"}),
        ("post", "/register") => json!({
            "first_name": "New", "last_name": "Customer", "address": "Jl. Kebon Sirih No. 1", "pin": "123456",
            "phone_number": format!("0817{:08}", crate::support::people::fresh_number()),
        }),
        ("post", "/login") => json!({"phone_number": "0811255502", "pin": "123456"}),
        ("put", "/profile") => json!({"first_name": "Tom"}),
        ("post", "/api/auth/forgot-password") => json!({"email": email()}),
        ("post", "/api/auth/reset-password") => {
            json!({"token": "none", "newPassword": "password123", "confirmPassword": "password123"})
        }
        ("post", "/api/auth/refresh") => json!({"refreshToken": "none"}),
        // Nobody's, so what an admitted caller is told is that it is wrong.
        ("post", "/api/auth/change-password") => {
            json!({"currentPassword": "no password", "newPassword": "password123"})
        }
        ("post", "/api/customer/plafond") => json!({"productId": 1}),
        ("post", "/topup") => json!({"amount": 1_000_000}),
        ("post", "/pay") => json!({"amount": 1_000}),
        ("post", "/api/loans") => application(1_000_000),
        ("post", "/api/approval/{id}/approve" | "/api/approval/{id}/reject") => json!({"note": "Seen"}),
        ("post", "/api/loans/{id}/cancel") => json!({"note": "Not needed"}),
        ("post", "/api/admin/users") => {
            json!({"name": "New Officer", "email": email(), "password": "password123", "roleId": 4})
        }
        ("put", "/api/admin/users/{id}") => json!({"name": "Citizen Renamed"}),
        ("patch", "/api/admin/users/{id}/status") => json!({"isActive": true}),
        ("post", "/api/admin/users/{id}/roles") => json!({"roleId": 3}),
        ("put", "/api/admin/roles/{id}/permissions") => json!({"permissionIds": [27, 31]}),
        ("post", "/api/admin/branches") => json!({"code": fresh("N"), "location": "Medan"}),
        ("post", "/api/admin/products") => {
            json!({"name": fresh("P"), "amount": 1_000_000, "tenor": 12, "interestRate": 9.5, "active": false})
        }
        ("put", "/api/admin/products/{id}") => {
            json!({"name": "PLATINUM", "amount": 50_000_000, "tenor": 48, "interestRate": 7.0, "active": true})
        }
        ("post", "/api/loans/{id}/write-off" | "/api/loans/{id}/repayments/{repaymentId}/reverse") => {
            json!({"note": "By mistake"})
        }
        ("post", "/api/admin/lending-rules") => json!({
            "effectiveOn": "2199-01-01", "citation": "A rule of the next century",
            "caps": {"dailyCostPercent": 0.3, "dailyPenaltyPercent": 0.3, "totalCostPercent": 100},
            "collectibility": [0, 90, 120, 180],
        }),
        ("post", "/api/auth/logout" | "/api/loans/{id}/payoff") | ("get" | "delete", _) => json!({}),
        ("put", "/api/customer/profile" | "/api/admin/branches/{id}")
        | ("post", "/transfer" | "/api/loans/{id}/repayments") => Value::Null,
        ("post", "/api/operations/transfers/{id}/retry" | "/api/operations/transfers/{id}/park") => {
            json!({})
        }
        ("put", "/api/operations/business-date") => json!({"businessDate": null}),
        _ => panic!("{method} {path} has no probe: say in tests/golden/probes.rs what to send to it"),
    }
}

/// A text that no other probe uses.
fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", crate::support::people::fresh_number())
}

async fn upload(server: &Server, person: &Person) -> String {
    let picture = jpeg("ktp");
    let request = server.profile_form(&person.token, Some(&json!({})), &[("ktp", "ktp.jpg", &picture)]);
    let url = super::super::rest_smoke::send(request).await.ok(200)["ktpUrl"].clone();
    url.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

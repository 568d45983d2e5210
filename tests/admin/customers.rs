//! What customers may do, whatever is said of their role.

use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{Grants, Permission, Role, RoleCommand, RoleId};
use serde_json::json;

use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::{Node, options, run};

const DENIED: (u16, &str, &str) = (403, "ACCESS_DENIED", "Access Denied");
/// What CUSTOMER holds from the start.
const THEIRS: [i64; 8] = [5, 6, 13, 14, 20, 21, 22, 23];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_of_customers_takes_nothing_of_the_staffs() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/admin/roles/5/permissions";
    for id in (1..=33).filter(|id| !THEIRS.contains(id)) {
        let answer = server.put(path, &admin, json!({"permissionIds": [5, id]})).await;
        assert_eq!((answer.error().0, answer.error().1), (400, "PERMISSION_NOT_FOR_CUSTOMERS"), "{id}");
        assert_eq!(answer.json["errors"][0]["field"], "permissionIds");
    }
    let answer = server.put(path, &admin, json!({"permissionIds": [11, 2]})).await;
    assert_eq!(answer.error().2, "permissionIds: USER_READ is not for customers");
    // Less is taken, and all of it again.
    server.allow(&admin, 5, &[5, 6]).await;
    server.allow(&admin, 5, &THEIRS).await;
}

/// As a ledger could be furnished before the rule.
struct GenerousRole;

impl UseCase for GenerousRole {
    const NAME: &'static str = "GenerousRole";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let (role_id, name) = (RoleId::CUSTOMER, "CUSTOMER".to_owned());
        let grants = Grants::only(Permission::all());
        book.run::<Role>(role_id, RoleCommand::Define { role_id, name, grants, needs_branch: false })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_get_nothing_of_the_staffs_whatever_their_role_says() {
    let database = database().await;
    let node = Node::open(&database).await;
    run(&node, GenerousRole).await;
    node.close().await;
    let server = Server::start_on(options(&database)).await;
    let admin = server.admin().await;
    let roles = server.get("/api/admin/roles", &admin).await.ok(200);
    assert_eq!(roles[4]["permissions"].as_array().unwrap().len(), 33);
    let (john, loan) = server.submitted().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    for path in ["/api/admin/users", "/api/approval/pending", "/api/users/1", "/api/admin/roles"] {
        assert_eq!(server.get(path, &jane).await.error(), DENIED, "{path}");
    }
    let of_john = server.get(&format!("/api/loans/{loan}"), &jane).await;
    assert_eq!(of_john.error().1, "LOAN_NOT_YOURS");
    assert_eq!(server.get("/api/loans", &jane).await.ok(200), json!([]));
    let approve = format!("/api/approval/{loan}/approve");
    assert_eq!(server.post(&approve, &jane, json!({})).await.error(), DENIED);
    let body = json!({"code": "X", "location": "X"});
    assert_eq!(server.post("/api/admin/branches", &jane, body).await.error(), DENIED);
    server.get(&format!("/api/loans/{loan}"), &john).await.ok(200);
}

//! Scenario 1 of document 004, as a newcomer walks it: log in, select a plafond, submit, three approvals, the plafond
//! falls. Then what must hold when servers and databases are killed, stopped, and more than one.

mod authority;
mod documented;
mod nodes;
mod walk;

use nix::sys::signal::kill;
use serde_json::json;

use crate::served::shape::{INSTANT, assert_documented};
use crate::served::{Folder, Http, Server};
use walk::Walk;

#[tokio::test]
async fn scenario_1_as_documented_survives_kills_and_a_clean_stop() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let http = Http::new();
    let walk = Walk::scenario_1(&http, server.address()).await;
    walk.assert_where_it_ended(server.address()).await;

    let postgres = folder.postgres().unwrap();
    server.kill().await;
    let server = Server::start(&folder).await;
    assert_eq!(folder.postgres(), Some(postgres), "the running PostgreSQL is adopted");
    walk.assert_where_it_ended(server.address()).await;

    let mut server = server;
    folder.kill_postgres().unwrap();
    while folder.postgres().is_none_or(|pid| pid == postgres) {
        server.assert_alive();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.wait_ready().await;
    walk.assert_where_it_ended(server.address()).await;

    server.kill().await;
    folder.kill_postgres().unwrap();
    let server = Server::start(&folder).await;
    walk.assert_where_it_ended(server.address()).await;

    let postgres = folder.postgres().unwrap();
    assert!(server.stop().await.success(), "SIGTERM ends it with exit code 0");
    assert!(!folder.data().join("postgres/postmaster.pid").exists());
    assert!(kill(postgres, None).is_err(), "PostgreSQL is stopped with it");
    let server = Server::start(&folder).await;
    walk.assert_where_it_ended(server.address()).await;
    walk.log_out(server.address()).await;
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_to_the_byte_also_after_a_kill() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let http = Http::new();
    let token = http.login(server.address(), "john.doe@email.com", "customer123").await;
    let select = crate::served::Request::post("/api/customer/plafond", Some(&token), json!({"productId": 1}));
    let select = select.keyed("select-1");
    let first = http.send(server.address(), &select).await.unwrap().expect(200);
    assert!(!first.replayed());
    // Without the key it is another request, and refused.
    let refused = crate::served::Request { key: None, ..select.clone() };
    let refused = http.send(server.address(), &refused).await.unwrap().expect(400);
    assert_documented(&refused.json(), &documented::refused(documented::PLAFOND_ACTIVE));

    server.kill().await;
    folder.kill_postgres();
    let server = Server::start(&folder).await;
    let again = http.send(server.address(), &select).await.unwrap().expect(200);
    assert!(again.replayed());
    assert_eq!(again.bytes, first.bytes);
    for header in ["Ledger-Position", "ETag"] {
        assert!(first.header(header).is_some(), "{header}");
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    let other = crate::served::Request { body: Some(json!({"productId": 2})), ..select };
    let reused = http.send(server.address(), &other).await.unwrap().expect(422);
    assert_eq!(reused.json()["code"], "IDEMPOTENCY_KEY_REUSED");
    assert_documented(&reused.json(), &json!({"success": false, "timestamp": INSTANT}));
}

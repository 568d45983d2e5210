//! Servers that are killed while transfers are under way, over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::{Folder, Http, Server};

/// Somebody with a wallet.
struct Person {
    id: Value,
    token: String,
}

async fn person(http: &Http, address: &str, phone: &str) -> Person {
    let body = json!({"first_name": "Kirk", "last_name": "Hammett", "phone_number": phone, "address": "Jl. Satu",
        "pin": "123456"});
    let registered = http.post(address, "/register", None, body).await.unwrap().expect(201).json();
    let login = json!({"phone_number": phone, "pin": "123456"});
    let session = http.post(address, "/login", None, login).await.unwrap().expect(200).json();
    let token = session["result"]["access_token"].as_str().unwrap().to_owned();
    Person { id: registered["result"]["user_id"].clone(), token }
}

async fn send(http: &Http, address: &str, from: &Person, to: &Person) {
    let body = json!({"target_user": to.id, "amount": 10, "remarks": "Hadiah"});
    http.post(address, "/transfer", Some(&from.token), body).await.unwrap().expect(200);
}

async fn balance(http: &Http, address: &str, of: &Person) -> i64 {
    let wallet = http.get(address, "/api/customer/wallet", Some(&of.token)).await.unwrap().expect(200);
    wallet.data()["balance"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_server_is_killed_every_transfer_arrives_once() {
    let folder = Folder::new();
    let http = Http::new();
    let mut servers = vec![Server::start(&folder).await, Server::start(&folder).await];
    let from = person(&http, servers[0].address(), "0811111111").await;
    let to = person(&http, servers[0].address(), "0822222222").await;
    http.post(servers[0].address(), "/topup", Some(&from.token), json!({"amount": 1_000}))
        .await
        .unwrap()
        .expect(200);
    // What a server has not heard of yet it need not know.
    tokio::time::sleep(Duration::from_millis(250)).await;
    let mut sent = 0;
    for _ in 0..3 {
        for _ in 0..8 {
            send(&http, servers[sent % 2].address(), &from, &to).await;
            sent += 1;
        }
        servers.remove(0).kill().await;
        let survivor = servers[0].address();
        let killed = Instant::now();
        send(&http, survivor, &from, &to).await;
        sent += 1;
        while balance(&http, survivor, &to).await < sent as i64 * 10 {
            assert!(killed.elapsed() < Duration::from_secs(20), "{sent} sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("taken over and settled after {:?}", killed.elapsed());
        servers.push(Server::start(&folder).await);
    }
    let survivor = servers[1].address();
    assert_eq!(balance(&http, survivor, &to).await, sent as i64 * 10);
    assert_eq!(balance(&http, survivor, &from).await, 1_000 - sent as i64 * 10);
    for server in servers {
        assert!(server.stop().await.success());
    }
}

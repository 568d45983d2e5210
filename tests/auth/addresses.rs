//! What one address may take from all others who log in.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use lumbung::auth::Standing;
use serde_json::json;

use super::house::{House, JANE, JOHN};
use super::limits::cookie;
use crate::rest_smoke::{Answer, send};

const BEHIND_PROXY: (&str, &str) = ("LUMBUNG_TRUSTED_PROXIES", "127.0.0.0/8");
const ATTACKER: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
const TOM: (&str, &str) = ("0811255502", "123456");

async fn by_phone(house: &House, from: &str, (phone, pin): (&str, &str)) -> Answer {
    let body = json!({"phone_number": phone, "pin": pin});
    send(house.asking("/login", &body).header("X-Forwarded-For", from)).await
}

async fn by_email(house: &House, from: &str, (email, password): (&str, &str)) -> Answer {
    let body = json!({"email": email, "password": password});
    send(house.asking("/api/auth/login", &body).header("X-Forwarded-For", from)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_at_one_address_keeps_nobody_out() {
    let house = House::open_with(&[BEHIND_PROXY]).await;
    let stop = AtomicBool::new(false);
    // Each with phones that nobody has tried before.
    let crowd = join_all((0..60).map(|client| {
        let (house, stop) = (&house, &stop);
        async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let phone = format!("08{client:02}{number:07}");
                let told = by_phone(house, ATTACKER, (&phone, "123456")).await.status.as_u16();
                assert!(matches!(told, 401 | 503), "{told}");
                number += 1;
            }
        }
    }));
    let others = async {
        for number in 0..8 {
            assert_eq!(by_phone(&house, ELSEWHERE, TOM).await.status, 200);
            by_email(&house, ELSEWHERE, JOHN).await.ok(200);
            let body = json!({"name": "T", "email": format!("t{number}@email.com"), "password": "password1"});
            let register = house.asking("/api/auth/register", &body).header("X-Forwarded-For", ELSEWHERE);
            send(register).await.ok(201);
        }
        stop.store(true, Ordering::Relaxed);
    };
    futures_util::future::join(crowd, others).await;
}

/// While all that an address may have are taken, one more waits there, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_at_one_address_takes_no_place() {
    let house = House::open_with(&[BEHIND_PROXY]).await;
    let crowd = Standing::Stranger(ATTACKER.parse::<IpAddr>().unwrap());
    let mut places = Vec::new();
    for account in 0.. {
        let mut place = Box::pin(house.app.passwords.place(crowd, [account; 32]));
        match futures_util::poll!(&mut place) {
            std::task::Poll::Ready(place) => places.push(place.unwrap()),
            std::task::Poll::Pending => break,
        }
    }
    let free = house.app.passwords.loads()[1].1.free;
    assert!(free > places.len(), "{free} of the strangers' places are for others");
    let known = cookie(&by_email(&house, ELSEWHERE, JOHN).await);
    let mut waiting = Box::pin(by_email(&house, ATTACKER, JANE));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    // Who is known does not wait, wherever they are.
    let body = json!({"email": JOHN.0, "password": JOHN.1});
    let asking = house.asking("/api/auth/login", &body).header("X-Forwarded-For", ATTACKER);
    send(asking.header("Cookie", known)).await.ok(200);
    drop(places);
    waiting.await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_secret_is_not_tried_on_everybody() {
    let house = House::open_with(&[
        BEHIND_PROXY,
        ("LUMBUNG_LIMITS_FAILED_LOGINS_PER_ADDRESS_PER_QUARTER_HOUR", "12"),
    ])
    .await;
    let device = cookie(&by_email(&house, ATTACKER, JOHN).await);
    let session = by_email(&house, ATTACKER, JANE).await.ok(200)["token"].as_str().unwrap().to_owned();
    // Whoever gets in has not failed.
    for _ in 0..12 {
        assert_eq!(by_phone(&house, ATTACKER, TOM).await.status, 200);
    }
    // Six by each API, all at once: together they fail no more often than one after the other.
    let (phones, emails) = ((0..40).map(|number| format!("0812{number:07}")), 0..40);
    let by_phones = join_all(phones.map(|phone| {
        let house = &house;
        async move { by_phone(house, ATTACKER, (&phone, "123456")).await }
    }));
    let by_emails = join_all(emails.map(|number| {
        let house = &house;
        async move { by_email(house, ATTACKER, (&format!("n{number}@email.com"), "password1")).await }
    }));
    let (by_phones, by_emails) = futures_util::future::join(by_phones, by_emails).await;
    let with = |status: u16| by_phones.iter().chain(&by_emails).filter(|told| told.status == status).count();
    // The first pause is a second: on a slow machine a few fit in after it.
    assert!((12..20).contains(&with(401)), "{}", with(401));
    assert_eq!(with(401) + with(429) + with(503), 80);
    let mut held = by_phones.iter().filter(|told| told.status == 429);
    let held = held.next().expect("nobody was held back");
    assert_eq!(held.json["code"], "RATE_LIMITED");
    assert_eq!(held.json["message"], "Too many attempts. Please try again later.");
    assert!((1..=900).contains(&held.headers["retry-after"].parse::<u32>().unwrap()));
    // The pauses grow: soon nobody is let try.
    while by_email(&house, ATTACKER, ("n@email.com", "x")).await.status != 429 {}
    assert_eq!(by_phone(&house, ATTACKER, TOM).await.status, 429);
    // Known devices, sessions and whoever is elsewhere.
    let login = |(email, password): (&str, &str)| {
        let body = json!({"email": email, "password": password});
        house.asking("/api/auth/login", &body).header("X-Forwarded-For", ATTACKER)
    };
    send(login(JOHN).header("Cookie", device)).await.ok(200);
    send(login(JANE).bearer_auth(session)).await.ok(200);
    assert_eq!(by_phone(&house, ELSEWHERE, TOM).await.status, 200);
    assert_eq!(by_phone(&house, &Ipv4Addr::new(198, 51, 100, 7).to_string(), TOM).await.status, 200);
}

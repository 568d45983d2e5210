//! How often one may try.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use lumbung::auth::Standing;
use reqwest::Method;
use serde_json::json;

use super::house::{House, JANE, JOHN};
use crate::rest_smoke::{Answer, send};

const THREE: (&str, &str) = ("LUMBUNG_LIMITS_FAILED_LOGINS_PER_QUARTER_HOUR", "3");

/// Each somewhere else.
fn stranger(number: u8) -> Standing {
    Standing::Stranger(Ipv4Addr::new(192, 0, 2, number).into())
}

fn held_back(answer: &Answer) -> bool {
    if answer.status != 429 {
        return false;
    }
    assert_eq!(answer.error().1, "RATE_LIMITED");
    let wait: u32 = answer.headers["retry-after"].parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    true
}

/// What a browser would send back.
pub(super) fn cookie(answer: &Answer) -> String {
    let cookie = &answer.headers["set-cookie"];
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    assert!(cookie.contains("; Path=/api/auth"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// Guesses until strangers are held back from the account. The pauses grow, so however slow the machine is, the next
/// request comes within one.
async fn hold_back(house: &House, email: &str) {
    while !held_back(&house.login((email, "guess")).await) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_held_back_and_the_owner_is_not() {
    let house = House::open_with(&[THREE]).await;
    let known = house.login(JOHN).await;
    let device = cookie(&known);
    let session = known.ok(200)["token"].as_str().unwrap().to_owned();
    let janes = house.logged_in(JANE).await["token"].as_str().unwrap().to_owned();
    for email in [JOHN.0, "nobody@email.com", "?"] {
        for _ in 0..3 {
            assert_eq!(house.login((email, "guess")).await.error().0, 401, "{email}");
        }
        // In any spelling.
        hold_back(&house, email).await;
        assert!(held_back(&house.login((&email.to_uppercase(), "guess")).await), "{email}");
    }
    // Not even the right password is looked at, from a device that nobody knows.
    hold_back(&house, JOHN.0).await;
    assert!(held_back(&house.login(JOHN).await));
    let login =
        |who: (&str, &str)| house.asking("/api/auth/login", &json!({"email": who.0, "password": who.1}));
    assert_eq!(send(login(JOHN).header("Cookie", &device)).await.status, 200);
    assert_eq!(send(login(JOHN).header("Cookie", format!("a=b; {device}; c=d"))).await.status, 200);
    assert_eq!(send(login(JOHN).bearer_auth(&session)).await.status, 200);
    // Somebody else's session, and a cookie that is not ours, are those of a stranger.
    hold_back(&house, JOHN.0).await;
    assert!(held_back(&send(login(JOHN).bearer_auth(&janes)).await));
    let forged = format!("{}A", &device[..device.len() - 1]);
    hold_back(&house, JOHN.0).await;
    assert!(forged == device || held_back(&send(login(JOHN).header("Cookie", forged)).await));
    let name = device.split('=').next().unwrap();
    hold_back(&house, JOHN.0).await;
    assert!(held_back(&send(login(JOHN).header("Cookie", format!("{name}=AAAA"))).await));
    // The others are not touched.
    house.logged_in(JANE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_device_may_not_guess_for_ever_either() {
    let house = House::open_with(&[THREE]).await;
    let device = cookie(&house.login(JOHN).await);
    let guess = |password: &str| {
        let body = json!({"email": JOHN.0, "password": password});
        send(house.asking("/api/auth/login", &body).header("Cookie", &device))
    };
    for _ in 0..3 {
        assert_eq!(guess("guess").await.error().0, 401);
    }
    assert!(held_back(&guess(JOHN.1).await));
    // Its failures hold nobody else back.
    house.logged_in(JOHN).await;
}

/// However many strangers wait for their passwords to be compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_strangers_keeps_no_known_device_out() {
    let house = House::open().await;
    let known = house.login(JOHN).await;
    let device = cookie(&known);
    let mut crowd = Vec::new();
    let mut account = 0;
    let busy = loop {
        while let Ok(place) = house.app.passwords.place(stranger(account), [account; 32]).await {
            crowd.push(place);
            account += 1;
        }
        // A login that was answered may give its place back a moment later.
        let told = house.login(JOHN).await;
        if told.status != 200 {
            break told;
        }
    };
    assert_eq!((busy.error().0, busy.error().1), (503, "OVERLOADED"));
    let body = json!({"name": "T", "email": "t@email.com", "password": "password1"});
    assert_eq!(house.post("/api/auth/register", body).await.error().1, "OVERLOADED");
    let login = || house.asking("/api/auth/login", &json!({"email": JOHN.0, "password": JOHN.1}));
    assert_eq!(send(login().header("Cookie", &device)).await.status, 200);
    assert_eq!(send(login().bearer_auth(known.ok(200)["token"].as_str().unwrap())).await.status, 200);
    drop(crowd);
    house.logged_in(JOHN).await;
}

/// However many devices know the account of whoever floods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_with_many_devices_keeps_nobody_out() {
    let house = House::open().await;
    let mut devices = Vec::new();
    for _ in 0..8 {
        devices.push(cookie(&house.login(JOHN).await));
    }
    let janes = cookie(&house.login(JANE).await);
    let login = |who: (&str, &str), device: &str| {
        let body = json!({"email": who.0, "password": who.1});
        house.asking("/api/auth/login", &body).header("Cookie", device.to_owned())
    };
    let stop = AtomicBool::new(false);
    let flood = futures_util::future::join_all((0..120).map(|number| {
        let (login, stop, device) = (&login, &stop, &devices[number % devices.len()]);
        async move {
            while !stop.load(Ordering::Relaxed) {
                let told = send(login(JOHN, device)).await.status.as_u16();
                assert!(matches!(told, 200 | 503), "{told}");
            }
        }
    }));
    let others = async {
        for _ in 0..5 {
            send(login(JANE, &janes)).await.ok(200);
            house.logged_in(JANE).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    futures_util::future::join(flood, others).await;
}

/// What ends the sessions makes every device a stranger's, but the one that did it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_known_until_the_sessions_end() {
    let house = House::open_with(&[THREE]).await;
    let known = house.login(JOHN).await;
    let device = cookie(&known);
    let session = known.ok(200)["token"].as_str().unwrap().to_owned();
    let body = json!({"currentPassword": JOHN.1, "newPassword": "changed1"});
    let change = house.asking("/api/auth/change-password", &body).bearer_auth(&session);
    let changed = send(change.header("Cookie", &device)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    for _ in 0..3 {
        assert_eq!(house.login((JOHN.0, "guess")).await.error().0, 401);
    }
    let login = |device: &str| {
        let body = json!({"email": JOHN.0, "password": "changed1"});
        send(house.asking("/api/auth/login", &body).header("Cookie", device.to_owned()))
    };
    assert!(held_back(&login(&device).await));
    assert_eq!(login(&cookie(&changed)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_right_passwords_is_never_held_back() {
    let house = House::open_with(&[THREE]).await;
    let logins = (0..24).map(|_| house.login(JOHN));
    for answer in futures_util::future::join_all(logins).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let guesses = (0..24).map(|_| house.login((JOHN.0, "guess")));
    let told = futures_util::future::join_all(guesses).await;
    assert_eq!(told.iter().filter(|answer| answer.status == 401).count(), 3);
    assert_eq!(told.iter().filter(|answer| held_back(answer)).count(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_device_is_marked_for_https_where_it_is_served() {
    let house = House::open_with(&[("LUMBUNG_PUBLIC_URL", "https://lumbung.example")]).await;
    assert!(house.login(JOHN).await.headers["set-cookie"].contains("; Secure"));
    let plain = House::open().await;
    assert!(!plain.login(JOHN).await.headers["set-cookie"].contains("Secure"));
    let body = json!({"name": "T", "email": "t@email.com", "password": "password1"});
    let registered = plain.post("/api/auth/register", body).await;
    assert_eq!(registered.status, 201);
    cookie(&registered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_asks_for_so_much_in_an_hour() {
    let house = House::open_with(&[
        ("LUMBUNG_LIMITS_SENSITIVE_REQUESTS_PER_HOUR", "3"),
        ("LUMBUNG_TRUSTED_PROXIES", "127.0.0.0/8"),
    ])
    .await;
    let from = |address: &str, path: &str, body| {
        send(house.asking(path, &body).header("X-Forwarded-For", format!("198.51.100.9, {address}")))
    };
    let register =
        |number: u32| json!({"name": "T", "email": format!("t{number}@email.com"), "password": "password1"});
    for number in 0..3 {
        assert_eq!(from("192.0.2.1", "/api/auth/register", register(number)).await.status, 201);
    }
    let fourth = from("192.0.2.1", "/api/auth/register", register(4)).await;
    assert_eq!(fourth.error(), (429, "RATE_LIMITED", "Too many attempts. Please try again later."));
    assert!(fourth.headers["retry-after"].parse::<u32>().unwrap() <= 3_600);
    let forgot = json!({"email": JOHN.0});
    assert_eq!(from("192.0.2.1", "/api/auth/forgot-password", forgot.clone()).await.status, 429);
    // Tokens that are not good are counted on their own.
    let junk = json!({"refreshToken": "x"});
    let reset = json!({"token": "x", "newPassword": "password1", "confirmPassword": "password1"});
    assert_eq!(from("192.0.2.1", "/api/auth/refresh", junk.clone()).await.status, 401);
    for _ in 0..2 {
        assert_eq!(from("192.0.2.1", "/api/auth/reset-password", reset.clone()).await.status, 400);
    }
    assert_eq!(from("192.0.2.1", "/api/auth/refresh", junk).await.status, 429);
    assert_eq!(from("192.0.2.1", "/api/auth/reset-password", reset.clone()).await.error().1, "RATE_LIMITED");
    // What is not even well formed is told so, and counts for nothing.
    assert_eq!(from("192.0.2.1", "/api/auth/register", json!({})).await.status, 400);
    assert_eq!(from("192.0.2.2", "/api/auth/forgot-password", forgot).await.status, 200);

    // A refresh that succeeds does not count; one that fails does.
    let mut token = house.logged_in(JOHN).await["refreshToken"].clone();
    for _ in 0..5 {
        let body = json!({"refreshToken": token});
        token = from("192.0.2.3", "/api/auth/refresh", body).await.ok(200)["refreshToken"].clone();
    }
    for _ in 0..3 {
        assert_eq!(from("192.0.2.3", "/api/auth/reset-password", reset.clone()).await.status, 400);
    }
    assert_eq!(from("192.0.2.3", "/api/auth/reset-password", reset).await.status, 429);
    // Others' junk holds back nobody with a good token, nor a newcomer.
    let body = json!({"refreshToken": token});
    from("192.0.2.3", "/api/auth/refresh", body).await.ok(200);
    assert_eq!(from("192.0.2.3", "/api/auth/register", register(5)).await.status, 201);
    // Login has limits of its own.
    house.logged_in(JOHN).await;
    let gone = send(house.request(Method::GET, "/api/products")).await;
    assert_eq!(gone.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_says_of_its_address_is_not_believed() {
    let house = House::open_with(&[("LUMBUNG_LIMITS_SENSITIVE_REQUESTS_PER_HOUR", "2")]).await;
    let forgot = |address: &str| {
        let asking = house.asking("/api/auth/forgot-password", &json!({"email": "nobody@email.com"}));
        send(asking.header("X-Forwarded-For", address.to_owned()))
    };
    assert_eq!(forgot("192.0.2.1").await.status, 200);
    assert_eq!(forgot("192.0.2.2").await.status, 200);
    assert_eq!(forgot("192.0.2.3").await.status, 429);
}

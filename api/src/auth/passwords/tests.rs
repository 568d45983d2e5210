#![allow(clippy::unwrap_used, clippy::panic)]
use std::net::Ipv4Addr;

use super::*;

const STRANGER: Standing = Standing::Stranger(IpAddr::V4(Ipv4Addr::LOCALHOST));

#[tokio::test]
async fn fits_or_does_not() {
    let passwords = Passwords::new();
    let hash = passwords.hash(STRANGER, [0; 32], "customer123").await.unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    let place = passwords.place(STRANGER, [1; 32]).await.unwrap();
    assert!(place.verify("customer123", Some(&hash)).await.unwrap());
    assert!(!place.verify("customer124", Some(&hash)).await.unwrap());
    assert!(!place.verify("", None).await.unwrap());
    assert_ne!(hash, passwords.hash(STRANGER, [0; 32], "customer123").await.unwrap());
    let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
    assert_eq!(parameters(NOBODY), parameters(hash.as_str()));
    assert_eq!(NOBODY.len(), hash.as_str().len());
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let passwords = Passwords::new();
    let all = u32::try_from(passwords.strangers.places.available_permits()).unwrap();
    let held = passwords.strangers.places.clone().acquire_many_owned(all).await.unwrap();
    assert!(matches!(passwords.hash(STRANGER, [0; 32], "p").await, Err(PasswordsError::Busy)));
    // Who is known has places of their own.
    let place = passwords.place(Standing::Known, [1; 32]).await.unwrap();
    assert!(place.hash("p").await.is_ok());
    drop(held);
    assert!(passwords.hash(STRANGER, [0; 32], "p").await.is_ok());
}

#[test]
fn who_is_known_comes_first() {
    let (queue, order) = (Queue::default(), Arc::new(Mutex::new(Vec::new())));
    for (standing, name) in [(STRANGER, 1), (STRANGER, 2), (Standing::Known, 3), (Standing::Known, 4)] {
        let order = Arc::clone(&order);
        queue.push(standing, Box::new(move |_| order.lock().unwrap().push(name)));
    }
    queue.jobs.lock().unwrap().closed = true;
    work(&queue);
    assert_eq!(*order.lock().unwrap(), [3, 4, 1, 2]);
}

#[test]
fn who_is_known_does_not_keep_strangers_waiting_for_ever() {
    let (queue, order) = (Queue::default(), Arc::new(Mutex::new(String::new())));
    for (standing, name) in [(Standing::Known, 'k'), (STRANGER, 's')] {
        for _ in 0..8 {
            let order = Arc::clone(&order);
            queue.push(standing, Box::new(move |_| order.lock().unwrap().push(name)));
        }
    }
    queue.jobs.lock().unwrap().closed = true;
    work(&queue);
    assert_eq!(*order.lock().unwrap(), "kkkskkkskkssssss");
}

/// However many devices know it.
#[tokio::test]
async fn one_account_does_not_take_the_places_of_all() {
    let passwords = Passwords::new();
    let mut own = Vec::new();
    for _ in 0..KNOWN_AT_ONCE {
        own.push(passwords.place(Standing::Known, [1; 32]).await.unwrap());
    }
    own.push(passwords.place(STRANGER, [1; 32]).await.unwrap());
    for standing in [Standing::Known, STRANGER] {
        let mut more = Box::pin(passwords.place(standing, [1; 32]));
        assert!(futures_util::poll!(more.as_mut()).is_pending());
        assert!(passwords.place(standing, [2; 32]).await.is_ok());
    }
}

#[tokio::test]
async fn who_hangs_up_keeps_the_place_until_the_hash_is_done() {
    let passwords = Passwords::new();
    let all = passwords.strangers.places.available_permits();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let place = passwords.place(STRANGER, [1; 32]).await.unwrap();
    let work = async move { place.run(move |_| wait.recv().map_err(|_| PasswordsError::Lost)).await };
    let mut work = Box::pin(work);
    assert!(futures_util::poll!(work.as_mut()).is_pending());
    drop(work);
    assert_eq!(passwords.strangers.places.available_permits(), all - 1);
    go_on.send(()).unwrap();
    assert!(passwords.hash(STRANGER, [0; 32], "p").await.is_ok());
    let back = passwords.strangers.places.clone().acquire_many_owned(u32::try_from(all).unwrap()).await;
    assert!(back.is_ok());
}

#[tokio::test]
async fn a_panic_loses_one_hash_and_no_thread() {
    let passwords = Passwords::new();
    for _ in 0..4 {
        let lost = passwords
            .place(STRANGER, [1; 32])
            .await
            .unwrap()
            .run::<()>(|_| std::panic::panic_any("a test"))
            .await;
        assert!(matches!(lost, Err(PasswordsError::Lost)));
    }
    assert!(passwords.hash(STRANGER, [0; 32], "p").await.is_ok());
}

#[test]
fn what_is_weak() {
    let hash = |text: &str| PasswordHash::new(text).unwrap();
    let rest = "prMQUtw920l+AOh5MB7C0g$F0cOUK2xxf6iK5UxqjJ1Woi6jvggK0kkffysT6iMV6w";
    assert!(!is_weak(&hash(NOBODY)));
    assert!(!is_weak(&hash(&format!("$argon2id$v=19$m=65536,t=3,p=4${rest}"))));
    for weak in
        ["argon2id$v=19$m=8192,t=2,p=1", "argon2id$v=19$m=19456,t=1,p=1", "argon2i$v=19$m=19456,t=2,p=1"]
    {
        assert!(is_weak(&hash(&format!("${weak}${rest}"))), "{weak}");
    }
    assert!(is_weak(&hash("$argon2id$salt$hash")));
}

/// However many accounts they name.
#[tokio::test]
async fn one_address_does_not_take_the_places_of_all() {
    let passwords = Passwords::new();
    let free = || passwords.strangers.places.available_permits();
    let all = free();
    let home = |host: &str| Standing::Stranger(format!("2001:db8:1:2::{host}").parse().unwrap());
    let mut own = Vec::new();
    for account in 0..all / SHARE_OF_ADDRESS {
        let account = u8::try_from(account).unwrap();
        own.push(passwords.place(home(&account.to_string()), [account; 32]).await.unwrap());
    }
    let mut waiting: Vec<_> = (0..all).map(|_| Box::pin(passwords.place(home("ffff"), [254; 32]))).collect();
    for more in &mut waiting {
        assert!(futures_util::poll!(more).is_pending());
    }
    assert!(matches!(passwords.place(home("1"), [255; 32]).await, Err(PasswordsError::Busy)));
    assert_eq!(free(), all - all / SHARE_OF_ADDRESS);
    // Others, even of the account that the crowd waits for, and who is known there.
    let next_door = Standing::Stranger("2001:db8:1:3::1".parse().unwrap());
    assert!(passwords.place(next_door, [254; 32]).await.is_ok());
    assert!(passwords.place(Standing::Known, [0; 32]).await.is_ok());
    // As soon as one of its own is done it is the next one's turn.
    drop(own.pop());
    assert!(futures_util::poll!(&mut waiting[0]).is_ready());
}

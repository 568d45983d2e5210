//! Changing a password, and what a login does to a stored one.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use lumbung_commands::Call;
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_domain::{Email, PasswordHash, PersonName, Profile, SessionId, UserNumber};
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{House, JANE, JOHN};
use crate::rest_smoke::send;
use crate::support::ledger::{assert_sound, events};

const CHANGE: &str = "/api/auth/change-password";
const WRONG: (u16, &str, &str) =
    (400, "CURRENT_PASSWORD_WRONG", "currentPassword: is not your current password");

fn change(current: &str, new: &str) -> Value {
    json!({"currentPassword": current, "newPassword": new})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_ends_every_other_session() {
    let house = House::open().await;
    let (here, there, jane) =
        (house.logged_in(JOHN).await, house.logged_in(JOHN).await, house.logged_in(JANE).await);
    let token = here["token"].as_str().unwrap();
    let wrong = house.post_as(token, CHANGE, change("customer124", "new-password")).await;
    assert_eq!(wrong.error(), WRONG);
    assert_eq!(wrong.json["errors"][0]["field"], "currentPassword");
    assert_eq!(house.status(&there["token"]).await, 200);
    let changed = house.post_as(token, CHANGE, change(JOHN.1, "new-password")).await;
    assert_eq!(changed.json["message"], "Password changed successfully");
    changed.ok(200);
    assert_eq!((house.status(&here["token"]).await, house.status(&there["token"]).await), (200, 401));
    assert_eq!(house.status(&jane["token"]).await, 200);
    house.refresh(&here["refreshToken"]).await.ok(200);
    assert_eq!(house.refresh(&there["refreshToken"]).await.error().1, "UNAUTHORIZED");
    assert_eq!(house.login(JOHN).await.error().0, 401);
    house.logged_in((JOHN.0, "new-password")).await;
    // Again, by the session that was carried over.
    house.post_as(token, CHANGE, change("new-password", JOHN.1)).await.ok(200);
    assert_eq!(house.status(&here["token"]).await, 200);
    assert_sound(&house.app.ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_change_asks_for() {
    let house = House::open().await;
    let login = house.logged_in(("marketing.jkt@loan.com", "marketing123")).await;
    let token = login["token"].as_str().unwrap();
    for (body, what) in [
        (json!({}), "currentPassword: is required"),
        (change("", "new-password"), "currentPassword: must not be blank"),
        (change("marketing123", "short"), "newPassword: size must be between 6 and 100"),
        (change("marketing123", "new\u{0}password"), "newPassword: must not contain control characters"),
    ] {
        assert_eq!(house.post_as(token, CHANGE, body).await.error().2, what);
    }
    assert_eq!(house.post(CHANGE, change("a", "new-password")).await.error().0, 401);
    house.post_as(token, CHANGE, change("marketing123", "new-password")).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_under_a_key_is_answered_again() {
    let house = House::open().await;
    let login = house.logged_in(JOHN).await;
    let keyed = |body: Value, key: &str| {
        let request = house.asking(CHANGE, &body).bearer_auth(login["token"].as_str().unwrap());
        send(request.header("Idempotency-Key", key.to_owned()))
    };
    let first = keyed(change(JOHN.1, "new-password"), "k").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = keyed(change(JOHN.1, "new-password"), "k").await;
    assert_eq!((again.status.as_u16(), &again.text), (200, &first.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(keyed(change(JOHN.1, "other-password"), "k").await.error().0, 422);
    assert_eq!(keyed(change(JOHN.1, "other-password"), "l").await.error(), WRONG);
    assert_eq!(events(&house.app.ledger, "PasswordSet").await, 1);
}

/// Guessing at the password of a session that one has got hold of is held back like guessing at a login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cannot_be_used_to_guess_its_password() {
    let house = House::open_with(&[("LUMBUNG_LIMITS_FAILED_LOGINS_PER_QUARTER_HOUR", "3")]).await;
    let login = house.logged_in(JOHN).await;
    let token = login["token"].as_str().unwrap();
    for _ in 0..3 {
        assert_eq!(house.post_as(token, CHANGE, change("guess", "new-password")).await.error(), WRONG);
    }
    let held = house.post_as(token, CHANGE, change(JOHN.1, "new-password")).await;
    assert_eq!((held.error().0, held.error().1), (429, "RATE_LIMITED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weak_hash_is_replaced_by_the_login_that_fits_it() {
    let house = House::open().await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let weak = PasswordHash::new(&weak.hash_password(b"old-password").unwrap().to_string()).unwrap();
    let (name, email) = (PersonName::new("Old Hand").unwrap(), Email::new("old@email.com").unwrap());
    let vault = house.app.ledger.vault();
    let (newcomer, _) = Newcomer::seal(vault, UserNumber(900), &name, &email, &weak).unwrap();
    let session = Some(SessionId(Uuid::now_v7()));
    let register = RegisterCustomer { newcomer, profile: Profile::default(), session };
    house.app.ledger.execute(register, Call::default()).await.unwrap().outcome.unwrap();

    assert_eq!(house.login(("old@email.com", "wrong")).await.error().0, 401);
    assert_eq!(events(&house.app.ledger, "PasswordSet").await, 0);
    // Both find the weak hash; the one that comes second compares again.
    let who = ("old@email.com", "old-password");
    let (one, two) = tokio::join!(house.login(who), house.login(who));
    let (one, two) = (one.ok(200), two.ok(200));
    assert_eq!(events(&house.app.ledger, "PasswordSet").await, 1);
    assert_eq!((house.status(&one["token"]).await, house.status(&two["token"]).await), (200, 200));
    house.logged_in(who).await;
    assert_eq!(events(&house.app.ledger, "PasswordSet").await, 1);
}

//! The chain of refresh tokens.

use lumbung_domain::{SessionId, UserId};
use serde_json::json;
use sqlx::Executor;

use super::house::{House, JANE, JOHN};
use crate::support::cluster::superuser;
use crate::support::ledger::events;

const REUSED: (u16, &str, &str) =
    (401, "REFRESH_TOKEN_REUSED", "The refresh token was used before. Please log in again.");
const UNAUTHORIZED: (u16, &str, &str) = (401, "UNAUTHORIZED", "Unauthorized");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_gives_the_next_pair() {
    let house = House::open().await;
    let login = house.logged_in(JOHN).await;
    let next = house.refresh(&login["refreshToken"]).await;
    assert_eq!(next.json["message"], "Token refreshed successfully");
    assert!(next.headers.contains_key("ledger-position"));
    let next = next.ok(200);
    for field in ["tokenType", "expiresIn", "userId", "email", "name", "roles", "permissions"] {
        assert_eq!(next[field], login[field], "{field}");
    }
    assert_ne!(next["refreshToken"], login["refreshToken"]);
    assert_eq!((house.status(&next["token"]).await, house.status(&login["token"]).await), (200, 200));
    // A chain of three is still one session.
    let third = house.refresh(&next["refreshToken"]).await.ok(200);
    let token = third["token"].as_str().unwrap();
    house.post_as(token, "/api/auth/logout", json!({})).await.ok(200);
    for pair in [&login, &next, &third] {
        assert_eq!(house.status(&pair["token"]).await, 401);
        assert_eq!(house.refresh(&pair["refreshToken"]).await.error(), UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_given_again_and_an_old_token_ends_the_session() {
    let house = House::open().await;
    let first = house.logged_in(JOHN).await;
    let second = house.refresh(&first["refreshToken"]).await.ok(200);
    let before = events(&house.app.ledger, "SessionRefreshed").await;
    let again = house.refresh(&first["refreshToken"]).await.ok(200);
    assert_eq!(events(&house.app.ledger, "SessionRefreshed").await, before);
    let third = house.refresh(&again["refreshToken"]).await.ok(200);
    // The second token is now the one before; the first is older than that.
    house.refresh(&second["refreshToken"]).await.ok(200);
    assert_eq!(house.refresh(&first["refreshToken"]).await.error(), REUSED);
    assert_eq!(house.status(&third["token"]).await, 401);
    assert_eq!(house.refresh(&third["refreshToken"]).await.error(), UNAUTHORIZED);
    assert_eq!(events(&house.app.ledger, "SessionEnded").await, 1);
    // Other sessions of the same person do not end with it.
    assert_eq!(house.status(&house.logged_in(JOHN).await["token"]).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_copies_of_one_refresh_rotate_once() {
    let house = House::open().await;
    let login = house.logged_in(JOHN).await;
    let copies = (0..32).map(|_| house.refresh(&login["refreshToken"]));
    for answer in futures_util::future::join_all(copies).await {
        answer.ok(200);
    }
    assert_eq!(events(&house.app.ledger, "SessionRefreshed").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_refresh_token() {
    let house = House::open().await;
    let login = house.logged_in(JOHN).await;
    for bad in
        [json!("x"), login["token"].clone(), json!(format!("{}x", login["refreshToken"].as_str().unwrap()))]
    {
        assert_eq!(house.refresh(&bad).await.error(), UNAUTHORIZED, "{bad}");
    }
    assert_eq!(house.status(&login["refreshToken"]).await, 401);
    for (body, what) in [
        (json!({}), "refreshToken: is required"),
        (json!({"refreshToken": 7}), "refreshToken: must be a string"),
        (json!({"refreshToken": ""}), "refreshToken: must not be blank"),
    ] {
        assert_eq!(house.post("/api/auth/refresh", body).await.error().2, what);
    }
    // Right in every way, but of a session that is somebody else's.
    let jane = house.logged_in(JANE).await;
    let claims = |data: &serde_json::Value| house.app.tokens.verify(data["token"].as_str().unwrap()).unwrap();
    let forged = |user: UserId, session: SessionId, rotation| {
        let token = lumbung::auth::RefreshToken { user, session, rotation };
        json!(house.app.tokens.issue_refresh(token, chrono::Utc::now()).unwrap())
    };
    let (of_john, of_jane) = (claims(&login), claims(&jane));
    assert_eq!(house.refresh(&forged(of_jane.user, of_john.session, 0)).await.error(), UNAUTHORIZED);
    assert_eq!(house.refresh(&forged(of_john.user, of_john.session, 1)).await.error(), UNAUTHORIZED);
    house.refresh(&login["refreshToken"]).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_on_every_node_and_after_a_restart() {
    let one = House::open().await;
    let two = House::open_on(one.database.clone(), &[]).await;
    let login = one.logged_in(JOHN).await;
    let next = two.refresh(&login["refreshToken"]).await.ok(200);
    let third = one.refresh(&next["refreshToken"]).await.ok(200);
    assert_eq!(two.refresh(&login["refreshToken"]).await.error(), REUSED);
    assert_eq!(one.refresh(&third["refreshToken"]).await.error(), UNAUTHORIZED);
}

/// Of two that use one token ten seconds apart, one is not its owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_seconds_later_the_token_before_is_an_old_one() {
    let one = House::open().await;
    let login = one.logged_in(JOHN).await;
    let next = one.refresh(&login["refreshToken"]).await.ok(200);
    // As if the rotation had been eleven seconds earlier; a node that starts now reads it so.
    let pool = superuser(&one.database).await;
    let mut connection = pool.acquire().await.unwrap();
    connection.execute("set session_replication_role = replica").await.unwrap();
    let moved = connection
        .execute(
            "update journal.events set payload = jsonb_set(payload::jsonb, '{SessionRefreshed,rotated_at}',
                 to_jsonb(to_char((payload::jsonb->'SessionRefreshed'->>'rotated_at')::timestamptz at time zone 'utc'
                     - interval '11 seconds', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')))::json
             where event_type = 'SessionRefreshed'",
        )
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 1);
    drop(connection);
    let two = House::open_on(one.database.clone(), &[]).await;
    assert_eq!(two.refresh(&login["refreshToken"]).await.error(), REUSED);
    assert_eq!(two.refresh(&next["refreshToken"]).await.error(), UNAUTHORIZED);
}

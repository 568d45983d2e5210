//! An e-mail that the administration changed.

use reqwest::Method;
use serde_json::json;

use super::house::{House, JANE, JOHN};
use super::smtp::{MailServer, Mood};
use crate::rest_smoke::{Answer, send};
use crate::support::ledger::{assert_sound, events};

const ADMIN: (&str, &str) = ("admin@loan.com", "admin123");

impl House {
    async fn amend(&self, user: &serde_json::Value, body: serde_json::Value) -> Answer {
        let admin = self.logged_in(ADMIN).await;
        let request = self.request(Method::PUT, &format!("/api/admin/users/{user}"));
        send(request.bearer_auth(admin["token"].as_str().unwrap()).json(&body)).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_email_ends_all_sessions_and_the_old_address_is_told() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    let (john, jane) = (house.logged_in(JOHN).await, house.logged_in(JANE).await);
    // A name ends nothing, nor does the e-mail that is theirs already.
    house.amend(&john["userId"], json!({"name": "J. Doe", "email": JOHN.0})).await.ok(200);
    assert_eq!(house.status(&john["token"]).await, 200);
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 0);

    house.amend(&john["userId"], json!({"email": "new@email.com"})).await.ok(200);
    assert_eq!(house.status(&john["token"]).await, 401);
    assert_eq!(house.refresh(&john["refreshToken"]).await.error().0, 401);
    assert_eq!(house.status(&jane["token"]).await, 200);
    house.logged_in(("new@email.com", JOHN.1)).await;
    let mails = mail.mails(1).await;
    assert_eq!(mails[0].to, JOHN.0);
    assert!(mails[0].text.contains("Subject: Your e-mail address was changed"), "{}", mails[0].text);
    assert!(!mails[0].text.contains("new@email.com"), "{}", mails[0].text);
    outbox.stop().await;
    assert_eq!(mail.taken(), 1);
    assert_sound(&house.app.ledger).await;

    // What is refused tells nobody.
    let taken = house.amend(&jane["userId"], json!({"email": "new@email.com"})).await;
    assert_eq!(taken.error().1, "EMAIL_ALREADY_EXISTS");
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_mail_an_email_is_changed_all_the_same() {
    let key = "5a".repeat(32);
    let production = [
        ("LUMBUNG_ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://localhost/lumbung"),
        ("LUMBUNG_MASTER_KEY", &key),
        ("LUMBUNG_TOKEN_KEY", &key),
    ];
    let house = House::open_with(&production).await;
    let john = house.logged_in(JOHN).await;
    house.amend(&john["userId"], json!({"email": "new@email.com"})).await.ok(200);
    assert_eq!(house.status(&john["token"]).await, 401);
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 0);
    house.logged_in(("new@email.com", JOHN.1)).await;
}

//! Messages reach the mail server, whatever happens on the way.

use lumbung_projections::outbox::{Backlog, backlog};
use serde_json::json;
use sqlx::{Executor, Row};

use super::house::{House, JANE, JOHN, eventually};
use super::smtp::{MailServer, Mood};
use crate::served::{Folder, Http, Server};
use crate::support::cluster::superuser;
use crate::support::ledger::events;

impl House {
    /// State, attempts, failure and whether the content is still there, of every message in the order of the queue.
    async fn messages(&self) -> Vec<(String, i64, Option<String>, bool)> {
        let (_, head) = (self.app.ledger.head().await, self.app.ledger.feed().reached());
        self.app.freshness.wait_for(head, std::time::Duration::from_secs(30)).await.unwrap();
        let read = self.app.reader.live();
        let sql =
            "select state, attempts, failure, content is not null as held from outbox order by queued_at";
        let rows = sqlx::query(sql).fetch_all(read.pool()).await.unwrap();
        rows.iter()
            .map(|row| (row.get("state"), row.get("attempts"), row.get("failure"), row.get("held")))
            .collect()
    }

    async fn until_message(&self, state: &str) -> (String, i64, Option<String>, bool) {
        let ask = async || self.messages().await.pop().filter(|message| message.0 == state);
        eventually(state, ask).await
    }

    async fn backlog(&self) -> Backlog {
        backlog(&self.app.reader.live()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_message_waits_for_somebody_to_deliver_it() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    for email in [JOHN.0, JANE.0, "nobody@email.com"] {
        house.forgot(email).await.ok(200);
    }
    let pending = ("PENDING".to_owned(), 0, None, true);
    assert_eq!(house.messages().await, [pending.clone(), pending]);
    assert_eq!((house.backlog().await.pending, mail.taken()), (2, 0));
    let outbox = house.start_outbox();
    let mut to: Vec<_> = mail.mails(2).await.into_iter().map(|mail| mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, [JANE.0, JOHN.0]);
    let sent = ("SENT".to_owned(), 0, None, false);
    eventually("both are noted", async || {
        (house.messages().await == [sent.clone(), sent.clone()]).then_some(())
    })
    .await;
    outbox.stop().await;
    assert_eq!((events(&house.app.ledger, "MessageSent").await, mail.taken()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_or_busy_is_asked_again() {
    let mail = MailServer::start(Mood::Defer).await;
    let mut env = mail.env().to_vec();
    env.push(("LUMBUNG_LIMITS_MAIL_ATTEMPTS", "100"));
    let house = House::open_with(&env).await;
    let outbox = house.start_outbox();
    house.forgot(JOHN.0).await.ok(200);
    mail.tried(3).await;
    let (state, attempts, failure, held) = house.messages().await.remove(0);
    assert_eq!((state.as_str(), failure.as_deref(), held), ("PENDING", Some("DEFERRED"), true));
    assert!(attempts >= 2, "{attempts}");
    mail.set(Mood::Take);
    mail.mails(1).await;
    assert!(house.until_message("SENT").await.1 >= 3);
    outbox.stop().await;
    assert_eq!(mail.taken(), 1);

    let nobody_there = House::open_with(&[
        ("LUMBUNG_MAIL_SMTP_URL", "smtp://127.0.0.1:1"),
        ("LUMBUNG_MAIL_FROM", "no-reply@lumbung.example"),
        ("LUMBUNG_LIMITS_MAIL_RETRY_MS", "10"),
        ("LUMBUNG_LIMITS_MAIL_ATTEMPTS", "3"),
    ])
    .await;
    let outbox = nobody_there.start_outbox();
    nobody_there.forgot(JOHN.0).await.ok(200);
    let parked = nobody_there.until_message("PARKED").await;
    assert_eq!((parked.1, parked.2.as_deref(), parked.3), (3, Some("UNREACHABLE"), false));
    assert_eq!(events(&nobody_there.app.ledger, "MessageAttemptFailed").await, 2);
    assert_eq!((nobody_there.backlog().await.pending, nobody_there.backlog().await.parked), (0, 1));
    outbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_will_take_is_parked_at_once() {
    let mail = MailServer::start(Mood::Refuse).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    house.forgot(JOHN.0).await.ok(200);
    let parked = house.until_message("PARKED").await;
    assert_eq!((parked.1, parked.2.as_deref()), (1, Some("REFUSED")));
    outbox.stop().await;
}

/// At least once: of a message that the server took without saying so, nobody can know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_means_to_send_again() {
    let mail = MailServer::start(Mood::HangUp).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    house.forgot(JOHN.0).await.ok(200);
    let first = mail.mails(1).await.remove(0);
    mail.set(Mood::Take);
    house.until_message("SENT").await;
    let last = mail.mails(2).await.pop().unwrap();
    assert_eq!(first.token(), last.token());
    let id = |text: &str| text.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
    assert!(id(&first.text).is_some());
    assert_eq!(id(&first.text), id(&last.text));
    outbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_dropped() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    house.forgot(JOHN.0).await.ok(200);
    assert_eq!(house.messages().await.len(), 1);
    let pool = superuser(&house.database).await;
    let late = format!(
        "update {}.outbox set expires_at = now() - interval '1 second'",
        house.app.reader.live().name()
    );
    sqlx::query(&late).execute(&pool).await.unwrap();
    let outbox = house.start_outbox();
    let dropped = house.until_message("DROPPED").await;
    assert_eq!((dropped.2.as_deref(), dropped.3), (Some("EXPIRED"), false));
    outbox.stop().await;
    assert_eq!(mail.taken(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_delivers_and_another_takes_over() {
    let mail = MailServer::start(Mood::Take).await;
    let one = House::open_with(&mail.env()).await;
    let two = House::open_on(one.database.clone(), &mail.env()).await;
    let (first, second) = (one.start_outbox(), two.start_outbox());
    for count in 1..=4 {
        let house = if count % 2 == 0 { &one } else { &two };
        house.forgot(JOHN.0).await.ok(200);
        mail.mails(count).await;
    }
    first.stop().await;
    one.forgot(JANE.0).await.ok(200);
    assert_eq!(mail.mails(5).await[4].to, JANE.0);
    one.until_message("SENT").await;
    second.stop().await;
    assert_eq!((mail.taken(), events(&one.app.ledger, "MessageSent").await), (5, 5));
}

/// `kill -9` after the promise and before the mail server has said anything: the next start keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_forgets_no_message() {
    let mail = MailServer::start(Mood::Stall).await;
    let folder = Folder::new();
    let http = Http::new();
    let server = Server::start_with(&folder, &mail.env()).await;
    for _ in 0..3 {
        let body = json!({"email": JOHN.0});
        http.post(server.address(), "/api/auth/forgot-password", None, body).await.unwrap().expect(200);
    }
    mail.tried(1).await;
    server.kill().await;
    mail.set(Mood::Take);
    let server = Server::start_with(&folder, &mail.env()).await;
    let mails = mail.mails(3).await;
    // They come side by side; one of them is the newest, and good.
    let mut done = false;
    for mail in &mails {
        let reset =
            json!({"token": mail.token(), "newPassword": "newPassword1", "confirmPassword": "newPassword1"});
        done |=
            http.post(server.address(), "/api/auth/reset-password", None, reset).await.unwrap().status == 200;
    }
    assert!(done);
    http.login(server.address(), JOHN.0, "newPassword1").await;
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_the_terminal_shows_the_message() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let body = json!({"email": JOHN.0});
    let http = Http::new();
    http.post(server.address(), "/api/auth/forgot-password", None, body).await.unwrap().expect(200);
    let printed = server.printed("your password stays as it is").await;
    assert!(printed.contains("Message (no mail server is configured)"), "{printed}");
    let token = printed.split("#token=").nth(1).unwrap().lines().next().unwrap();
    let reset = json!({"token": token, "newPassword": "newPassword1", "confirmPassword": "newPassword1"});
    http.post(server.address(), "/api/auth/reset-password", None, reset).await.unwrap().expect(200);
    http.login(server.address(), JOHN.0, "newPassword1").await;
    // The terminal is the operator's; the log is not.
    assert!(!server.said().contains(token), "{}", server.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_to_whom_was_erased() {
    let mail = MailServer::start(Mood::Take).await;
    let one = House::open_with(&mail.env()).await;
    one.forgot(JOHN.0).await.ok(200);
    let pool = superuser(&one.database).await;
    let mut connection = pool.acquire().await.unwrap();
    connection.execute("set session_replication_role = replica").await.unwrap();
    let erase = "delete from journal.person_keys where person = (select recipient from outbox)";
    let schema = format!("set search_path = {}", one.app.reader.live().name());
    connection.execute(schema.as_str()).await.unwrap();
    assert_eq!(connection.execute(erase).await.unwrap().rows_affected(), 1);
    // A node that has not held the key in memory.
    let two = House::open_on(one.database.clone(), &mail.env()).await;
    let outbox = two.start_outbox();
    let dropped = two.until_message("DROPPED").await;
    assert_eq!((dropped.2.as_deref(), dropped.3), (Some("ERASED"), false));
    outbox.stop().await;
    assert_eq!(mail.taken(), 0);
    // There is no password to compare with, and that is told like any other wrong one.
    assert_eq!(two.login(JOHN).await.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
}

//! A forgotten password.

use std::time::{Duration, Instant};

use lumbung_commands::Call;
use lumbung_commands::user::{RequestReset, ResetRequest, reset_claim};
use lumbung_domain::{Channel, Email, Letter, MessageId, MessageKind, PendingReset, Queued, UserCommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{House, JANE, JOHN};
use super::smtp::{Mail, MailServer, Mood};
use crate::rest_smoke::{Answer, send};
use crate::support::cluster::superuser;
use crate::support::ledger::{assert_sound, events};

const INVALID: (u16, &str, &str) = (400, "RESET_TOKEN_INVALID", "Invalid or expired reset token");
const SENT: &str = "If the email exists, a password reset link has been sent";

impl House {
    pub(super) async fn forgot(&self, email: &str) -> Answer {
        self.post("/api/auth/forgot-password", json!({"email": email})).await
    }

    async fn reset(&self, token: &str, new: &str, again: &str) -> Answer {
        let body = json!({"token": token, "newPassword": new, "confirmPassword": again});
        self.post("/api/auth/reset-password", body).await
    }

    /// Deactivates somebody, as an administrator would.
    async fn deactivate(&self, data: &Value) {
        let user = self.app.tokens.verify(data["token"].as_str().unwrap()).unwrap().user;
        let command = UserCommand::Deactivate;
        self.app.ledger.execute(Command { user, command }, Call::default()).await.unwrap().outcome.unwrap();
    }
}

/// A command to a user, without anybody who has the right to give it.
struct Command {
    user: lumbung_domain::UserId,
    command: UserCommand,
}

impl lumbung_commands::UseCase for Command {
    const NAME: &'static str = "TestCommand";
    type Outcome = ();

    fn decide(&self, book: &mut lumbung_commands::Book<'_>) -> Result<(), lumbung_commands::Halt> {
        book.run::<lumbung_domain::User>(self.user, self.command.clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_forgotten_password_to_the_new_one() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    let login = house.logged_in(JOHN).await;
    let asked = house.forgot("John.Doe@email.com").await;
    assert_eq!(asked.json["message"], SENT);
    assert!(asked.json.get("data").is_none(), "{}", asked.text);
    asked.ok(200);
    let mails = mail.mails(1).await;
    let Mail { to, text } = &mails[0];
    // To the address that its owner gave, however it was typed now.
    assert_eq!(to, JOHN.0);
    for line in
        ["From: Lumbung <no-reply@lumbung.example>", "To: john.doe@email.com", "Subject: Reset your password"]
    {
        assert!(text.contains(line), "{line} is missing: {text}");
    }
    assert!(text.contains("http://localhost:8080/reset-password#token="), "{text}");
    let token = mails[0].token();

    let mismatch = house.reset(&token, "short", "other").await;
    let words = "New password and confirm password do not match";
    assert_eq!(mismatch.error(), (400, "PASSWORDS_DO_NOT_MATCH", words));
    let short = house.reset("nonsense", "short", "short").await;
    assert_eq!(short.error().2, "newPassword: size must be between 6 and 100");
    assert_eq!(house.reset("nonsense", "newPassword456", "newPassword456").await.error(), INVALID);
    assert_eq!(house.status(&login["token"]).await, 200);

    let done = house.reset(&token, "newPassword456", "newPassword456").await;
    assert_eq!(done.json["message"], "Password reset successfully");
    let device = super::limits::cookie(&done);
    done.ok(200);
    // Who reads the owner's mail is no stranger to the account, whatever others have tried meanwhile.
    while house.login((JOHN.0, "guess")).await.status != 429 {}
    let credentials = json!({"email": JOHN.0, "password": "newPassword456"});
    let known = house.asking("/api/auth/login", &credentials).header("Cookie", &device);
    send(known).await.ok(200);
    assert_eq!(house.reset(&token, "newPassword789", "newPassword789").await.error(), INVALID);
    assert_eq!(house.status(&login["token"]).await, 401);
    assert_eq!(house.refresh(&login["refreshToken"]).await.error().0, 401);
    let old = house.asking("/api/auth/login", &json!({"email": JOHN.0, "password": JOHN.1}));
    assert_eq!(send(old.header("Cookie", device)).await.error().0, 401);
    assert_sound(&house.app.ledger).await;
    outbox.stop().await;
    assert_eq!(mail.taken(), 1);

    // The log knows the token's keyed hash and the sealed letter, and nothing that could be used.
    let pool = superuser(&house.database).await;
    let sql = "select count(*) from journal.events where payload::text ilike $1 or metadata::text ilike $1";
    for secret in [token.as_str(), "john.doe@email", "newPassword", "reset-password#"] {
        let found: i64 = sqlx::query_scalar(sql).bind(format!("%{secret}%")).fetch_one(&pool).await.unwrap();
        assert_eq!(found, 0, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_a_token_void() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    let new = "newPassword456";
    house.forgot(JOHN.0).await.ok(200);
    let first = mail.mails(1).await[0].token();
    house.forgot(JOHN.0).await.ok(200);
    let second = mail.mails(2).await[1].token();
    assert_ne!(first, second);
    assert_eq!(house.reset(&first, new, new).await.error(), INVALID);
    // A change of the password does away with the newer one too.
    let john = house.logged_in(JOHN).await;
    let body = json!({"currentPassword": JOHN.1, "newPassword": "changed1"});
    house.post_as(john["token"].as_str().unwrap(), "/api/auth/change-password", body).await.ok(200);
    assert_eq!(house.reset(&second, new, new).await.error(), INVALID);
    house.logged_in((JOHN.0, "changed1")).await;
    // And so does being deactivated.
    let jane = house.logged_in(JANE).await;
    house.forgot(JANE.0).await.ok(200);
    let third = mail.mails(3).await[2].token();
    house.deactivate(&jane).await;
    assert_eq!(house.reset(&third, new, new).await.error(), INVALID);
    assert_eq!(house.login(JANE).await.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
    assert_eq!(house.refresh(&jane["refreshToken"]).await.error().0, 401);
    assert_eq!(house.status(&jane["token"]).await, 401);
    outbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_too_old_is_told_so() {
    let house = House::open().await;
    let login = house.logged_in(JOHN).await;
    let user = house.app.tokens.verify(login["token"].as_str().unwrap()).unwrap().user;
    let vault = house.app.ledger.vault();
    let token = Uuid::now_v7().to_string();
    let (_, token_hash) = reset_claim(vault, &token);
    let letter = Letter::new(Email::new(JOHN.0).unwrap(), "Hi", String::new()).unwrap();
    let expires_at = chrono::Utc::now();
    let queued = Queued {
        message_id: MessageId(Uuid::now_v7()),
        recipient: user,
        channel: Channel::Email,
        kind: MessageKind::PasswordReset,
        content: vault.sealer(user.0).await.unwrap().seal(&letter).unwrap(),
        queued_at: expires_at,
        expires_at: Some(expires_at),
    };
    let request = ResetRequest {
        user,
        reset: PendingReset { token_hash, expires_at },
        queued,
        unless_good_after: expires_at,
    };
    let request = RequestReset { request: Some(request) };
    house.app.ledger.execute(request, Call::default()).await.unwrap().outcome.unwrap();
    assert_eq!(house.reset(&token, "newPassword456", "newPassword456").await.error(), INVALID);
    house.logged_in(JOHN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_use_one_token_at_once_are_one_too_many() {
    let mail = MailServer::start(Mood::Take).await;
    let house = House::open_with(&mail.env()).await;
    let outbox = house.start_outbox();
    house.forgot(JOHN.0).await.ok(200);
    let token = mail.mails(1).await[0].token();
    let resets = (0..8).map(|number| {
        let (house, token, new) = (&house, &token, format!("password-{number}"));
        async move { house.reset(token, &new, &new).await.status.as_u16() }
    });
    let mut told = futures_util::future::join_all(resets).await;
    told.sort_unstable();
    assert_eq!(told, [200, 400, 400, 400, 400, 400, 400, 400]);
    assert_eq!(events(&house.app.ledger, "PasswordSet").await, 1);
    outbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_who_has_an_account() {
    let house = House::open().await;
    let jane = house.logged_in(JANE).await;
    house.deactivate(&jane).await;
    let (mut bodies, mut durations) = (Vec::new(), Vec::new());
    for email in [JOHN.0, JANE.0, "nobody@email.com"] {
        let before = house.app.ledger.feed().reached();
        let mut times = Vec::new();
        for round in 0..5 {
            let started = Instant::now();
            let answer = house.forgot(email).await;
            times.push(started.elapsed());
            if round == 0 {
                assert_eq!(answer.headers["ledger-position"], before.to_string(), "{email}");
                bodies.push((
                    answer.status,
                    answer.json["message"].clone(),
                    answer.json.as_object().unwrap().len(),
                ));
            }
        }
        times.sort_unstable();
        durations.push(times[2]);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    // All wait for the same instant, which comes long after the work is done.
    let (least, most) = (durations.iter().min().unwrap(), durations.iter().max().unwrap());
    assert!(*least >= Duration::from_millis(250), "{durations:?}");
    assert!(*most < *least * 3 / 2, "{durations:?}");
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 5);
    for (body, what) in
        [(json!({}), "email: is required"), (json!({"email": "x"}), "email: must be a valid email")]
    {
        assert_eq!(house.post("/api/auth/forgot-password", body).await.error().2, what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_takes_as_long_for_nobody_as_for_somebody() {
    let house = House::open_with(&[("LUMBUNG_LIMITS_FAILED_LOGINS_PER_QUARTER_HOUR", "1000")]).await;
    let jane = house.logged_in(JANE).await;
    house.deactivate(&jane).await;
    let who = [(JOHN.0, "wrong"), (JANE.0, JANE.1), ("nobody@email.com", "wrong"), ("?", "wrong")];
    let mut times = [const { Vec::new() }; 4];
    // Interleaved, so that a busy machine slows them all.
    for _ in 0..15 {
        for (who, times) in who.iter().zip(&mut times) {
            let started = Instant::now();
            let answer = house.login(*who).await;
            times.push(started.elapsed());
            assert_eq!(answer.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    // Without a hash to compare with, an answer would take a tenth of the time.
    assert!(*most < *least * 2, "{medians:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_without_a_mail_server_says_so() {
    let key = "5a".repeat(32);
    let house = House::open_with(&[
        ("LUMBUNG_ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://nobody@nowhere/nothing"),
        ("LUMBUNG_MASTER_KEY", &key),
        ("LUMBUNG_TOKEN_KEY", &key),
    ])
    .await;
    for email in [JOHN.0, "nobody@email.com"] {
        let answer = house.forgot(email).await;
        let words = "E-mail is not available. Please contact us.";
        assert_eq!(answer.error(), (503, "MAIL_UNAVAILABLE", words));
    }
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 0);
    let started = lumbung::outbox::Outbox::start(&house.config, &house.database, &house.app).unwrap();
    assert!(started.is_none());
    let wrong = send(house.request(Method::GET, "/api/auth/forgot-password")).await;
    assert_eq!(wrong.error().0, 405);
}

/// However many addresses somebody asks from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_fills_the_mailbox_of_another() {
    let house = House::open_with(&[("LUMBUNG_LIMITS_MESSAGES_PER_ACCOUNT_PER_HOUR", "4")]).await;
    for _ in 0..4 {
        let answer = house.forgot(JOHN.0).await;
        assert_eq!((answer.status.as_u16(), &answer.json["message"]), (200, &json!(SENT)));
    }
    house.forgot(JANE.0).await.ok(200);
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 2);
}

/// Whoever knows somebody's address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_neither_void_the_owners_token_nor_use_up_the_messages() {
    let mail = MailServer::start(Mood::Take).await;
    let mut env = mail.env().to_vec();
    env.push(("LUMBUNG_LIMITS_MESSAGES_PER_ACCOUNT_PER_HOUR", "5"));
    env.push(("LUMBUNG_LIMITS_SENSITIVE_REQUESTS_PER_HOUR", "20"));
    let house = House::open_with(&env).await;
    let outbox = house.start_outbox();
    for _ in 0..6 {
        house.forgot(JOHN.0).await.ok(200);
    }
    let token = mail.mails(1).await[0].token();
    assert_eq!(events(&house.app.ledger, "MessageQueued").await, 1);
    // Nor does junk from the same address hold back a good token.
    let new = "newPassword456";
    while house.reset("nonsense", new, new).await.status != 429 {}
    house.reset(&token, new, new).await.ok(200);
    // It is used, so the next is sent at once.
    house.forgot(JOHN.0).await.ok(200);
    let next = mail.mails(2).await[1].token();
    house.reset(&next, "newPassword789", "newPassword789").await.ok(200);
    outbox.stop().await;
}

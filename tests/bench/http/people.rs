//! Customers with tokens, and the database that every measurement begins with.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::try_join_all;
use lumbung::auth::Tokens;
use lumbung_commands::ledger::Call;
use lumbung_commands::wallet::TopUp;
use lumbung_commands::{Expected, Ledger};
use lumbung_domain::{Rupiah, TopUpId, UserId};
use serde_json::Value;
use sqlx::{Connection as _, Executor, PgConnection};
use uuid::Uuid;

use super::server::{Server, Setup};
use super::wire::{Connection, request};
use crate::Failure;
use crate::arena::{Arena, close_ledger, open_ledger};
use crate::customers::{Customer, PASSWORD, email};

/// The database that measurements are copies of.
pub(crate) const TEMPLATE: &str = "bench_http_template";

/// Enough for every payment of every run, far from what a wallet may hold.
const BALANCE: i64 = 1_000_000_000_000;
/// Entries that every wallet has before the clock starts, so that a report has something to say.
const ENTRIES: usize = 20;
/// Customers who get their token by logging in; the others' is made by the same code in here.
pub(crate) const LOGINS: usize = 8;
const TOKENS_LAST: Duration = Duration::from_secs(3_600);

/// A customer who asks over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) token: String,
}

/// Fills the wallets, makes the read models and tries that people can log in.
pub(crate) async fn prepare(arena: &Arena, setup: &Setup) -> Result<(), Failure> {
    let stage = arena.stage(TEMPLATE).await?;
    let (ledger, task) = open_ledger(&stage.database).await?;
    fill_wallets(&ledger, &arena.customers).await?;
    close_ledger(ledger, task).await?;
    let server = Server::start(setup, &stage.database).await?;
    server.rest().await?;
    server.stop().await?;
    let mut connection = PgConnection::connect_with(&stage.database).await?;
    connection.execute("vacuum (analyze)").await?;
    connection.close().await?;
    Ok(())
}

/// Credits everybody with money enough, in so many entries.
async fn fill_wallets(ledger: &Ledger, customers: &[Customer]) -> Result<(), Failure> {
    let amount = Rupiah::new(BALANCE / i64::try_from(ENTRIES)?)?;
    for _ in 1..ENTRIES {
        for some in customers.chunks(250) {
            try_join_all(some.iter().map(|customer| credit(ledger, customer, amount))).await?;
        }
    }
    Ok(())
}

async fn credit(ledger: &Ledger, customer: &Customer, amount: Rupiah) -> Result<(), Failure> {
    let use_case = TopUp {
        actor: customer.actor,
        top_up_id: TopUpId(Uuid::now_v7()),
        amount,
        remarks: None,
        expected: Expected::Anything,
    };
    let answer = ledger.execute(use_case, Call::default()).await?;
    answer.outcome.map(|_| ()).map_err(|rejection| format!("refused: {rejection:?}").into())
}

/// Everybody with a token: the first `logins` log in, as everybody would; for the others' sessions, which are open since they
/// registered, the product's issuer signs here what it would sign there.
pub(crate) async fn with_tokens(
    server: &Server,
    setup: &Setup,
    customers: &[Customer],
    logins: usize,
) -> Result<Arc<Vec<Person>>, Failure> {
    let tokens = Tokens::new(&setup.token_key, TOKENS_LAST, TOKENS_LAST);
    let mut people = Vec::with_capacity(customers.len());
    for customer in customers {
        let actor = customer.actor;
        people.push(Person { user: actor.user, token: tokens.issue(actor.user, actor.session, Utc::now())? });
    }
    let mut connection = Connection::open(server.address).await?;
    for (at, person) in people.iter_mut().enumerate().take(logins) {
        person.token = log_in(&mut connection, i64::try_from(at)? + 1).await?;
    }
    Ok(Arc::new(people))
}

async fn log_in(connection: &mut Connection, number: i64) -> Result<String, Failure> {
    let body = serde_json::json!({ "email": email(number), "password": PASSWORD }).to_string();
    let answer = connection.succeed(&request("POST", "/api/auth/login", &[], Some(&body))).await?;
    let answer: Value = serde_json::from_slice(answer)?;
    let data = &answer["data"];
    let token = data["token"].as_str();
    Ok(token.ok_or_else(|| format!("a login without a token: {answer}"))?.to_owned())
}

//! (c) The product's loop: a customer tops up the own wallet, with everything that production does between the
//! parsed request and the acknowledged commit: the remarks sealed, session, user and role checked in the loop, the
//! events chained.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use lumbung_commands::ledger::{Call, IdempotencyKey};
use lumbung_commands::wallet::TopUp;
use lumbung_commands::{Actor, Expected, Ledger};
use lumbung_domain::{Remarks, Rupiah, TopUpId};
use lumbung_journal::Sealer;
use uuid::Uuid;

use crate::Failure;
use crate::arena::{Arena, REMARKS, close_ledger, open_ledger};
use crate::closed_loop::{Commands, Figure, drive};
use crate::customers::Customer;

const ROUTE: &str = "POST /api/wallets/top-up";
const BODY: &[u8] = br#"{"amount":10000,"remarks":"Monthly savings"}"#;

/// How the product is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) callers: usize,
    /// A fresh Idempotency-Key on every command.
    pub(crate) keys: bool,
    /// All on one wallet instead of spread over all.
    pub(crate) one_wallet: bool,
}

/// A customer with what the edge keeps in memory for them.
pub(crate) struct Depositor {
    actor: Actor,
    sealer: Sealer,
}

impl Depositor {
    pub(crate) async fn all(ledger: &Ledger, customers: &[Customer]) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::with_capacity(customers.len());
        for Customer { actor } in customers {
            all.push(Self { actor: *actor, sealer: ledger.vault().sealer(actor.user.0).await? });
        }
        Ok(all)
    }
}

struct TopUps {
    ledger: Ledger,
    depositors: Arc<Vec<Depositor>>,
    amount: Rupiah,
    remarks: Remarks,
    keys: bool,
    one_wallet: bool,
}

impl TopUps {
    fn new(ledger: Ledger, depositors: Arc<Vec<Depositor>>, load: Load) -> Result<Self, Failure> {
        let amount = Rupiah::new(10_000)?;
        let remarks = Remarks::new(REMARKS)?;
        Ok(Self { ledger, depositors, amount, remarks, keys: load.keys, one_wallet: load.one_wallet })
    }

    async fn top_up(&self, depositor: &Depositor) -> Result<(), Failure> {
        let actor = depositor.actor;
        let request = Uuid::now_v7();
        let use_case = TopUp {
            actor,
            top_up_id: TopUpId(Uuid::now_v7()),
            amount: self.amount,
            remarks: Some(depositor.sealer.seal(&self.remarks)?),
            expected: Expected::Anything,
        };
        let vault = self.ledger.vault();
        let key = self.keys.then(|| IdempotencyKey {
            key: vault.keyed_hash(
                "idempotency key",
                &[actor.user.0.as_bytes(), ROUTE.as_bytes(), request.as_bytes()],
            ),
            body: vault.keyed_hash("idempotency body", &[BODY]),
        });
        let metadata = vec![("actor", actor.user.to_string()), ("request_id", request.to_string())];
        let answer = self.ledger.execute(use_case, Call { metadata, key }).await?;
        answer.outcome.map_err(|rejection| format!("refused: {rejection:?}"))?;
        Ok(())
    }
}

impl Commands for TopUps {
    async fn one(&self, _caller: usize, draw: u64) -> Result<u64, Failure> {
        let which = if self.one_wallet { 0 } else { draw as usize % self.depositors.len() };
        self.top_up(&self.depositors[which]).await.map(|()| 0)
    }
}

/// One command on every wallet: as in a server that has run for a while, all streams are in memory afterwards.
pub(crate) async fn warm_up(ledger: &Ledger, depositors: &Arc<Vec<Depositor>>) -> Result<(), Failure> {
    let load = Load { callers: 1, keys: false, one_wallet: false };
    let commands = TopUps::new(ledger.clone(), Arc::clone(depositors), load)?;
    for some in depositors.chunks(200) {
        try_join_all(some.iter().map(|depositor| commands.top_up(depositor))).await?;
    }
    Ok(())
}

pub(crate) async fn measure(arena: &Arena, load: Load, length: Duration) -> Result<Figure, Failure> {
    let stage = arena.stage("bench_ledger").await?;
    let figure = measure_on(arena, &stage.database, load, length).await?;
    arena.drop_stage(stage).await?;
    Ok(figure)
}

/// Measures on a database that is a copy of the template.
pub(crate) async fn measure_on(
    arena: &Arena,
    database: &sqlx::postgres::PgConnectOptions,
    load: Load,
    length: Duration,
) -> Result<Figure, Failure> {
    let (ledger, task) = open_ledger(database).await?;
    let depositors = Arc::new(Depositor::all(&ledger, &arena.customers).await?);
    warm_up(&ledger, &depositors).await?;
    let before = ledger.counts();
    let commands = Arc::new(TopUps::new(ledger.clone(), depositors, load)?);
    let mut figure = drive(Arc::clone(&commands), load.callers, length, arena.meter).await?;
    let after = ledger.counts();
    drop(commands);
    close_ledger(ledger, task).await?;
    let batches = after.batches - before.batches;
    figure.per_batch = Some((after.commands - before.commands) as f64 / batches.max(1) as f64);
    if after.moved != 0 || after.replayed != 0 || after.differences != 0 {
        return Err(format!("the measurement is not what it should be: {after:?}").into());
    }
    Ok(figure)
}

//! (b) cqrs-es and postgres-es as published: their framework, their event store, their pool size, the same wallet
//! rules, the same event and metadata. No session, role, seal or chain: they have none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cqrs_es::AggregateError;
use lumbung_domain::{Cqrs, Remarks, Rupiah, Sealed, TopUpId, UserId, Wallet, WalletCommand, WalletSource};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::Failure;
use crate::arena::{Arena, Sample, WALLETS};
use crate::closed_loop::{Commands, Figure, drive};

/// The table of their `db/init.sql`.
pub(crate) const TABLE: &str = "create table public.events (
    aggregate_type text                         not null,
    aggregate_id   text                         not null,
    sequence       bigint check (sequence >= 0) not null,
    event_type     text                         not null,
    event_version  text                         not null,
    payload        json                         not null,
    metadata       json                         not null,
    primary key (aggregate_type, aggregate_id, sequence)
)";

/// What their `default_postgress_pool` opens.
const POOL: u32 = 10;

struct Credits {
    framework: PostgresCqrs<Cqrs<Wallet>>,
    owners: Vec<(UserId, String)>,
    amount: Rupiah,
    remarks: Sealed<Remarks>,
}

impl Credits {
    async fn open(database: &PgConnectOptions, sample: &Sample) -> Result<(Self, sqlx::PgPool), Failure> {
        let pool = PgPoolOptions::new().max_connections(POOL).connect_with(database.clone()).await?;
        let owners = (0..WALLETS as u128).map(|n| UserId(Uuid::from_u128(0x1000_0000 + n)));
        let credits = Self {
            framework: postgres_cqrs(pool.clone(), Vec::new(), ()),
            owners: owners.map(|owner| (owner, owner.to_string())).collect(),
            amount: Rupiah::new(10_000)?,
            remarks: Sealed::from_ciphertext(sample.remarks.as_str()),
        };
        Ok((credits, pool))
    }

    /// Answers how often the command met a conflict; a client would try again as well.
    async fn credit(&self, (owner, id): &(UserId, String)) -> Result<u64, Failure> {
        let request = Uuid::now_v7();
        let command = WalletCommand::Credit {
            owner: *owner,
            amount: self.amount,
            source: WalletSource::TopUp { top_up_id: TopUpId(Uuid::now_v7()) },
            remarks: Some(self.remarks.clone()),
            business_on: chrono::Utc::now().date_naive(),
        };
        let metadata = HashMap::from([
            ("actor".to_owned(), id.clone()),
            ("request_id".to_owned(), request.to_string()),
            ("use_case".to_owned(), "TopUp".to_owned()),
        ]);
        let mut conflicts = 0;
        loop {
            match self.framework.execute_with_metadata(id, command.clone(), metadata.clone()).await {
                Ok(()) => return Ok(conflicts),
                Err(AggregateError::AggregateConflict) => conflicts += 1,
                Err(error) => return Err(error.to_string().into()),
            }
        }
    }
}

impl Commands for Credits {
    async fn one(&self, _caller: usize, draw: u64) -> Result<u64, Failure> {
        self.credit(&self.owners[draw as usize % self.owners.len()]).await
    }
}

/// Gives every wallet its first event, as the product's have theirs.
pub(crate) async fn open_wallets(database: &PgConnectOptions, sample: &Sample) -> Result<(), Failure> {
    let (credits, pool) = Credits::open(database, sample).await?;
    for owner in &credits.owners {
        credits.credit(owner).await?;
    }
    pool.close().await;
    Ok(())
}

pub(crate) async fn measure(arena: &Arena, callers: usize, length: Duration) -> Result<Figure, Failure> {
    let stage = arena.stage("bench_published").await?;
    let (credits, pool) = Credits::open(&stage.database, &arena.sample).await?;
    let figure = drive(Arc::new(credits), callers, length, arena.meter).await?;
    pool.close().await;
    arena.drop_stage(stage).await?;
    Ok(figure)
}

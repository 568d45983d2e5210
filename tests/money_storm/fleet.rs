//! The servers of a round, what dies, and how it comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lumbung_commands::settlement::PROCESS;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::PATIENCE;
use super::doors::Doors;
use crate::crash::dice::Dice;
use crate::served::{Folder, Server};

/// Includes the recovery of PostgreSQL on a slow and busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(240);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kill {
    /// One server; with another one beside it, that one goes on and takes PostgreSQL over.
    Server,
    /// The server that owns it starts it again.
    Postgres,
    /// PostgreSQL and every server at the same moment, as when a machine loses its power but not its page cache.
    Everything,
    /// One server, a little after PostgreSQL.
    PostgresThenServer,
    /// The connection on which a server holds the right to settle transfers: another one takes it before the first has
    /// noticed, and both settle for a while.
    Lease,
}

pub(super) struct Fleet {
    /// `None` while it is down.
    servers: Vec<Option<Server>>,
    database: PgConnectOptions,
    pub(super) kills: BTreeMap<Kill, u64>,
}

impl Fleet {
    pub(super) async fn start(folder: &Folder, count: usize) -> Self {
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(Some(start(folder).await));
        }
        Self { servers, database: folder.database().await, kills: BTreeMap::new() }
    }

    pub(super) fn database(&self) -> PgConnectOptions {
        self.database.clone()
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.servers.iter().flatten().map(|server| server.address().to_owned()).collect()
    }

    /// Kills every few seconds until the time is over.
    pub(super) async fn suffer(
        mut self,
        folder: &Folder,
        doors: &Doors,
        mut dice: Dice,
        length: Duration,
    ) -> Self {
        let end = Instant::now() + length;
        // A short storm has its kills closer together.
        let (shortest, longest) =
            if length < Duration::from_secs(30) { (500, 2_000) } else { (1_000, 5_000) };
        loop {
            let pause = dice.millis(shortest, longest);
            if Instant::now() + pause >= end {
                tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
                return self;
            }
            tokio::time::sleep(pause).await;
            let kill = match dice.below(100) {
                0..30 => Kill::Server,
                30..50 => Kill::Postgres,
                50..65 => Kill::Everything,
                65..80 => Kill::PostgresThenServer,
                _ => Kill::Lease,
            };
            *self.kills.entry(kill).or_default() += 1;
            self.strike(kill, folder, doors, &mut dice).await;
        }
    }

    /// Kills, starts what nobody else starts, and returns once every server is ready.
    async fn strike(&mut self, kill: Kill, folder: &Folder, doors: &Doors, dice: &mut Dice) {
        // Half of the time its commits are cut short, half of the time they come through without an answer.
        let kill_postgres =
            if dice.percent(50) { Folder::kill_all_of_postgres } else { Folder::kill_postgres };
        let one = dice.below(self.servers.len() as u64) as usize;
        let pause = dice.millis(0, 300);
        let dead = match kill {
            Kill::Server | Kill::Lease => None,
            Kill::Postgres | Kill::Everything | Kill::PostgresThenServer => kill_postgres(folder),
        };
        match kill {
            Kill::Server => self.kill(one).await,
            Kill::Postgres => {}
            Kill::Lease => self.cut_lease().await,
            Kill::Everything => {
                for slot in 0..self.servers.len() {
                    self.kill(slot).await;
                }
            }
            Kill::PostgresThenServer => {
                tokio::time::sleep(pause).await;
                self.kill(one).await;
            }
        }
        if kill == Kill::Server {
            // The other one, if there is one, works alone for a while.
            tokio::time::sleep(pause * 4).await;
        }
        for slot in 0..self.servers.len() {
            if self.servers[slot].is_none() {
                let server = start(folder).await;
                doors.move_to(slot, server.address());
                self.servers[slot] = Some(server);
            }
        }
        let started = Instant::now();
        while folder.postgres().is_none_or(|pid| Some(pid) == dead) {
            self.assert_alive();
            assert!(started.elapsed() < PATIENCE, "nobody started PostgreSQL again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for server in self.servers.iter_mut().flatten() {
            if tokio::time::timeout(BACK_WITHIN, server.wait_ready()).await.is_err() {
                let state = state_of(&self.database).await;
                panic!("not ready {BACK_WITHIN:?} after {kill:?}; it said:\n{}\n{state}", server.said());
            }
        }
    }

    async fn cut_lease(&self) {
        let mut connection = PgConnection::connect_with(&self.database).await.unwrap();
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
             where locktype = 'advisory' and granted and application_name = $1",
        )
        .bind(format!("lumbung-{PROCESS}"))
        .execute(&mut connection)
        .await
        .unwrap();
    }

    async fn kill(&mut self, slot: usize) {
        if let Some(server) = self.servers[slot].take() {
            server.kill().await;
        }
    }

    fn assert_alive(&mut self) {
        self.servers.iter_mut().flatten().for_each(Server::assert_alive);
    }

    /// Stops every server as a supervisor of services would, and starts one: what nobody waits for any more is over then,
    /// done or not.
    pub(super) async fn settle(mut self, folder: &Folder, doors: &Doors) -> Server {
        let count = self.servers.len();
        for server in self.servers.drain(..).flatten() {
            assert!(server.stop().await.success());
        }
        let server = start(folder).await;
        for slot in 0..count {
            doors.move_to(slot, server.address());
        }
        server
    }
}

/// What PostgreSQL is at, for whoever has to find out why a server does not come back.
async fn state_of(database: &PgConnectOptions) -> String {
    let asking = async {
        let mut connection = PgConnection::connect_with(database).await?;
        sqlx::query_scalar::<_, String>(
            "select concat_ws(' ', pid, application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid),
                 now() - state_change, query)
             from pg_stat_activity where backend_type = 'client backend' order by pid",
        )
        .fetch_all(&mut connection)
        .await
    };
    match tokio::time::timeout(Duration::from_secs(5), asking).await {
        Ok(Ok(lines)) => lines.join("\n"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "PostgreSQL does not answer".to_owned(),
    }
}

async fn start(folder: &Folder) -> Server {
    Server::start_with(folder, &[("LUMBUNG_DEMO", "false")]).await
}

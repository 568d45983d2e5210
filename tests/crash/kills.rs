//! What dies in a round, and how it comes back.

use std::time::{Duration, Instant};

use super::PATIENCE;
use super::dice::Dice;
use crate::served::{Folder, Server};

#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    /// PostgreSQL goes on without an owner and is adopted.
    Server,
    /// The server starts it again.
    Postgres,
    /// At the same moment, as when a machine loses its power but not its page cache.
    Both,
    /// The server has a while to tell its clients what PostgreSQL did not get to write.
    PostgresThenServer,
}

impl Kill {
    pub(super) const ALL: [Self; 4] = [Self::Server, Self::Postgres, Self::Both, Self::PostgresThenServer];

    /// Kills, starts what nobody else starts, and returns once the server is ready.
    pub(super) async fn strike(self, folder: &Folder, server: Server, dice: &mut Dice) -> Server {
        // Half of the time its commits are cut short, half of the time they come through without an answer.
        let kill_postgres =
            if dice.percent(50) { Folder::kill_all_of_postgres } else { Folder::kill_postgres };
        match self {
            Self::Server => {
                server.kill().await;
                Server::start(folder).await
            }
            Self::Postgres => {
                let mut server = server;
                let killed = kill_postgres(folder);
                assert!(killed.is_some(), "PostgreSQL was not running");
                let started = Instant::now();
                while folder.postgres().is_none_or(|pid| Some(pid) == killed) {
                    server.assert_alive();
                    assert!(started.elapsed() < PATIENCE, "nobody started PostgreSQL again");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                server.wait_ready().await;
                server
            }
            Self::Both => {
                kill_postgres(folder);
                server.kill().await;
                Server::start(folder).await
            }
            Self::PostgresThenServer => {
                kill_postgres(folder);
                tokio::time::sleep(dice.millis(5, 300)).await;
                server.kill().await;
                Server::start(folder).await
            }
        }
    }
}

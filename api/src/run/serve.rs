//! `lumbung serve`: one node behind HTTP, until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::RunError;
use crate::app::App;
use crate::cli::{CommonArgs, Exit, ServeArgs};
use crate::config::Config;
use crate::daily_run::DailyRun;
use crate::expiry::Expiry;
use crate::node::{Ended, Node, ledger_options};
use crate::outbox::Outbox;
use crate::place::Place;
use crate::rest;
use crate::uploads::keep_swept;
use crate::{daily_run, demo, expiry, http};

/// How long open requests may take once the server was told to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(15);

/// Nobody but a collector of metrics comes there.
const PRIVATE: http::Bounds = http::Bounds { connections: 16, write_within: Duration::from_secs(10) };
const DRAIN_PRIVATE_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn run(common: &CommonArgs, args: &ServeArgs) -> Result<Exit, RunError> {
    let config = Config::resolve(common, args)?;
    let secrets = config.secrets()?;
    // Bind first: a second server on the same address says so before it touches anything.
    let listener = bind(config.listen).await?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let private = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let place = Place::open(&config).await?;
    if let Some(about) = place.about_cluster() {
        info!("{about}");
    }
    let served = serve(&config, &secrets, &place, (listener, private), address).await;
    place.leave().await?;
    served
}

async fn bind(address: SocketAddr) -> Result<TcpListener, RunError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| RunError::Environment(format!("cannot listen on {address}"), source))
}

async fn serve(
    config: &Config,
    secrets: &crate::data_dir::Secrets,
    place: &Place,
    (listener, private): (TcpListener, Option<TcpListener>),
    address: SocketAddr,
) -> Result<Exit, RunError> {
    if config.demo_history {
        super::demo_history::begin_with_a_small_one(config, secrets, place).await?;
    }
    let pool_size = u32::try_from(config.limits.pool_connections).unwrap_or(u32::MAX);
    let node = Node::start(ledger_options(place.database(), &secrets.master_key, config), pool_size).await?;
    let app = Arc::new(App::new(config, &secrets.token_key, &node));
    // A folder that cannot take files is said now, not to the first customer.
    app.uploads.store().await.map_err(RunError::Uploads)?;
    if config.demo {
        demo::seed(&app).await.map_err(RunError::Demo)?;
    }
    let private = private.map(|listener| Private::serve(listener, &app));
    let outbox = Outbox::start(config, place.database(), &app).map_err(RunError::Mail)?;
    let expiry = Expiry::new(&node, expiry::Settings::of(config)).start();
    let daily_run = DailyRun::new(&node, daily_run::Settings::of(config)).start();
    greet(config, address);
    let sweeper = {
        let app = Arc::clone(&app);
        tokio::spawn(async move { keep_swept(&app.uploads, app.ledger.pool()).await })
    };
    let mut ended = node.ended();
    let stopped = {
        let router = rest::router(Arc::clone(&app));
        let bounds = http::Bounds {
            connections: http::connections(config.limits.http_connections),
            write_within: Duration::from_millis(config.limits.write_timeout_ms),
        };
        let mut reason = None;
        let told = async {
            reason = wait(&mut ended).await;
            app.operations.end();
        };
        if !http::serve(listener, router, bounds, told, DRAIN_WITHIN).await {
            warn!("requests were still open after {} s", DRAIN_WITHIN.as_secs());
        }
        reason
    };
    if let Some(private) = private {
        private.end().await;
    }
    // It holds the app, and with it the ledger.
    sweeper.abort();
    let _ = sweeper.await;
    if let Some(outbox) = outbox {
        outbox.stop().await;
    }
    app.audit.flush().await;
    drop(app);
    expiry.stopped().await;
    daily_run.stopped().await;
    node.stop().await;
    match stopped {
        None => {
            info!("stopped");
            Ok(Exit::Done)
        }
        Some(reason) => Err(RunError::Ended(reason)),
    }
}

/// The second listener.
struct Private {
    task: JoinHandle<bool>,
    stop: oneshot::Sender<()>,
}

impl Private {
    fn serve(listener: TcpListener, app: &Arc<App>) -> Self {
        if let Ok(address) = listener.local_addr() {
            info!(%address, "metrics are served without a session");
        }
        let (stop, told) = oneshot::channel();
        let told = async { drop(told.await) };
        let router = rest::private_router(Arc::clone(app));
        let task = http::serve(listener, router, PRIVATE, told, DRAIN_PRIVATE_WITHIN);
        Self { task: tokio::spawn(task), stop }
    }

    async fn end(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

/// Until the process is told to stop, or the node cannot go on.
async fn wait(ended: &mut watch::Receiver<Option<Ended>>) -> Option<Ended> {
    let told = async {
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            // Without signal handlers the default action ends the process; it is a crash like any other.
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        () = told => None,
        found = ended.wait_for(Option::is_some) => match found {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        },
    }
}

fn greet(config: &Config, address: SocketAddr) {
    println!("Lumbung is ready on http://{address}");
    if config.demo {
        println!();
        println!("Demo accounts:");
        for account in demo::accounts() {
            println!("  {:<26} {}", account.email, account.password);
        }
        let wallet = demo::wallet_user();
        println!("  {:<26} {} (wallet: phone and PIN)", wallet.phone, wallet.pin);
        println!();
        println!("Try:");
        println!(
            "  curl -s http://{address}/api/auth/login -H 'Content-Type: application/json' \\\n    \
             -d '{{\"email\":\"john.doe@email.com\",\"password\":\"customer123\"}}'"
        );
    }
}

//! What each subcommand does. Results go to stdout, everything else to stderr; the exit codes are `cli::Exit`'s.

mod admin;
mod config;
mod demo_history;
mod doctor;
mod export;
mod import;
mod migrate;
mod passphrase;
mod rebuild;
mod replay;
mod serve;
mod verify;

use std::error::Error;

use lumbung_journal::JournalError;
use lumbung_projections::ProjectionError;
use tracing::error;

use crate::cli::{AdminCommand, Command, CommonArgs, Exit, ServeArgs};
use crate::config::{Config, ConfigError, LogFormat};
use crate::data_dir::DataDirError;
use crate::log;
use crate::node::NodeError;
use crate::place::{Place, PlaceError};

/// Why a subcommand did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] DataDirError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("the database")]
    Journal(#[from] JournalError),
    #[error("the read models")]
    Projections(#[from] ProjectionError),
    #[error("the node did not start")]
    Node(#[from] NodeError),
    #[error("the demo data")]
    Demo(#[source] crate::demo::DemoError),
    #[error("the demo history")]
    History(#[from] crate::demo_history::HistoryError),
    #[error("uploads cannot be taken")]
    Uploads(#[source] crate::uploads::UploadsError),
    #[error("the password")]
    Password(#[from] crate::auth::PasswordsError),
    #[error("the ledger did not answer")]
    NoAnswer(#[from] lumbung_commands::NoAnswer),
    #[error("the mail server's address")]
    Mail(#[source] lettre::transport::smtp::Error),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Environment(String, #[source] std::io::Error),
    #[error("the node stopped")]
    Ended(#[source] crate::node::Ended),
}

impl RunError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(error) => error.exit(),
            Self::Usage(_) | Self::Mail(_) => Exit::Usage,
            Self::Keys(_) | Self::Place(_) | Self::Uploads(_) | Self::Environment(..) => Exit::Environment,
            Self::Journal(error) | Self::Node(NodeError::Journal(error)) if error.is_transient() => {
                Exit::Environment
            }
            Self::History(error) => error.exit(),
            Self::Journal(_)
            | Self::Projections(_)
            | Self::Node(_)
            | Self::Demo(_)
            | Self::Password(_)
            | Self::NoAnswer(_)
            | Self::Ended(_) => Exit::Fatal,
        }
    }
}

/// Runs a subcommand to its end.
pub async fn run(common: &CommonArgs, command: Command) -> Exit {
    let serve = match &command {
        Command::Serve(args) => args.clone(),
        _ => ServeArgs::default(),
    };
    // Settings that are wrong are told by the subcommand, which resolves them too.
    let logs = Config::resolve(common, &serve).map(|config| config.log).unwrap_or_default();
    log::start(&logs);
    let result = match command {
        Command::Serve(args) => serve::run(common, &args).await,
        Command::Migrate => migrate::run(common).await,
        Command::Verify => verify::run(common).await,
        Command::Replay { aggregate_type, aggregate_id } => {
            replay::run(common, &aggregate_type, &aggregate_id).await
        }
        Command::Export(args) => export::run(common, &args).await,
        Command::Import(args) => import::run(common, &args).await,
        Command::Admin(AdminCommand::Create(args)) => admin::create(common, &args).await,
        Command::Rebuild => rebuild::run(common).await,
        Command::DemoHistory(args) => demo_history::run(common, &args).await,
        Command::Doctor => doctor::run(common).await,
        Command::Config => config::run(common),
    };
    result.unwrap_or_else(|error| {
        match logs.format {
            LogFormat::Text => eprintln!("error: {}", chain(&error)),
            LogFormat::Json => error!(error = &error as &dyn Error, "lumbung ends with an error"),
        }
        error.exit()
    })
}

/// An error with its sources, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = error.source();
    }
    text
}

/// The settings and the database of a subcommand that is not `serve`.
async fn place(common: &CommonArgs) -> Result<(Config, Place), RunError> {
    let config = Config::resolve(common, &ServeArgs::default())?;
    let place = Place::open(&config).await?;
    Ok((config, place))
}

//! The command line: what can be typed, and what the exit codes mean. Values that may also come from the
//! environment or the configuration file are resolved in `config`, so that one place knows the order.
//!
//! There is deliberately no flag for the database URL or the keys: arguments are visible to every user of the
//! machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::demo_history::{MOST_CUSTOMERS, MOST_YEARS};

/// An event-sourced loan ledger on PostgreSQL.
///
/// Without a subcommand, `lumbung` serves. PostgreSQL is the one at DATABASE_URL or, when that is not set, a
/// private one that Lumbung starts in its data folder.
#[derive(Debug, Parser)]
#[command(name = "lumbung", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  finding: the ledger or the file did not verify, a check failed, or what was to be made exists already
  2  wrong usage or configuration
  3  the environment is missing something, such as PostgreSQL
  4  fatal

Environment:
  DATABASE_URL         the PostgreSQL to use instead of the private one
  LUMBUNG_MASTER_KEY   64 hex digits; wraps the keys of all persons
  LUMBUNG_TOKEN_KEY    64 hex digits; signs access tokens
  LUMBUNG_EXPORT_PASSPHRASE
                       under which the keys of an export travel
  LUMBUNG_...          every setting that `lumbung config` prints, e.g. LUMBUNG_LISTEN,
                       LUMBUNG_LIMITS_BODY_BYTES; flags win over these, these over the file";

/// Flags of every subcommand.
#[derive(Debug, Clone, Default, Args)]
pub struct CommonArgs {
    /// Folder of the private PostgreSQL, the generated keys, the uploads and the logs
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// TOML file with settings
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use the private PostgreSQL of the data folder, even if DATABASE_URL is set and in production
    #[arg(long, global = true)]
    pub embedded: bool,
    /// Print machine-readable JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Do not create the demo accounts
    #[arg(long)]
    pub no_demo: bool,
    /// Do not begin an empty ledger with a small history of demo customers
    #[arg(long)]
    pub no_demo_history: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve the HTTP API (the default)
    Serve(ServeArgs),
    /// Bring the database schema up to date
    Migrate,
    /// Check the whole history: positions, sequences, hash chain, anchors; and every snapshot against it
    Verify,
    /// Print the events of one aggregate and the state they fold into
    Replay {
        /// Aggregate type, e.g. Loan
        #[arg(value_name = "TYPE")]
        aggregate_type: String,
        /// Aggregate id
        #[arg(value_name = "ID")]
        aggregate_id: String,
    },
    /// Write the whole ledger out, as lines of JSON that `import` takes in elsewhere
    Export(ExportArgs),
    /// Take an export into an empty database: all of it, proven, or nothing
    Import(ImportArgs),
    /// Build the read models anew beside the live ones, then switch to them
    Rebuild,
    /// Fill an empty database with a lifelike history of customers, up to today
    DemoHistory(DemoHistoryArgs),
    /// Administrators of the ledger
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Check the installation and name what is wrong with it
    Doctor,
    /// Print the effective settings without secrets
    Config,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Create a SUPERADMIN; a server may run meanwhile
    ///
    /// The password is asked for without showing it, or is the first line of standard input or of a file.
    Create(AdminArgs),
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AdminArgs {
    /// The e-mail to log in with
    pub email: String,
    /// The name to show
    #[arg(long, default_value = "Administrator")]
    pub name: String,
    /// Read the password from this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Events with payload and metadata as stored, their hash chain, and the anchors. Nothing else travels: no answers to
/// Idempotency-Keys, no audit rows, no read models, no uploaded files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// Write to this file, which appears when it is complete; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
    /// Let the keys of people and of the ledger travel too, under a passphrase: the first line of --passphrase-file,
    /// or LUMBUNG_EXPORT_PASSPHRASE
    #[arg(long)]
    pub with_keys: bool,
    /// Read the passphrase from this file; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "with_keys")]
    pub passphrase_file: Option<PathBuf>,
}

/// The database must hold no ledger yet. An import that ends early leaves nothing behind and can be run again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// Read from this file; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub input: PathBuf,
    /// Read the passphrase of the keys from this file; without it, it is LUMBUNG_EXPORT_PASSPHRASE
    #[arg(long, value_name = "FILE", conflicts_with = "without_keys")]
    pub passphrase_file: Option<PathBuf>,
    /// Leave the keys in the file: the log can then be verified and replayed, but not served
    #[arg(long)]
    pub without_keys: bool,
}

/// Everything is done by the use cases that clients use, so the ledger verifies like any other. The database must hold no ledger yet:
/// events are recorded in the order of time. The same arguments make the same log, but for keys, what is sealed or hashed with them, and the chain.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoHistoryArgs {
    /// How long it is
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=MOST_YEARS as i64))]
    pub years: u32,
    /// How many people register
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=MOST_CUSTOMERS as i64))]
    pub customers: u32,
    /// Another number, another history
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// The day at whose beginning it ends [default: today, in the configured zone]
    #[arg(long, value_name = "DATE")]
    pub until: Option<NaiveDate>,
}

/// What the process tells its caller. The numbers are documented and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// The ledger did not verify, a check failed, or what was to be created exists already.
    Finding = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Something outside is missing, such as PostgreSQL.
    Environment = 3,
    Fatal = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl Cli {
    /// What to do. `serve`'s flags may stand before or without the word `serve`, but not with another
    /// subcommand, which would silently ignore them.
    pub fn command(&self) -> Result<Command, clap::Error> {
        match &self.command {
            None => Ok(Command::Serve(self.serve.clone())),
            Some(Command::Serve(after)) => Ok(Command::Serve(ServeArgs {
                listen: after.listen.or(self.serve.listen),
                no_demo: after.no_demo || self.serve.no_demo,
                no_demo_history: after.no_demo_history || self.serve.no_demo_history,
            })),
            Some(other) if self.serve == ServeArgs::default() => Ok(other.clone()),
            Some(_) => Err(Self::command_line().error(
                ErrorKind::ArgumentConflict,
                "--listen, --no-demo and --no-demo-history belong to `lumbung serve`",
            )),
        }
    }

    fn command_line() -> clap::Command {
        <Self as CommandFactory>::command()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(words: &str) -> Result<(Cli, Command), clap::Error> {
        let cli = Cli::try_parse_from(std::iter::once("lumbung").chain(words.split_whitespace()))?;
        let command = cli.command()?;
        Ok((cli, command))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command_line().debug_assert();
    }

    #[test]
    fn no_subcommand_serves() {
        let listen = Some("127.0.0.1:9".parse().unwrap());
        assert_eq!(parse("").unwrap().1, Command::Serve(ServeArgs::default()));
        let wanted = Command::Serve(ServeArgs { listen, no_demo: true, ..ServeArgs::default() });
        assert_eq!(parse("--listen 127.0.0.1:9 --no-demo").unwrap().1, wanted);
        assert_eq!(parse("serve --listen 127.0.0.1:9 --no-demo").unwrap().1, wanted);
        assert_eq!(parse("--no-demo serve --listen 127.0.0.1:9").unwrap().1, wanted);
    }

    #[test]
    fn common_flags_stand_anywhere() {
        for words in ["--data-dir /d --json replay Loan 7", "replay Loan 7 --json --data-dir /d"] {
            let (cli, command) = parse(words).unwrap();
            assert_eq!(cli.common.data_dir, Some(PathBuf::from("/d")));
            assert!(cli.common.json);
            let replay = Command::Replay { aggregate_type: "Loan".to_owned(), aggregate_id: "7".to_owned() };
            assert_eq!(command, replay);
        }
    }

    #[test]
    fn a_password_is_no_argument() {
        let words = "admin create a@b.co --name Ada --password-file /p --json";
        let args = AdminArgs {
            email: "a@b.co".to_owned(),
            name: "Ada".to_owned(),
            password_file: Some(PathBuf::from("/p")),
        };
        assert_eq!(parse(words).unwrap().1, Command::Admin(AdminCommand::Create(args)));
        assert!(parse("admin create a@b.co --password secret").is_err());
        assert!(parse("admin create a@b.co secret").is_err());
    }

    #[test]
    fn a_history_is_of_two_years_unless_it_is_said() {
        let until = None;
        let args = DemoHistoryArgs { years: 2, customers: 500, seed: 7, until };
        assert_eq!(parse("demo-history").unwrap().1, Command::DemoHistory(args));
        let args =
            DemoHistoryArgs { years: 1, customers: 20, seed: 0, until: NaiveDate::from_ymd_opt(2025, 2, 28) };
        let words = "demo-history --years 1 --customers 20 --seed 0 --until 2025-02-28";
        assert_eq!(parse(words).unwrap().1, Command::DemoHistory(args));
        for words in
            ["--years 0", "--years 11", "--customers 0", "--customers 10001", "--seed -1", "--until soon"]
        {
            assert!(parse(&format!("demo-history {words}")).is_err(), "{words}");
        }
        let served = Command::Serve(ServeArgs { no_demo_history: true, ..ServeArgs::default() });
        assert_eq!(parse("--no-demo-history serve").unwrap().1, served);
    }

    #[test]
    fn a_passphrase_is_no_argument() {
        let args = ExportArgs {
            output: PathBuf::from("/l.ndjson"),
            force: true,
            with_keys: true,
            passphrase_file: Some(PathBuf::from("/p")),
        };
        let words = "export --output /l.ndjson --force --with-keys --passphrase-file /p";
        assert_eq!(parse(words).unwrap().1, Command::Export(args));
        assert!(parse("export --with-keys --passphrase secret").is_err());
        assert!(parse("export --passphrase-file /p").is_err(), "without keys there is nothing to open");
        assert!(parse("import --without-keys --passphrase-file /p").is_err());
        let args = ImportArgs { input: PathBuf::from("-"), passphrase_file: None, without_keys: true };
        assert_eq!(parse("import --without-keys").unwrap().1, Command::Import(args));
    }

    #[test]
    fn wrong_usage_is_exit_code_2() {
        for words in
            ["fly", "serve --listen nowhere", "replay Loan", "--no-demo verify", "admin", "admin create"]
        {
            assert_eq!(parse(words).unwrap_err().exit_code(), Exit::Usage as i32, "{words}");
        }
    }
}

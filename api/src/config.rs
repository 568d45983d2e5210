//! The settings of a node: flags > environment (`LUMBUNG_…`, `DATABASE_URL`) > TOML file > defaults.
//!
//! Every source is read into the same [`Layer`] and the layers are laid over each other, so no setting can
//! have an order of its own. Secrets come from the environment, from files that a setting names, or from the
//! data folder; never from flags or from the TOML file itself.

mod docs;
mod kinds;
mod layer;
mod limits;
mod mail;
mod shown;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use chrono_tz::Tz;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

pub use docs::markdown;
pub use kinds::{Environment, List, LogFormat};
pub use layer::{SETTINGS, Setting};
pub use limits::{LIMITS, Limit, Limits};
pub use mail::{Credentials, MAIL_SETTINGS, Mail};

use layer::Layer;

use crate::auth::TrustedProxies;
use crate::cli::{CommonArgs, Exit, ServeArgs};
use crate::data_dir::{DataDir, DataDirError, Secrets, read_key_file};
use crate::secret::{NotAKey, SecretKey};

const DEFAULT_FILTER: &str = "warn,lumbung=info";

/// Which PostgreSQL holds the ledger.
#[derive(Debug, Clone)]
pub enum Database {
    /// The private cluster in the data folder.
    Embedded,
    /// The one at `DATABASE_URL`. Boxed for its size. Its own `Debug` would show the password; ours does not.
    Url(Url),
}

/// Connection settings whose password is never printed.
#[derive(Clone)]
pub struct Url(Box<PgConnectOptions>);

/// The effective settings. `Debug`, `Display` (TOML) and `Serialize` show everything but secrets.
#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    pub listen: SocketAddr,
    /// Where metrics are served to whoever asks, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    pub data_dir: PathBuf,
    /// Where files that people hand in are kept, sealed.
    pub uploads_dir: PathBuf,
    pub database: Database,
    /// Whether demo accounts and sample data are created.
    pub demo: bool,
    /// Whether an empty ledger begins with a small history of demo customers; never without `demo`.
    pub demo_history: bool,
    /// The zone that the documented endpoints print times in and that business days follow.
    pub zone: Tz,
    /// What links in answers start with; without a slash at the end.
    pub public_url: String,
    /// Origins whose scripts may use the API; `*` alone is all of them.
    pub cors_origins: Vec<String>,
    pub log: Log,
    /// Networks of our own proxies, as a comma-separated list like `10.0.0.0/8,192.0.2.7`: their `X-Forwarded-For` says
    /// where a request comes from. Empty: only the connection itself is believed.
    pub trusted_proxies: TrustedProxies,
    /// `None`: messages go to the terminal, and in production nowhere.
    pub mail: Option<Mail>,
    pub limits: Limits,
    given_master_key: Option<SecretKey>,
    given_token_key: Option<SecretKey>,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    /// A filter of `tracing`.
    pub filter: String,
    /// A line for each request.
    pub requests: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: DEFAULT_FILTER.to_owned(), requests: false }
    }
}

/// What is wrong with the settings. Values of secrets and the database URL are never repeated.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {message}", path.display())]
    File { path: PathBuf, message: String },
    #[error("{name}: {expected}")]
    Value { name: String, expected: String },
    #[error("{name}")]
    Key { name: &'static str, source: NotAKey },
    #[error("{0} and {0}_FILE are both set; give one of them")]
    KeyTwice(&'static str),
    #[error("DATABASE_URL must look like postgres://user:password@host:5432/database")]
    DatabaseUrl(#[source] Option<sqlx::Error>),
    #[error("in production the secrets must be given: set {0} or {0}_FILE")]
    SecretMissing(&'static str),
    #[error("demo data is refused in production")]
    DemoInProduction,
    #[error("production needs DATABASE_URL, or --embedded to run PostgreSQL in the data folder")]
    NoDatabaseInProduction,
    #[error(transparent)]
    DataDir(#[from] DataDirError),
}

impl ConfigError {
    pub fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Config {
    /// Resolves the settings of this process. `serve` are the flags of `lumbung serve`; other subcommands
    /// pass the default.
    pub fn resolve(common: &CommonArgs, serve: &ServeArgs) -> Result<Self, ConfigError> {
        Self::resolve_with(common, serve, |name| std::env::var(name).ok())
    }

    /// As [`Config::resolve`], with another environment than the process's own.
    pub fn resolve_with(
        common: &CommonArgs,
        serve: &ServeArgs,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        // An empty variable means "not set": it is how compose files and units leave one out.
        let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let from_env = Layer::from_env(&env)?;
        let file = common.config.clone().or_else(|| env("LUMBUNG_CONFIG").map(PathBuf::from));
        let from_file = file.map(|path| Layer::from_file(&path)).transpose()?.unwrap_or_default();
        let flags = Layer {
            listen: serve.listen,
            demo: serve.no_demo.then_some(false),
            demo_history: serve.no_demo_history.then_some(false),
            data_dir: common.data_dir.clone(),
            embedded: common.embedded.then_some(true),
            ..Layer::default()
        };
        let mut merged = flags.over(from_env).over(from_file);
        let (limits, mail) = (std::mem::take(&mut merged.limits), std::mem::take(&mut merged.mail));
        Self::from_layer(merged, limits, mail, &env)
    }

    fn from_layer(
        layer: Layer,
        limits: limits::LimitsLayer,
        mail: mail::MailLayer,
        env: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let environment = layer.environment.unwrap_or_default();
        let production = environment == Environment::Production;
        let demo = layer.demo.unwrap_or(!production);
        if production && demo {
            return Err(ConfigError::DemoInProduction);
        }
        let database = match (layer.embedded.unwrap_or(false), &layer.database_url) {
            (true, _) => Database::Embedded,
            (false, Some(url)) => Database::Url(url.parse()?),
            (false, None) if production => return Err(ConfigError::NoDatabaseInProduction),
            (false, None) => Database::Embedded,
        };
        let master = given_key("LUMBUNG_MASTER_KEY", env, layer.master_key_file)?;
        let token = given_key("LUMBUNG_TOKEN_KEY", env, layer.token_key_file)?;
        for (name, key) in [("LUMBUNG_MASTER_KEY", &master), ("LUMBUNG_TOKEN_KEY", &token)] {
            if production && key.is_none() {
                return Err(ConfigError::SecretMissing(name));
            }
        }
        let data_dir = layer.data_dir.map_or_else(|| DataDir::default_path(env), Ok)?;
        let listen = layer.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        Ok(Self {
            environment,
            listen,
            metrics_listen: layer.metrics_listen,
            uploads_dir: layer.uploads_dir.unwrap_or_else(|| data_dir.join("uploads")),
            data_dir,
            database,
            demo,
            demo_history: demo && layer.demo_history.unwrap_or(true),
            zone: zone(layer.zone)?,
            public_url: public_url(layer.public_url, listen)?,
            cors_origins: cors_origins(layer.cors_origins.unwrap_or_default())?,
            log: Log {
                format: layer.log_format.unwrap_or(if production {
                    LogFormat::Json
                } else {
                    LogFormat::Text
                }),
                filter: log_filter(layer.log_filter)?,
                requests: layer.log_requests.unwrap_or(false),
            },
            trusted_proxies: trusted_proxies(layer.trusted_proxies)?,
            mail: mail.resolve(env, environment)?,
            limits: Limits::resolve(limits, production)?,
            given_master_key: master,
            given_token_key: token,
        })
    }

    /// The master key, if it was given or the data folder has one. Makes none.
    pub fn known_master_key(&self) -> Result<Option<SecretKey>, DataDirError> {
        if let Some(given) = &self.given_master_key {
            return Ok(Some(given.clone()));
        }
        let stored = self.data_dir.join("secrets").join("master.key");
        if stored.exists() { read_key_file(&stored).map(Some) } else { Ok(None) }
    }

    /// The keys: those given, and for the others the ones of the data folder, generated there on first use.
    /// With both keys given the data folder is not touched.
    pub fn secrets(&self) -> Result<Secrets, DataDirError> {
        if let (Some(master_key), Some(token_key)) = (&self.given_master_key, &self.given_token_key) {
            return Ok(Secrets { master_key: master_key.clone(), token_key: token_key.clone() });
        }
        let stored = DataDir::open(&self.data_dir)?.secrets()?;
        Ok(Secrets {
            master_key: self.given_master_key.clone().unwrap_or(stored.master_key),
            token_key: self.given_token_key.clone().unwrap_or(stored.token_key),
        })
    }
}

impl Url {
    pub fn options(&self) -> &PgConnectOptions {
        &self.0
    }
}

impl FromStr for Url {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(ConfigError::DatabaseUrl(None));
        }
        let options = text.parse().map_err(|error| ConfigError::DatabaseUrl(Some(error)))?;
        Ok(Self(Box::new(options)))
    }
}

fn given_key(
    name: &'static str,
    env: &impl Fn(&str) -> Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<SecretKey>, ConfigError> {
    match (env(name), file) {
        (Some(_), Some(_)) => Err(ConfigError::KeyTwice(name)),
        (Some(text), None) => {
            let key = SecretKey::from_hex(&text).map_err(|source| ConfigError::Key { name, source })?;
            Ok(Some(key))
        }
        (None, Some(path)) => Ok(Some(read_key_file(&path)?)),
        (None, None) => Ok(None),
    }
}

fn zone(given: Option<String>) -> Result<Tz, ConfigError> {
    let Some(name) = given else { return Ok(Tz::Asia__Jakarta) };
    name.trim().parse().map_err(|_| ConfigError::Value {
        name: "zone".to_owned(),
        expected: format!("must be a time zone such as Asia/Jakarta, not `{}`", name.trim()),
    })
}

fn trusted_proxies(given: Option<String>) -> Result<TrustedProxies, ConfigError> {
    given.unwrap_or_default().parse().map_err(|_| ConfigError::Value {
        name: "trusted_proxies".to_owned(),
        expected: "must be networks like 10.0.0.0/8, separated by commas".to_owned(),
    })
}

fn public_url(given: Option<String>, listen: SocketAddr) -> Result<String, ConfigError> {
    let url = given.unwrap_or_else(|| match listen.ip() {
        address if address.is_loopback() || address.is_unspecified() => {
            format!("http://localhost:{}", listen.port())
        }
        _ => format!("http://{listen}"),
    });
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match host {
        Some(host)
            if !host.is_empty() && !host.contains(char::is_whitespace) && !host.contains(['?', '#']) =>
        {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(ConfigError::Value {
            name: "public_url".to_owned(),
            expected: "must be an http:// or https:// address without query".to_owned(),
        }),
    }
}

/// An origin is a scheme and a host, as browsers send it; anything more would match nothing.
fn cors_origins(List(given): List) -> Result<Vec<String>, ConfigError> {
    let is_origin = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain =
            |host: &str| host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@*,".contains(&byte));
        host.is_some_and(|host| {
            !host.is_empty() && plain(host) && !host.bytes().any(|byte| byte.is_ascii_uppercase())
        })
    };
    let wrong = given.iter().find(|origin| !(is_origin(origin) || given.len() == 1 && *origin == "*"));
    match wrong {
        None => Ok(given),
        Some(wrong) => Err(ConfigError::Value {
            name: "cors_origins".to_owned(),
            expected: format!("must be origins such as https://app.example.com, or * alone, not `{wrong}`"),
        }),
    }
}

fn log_filter(given: Option<String>) -> Result<String, ConfigError> {
    let filter = given.unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    match filter.parse::<EnvFilter>() {
        Ok(_) => Ok(filter),
        Err(_) => Err(ConfigError::Value {
            name: "log_filter".to_owned(),
            expected: format!("must be a filter such as info,lumbung=debug, not `{filter}`"),
        }),
    }
}

#[cfg(test)]
mod tests;

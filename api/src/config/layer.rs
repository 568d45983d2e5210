//! One source of settings: a TOML file, the environment or the flags, with everything optional.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::limits::LimitsLayer;
use super::mail::MailLayer;
use super::{ConfigError, Environment, List, LogFormat};

/// A setting, for the documentation.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// As in the TOML file.
    pub name: &'static str,
    /// In order of precedence.
    pub env: &'static [&'static str],
    pub flag: Option<&'static str>,
    pub default: &'static str,
    pub doc: &'static str,
}

/// Defines a layer of settings once: `name: type, [names in the environment], expected, default` and the flag if there is
/// one. The struct, its reading from the environment, the order of layers and the documentation come from it.
macro_rules! settings {
    ($layer:ident, $all:ident, tables [$($table:ident: $table_layer:ty),*];
        $($(#[doc = $doc:literal])+ $name:ident: $kind:ty, [$($env:literal),+], $expected:literal,
        default $default:literal $(, flag $flag:literal)?;)*) => {
        /// The settings that one source gives. Unknown keys of a file are an error that names them.
        #[derive(Default, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $layer {
            $(pub(super) $name: Option<$kind>,)*
            $(#[serde(default)] pub(super) $table: $table_layer,)*
        }

        /// Its settings, without those of the tables in it.
        pub const $all: &[crate::config::Setting] = &[$(crate::config::Setting {
            name: stringify!($name),
            env: &[$($env),+],
            flag: crate::config::layer::settings!(@flag $($flag)?),
            default: $default,
            doc: concat!($($doc),+),
        },)*];

        impl $layer {
            /// Reads the environment. Variables that are not settings are ignored: schedulers put their own
            /// `LUMBUNG_SERVICE_HOST` and the like into the environment of a service of this name.
            pub(super) fn from_env(
                env: &impl Fn(&str) -> Option<String>,
            ) -> Result<Self, crate::config::ConfigError> {
                Ok(Self {
                    $($name: crate::config::layer::first(env, &[$($env),+], $expected)?,)*
                    $($table: <$table_layer>::from_env(env)?,)*
                })
            }

            /// This layer where it says something, the lower one elsewhere.
            pub(super) fn over(self, lower: Self) -> Self {
                Self {
                    $($name: self.$name.or(lower.$name),)*
                    $($table: self.$table.over(lower.$table),)*
                }
            }
        }
    };
    (@flag $flag:literal) => { Some($flag) };
    (@flag) => { None };
}
pub(super) use settings;

settings! {
    Layer, SETTINGS, tables [mail: MailLayer, limits: LimitsLayer];

    /// How careful this installation must be: `development`, `test` or `production`. Production has no demo data, takes
    /// no generated secrets, and starts no PostgreSQL unless `embedded` says so.
    environment: Environment, ["LUMBUNG_ENVIRONMENT"], "development, test or production", default "development";
    /// Address and port to listen on.
    listen: SocketAddr, ["LUMBUNG_LISTEN"], "an address such as 127.0.0.1:8080",
        default "127.0.0.1:8080", flag "--listen";
    /// Address and port of a second listener that serves `GET /metrics` to whoever reaches it, without a session. Without
    /// it, metrics need a session with OPERATIONS_READ.
    metrics_listen: SocketAddr, ["LUMBUNG_METRICS_LISTEN"], "an address such as 127.0.0.1:9464", default "none";
    /// Folder of the private PostgreSQL, the generated keys and the logs.
    data_dir: PathBuf, ["LUMBUNG_DATA_DIR"], "a folder", default "the user's data folder", flag "--data-dir";
    /// Folder of the files that people hand in, sealed.
    uploads_dir: PathBuf, ["LUMBUNG_UPLOADS_DIR"], "a folder", default "`uploads` in the data folder";
    /// The PostgreSQL that holds the ledger; without it, one in the data folder.
    database_url: String, ["DATABASE_URL", "LUMBUNG_DATABASE_URL"], "an address of PostgreSQL", default "none";
    /// Use the PostgreSQL of the data folder even if `database_url` is set, and in production.
    embedded: bool, ["LUMBUNG_EMBEDDED"], "true or false", default "false", flag "--embedded";
    /// Create demo accounts and sample data. Refused in production.
    demo: bool, ["LUMBUNG_DEMO"], "true or false", default "true; in production false", flag "--no-demo";
    /// Begin an empty ledger with a small history of demo customers. Nothing without `demo`.
    demo_history: bool, ["LUMBUNG_DEMO_HISTORY"], "true or false", default "as `demo`", flag "--no-demo-history";
    /// The zone that the documented endpoints print times in and that business days follow.
    zone: String, ["LUMBUNG_ZONE"], "a time zone", default "Asia/Jakarta";
    /// What links in answers start with. With `https://`, browsers are told to come back by HTTPS only.
    public_url: String, ["LUMBUNG_PUBLIC_URL"], "an address", default "the address of `listen`";
    /// Origins whose scripts may use the API (CORS), such as `https://app.example.com`; `*` for all. In the
    /// environment, separated by commas.
    cors_origins: List, ["LUMBUNG_CORS_ORIGINS"], "a list of origins", default "none";
    /// How log lines are written to stderr: `text`, or `json` with the field names of the Elastic Common Schema.
    log_format: LogFormat, ["LUMBUNG_LOG_FORMAT"], "text or json", default "text; in production json";
    /// What is logged, as a filter of `tracing`, such as `info,lumbung=debug`.
    log_filter: String, ["LUMBUNG_LOG", "LUMBUNG_LOG_FILTER"], "a filter", default "warn,lumbung=info";
    /// Log a line for each request.
    log_requests: bool, ["LUMBUNG_LOG_REQUESTS"], "true or false", default "false";
    /// File with the master key, 64 hex digits, instead of the variable `LUMBUNG_MASTER_KEY`. Readable by its owner and
    /// group alone.
    master_key_file: PathBuf, ["LUMBUNG_MASTER_KEY_FILE"], "a file", default "in the data folder";
    /// File with the key that signs access tokens, 64 hex digits, instead of the variable `LUMBUNG_TOKEN_KEY`.
    token_key_file: PathBuf, ["LUMBUNG_TOKEN_KEY_FILE"], "a file", default "in the data folder";
    /// Networks of our own proxies, such as `10.0.0.0/8,192.0.2.7`, separated by commas: their `X-Forwarded-For` says where
    /// a request comes from. Without any, only the connection itself is believed.
    trusted_proxies: String, ["LUMBUNG_TRUSTED_PROXIES"], "networks", default "none";
}

impl Layer {
    pub(super) fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_path_buf(), source })?;
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            // The parser's own rendering quotes the line, which may hold the database password.
            let message = match line {
                Some(line) => format!("line {line}: {}", error.message()),
                None => error.message().to_owned(),
            };
            ConfigError::File { path: path.to_path_buf(), message }
        })
    }
}

/// The first of the names that is set.
pub(super) fn first<T: FromStr>(
    env: &impl Fn(&str) -> Option<String>,
    names: &[&str],
    expected: &str,
) -> Result<Option<T>, ConfigError> {
    for name in names {
        if let Some(value) = value(env, name, expected)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

pub(super) fn value<T: FromStr>(
    env: &impl Fn(&str) -> Option<String>,
    name: &str,
    expected: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = env(name) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| ConfigError::Value {
        name: name.to_owned(),
        expected: format!("must be {expected}, not `{}`", text.trim()),
    })
}

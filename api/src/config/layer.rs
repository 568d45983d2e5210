//! One source of settings: a TOML file, the environment or the flags, with everything optional.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use super::limits::LimitsLayer;
use super::mail::MailLayer;
use super::{ConfigError, Environment};

/// The settings that one source gives. Unknown keys of a file are an error that names them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub(super) environment: Option<Environment>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) uploads_dir: Option<PathBuf>,
    pub(super) database_url: Option<String>,
    pub(super) embedded: Option<bool>,
    pub(super) demo: Option<bool>,
    pub(super) zone: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) master_key_file: Option<PathBuf>,
    pub(super) token_key_file: Option<PathBuf>,
    pub(super) trusted_proxies: Option<String>,
    #[serde(default)]
    pub(super) mail: MailLayer,
    #[serde(default)]
    pub(super) limits: LimitsLayer,
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

    /// Reads `LUMBUNG_…` and `DATABASE_URL`. Variables that are not settings are ignored: schedulers put
    /// their own `LUMBUNG_SERVICE_HOST` and the like into the environment of a service of this name.
    pub(super) fn from_env(env: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            environment: value(env, "LUMBUNG_ENVIRONMENT", "development, test or production")?,
            listen: value(env, "LUMBUNG_LISTEN", "an address such as 127.0.0.1:8080")?,
            data_dir: env("LUMBUNG_DATA_DIR").map(PathBuf::from),
            uploads_dir: env("LUMBUNG_UPLOADS_DIR").map(PathBuf::from),
            database_url: env("DATABASE_URL").or_else(|| env("LUMBUNG_DATABASE_URL")),
            embedded: value(env, "LUMBUNG_EMBEDDED", "true or false")?,
            demo: value(env, "LUMBUNG_DEMO", "true or false")?,
            zone: env("LUMBUNG_ZONE"),
            public_url: env("LUMBUNG_PUBLIC_URL"),
            master_key_file: env("LUMBUNG_MASTER_KEY_FILE").map(PathBuf::from),
            token_key_file: env("LUMBUNG_TOKEN_KEY_FILE").map(PathBuf::from),
            trusted_proxies: env("LUMBUNG_TRUSTED_PROXIES"),
            mail: MailLayer::from_env(env),
            limits: LimitsLayer::from_env(env)?,
        })
    }

    /// This layer where it says something, the lower one elsewhere.
    pub(super) fn over(self, lower: Self) -> Self {
        Self {
            environment: self.environment.or(lower.environment),
            listen: self.listen.or(lower.listen),
            data_dir: self.data_dir.or(lower.data_dir),
            uploads_dir: self.uploads_dir.or(lower.uploads_dir),
            database_url: self.database_url.or(lower.database_url),
            embedded: self.embedded.or(lower.embedded),
            demo: self.demo.or(lower.demo),
            zone: self.zone.or(lower.zone),
            public_url: self.public_url.or(lower.public_url),
            master_key_file: self.master_key_file.or(lower.master_key_file),
            token_key_file: self.token_key_file.or(lower.token_key_file),
            trusted_proxies: self.trusted_proxies.or(lower.trusted_proxies),
            mail: self.mail.over(lower.mail),
            limits: self.limits.over(lower.limits),
        }
    }
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

impl FromStr for Environment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "development" => Ok(Self::Development),
            "test" => Ok(Self::Test),
            "production" => Ok(Self::Production),
            _ => Err(()),
        }
    }
}

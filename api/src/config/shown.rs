//! How settings are printed: everything that decides behaviour, nothing that is secret.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};
use sqlx::postgres::PgConnectOptions;

use super::{Config, Database, Environment, Limits, LogFormat, Url};

#[derive(Serialize)]
struct Shown<'a> {
    environment: Environment,
    listen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics_listen: Option<String>,
    data_dir: &'a Path,
    uploads_dir: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    embedded: bool,
    demo: bool,
    demo_history: bool,
    zone: &'static str,
    public_url: &'a str,
    cors_origins: &'a [String],
    log_format: LogFormat,
    log_filter: &'a str,
    log_requests: bool,
    master_key: &'static str,
    token_key: &'static str,
    trusted_proxies: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<ShownMail<'a>>,
    limits: &'a Limits,
}

#[derive(Serialize)]
struct ShownMail<'a> {
    smtp_url: &'a str,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'static str>,
}

impl<'a> From<&'a Config> for Shown<'a> {
    fn from(config: &'a Config) -> Self {
        let origin = |given: bool| if given { "<given>" } else { "<from the data folder>" };
        let (embedded, database_url) = match &config.database {
            Database::Embedded => (true, None),
            Database::Url(url) => (false, Some(url.to_string())),
        };
        Self {
            environment: config.environment,
            listen: config.listen.to_string(),
            metrics_listen: config.metrics_listen.map(|address| address.to_string()),
            data_dir: &config.data_dir,
            uploads_dir: &config.uploads_dir,
            database_url,
            embedded,
            demo: config.demo,
            demo_history: config.demo_history,
            zone: config.zone.name(),
            public_url: &config.public_url,
            cors_origins: &config.cors_origins,
            log_format: config.log.format,
            log_filter: &config.log.filter,
            log_requests: config.log.requests,
            master_key: origin(config.given_master_key.is_some()),
            token_key: origin(config.given_token_key.is_some()),
            trusted_proxies: config.trusted_proxies.to_string(),
            mail: config.mail.as_ref().map(|mail| ShownMail {
                smtp_url: &mail.smtp_url,
                from: mail.from.to_string(),
                username: mail.credentials.as_ref().map(|credentials| credentials.username.as_str()),
                password: mail.credentials.as_ref().map(|_| "<given>"),
            }),
            limits: &config.limits,
        }
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::from(self).serialize(serializer)
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Put together from the parts that are not secret, so that no way of writing a password can slip through.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: &PgConnectOptions = self.options();
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        write!(f, "postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

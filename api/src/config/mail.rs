//! How messages leave the house.

use std::path::PathBuf;

use lettre::message::Mailbox;
use zeroize::Zeroizing;

use super::layer::settings;
use super::{ConfigError, Environment};

/// The settings of a mail server, `[mail]` in the file and `LUMBUNG_MAIL_…` in the environment. Without them messages
/// are printed to the terminal, and in production the flows that need one are refused.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `smtps://host:465` (TLS from the start), `smtp://host:587?tls=required` (STARTTLS) or `smtp://host:25` (in clear,
    /// in production only to this very machine). Holds no password.
    pub smtp_url: String,
    /// What messages say they are from: `Lumbung <no-reply@example.com>`.
    pub from: Mailbox,
    /// Who we are to the server, if it asks.
    pub credentials: Option<Credentials>,
}

/// `mail.username`, and the password from `LUMBUNG_MAIL_PASSWORD` or the file that `mail.password_file` names.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}, <redacted>)", self.username)
    }
}

settings! {
    MailLayer, MAIL_SETTINGS, tables [];

    /// The mail server: `smtps://host:465` (TLS from the start), `smtp://host:587?tls=required` (STARTTLS) or
    /// `smtp://host:25` (in clear, in production only to this very machine). Holds no password. Without it, messages go to
    /// the terminal, and production refuses the flows that need one.
    smtp_url: String, ["LUMBUNG_MAIL_SMTP_URL"], "an address", default "none";
    /// What messages say they are from: `Lumbung <no-reply@example.com>`.
    from: String, ["LUMBUNG_MAIL_FROM"], "an address", default "none; needed with `smtp_url`";
    /// Who we are to the server, if it asks. The password stands in the variable `LUMBUNG_MAIL_PASSWORD`.
    username: String, ["LUMBUNG_MAIL_USERNAME"], "a name", default "none";
    /// File with the password, instead of the variable `LUMBUNG_MAIL_PASSWORD`.
    password_file: PathBuf, ["LUMBUNG_MAIL_PASSWORD_FILE"], "a file", default "none";
}

impl MailLayer {
    pub(super) fn resolve(
        self,
        env: &impl Fn(&str) -> Option<String>,
        environment: Environment,
    ) -> Result<Option<Mail>, ConfigError> {
        let Some(url) = self.smtp_url.map(|url| url.trim().to_owned()) else { return Ok(None) };
        check_url(&url, environment)?;
        let from = self.from.ok_or_else(|| wrong("from", "must be set: the sender of messages"))?;
        let from =
            from.trim().parse().map_err(|_| wrong("from", "must be like `Name <name@example.com>`"))?;
        let password = match (env("LUMBUNG_MAIL_PASSWORD"), self.password_file) {
            (Some(_), Some(_)) => return Err(ConfigError::KeyTwice("LUMBUNG_MAIL_PASSWORD")),
            (Some(password), None) => Some(Zeroizing::new(password)),
            (None, Some(path)) => Some(read_password(path)?),
            (None, None) => None,
        };
        let credentials = match (self.username, password) {
            (Some(username), Some(password)) => Some(Credentials { username, password }),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("username", "needs a password: set LUMBUNG_MAIL_PASSWORD")),
            (None, Some(_)) => return Err(wrong("username", "must be set: there is a password for it")),
        };
        Ok(Some(Mail { smtp_url: url, from, credentials }))
    }
}

/// The url is never repeated in an error: someone may have put a password into it.
fn check_url(url: &str, environment: Environment) -> Result<(), ConfigError> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What others would read in another way than we do.
    let odd = url.contains(|letter: char| letter == '#' || letter.is_whitespace() || letter.is_control());
    if odd || !matches!(scheme, "smtp" | "smtps") || host.is_empty() {
        return Err(wrong("smtp_url", "must be like smtps://host:465 or smtp://host:587?tls=required"));
    }
    if host.contains('@') {
        return Err(wrong(
            "smtp_url",
            "must not hold a password: use mail.username and LUMBUNG_MAIL_PASSWORD",
        ));
    }
    let name = host.trim_start_matches('[').split([':', ']']).next().unwrap_or_default();
    let here = matches!(name, "localhost" | "127.0.0.1") || host.starts_with("[::1]");
    let query = rest.split_once('?').map(|(_, query)| query);
    let encrypted = scheme == "smtps" || query == Some("tls=required");
    if environment == Environment::Production && !encrypted && !here {
        return Err(wrong("smtp_url", "must use TLS in production: smtps:// or ?tls=required"));
    }
    if lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(url).is_err() {
        return Err(wrong("smtp_url", "must be like smtps://host:465 or smtp://host:587?tls=required"));
    }
    Ok(())
}

fn read_password(path: PathBuf) -> Result<Zeroizing<String>, ConfigError> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Zeroizing::new(Zeroizing::new(text).trim_end_matches(['\r', '\n']).to_owned())),
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

fn wrong(name: &str, expected: &str) -> ConfigError {
    ConfigError::Value { name: format!("mail.{name}"), expected: expected.to_owned() }
}

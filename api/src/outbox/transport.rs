//! The ways out: a mail server, or the terminal of whoever tries the product.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use lumbung_domain::{DeliveryFailure, Letter, MessageId};
use tracing::{error, warn};

use crate::config::{Config, Environment};

/// For one step of the conversation with a server.
const STEP_WITHIN: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 4;

/// Where messages go. Cheap to clone.
#[derive(Clone)]
pub enum Transport {
    Smtp { server: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
    Terminal,
}

impl Transport {
    /// `None` in production without a mail server: a terminal that nobody reads, or a log that everybody reads, is no
    /// place for somebody's reset link.
    ///
    /// # Errors
    /// The client does not understand the server's address.
    pub fn of(config: &Config) -> Result<Option<Self>, lettre::transport::smtp::Error> {
        let Some(mail) = &config.mail else {
            return Ok((config.environment != Environment::Production).then_some(Self::Terminal));
        };
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp_url)?
            .timeout(Some(STEP_WITHIN))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some(credentials) = &mail.credentials {
            let (username, password) = (credentials.username.clone(), credentials.password.to_string());
            server = server.credentials(Credentials::new(username, password));
        }
        Ok(Some(Self::Smtp { server: server.build(), from: mail.from.clone() }))
    }

    /// Hands a letter over. The same message keeps its id when it is sent again.
    ///
    /// # Errors
    /// Nobody took it. The server's words go to nobody, since they may repeat the address.
    pub async fn send(&self, letter: &Letter, id: MessageId) -> Result<(), DeliveryFailure> {
        match self {
            Self::Smtp { server, from } => {
                let message = compose(letter, from, id)?;
                server.send(message).await.map(drop).map_err(|error| failure(&error))
            }
            Self::Terminal => {
                print(letter);
                Ok(())
            }
        }
    }
}

fn compose(letter: &Letter, from: &Mailbox, id: MessageId) -> Result<Message, DeliveryFailure> {
    let to = letter.to().as_str().parse().map_err(|_| DeliveryFailure::Refused)?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text().to_owned())
        .map_err(|_| {
            error!(id = %id, "a letter is no e-mail");
            DeliveryFailure::Refused
        })
}

fn failure(error: &lettre::transport::smtp::Error) -> DeliveryFailure {
    let code: Option<u16> = error.status().map(Into::into);
    match code {
        // Who we are to the server is a matter of the settings: the message is as good as before.
        Some(code @ (530 | 534 | 535 | 538)) => {
            warn!(code, "the mail server does not let us in: look at mail.username and its password");
            DeliveryFailure::Deferred
        }
        Some(500..) => DeliveryFailure::Refused,
        Some(_) => DeliveryFailure::Deferred,
        None => DeliveryFailure::Unreachable,
    }
}

fn print(letter: &Letter) {
    let line = "-".repeat(72);
    // One call, so that nothing gets between the lines.
    println!(
        "\n{line}\nMessage (no mail server is configured)\nTo:      {}\nSubject: {}\n\n{}{line}\n",
        letter.to().as_str(),
        letter.subject(),
        letter.text(),
    );
}

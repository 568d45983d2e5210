//! A mail server of a few lines: takes what it is told to take, and remembers it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Take,
    /// `450` to the recipient.
    Defer,
    /// `550` to the recipient.
    Refuse,
    /// Takes the message, and hangs up before saying so.
    HangUp,
    /// Says nothing to the recipient, and never will.
    Stall,
}

pub(super) struct MailServer {
    pub(super) url: String,
    mood: Arc<Mutex<Mood>>,
    taken: watch::Sender<Vec<Mail>>,
    tried: watch::Sender<u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) text: String,
}

impl MailServer {
    pub(super) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (taken, tried) = (watch::Sender::new(Vec::new()), watch::Sender::new(0));
        let mood = Arc::new(Mutex::new(mood));
        let (of_server, to, count) = (Arc::clone(&mood), taken.clone(), tried.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mood, to, count) = (Arc::clone(&of_server), to.clone(), count.clone());
                // Whoever hangs up on us ends the conversation.
                tokio::spawn(async move { drop(converse(stream, &mood, &to, &count).await) });
            }
        });
        Self { url, mood, taken, tried }
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(super) fn env(&self) -> [(&str, &str); 3] {
        [
            ("LUMBUNG_MAIL_SMTP_URL", &self.url),
            ("LUMBUNG_MAIL_FROM", "Lumbung <no-reply@lumbung.example>"),
            ("LUMBUNG_LIMITS_MAIL_RETRY_MS", "10"),
        ]
    }

    /// The first so many mails, once they are there.
    pub(super) async fn mails(&self, count: usize) -> Vec<Mail> {
        let mut taken = self.taken.subscribe();
        let patience = std::time::Duration::from_secs(30);
        let mails = tokio::time::timeout(patience, taken.wait_for(|mails| mails.len() >= count)).await;
        mails.expect("the mail did not come").unwrap().clone()
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.borrow().len()
    }

    /// Until so many attempts were made.
    pub(super) async fn tried(&self, count: u32) {
        let mut tried = self.tried.subscribe();
        let patience = std::time::Duration::from_secs(30);
        let reached = tokio::time::timeout(patience, tried.wait_for(|tried| *tried >= count)).await;
        reached.expect("nobody tried").unwrap();
    }
}

impl Mail {
    /// The token on a line of its own.
    pub(super) fn token(&self) -> String {
        let is_token = |line: &&str| {
            line.len() == 36 && line.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
        };
        self.text.lines().find(is_token).unwrap_or_else(|| panic!("no token in {}", self.text)).to_owned()
    }
}

async fn converse(
    stream: TcpStream,
    mood: &Mutex<Mood>,
    taken: &watch::Sender<Vec<Mail>>,
    tried: &watch::Sender<u32>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let mood = *mood.lock().unwrap();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let say: &[u8] = match (verb.as_str(), mood) {
            ("EHLO", _) => b"250 test\r\n",
            ("RCPT", _) => {
                tried.send_modify(|tried| *tried += 1);
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match mood {
                    Mood::Stall => std::future::pending().await,
                    Mood::Defer => b"450 later\r\n",
                    Mood::Refuse => b"550 never\r\n",
                    Mood::Take | Mood::HangUp => b"250 ok\r\n",
                }
            }
            ("DATA", _) => {
                write.write_all(b"354 go on\r\n").await?;
                let text = body(&mut lines).await?;
                taken.send_modify(|mails| mails.push(Mail { to: to.clone(), text }));
                if mood == Mood::HangUp {
                    return Ok(());
                }
                b"250 taken\r\n"
            }
            ("QUIT", _) => return write.write_all(b"221 bye\r\n").await,
            _ => b"250 ok\r\n",
        };
        write.write_all(say).await?;
    }
    Ok(())
}

async fn body(
    lines: &mut tokio::io::Lines<BufReader<tokio::net::tcp::OwnedReadHalf>>,
) -> std::io::Result<String> {
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        if line == "." {
            break;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
    Ok(text)
}

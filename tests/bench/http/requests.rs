//! What is asked of the server: every request of every customer, made before the clock starts.

use std::fmt;

use serde::Serialize;

use super::people::Person;
use super::wire::request;

/// Where a request with an Idempotency-Key has its number.
const KEY_PLACE: &str = "00000000000000000000000000000000";

/// An endpoint of the wallet API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Route {
    TopUp,
    Pay,
    Transfer,
    Transactions,
}

/// Whose wallets are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Wallets {
    /// Everybody the own one.
    Spread,
    /// One takes all: its owner's top-ups and payments, everybody's transfers.
    Hot,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Kind {
    pub(crate) route: Route,
    pub(crate) wallets: Wallets,
    /// With a fresh Idempotency-Key each time.
    pub(crate) keys: bool,
}

impl Kind {
    pub(crate) const fn plain(route: Route) -> Self {
        Self { route, wallets: Wallets::Spread, keys: false }
    }

    pub(crate) const fn hot(route: Route) -> Self {
        Self { route, wallets: Wallets::Hot, keys: false }
    }

    pub(crate) const fn keyed(route: Route) -> Self {
        Self { route, wallets: Wallets::Spread, keys: true }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.route {
            Route::TopUp => "topup",
            Route::Pay => "pay",
            Route::Transfer => "transfer",
            Route::Transactions => "transactions",
        })?;
        f.write_str(if self.wallets == Wallets::Hot { "-hot" } else { "" })?;
        f.write_str(if self.keys { "+keys" } else { "" })
    }
}

/// The requests of one kind.
pub(crate) struct Requests {
    all: Vec<Vec<u8>>,
    /// Where the number of an Idempotency-Key stands in them.
    key_at: Option<usize>,
}

impl Requests {
    pub(crate) fn new(kind: Kind, people: &[Person]) -> Self {
        let hot = kind.wallets == Wallets::Hot;
        let senders = if hot && kind.route != Route::Transfer { &people[..1] } else { people };
        let made = senders.iter().enumerate().filter_map(|(at, sender)| {
            // Of spread transfers every wallet sends and receives as many.
            let target = if hot { &people[0] } else { &people[(at + 7) % people.len()] };
            (kind.route != Route::Transfer || target.user != sender.user).then(|| one(kind, sender, target))
        });
        let all: Vec<Vec<u8>> = made.collect();
        let first = all.first().map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let key_at = first.find(KEY_PLACE).filter(|_| kind.keys);
        Self { all, key_at }
    }

    /// Every request once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().map(Vec::as_slice)
    }

    /// A request by a random number; `numbered` makes its Idempotency-Key one of its own.
    pub(crate) fn draw<'a>(&'a self, draw: u64, numbered: u128, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let request = &self.all[draw as usize % self.all.len()];
        let Some(at) = self.key_at else { return request };
        scratch.clear();
        scratch.extend_from_slice(request);
        scratch[at..at + KEY_PLACE.len()].copy_from_slice(format!("{numbered:032x}").as_bytes());
        scratch
    }
}

fn one(kind: Kind, sender: &Person, target: &Person) -> Vec<u8> {
    let bearer = format!("Bearer {}", sender.token);
    // The keys stand first, so that their place does not depend on the token.
    let mut headers = Vec::new();
    if kind.keys {
        headers.push(("Idempotency-Key", KEY_PLACE));
    }
    headers.push(("Authorization", bearer.as_str()));
    match kind.route {
        Route::TopUp => request("POST", "/topup", &headers, Some(r#"{"amount":10000}"#)),
        Route::Pay => {
            let body = r#"{"amount":10,"remarks":"Pulsa Telkomsel 100k"}"#;
            request("POST", "/pay", &headers, Some(body))
        }
        Route::Transfer => {
            let target = target.user;
            let body = format!(r#"{{"target_user":"{target}","amount":10,"remarks":"Hadiah Ultah"}}"#);
            request("POST", "/transfer", &headers, Some(&body))
        }
        Route::Transactions => request("GET", "/transactions", &headers, None),
    }
}

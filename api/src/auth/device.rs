//! Devices that have logged in to an account (OWASP, "device cookies").
//!
//! A login leaves a signed cookie that names no one: a number of the device, bound to the login's keyed hash. Whoever
//! brings it back is counted on their own, so others who guess at the account never hold its owner back. It opens
//! nothing: the password is asked for all the same. Whatever ends all sessions of the account ends it too.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use lumbung_journal::{KeyError, Vault};
use subtle::ConstantTimeEq;

/// How long a device is remembered after its last login.
const REMEMBERED: TimeDelta = TimeDelta::days(180);
const NUMBER_BYTES: usize = 16;
const BODY_BYTES: usize = NUMBER_BYTES + 4 + 8;
const MAC_BYTES: usize = 32;

/// A device, as far as one login knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    number: [u8; NUMBER_BYTES],
    generation: u32,
}

impl Device {
    /// `generation`: the account's session generation now.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(generation: u32) -> Result<Self, KeyError> {
        let mut number = [0; NUMBER_BYTES];
        getrandom::fill(&mut number).map_err(|_| KeyError::NoEntropy)?;
        Ok(Self { number, generation })
    }

    /// The device that a request's cookie says, if it has logged in as `login` before.
    #[must_use]
    pub fn of(headers: &HeaderMap, vault: &Vault, login: &[u8], now: DateTime<Utc>) -> Option<Self> {
        let name = name(login);
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(found, _)| *found == name)?;
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (body, mac) = bytes.split_at_checked(BODY_BYTES)?;
        let (number, rest) = body.split_at_checked(NUMBER_BYTES)?;
        let (generation, until) = rest.split_at_checked(4)?;
        let genuine: bool = mac.ct_eq(&sign(vault, login, body)).into();
        let until = i64::from_be_bytes(until.try_into().ok()?);
        (genuine && now.timestamp() < until).then_some(())?;
        let generation = u32::from_be_bytes(generation.try_into().ok()?);
        Some(Self { number: number.try_into().ok()?, generation })
    }

    #[must_use]
    pub fn number(&self) -> &[u8] {
        &self.number
    }

    /// The account's session generation when the device was remembered; in another one it is a stranger's again.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The same device after another login.
    #[must_use]
    pub fn in_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// The cookie that a login leaves, for whatever is below `path`.
    #[must_use]
    pub fn cookie(
        &self,
        vault: &Vault,
        login: &[u8],
        path: &str,
        secure: bool,
        now: DateTime<Utc>,
    ) -> Option<HeaderValue> {
        let mut bytes = Vec::with_capacity(BODY_BYTES + MAC_BYTES);
        bytes.extend_from_slice(&self.number);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&(now + REMEMBERED).timestamp().to_be_bytes());
        bytes.extend_from_slice(&sign(vault, login, &bytes));
        let (name, value) = (name(login), URL_SAFE_NO_PAD.encode(bytes));
        let (age, secure) = (REMEMBERED.num_seconds(), if secure { "; Secure" } else { "" });
        let cookie = format!("{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(cookie).ok()
    }
}

/// A cookie per login, so that people who share a device do not make it forget one another.
fn name(login: &[u8]) -> String {
    format!("device-{}", URL_SAFE_NO_PAD.encode(login.get(..6).unwrap_or(login)))
}

fn sign(vault: &Vault, login: &[u8], body: &[u8]) -> [u8; MAC_BYTES] {
    vault.keyed_hash("device", &[login, body])
}

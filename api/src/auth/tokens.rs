//! Access tokens: JSON web tokens that carry ids only.
//!
//! A token says who logged in and in which session; what they may do is looked up on every request. The algorithm
//! is pinned, so a token that names another one, or none, is not even looked at.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use lumbung_domain::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::secret::SecretKey;

const ISSUER: &str = "lumbung";
/// What the token is good for; a refresh token will name something else.
const AUDIENCE: &str = "access";
/// Clocks of nodes may differ by so much.
const LEEWAY_S: u64 = 2;
/// Ours have about 330 bytes.
const LONGEST: usize = 2_048;

/// Signs and verifies tokens.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub user: UserId,
    pub session: SessionId,
}

/// A token was not made. Fatal.
#[derive(Debug, thiserror::Error)]
#[error("no token could be signed")]
pub struct TokenError(#[from] jsonwebtoken::errors::Error);

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

impl Tokens {
    #[must_use]
    pub fn new(key: &SecretKey, lifetime: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            signing: EncodingKey::from_secret(key.as_bytes()),
            verifying: DecodingKey::from_secret(key.as_bytes()),
            validation,
            lifetime,
        }
    }

    /// How long a token is good for.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// # Errors
    /// The signature could not be made.
    pub fn issue(&self, user: UserId, session: SessionId, at: DateTime<Utc>) -> Result<String, TokenError> {
        let iat = at.timestamp();
        let exp = iat.saturating_add(i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX));
        let claims =
            Claims { iss: ISSUER.to_owned(), aud: AUDIENCE.to_owned(), sub: user, sid: session, iat, exp };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// `None` for whatever is no token of this ledger that is still good. Why is nobody's business.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Token> {
        if token.len() > LONGEST {
            return None;
        }
        let claims = decode::<Claims>(token, &self.verifying, &self.validation).ok()?.claims;
        Some(Token { user: claims.sub, session: claims.sid })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&SecretKey::from_hex(&"ab".repeat(32)).unwrap(), Duration::from_secs(3_600))
    }

    fn ids() -> (UserId, SessionId) {
        (UserId(Uuid::now_v7()), SessionId(Uuid::now_v7()))
    }

    #[test]
    fn an_issued_token_says_who_and_carries_nothing_else() {
        let (user, session) = ids();
        let token = tokens().issue(user, session, Utc::now()).unwrap();
        assert_eq!(tokens().verify(&token), Some(Token { user, session }));
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "sid", "sub"]);
        assert!(token.len() < LONGEST / 2);
    }

    #[test]
    fn an_expired_token_is_refused() {
        let (user, session) = ids();
        let made = |seconds_ago| {
            tokens().issue(user, session, Utc::now() - chrono::TimeDelta::seconds(seconds_ago)).unwrap()
        };
        assert!(tokens().verify(&made(3_590)).is_some());
        assert!(tokens().verify(&made(3_606)).is_none());
    }

    #[test]
    fn another_key_algorithm_audience_or_shape_is_refused() {
        let (user, session) = ids();
        let good = tokens().issue(user, session, Utc::now()).unwrap();
        let other = Tokens::new(&SecretKey::generate().unwrap(), Duration::from_secs(3_600));
        assert_eq!(other.verify(&good), None);

        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let payload = good.split('.').nth(1).unwrap();
        let unsigned = format!("{}.{payload}.", part(r#"{"alg":"none","typ":"JWT"}"#));
        assert_eq!(tokens().verify(&unsigned), None);

        let signed = |algorithm, aud: &str, iss: &str| {
            let now = Utc::now().timestamp();
            let claims = Claims {
                iss: iss.to_owned(),
                aud: aud.to_owned(),
                sub: user,
                sid: session,
                iat: now,
                exp: now + 60,
            };
            encode(&Header::new(algorithm), &claims, &tokens().signing).unwrap()
        };
        assert!(tokens().verify(&signed(Algorithm::HS256, AUDIENCE, ISSUER)).is_some());
        assert!(tokens().verify(&signed(Algorithm::HS512, AUDIENCE, ISSUER)).is_none());
        assert!(tokens().verify(&signed(Algorithm::HS256, "refresh", ISSUER)).is_none());
        assert!(tokens().verify(&signed(Algorithm::HS256, AUDIENCE, "another")).is_none());
        for text in ["", ".", "..", "a.b.c", "é", &good[..good.len() - 1], &"x".repeat(3_000)] {
            assert_eq!(tokens().verify(text), None, "{text}");
        }
    }
}

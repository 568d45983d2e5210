//! Access and refresh tokens: JSON web tokens that carry ids only.
//!
//! An access token says who logged in and in which session; what they may do is looked up on every request. A refresh
//! token says besides which one of its session's chain it is. Their audiences differ, so neither passes for the other.
//! The algorithm is pinned, so a token that names another one, or none, is not even looked at.
//!
//! A signature that was found good is remembered, for as many tokens as the access view keeps sessions. That says nothing of
//! the session, which is looked up every time, and the token's own times are checked again every time too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use lru::LruCache;
use lumbung_domain::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::SecretKey;

const ISSUER: &str = "lumbung";
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";
/// Clocks of nodes may differ by so much.
const LEEWAY_S: u64 = 2;
/// Ours have about 330 bytes.
const LONGEST: usize = 2_048;
/// Signatures remembered; about 120 bytes each.
const REMEMBERED: usize = 65_536;

/// Signs and verifies tokens.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    access: Validation,
    refresh: Validation,
    access_for: Duration,
    refresh_for: Duration,
    good: Mutex<LruCache<[u8; 32], Good>>,
}

/// An access token with a good signature, by the SHA-256 of its text.
#[derive(Clone, Copy)]
struct Good {
    token: Token,
    iat: i64,
    exp: i64,
}

/// What a verified refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    pub user: UserId,
    pub session: SessionId,
    /// Its number in the session's chain.
    pub rotation: u32,
}

/// What a verified access token says.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    rot: Option<u32>,
}

impl Tokens {
    #[must_use]
    pub fn new(key: &SecretKey, access_for: Duration, refresh_for: Duration) -> Self {
        Self {
            signing: EncodingKey::from_secret(key.as_bytes()),
            verifying: DecodingKey::from_secret(key.as_bytes()),
            access: validation(ACCESS),
            refresh: validation(REFRESH),
            access_for,
            refresh_for,
            // Room is taken as it is needed.
            good: Mutex::new(LruCache::unbounded()),
        }
    }

    /// How long an access token is good for.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.access_for
    }

    /// An access token.
    ///
    /// # Errors
    /// The signature could not be made.
    pub fn issue(&self, user: UserId, session: SessionId, at: DateTime<Utc>) -> Result<String, TokenError> {
        self.sign(ACCESS, user, session, None, at)
    }

    /// A refresh token.
    ///
    /// # Errors
    /// The signature could not be made.
    pub fn issue_refresh(&self, token: RefreshToken, at: DateTime<Utc>) -> Result<String, TokenError> {
        self.sign(REFRESH, token.user, token.session, Some(token.rotation), at)
    }

    fn sign(
        &self,
        audience: &str,
        user: UserId,
        session: SessionId,
        rotation: Option<u32>,
        at: DateTime<Utc>,
    ) -> Result<String, TokenError> {
        let lifetime = if rotation.is_some() { self.refresh_for } else { self.access_for };
        let iat = at.timestamp();
        let exp = iat.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let (iss, aud) = (ISSUER.to_owned(), audience.to_owned());
        let claims = Claims { iss, aud, sub: user, sid: session, iat, exp, rot: rotation };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// `None` for whatever is no access token of this ledger that is still good. Why is nobody's business.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Token> {
        if token.len() > LONGEST {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let remembered = self.remembered().get(&digest).copied();
        let good = match remembered {
            Some(good) => good,
            None => {
                let Claims { sub: user, sid: session, iat, exp, .. } = self.claims(token, &self.access)?;
                let good = Good { token: Token { user, session }, iat, exp };
                let mut remembered = self.remembered();
                remembered.put(digest, good);
                while remembered.len() > REMEMBERED {
                    remembered.pop_lru();
                }
                good
            }
        };
        good.is_current(Utc::now().timestamp()).then_some(good.token)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, LruCache<[u8; 32], Good>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` for whatever is no refresh token of this ledger that is still good.
    #[must_use]
    pub fn verify_refresh(&self, token: &str) -> Option<RefreshToken> {
        let claims = self.claims(token, &self.refresh)?;
        Some(RefreshToken { user: claims.sub, session: claims.sid, rotation: claims.rot? })
    }

    fn claims(&self, token: &str, validation: &Validation) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let claims = decode::<Claims>(token, &self.verifying, validation).ok()?.claims;
        (claims.iat <= latest_iat(Utc::now().timestamp())).then_some(claims)
    }
}

/// One from the future is none of this ledger's, whoever signed it.
fn latest_iat(now: i64) -> i64 {
    now.saturating_add(LEEWAY_S.cast_signed())
}

impl Good {
    /// As it is decided where the claims are read.
    fn is_current(self, now: i64) -> bool {
        self.iat <= latest_iat(now) && self.exp >= now.saturating_sub(LEEWAY_S.cast_signed())
    }
}

fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;

    fn with(key: &SecretKey) -> Tokens {
        Tokens::new(key, Duration::from_secs(3_600), Duration::from_secs(30 * 86_400))
    }

    fn tokens() -> Tokens {
        with(&SecretKey::from_hex(&"ab".repeat(32)).unwrap())
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
    fn a_token_from_the_future_is_refused() {
        let (user, session) = ids();
        let made = |seconds| tokens().issue(user, session, Utc::now() + chrono::TimeDelta::seconds(seconds));
        assert!(tokens().verify(&made(1).unwrap()).is_some(), "clocks of nodes differ a little");
        assert!(tokens().verify(&made(60).unwrap()).is_none());
    }

    #[test]
    fn a_remembered_token_ends_like_any_other() {
        let (user, session) = ids();
        let now = Utc::now();
        let text = tokens().issue(user, session, now).unwrap();
        let tokens = tokens();
        for _ in 0..2 {
            assert_eq!(tokens.verify(&text), Some(Token { user, session }));
        }
        let good = *tokens.remembered().iter().next().unwrap().1;
        let now = now.timestamp();
        for (at, current) in
            [(0, true), (3_600, true), (3_602, true), (3_603, false), (-2, true), (-3, false)]
        {
            assert_eq!(good.is_current(now + at), current, "{at}");
        }
        let expired = Good { exp: now - 10, ..good };
        tokens.remembered().iter_mut().for_each(|(_, held)| *held = expired);
        assert_eq!(tokens.verify(&text), None);
        // Not one character of it may differ, and a refresh token is none.
        let cut = &text[..text.len() - 1];
        assert_eq!(tokens.verify(cut), None);
        let refresh = RefreshToken { user, session, rotation: 1 };
        let refresh = tokens.issue_refresh(refresh, Utc::now()).unwrap();
        assert_eq!((tokens.verify(&refresh), tokens.remembered().len()), (None, 1));
    }

    #[test]
    fn neither_token_passes_for_the_other() {
        let (user, session) = ids();
        let (now, refresh) = (Utc::now(), RefreshToken { user, session, rotation: 7 });
        let (access_text, refresh_text) =
            (tokens().issue(user, session, now).unwrap(), tokens().issue_refresh(refresh, now).unwrap());
        assert_eq!(tokens().verify_refresh(&refresh_text), Some(refresh));
        assert_eq!(tokens().verify(&refresh_text), None);
        assert_eq!(tokens().verify_refresh(&access_text), None);
        let old = now - chrono::TimeDelta::days(29);
        assert!(tokens().verify_refresh(&tokens().issue_refresh(refresh, old).unwrap()).is_some());
        let older = now - chrono::TimeDelta::days(31);
        assert!(tokens().verify_refresh(&tokens().issue_refresh(refresh, older).unwrap()).is_none());
        // Signed for the audience, but of no chain.
        let unnumbered = tokens().sign(REFRESH, user, session, None, now).unwrap();
        assert_eq!(tokens().verify_refresh(&unnumbered), None);
    }

    #[test]
    fn another_key_algorithm_audience_or_shape_is_refused() {
        let (user, session) = ids();
        let good = tokens().issue(user, session, Utc::now()).unwrap();
        let other = with(&SecretKey::generate().unwrap());
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
                rot: None,
            };
            encode(&Header::new(algorithm), &claims, &tokens().signing).unwrap()
        };
        assert!(tokens().verify(&signed(Algorithm::HS256, ACCESS, ISSUER)).is_some());
        assert!(tokens().verify(&signed(Algorithm::HS512, ACCESS, ISSUER)).is_none());
        assert!(tokens().verify(&signed(Algorithm::HS256, "refresh", ISSUER)).is_none());
        assert!(tokens().verify(&signed(Algorithm::HS256, ACCESS, "another")).is_none());
        for text in ["", ".", "..", "a.b.c", "é", &good[..good.len() - 1], &"x".repeat(3_000)] {
            assert_eq!(tokens().verify(text), None, "{text}");
        }
    }
}

//! What is known of a request while it is handled, for whoever writes about it afterwards.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use lumbung_commands::Actor;
use uuid::Uuid;

/// What stands for the route of a request that no route fits.
pub(crate) const UNMATCHED: &str = "unmatched";

/// The longest number taken from a path. Ids are counted from 1 and stay far below; an identity card number (NIK) has 16
/// digits.
const LONGEST_NUMBER: usize = 12;
const HYPHENATED_UUID: usize = 36;

/// One request. The edge makes it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    request_id: Arc<str>,
    method: Method,
    route: Option<MatchedPath>,
    uri: Uri,
    client: Option<IpAddr>,
    agent: Option<HeaderValue>,
    has_token: bool,
    actor: OnceLock<Actor>,
}

impl Trail {
    pub(crate) fn of(request: &Request, request_id: Arc<str>, client: IpAddr) -> Self {
        let (headers, extensions) = (request.headers(), request.extensions());
        Self(Arc::new(Marks {
            request_id,
            method: request.method().clone(),
            route: extensions.get::<MatchedPath>().cloned(),
            uri: request.uri().clone(),
            client: Some(client),
            agent: headers.get(USER_AGENT).cloned(),
            has_token: headers.contains_key(AUTHORIZATION),
            actor: OnceLock::new(),
        }))
    }

    /// Notes whose token the request carries, once its signature was found good. It may still be refused.
    pub(crate) fn identified(&self, actor: Actor) {
        let _ = self.0.actor.set(actor);
    }

    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        self.0.actor.get().copied()
    }

    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    #[must_use]
    pub fn method_name(&self) -> &'static str {
        method_name(&self.0.method)
    }

    /// The template of the route, such as `/api/loans/{id}`.
    #[must_use]
    pub fn route(&self) -> &str {
        route_of(self.matched())
    }

    pub(super) fn matched(&self) -> Option<&MatchedPath> {
        self.0.route.as_ref()
    }

    pub(super) fn shared_request_id(&self) -> Arc<str> {
        Arc::clone(&self.0.request_id)
    }

    #[must_use]
    pub fn has_token(&self) -> bool {
        self.0.has_token
    }

    /// Where the request comes from.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    pub(super) fn agent(&self) -> Option<&[u8]> {
        self.0.agent.as_ref().map(HeaderValue::as_bytes)
    }

    /// The first parameter of the route, by name, if it may be an id of ours: a short number or a UUID. Anything else in a
    /// path may be personal.
    pub(super) fn subject(&self) -> Option<(Cow<'static, str>, String)> {
        let (name, value) = parameter(self.route(), self.0.uri.path())?;
        may_be_id(value).then(|| (name.to_owned().into(), value.to_owned()))
    }
}

fn may_be_id(value: &str) -> bool {
    let number = value.len() <= LONGEST_NUMBER && value.bytes().all(|byte| byte.is_ascii_digit());
    // With its hyphens: without, 32 digits pass for a UUID.
    let uuid = value.len() == HYPHENATED_UUID && Uuid::try_parse(value).is_ok();
    number || uuid
}

pub(super) fn route_of(matched: Option<&MatchedPath>) -> &str {
    matched.map_or(UNMATCHED, MatchedPath::as_str)
}

/// The name of a method out of a closed set: clients may make up others.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// The first parameter of a template, and what a path has in its place.
fn parameter<'a>(template: &'a str, path: &'a str) -> Option<(&'a str, &'a str)> {
    template.split('/').zip(path.split('/')).find_map(|(template, value)| {
        let name = template.strip_prefix('{')?.strip_suffix('}')?;
        (!value.is_empty()).then_some((name, value))
    })
}

impl<S: Sync> FromRequestParts<S> for Trail {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_id_is_no_number_of_a_person() {
        for id in ["7", "999999999999", "0192a4b0-0000-7000-8000-00000000000a"] {
            assert!(may_be_id(id), "{id}");
        }
        let nik = "3171234567890123";
        for other in [nik, "+6281234567890", "budi", &nik.repeat(2), "0192a4b0000070008000"] {
            assert!(!may_be_id(other), "{other}");
        }
    }

    #[test]
    fn the_first_parameter_of_a_path() {
        assert_eq!(parameter("/api/loans/{id}/history", "/api/loans/7/history"), Some(("id", "7")));
        assert_eq!(parameter("/uploads/{*name}", "/uploads/a"), Some(("*name", "a")));
        assert_eq!(parameter("/api/loans", "/api/loans"), None);
        assert_eq!(parameter("/api/loans/{id}", "/api/loans/"), None);
    }
}

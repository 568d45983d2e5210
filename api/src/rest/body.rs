//! Reading JSON bodies: whatever a client sends, the answer is a value or a 400 that names the field.
//!
//! A body is taken apart field by field from its raw text, so a number is read from its own digits and never through a
//! float. Unknown fields are ignored. Faults are reported in the order in which a form asks for its fields, which
//! is the order of the documented body.

mod members;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use lumbung_domain::Invalid;
use serde_json::value::RawValue;

use self::members::Members;
use super::error::{ApiError, FieldError};
use super::receive::Incoming;
use crate::app::App;
use crate::memory::Held;

/// A body up to this size takes nothing of the memory that bodies share: there is room for one on every connection, so
/// that large bodies, whoever sends them, keep nobody from logging in or deciding.
const SMALL_BYTES: usize = 4096;
/// A body that arrives slower is given up.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// What an endpoint reads from its body.
pub(super) trait Form: Sized {
    /// Takes the fields, in the order of the documented body. `None` once a fault was noted.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// An endpoint that reads no fields.
pub(super) struct NoFields;

impl Form for NoFields {
    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// A body that was understood, and its text.
pub(super) struct Input<F> {
    pub(super) form: F,
    pub(super) text: Bytes,
    /// The memory of the text, counted for as long as it is there.
    pub(super) held: Held,
}

/// The fields of a body, and what was found wrong with them.
pub(super) struct Fields<'a> {
    values: BTreeMap<String, &'a RawValue>,
    faults: Vec<FieldError>,
}

impl<F: Form> FromRequest<Arc<App>> for Input<F> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let (head, body) = request.into_parts();
        let mut body = Incoming::new(&head.headers, body, app.limits.body_bytes);
        let mut held = app.bodies.hold();
        let text = match tokio::time::timeout(ARRIVES_WITHIN, body.collect(SMALL_BYTES, &mut held)).await {
            Err(_) => return Err(ApiError::body_timeout()),
            Ok(Err(error)) => {
                drop(held);
                body.drain().await;
                return Err(error);
            }
            Ok(Ok(text)) => text,
        };
        if !is_blank(&text) && !json {
            return Err(ApiError::unsupported_media_type());
        }
        Ok(Self { form: parse(&text)?, text, held })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a form. An empty body is one without fields.
fn parse<F: Form>(text: &[u8]) -> Result<F, ApiError> {
    parse_with(text, F::read)
}

/// Reads what `read` takes of a text. An empty one has no fields.
pub(super) fn parse_with<F>(
    text: &[u8],
    read: impl FnOnce(&mut Fields<'_>) -> Option<F>,
) -> Result<F, ApiError> {
    let mut fields = Fields { values: values(text)?, faults: Vec::new() };
    match read(&mut fields) {
        Some(form) if fields.faults.is_empty() => Ok(form),
        Some(_) | None => Err(ApiError::fields(fields.faults)),
    }
}

/// Blanks alone are no body.
fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

fn values(text: &[u8]) -> Result<BTreeMap<String, &RawValue>, ApiError> {
    if is_blank(text) {
        return Ok(BTreeMap::new());
    }
    let raw: &RawValue = serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::parameter("body", format!("must be valid JSON (line {line}, column {column})"))
    })?;
    let Members { values, twice } =
        serde_json::from_str(raw.get()).map_err(|_| ApiError::parameter("body", "must be a JSON object"))?;
    if twice.is_empty() {
        return Ok(values);
    }
    let fault = |name: String| FieldError { field: name.into(), message: "must be given once".into() };
    Err(ApiError::fields(twice.into_iter().map(fault).collect()))
}

impl<'a> Fields<'a> {
    /// A text that `read` understands.
    pub(super) fn text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let text: String = match self.present(name) {
            Some(raw) => serde_json::from_str(raw.get()).ok(),
            None => return self.fault(name, "is required"),
        }
        .or_else(|| self.fault(name, "must be a string"))?;
        self.judge(name, read(&text))
    }

    /// Like [`Fields::text`], for a field that may be left out, `null` or blank: then `Some(None)`.
    pub(super) fn optional_text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        let blank = self.present(name).is_none_or(|raw| {
            serde_json::from_str::<String>(raw.get()).is_ok_and(|text| text.trim().is_empty())
        });
        if blank { Some(None) } else { self.text(name, read).map(Some) }
    }

    /// Like [`Fields::text`], for a field that may be left out or `null`: then `Some(None)`. A blank one was given.
    pub(super) fn given_text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        if self.present(name).is_none() { Some(None) } else { self.text(name, read).map(Some) }
    }

    /// Like [`Fields::text`], for a field whose `null` says something: then `Some(None)`. To leave it out says nothing.
    pub(super) fn text_or_null<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        let null = self.values.get(name).is_some_and(|raw| raw.get() == "null");
        if null { Some(None) } else { self.text(name, read).map(Some) }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.present(name).map(RawValue::get) {
            None => self.fault(name, "is required"),
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => self.fault(name, "must be true or false"),
        }
    }

    /// Like [`Fields::boolean`], for a field that may be left out or `null`: then `Some(None)`.
    pub(super) fn optional_boolean(&mut self, name: &'static str) -> Option<Option<bool>> {
        if self.present(name).is_none() { Some(None) } else { self.boolean(name).map(Some) }
    }

    /// A list of at most `most` numbers; a fault names the place in the list, counted from 0.
    pub(super) fn numbers<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        self.list(name, most, "must be a list of numbers", |digits| {
            if digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
                read(digits)
            } else {
                Err(Invalid::new("must be a number"))
            }
        })
    }

    /// A list of at most `most` texts, which may be left out or `null`: then `Some(None)`.
    pub(super) fn optional_texts<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Option<Vec<T>>> {
        if self.present(name).is_none() {
            return Some(None);
        }
        let texts = self.list(name, most, "must be a list of strings", |raw| {
            let text: String = serde_json::from_str(raw).map_err(|_| Invalid::new("must be a string"))?;
            read(&text)
        });
        texts.map(Some)
    }

    /// The fields of an object inside; a fault in it names both: `caps.dailyCostPercent`.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let Some(raw) = self.present(name) else { return self.fault(name, "is required") };
        let Ok(Members { values, twice }) = serde_json::from_str(raw.get()) else {
            return self.fault(name, "must be an object");
        };
        let mut inner = Fields { values, faults: Vec::new() };
        let twice = twice
            .into_iter()
            .map(|member| FieldError { field: member.into(), message: "must be given once".into() });
        inner.faults.extend(twice);
        let value = read(&mut inner);
        let sound = inner.faults.is_empty();
        self.faults.extend(
            inner
                .faults
                .into_iter()
                .map(|fault| FieldError { field: format!("{name}.{}", fault.field).into(), ..fault }),
        );
        value.filter(|_| sound)
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        wrong: &'static str,
        read: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let items: Vec<&RawValue> = match self.present(name) {
            Some(raw) => serde_json::from_str(raw.get()).ok(),
            None => return self.fault(name, "is required"),
        }
        .or_else(|| self.fault(name, wrong))?;
        if items.len() > most {
            return self.fault(name, format!("must have at most {most} entries"));
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read(item.get()) {
                Ok(value) => values.push(value),
                Err(why) => self.faults.push(FieldError {
                    field: format!("{name}[{index}]").into(),
                    message: why.as_str().to_owned().into(),
                }),
            }
        }
        (values.len() == items.len()).then_some(values)
    }

    /// A number that `read` understands from its digits.
    pub(super) fn number<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let Some(raw) = self.present(name) else { return self.fault(name, "is required") };
        let digits = raw.get();
        if !digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return self.fault(name, "must be a number");
        }
        self.judge(name, read(digits))
    }

    /// Like [`Fields::number`], for a field that may be left out or `null`: then `Some(None)`.
    pub(super) fn optional_number<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        if self.present(name).is_none() { Some(None) } else { self.number(name, read).map(Some) }
    }

    fn present(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// A value that was read; what is wrong with it is noted.
    pub(super) fn judge<T>(&mut self, name: &'static str, value: Result<T, Invalid>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(why) => self.fault(name, why.as_str().to_owned()),
        }
    }

    fn fault<T>(
        &mut self,
        name: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Option<T> {
        self.faults.push(FieldError { field: name.into(), message: message.into() });
        None
    }
}

/// A whole number of a path or a query, in digits alone; one that 64 bits do not hold is the nearest that they do, which names nothing either.
pub(super) fn integer(digits: &str) -> Result<i64, Invalid> {
    let (sign, size) = digits.strip_prefix('-').map_or((1, digits), |size| (-1, size));
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::new("must be an integer"));
    }
    Ok(size.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(sign))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use axum::http::StatusCode;
    use lumbung_domain::{Email, Note, Rate, Rupiah};

    use super::*;

    #[derive(Debug)]
    struct Sample {
        email: Email,
        amount: Rupiah,
        rate: Option<Rate>,
        note: Option<Note>,
    }

    impl Form for Sample {
        fn read(fields: &mut Fields<'_>) -> Option<Self> {
            let email = fields.text("email", Email::new);
            let amount = fields.number("amount", Rupiah::parse_positive);
            let rate = fields.optional_number("rate", Rate::parse);
            let note = fields.optional_text("note", Note::new);
            Some(Self { email: email?, amount: amount?, rate: rate?, note: note? })
        }
    }

    fn faults(text: &str) -> Vec<String> {
        let Err(error) = parse::<Sample>(text.as_bytes()) else { panic!("{text} was taken") };
        let problem = error.problem();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{text}");
        let all: Vec<_> =
            problem.fields.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        assert_eq!(all[0], problem.message);
        all
    }

    #[test]
    fn takes_what_is_right_and_ignores_the_unknown() {
        let text =
            r#" {"extra":[{"a":1e999}],"note":" ","rate":12.0,"amount":3000000.00,"email":" a@b.co "} "#;
        let sample: Sample = parse(text.as_bytes()).unwrap_or_else(|_| panic!("refused"));
        assert_eq!((sample.email.as_str(), sample.amount.get()), ("a@b.co", 3_000_000));
        assert_eq!((sample.rate, sample.note), (Some(Rate::from_e4_const(120_000)), None));
    }

    #[test]
    fn numbers_are_read_from_their_digits() {
        for (digits, expected) in
            [("999999999999999", 999_999_999_999_999), ("9999999999999.990e2", 999_999_999_999_999)]
        {
            let text = format!(r#"{{"email":"a@b.co","amount":{digits}}}"#);
            let sample: Sample = parse(text.as_bytes()).unwrap_or_else(|_| panic!("{digits} refused"));
            assert_eq!(sample.amount.get(), expected);
        }
        // A float would round this to a whole number.
        let text = r#"{"email":"a@b.co","amount":1000000.0000000000000001}"#;
        assert_eq!(faults(text), ["amount: must be a whole amount of rupiah"]);
    }

    #[test]
    fn names_every_wrong_field_in_order() {
        let both = ["email: is required", "amount: is required"];
        for text in ["", " \n", "{}", r#"{"email":null,"amount":null}"#] {
            assert_eq!(faults(text), both, "{text:?}");
        }
        let text = r#"{"rate":"12","note":7,"amount":"3000000","email":5}"#;
        let all = [
            "email: must be a string",
            "amount: must be a number",
            "rate: must be a number",
            "note: must be a string",
        ];
        assert_eq!(faults(text), all);
        assert_eq!(faults(r#"{"email":"\ud800","amount":true}"#)[0], "email: must be a string");
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let text = r#"{"email":"a@b.co","amount":1,"note":"x","\u0061mount":2,"x":1,"x":1,"amount":1}"#;
        assert_eq!(faults(text), ["amount: must be given once", "x: must be given once"]);
        let name = "n".repeat(1_000);
        assert_eq!(
            faults(&format!(r#"{{"{name}":1,"{name}":1}}"#))[0].len(),
            100 + ": must be given once".len()
        );
        // Inside of what is ignored nothing is looked at.
        let text = r#"{"email":"a@b.co","amount":1,"x":{"a":1,"a":2}}"#;
        assert!(parse::<Sample>(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_json_object_names_the_body() {
        for (text, column) in [("{", 1), ("nope", 2), ("{\"a\":1}x", 8), ("{\"a\":01}", 7), ("\u{feff}{}", 1)]
        {
            let expected = format!("body: must be valid JSON (line 1, column {column})");
            assert_eq!(faults(text), [expected], "{text}");
        }
        assert_eq!(faults("{\n \"a\": x}"), ["body: must be valid JSON (line 2, column 7)"]);
        for text in ["[]", "null", "1", "\"{}\""] {
            assert_eq!(faults(text), ["body: must be a JSON object"], "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(faults(&deep)[0].starts_with("body: must be valid JSON (line 1, column "));
        assert!(parse::<Sample>(b"\xff").is_err());
    }

    #[test]
    fn integers() {
        assert_eq!(integer("12"), Ok(12));
        assert_eq!(integer("-3"), Ok(-3));
        assert_eq!(integer("99999999999999999999"), Ok(i64::MAX));
        assert_eq!(integer("-99999999999999999999"), Ok(-i64::MAX));
        for text in ["", "-", "1.5", "1e3", "abc", "٣", "+1"] {
            assert!(integer(text).is_err(), "{text}");
        }
    }
}

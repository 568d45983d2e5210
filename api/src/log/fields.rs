//! The fields of spans and events, under the names that they have in a line.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// Names and values, each name once; the last value of a name counts.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(Cow<'static, str>, Value)>);

impl Fields {
    pub(super) fn put(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(held, _)| *held == name) {
            Some((_, held)) => *held = value,
            None => self.0.push((name, value)),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (name, value) in &other.0 {
            self.put(name.clone(), value.clone());
        }
    }

    fn record(&mut self, field: &Field, value: impl Into<Value>) {
        self.put(name(field.name()), value);
    }
}

/// The schema's name of a field. What the schema does not know stands apart, so that it can never clash with a field of
/// another type.
fn name(field: &'static str) -> Cow<'static, str> {
    match field {
        "message" => "message".into(),
        "error" | "panic" => "error.message".into(),
        "code" => "event.code".into(),
        known if known.starts_with("http.") || known.starts_with("event.") || known.starts_with("url.") => {
            known.into()
        }
        other => format!("lumbung.{other}").into(),
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value);
    }

    /// An error and its causes, each on a line of its own.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, value.to_string());
        let mut causes = vec![value.to_string()];
        let mut source = value.source();
        while let Some(cause) = source {
            causes.push(format!("caused by: {cause}"));
            source = cause.source();
        }
        self.put("error.stack_trace", causes.join("\n"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, format!("{value:?}"));
    }
}

//! Lines of JSON in the field names of the Elastic Common Schema, version [`VERSION`].

use std::io::Write;

use chrono::{SecondsFormat, Utc};
use serde::Serializer;
use serde::ser::SerializeMap;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;

const VERSION: &str = "8.17";
const SERVICE: &str = "lumbung";

/// Writes one line per event, with the fields of the spans that it happened in.
#[derive(Debug)]
pub struct Ecs<W> {
    writer: W,
}

impl<W> Ecs<W> {
    pub fn new(writer: W) -> Self {
        Self { writer }
    }
}

impl<S, W> Layer<S> for Ecs<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(held) = span.extensions().get::<Fields>() {
                fields.merge(held);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        if let Ok(mut line) = line(metadata.level(), metadata.target(), &fields) {
            line.push(b'\n');
            // One write, so that lines of several threads do not mix. There is nowhere to say that it failed.
            let _ = self.writer.make_writer().write_all(&line);
        }
    }
}

fn line(level: &Level, target: &str, fields: &Fields) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut map = serializer.serialize_map(None)?;
    // People read the beginning of a line.
    map.serialize_entry("@timestamp", &Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true))?;
    map.serialize_entry("log.level", name(level))?;
    let message = fields.0.iter().find(|(name, _)| name == "message");
    if let Some((name, value)) = message {
        map.serialize_entry(name, value)?;
    }
    map.serialize_entry("log.logger", target)?;
    map.serialize_entry("ecs.version", VERSION)?;
    map.serialize_entry("service.name", SERVICE)?;
    map.serialize_entry("service.version", env!("CARGO_PKG_VERSION"))?;
    map.serialize_entry("event.dataset", "lumbung.log")?;
    for (name, value) in fields.0.iter().filter(|(name, _)| name != "message") {
        map.serialize_entry(name, value)?;
    }
    map.end()?;
    Ok(line)
}

fn name(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::{error, info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the read models")]
    struct Outer(#[source] io::Error);

    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = tracing_subscriber::registry().with(Ecs::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_names_of_the_schema() {
        let lines = lines(|| {
            let span = info_span!(
                "request",
                http.request.id = "r-1",
                http.request.method = "GET",
                url.path = "/x/{id}"
            );
            let _in = span.enter();
            let error = Outer(io::Error::other("away\nfor long"));
            error!(error = &error as &dyn std::error::Error, code = "UNAVAILABLE", "a request failed");
            info!(http.response.status_code = 503u16, event.duration = 1_234u64, "a request was answered");
        });
        let [failed, answered] = &lines[..] else { unreachable!() };
        for (name, value) in [
            ("log.level", json!("error")),
            ("message", json!("a request failed")),
            ("service.name", json!("lumbung")),
            ("service.version", json!(env!("CARGO_PKG_VERSION"))),
            ("ecs.version", json!(VERSION)),
            ("http.request.id", json!("r-1")),
            ("http.request.method", json!("GET")),
            ("url.path", json!("/x/{id}")),
            ("event.code", json!("UNAVAILABLE")),
            ("error.message", json!("the read models")),
            ("error.stack_trace", json!("the read models\ncaused by: away\nfor long")),
        ] {
            assert_eq!(failed[name], value, "{name}");
        }
        let at = failed["@timestamp"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.parse::<chrono::DateTime<Utc>>().is_ok(), "{at}");
        assert_eq!(answered["http.response.status_code"], 503);
        assert_eq!(
            (&answered["event.duration"], &answered["http.request.id"]),
            (&json!(1_234), &json!("r-1"))
        );
    }

    #[test]
    fn what_the_schema_does_not_know_stands_apart() {
        let lines = lines(|| {
            let span = info_span!("outer", position = 1, late = tracing::field::Empty);
            let _in = span.enter();
            span.record("late", true);
            warn!(position = 7, stream = ?"Loan/\"7\"", panic = "it \u{1} broke", "odd");
        });
        assert_eq!(lines[0]["lumbung.position"], 7);
        assert_eq!(lines[0]["lumbung.late"], true);
        assert_eq!(lines[0]["lumbung.stream"], "\"Loan/\\\"7\\\"\"");
        assert_eq!(lines[0]["error.message"], "it \u{1} broke");
    }
}

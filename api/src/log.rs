//! Log lines on stderr: text for people, or JSON in the field names of the Elastic Common Schema for collectors.
//!
//! What may stand in a line: ids, positions, routes, counts, errors of the machinery. Never a personal value, a token, a
//! path or a query. There is no line per request unless somebody asks for it.

mod ecs;
mod fields;

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use ecs::Ecs;

use crate::config::{Log, LogFormat};

/// Starts logging for this process. Someone who embeds this in a test may have set up logging already; then it stays.
pub fn start(log: &Log) {
    // The settings were checked; a filter that does not parse would only fall back to the default.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_default();
    let registry = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal());
            let _ = registry.with(lines).try_init();
        }
        LogFormat::Json => {
            if registry.with(Ecs::new(std::io::stderr)).try_init().is_ok() {
                // The default hook writes lines that are no JSON.
                std::panic::set_hook(Box::new(panicked));
            }
        }
    }
}

fn panicked(panic: &PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("a panic without text");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    error!(panic = text, location, "a thread panicked");
}

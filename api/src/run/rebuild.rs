//! `lumbung rebuild`: builds the read models anew beside the live ones and switches to them.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::RunError;
use crate::cli::{CommonArgs, Exit};

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (_, place) = super::place(common).await?;
    let bar = progress_bar("rebuilding", 0);
    let report = lumbung_projections::rebuild(place.database(), |position, head| {
        bar.set_length(head.unsigned_abs());
        bar.set_position(position.unsigned_abs());
    })
    .await;
    bar.finish_and_clear();
    place.leave().await?;
    let report = report?;
    if common.json {
        println!(
            "{}",
            json!({"schema": report.schema.to_string(), "events": report.events, "seconds": report.seconds,
                   "differences": report.differences})
        );
    } else {
        println!("{} shows {} events; built in {:.1} s", report.schema, report.events, report.seconds);
        for difference in &report.differences {
            println!("different from the schema before: {difference}");
        }
    }
    Ok(if report.differences.is_empty() { Exit::Done } else { Exit::Finding })
}

/// A bar on stderr; nothing is drawn when stderr is no terminal.
pub(super) fn progress_bar(verb: &'static str, total: i64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} events  {per_sec}  {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total.unsigned_abs()).with_style(style).with_prefix(verb);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

//! `lumbung rebuild`: builds the read models anew beside the live ones and switches to them.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lumbung_projections::{Difference, Rebuild};
use serde_json::json;

use super::RunError;
use crate::cli::{CommonArgs, Exit};

pub(super) async fn run(common: &CommonArgs) -> Result<Exit, RunError> {
    let (_, place) = super::place(common).await?;
    let bar = progress_bar("rebuilding", 0);
    let report = lumbung_projections::rebuild(&Rebuild::new(place.database().clone()), |progress| {
        bar.set_length(progress.head.unsigned_abs());
        bar.set_position(progress.position.unsigned_abs());
    })
    .await;
    bar.finish_and_clear();
    place.leave().await?;
    let report = report?;
    let seconds = report.replaying.as_secs_f64();
    let differences: Vec<String> = report.differences.iter().map(said).collect();
    if common.json {
        println!(
            "{}",
            json!({"schema": report.schema.to_string(), "events": report.events, "seconds": seconds,
                   "comparedAt": report.compared_at, "differences": differences})
        );
    } else {
        println!("{} shows {} events; replayed in {seconds:.1} s", report.schema, report.events);
        for difference in &differences {
            println!("{difference}");
        }
    }
    Ok(if differences.is_empty() { Exit::Done } else { Exit::Finding })
}

fn said(difference: &Difference) -> String {
    let Difference { table, live_rows, rebuilt_rows, .. } = difference;
    format!("{table} differs from the schema before: {live_rows} rows there, {rebuilt_rows} here")
}

/// A bar on stderr; nothing is drawn when stderr is no terminal.
pub(super) fn progress_bar(verb: &'static str, total: i64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} events  {per_sec}  {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total.unsigned_abs()).with_style(style).with_prefix(verb);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

//! `lumbung demo-history`: a lifelike ledger out of nothing. A server that begins with an empty ledger tells itself a small one.

use std::time::{Duration, Instant};

use chrono::{NaiveDate, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use lumbung_commands::ledger::Options;
use serde_json::json;
use tracing::{info, warn};

use super::RunError;
use crate::cli::{CommonArgs, DemoHistoryArgs, Exit, ServeArgs};
use crate::config::{Config, ConfigError, Environment};
use crate::data_dir::Secrets;
use crate::demo_history::{HistoryError, Progress, Story, Told, events, tell};
use crate::node::ledger_options;
use crate::place::Place;

pub(super) async fn run(common: &CommonArgs, args: &DemoHistoryArgs) -> Result<Exit, RunError> {
    let config = Config::resolve(common, &ServeArgs::default())?;
    if config.environment == Environment::Production {
        return Err(ConfigError::DemoInProduction.into());
    }
    let ends_on = args.until.unwrap_or_else(|| today(&config));
    if ends_on > today(&config) {
        return Err(RunError::Usage("--until: the history cannot end after today".to_owned()));
    }
    let story = Story::of_years(args.years, args.customers, args.seed, ends_on, config.zone)?;
    let secrets = config.secrets()?;
    let place = Place::open(&config).await?;
    let started = Instant::now();
    let told = with_bar(ledger_options(place.database(), &secrets.master_key, &config), story).await;
    place.leave().await?;
    match told {
        Ok(told) => {
            say(common.json, &told, started.elapsed());
            Ok(Exit::Done)
        }
        Err(why @ (HistoryError::NotEmpty { .. } | HistoryError::Disturbed)) => {
            if common.json {
                println!("{}", json!({"told": false, "reason": why.to_string()}));
            } else {
                println!("no history was told: {why}");
            }
            Ok(Exit::Finding)
        }
        Err(error) => Err(error.into()),
    }
}

/// A server goes on without one if it cannot be had.
///
/// # Errors
/// The database fails.
pub(super) async fn begin_with_a_small_one(
    config: &Config,
    secrets: &Secrets,
    place: &Place,
) -> Result<(), RunError> {
    if events(place.database()).await? > 0 {
        return Ok(());
    }
    let story = Story::small(today(config), config.zone)?;
    let options = ledger_options(place.database(), &secrets.master_key, config);
    match with_bar(options, story).await {
        Ok(told) => {
            info!(events = told.events, "the empty ledger begins with a small history of demo customers");
        }
        // Another node was first.
        Err(HistoryError::NotEmpty { .. }) => {}
        Err(error @ HistoryError::Disturbed) => {
            warn!(error = &error as &dyn std::error::Error, "the demo history is not complete");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn today(config: &Config) -> NaiveDate {
    Utc::now().with_timezone(&config.zone).date_naive()
}

async fn with_bar(options: Options, story: Story) -> Result<Told, HistoryError> {
    let bar = progress_bar();
    let told = tell(options, story, |Progress { days, of_days, events }| {
        bar.set_length(of_days);
        bar.set_position(days);
        bar.set_message(format!("{events} events"));
    })
    .await;
    bar.finish_and_clear();
    told
}

/// A bar on stderr; nothing is drawn when stderr is no terminal.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("telling a history {bar:32} {pos}/{len} days  {msg}  {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn say(as_json: bool, told: &Told, took: Duration) {
    let seconds = took.as_secs_f64();
    if as_json {
        println!("{}", json!({"told": true, "history": told, "seconds": seconds}));
        return;
    }
    let Told { begins_on, ends_on, events, customers, loans, .. } = told;
    let per_second = *events as f64 / seconds.max(0.001);
    println!("told: {begins_on} to {ends_on}, {events} events in {seconds:.1} s ({per_second:.0} a second)");
    println!(
        "  {customers} customers; {} top-ups, {} payments, {} transfers",
        told.top_ups, told.payments, told.transfers
    );
    println!(
        "  loans: {} active, {} paid off, {} written off; {} repayments, {} reversed",
        loans.disbursed, loans.paid_off, loans.written_off, told.repayments, told.reversals
    );
    println!(
        "  applications: {} pending, {} rejected, {} cancelled, {} expired",
        loans.pending, loans.rejected, loans.cancelled, loans.expired
    );
}

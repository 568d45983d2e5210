//! The bounds of a node. Every queue, body, list and wait has one; all can be set.

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::layer::value;

/// A limit, for the documentation.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// As in the table `[limits]` of the TOML file; the unit stands last.
    pub name: &'static str,
    pub doc: &'static str,
    /// Whether production has another one.
    pub default: fn(production: bool) -> u64,
    pub lowest: u64,
    pub highest: u64,
}

impl Limit {
    /// Its name in the environment.
    #[must_use]
    pub fn env(&self) -> String {
        format!("LUMBUNG_LIMITS_{}", self.name.to_uppercase())
    }
}

/// Defines the limits once: `name: default, lowest..=highest`. From it come the resolved struct, its optional
/// layer, the documentation and the names in the environment (`LUMBUNG_LIMITS_` and the name in capitals).
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $default:expr, $lowest:literal..=$highest:literal;)*) => {
        /// The resolved limits; units stand last in the names.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct Limits { $($(#[doc = $doc])+ pub $name: u64,)* }

        /// Every limit.
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: stringify!($name),
            doc: concat!($($doc),+),
            default: $default,
            lowest: $lowest,
            highest: $highest,
        },)*];

        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct LimitsLayer { $($name: Option<u64>,)* }

        impl LimitsLayer {
            pub(super) fn from_env(env: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
                Ok(Self { $($name: {
                    let name = concat!("LUMBUNG_LIMITS_", stringify!($name)).to_uppercase();
                    value(env, &name, "a whole number")?
                },)* })
            }

            pub(super) fn over(self, lower: Self) -> Self {
                Self { $($name: self.$name.or(lower.$name),)* }
            }
        }

        impl Limits {
            pub(super) fn resolve(layer: LimitsLayer, production: bool) -> Result<Self, ConfigError> {
                Ok(Self { $($name: {
                    let default: fn(bool) -> u64 = $default;
                    let value = layer.$name.unwrap_or_else(|| default(production));
                    in_range(stringify!($name), value, $lowest, $highest)?
                },)* })
            }
        }
    };
}

fn in_range(name: &str, value: u64, lowest: u64, highest: u64) -> Result<u64, ConfigError> {
    if (lowest..=highest).contains(&value) {
        return Ok(value);
    }
    let expected = format!("must be from {lowest} to {highest}, not {value}");
    Err(ConfigError::Value { name: format!("limits.{name}"), expected })
}

limits! {
    /// Largest request body.
    body_bytes: |_| 1 << 20, 1024..=104857600;
    /// Memory that all request bodies of more than 4 KiB, but for uploads, may take together; beyond it 503 `OVERLOADED`.
    bodies_memory_bytes: |_| 64 << 20, 1048576..=1099511627776;
    /// Largest multipart request body.
    multipart_bytes: |_| 20 << 20, 1024..=1073741824;
    /// Largest uploaded file.
    file_bytes: |_| 5 << 20, 1024..=104857600;
    /// What one person may upload in a day; replaced files are kept.
    upload_bytes_per_day: |production| if production { 200 << 20 } else { 100 << 30 }, 1048576..=1099511627776;
    /// Memory that all uploads together may take while they are received; beyond it 503 `OVERLOADED`.
    uploads_memory_bytes: |_| 256 << 20, 1048576..=1099511627776;
    /// Memory that all files together may take while they are sent; beyond it 503 `OVERLOADED`.
    downloads_memory_bytes: |_| 256 << 20, 1048576..=1099511627776;
    /// CSV reports that are sent at once, two of one person; beyond it 503 `OVERLOADED`.
    reports_at_once: |_| 32, 1..=10000;
    /// Longest time that a CSV report may take its client, however long it is; then it is broken off.
    report_ms: |_| 300_000, 1000..=86400000;
    /// Longest time a request may take before the server answers for it.
    request_timeout_ms: |_| 30_000, 100..=600000;
    /// Longest wait of a read for the projections; then 503 `PROJECTION_BEHIND`.
    freshness_wait_ms: |_| 2_000, 0..=60000;
    /// Connections served at once; more wait in the kernel's queue.
    http_connections: |_| 10_000, 1..=1000000;
    /// Longest time that a client may leave an answer unread before its connection is closed.
    write_timeout_ms: |_| 30_000, 1000..=600000;
    /// Connections of the query pool.
    pool_connections: |_| 16, 1..=1000;
    /// Commands waiting for the ledger loop; beyond it 503 `OVERLOADED`.
    queue_commands: |_| 4_096, 1..=1000000;
    /// Most commands in one batch.
    batch_commands: |_| 512, 1..=65536;
    /// Most encoded bytes in one batch.
    batch_bytes: |_| 4 << 20, 65536..=67108864;
    /// Aggregates kept in memory by the ledger loop.
    cached_aggregates: |_| 200_000, 1000..=100000000;
    /// Events of an aggregate after which its state is written down again, so that a long one opens quickly; 0 is never.
    snapshot_every_events: |_| 500, 0..=1000000;
    /// Lifetime of an access token.
    access_token_s: |_| 3_600, 60..=86400;
    /// Lifetime of a refresh token.
    refresh_token_s: |_| 30 * 86_400, 3600..=31536000;
    /// How long an `Idempotency-Key` is remembered.
    idempotency_s: |_| 7 * 86_400, 3600..=31536000;
    /// Whole business days without a decision after which a loan application expires.
    application_expiry_days: |_| 30, 1..=36500;
    /// Pause between two looks for expired loan applications.
    application_expiry_look_s: |_| 60, 1..=86400;
    /// Pause between two looks for loans with days to close, on the same business date; another date is noticed at once.
    daily_run_look_s: |_| 10, 1..=86400;
    /// Most days of loans that the daily run asks the ledger to close at once; a quarter of it while answers are slow. More is faster, and customers wait longer.
    daily_run_days_at_once: |_| 128, 1..=1024;
    /// Pause after a loan's days could first not be closed; it doubles with each further time, up to 15 minutes.
    daily_run_retry_ms: |_| 5_000, 10..=900000;
    /// Failed logins per account in 15 minutes from unknown devices, before the growing delay.
    failed_logins_per_quarter_hour: |_| 10, 1..=100000;
    /// Failed logins per address in 15 minutes from unknown devices, whatever the accounts, before the growing delay.
    failed_logins_per_address_per_quarter_hour: |production| if production { 100 } else { 100_000 }, 1..=10000000;
    /// Attempts to deliver a message before it is parked for an operator.
    mail_attempts: |_| 10, 1..=100;
    /// Pause after a message's first failed attempt; it doubles with each further one, up to 15 minutes.
    mail_retry_ms: |_| 5_000, 10..=900000;
    /// Messages that one account is sent in an hour because somebody asked for them, evenly spread; more are not sent, and nobody is told.
    messages_per_account_per_hour: |production| if production { 5 } else { 100_000 }, 4..=10000000;
    /// Registrations and forgotten passwords per address in an hour, and as many tokens that are not good.
    sensitive_requests_per_hour: |production| if production { 60 } else { 100_000 }, 1..=10000000;
    /// Audit rows that may wait to be stored; beyond it they are dropped and counted.
    audit_queue_rows: |_| 4_096, 1..=1000000;
    /// Age at which an audit row is deleted.
    audit_retention_s: |_| 400 * 86_400, 3600..=3153600000;
    /// Most audit rows of one kind; beyond it the oldest of the kind are deleted.
    audit_rows_per_kind: |_| 1_000_000, 1000..=1000000000;
}

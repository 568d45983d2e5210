//! `from` and `to` of a list: days of the configured zone, both included.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use lumbung_domain::Invalid;

use super::query::Query;

pub(super) const DATE: &str = "must be a date like 2025-12-31";

/// The instants of some days; what is `None` has no end on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Days {
    /// The first of them.
    pub(super) from: Option<DateTime<Utc>>,
    /// The first behind them.
    pub(super) until: Option<DateTime<Utc>>,
}

impl Days {
    pub(super) fn read(query: &mut Query<'_>, zone: Tz) -> Self {
        let from = query.one("from", DATE, date);
        let to = query.one("to", DATE, date);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            query.fault::<()>("to", "must not be before from");
        }
        let behind = to.and_then(|day| day.checked_add_days(chrono::Days::new(1)));
        Self { from: from.map(|day| start_of(day, zone)), until: behind.map(|day| start_of(day, zone)) }
    }
}

/// Ten characters, so that there is one way to write a day.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| plain)
}

/// As [`date`], of a body.
pub(super) fn read(text: &str) -> Result<NaiveDate, Invalid> {
    date(text.trim()).ok_or(Invalid::new(DATE))
}

/// The first instant of a day. Where clocks are put forward at midnight it begins an hour later.
fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let begins = |hours| zone.from_local_datetime(&(midnight + TimeDelta::hours(hours))).earliest();
    (0..3).find_map(begins).map_or_else(|| midnight.and_utc(), |start| start.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_have_one_spelling() {
        assert_eq!(date("2025-12-31"), NaiveDate::from_ymd_opt(2025, 12, 31));
        for bad in [
            "",
            "2025-1-1",
            "2025-13-01",
            "2025-02-30",
            "31-12-2025",
            "+025-01-01",
            "2025-12-311",
            "2025/12/31",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_begins_where_it_is() {
        let day = |text| date(text).unwrap();
        let start = |text, zone| start_of(day(text), zone).to_rfc3339();
        assert_eq!(start("2025-12-22", Tz::Asia__Jakarta), "2025-12-21T17:00:00+00:00");
        assert_eq!(start("2025-12-22", Tz::UTC), "2025-12-22T00:00:00+00:00");
        // Beirut's clocks went forward at midnight.
        assert_eq!(start("2022-03-27", Tz::Asia__Beirut), "2022-03-26T22:00:00+00:00");
        // Havana's went back at one o'clock, so the day had two midnights; it began at the first.
        assert_eq!(start("2022-11-06", Tz::America__Havana), "2022-11-06T04:00:00+00:00");
        assert_eq!(start("9999-12-31", Tz::UTC), "9999-12-31T00:00:00+00:00");
    }
}

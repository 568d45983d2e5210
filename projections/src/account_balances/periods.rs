//! A range of business dates as few whole years, months and days.

use chrono::{Datelike, Months, NaiveDate};

/// What a row of the table is the total of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Span {
    Day,
    Month,
    Year,
}

impl Span {
    pub(super) const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Year];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Month => "MONTH",
            Self::Year => "YEAR",
        }
    }

    /// The first day of the period that `day` is in.
    pub(super) fn start_of(self, day: NaiveDate) -> NaiveDate {
        let start = match self {
            Self::Day => Some(day),
            Self::Month => day.with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        };
        start.unwrap_or(day)
    }
}

/// Periods that do not overlap: every year whose first day is in a range, some months, some days. At most 22 months
/// and 60 days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Periods {
    /// `None`: since ever.
    pub(super) years_from: Option<NaiveDate>,
    /// `None`: for ever.
    pub(super) years_to: Option<NaiveDate>,
    pub(super) months: Vec<NaiveDate>,
    pub(super) days: Vec<NaiveDate>,
}

impl Periods {
    /// All days from `from` to `to`, both included; without bounds, all there are. None if `to` is before `from`.
    pub(crate) fn between(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        let mut periods = Self { years_from: from, years_to: to, ..Self::default() };
        let within_a_year = from.zip(to).filter(|(from, to)| from.year() == to.year());
        match within_a_year {
            // The year's first day is in the range, but the year may not be.
            Some((from, to)) if Self::is_year(from, to) => {}
            Some((from, to)) => {
                periods.add(from, to);
                // A range that no first day of a year is in.
                (periods.years_from, periods.years_to) = (to.succ_opt(), Some(from));
            }
            None => {
                if let Some(from) = from.filter(|from| from.ordinal() != 1) {
                    periods.add(from, last_of_year(from));
                }
                if let Some(to) = to.filter(|to| *to != last_of_year(*to)) {
                    let first = Span::Year.start_of(to);
                    if from.is_none_or(|from| from <= to) {
                        periods.add(first, to);
                    }
                    periods.years_to = first.pred_opt();
                }
                if from.zip(to).is_some_and(|(from, to)| to < from) {
                    (periods.months, periods.days) = (Vec::new(), Vec::new());
                }
            }
        }
        periods
    }

    fn is_year(from: NaiveDate, to: NaiveDate) -> bool {
        from.ordinal() == 1 && to == last_of_year(from)
    }

    /// A range within one year.
    fn add(&mut self, from: NaiveDate, to: NaiveDate) {
        let mut day = from;
        while day <= to {
            let whole_month = day
                .checked_add_months(Months::new(1))
                .filter(|next| day.day() == 1 && next.pred_opt().is_some_and(|last| last <= to));
            if whole_month.is_some() {
                self.months.push(day);
            } else {
                self.days.push(day);
            }
            let Some(next) = whole_month.or_else(|| day.succ_opt()) else { return };
            day = next;
        }
    }
}

fn last_of_year(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), 12, 31).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// How often a day is in one of the periods.
    fn covers(periods: &Periods, on: NaiveDate) -> usize {
        let year = Span::Year.start_of(on);
        let of_year = periods.years_from.is_none_or(|from| from <= year)
            && periods.years_to.is_none_or(|to| year <= to);
        let months = periods.months.iter().filter(|month| **month == Span::Month.start_of(on)).count();
        let days = periods.days.iter().filter(|day| **day == on).count();
        usize::from(of_year) + months + days
    }

    #[test]
    fn every_day_of_a_range_is_in_one_period_and_no_other_day_is() {
        let edges = [
            None,
            Some("2022-12-31"),
            Some("2023-01-01"),
            Some("2023-01-02"),
            Some("2023-02-28"),
            Some("2023-06-30"),
            Some("2023-07-01"),
            Some("2023-12-30"),
            Some("2023-12-31"),
            Some("2024-01-01"),
            Some("2024-02-29"),
            Some("2025-12-31"),
            Some("2026-03-15"),
        ];
        let edges = edges.map(|edge| edge.map(day));
        let days = day("2021-12-25").iter_days().take_while(|on| *on < day("2027-01-10"));
        let days: Vec<NaiveDate> = days.collect();
        for from in edges {
            for to in edges {
                let periods = Periods::between(from, to);
                assert!(periods.months.len() <= 22 && periods.days.len() <= 60, "{periods:?}");
                for on in &days {
                    let wanted = from.is_none_or(|from| from <= *on) && to.is_none_or(|to| *on <= to);
                    assert_eq!(covers(&periods, *on), usize::from(wanted), "{on} in {from:?} to {to:?}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_dates_too() {
        let periods = Periods::between(Some(NaiveDate::MIN), Some(NaiveDate::MAX));
        assert!(periods.months.len() <= 22 && periods.days.len() <= 60);
        Periods::between(Some(NaiveDate::MAX), Some(NaiveDate::MIN));
    }
}

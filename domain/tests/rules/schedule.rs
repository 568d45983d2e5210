//! Schedules against tables that were computed apart from the product, with exact fractions, from the definitions that each test names.

use chrono::NaiveDate;
use lumbung_domain::*;
use proptest::prelude::*;

use crate::example::rupiah;

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan(principal: i64, rate: &str, tenor: i64, begins_on: &str) -> Plan {
    Plan {
        principal_rupiah: rupiah(principal),
        interest_rate: Rate::parse(rate).unwrap(),
        tenor_months: Tenor::new(tenor).unwrap(),
        method: Method::Annuity,
        day_count: DayCount::Thirty360,
        instalment_fee_rupiah: Rupiah::ZERO,
        begins_on: day(begins_on),
    }
}

/// Due day, principal, interest.
fn table(plan: &Plan) -> Vec<(String, i64, i64)> {
    let rows = plan.instalments().unwrap();
    rows.iter()
        .map(|row| (row.due_on.to_string(), row.principal_rupiah.get(), row.interest_rupiah.get()))
        .collect()
}

fn wanted(rows: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
    rows.iter().map(|(due_on, principal, interest)| ((*due_on).to_owned(), *principal, *interest)).collect()
}

/// CONTRACT §6: 3,000,000 at 12 % over 6 months are 517,645 a month. Annuity by `A = P·i / (1 − (1 + i)⁻ⁿ)`, `i` a twelfth of the
/// yearly rate: 517,645.1.
#[test]
fn annuity_by_whole_months() {
    assert_eq!(
        table(&plan(3_000_000, "12.0", 6, "2025-12-22")),
        wanted(&[
            ("2026-01-22", 487_645, 30_000),
            ("2026-02-22", 492_521, 25_124),
            ("2026-03-22", 497_447, 20_198),
            ("2026-04-22", 502_421, 15_224),
            ("2026-05-22", 507_445, 10_200),
            ("2026-06-22", 512_521, 5_125),
        ])
    );
}

/// Flat (add-on) interest: every month the rate on what was lent, `P·i`, and the principal in equal parts.
#[test]
fn flat_by_whole_months() {
    let flat = Plan { method: Method::Flat, ..plan(3_000_000, "12.0", 6, "2025-12-22") };
    let rows = table(&flat);
    assert!(
        rows.iter().all(|(_, principal, interest)| (*principal, *interest) == (500_000, 30_000)),
        "{rows:?}"
    );
}

/// Actual/365 (Fixed), ISDA 2006 Definitions §4.16(d): the days of each period over 365, also in the leap year 2024. Level payment
/// `A = P / Σₖ Πⱼ≤ₖ (1 + i·dⱼ/365)⁻¹` = 517,483.
#[test]
fn annuity_by_actual_days_over_a_leap_day_and_month_ends() {
    let actual = Plan { day_count: DayCount::Actual365, ..plan(3_000_000, "12.0", 6, "2024-01-31") };
    assert_eq!(
        table(&actual),
        wanted(&[
            ("2024-02-29", 488_880, 28_603),
            ("2024-03-31", 491_890, 25_593),
            ("2024-04-30", 497_567, 19_916),
            ("2024-05-31", 501_975, 15_508),
            ("2024-06-30", 507_426, 10_057),
            ("2024-07-31", 512_262, 5_221),
        ])
    );
}

/// As above; 30, 31 and 30 days of 365, and the odd rupiah of the principal in the last instalment.
#[test]
fn flat_by_actual_days() {
    let (method, day_count) = (Method::Flat, DayCount::Actual365);
    let flat = Plan { method, day_count, ..plan(10_000_000, "18", 3, "2023-11-30") };
    assert_eq!(
        table(&flat),
        wanted(&[
            ("2023-12-30", 3_333_333, 147_945),
            ("2024-01-30", 3_333_333, 152_877),
            ("2024-02-29", 3_333_334, 147_945),
        ])
    );
}

#[test]
fn without_interest_the_remainder_is_in_the_last_instalment() {
    let rows = table(&plan(1_000_000, "0", 7, "2025-01-31"));
    assert_eq!(rows[0], ("2025-02-28".to_owned(), 142_857, 0));
    assert_eq!(rows[6], ("2025-08-31".to_owned(), 142_858, 0));
}

#[test]
fn a_schedule_that_no_calendar_holds_is_none() {
    let mut far = plan(1, "12", 600, "2025-01-01");
    far.begins_on = NaiveDate::MAX;
    assert_eq!(far.instalments(), None);
}

#[test]
fn caps_of_the_law() {
    let edition = Edition::example();
    let cap = |rate: &str, tenor| {
        let plan = plan(1_000_000, rate, tenor, "2026-01-01");
        Agreement::schedule(&plan, &edition).err().map(|rejection| rejection.code())
    };
    assert_eq!(cap("12", 12), None);
    // 0.3 % a day of a flat loan of a month is 9.3 % in January.
    assert_eq!(cap("111.6", 1), None);
    assert_eq!(cap("111.7", 1), Some("AGREEMENT_ABOVE_CAP"));
    // Cheap by the day, but more than was lent in all.
    assert_eq!(cap("60", 60), Some("AGREEMENT_ABOVE_CAP"));
    let plan = plan(1_000_000, "60", 60, "2026-01-01");
    let Err(rejection) = Agreement::schedule(&plan, &edition) else { panic!("allowed") };
    let message = rejection.to_string();
    assert!(message.contains("interest and fees in all of at most 100.0%"), "{message}");
    assert!(message.contains("SEOJK"), "{message}");
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let money =
        prop_oneof![1..1_000_i64, 1_000..100_000_000_i64, 999_999_999_000_000..=999_999_999_999_999_i64];
    (money, 0..=10_000_000_u32, 1..=600_i64, 0..40_000_i64, any::<(bool, bool)>()).prop_map(
        |(principal, rate, tenor, days, (flat, actual))| Plan {
            principal_rupiah: rupiah(principal),
            interest_rate: Rate::percent_e4(rate).unwrap(),
            tenor_months: Tenor::new(tenor).unwrap(),
            method: if flat { Method::Flat } else { Method::Annuity },
            day_count: if actual { DayCount::Actual365 } else { DayCount::Thirty360 },
            instalment_fee_rupiah: Rupiah::ZERO,
            begins_on: day("1990-01-01") + chrono::Days::new(days.unsigned_abs()),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_schedule_repays_exactly_and_in_time(plan in any_plan()) {
        let rows = plan.instalments().unwrap();
        prop_assert_eq!(rows.len(), usize::from(plan.tenor_months.get()));
        let principal: i64 = rows.iter().map(|row| row.principal_rupiah.get()).sum();
        prop_assert_eq!(principal, plan.principal_rupiah.get());
        prop_assert!(rows.windows(2).all(|pair| pair[0].due_on < pair[1].due_on));
        if plan.interest_rate == Rate::ZERO {
            prop_assert!(rows.iter().all(|row| row.interest_rupiah.is_zero()));
        }
    }

    /// Amounts so small that rounding uses the principal up early apart.
    #[test]
    fn annuities_are_level_but_for_the_last(plan in any_plan(), percent in 0..60_u32, months in 1..=60_i64) {
        let plan = Plan {
            method: Method::Annuity,
            interest_rate: Rate::percent_e4(percent * 10_000).unwrap(),
            tenor_months: Tenor::new(months).unwrap(),
            ..plan
        };
        if plan.principal_rupiah.get() > 1_000_000 {
            let totals: Vec<i64> = plan.instalments().unwrap().iter().map(Instalment::total_rupiah).collect();
            let (last, level) = totals.split_last().unwrap();
            prop_assert!(level.iter().all(|total| *total == level[0]));
            // Half a rupiah a month, and the interest on it.
            let first = level.first().unwrap_or(last);
            prop_assert!(plan.day_count != DayCount::Thirty360 || (last - first).abs() <= 600, "{} and {}", first, last);
        }
    }
}

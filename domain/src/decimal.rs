//! Exact reading of decimal numbers; no float ever touches money or a rate.

use crate::Invalid;

/// A number as it was written: `digits × 10^exponent`.
///
/// `digits` has neither leading nor trailing zeros, so zero is empty and equal numbers read equal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Why a number is no whole multiple of a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotWhole {
    /// It has decimals finer than the step.
    TooFine,
    /// It passes what 64 bits hold.
    TooLarge,
}

/// Reads the text of a JSON number that must be a whole one, exactly: `6`, `6.0` and `60e-1` are one. What 64 bits do not
/// hold is the nearest that they do.
///
/// # Errors
/// No number, or one with a fraction.
pub fn whole_number(text: &str) -> Result<i64, Invalid> {
    Decimal::parse(text).and_then(|decimal| decimal.whole()).ok_or_else(|| Invalid::new("must be an integer"))
}

impl Decimal {
    /// Reads a number in the grammar of JSON (RFC 8259 §6); leading zeros are tolerated.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, written_exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) {
            return None;
        }

        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - significant.len()).ok()?;
        let decimals = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative,
            digits: significant.trim_start_matches('0').to_owned(),
            exponent: written_exponent.saturating_sub(decimals).saturating_add(dropped),
        })
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Below zero; `-0` is not.
    pub(crate) fn is_negative(&self) -> bool {
        self.negative && !self.is_zero()
    }

    /// The number, if it is a whole one; beyond 64 bits the nearest that they hold.
    pub(crate) fn whole(&self) -> Option<i64> {
        let size = match self.in_steps(0) {
            Ok(size) => i64::try_from(size).unwrap_or(i64::MAX),
            Err(NotWhole::TooLarge) => i64::MAX,
            Err(NotWhole::TooFine) => return None,
        };
        Some(if self.negative { -size } else { size })
    }

    /// The size in steps of `10^-decimals`, without the sign.
    pub(crate) fn in_steps(&self, decimals: u32) -> Result<u64, NotWhole> {
        if self.is_zero() {
            return Ok(0);
        }
        let exponent = self.exponent.saturating_add(i64::from(decimals));
        if exponent < 0 {
            return Err(NotWhole::TooFine);
        }
        let exponent = u32::try_from(exponent).map_err(|_| NotWhole::TooLarge)?;
        let digits: u64 = self.digits.parse().map_err(|_| NotWhole::TooLarge)?;
        let scale = 10_u64.checked_pow(exponent).ok_or(NotWhole::TooLarge)?;
        digits.checked_mul(scale).ok_or(NotWhole::TooLarge)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent beyond 64 bits is cut to the largest: such a number is out of every range here, or zero.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !is_digits(digits) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX);
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str, decimals: u32) -> Result<u64, NotWhole> {
        Decimal::parse(text).unwrap().in_steps(decimals)
    }

    #[test]
    fn reads_every_way_to_write_a_number() {
        for text in ["3000000", "3000000.00", "3e6", "3E+6", "0.3e7", "30000000e-1", "003000000"] {
            assert_eq!(steps(text, 0), Ok(3_000_000), "{text}");
        }
        assert_eq!(steps("0.0001", 4), Ok(1));
        assert_eq!(steps("0e99999999999999999999", 0), Ok(0));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in
            ["", "-", "+1", ".5", "5.", "1e", "1e+", "1e1.5", "0x10", "1_000", "1,000", " 1", "NaN", "٣"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn extreme_numbers_are_refused_and_not_misread() {
        assert_eq!(steps("1e99999999999999999999", 0), Err(NotWhole::TooLarge));
        assert_eq!(steps("1e-99999999999999999999", 4), Err(NotWhole::TooFine));
        assert_eq!(steps("18446744073709551615", 0), Ok(u64::MAX));
        assert_eq!(steps("18446744073709551616", 0), Err(NotWhole::TooLarge));
        assert_eq!(steps("0.00001", 4), Err(NotWhole::TooFine));
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (text, number) in [
            ("6", 6),
            ("6.0", 6),
            ("0.6e1", 6),
            ("60e-1", 6),
            ("-12.000", -12),
            ("-0.0", 0),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", i64::MAX),
            ("-1e99999999999999999999", -i64::MAX),
        ] {
            assert_eq!(whole_number(text).ok(), Some(number), "{text}");
        }
        for text in
            ["6.5", "6.00000000000000000001", "1e-1", "1e-99999999999999999999", "", "-", "6.", "six", "+6"]
        {
            assert_eq!(whole_number(text).unwrap_err().as_str(), "must be an integer", "{text}");
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        assert!(!Decimal::parse("-0.0").unwrap().is_negative());
        assert!(Decimal::parse("-0.1").unwrap().is_negative());
    }
}

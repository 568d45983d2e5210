//! The canonical form of a JSON text: two texts that mean the same value have one.
//!
//! An Idempotency-Key stands for a body "compared as parsed JSON": blanks, the order of members, escapes and the way
//! a number is written do not matter.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;

/// Deeper bodies are taken as they are written: no request of this API is as deep.
const DEEPEST: usize = 32;

/// The canonical form of a body that a form was read from: no body is one without fields, and an explicit `null` is a
/// field left out, as where the body is read.
pub(super) fn canonical_fields(text: &[u8]) -> Vec<u8> {
    let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(text) else {
        return canonical(if text.trim_ascii().is_empty() { b"{}" } else { text });
    };
    members.retain(|_, value| value.get() != "null");
    let mut out = String::with_capacity(text.len());
    if write_members(&members, DEEPEST, &mut out).is_none() {
        return canonical(text);
    }
    out.into_bytes()
}

/// The canonical form; a text that is no JSON is its own.
fn canonical(text: &[u8]) -> Vec<u8> {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(text) else { return text.trim_ascii().to_vec() };
    let mut out = String::with_capacity(text.len());
    write(raw, DEEPEST, &mut out);
    out.into_bytes()
}

fn write(raw: &RawValue, depth: usize, out: &mut String) {
    let text = raw.get();
    let written = match text.as_bytes().first() {
        Some(b'{') if depth > 0 => object(text, depth, out),
        Some(b'[') if depth > 0 => array(text, depth, out),
        Some(b'"') => string(text, out),
        Some(b'-' | b'0'..=b'9') => number(text, out),
        _ => None,
    };
    if written.is_none() {
        out.push_str(text);
    }
}

fn object(text: &str, depth: usize, out: &mut String) -> Option<()> {
    // Of a member that is there twice the last counts; where the body is read, such a one is refused.
    write_members(&serde_json::from_str(text).ok()?, depth, out)
}

fn write_members(members: &BTreeMap<String, &RawValue>, depth: usize, out: &mut String) -> Option<()> {
    out.push('{');
    for (name, value) in members {
        out.push_str(&serde_json::to_string(name).ok()?);
        out.push(':');
        write(value, depth - 1, out);
        out.push(',');
    }
    out.push('}');
    Some(())
}

fn array(text: &str, depth: usize, out: &mut String) -> Option<()> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    out.push('[');
    for element in elements {
        write(element, depth - 1, out);
        out.push(',');
    }
    out.push(']');
    Some(())
}

fn string(text: &str, out: &mut String) -> Option<()> {
    let value: String = serde_json::from_str(text).ok()?;
    out.push_str(&serde_json::to_string(&value).ok()?);
    Some(())
}

/// Sign, digits without zeros at either end, and the exponent of the last digit.
fn number(text: &str, out: &mut String) -> Option<()> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    match significant.trim_start_matches('0') {
        "" => out.push('0'),
        significant => write!(out, "{sign}{significant}e{exponent}").ok()?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        canonical(a.as_bytes()) == canonical(b.as_bytes())
    }

    #[test]
    fn one_value_one_form() {
        for (a, b) in [
            (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] , \"a\" : 1.0 } "),
            ("3000000", "3000000.00"),
            ("3e6", "3000000"),
            ("-0", "0.0"),
            (r#""\u0041\/é""#, r#""A/\u00e9""#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            ("", "  \n"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_values_have_other_forms() {
        for (a, b) in [
            ("{}", ""),
            ("{}", "[]"),
            ("1", "\"1\""),
            ("1", "-1"),
            ("10", "1"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.10000000000000000001"),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"["a","b"]"#, r#"["a\",\"b"]"#),
            (r#"{"a":null}"#, "{}"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_field_left_out_has_many_forms() {
        let fields = |text: &str| canonical_fields(text.as_bytes());
        for text in ["", " \n", "{ }", r#"{"note":null}"#, r#"{"note":"x","note":null}"#] {
            assert_eq!(fields(text), b"{}", "{text:?}");
        }
        assert_eq!(fields(r#"{"b":null,"a":1.0}"#), fields(r#"{"a":1}"#));
        for text in [r#"{"note":"null"}"#, r#"{"note":{"a":null}}"#, "[]", "null"] {
            assert_ne!(fields(text), b"{}", "{text}");
        }
    }

    #[test]
    fn hostile_texts_have_a_form_too() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(!canonical(deep.as_bytes()).is_empty());
        assert!(!same("1e99999999999999999999", "1e99999999999999999998"));
        assert!(same("\"\\ud800\"", "\"\\ud800\""));
    }
}

//! Whether an answer has the fields of a documented example, under their names and of their kinds. Ids, names and instants
//! of an example are examples; more fields are welcome.

use serde_json::Value;

pub(super) fn conforms(told: &Value, example: &Value) -> Result<(), String> {
    compare("", told, &[example])
}

/// `examples`: what the document shows in this place; several where it is an item of a list.
fn compare(path: &str, told: &Value, examples: &[&Value]) -> Result<(), String> {
    if told.is_null() && examples.iter().any(|example| example.is_null()) {
        return Ok(());
    }
    let Some(first) = examples.iter().find(|example| !example.is_null()) else { return Ok(()) };
    let kind = match first {
        Value::Object(_) => return compare_object(path, told, examples),
        Value::Array(_) => return compare_list(path, told, examples),
        Value::String(text) if is_instant(text) => ("an instant", told.as_str().is_some_and(is_instant)),
        Value::String(text) if is_wallet_instant(text) => {
            ("an instant with a blank", told.as_str().is_some_and(is_wallet_instant))
        }
        Value::String(text) if is_date(text) => ("a date", told.as_str().is_some_and(is_date)),
        Value::String(_) => ("a text", told.as_str().is_some_and(|text| !text.is_empty())),
        Value::Bool(_) => ("true or false", told.is_boolean()),
        // A rate always shows a decimal, an amount and an id never do.
        Value::Number(number) if number.is_f64() => ("a number with decimals", told.is_f64()),
        Value::Number(_) => ("a whole number", told.is_i64()),
        Value::Null => return Ok(()),
    };
    if kind.1 { Ok(()) } else { Err(format!("{path} is {told}, not {}", kind.0)) }
}

fn compare_object(path: &str, told: &Value, examples: &[&Value]) -> Result<(), String> {
    let Some(object) = told.as_object() else { return Err(format!("{path} is {told}, not an object")) };
    for name in examples.iter().filter_map(|example| example.as_object()).flat_map(|fields| fields.keys()) {
        let shown: Vec<&Value> = examples.iter().filter_map(|example| example.get(name)).collect();
        let path = format!("{path}/{name}");
        match object.get(name) {
            Some(told) => compare(&path, told, &shown)?,
            None => return Err(format!("{path} is missing")),
        }
    }
    Ok(())
}

fn compare_list(path: &str, told: &Value, examples: &[&Value]) -> Result<(), String> {
    let Some(list) = told.as_array() else { return Err(format!("{path} is {told}, not a list")) };
    let items: Vec<&Value> = examples.iter().filter_map(|example| example.as_array()).flatten().collect();
    if items.is_empty() != list.is_empty() {
        return Err(format!("{path} has {} items", list.len()));
    }
    list.iter().enumerate().try_for_each(|(index, told)| compare(&format!("{path}/{index}"), told, &items))
}

pub(super) fn is_instant(text: &str) -> bool {
    text.len() == "2025-12-22T10:00:00".len()
        && chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").is_ok()
}

/// As document 003 prints it.
fn is_wallet_instant(text: &str) -> bool {
    text.len() == "2021-04-01 22:21:21".len()
        && chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").is_ok()
}

fn is_date(text: &str) -> bool {
    text.len() == "1990-05-15".len() && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[test]
fn a_missing_field_or_one_of_another_kind_is_found() {
    let example = serde_json::json!({
        "id": 7, "at": "2025-12-22T10:00:00", "on": "1990-05-15", "list": [{"rate": 12.0, "by": null}, {"rate": 1.0, "by": "x"}],
        "none": null, "yes": true, "empty": [],
    });
    let good = r#"{"id": 1, "at": "2020-02-02T02:02:02", "on": "2000-01-01", "list": [{"rate": 7.5, "by": "y", "more": 1}],
        "none": "x", "yes": false, "empty": []}"#;
    assert_eq!(conforms(&serde_json::from_str(good).unwrap(), &example), Ok(()));
    for (from, to) in [
        ("\"id\": 1", "\"id\": 1.0"),
        ("\"id\"", "\"ID\""),
        ("T02", " 02"),
        ("2000-01-01", "2000-13-01"),
        ("7.5", "7"),
        ("\"y\"", "3"),
        ("[{", "[{}, {"),
        ("\"none\"", "\"nothing\""),
        ("false", "null"),
        ("\"empty\": []", "\"empty\": [1]"),
        ("{\"rate\": 7.5, \"by\": \"y\", \"more\": 1}", ""),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(conforms(&serde_json::from_str(&bad).unwrap(), &example).is_err(), "{bad}");
    }
}

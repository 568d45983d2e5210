//! Comparing an answer with what the documents print.

use serde_json::Value;

/// Stands for an instant as the documents print it: `2025-12-22T10:00:00`.
pub(crate) const INSTANT: &str = "<instant>";
/// Stands for an id or another whole number.
pub(crate) const NUMBER: &str = "<number>";
/// Stands for any text that is not empty.
pub(crate) const TEXT: &str = "<text>";
/// Stands for a value that may be anything, also null, but must be there.
pub(crate) const PRESENT: &str = "<present>";

/// Every documented field must be there under its name, with its value. More fields are welcome.
pub(crate) fn assert_documented(told: &Value, documented: &Value) {
    if let Err(difference) = compare("", told, documented) {
        panic!("{difference}\nwas: {told:#}");
    }
}

fn compare(path: &str, told: &Value, documented: &Value) -> Result<(), String> {
    let differs = |what: &str| Err(format!("{path}: {what}, documented: {documented}"));
    match documented {
        Value::Object(fields) => {
            let Some(object) = told.as_object() else { return differs("not an object") };
            for (name, documented) in fields {
                let path = format!("{path}/{name}");
                match object.get(name) {
                    Some(told) => compare(&path, told, documented)?,
                    None => return Err(format!("{path}: missing")),
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            let Some(list) = told.as_array() else { return differs("not a list") };
            if list.len() != items.len() {
                return differs(&format!("{} items", list.len()));
            }
            let mut pairs = list.iter().zip(items).enumerate();
            pairs.try_for_each(|(index, (told, item))| compare(&format!("{path}/{index}"), told, item))
        }
        Value::String(text) => {
            let fits = match text.as_str() {
                INSTANT => told.as_str().is_some_and(is_instant),
                NUMBER => told.is_i64(),
                TEXT => told.as_str().is_some_and(|text| !text.is_empty()),
                PRESENT => true,
                _ => told == documented,
            };
            if fits { Ok(()) } else { differs(&format!("was {told}")) }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            if told == documented {
                Ok(())
            } else {
                differs(&format!("was {told}"))
            }
        }
    }
}

fn is_instant(text: &str) -> bool {
    text.len() == "2025-12-22T10:00:00".len()
        && chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").is_ok()
}

#[test]
fn a_missing_renamed_or_different_field_is_found() {
    let documented = serde_json::json!({"id": NUMBER, "at": INSTANT, "list": [{"rate": 12.0}], "note": null});
    let good = r#"{"id": 7, "at": "2025-12-22T10:00:00", "list": [{"rate": 12.0, "more": 1}], "note": null}"#;
    assert_eq!(compare("", &serde_json::from_str(good).unwrap(), &documented), Ok(()));
    for (from, to) in [
        ("\"id\": 7", "\"id\": \"7\""),
        ("\"id\"", "\"ID\""),
        ("T10", " 10"),
        ("12.0", "12.5"),
        ("[{", "[{}, {"),
        ("null", "\"\""),
        (", \"note\": null", ""),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(compare("", &serde_json::from_str(&bad).unwrap(), &documented).is_err(), "{bad}");
    }
}

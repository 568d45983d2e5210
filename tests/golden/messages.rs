//! `messages.tsv`: every documented status and message, a row each, and the bodies of `bodies.json`.
//!
//! An area asserts the rows whose ids begin with its name. It collects what differs rather than ending at the first
//! difference, and in the end complains of rows that nobody asserted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::rest_smoke::Answer;
use super::example;

const MESSAGES: &str = include_str!("messages.tsv");
const BODIES: &str = include_str!("bodies.json");
const COLUMNS: [&str; 9] = ["id", "method", "path", "case", "status", "code", "message", "body", "source"];

/// A documented answer.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    status: u16,
    /// Of a success and of a file's error there is none.
    code: Option<&'static str>,
    message: Option<&'static str>,
    /// Names of documented bodies whose fields must all be there.
    bodies: Vec<&'static str>,
}

/// What one area has asserted so far.
pub(super) struct Golden {
    area: &'static str,
    asserted: BTreeSet<&'static str>,
    differences: Vec<String>,
}

/// Every row of the file, by id.
pub(super) fn rows() -> BTreeMap<&'static str, Row> {
    let mut lines = MESSAGES.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    assert_eq!(columns, COLUMNS);
    let mut rows = BTreeMap::new();
    for line in lines {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [id, method, path, case, status, code, message, body, source] = cells[..] else {
            panic!("not {} columns: {line}", COLUMNS.len());
        };
        assert!(![id, case, source].contains(&""), "{line}");
        let told = |text: &'static str| (text != "-").then_some(text);
        let (status, bodies) = (status.parse().unwrap(), told(body).into_iter().flat_map(|b| b.split('+')));
        let (code, message, bodies) = (told(code), told(message), bodies.collect());
        let row = Row { id, method, path, status, code, message, bodies };
        assert!(rows.insert(id, row).is_none(), "{id} is there twice");
    }
    rows
}

/// A body as the documents print it.
pub(super) fn documented(name: &str) -> Value {
    let bodies: Value = serde_json::from_str(BODIES).unwrap();
    assert!(bodies[name].is_object(), "no body {name}");
    bodies[name].clone()
}

impl Golden {
    pub(super) fn of(area: &'static str) -> Self {
        Self { area, asserted: BTreeSet::new(), differences: Vec::new() }
    }

    /// That the answer is the row's: status, code, message, and every field of the documented body.
    pub(super) fn row(&mut self, id: &'static str, answer: &Answer) {
        let known = rows().remove(id).filter(|_| id.starts_with(&format!("{}_", self.area)));
        let Some(row) = known else {
            self.differences.push(format!("{id}: no row of area {}", self.area));
            return;
        };
        self.asserted.insert(row.id);
        if let Err(difference) = row.compare(answer) {
            let Row { id, method, path, .. } = row;
            self.differences.push(format!("{id} ({method} {path}): {difference}\n    was: {}", answer.text));
        }
    }

    /// Another thing that must hold of a row's answer.
    pub(super) fn also(&mut self, id: &str, what: &str, told: &Value, wanted: &Value) {
        if told != wanted {
            self.differences.push(format!("{id}: {what} is {told}, not {wanted}"));
        }
    }

    /// Complains of everything at once.
    pub(super) fn finish(self) {
        let prefix = format!("{}_", self.area);
        let of_area = rows().into_keys().filter(|id| id.starts_with(&prefix));
        let missed = of_area.filter(|id| !self.asserted.contains(id)).map(|id| format!("{id}: not asserted"));
        let complaints: Vec<String> = self.differences.into_iter().chain(missed).collect();
        assert!(complaints.is_empty(), "{} complaints:\n  {}", complaints.len(), complaints.join("\n  "));
    }
}

impl Row {
    fn compare(&self, answer: &Answer) -> Result<(), String> {
        if answer.status.as_u16() != self.status {
            return Err(format!("status {} instead of {}", answer.status.as_u16(), self.status));
        }
        if self.bodies == ["(file)"] {
            let kind = answer.headers.get("content-type").map(String::as_str).unwrap_or_default();
            let file = kind.starts_with("image/") || kind == "application/pdf";
            return if file { Ok(()) } else { Err(format!("content type {kind:?}")) };
        }
        if self.is_of_the_wallet() {
            self.compare_wallet(&answer.json)?;
        } else if self.message.is_some() {
            self.compare_envelope(&answer.json)?;
        }
        for name in &self.bodies {
            let body = documented(name);
            if self.message.is_none() && !self.is_of_the_wallet() && answer.json != body {
                return Err(format!("body {name} is to have exactly its fields"));
            }
            example::conforms(&answer.json, &body)
                .map_err(|difference| format!("body {name}: {difference}"))?;
        }
        Ok(())
    }

    fn compare_envelope(&self, told: &Value) -> Result<(), String> {
        let success = self.status < 400;
        if told["success"] != success || told["message"].as_str() != self.message {
            return Err(format!("not {success} and {:?}", self.message.unwrap_or_default()));
        }
        if !told["timestamp"].as_str().is_some_and(example::is_instant) {
            return Err("no timestamp".to_owned());
        }
        if success { Ok(()) } else { self.compare_error(told) }
    }

    /// Whether its envelope is document 003's.
    fn is_of_the_wallet(&self) -> bool {
        !["/api/", "/uploads/", "/metrics"].iter().any(|other| self.path.starts_with(other))
    }

    /// `{status, result}`, or `{message, code, errors, requestId}`.
    fn compare_wallet(&self, told: &Value) -> Result<(), String> {
        let fields: BTreeSet<&str> =
            told.as_object().into_iter().flat_map(|told| told.keys()).map(String::as_str).collect();
        if self.status < 400 {
            let whole = fields == BTreeSet::from(["status", "result"]) && told["status"] == "SUCCESS";
            return if whole { Ok(()) } else { Err(format!("not status and result alone: {fields:?}")) };
        }
        if fields != BTreeSet::from(["message", "code", "errors", "requestId"]) {
            return Err(format!("an error of {fields:?}"));
        }
        if told["message"].as_str() != self.message {
            return Err(format!("not {:?}", self.message.unwrap_or_default()));
        }
        self.compare_error(told)
    }

    /// What all errors have.
    fn compare_error(&self, told: &Value) -> Result<(), String> {
        if told["code"].as_str() != self.code {
            return Err(format!("code {} instead of {:?}", told["code"], self.code.unwrap_or_default()));
        }
        let faults = told["errors"].as_array().ok_or("no errors")?;
        if told["requestId"].as_str().is_none_or(str::is_empty) {
            return Err("no requestId".to_owned());
        }
        // The first fault speaks.
        let Some(first) = faults.first().filter(|_| self.code == Some("VALIDATION_FAILED")) else {
            return Ok(());
        };
        let said = format!(
            "{}: {}",
            first["field"].as_str().unwrap_or("?"),
            first["message"].as_str().unwrap_or("?")
        );
        if self.message == Some(said.as_str()) {
            Ok(())
        } else {
            Err(format!("the first of errors is {said:?}"))
        }
    }
}

#[test]
fn every_documented_body_is_that_of_some_row() {
    let bodies: Value = serde_json::from_str(BODIES).unwrap();
    let named: BTreeSet<_> = rows().into_values().flat_map(|row| row.bodies).collect();
    for name in bodies.as_object().unwrap().keys() {
        assert!(named.contains(name.as_str()), "{name}");
    }
}

#[test]
fn a_row_that_nobody_asserts_or_that_is_not_there_is_told() {
    let complaint = |golden: Golden| {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| golden.finish()));
        told.expect_err("nothing was told").downcast_ref::<String>().unwrap().clone()
    };
    assert!(complaint(Golden::of("CATALOGUE")).contains("CATALOGUE_PRODUCTS: not asserted"));
    let answer = |status: u16, text: &str| Answer {
        status: status.try_into().unwrap(),
        headers: std::collections::HashMap::new(),
        text: text.to_owned(),
        json: serde_json::from_str(text).unwrap(),
    };
    let products = documented("PRODUCTS").to_string();
    for (id, told, what) in [
        ("CATALOGUE_NOTHING", answer(200, &products), "no row of area"),
        ("PLAFOND_SHOW", answer(200, &products), "no row of area"),
        ("CATALOGUE_PRODUCTS", answer(201, &products), "status 201"),
        ("CATALOGUE_PRODUCTS", answer(200, &products.replace("Success", "Done")), "\"Success\""),
        ("CATALOGUE_PRODUCTS", answer(200, &products.replace("tenor", "months")), "tenor is missing"),
    ] {
        let mut golden = Golden::of("CATALOGUE");
        golden.row(id, &told);
        let complaint = complaint(golden);
        assert!(complaint.contains(what), "{complaint}");
    }
}

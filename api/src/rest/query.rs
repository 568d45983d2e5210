//! Reading the parameters of a read: whatever a client sends, the answer is a value or a fault that names the parameter.

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::http::Uri;
use lumbung_domain::Invalid;

use super::error::{ApiError, FieldError};

/// The parameters of a request, decoded, and what was found wrong with them.
pub(super) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    faults: Vec<FieldError>,
}

/// What the parameters are for, as a fault calls it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    List,
    /// What is shown whole.
    Whole,
}

impl<'a> Query<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        Self { pairs: form_urlencoded::parse(query.as_bytes()).collect(), faults: Vec::new() }
    }

    /// The first value of a parameter.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// A parameter that may be given once, as `read` understands it.
    pub(super) fn one<T>(
        &mut self,
        name: &'static str,
        wrong: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.first(name)?).ok_or(wrong);
        let twice = self.values(name).nth(1).is_some();
        match read {
            Ok(value) if !twice => Some(value),
            Ok(_) => self.fault(name, "must be given once"),
            Err(wrong) => self.fault(name, wrong),
        }
    }

    /// As [`Query::one`], as `read` understands it and says what is wrong with it.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let read = read(self.first(name)?);
        match read {
            Ok(_) if self.values(name).nth(1).is_some() => self.fault(name, "must be given once"),
            Ok(value) => Some(value),
            Err(why) => self.fault(name, why.as_str().to_owned()),
        }
    }

    /// As [`Query::read`], of what must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        if self.first(name).is_none() { self.fault(name, "is required") } else { self.read(name, read) }
    }

    /// A parameter whose values stand with commas between them, or that is given several times. Empty if it is not.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        wrong: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let values = self.values(name).flat_map(|value| value.split(',')).map(|value| read(value.trim()));
        let read: Option<Vec<T>> = values.collect();
        read.or_else(|| self.fault(name, wrong)).unwrap_or_default()
    }

    /// To ignore a parameter would be to show more than was asked for: most of them are meant as filters.
    pub(super) fn refuse_others(&mut self, of: Asked, known: &[&str], filters: &[&str]) {
        let names = self.pairs.iter().map(|(name, _)| name.as_ref());
        let other = names.filter(|name| !name.is_empty() && !known.contains(name) && !filters.contains(name));
        let others: BTreeSet<String> = other.map(str::to_owned).collect();
        for name in others {
            self.fault::<()>(
                name,
                match of {
                    Asked::List => "is not a parameter of this list",
                    Asked::Whole => "is not a parameter of this endpoint",
                },
            );
        }
    }

    pub(super) fn fault<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.faults.push(FieldError { field: name.into(), message: message.into() });
        None
    }

    /// What was read, if all of it was right.
    pub(super) fn judge<T>(self, read: T) -> Result<T, ApiError> {
        if self.faults.is_empty() { Ok(read) } else { Err(ApiError::fields(self.faults)) }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let uri: Uri = "/l?st%61tus=a%2Cb&status=c+d,%20e&q=%ff&&=x&note=%C3%A9".parse().unwrap();
        let mut query = Query::of(&uri);
        assert_eq!(query.list("status", "?", |value| Some(value.to_owned())), ["a", "b", "c d", "e"]);
        assert_eq!(query.first("note"), Some("é"));
        assert_eq!(query.first("q"), Some("\u{fffd}"));
        assert_eq!(query.first("x"), None);
        assert_eq!(query.list("x", "?", |_| Some(())), []);
        query.refuse_others(Asked::List, &["status"], &["note"]);
        let error = query.judge(()).unwrap_err();
        let fields: Vec<&str> = error.problem().fields.iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["q"]);
        assert_eq!(error.problem().message, "q: is not a parameter of this list");
        let mut query = Query::of(&uri);
        query.refuse_others(Asked::Whole, &["status", "note"], &[]);
        let error = query.judge(()).unwrap_err();
        assert_eq!(error.problem().message, "q: is not a parameter of this endpoint");
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let uri: Uri = "/l?a=1&b=2&a=3&c=x".parse().unwrap();
        let mut query = Query::of(&uri);
        let number = |text: &str| text.parse::<i64>().ok();
        assert_eq!(query.one("b", "must be a number", number), Some(2));
        assert_eq!(query.one("z", "must be a number", number), None);
        assert_eq!(query.one("a", "must be a number", number), None);
        assert_eq!(query.one("c", "must be a number", number), None);
        let error = query.judge(()).unwrap_err();
        let faults: Vec<_> = error.problem().fields.iter().map(|fault| &*fault.message).collect();
        assert_eq!(faults, ["must be given once", "must be a number"]);
    }
}

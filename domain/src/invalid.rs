//! What is wrong with a value.

use std::borrow::Cow;

/// Why a text or number is no value of a type, without the name of the field: `must be a valid email`.
///
/// The edge puts the field before it (`email: must be a valid email`). The words never repeat the value, which
/// may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    #[must_use]
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self(what.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_just_what_is_wrong() {
        assert_eq!(Invalid::new("must be a number").to_string(), "must be a number");
        assert_eq!(Invalid::new(format!("size is {}", 6)).as_str(), "size is 6");
    }
}

//! Which version of an aggregate a command is meant for.

use lumbung_domain::Rejection;

/// What the caller saw before the command. Checked after it is known that they may ask, and before the rules: whoever
/// looks at an old state is told that, not what is wrong with the new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is, or nothing.
    #[default]
    Anything,
    /// Any version, but there must be one.
    Existing,
    /// One of these versions.
    OneOf(Vec<i64>),
}

impl Expected {
    /// `version` is the sequence of the stream's last event, 0 before the first.
    ///
    /// # Errors
    /// [`Rejection::VersionMismatch`].
    pub(crate) fn check(&self, version: i64) -> Result<(), Rejection> {
        let as_expected = match self {
            Self::Anything => true,
            Self::Existing => version > 0,
            Self::OneOf(versions) => version > 0 && versions.contains(&version),
        };
        if as_expected { Ok(()) } else { Err(Rejection::VersionMismatch) }
    }

    /// As [`Expected::check`], of what is shown before its first event too, with version 0.
    ///
    /// # Errors
    /// [`Rejection::VersionMismatch`].
    pub(crate) fn check_from_the_start(&self, version: i64) -> Result<(), Rejection> {
        match self {
            Self::Anything | Self::Existing => Ok(()),
            Self::OneOf(versions) if versions.contains(&version) => Ok(()),
            Self::OneOf(_) => Err(Rejection::VersionMismatch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let of = |versions: &[i64]| Expected::OneOf(versions.to_vec());
        for (expected, version, good) in [
            (Expected::Anything, 0, true),
            (Expected::Anything, 3, true),
            (Expected::Existing, 0, false),
            (Expected::Existing, 1, true),
            (of(&[2, 3]), 3, true),
            (of(&[2]), 3, false),
            (of(&[]), 3, false),
            (of(&[0]), 0, false),
        ] {
            assert_eq!(expected.check(version).is_ok(), good, "{expected:?} {version}");
        }
        for (expected, version, good) in [
            (Expected::Anything, 0, true),
            (Expected::Existing, 0, true),
            (of(&[0]), 0, true),
            (of(&[0]), 2, false),
            (of(&[]), 0, false),
        ] {
            assert_eq!(expected.check_from_the_start(version).is_ok(), good, "{expected:?} {version}");
        }
    }
}

//! What an audit row tells of.

/// The kind of an attempt, as it is stored. Names never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 403: the caller is known and may not do this.
    Denied,
    /// 401 although a token was sent: expired, forged, or of a session that ended. Requests without any token are none.
    Unauthenticated,
    LoginFailed,
    /// Staff was shown the data of a person, or a loan with it.
    LookedAtPerson,
    LookedAtFile,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Denied, Self::Unauthenticated, Self::LoginFailed, Self::LookedAtPerson, Self::LookedAtFile];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "DENIED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::LoginFailed => "LOGIN_FAILED",
            Self::LookedAtPerson => "LOOKED_AT_PERSON",
            Self::LookedAtFile => "LOOKED_AT_FILE",
        }
    }
}

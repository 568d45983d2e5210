//! Identities. Numbers are what people see and type; UUIDs name streams that no person types.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Self {
                id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned().into()
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Self {
                id.0.to_string().into()
            }
        }
    };
}

uuid_id! {
    /// One person: a customer or a member of the staff. Names the streams `User`, `Plafond` and `Wallet`.
    UserId
}
uuid_id! {
    /// One login. Names the stream `Session`.
    SessionId
}
uuid_id! {
    /// One file that was handed in. Names the stream `Document` and the stored content.
    DocumentId
}
uuid_id! {
    /// This ledger, drawn when it is opened; bound into every seal.
    LedgerId
}
uuid_id! {
    /// One message to somebody. Names the stream `Message`.
    MessageId
}
uuid_id! {
    /// One top-up of a wallet.
    TopUpId
}
uuid_id! {
    /// One payment out of a wallet.
    PaymentId
}
uuid_id! {
    /// One repayment of a loan.
    RepaymentId
}
uuid_id! {
    /// One transfer from wallet to wallet. Names the stream `Transfer`.
    TransferId
}
number_id! {
    /// The integer `id` of a user in the loan API; from a sequence, gaps allowed.
    UserNumber
}
number_id! {
    /// One loan application and the loan it becomes. Names the stream `Loan`.
    LoanNumber
}
number_id! {
    /// One assignment of a plafond to a customer.
    PlafondNumber
}
number_id! {
    /// A branch. Names the stream `Branch`.
    BranchId
}
number_id! {
    /// A product. Names the stream `Product`.
    ProductId
}
number_id! {
    /// A role. Names the stream `Role`.
    RoleId
}

impl BranchId {
    /// The online channel: every ledger has it, no list of branches shows it.
    pub const ONLINE: Self = Self(0);
}

impl ProductId {
    /// The product of the instant-loan channel; assigned, never selected.
    pub const INSTANT: Self = Self(5);
}

impl RoleId {
    pub const SUPERADMIN: Self = Self(1);
    pub const MARKETING: Self = Self(2);
    pub const BRANCH_MANAGER: Self = Self(3);
    pub const BACKOFFICE: Self = Self(4);
    pub const CUSTOMER: Self = Self(5);
    pub const AUDITOR: Self = Self(6);
    pub const ANALYST: Self = Self(7);
    pub const OPERATOR: Self = Self(8);
}

/// What a `Claim` claims: a kind and, for personal values, the keyed hash of the value in hex.
///
/// The id is computed from the value, so uniqueness and look-up need no side table; the hash key belongs to the
/// ledger and never rotates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimId(Arc<str>);

impl ClaimId {
    /// `hash_hex` is the ledger's keyed hash of the lower-case e-mail.
    #[must_use]
    pub fn email(hash_hex: &str) -> Self {
        Self(format!("email:{hash_hex}").into())
    }

    /// `hash_hex` is the ledger's keyed hash of the E.164 number.
    #[must_use]
    pub fn phone(hash_hex: &str) -> Self {
        Self(format!("phone:{hash_hex}").into())
    }

    /// `hash_hex` is the ledger's keyed hash of a token that was sent to somebody.
    #[must_use]
    pub fn password_reset(hash_hex: &str) -> Self {
        Self(format!("password-reset:{hash_hex}").into())
    }

    #[must_use]
    pub fn user_number(number: UserNumber) -> Self {
        Self(format!("user-number:{number}").into())
    }

    /// Branch codes are no personal data and are claimed in clear, upper-case.
    #[must_use]
    pub fn branch_code(code: &str) -> Self {
        Self(format!("branch-code:{}", code.to_uppercase()).into())
    }

    /// Claimed in clear, upper-case and with single blanks: what reads alike is the same name.
    #[must_use]
    pub fn product_name(name: &str) -> Self {
        let words: Vec<&str> = name.split_whitespace().collect();
        Self(format!("product-name:{}", words.join(" ").to_uppercase()).into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ClaimId> for Arc<str> {
    fn from(id: ClaimId) -> Self {
        id.0
    }
}

//! The people, places and amounts of the examples.

use chrono::NaiveDate;
use lumbung_domain::*;
use uuid::Uuid;

pub(crate) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

pub(crate) fn session_id() -> SessionId {
    SessionId(Uuid::from_u128(0x5e55))
}

pub(crate) const CUSTOMER: u128 = 1;
pub(crate) const LOAN: LoanNumber = LoanNumber(7);

pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 12, 22).unwrap()
}

pub(crate) fn rupiah(amount: i64) -> Rupiah {
    Rupiah::new(amount).unwrap()
}

pub(crate) fn sealed<T>(text: &str) -> Sealed<T> {
    Sealed::from_ciphertext(format!("sealed:{text}"))
}

/// Bronze: Rp 10,000,000 for 12 months at 12 %.
pub(crate) fn bronze() -> ProductTerms {
    ProductTerms {
        product_id: ProductId(1),
        name: "Bronze".into(),
        amount_rupiah: rupiah(10_000_000),
        tenor_months: Tenor::from_const(12),
        interest_rate: Rate::from_e4_const(120_000),
        servicing: ServicingTerms::PLAIN,
    }
}

/// Bronze, for everybody to choose.
pub(crate) fn offer(active: bool) -> Offer {
    Offer { terms: bronze(), selectable: true, active }
}

pub(crate) fn request(amount: i64) -> LoanRequest {
    LoanRequest {
        amount: rupiah(amount),
        tenor: Tenor::from_const(6),
        interest_rate: Rate::from_e4_const(120_000),
    }
}

pub(crate) fn submission() -> Submission {
    Submission {
        loan: LOAN,
        customer: CustomerSnapshot {
            user_id: user(CUSTOMER),
            number: UserNumber(1),
            name: sealed("John Doe"),
            email: Some(sealed("john@example.com")),
            nik: Some(sealed("3201234567890001")),
            phone: Some(sealed("+6281234567890")),
            address: Some(sealed("Jl. Sudirman")),
            birthdate: Some(sealed("1990-01-01")),
            ktp: Some(stored_ktp().document),
            kk: None,
            npwp: None,
        },
        product: bronze(),
        branch: BranchSnapshot {
            branch_id: BranchId(1),
            code: BranchCode::new("JKT").unwrap(),
            location: Place::new("Jakarta").unwrap(),
        },
        amount_rupiah: rupiah(3_000_000),
        tenor_months: Tenor::from_const(6),
        interest_rate: Rate::from_e4_const(120_000),
        submitted_at: chrono::DateTime::UNIX_EPOCH,
        business_on: today(),
    }
}

pub(crate) fn officer(number: u128) -> Officer {
    Officer {
        user_id: user(number),
        name: sealed(&format!("officer {number}")),
        branch_location: Some(Place::new("Jakarta").unwrap()),
    }
}

pub(crate) fn john() -> Registration {
    Registration {
        user_id: user(CUSTOMER),
        number: UserNumber(1),
        user_type: UserType::Customer,
        name: sealed("John Doe"),
        email: Some(sealed("john@example.com")),
        password: Some(sealed("$argon2id$v=19$salt$hash")),
        roles: vec![RoleId::CUSTOMER],
        branch: None,
        registered_at: None,
        name_parts: None,
        phone: None,
        pin: None,
    }
}

pub(crate) fn marketer() -> Registration {
    Registration {
        user_id: user(2),
        number: UserNumber(2),
        user_type: UserType::Internal,
        name: sealed("Mar Keting"),
        email: Some(sealed("marketing@loan.com")),
        password: Some(sealed("$argon2id$v=19$salt$hash")),
        roles: vec![RoleId::MARKETING],
        branch: Some(BranchId(1)),
        registered_at: Some(chrono::DateTime::UNIX_EPOCH),
        name_parts: None,
        phone: None,
        pin: None,
    }
}

/// Logs in by phone alone.
pub(crate) fn tom() -> Registration {
    Registration {
        user_id: user(3),
        number: UserNumber(3),
        name: sealed("Tom Araya"),
        name_parts: Some(NameParts { first: sealed("Tom"), last: Some(sealed("Araya")) }),
        email: None,
        password: None,
        phone: Some(sealed("+62811255502")),
        pin: Some(sealed("$argon2id$v=19$salt$pin")),
        registered_at: Some(chrono::DateTime::UNIX_EPOCH),
        ..john()
    }
}

pub(crate) fn whole_profile() -> Profile {
    Profile {
        nik: Some(sealed("3201234567890001")),
        birthdate: Some(sealed("1990-01-01")),
        phone: Some(sealed("+6281234567890")),
        address: Some(sealed("Jl. Sudirman")),
        ..Profile::default()
    }
}

pub(crate) fn stored_ktp() -> StoredDocument {
    StoredDocument {
        document: DocumentRef {
            document_id: DocumentId(Uuid::from_u128(0xd0c)),
            kind: DocumentKind::Ktp,
            media_type: MediaType::Jpeg,
        },
        owner: user(CUSTOMER),
        size_bytes: 123_456,
        sealed_sha256: "0".repeat(64),
    }
}

/// A reset whose token is good until so many minutes after the epoch.
pub(crate) fn reset(token_hash: &str, minutes: i64) -> PendingReset {
    PendingReset { token_hash: token_hash.into(), expires_at: minute(minutes) }
}

/// So many minutes after the epoch.
pub(crate) fn minute(minutes: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes)
}

pub(crate) fn queued() -> Queued {
    Queued {
        message_id: MessageId(Uuid::from_u128(0x3e55)),
        recipient: user(CUSTOMER),
        channel: Channel::Email,
        kind: MessageKind::PasswordReset,
        content: sealed("letter"),
        queued_at: minute(0),
        expires_at: Some(minute(30)),
    }
}

/// Of user 1, for user 2.
pub(crate) fn instruction() -> Instruction {
    Instruction {
        transfer_id: TransferId(Uuid::from_u128(7)),
        sender: user(1),
        target: user(2),
        amount_rupiah: rupiah(30_000),
        remarks: Some(sealed("Hadiah Ultah")),
        remarks_for_target: Some(sealed("Hadiah Ultah")),
        business_on: today(),
    }
}

//! Demo data (CONTRACT §2): the accounts of the documents, their branches, one complete profile. Never in production.
//!
//! Run at every start: what exists is left alone.

mod accounts;

use lumbung_commands::reference::OpenBranch;
use lumbung_commands::user::{
    FindHolder, Newcomer, RegisterCustomer, RegisterStaff, email_claim, phone_claim,
};
use lumbung_commands::{Call, Ledger, NoAnswer, UseCase};
use lumbung_domain::{
    Address, Birthdate, BranchCode, BranchId, Email, Invalid, Nik, PasswordHash, PersonName, Phone, Place,
    Profile, Rejection, Sealed, UserId,
};
use lumbung_journal::{KeyError, Sealer};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Passwords, PasswordsError, Standing};
use crate::numbers::Numbers;
use accounts::{ACCOUNTS, Account, BRANCHES, JOHNS_PROFILE, Kind, TOM, WalletUser};

/// Why the demo data could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("a value of the demo data: {0}")]
    Value(#[from] Invalid),
    #[error("a demo password")]
    Password(#[from] PasswordsError),
    #[error("a user number")]
    Number(#[from] sqlx::Error),
    #[error("person keys")]
    Keys(#[from] KeyError),
    #[error("the ledger refused the demo data: {0}")]
    Refused(#[from] Rejection),
    #[error("the ledger did not answer: {0}")]
    NoAnswer(#[from] NoAnswer),
}

/// What the demo data is made with.
pub(crate) struct Tools<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) passwords: &'a Passwords,
    pub(crate) numbers: &'a Numbers,
}

/// An account that was made.
pub(crate) struct Made {
    pub(crate) email: &'static str,
    pub(crate) user: UserId,
    pub(crate) password: Sealed<PasswordHash>,
}

/// The accounts, for telling people of them.
pub(crate) fn accounts() -> &'static [Account] {
    ACCOUNTS
}

/// Who logs in by phone and PIN.
pub(crate) fn wallet_user() -> &'static WalletUser {
    &TOM
}

/// Makes what is missing of the demo data.
///
/// # Errors
/// The ledger does not answer, or someone took a name that the demo data needs.
pub async fn seed(app: &App) -> Result<(), DemoError> {
    let tools = Tools { ledger: &app.ledger, passwords: &app.passwords, numbers: &app.numbers };
    make(&tools, || UserId(Uuid::now_v7())).await.map(drop)
}

/// The same with ids that the caller draws; answers the accounts that were missing.
///
/// # Errors
/// As of [`seed`].
pub(crate) async fn make(app: &Tools<'_>, mut draw: impl FnMut() -> UserId) -> Result<Vec<Made>, DemoError> {
    let mut made = Vec::new();
    for (id, code, location) in BRANCHES {
        let branch = OpenBranch {
            branch_id: BranchId(id),
            code: BranchCode::new(code)?,
            location: Place::new(location)?,
        };
        match execute(app, branch).await {
            // An administrator may have given its code to another one.
            Ok(())
            | Err(DemoError::Refused(Rejection::AlreadyExists | Rejection::BranchCodeAlreadyExists)) => {}
            Err(error) => return Err(error),
        }
    }
    for account in ACCOUNTS {
        let claim = email_claim(app.ledger.vault(), &Email::new(account.email)?);
        if execute(app, FindHolder { claim }).await?.is_none() {
            match register(app, account, draw()).await {
                Ok(account) => made.push(account),
                // An administrator may have closed the branch.
                Err(DemoError::Refused(Rejection::BranchNotFound)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let claim = phone_claim(app.ledger.vault(), &Phone::mobile(TOM.phone)?);
    if execute(app, FindHolder { claim }).await?.is_none() {
        match register_wallet_user(app, &TOM).await {
            // Somebody else has the number by now, and gave it back: his id stays his.
            Ok(()) | Err(DemoError::Refused(Rejection::AlreadyExists)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

async fn register_wallet_user(app: &Tools<'_>, account: &WalletUser) -> Result<(), DemoError> {
    let (first, last) = (PersonName::new(account.first_name)?, PersonName::new(account.last_name)?);
    let phone = Phone::mobile(account.phone)?;
    let pin = app.passwords.hash(Standing::Known, [0; 32], account.pin).await?;
    let number = app.numbers.user().await?;
    let (newcomer, sealer) = Newcomer::seal_by_phone(
        app.ledger.vault(),
        UserId(account.user_id),
        number,
        (&first, Some(&last)),
        &phone,
        &pin,
    )?;
    let profile = Profile {
        phone: Some(sealer.seal(&phone)?),
        address: Some(sealer.seal(&Address::new(account.address)?)?),
        ..Profile::default()
    };
    execute(app, RegisterCustomer { newcomer, profile, session: None }).await.map(drop)
}

async fn register(app: &Tools<'_>, account: &'static Account, user: UserId) -> Result<Made, DemoError> {
    let name = PersonName::new(account.name)?;
    let email = Email::new(account.email)?;
    let password = app.passwords.hash(Standing::Known, [0; 32], account.password).await?;
    let number = app.numbers.user().await?;
    let (newcomer, sealer) =
        Newcomer::seal_by_email(app.ledger.vault(), user, number, &name, &email, &password)?;
    let made = Made { email: account.email, user, password: newcomer.password.clone() };
    match account.kind {
        Kind::Customer { complete } => {
            let profile = if complete { johns_profile(&sealer)? } else { Profile::default() };
            execute(app, RegisterCustomer { newcomer, profile, session: None }).await?;
        }
        Kind::Staff { role, branch } => {
            execute(app, RegisterStaff { newcomer, role, branch }).await?;
        }
    }
    Ok(made)
}

fn johns_profile(sealer: &Sealer) -> Result<Profile, DemoError> {
    Ok(Profile {
        nik: Some(sealer.seal(&Nik::new(JOHNS_PROFILE.nik)?)?),
        birthdate: Some(sealer.seal(&Birthdate::parse(JOHNS_PROFILE.birthdate)?)?),
        phone: Some(sealer.seal(&Phone::new(JOHNS_PROFILE.phone)?)?),
        address: Some(sealer.seal(&Address::new(JOHNS_PROFILE.address)?)?),
        ..Profile::default()
    })
}

async fn execute<U: UseCase>(app: &Tools<'_>, use_case: U) -> Result<U::Outcome, DemoError> {
    Ok(app.ledger.execute(use_case, Call::default()).await?.outcome?)
}

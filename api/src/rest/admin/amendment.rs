//! What the administration changes about a person, made ready for the ledger: sealed with their key, and with the
//! message that tells the address which they had.

use chrono::Utc;
use lumbung_commands::user::{EmailChange, HeldEmail, email_claim};
use lumbung_domain::{
    Channel, Claim, ClaimId, Email, Letter, MessageId, MessageKind, PersonName, Queued, Sealed, User, UserId,
    UserNumber,
};
use lumbung_journal::Sealer;
use uuid::Uuid;

use crate::app::App;
use crate::rest::error::ApiError;

/// New values of a person, sealed with their key.
pub(super) struct SealedAmendment {
    pub(super) person: UserId,
    pub(super) name: Option<Sealed<PersonName>>,
    /// `None` also where it is the e-mail that they have.
    pub(super) email: Option<EmailChange>,
}

impl SealedAmendment {
    /// Of somebody who is not there the ledger will refuse the command, whoever's key it was.
    pub(super) async fn of(
        app: &App,
        caller: UserId,
        number: UserNumber,
        name: Option<PersonName>,
        email: Option<Email>,
    ) -> Result<Self, ApiError> {
        // The read models may have shown the person before this node heard of them.
        app.access.wait_until_applied(app.freshness.projected(), app.patience).await?;
        let (claim, _) = app.access.get::<Claim>(ClaimId::user_number(number)).await?;
        let person = claim.user().unwrap_or(caller);
        let (state, _) = app.access.get::<User>(person).await?;
        let sealer = app.ledger.vault().sealer(person.0).await?;
        let email = match (email, state.person()) {
            (Some(email), Some(held)) => match held.email.clone() {
                Some(seen) => {
                    let opened = app.ledger.vault().opener([seen.ciphertext()]).await?.open(&seen)?;
                    let same = email == opened;
                    // A form sends what it was filled with: that is no other e-mail, and ends no sessions.
                    if same { None } else { Some(change(app, person, &sealer, &email, seen, opened)?) }
                }
                // The ledger will refuse it, to who may ask.
                None => Some(addition(app, &sealer, &email)?),
            },
            (Some(_) | None, _) => None,
        };
        Ok(Self { person, name: name.map(|name| sealer.seal(&name)).transpose()?, email })
    }
}

fn change(
    app: &App,
    person: UserId,
    sealer: &Sealer,
    email: &Email,
    seen: Sealed<Email>,
    opened: Email,
) -> Result<EmailChange, ApiError> {
    let claim_of = |email| email_claim(app.ledger.vault(), email);
    let (claim, held) = (claim_of(email), HeldEmail { email: seen, claim: claim_of(&opened) });
    let notice = if app.delivers { Some(notice(person, sealer, opened)?) } else { None };
    Ok(EmailChange { email: sealer.seal(email)?, claim, replaces: Some(held), notice })
}

/// Of somebody who has none.
fn addition(app: &App, sealer: &Sealer, email: &Email) -> Result<EmailChange, ApiError> {
    let claim = email_claim(app.ledger.vault(), email);
    Ok(EmailChange { email: sealer.seal(email)?, claim, replaces: None, notice: None })
}

/// Does not name the new address: whoever reads the old mailbox may not be the person any more.
fn notice(recipient: UserId, sealer: &Sealer, to: Email) -> Result<Queued, ApiError> {
    let text = "Hello,\n\n\
        the e-mail address of your account was changed. Messages go to the new address from now on, and you log in\n\
        with it; everybody who was logged in has been logged out.\n\n\
        If you did not ask for this, please tell us at once: somebody else may be using your account.\n";
    let letter = Letter::new(to, "Your e-mail address was changed", text.to_owned())
        .map_err(|_| ApiError::internal())?;
    Ok(Queued {
        message_id: MessageId(Uuid::now_v7()),
        recipient,
        channel: Channel::Email,
        kind: MessageKind::EmailChanged,
        content: sealer.seal(&letter)?,
        queued_at: Utc::now(),
        expires_at: None,
    })
}

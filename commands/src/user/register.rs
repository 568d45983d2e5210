//! A customer registers and is logged in.

use lumbung_domain::{
    Claim, ClaimCommand, ClaimId, Email, Holder, PasswordHash, PersonName, Profile, Registration, Rejection,
    RoleId, Sealed, SessionId, StreamId, User, UserCommand, UserId, UserNumber, UserType,
};

use crate::ledger::{Book, Halt, UseCase};
use crate::session::{SignedIn, open_session};

/// Registers a customer by e-mail and password and opens their first session.
///
/// Rejections: [`Rejection::EmailAlreadyRegistered`].
#[derive(Debug, Clone)]
pub struct RegisterCustomer {
    pub user_id: UserId,
    pub number: UserNumber,
    pub name: Sealed<PersonName>,
    pub email: Sealed<Email>,
    /// The claim of the e-mail's login key.
    pub email_claim: ClaimId,
    pub password: Sealed<PasswordHash>,
    /// What is known of the person already; empty for who registers by themselves.
    pub profile: Profile,
    /// `None` registers without logging in.
    pub session: Option<SessionId>,
}

impl UseCase for RegisterCustomer {
    const NAME: &'static str = "RegisterCustomer";
    type Outcome = Option<SignedIn>;

    fn decide(&self, book: &mut Book<'_>) -> Result<Self::Outcome, Halt> {
        let number_claim = ClaimId::user_number(self.number);
        book.expect([
            StreamId::of::<Claim>(self.email_claim.clone()),
            StreamId::of::<Claim>(number_claim.clone()),
            StreamId::of::<User>(self.user_id),
        ]);
        let holder = Holder::User(self.user_id);
        claim(book, &self.email_claim, holder, Rejection::EmailAlreadyRegistered)?;
        claim(book, &number_claim, holder, Rejection::AlreadyExists)?;
        book.run::<User>(
            self.user_id,
            UserCommand::Register(Registration {
                user_id: self.user_id,
                number: self.number,
                user_type: UserType::Customer,
                name: self.name.clone(),
                email: self.email.clone(),
                password: self.password.clone(),
                roles: vec![RoleId::CUSTOMER],
                branch: None,
            }),
        )?;
        if self.profile != Profile::default() {
            book.run::<User>(self.user_id, UserCommand::UpdateProfile(self.profile.clone()))?;
        }
        self.session.map(|session| open_session(book, session, self.user_id)).transpose()
    }
}

/// Takes a claim, and says in the use case's own words that it is taken.
pub(super) fn claim(
    book: &mut Book<'_>,
    claim: &ClaimId,
    holder: Holder,
    taken: Rejection,
) -> Result<(), Halt> {
    book.run::<Claim>(claim.clone(), ClaimCommand::Take { holder }).map_err(|halt| match halt {
        Halt::Rejected(Rejection::AlreadyExists) => Halt::Rejected(taken),
        other => other,
    })
}

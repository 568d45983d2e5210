//! A customer registers and is logged in.

use lumbung_domain::{Profile, Rejection, RoleId, SessionId, User, UserCommand, UserType};
use lumbung_journal::WrappedPersonKey;

use super::Newcomer;
use crate::ledger::{Book, Halt, UseCase};
use crate::session::{SignedIn, open_session};

/// Registers a customer, by e-mail and password or by phone and PIN, and opens their first session.
///
/// Rejections: [`Rejection::EmailAlreadyRegistered`], [`Rejection::PhoneAlreadyRegistered`].
#[derive(Debug, Clone)]
pub struct RegisterCustomer {
    pub newcomer: Newcomer,
    /// What is known of the person already; empty for who registers by themselves.
    pub profile: Profile,
    /// `None` registers without logging in.
    pub session: Option<SessionId>,
}

impl UseCase for RegisterCustomer {
    const NAME: &'static str = "RegisterCustomer";
    type Outcome = Option<SignedIn>;

    fn person_keys(&self) -> &[WrappedPersonKey] {
        std::slice::from_ref(&self.newcomer.key)
    }

    fn decide(&self, book: &mut Book<'_>) -> Result<Self::Outcome, Halt> {
        let user = self.newcomer.user_id;
        book.prefetch(self.newcomer.streams());
        let taken = Rejection::EmailAlreadyRegistered;
        self.newcomer.register(book, UserType::Customer, RoleId::CUSTOMER, None, taken)?;
        if self.profile != Profile::default() {
            book.run::<User>(user, UserCommand::UpdateProfile(self.profile.clone()))?;
        }
        self.session.map(|session| open_session(book, session, user)).transpose()
    }
}

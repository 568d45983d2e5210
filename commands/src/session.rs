//! People log in and out.

mod end;
mod open;

pub use end::EndSession;
pub use open::{OpenSession, SignedIn};

pub(crate) use open::open_session;

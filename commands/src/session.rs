//! People log in and out.

mod end;
mod open;
mod refresh;

pub use end::EndSession;
pub use open::{OpenSession, SignedIn};
pub use refresh::{RefreshSession, Refreshed};

pub(crate) use open::open_session;

//! Logging in, whatever it is by: whose name it is, how well the device is known, and whether the secret fits.
//!
//! One answer, after one amount of work, whether there is no such user, they are not active, or the secret is wrong.

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use lumbung_commands::session::{OpenSession, SignedIn};
use lumbung_commands::{Answer, Call};
use lumbung_domain::{Claim, PasswordHash, Person, Rejection, Sealed, SessionId, User, UserId};
use lumbung_journal::KeyError;
use uuid::Uuid;

use crate::app::App;
use crate::audit::{FailedLogin, Trail};
use crate::auth::passwords::{Place, is_weak};
use crate::auth::{
    Attempt, ClientAddress, CountKey, Device, HeldBack, LoginName, Standing, Way, bearer, network,
};
use crate::rest::command::Origin;
use crate::rest::error::ApiError;

/// A secret may be rehashed or changed while it is being compared; then it is compared again.
const COMPARISONS: usize = 3;

/// A name as it is used to log in, and the device that uses it.
pub(super) struct Login {
    way: Way,
    /// `None` for what can be nobody's.
    name: Option<LoginName>,
    hash: [u8; 32],
    device: Option<Device>,
}

/// A login that was good.
pub(super) struct LoggedIn {
    pub(super) signed_in: SignedIn,
    pub(super) at: DateTime<Utc>,
    pub(super) position: i64,
    /// What lets the device be known next time.
    pub(super) cookie: Option<HeaderValue>,
}

/// Somebody, and what their secret must fit.
pub(super) struct Known {
    pub(super) person: Person,
    sealed: Sealed<PasswordHash>,
    hash: PasswordHash,
}

/// Name and secret do not belong together.
struct Refused {
    /// Whose name it is, if an active user's.
    person: Option<UserId>,
}

/// An attempt, counted for the account and, if a stranger's, for where they are.
struct Guess<'a> {
    of_account: Attempt<'a>,
    of_address: Option<Attempt<'a>>,
}

impl<'a> Guess<'a> {
    async fn begin(
        app: &'a App,
        standing: Standing,
        counted_as: CountKey,
        place: &Place,
    ) -> Result<Self, HeldBack> {
        // First, and always in this order: who waits for others of the address keeps nobody else from the account.
        let of_address = match standing {
            Standing::Known => None,
            Standing::Stranger(address) => {
                let network = network(address).to_string();
                let key = app.ledger.vault().keyed_hash("failed-logins-of-address", &[network.as_bytes()]);
                Some(app.failed_logins_of_addresses.begin(key, place).await?)
            }
        };
        match app.failed_logins.begin(counted_as, place).await {
            Ok(of_account) => Ok(Self { of_account, of_address }),
            Err(held_back) => {
                of_address.into_iter().for_each(Attempt::not_failed);
                Err(held_back)
            }
        }
    }

    fn failed(self) {
        self.of_account.failed();
        self.of_address.into_iter().for_each(Attempt::failed);
    }

    fn not_failed(self) {
        self.of_account.not_failed();
        self.of_address.into_iter().for_each(Attempt::not_failed);
    }
}

impl Login {
    /// `typed`: what stands for a name that can be nobody's.
    pub(super) fn of(app: &App, headers: &HeaderMap, way: Way, name: Option<LoginName>, typed: &str) -> Self {
        let vault = app.ledger.vault();
        let key = name.as_ref().map_or_else(|| typed.trim().to_lowercase(), LoginName::key);
        let hash = vault.keyed_hash(way.purpose(), &[key.as_bytes()]);
        Self { way, name, hash, device: Device::of(headers, vault, &hash, Utc::now()) }
    }

    /// What the account's password hashes are counted by, whether it exists or not.
    pub(super) fn key(&self) -> CountKey {
        self.hash
    }

    /// Opens a session for whoever knows the secret.
    pub(super) async fn enter(
        &self,
        app: &App,
        trail: &Trail,
        (headers, client): (&HeaderMap, ClientAddress),
        origin: &Origin,
        secret: &str,
    ) -> Result<LoggedIn, ApiError> {
        let (standing, counted_as) = self.standing(app, headers, client).await?;
        // Before anything is counted or looked up for the secret: a flood costs no more than there are places.
        let place = app.passwords.place(standing, self.key()).await?;
        let attempt = Guess::begin(app, standing, counted_as, &place).await?;
        let (answer, generation) = match self.sign_in(app, origin, &place, secret).await {
            Ok(Ok(signed_in)) => signed_in,
            Ok(Err(Refused { person })) => {
                attempt.failed();
                let refused = ApiError::from(self.way.refusal());
                let failed = FailedLogin { name: self.name.as_ref(), person, code: refused.code() };
                app.audit.login_failed(trail, failed);
                return Err(refused);
            }
            // Nobody learned anything about the secret.
            Err(error) => {
                attempt.not_failed();
                return Err(error);
            }
        };
        attempt.not_failed();
        let Answer { outcome, position, answered_at: at, .. } = answer;
        Ok(LoggedIn { signed_in: outcome?, at, position, cookie: self.cookie(app, generation)? })
    }

    /// The answer, and the session generation that the session is of.
    async fn sign_in(
        &self,
        app: &App,
        origin: &Origin,
        place: &Place,
        secret: &str,
    ) -> Result<Result<(Answer<SignedIn>, u32), Refused>, ApiError> {
        let mut refused = Refused { person: None };
        for _ in 0..COMPARISONS {
            let known = match &self.name {
                Some(name) => find(app, name).await?,
                None => None,
            };
            let fits = place.verify(secret, known.as_ref().map(|known| &known.hash)).await?;
            refused.person = known.as_ref().map(|known| known.person.user_id);
            let Some(known) = known.filter(|_| fits) else { return Ok(Err(refused)) };
            let use_case = open_session(app, place, &known, secret).await?;
            let call: Call = origin.keyless(known.person.user_id);
            let answer = app.ledger.execute(use_case, call).await?;
            if answer.outcome != Err(Rejection::InvalidCredentials) {
                return Ok(Ok((answer, known.person.session_generation)));
            }
        }
        Ok(Err(refused))
    }

    /// Strangers are counted together per name; a known device, and a session of the same user, on their own.
    async fn standing(
        &self,
        app: &App,
        headers: &HeaderMap,
        ClientAddress(client): ClientAddress,
    ) -> Result<(Standing, CountKey), ApiError> {
        let count = |what: &str, which: &[u8]| app.ledger.vault().keyed_hash(what, &[&self.hash, which]);
        if let (Some(device), Some(name)) = (&self.device, &self.name) {
            let owner = owner(app, name).await?.filter(|owner| owner.active);
            if owner.is_some_and(|owner| owner.session_generation == device.generation()) {
                return Ok((Standing::Known, count("failed-logins-of-device", device.number())));
            }
        }
        if let (Some(token), Some(name)) =
            (bearer(headers).and_then(|token| app.tokens.verify(token)), &self.name)
        {
            app.access.wait_until_current(app.patience).await?;
            let identity = app.access.identify(token.session).await?;
            let (claim, _) = app.access.get::<Claim>(name.claim(app.ledger.vault())).await?;
            let owner = identity.as_ref().and_then(|identity| identity.person()).map(|person| person.user_id);
            if owner.is_some() && owner == claim.user() {
                let session = token.session.0.as_bytes();
                return Ok((Standing::Known, count("failed-logins-of-session", session)));
            }
        }
        Ok((Standing::Stranger(client), count("failed-logins", b"")))
    }

    /// What lets this device be known next time.
    /// `generation`: the account's session generation from now on.
    pub(super) fn cookie(&self, app: &App, generation: u32) -> Result<Option<HeaderValue>, ApiError> {
        let device = self.device.map_or_else(|| Device::new(generation), Ok)?.in_generation(generation);
        let secure = app.public_url.starts_with("https://");
        let path = self.way.cookie_path();
        Ok(device.cookie(app.ledger.vault(), &self.hash, path, secure, Utc::now()))
    }
}

async fn open_session(
    app: &App,
    place: &Place,
    known: &Known,
    secret: &str,
) -> Result<OpenSession, ApiError> {
    let user = known.person.user_id;
    let rehashed = if is_weak(&known.hash) {
        let stronger = place.hash(secret).await?;
        Some(app.ledger.vault().sealer(user.0).await?.seal(&stronger)?)
    } else {
        None
    };
    let (session, password) = (SessionId(Uuid::now_v7()), known.sealed.clone());
    Ok(OpenSession { user, session, password, rehashed })
}

/// The active person with this name, and the hash that their secret must fit.
pub(super) async fn find(app: &App, name: &LoginName) -> Result<Option<Known>, ApiError> {
    let Some(person) = owner(app, name).await?.filter(|person| person.active) else { return Ok(None) };
    let Some(sealed) = name.secret_of(&person).cloned() else { return Ok(None) };
    match open_hash(app, person.user_id, &sealed).await {
        Ok(hash) => Ok(Some(Known { person, sealed, hash })),
        Err(OpenFailed::Erased) => Ok(None),
        Err(OpenFailed::Other(error)) => Err(error),
    }
}

/// Whoever has this name.
async fn owner(app: &App, name: &LoginName) -> Result<Option<Person>, ApiError> {
    app.access.wait_until_current(app.patience).await?;
    let (claim, _) = app.access.get::<Claim>(name.claim(app.ledger.vault())).await?;
    // Of nobody a stream is looked at too, so that it takes as long.
    let user = claim.user().unwrap_or(UserId(Uuid::nil()));
    let (state, _) = app.access.get::<User>(user).await?;
    Ok(state.person().cloned())
}

/// Why a hash was not opened.
pub(super) enum OpenFailed {
    Erased,
    Other(ApiError),
}

impl From<OpenFailed> for ApiError {
    fn from(why: OpenFailed) -> Self {
        match why {
            OpenFailed::Erased => Self::erased(),
            OpenFailed::Other(error) => error,
        }
    }
}

/// A stored hash, which must be the person's own.
pub(super) async fn open_hash(
    app: &App,
    person: UserId,
    sealed: &Sealed<PasswordHash>,
) -> Result<PasswordHash, OpenFailed> {
    let opener = app.ledger.vault().opener([sealed.ciphertext()]).await;
    let opener = opener.map_err(|error| OpenFailed::Other(error.into()))?;
    match opener.open_of(person.0, sealed) {
        Ok(hash) => Ok(hash),
        Err(KeyError::Erased) => Err(OpenFailed::Erased),
        Err(error) => Err(OpenFailed::Other(error.into())),
    }
}

//! Who is there: customers and staff, as the administration sees them? One row per person; personal values are sealed.
//!
//! A row changes by events that hold only what they change. So the write first fetches the rows of people that the batch
//! did not register, and then stores whole rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lumbung_domain::{
    Amendment, AnyEvent, BranchId, BranchSnapshot, Email, PersonName, Phone, Profile, Registration, RoleId,
    Sealed, UserEvent, UserId, UserNumber, UserType,
};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::branches;
use crate::cell::{all_found, column, parsed, sealed, sealed_option};
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 2;
pub(crate) const DDL: &str = "
create table users (
    number     bigint      not null primary key,
    user_id    uuid        not null,
    user_type  text        not null,
    name       text        not null,
    email      text,
    phone      text,
    active     boolean     not null,
    roles      text        not null,
    branch     bigint,
    profile    text        not null,
    created_at timestamptz not null,
    version    bigint      not null
);
create index users_user_id on users (user_id);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, STORED, PAGE, BY_NUMBER];

const UPSERT: &str = "
insert into users (number, user_id, user_type, name, email, phone, active, roles, branch, profile, created_at, version)
select u.number, u.user_id, u.user_type, u.name, u.email, u.phone, u.active, u.roles, u.branch, u.profile, u.created_at, u.version
from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
        $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::bigint[])
    as u (number, user_id, user_type, name, email, phone, active, roles, branch, profile, created_at, version)
on conflict (number) do update set
    user_id = excluded.user_id, user_type = excluded.user_type, name = excluded.name, email = excluded.email,
    phone = excluded.phone, active = excluded.active, roles = excluded.roles, branch = excluded.branch, profile = excluded.profile,
    created_at = excluded.created_at, version = excluded.version";

const STORED: &str = "
select number, user_id, user_type, name, email, phone, active, roles, branch, profile, created_at, version
from users where user_id = any($1::uuid[])";

const PAGE: &str = "
select u.number, u.user_id, u.user_type, u.name, u.email, u.phone, u.active, u.roles, u.branch, u.profile, u.created_at,
    u.version, b.code, b.location
from users u left join branches b on b.branch = u.branch
where u.number > $1 order by u.number limit $2";

const BY_NUMBER: &str = "
select u.number, u.user_id, u.user_type, u.name, u.email, u.phone, u.active, u.roles, u.branch, u.profile, u.created_at,
    u.version, b.code, b.location
from users u left join branches b on b.branch = u.branch where u.number = $1";

/// One person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub number: UserNumber,
    pub user_id: UserId,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    /// To log in by, as is the phone: everybody has at least one of them.
    pub email: Option<Sealed<Email>>,
    pub phone: Option<Sealed<Phone>>,
    pub active: bool,
    /// In the order in which they were assigned.
    pub roles: Vec<RoleId>,
    pub branch_id: Option<BranchId>,
    /// As the branch is now; only queries fill it.
    pub branch: Option<BranchSnapshot>,
    pub profile: Profile,
    pub created_at: DateTime<Utc>,
    /// The sequence of the last event of the `User` stream.
    pub version: i64,
}

/// Everybody, by number.
///
/// # Errors
/// See [`ReadError`].
pub async fn page(read: &LiveSchema, limit: Limit, after: Option<Cursor>) -> Result<Page<User>, ReadError> {
    let rows = sqlx::query(PAGE)
        .bind(after.map_or(0, |Cursor(number)| number))
        .bind(Page::<User>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let users = rows.iter().map(User::joined).collect::<Result<_, _>>()?;
    Ok(Page::cut(users, limit, |user: &User| user.number.0))
}

/// The person with this number.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_number(read: &LiveSchema, number: UserNumber) -> Result<Option<User>, ReadError> {
    let row = sqlx::query(BY_NUMBER).bind(number.0).fetch_optional(read.pool()).await?;
    row.as_ref().map(User::joined).transpose()
}

impl User {
    fn joined(row: &PgRow) -> Result<Self, ReadError> {
        let mut user = Self::from_row(row)?;
        if row.try_get::<Option<&str>, _>("code")?.is_some() {
            user.branch = Some(branches::snapshot(row)?);
        }
        Ok(user)
    }

    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        let malformed = |column| ReadError::Malformed { column };
        let roles: &str = row.try_get("roles")?;
        let roles = roles.split(',').filter(|id| !id.is_empty()).map(str::parse).collect::<Result<_, _>>();
        let profile: &str = row.try_get("profile")?;
        Ok(Self {
            number: UserNumber(row.try_get("number")?),
            user_id: UserId(row.try_get("user_id")?),
            user_type: parsed(row, "user_type")?,
            name: sealed(row, "name")?,
            email: sealed_option(row, "email")?,
            phone: sealed_option(row, "phone")?,
            active: row.try_get("active")?,
            roles: roles.map_err(|_| malformed("roles"))?,
            branch_id: row.try_get::<Option<i64>, _>("branch")?.map(BranchId),
            branch: None,
            profile: serde_json::from_str(profile).map_err(|_| malformed("profile"))?,
            created_at: row.try_get("created_at")?,
            version: row.try_get("version")?,
        })
    }

    fn registered(registration: &Registration, fact: &Fact) -> Self {
        Self {
            number: registration.number,
            user_id: registration.user_id,
            user_type: registration.user_type,
            name: registration.name.clone(),
            email: registration.email.clone(),
            phone: registration.phone.clone(),
            active: true,
            roles: registration.roles.clone(),
            branch_id: registration.branch,
            branch: None,
            profile: Profile::default(),
            created_at: registration.registered_at.unwrap_or(fact.recorded_at),
            version: fact.sequence,
        }
    }

    fn evolve(&mut self, event: &UserEvent, sequence: i64) {
        self.version = sequence;
        match event {
            UserEvent::ProfileUpdated(given) => self.profile.take_over(given),
            UserEvent::UserAmended(Amendment { name, email, branch, ends_sessions: _, name_parts: _ }) => {
                if let Some(name) = name {
                    self.name = name.clone();
                }
                if let Some(email) = email {
                    self.email = Some(email.clone());
                }
                self.branch_id = branch.or(self.branch_id);
            }
            UserEvent::RoleAssigned { role } => self.roles.push(*role),
            UserEvent::RoleRemoved { role } => self.roles.retain(|held| held != role),
            UserEvent::UserDeactivated {} => self.active = false,
            UserEvent::UserReactivated {} => self.active = true,
            UserEvent::UserRegistered(_)
            | UserEvent::PasswordSet { .. }
            | UserEvent::PinSet { .. }
            | UserEvent::PasswordResetRequested(_) => {}
        }
    }

    /// As the column holds them.
    fn role_ids(&self) -> String {
        self.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Users {
    registered: HashMap<Uuid, User>,
    /// Of people whom the batch did not register.
    changes: HashMap<Uuid, Vec<(UserEvent, i64)>>,
}

impl Users {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::User(event) = &fact.event else { return Ok(()) };
        if let UserEvent::UserRegistered(registration) = event {
            self.registered.insert(registration.user_id.0, User::registered(registration, fact));
            return Ok(());
        }
        let user: UserId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        match self.registered.get_mut(&user.0) {
            Some(row) => row.evolve(event, fact.sequence),
            None => self.changes.entry(user.0).or_default().push((event.clone(), fact.sequence)),
        }
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let mut changed = Vec::with_capacity(self.changes.len());
        if !self.changes.is_empty() {
            let people: Vec<Uuid> = self.changes.keys().copied().collect();
            for row in sqlx::query(STORED).bind(&people).fetch_all(&mut *connection).await? {
                let mut user = User::from_row(&row)?;
                for (event, sequence) in self.changes.get(&user.user_id.0).into_iter().flatten() {
                    user.evolve(event, *sequence);
                }
                changed.push(user);
            }
            all_found("users", people.len(), u64::try_from(changed.len()).unwrap_or(u64::MAX))?;
        }
        let rows: Vec<&User> = self.registered.values().chain(&changed).collect();
        if rows.is_empty() { Ok(()) } else { upsert(connection, &rows).await }
    }
}

async fn upsert(connection: &mut PgConnection, rows: &[&User]) -> Result<(), ProjectionError> {
    let profiles: Vec<String> = rows
        .iter()
        .map(|row| serde_json::to_string(&row.profile))
        .collect::<Result<_, _>>()
        .map_err(|_| ReadError::Malformed { column: "profile" })?;
    sqlx::query(UPSERT)
        .bind(column(rows, |row| row.number.0))
        .bind(column(rows, |row| row.user_id.0))
        .bind(column(rows, |row| <&'static str>::from(row.user_type)))
        .bind(column(rows, |row| row.name.ciphertext()))
        .bind(column(rows, |row| row.email.as_ref().map(|email| email.ciphertext())))
        .bind(column(rows, |row| row.phone.as_ref().map(|phone| phone.ciphertext())))
        .bind(column(rows, |row| row.active))
        .bind(column(rows, |row| row.role_ids()))
        .bind(column(rows, |row| row.branch_id.map(|branch| branch.0)))
        .bind(profiles)
        .bind(column(rows, |row| row.created_at))
        .bind(column(rows, |row| row.version))
        .execute(connection)
        .await?;
    Ok(())
}

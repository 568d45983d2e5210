//! `/api/admin/users`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::user::{
    AmendUser, AssignRole, CreateStaff, Newcomer, RegisterStaff, RemoveRole, SetUserStatus, UserOutcome,
};
use lumbung_domain::{
    BranchId, Email, Invalid, PersonName, RoleId, UserType, check_new_password, whole_number,
};
use lumbung_projections::users;
use zeroize::Zeroizing;

use super::amendment::SealedAmendment;
use crate::app::App;
use crate::auth::{Caller, ChangeRolesOfUsers, CreateUsers, ReadUsers, Standing, UpdateUsers};
use crate::rest::body::{Fields, Form, NoFields};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::path::{RoleOfUser, UserToChange};
use crate::rest::people::People;
use crate::rest::user_json::{RoleNames, UserJson};
use crate::rest::view::Listing;

pub(in crate::rest) struct NewStaff {
    name: PersonName,
    email: Email,
    password: Zeroizing<String>,
    user_type: UserType,
    role: RoleId,
    branch: Option<BranchId>,
}

impl Form for NewStaff {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", PersonName::new);
        let email = fields.text("email", Email::new);
        let password = fields
            .text("password", |text| check_new_password(text).map(|()| Zeroizing::new(text.to_owned())));
        let user_type =
            fields.optional_text("userType", user_type).map(|given| given.unwrap_or(UserType::Internal));
        // A customer is refused whatever their role would be.
        let role = match user_type {
            Some(UserType::Customer) => fields
                .optional_number("roleId", whole_number)
                .map(|role| role.map_or(RoleId::CUSTOMER, RoleId)),
            Some(UserType::Internal) | None => fields.number("roleId", whole_number).map(RoleId),
        };
        let branch = fields.optional_number("branchId", whole_number);
        Some(Self {
            name: name?,
            email: email?,
            password: password?,
            user_type: user_type?,
            role: role?,
            branch: branch?.map(BranchId),
        })
    }
}

fn user_type(text: &str) -> Result<UserType, Invalid> {
    text.parse().map_err(|_| Invalid::new("must be INTERNAL or CUSTOMER"))
}

/// All fields are optional; an absent one keeps its value.
pub(in crate::rest) struct Amendment {
    name: Option<PersonName>,
    email: Option<Email>,
    branch: Option<BranchId>,
}

impl Form for Amendment {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.given_text("name", PersonName::new);
        let email = fields.given_text("email", Email::new);
        let branch = fields.optional_number("branchId", whole_number);
        Some(Self { name: name?, email: email?, branch: branch?.map(BranchId) })
    }
}

pub(in crate::rest) struct Status {
    active: bool,
}

impl Form for Status {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { active: fields.boolean("isActive")? })
    }
}

pub(in crate::rest) struct Assignment {
    role: RoleId,
}

impl Form for Assignment {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { role: RoleId(fields.number("roleId", whole_number)?) })
    }
}

pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ReadUsers>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<UserJson>>, ApiError> {
    let page = users::page(&view.read, paging.limit, paging.after).await?;
    let roles = RoleNames::read(&view.read).await?;
    let people = People::of(&app, page.rows.iter().map(|user| user.name.ciphertext())).await?;
    let rows = page.rows.iter().map(|user| UserJson::read(user, &roles, &people, app.zone));
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}

pub(in crate::rest) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<CreateUsers>,
    asked: Asked<(), NewStaff>,
) -> Result<Reply<UserJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let NewStaff { name, email, password, user_type, role, branch } = asked.form;
    let who = app.ledger.vault().keyed_hash("passwords-for-others", &[caller.user().0.as_bytes()]);
    let hash = app.passwords.hash(Standing::Known, who, &password).await?;
    let number = app.numbers.user().await?;
    let (newcomer, _) = Newcomer::seal(app.ledger.vault(), number, &name, &email, &hash)?;
    let staff = RegisterStaff { newcomer, role, branch };
    let as_customer = user_type == UserType::Customer;
    let use_case = CreateStaff { actor: caller.actor(), staff, as_customer };
    let done = carry_out(&app, use_case, call).await?;
    Ok(told(&app, "Internal user created successfully", done).await?.created())
}

pub(in crate::rest) async fn amend(
    State(app): State<Arc<App>>,
    caller: Caller<UpdateUsers>,
    asked: Asked<UserToChange, Amendment>,
) -> Result<Reply<UserJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let UserToChange(number) = asked.target;
    let Amendment { name, email, branch } = asked.form;
    let sealed = SealedAmendment::of(&app, caller.user(), number, name, email).await?;
    let told_of = sealed.email.is_some();
    let use_case = AmendUser {
        actor: caller.actor(),
        number,
        sealed_for: sealed.person,
        name: sealed.name,
        email: sealed.email,
        branch,
        expected: asked.expected,
    };
    let done = carry_out(&app, use_case, call).await?;
    if told_of {
        app.outbox_bell.notify_one();
    }
    told(&app, "User updated successfully", done).await
}

pub(in crate::rest) async fn set_status(
    State(app): State<Arc<App>>,
    caller: Caller<UpdateUsers>,
    asked: Asked<UserToChange, Status>,
) -> Result<Reply<UserJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let UserToChange(number) = asked.target;
    let use_case =
        SetUserStatus { actor: caller.actor(), number, active: asked.form.active, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    told(&app, "User status updated successfully", done).await
}

pub(in crate::rest) async fn assign_role(
    State(app): State<Arc<App>>,
    caller: Caller<ChangeRolesOfUsers>,
    asked: Asked<UserToChange, Assignment>,
) -> Result<Reply<UserJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let UserToChange(number) = asked.target;
    let use_case =
        AssignRole { actor: caller.actor(), number, role: asked.form.role, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    told(&app, "Role assigned successfully", done).await
}

pub(in crate::rest) async fn remove_role(
    State(app): State<Arc<App>>,
    caller: Caller<ChangeRolesOfUsers>,
    asked: Asked<RoleOfUser, NoFields>,
) -> Result<Reply<UserJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let RoleOfUser { user: number, role } = asked.target;
    let use_case = RemoveRole { actor: caller.actor(), number, role, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    told(&app, "Role removed successfully", done).await
}

/// A person after a command on them.
async fn told(
    app: &App,
    message: &'static str,
    done: Accepted<UserOutcome>,
) -> Result<Reply<UserJson>, ApiError> {
    let user = &done.outcome;
    let people = People::of(app, [user.name.ciphertext()]).await?;
    let json = UserJson::told(user, &people, app.zone)?;
    people.complete(done.replayed)?;
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    Ok(reply.version(user.version).replayed(done.replayed))
}

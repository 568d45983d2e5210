//! `/api/users`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_domain::Rejection;
use lumbung_projections::users;

use super::envelope::Reply;
use super::error::ApiError;
use super::path::UserToRead;
use super::people::People;
use super::user_json::{RoleNames, UserDetail};
use super::view::View;
use crate::app::App;
use crate::auth::{Caller, LookAtPeople};

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<LookAtPeople>,
    UserToRead(number): UserToRead,
    view: View,
) -> Result<Reply<UserDetail>, ApiError> {
    let user = users::by_number(&view.read, number).await?.ok_or(Rejection::UserNotFound)?;
    let roles = RoleNames::read(&view.read).await?;
    let people = People::of(&app, [user.name.ciphertext()]).await?;
    let json = UserDetail::read(&user, &roles, &people, &app)?;
    app.audit.looked_at_person(caller.trail(), user.user_id);
    Ok(view.reply(&app, json).version(user.version))
}

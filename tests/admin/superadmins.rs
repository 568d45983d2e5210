//! There is always an active superadmin.

use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{RegisterStaff, RemoveRole, SetUserStatus};
use lumbung_commands::{Actor, Call, Expected, Ledger};
use lumbung_domain::{Rejection, RoleId, SessionId, UserNumber};
use serde_json::json;
use uuid::Uuid;

use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::Node;
use crate::support::people::Someone;

const LAST: (u16, &str, &str) =
    (409, "LAST_SUPERADMIN", "The last active SUPERADMIN cannot be deactivated or stripped of the role");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_one_stays() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let own = server.number_of(&admin, "admin@loan.com").await;
    let (status, role) =
        (format!("/api/admin/users/{own}/status"), format!("/api/admin/users/{own}/roles/1"));
    let off = json!({"isActive": false});
    assert_eq!(server.patch(&status, &admin, off.clone()).await.error(), LAST);
    assert_eq!(server.delete(&role, &admin).await.error(), LAST);
    let (second, theirs) = server.hire(&admin, "second@loan.com", 1, None).await;
    // A deactivated one does not count.
    let second_status = format!("/api/admin/users/{second}/status");
    server.patch(&second_status, &admin, off.clone()).await.ok(200);
    assert_eq!(server.patch(&status, &admin, off.clone()).await.error(), LAST);
    server.patch(&second_status, &admin, json!({"isActive": true})).await.ok(200);
    assert_eq!(server.get("/api/admin/users", &theirs).await.error().0, 401);
    server.delete(&role, &admin).await.ok(200);
    // The first is an administrator no more, at once.
    assert_eq!(server.get("/api/admin/users", &admin).await.error().0, 403);
    let theirs = server.login("second@loan.com", "password123").await;
    assert_eq!(server.patch(&second_status, &theirs, off).await.error(), LAST);
}

/// Somebody of the staff, logged in.
async fn superadmin(ledger: &Ledger) -> (UserNumber, Actor) {
    let Someone { newcomer, .. } = Someone::new(ledger);
    let (number, user, password) = (newcomer.number, newcomer.user_id, newcomer.password.clone());
    let staff = RegisterStaff { newcomer, role: RoleId::SUPERADMIN, branch: None };
    ledger.execute(staff, Call::default()).await.unwrap().outcome.unwrap();
    let session = SessionId(Uuid::now_v7());
    let opening = OpenSession { user, session, password, rehashed: None };
    ledger.execute(opening, Call::default()).await.unwrap().outcome.unwrap();
    (number, Actor { user, session })
}

async fn take_from(ledger: &Ledger, round: i32, actor: Actor, number: UserNumber) -> Result<(), Rejection> {
    let expected = Expected::Anything;
    let answer = if round % 2 == 0 {
        let use_case = SetUserStatus { actor, number, active: false, expected };
        ledger.execute(use_case, Call::default()).await.unwrap()
    } else {
        let use_case = RemoveRole { actor, number, role: RoleId::SUPERADMIN, expected };
        ledger.execute(use_case, Call::default()).await.unwrap()
    };
    answer.outcome.map(drop)
}

/// Two superadmins, each on a node of their own, deactivate or strip each other at the same time: one of them remains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_never_leave_none() {
    let database = database().await;
    lumbung_journal::migrate(&database).await.unwrap();
    let (here, there) = (Node::open(&database).await, Node::open(&database).await);
    here.execute(DefineReferenceData, Call::default()).await.unwrap().outcome.unwrap();
    let mut one = superadmin(&here).await;
    for round in 0..200 {
        let other = superadmin(&there).await;
        let (first, second) =
            tokio::join!(take_from(&here, round, one.1, other.0), take_from(&there, round, other.1, one.0),);
        // Who came too late is not active any more, or holds no role.
        let late = if round % 2 == 0 { Rejection::Unauthorized } else { Rejection::AccessDenied };
        match (first, second) {
            (Ok(()), Err(refused)) => assert_eq!(refused, late, "{round}"),
            (Err(refused), Ok(())) => {
                assert_eq!(refused, late, "{round}");
                one = other;
            }
            both => panic!("{round}: {both:?}"),
        }
        let last = take_from(&there, round, one.1, one.0).await;
        assert_eq!(last, Err(Rejection::LastSuperadmin), "{round}");
    }
    here.assert_cache_equals_log().await;
    here.close().await;
    there.close().await;
}

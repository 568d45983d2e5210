//! `matrix.tsv`: who may do what to whose. Every route is asked for by every role, by nobody, and by deactivated people of
//! every role; the answers are to be those of the file, and those that follow from the gate table of CONTRACT §2.
//!
//! `LUMBUNG_UPDATE=1` writes the file; what it then says still has to follow from the gates.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use lumbung::rest::ROUTES;
use lumbung_domain::RoleId;

use super::super::rest_smoke::{Server, send};
use super::gates::{Gate, Object, ROLES, gates};
use super::probes::{Caller, Scene};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/matrix.tsv");
const ROLE_IDS: [RoleId; 8] = [
    RoleId::SUPERADMIN,
    RoleId::MARKETING,
    RoleId::BRANCH_MANAGER,
    RoleId::BACKOFFICE,
    RoleId::CUSTOMER,
    RoleId::AUDITOR,
    RoleId::ANALYST,
    RoleId::OPERATOR,
];

#[test]
fn every_route_has_a_gate_and_every_gate_a_route() {
    let gates: BTreeSet<_> = gates().into_keys().collect();
    let routes: BTreeSet<_> = ROUTES.iter().copied().collect();
    let ungated: Vec<_> = routes.difference(&gates).collect();
    let unrouted: Vec<_> = gates.difference(&routes).collect();
    assert!(
        ungated.is_empty() && unrouted.is_empty(),
        "without a gate: {ungated:?}; without a route: {unrouted:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_do_what_to_whose() {
    let server = Server::start().await;
    let scene = Scene::set(&server).await;
    let callers = callers(&scene).await;
    let gates = gates();
    let mut told = header();
    let mut differences = Vec::new();
    for (method, path) in ROUTES {
        let Some(gate) = gates.get(&(*method, *path)) else { continue };
        for object in &gate.objects {
            let statuses = row(&scene, &callers, (method, path), *object).await;
            let wanted = wanted(gate, *object);
            let object = object.name();
            if statuses != wanted {
                differences
                    .push(format!("{method} {path} {object}:\n    is {statuses:?}\n  want {wanted:?}"));
            }
            let cells: Vec<_> = statuses.iter().map(u16::to_string).collect();
            writeln!(told, "{method}\t{path}\t{object}\t{}", cells.join("\t")).unwrap();
        }
    }
    assert!(differences.is_empty(), "not what the gates say:\n{}", differences.join("\n"));
    if std::env::var_os("LUMBUNG_UPDATE").is_some() {
        std::fs::write(FILE, &told).unwrap();
    }
    let kept = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    let other = |these: &str, those: &str| {
        let those: BTreeSet<_> = those.lines().collect();
        these.lines().filter(|line| !those.contains(line)).collect::<Vec<_>>().join("\n")
    };
    assert!(
        told == kept,
        "tests/golden/matrix.tsv differs; LUMBUNG_UPDATE=1 writes it. New:\n{}\nGone:\n{}",
        other(&told, &kept),
        other(&kept, &told)
    );
}

fn header() -> String {
    let roles: Vec<_> = ROLES.iter().map(|(name, _)| *name).collect();
    format!("method\tpath\tobject\t{}\tanonymous\tdeactivated\n", roles.join("\t"))
}

/// The eight roles, nobody, and the eight roles again, deactivated.
async fn callers(scene: &Scene<'_>) -> Vec<Caller> {
    let mut callers = Vec::new();
    for role in ROLE_IDS {
        callers.push(Caller { role: Some(role), deactivated: false, person: Some(scene.caller(role).await) });
    }
    callers.push(Caller { role: None, deactivated: false, person: None });
    for role in ROLE_IDS {
        let person = scene.caller(role).await;
        scene.town.deactivate(&person).await;
        callers.push(Caller { role: Some(role), deactivated: true, person: Some(person) });
    }
    callers
}

/// The statuses of one line: one per role, one of nobody, one that all deactivated people are told.
async fn row(scene: &Scene<'_>, callers: &[Caller], route: (&str, &str), object: Object) -> Vec<u16> {
    let mut statuses = Vec::new();
    let mut of_deactivated = BTreeSet::new();
    for caller in callers {
        let answer = send(scene.request(route.0, route.1, caller, object).await).await;
        let status = answer.status.as_u16();
        assert!(status < 500, "{route:?} {object:?}: {}", answer.text);
        if caller.deactivated {
            of_deactivated.insert(status);
        } else {
            statuses.push(status);
        }
    }
    assert_eq!(of_deactivated.len(), 1, "{route:?} tells deactivated people {of_deactivated:?}");
    statuses.extend(of_deactivated);
    statuses
}

fn wanted(gate: &Gate, object: Object) -> Vec<u16> {
    let of_roles = ROLES.iter().map(|(role, _)| gate.status(Some(role), object));
    of_roles.chain([gate.status(None, object), gate.status_of_deactivated()]).collect()
}

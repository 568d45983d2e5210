//! What the documents promise, row by row: `golden/messages.tsv` lists every status and message, `golden/bodies.json` every
//! body, `golden/matrix.tsv` who may do what to whose. Each test says everything that differs, not only the first.

mod example;
pub(crate) mod form;
pub(crate) mod gates;
mod letters;
mod matrix;
mod messages;
mod probes;
pub(crate) mod town;

mod admin;
mod approval;
mod auth;
mod catalogue;
mod files;
mod identity;
mod ledger;
mod limits;
mod loan;
mod operations;
mod plafond;
mod profile;
mod rules;
mod servicing;
mod staff;
mod walk;
mod wallet;

use messages::{Golden, rows};

/// One test per area of the file, and the list of the areas.
macro_rules! areas {
    ($($name:ident $prefix:literal;)*) => {
        const AREAS: &[&str] = &[$($prefix),*];

        mod area {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let mut golden = super::Golden::of($prefix);
                    super::$name::run(&mut golden).await;
                    golden.finish();
                }
            )*
        }
    };
}

areas! {
    auth "AUTH";
    profile "PROFILE";
    catalogue "CATALOGUE";
    plafond "PLAFOND";
    loan "LOAN";
    approval "APPROVAL";
    admin "ADMIN";
    staff "STAFF";
    files "FILES";
    ledger "LEDGER";
    rules "RULES";
    limits "LIMITS";
    wallet "WALLET";
    operations "OPERATIONS";
    identity "IDENTITY";
    servicing "SERVICING";
}

#[test]
fn every_row_belongs_to_an_area() {
    for id in rows().into_keys() {
        assert!(AREAS.iter().any(|area| id.starts_with(&format!("{area}_"))), "{id}");
    }
}

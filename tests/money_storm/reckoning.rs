//! The end of a round: the log against what was acknowledged, and what is shown against the log.

use std::collections::HashMap;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::client::{Kind, Outcome, Sent};
use super::doors::Doors;
use super::onlookers::Board;
use super::pages::{Pages, What};
use super::town::Town;
use crate::crash::dice::Dice;
use crate::served::Folder;

/// Commands that are repeated with their keys.
const REPEATED: usize = 60;

/// Waits until every transfer has its end.
pub(super) async fn wait_until_nothing_is_pending(board: &Board, database: &PgConnectOptions) -> Duration {
    let started = Instant::now();
    let mut connection = PgConnection::connect_with(database).await.unwrap();
    loop {
        board.look(&mut connection).await.unwrap();
        let pages = board.pages.lock().await;
        assert!(pages.parked.is_empty(), "{} transfers wait for an operator", pages.parked.len());
        if pages.pending() == 0 {
            return started.elapsed();
        }
        assert!(started.elapsed() < PATIENCE, "{} transfers are still on their way", pages.pending());
        drop(pages);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everything acknowledged is in the log once, nothing that was refused is, and nothing that nobody asked for.
pub(super) fn assert_agree(pages: &Pages, town: &Town, sent: &[Sent]) {
    let mut unclaimed: HashMap<(What, i64), _> = HashMap::new();
    for (id, movement) in &pages.movements {
        // What filled the wallets stands before everything else.
        if movement.position > town.settled_at {
            let other = unclaimed.insert((movement.what, movement.amount_rupiah), (*id, *movement));
            assert!(other.is_none(), "one command is in the log twice: {other:?} and {id} {movement:?}");
        }
    }
    for Sent { kind, holder, amount_rupiah, outcome, .. } in sent {
        let what = match kind {
            Kind::TopUp => What::TopUp,
            Kind::Payment => What::Payment,
            Kind::Transfer { .. } => What::Transfer,
        };
        let found = unclaimed.remove(&(what, *amount_rupiah));
        let told = || format!("{kind:?} of {amount_rupiah} by {holder}");
        if let Some((id, movement)) = &found {
            assert_eq!(movement.owner, town.holders[*holder].user, "{}", told());
            if let Kind::Transfer { target } = kind {
                let course = &pages.transfers[&lumbung_domain::TransferId(*id)];
                let instruction = course.instruction.as_ref().unwrap();
                assert_eq!(instruction.target, town.holders[*target].user, "{}", told());
            }
        }
        match (outcome, found) {
            (Outcome::Done(done), Some((id, movement))) => {
                assert_eq!(done.id, id, "{}", told());
                assert!(
                    movement.position <= done.position,
                    "{} was told {}: {movement:?}",
                    told(),
                    done.position
                );
                assert_eq!(done.after_rupiah, movement.after_rupiah, "{}", told());
            }
            (Outcome::Done(done), None) => panic!("acknowledged and lost: {} ({})", told(), done.id),
            (Outcome::Refused, Some((id, movement))) => {
                panic!("refused and done: {} {id} {movement:?}", told())
            }
            (Outcome::Refused, None) | (Outcome::Open, _) => {}
        }
    }
    assert!(unclaimed.is_empty(), "nobody asked for {:?}", unclaimed.values().take(5).collect::<Vec<_>>());
}

/// The same requests with the same keys are told the same, to the byte, and write nothing.
pub(super) async fn assert_replayed(sent: &[Sent], doors: &Doors, dice: &mut Dice) -> usize {
    let keyed: Vec<_> = sent
        .iter()
        .filter_map(|sent| match &sent.outcome {
            Outcome::Done(done) => done.request.as_ref().map(|request| (sent.times, done, request)),
            Outcome::Refused | Outcome::Open => None,
        })
        .collect();
    // Those whose first answers were lost, and some others.
    let mut chosen: Vec<_> = keyed.iter().filter(|(times, ..)| *times > 1).take(REPEATED).collect();
    for _ in 0..REPEATED.min(keyed.len()) {
        chosen.push(&keyed[dice.below(keyed.len() as u64) as usize]);
    }
    for (_, done, request) in &chosen {
        let (again, _) = doors.ask(request, dice).await;
        assert!(again.replayed(), "{} was carried out again: {}", request.path, again.text());
        assert_eq!((again.status, again.text()), (done.told.status, done.told.text()));
        assert_eq!(again.position(), Some(done.position));
    }
    chosen.len()
}

/// `lumbung verify` finds nothing, and nothing was written since the last look.
pub(super) async fn assert_sound(folder: &Folder, database: &PgConnectOptions, board: &Board) {
    let before = board.pages.lock().await.head;
    let mut connection = PgConnection::connect_with(database).await.unwrap();
    board.look(&mut connection).await.unwrap();
    assert_eq!(board.pages.lock().await.head, before, "a repetition wrote something");
    let mut verify = tokio::process::Command::new(env!("CARGO_BIN_EXE_lumbung"));
    verify.args(["verify", "--data-dir"]).arg(folder.data()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("LUMBUNG_") {
            verify.env_remove(name);
        }
    }
    let said = verify.output().await.unwrap();
    assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

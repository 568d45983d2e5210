//! Single edits of a ledger that PostgreSQL accepts once the triggers are off: `verify` names each where it is. `LUMBUNG_EDITS`
//! (60) and `LUMBUNG_EDITS_SEED` (random) set how many and which.
//!
//! What stands behind the last anchor is the exception: whoever can rewrite the database can cut it off, or write it anew
//! with hashes that fit. The last test holds that to what the documents say.

mod history;
mod kind;

use std::collections::BTreeMap;

use lumbung_journal::verify::{VerifyError, verify, verify_with};
use lumbung_journal::{BreakReason, Hash};

use crate::crash::dice::{Dice, any_seed};
use crate::crash::setting;
use history::History;
use kind::{Edit, Expected, Kind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_edit_is_named_where_it_is() {
    let rounds: usize = setting("LUMBUNG_EDITS").unwrap_or(60) as usize;
    let seed = setting("LUMBUNG_EDITS_SEED").unwrap_or_else(any_seed);
    println!("LUMBUNG_EDITS_SEED={seed}, {rounds} edits");
    let mut dice = Dice::new(seed);
    let history = History::lived().await;
    history.assert_sound().await;
    let mut made: BTreeMap<Kind, usize> = BTreeMap::new();
    for round in 0..rounds {
        let kind = Kind::ALL[round % Kind::ALL.len()];
        let edit = accepted(&history, kind, &mut dice).await;
        let changed = history.changed(edit.table).await;
        assert!(changed, "{kind:?} changed nothing: {}", edit.sql);
        named(&history, kind, &edit).await;
        history.restore(edit.table).await;
        history.assert_sound().await;
        *made.entry(kind).or_default() += 1;
    }
    println!("{made:#?}");
    assert_eq!(made.values().sum::<usize>(), rounds);
    assert!(made.len() == Kind::ALL.len().min(rounds), "a kind of edit never happened: {made:?}");
}

/// Makes an edit of this kind.
async fn accepted(history: &History, kind: Kind, dice: &mut Dice) -> Edit {
    for _ in 0..100 {
        let edit = kind.edit(history, dice);
        if history.try_to_tamper(&edit.sql).await {
            return edit;
        }
    }
    panic!("PostgreSQL accepts no edit of the kind {kind:?}");
}

async fn named(history: &History, kind: Kind, edit: &Edit) {
    let found = verify_with(&history.pool, Some(&history.key), |_| {}).await;
    let Edit { sql, expected, .. } = edit;
    match (found, expected) {
        (Err(VerifyError::Broken(broken)), Expected::At(position)) => {
            assert_eq!(broken.position, *position, "{kind:?}: {broken}\n{sql}");
        }
        (Err(VerifyError::Broken(broken)), Expected::Anchor(position)) => {
            let mismatch = broken.reason == BreakReason::AnchorMismatch;
            assert!(mismatch && broken.position == *position, "{kind:?}, anchor {position}: {broken}\n{sql}");
        }
        (Err(VerifyError::Broken(broken)), Expected::Tail(end)) => {
            let missing = broken.reason == BreakReason::TailMissing { end: *end };
            assert!(missing && broken.position == end + 1, "{kind:?}, end {end}: {broken}\n{sql}");
        }
        (Err(VerifyError::Snapshots(faults)), Expected::Snapshot(stream)) => {
            let named = faults.iter().all(|fault| fault.stream == *stream);
            assert!(named && !faults.is_empty(), "{kind:?} of {stream}: {faults:?}\n{sql}");
        }
        (found, expected) => panic!("{kind:?}: expected {expected:?}, verify says {found:?}\n{sql}"),
    }
}

/// The documents say so; should it change, they must.
#[tokio::test]
async fn behind_the_last_anchor_nothing_is_proven() {
    let history = History::lived().await;
    let (last, end) = (history.anchors[history.anchors.len() - 2], history.end());
    assert!(last < end);
    history.tamper(&format!("delete from journal.anchors where position > {last}")).await;
    // A snapshot of a later event would tell, but any may be deleted.
    history.tamper("delete from journal.snapshots").await;
    verify(&history.pool, |_| {}).await.expect("an anchor that is gone leaves no trace");

    // Cut off.
    history.tamper(&format!("delete from journal.events where position > {last}")).await;
    assert_eq!(verify(&history.pool, |_| {}).await.unwrap().head.position, last);
    history.restore("events").await;
    // Written anew, with the hashes that fit; with the anchor it would be found, as `Kind::Rechained` shows.
    history.tamper(&history.rechained(last + 1, |payload| format!("{payload} "))).await;
    let rewritten = verify(&history.pool, |_| {}).await.unwrap().head;
    assert_eq!(rewritten.position, end);
    assert_ne!(rewritten.hash, history.records.last().map_or(Hash::GENESIS, |record| record.hash));
}

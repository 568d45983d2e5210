//! Files that are not what was written, and databases that are not empty: nothing of them is taken in.

use lumbung_journal::verify::verify;
use lumbung_journal::{Hash, app_pool};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;

use super::{PASSPHRASE, export_of, import_to, passphrase};
use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, furnish};
use crate::support::people::{register_customer, top_up};

async fn used_ledger() -> PgConnectOptions {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    node.execute(top_up(customer, 5), Default::default()).await.unwrap().outcome.unwrap();
    node.close().await;
    database
}

/// The file of these lines, with the digest of a forger who knows the format.
fn forged(lines: &[String]) -> Vec<u8> {
    let (trailer, rest) = lines.split_last().unwrap();
    let text: String = rest.iter().map(|line| format!("{line}\n")).collect();
    let digest = Hash(Sha256::digest(&text).into()).to_string();
    let at = trailer.find("\"digest\":\"").unwrap() + "\"digest\":\"".len();
    format!("{text}{}{digest}{}\n", &trailer[..at], &trailer[at + 64..]).into_bytes()
}

async fn refused(target: &PgConnectOptions, file: &[u8], why: &str) {
    let text = passphrase(PASSPHRASE);
    let keys = file.windows(6).any(|bytes| bytes == b"argon2").then_some(&text);
    let error = import_to(target, file, keys).await.expect_err(why).to_string();
    assert!(error.contains(why), "{error}; expected: {why}");
    let pool = app_pool(target, 1).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from journal.events) + (select count(*) from journal.person_keys)
             + (select count(*) from journal.ledger_keys) + (select count(*) from journal.anchors)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, 0, "{why}");
}

#[tokio::test]
async fn a_file_that_was_cut_off_anywhere_is_found_out() {
    let source = used_ledger().await;
    let (file, _) = export_of(&source, None).await;
    let target = database().await;
    let ends: Vec<usize> =
        file.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    refused(&target, b"", "does not begin with a header").await;
    // Behind the header, an event, the events and the anchors; between two lines and in the middle of one.
    for end in [0, 1, ends.len() / 2, ends.len() - 3, ends.len() - 2] {
        refused(&target, &file[..ends[end]], "the file was cut off").await;
        refused(&target, &file[..ends[end] + 40], "the file was cut off").await;
    }
    refused(&target, &file[..file.len() - 1], "the file was cut off").await;
    import_to(&target, &file, None).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_changed_is_refused_where_it_was() {
    let source = used_ledger().await;
    let (file, _) = export_of(&source, None).await;
    let lines: Vec<String> = std::str::from_utf8(&file).unwrap().lines().map(str::to_owned).collect();
    let target = database().await;
    let (end, anchor) = (lines.len() - 1, lines.len() - 2);
    assert!(lines[anchor].starts_with("{\"anchor\""));
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        forged(&lines)
    };
    let replace = |at: usize, from: &'static str, to: &'static str| {
        let changed = lines[at].replacen(from, to, 1);
        assert_ne!(changed, lines[at], "{from}");
        with(&move |lines| lines[at] = changed.clone())
    };

    // Line 5 of the file is event 4.
    refused(
        &target,
        &replace(4, "\"payload\":{", "\"payload\":{ "),
        "line 5: position 4: the hash does not fit",
    )
    .await;
    refused(&target, &with(&|lines| drop(lines.remove(4))), "line 5: position 4: the event is missing").await;
    refused(&target, &with(&|lines| lines.swap(4, 5)), "line 5: position 4: the event is missing").await;
    refused(&target, &replace(4, "\"sequence\":", "\"sequence\":7"), "line 5: position 4: the hash").await;
    refused(
        &target,
        &replace(4, "\"aggregateType\":\"", "\"aggregateType\":\"X"),
        "line 5: position 4: the row",
    )
    .await;
    refused(&target, &replace(4, "\"payload\":", "\"payloads\":"), "line 5: the value of payload is wrong")
        .await;
    refused(&target, &replace(4, "\"position\":4", "\"position\":x"), "line 5: it is no line of an export")
        .await;
    refused(&target, &with(&|lines| lines[4] = lines[0].clone()), "line 5: a header line does not belong")
        .await;
    refused(&target, &with(&|lines| lines.swap(anchor, anchor - 1)), "an event line does not belong there")
        .await;
    refused(
        &target,
        &with(&|lines| drop(lines.remove(anchor))),
        "the file holds 0 anchors, its trailer says",
    )
    .await;
    refused(&target, &with(&|lines| drop(lines.remove(anchor - 1))), "its header says").await;
    refused(&target, &replace(anchor, "\"position\":", "\"position\":9"), "an anchor stands beyond its end")
        .await;
    let mut other: Value = serde_json::from_str(&lines[anchor]).unwrap();
    other["anchor"]["hash"] = Hash([1; 32]).to_string().into();
    refused(&target, &with(&|lines| lines[anchor] = other.to_string()), "the anchor has another hash").await;
    refused(&target, &replace(0, "\"ledger\":\"0", "\"ledger\":\"1"), "line 2: the ledger of the header")
        .await;
    refused(&target, &replace(0, "\"version\":1", "\"version\":2"), "the format has version 2").await;
    refused(&target, &replace(0, "lumbung-ledger", "ledger"), "does not begin with a header").await;
    refused(
        &target,
        &with(&|lines| lines.insert(1, "{\"key\":{\"wrapped\":\"\"}}".to_owned())),
        "a key line does not",
    )
    .await;
    refused(&target, &replace(end, "\"anchors\":1", "\"anchors\":2"), "its trailer says 2").await;
    let trailing = [&file[..], b"{}\n"].concat();
    refused(&target, &trailing, "something stands behind the trailer").await;
    refused(&target, &[b"\x1f\x8b\x08\x00binary", &file[..]].concat(), "does not begin with a header").await;

    // Without a forger's care the digest tells of what no other check looks at.
    let unsealed =
        String::from_utf8(file.clone()).unwrap().replacen("\"exportedAt\":\"2", "\"exportedAt\":\"3", 1);
    refused(&target, unsealed.as_bytes(), "the bytes of the file are not those that were written").await;
    import_to(&target, &file, None).await.unwrap();
}

#[tokio::test]
async fn keys_cannot_be_taken_out_or_swapped_unseen() {
    let source = used_ledger().await;
    let (file, exported) = export_of(&source, Some(&passphrase(PASSPHRASE))).await;
    let lines: Vec<String> = std::str::from_utf8(&file).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(exported.keys, Some(3));
    assert!(lines[3].starts_with("{\"key\":{\"person\""));
    let target = database().await;

    let mut fewer = lines.clone();
    fewer.remove(3);
    let last = fewer.len() - 1;
    fewer[last] = fewer[last].replacen("\"keys\":3", "\"keys\":2", 1);
    refused(&target, &forged(&fewer), "the bytes of the file are not those that were written").await;

    let person = |line: &str| line[line.find("\"person\":\"").unwrap() + 10..][..36].to_owned();
    let mut swapped = lines.clone();
    swapped[2] = lines[2].replacen(&person(&lines[2]), &person(&lines[3]), 1);
    swapped[3] = lines[3].replacen(&person(&lines[3]), &person(&lines[2]), 1);
    refused(&target, &forged(&swapped), "line 3: a key was made with another passphrase, or was changed")
        .await;

    let mut unsigned = lines;
    let mac = unsigned[last + 1].find(",\"mac\":").unwrap();
    unsigned[last + 1].truncate(mac);
    unsigned[last + 1].push_str("}}");
    refused(&target, &forged(&unsigned), "the bytes of the file are not those that were written").await;
    import_to(&target, &file, Some(&passphrase(PASSPHRASE))).await.unwrap();
}

#[tokio::test]
async fn what_is_not_empty_takes_nothing_in() {
    let source = used_ledger().await;
    let (file, exported) = export_of(&source, None).await;
    let error = import_to(&source, &file, None).await.unwrap_err().to_string();
    assert_eq!(error, "the database is not empty: it holds events; import into a new one");
    assert_eq!(verify(&app_pool(&source, 1).await.unwrap(), |_| {}).await.unwrap().head, exported.head);

    // A server was there, and has drawn keys.
    let fresh = database().await;
    sqlx::query("insert into journal.ledger_keys values ('index', '')")
        .execute(&superuser(&fresh).await)
        .await
        .unwrap();
    let error = import_to(&fresh, &file, None).await.unwrap_err().to_string();
    assert!(error.contains("it holds keys of the ledger"), "{error}");
}

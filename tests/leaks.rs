//! Twenty people go through every flow; then nothing of them is to be found in the database, in its files and its log
//! ahead, in the uploads, or in what the server wrote to its logs.
//!
//! The one exception: outside production, while there is no mail server, letters are printed to the terminal.

mod person;
mod scan;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::{Executor, PgPool, Row};

use crate::served::{Folder, Server};
use person::{PEOPLE, Planted};
use scan::Needles;
use walk::Town;

/// Written in clear on purpose: who does not find it would not find anything.
const CONTROL: &str = "Kotabaru Zzqvorlan";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_found_in_what_is_stored_and_logged() {
    let folder = Folder::new();
    let server = Server::start_with(&folder, &[("LUMBUNG_LOG", "debug")]).await;
    let mut town = Town::enter(server.address()).await;
    let mut hidden = Needles::new();
    town.open_branch(CONTROL).await;
    for number in 0..PEOPLE {
        let person = Planted::new(number);
        town.live(&person, &server).await;
        person.hide_in(&mut hidden);
    }
    for key in ["master.key", "token.key"] {
        let text = fs::read_to_string(folder.data().join("secrets").join(key)).unwrap();
        hidden.add(key, text.trim());
        hidden.add_coded(key, &bytes(text.trim()));
    }
    let mut control = Needles::new();
    control.add("the control", CONTROL);

    let attached = folder.attach().await;
    let everything = attached.superuser().await;
    let dump = dump(&everything).await;
    everything.close().await;
    attached.leave().await;
    let metrics = town.metrics().await;
    let printed = server.printed("").await;
    assert!(server.stop().await.success());

    let mut places = vec![("the dump".to_owned(), dump.into_bytes())];
    places.extend(
        files(folder.data()).into_iter().filter(|path| !path.starts_with(folder.data().join("secrets"))).map(
            |path| {
                (path.strip_prefix(folder.data()).unwrap().display().to_string(), fs::read(&path).unwrap())
            },
        ),
    );
    places.push(("the metrics".to_owned(), metrics.into_bytes()));
    places.push(("the terminal".to_owned(), without_letters(&printed).into_bytes()));
    places
        .extend(folder.logs().into_iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())));

    let (mut found, mut controls, mut scanned) = (Vec::new(), Vec::new(), 0);
    for (place, bytes) in &places {
        scanned += bytes.len();
        let leaks = hidden.find(bytes).into_iter().chain(town.secrets.find(bytes));
        found.extend(leaks.map(|what| format!("{place}: {what}")));
        if !control.find(bytes).is_empty() {
            controls.push(place.as_str());
        }
    }
    println!(
        "{} places, {} MB, {} forms of what must not be there; the control is in {controls:?}",
        places.len(),
        scanned >> 20,
        hidden.len() + town.secrets.len()
    );
    assert!(found.is_empty(), "{} finds:\n{}", found.len(), found[..found.len().min(60)].join("\n"));
    for part in ["the dump", "postgres/base/", "postgres/pg_wal/"] {
        assert!(controls.iter().any(|place| place.starts_with(part)), "the control is not in {part}");
    }
    assert!(places.iter().any(|(place, _)| place.starts_with("uploads/")), "no upload was scanned");
    let debug = places.iter().any(|(place, bytes)| place.ends_with(".log") && contains(bytes, b"DEBUG"));
    assert!(debug, "the server did not log at the level debug");
}

/// Every column of every row of every table.
async fn dump(pool: &PgPool) -> String {
    let tables = "select format('%I.%I', schemaname, tablename) as name from pg_tables \
                  where schemaname not in ('pg_catalog', 'information_schema') order by 1";
    let mut text = String::new();
    for table in pool.fetch_all(tables).await.unwrap() {
        let table: String = table.get("name");
        text.push_str(&table);
        text.push('\n');
        for row in pool.fetch_all(format!("select t::text as row from {table} t").as_str()).await.unwrap() {
            text.push_str(row.get("row"));
            text.push('\n');
        }
    }
    assert!(text.len() > 100_000, "the dump is nearly empty");
    text
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

/// What was printed, but for the letters: each stands between two rules.
fn without_letters(said: &str) -> String {
    let rule = "-".repeat(72);
    said.split(&rule).step_by(2).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

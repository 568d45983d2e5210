//! Personal values: sealed so that they open where they belong and nowhere else.

use lumbung_domain::{Address, LedgerId, Note, PersonName, Sealed};
use lumbung_journal::verify::verify;
use lumbung_journal::{KeyError, MasterKey, Vault};
use uuid::Uuid;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{MASTER_KEY, Node, furnish};
use crate::support::people::register_customer;

async fn open<T: lumbung_domain::Personal>(vault: &Vault, sealed: &Sealed<T>) -> Result<T, KeyError> {
    vault.opener([sealed.ciphertext()]).await.unwrap().open(sealed)
}

#[tokio::test]
async fn a_value_opens_on_every_node_and_never_looks_the_same_twice() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let person = register_customer(&one).await.user.0;
    let note = Note::new("Rahasia 秘密").unwrap();
    let sealer = one.vault().sealer(person).await.unwrap();
    let (first, second) = (sealer.seal(&note).unwrap(), sealer.seal(&note).unwrap());
    assert_ne!(first, second);
    for node in [&one, &other] {
        for sealed in [&first, &second] {
            assert_eq!(open(node.vault(), sealed).await.unwrap().as_str(), note.as_str());
        }
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_value_does_not_open_in_another_field_person_or_ledger_nor_changed() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (one, other) = (register_customer(&node).await.user.0, register_customer(&node).await.user.0);
    let sealer = node.vault().sealer(one).await.unwrap();
    let sealed = sealer.seal(&Note::new("Jl. Sudirman 123").unwrap()).unwrap();
    let text = sealed.ciphertext().to_owned();

    let elsewhere: Sealed<Address> = Sealed::from_ciphertext(text.clone());
    assert_eq!(open(node.vault(), &elsewhere).await.err(), Some(KeyError::Damaged));

    // The head of a ciphertext names its person: put another's before the same body. 22 characters hold 16 bytes and a bit
    // of the next, so the sample is cut behind 24, three whole groups of four on.
    let of_other = node.vault().sealer(other).await.unwrap().seal(&Note::new("x").unwrap()).unwrap();
    let moved: Sealed<Note> =
        Sealed::from_ciphertext(format!("{}{}", &of_other.ciphertext()[..24], &text[24..]));
    assert_eq!(open(node.vault(), &moved).await.err(), Some(KeyError::Damaged));

    for at in [30, text.len() / 2, text.len() - 2] {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed: Sealed<Note> = Sealed::from_ciphertext(String::from_utf8(changed).unwrap());
        assert_eq!(open(node.vault(), &changed).await.err(), Some(KeyError::Damaged), "{at}");
    }
    for garbage in ["", "x", "not base64 !", &text[..20], &text[..40]] {
        let garbage: Sealed<Note> = Sealed::from_ciphertext(garbage);
        assert!(open(node.vault(), &garbage).await.is_err());
    }
    // Another ledger with the same master key cannot even open the index key.
    let foreign = Vault::open(node.pool().clone(), LedgerId(Uuid::nil()), MasterKey::new(MASTER_KEY)).await;
    assert!(foreign.is_err());
    node.close().await;
}

#[tokio::test]
async fn an_erased_person_cannot_be_opened_and_the_chain_stays_whole() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (gone, stays) = (register_customer(&node).await.user.0, register_customer(&node).await.user.0);
    let name = PersonName::new("John Doe").unwrap();
    let of_gone = node.vault().sealer(gone).await.unwrap().seal(&name).unwrap();
    let of_stays = node.vault().sealer(stays).await.unwrap().seal(&name).unwrap();
    let pool = superuser(&database).await;
    sqlx::query("delete from journal.person_keys where person = $1").bind(gone).execute(&pool).await.unwrap();
    node.close().await;

    let node = Node::open(&database).await;
    assert_eq!(open(node.vault(), &of_gone).await.err(), Some(KeyError::Erased));
    assert!(node.vault().sealer(gone).await.is_err(), "nothing new can be sealed for them");
    assert_eq!(open(node.vault(), &of_stays).await.unwrap().as_str(), "John Doe");
    verify(&pool, |_| {}).await.unwrap();
    node.close().await;
}

#[tokio::test]
async fn keyed_hashes_agree_on_every_node_and_run_nothing_together() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    let hash = |node: &Node, purpose, values: &[&[u8]]| node.vault().keyed_hash(purpose, values);
    let first = hash(&one, "key", &[b"ab", b"c"]);
    assert_eq!(first, hash(&other, "key", &[b"ab", b"c"]));
    for different in [
        hash(&one, "key", &[b"a", b"bc"]),
        hash(&one, "key", &[b"abc"]),
        hash(&one, "body", &[b"ab", b"c"]),
        hash(&one, "keya", &[b"b", b"c"]),
        hash(&one, "key", &[b"ab", b"c", b""]),
    ] {
        assert_ne!(different, first);
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn no_person_stands_in_clear_anywhere_in_the_journal() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    register_customer(&node).await;
    for clear in ["Person ", "@example.com", "Sudirman", "1234567890123456", "81234567890", "1990", "argon2"]
    {
        let found: i64 = sqlx::query_scalar(
            "select count(*) from journal.events where strpos(payload::text || metadata::text || aggregate_id, $1) > 0",
        )
        .bind(clear)
        .fetch_one(node.pool())
        .await
        .unwrap();
        assert_eq!(found, 0, "{clear}");
    }
    node.close().await;
}

#[tokio::test]
async fn bytes_open_for_their_person_and_field_alone() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (one, other) = (register_customer(&node).await.user.0, register_customer(&node).await.user.0);
    let clear: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let sealer = node.vault().sealer(one).await.unwrap();
    let sealed = sealer.seal_bytes("document/1", &clear).unwrap();
    assert_eq!(sealed.len(), clear.len() + 44);
    assert!(!sealed.windows(16).any(|window| window == &clear[4_000..4_016]));
    assert_ne!(sealed, sealer.seal_bytes("document/1", &clear).unwrap());
    let opener = node.vault().opener_of(one).await.unwrap();
    assert_eq!(opener.open_bytes(one, "document/1", &sealed), Ok(clear));
    assert_eq!(opener.open_bytes(one, "document/2", &sealed), Err(KeyError::Damaged));
    assert_eq!(opener.open_bytes(other, "document/1", &sealed), Err(KeyError::Damaged));
    for end in [0, 15, 16, 27, 28, 43, sealed.len() - 1] {
        assert_eq!(opener.open_bytes(one, "document/1", &sealed[..end]), Err(KeyError::Damaged), "{end}");
    }
    for at in [0, 20, 30, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(opener.open_bytes(one, "document/1", &changed), Err(KeyError::Damaged), "{at}");
    }
    let of_other = node.vault().opener_of(other).await.unwrap();
    assert_eq!(of_other.open_bytes(one, "document/1", &sealed), Err(KeyError::Erased));
    node.close().await;
}

use lumbung_domain::*;

use crate::example::{john, sealed, stored_ktp, user, whole_profile};
use crate::{folded, given, nothing};

fn stored() -> DocumentEvent {
    DocumentEvent::DocumentStored(stored_ktp())
}

#[test]
fn a_document_is_stored_once() {
    let store = || DocumentCommand::Store(stored_ktp());
    nothing::<Document>().when(store()).then_expect_events(vec![stored()]);
    given::<Document>([stored()]).when(store()).then_expect_error(Rejection::AlreadyExists);
    let another = StoredDocument { owner: user(9), ..stored_ktp() };
    given::<Document>([stored()])
        .when(DocumentCommand::Store(another))
        .then_expect_error(Rejection::AlreadyExists);
}

#[test]
fn what_is_stored_is_known() {
    assert_eq!(Document::default().stored(), None);
    assert_eq!(folded::<Document>(&[stored()]).stored(), Some(&stored_ktp()));
}

#[test]
fn a_newer_document_takes_the_place_of_an_older_one() {
    let ktp = |id: u128| {
        let document_id = DocumentId(uuid::Uuid::from_u128(id));
        DocumentRef { document_id, kind: DocumentKind::Ktp, media_type: MediaType::Png }
    };
    let mut given = Profile::default();
    *given.slot(DocumentKind::Ktp) = Some(ktp(1));
    let mut newer = Profile { phone: Some(sealed("+628111")), ..Profile::default() };
    *newer.slot(DocumentKind::Ktp) = Some(ktp(2));
    *newer.slot(DocumentKind::Kk) = Some(ktp(3));
    let user: User = folded(&[
        UserEvent::UserRegistered(john()),
        UserEvent::ProfileUpdated(whole_profile()),
        UserEvent::ProfileUpdated(given),
        UserEvent::ProfileUpdated(newer.clone()),
    ]);
    let expected = Profile { phone: newer.phone, ktp: Some(ktp(2)), kk: Some(ktp(3)), ..whole_profile() };
    assert_eq!(user.person().unwrap().profile, expected);
}

#[test]
fn documents_do_not_make_a_profile_complete() {
    let mut profile = Profile { nik: None, ..whole_profile() };
    for kind in [DocumentKind::Ktp, DocumentKind::Kk, DocumentKind::Npwp] {
        *profile.slot(kind) = Some(stored_ktp().document);
    }
    assert!(!profile.is_complete());
    assert!(Profile { nik: Some(sealed("3201234567890001")), ..profile }.is_complete());
}

//! §9: who may see a file. Its errors have exactly the two fields that the document shows.

use reqwest::Method;

use super::super::rest_smoke::{Server, send};
use super::form::jpeg;
use super::messages::Golden;

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let officer = server.login("marketing.sby@loan.com", "marketing123").await;
    let stored = server.upload_all(&john).await.ok(200);
    let path = |field: &str| {
        let url = stored[field].as_str().unwrap();
        url[url.find("/uploads/").unwrap()..].to_owned()
    };
    let ktp = path("ktpUrl");
    let documents = ktp.replace("/uploads/", "/uploads/documents/");
    for (id, path, token) in [
        ("FILES_OWN", ktp.as_str(), &john),
        ("FILES_OWN", &path("kkUrl"), &john),
        ("FILES_OWN", &path("npwpUrl"), &john),
        ("FILES_STAFF", &ktp, &officer),
        ("FILES_OTHER", &ktp, &jane),
        ("FILES_MISSING", "/uploads/00000000-0000-7000-8000-000000000000-ktp.jpg", &john),
        ("FILES_DOCUMENTS", &documents, &john),
    ] {
        golden.row(id, &server.get(path, token).await);
    }
    golden.row("FILES_ANONYMOUS", &send(server.request(Method::GET, &ktp)).await);
    let file = server.request(Method::GET, &ktp).bearer_auth(&john).send().await.unwrap();
    assert_eq!(
        (&file.headers()["content-type"], &file.headers()["x-content-type-options"]),
        (&"image/jpeg".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    assert_eq!(file.bytes().await.unwrap(), jpeg("ktp"), "the file as it was sent");
}

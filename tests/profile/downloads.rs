use std::fs;

use chrono::{TimeDelta, Utc};
use lumbung::uploads::sweep;
use lumbung_domain::DocumentId;
use reqwest::{Method, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::Form;
use super::form::{jpeg, pdf, png};
use crate::rest_smoke::{Server, send};

const FORBIDDEN: &str = r#"{"status":403,"error":"Forbidden"}"#;
const NOT_ALLOWED: &str = r#"{"status":405,"error":"Method Not Allowed"}"#;
const NOT_FOUND: &str = r#"{"status":404,"error":"Not Found"}"#;

/// Jane hands in one file; its name and her token.
async fn handed_in(server: &Server, name: &str, content: &[u8]) -> (String, String) {
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let told = send(server.put_profile(&jane, Form::default().file(name, content).body())).await.ok(200);
    let url = told[format!("{name}Url")].as_str().unwrap();
    (url.rsplit('/').next().unwrap().to_owned(), jane)
}

async fn fetch(server: &Server, method: Method, path: &str, token: &str) -> Response {
    server.request(method, path).bearer_auth(token).send().await.unwrap()
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_back_as_it_was_and_can_do_no_harm() {
    let server = Server::start().await;
    let script = jpeg("<html><script>alert(1)</script></html>", 200_000);
    for (slot, content, kind, disposition) in [
        ("ktp", script, "image/jpeg", "inline"),
        ("kk", png(), "image/png", "inline"),
        ("npwp", pdf(), "application/pdf", "attachment"),
    ] {
        let (name, jane) = handed_in(&server, slot, &content).await;
        for path in [format!("/uploads/{name}"), format!("/uploads/documents/{name}")] {
            for method in [Method::GET, Method::HEAD] {
                let response = fetch(&server, method.clone(), &path, &jane).await;
                assert_eq!(response.status(), 200);
                for (header_name, value) in [
                    ("content-type", kind),
                    ("content-length", &content.len().to_string()),
                    ("content-disposition", &format!("{disposition}; filename=\"{name}\"")),
                    ("x-content-type-options", "nosniff"),
                    ("content-security-policy", "default-src 'none'; sandbox"),
                    ("cache-control", "private, no-store"),
                    ("x-frame-options", "DENY"),
                ] {
                    assert_eq!(header(&response, header_name), value, "{method} {path}");
                }
                let body = response.bytes().await.unwrap();
                assert_eq!(&body[..], if method == Method::GET { &content[..] } else { &[] });
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_for_its_owner_and_the_staff() {
    let server = Server::start().await;
    let (first, jane) = handed_in(&server, "ktp", &jpeg("first", 0)).await;
    let (second, _) = handed_in(&server, "ktp", &jpeg("second", 0)).await;
    assert_ne!(first, second);
    let nothing = format!("{}-ktp.jpg", Uuid::from_u128(9));
    let another_kind = second.replace("-ktp.jpg", "-kk.jpg");
    for (email, password, status) in [
        ("jane.smith@email.com", "customer123", 200),
        ("marketing.sby@loan.com", "marketing123", 200),
        ("bm.jkt@loan.com", "bm123", 200),
        ("backoffice@loan.com", "backoffice123", 200),
        ("admin@loan.com", "admin123", 200),
        ("john.doe@email.com", "customer123", 403),
        ("auditor@loan.com", "auditor123", 403),
        ("analyst@loan.com", "analyst123", 403),
        ("operator@loan.com", "operator123", 403),
    ] {
        let token = server.login(email, password).await;
        // Replaced files stay readable.
        for name in [&first, &second] {
            let response = fetch(&server, Method::GET, &format!("/uploads/{name}"), &token).await;
            assert_eq!(response.status().as_u16(), status, "{email}");
            if status == 403 {
                assert_eq!(header(&response, "content-type"), "application/json");
                assert_eq!(response.text().await.unwrap(), FORBIDDEN);
            }
        }
        for name in [&nothing, &another_kind] {
            let response = fetch(&server, Method::GET, &format!("/uploads/documents/{name}"), &token).await;
            assert_eq!(response.status(), 404, "{email}");
            assert_eq!(response.text().await.unwrap(), NOT_FOUND);
        }
    }
    let path = format!("/uploads/{second}");
    for token in ["", "nonsense"] {
        let anonymous = server.get(&path, token).await;
        assert_eq!(anonymous.error(), (401, "UNAUTHORIZED", "Unauthorized"));
    }
    let problem = server.request(Method::GET, &format!("/uploads/{nothing}")).bearer_auth(&jane);
    let problem = send(problem.header("Accept", "application/problem+json")).await;
    assert_eq!((&problem.json["status"], &problem.json["code"]), (&404.into(), &"NOT_FOUND".into()));
    let posted = send(server.request(Method::POST, &path).bearer_auth(&jane)).await;
    assert_eq!((posted.status.as_u16(), posted.text.as_str()), (405, NOT_ALLOWED));
    server.post("/api/auth/logout", &jane, serde_json::json!({})).await.ok(200);
    assert_eq!(server.get(&path, &jane).await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_is_told_of_the_files_and_a_deactivated_owner_gets_none() {
    let server = Server::start().await;
    let (name, jane) = handed_in(&server, "ktp", &png()).await;
    let id = server.get("/api/customer/profile", &jane).await.ok(200)["id"].as_i64().unwrap();
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let told = server.get(&format!("/api/users/{id}"), &marketing).await.ok(200);
    assert_eq!(told["profile"]["ktpUrl"], format!("http://localhost:8080/uploads/{name}"));
    assert_eq!(told["profile"]["kkUrl"], serde_json::Value::Null);
    let admin = server.login("admin@loan.com", "admin123").await;
    let off = server.request(Method::PATCH, &format!("/api/admin/users/{id}/status")).bearer_auth(admin);
    send(off.json(&serde_json::json!({"isActive": false}))).await.ok(200);
    let path = format!("/uploads/{name}");
    assert_eq!(server.get(&path, &jane).await.error().0, 401);
    assert_eq!(send(server.put_profile(&jane, Form::default().data("{}").body())).await.error().0, 401);
    // The staff goes on with what was handed in.
    assert_eq!(fetch(&server, Method::GET, &path, &marketing).await.status(), 200);
}

/// Sends a request line that no client library would.
async fn raw(server: &Server, target: &[u8], token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let rest = format!(" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[b"GET ", target, rest.as_bytes()].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_folder() {
    let server = Server::start().await;
    let (name, jane) = handed_in(&server, "ktp", &jpeg("", 0)).await;
    let id = &name[..36];
    // What a path would have to lead to.
    fs::write(server.uploads.path().join("secret"), "the secret of the house").unwrap();
    let ledger = server.app().ledger.vault().ledger().to_string();
    let long = "a".repeat(20_000);
    let names = [
        "..%2fsecret",
        "..%2F..%2Fsecret",
        "%2e%2e%2fsecret",
        "%2e%2e/secret",
        "../secret",
        "../../etc/passwd",
        "..%5csecret",
        "..%5C..%5Csecret",
        "..\\secret",
        "....//secret",
        "..%252fsecret",
        "..%c0%afsecret",
        "%c0%ae%c0%ae%2fsecret",
        "%ff%fe",
        "..;/secret",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "file:%2f%2f%2fetc%2fpasswd",
        "C:%5csecret",
        "%00",
        "secret%00",
        ".",
        "..",
        "%2e",
        "%2e%2e",
        "*",
        "~",
        "secret",
        "%20",
        &ledger,
        &format!("{ledger}%2f{id}"),
        &format!("{ledger}/{id}"),
        id,
        &format!("{id}.jpg"),
        &format!("{name}%00"),
        &format!("{name}%00.png"),
        &format!("{name}%20"),
        &format!("{name}."),
        &format!("{name}/"),
        &format!("{name}%2f"),
        &format!("{name}%2f..%2f{name}"),
        &format!("./{name}"),
        &format!(".%2f{name}"),
        &format!("x%2f..%2f{name}"),
        &format!("%0d%0aSet-Cookie:%20a=b{name}"),
        &name.to_uppercase(),
        &format!("{}-ktp.jpg", id.replace('-', "")),
        &format!("{name}%23"),
        &format!("{name}::$DATA"),
        &long,
    ];
    for folder in ["/uploads/", "/uploads/documents/"] {
        for name in names {
            let (status, answer) = raw(&server, format!("{folder}{name}").as_bytes(), &jane).await;
            let shown = &name[..name.len().min(80)];
            assert_eq!(status, 404, "{folder}{shown}: {answer}");
            assert!(!answer.contains("the secret of the house") && !answer.contains("root:"), "{shown}");
        }
    }
    // The name itself, in any spelling of its letters.
    let spelled = name.replace('-', "%2d").replace('.', "%2E");
    assert_eq!(raw(&server, format!("/uploads/{spelled}").as_bytes(), &jane).await.0, 200);
    let (status, answer) = raw(&server, b"/uploads/..%2fsecret", &jane).await;
    assert!(status == 404 && answer.ends_with(NOT_FOUND), "{answer}");
    // What is no request at all never reaches anyone.
    for target in [&b"/uploads/\0"[..], b"/uploads/a b", b"/uploads/\xff\xfe\x01"] {
        let (status, _) = raw(&server, target, &jane).await;
        assert!((400..500).contains(&status), "{status} for {target:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_the_disk_is_sealed_and_a_damage_shows() {
    let server = Server::start().await;
    let planted = "KTP of Jane Smith 3201234567890002";
    let (name, jane) = handed_in(&server, "ktp", &jpeg(planted, 50_000)).await;
    let files = server.stored_files();
    let [file] = &files[..] else { panic!("{files:?}") };
    let stored = fs::read(file).unwrap();
    assert_eq!(stored.len(), jpeg(planted, 50_000).len() + 44);
    for piece in [planted.as_bytes(), b"Jane", b"3201", &[0x55; 16], b"\xff\xd8\xff"] {
        assert!(!stored.windows(piece.len()).any(|window| window == piece));
    }
    let path = format!("/uploads/{name}");
    let ask = async || fetch(&server, Method::GET, &path, &jane).await;
    let broken = async |why: &str| {
        let response = ask().await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{why}");
        assert_eq!(response.text().await.unwrap(), r#"{"status":500,"error":"Internal Server Error"}"#);
    };
    for (why, content) in [
        ("one bit", {
            let mut bytes = stored.clone();
            bytes[30_000] ^= 1;
            bytes
        }),
        ("cut off", stored[..20_000].to_vec()),
        ("empty", Vec::new()),
        ("in clear", jpeg(planted, 50_000)),
        ("another owner", {
            let mut bytes = stored.clone();
            bytes[0] ^= 1;
            bytes
        }),
    ] {
        fs::write(file, content).unwrap();
        broken(why).await;
    }
    // Another file of the same person is no stand-in.
    handed_in(&server, "kk", &jpeg("another", 0)).await;
    let other = server.stored_files().into_iter().find(|other| other != file).unwrap();
    fs::copy(&other, file).unwrap();
    broken("another file").await;
    fs::remove_file(file).unwrap();
    broken("missing").await;
    fs::write(file, &stored).unwrap();
    assert_eq!(ask().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_nothing_names_are_swept_when_they_are_old() {
    let server = Server::start().await;
    let (name, jane) = handed_in(&server, "ktp", &png()).await;
    let left_over: Vec<DocumentId> = (1..=300).map(|id| DocumentId(Uuid::from_u128(id))).collect();
    for document in &left_over {
        server.app().uploads.put(*document, b"sealed".to_vec()).await.unwrap();
    }
    let folder = server.stored_files()[0].parent().unwrap().to_path_buf();
    fs::write(folder.join("notes.txt"), "not ours").unwrap();
    let pool = server.app().ledger.pool();
    let swept = async |hours| {
        let now = Utc::now() + TimeDelta::hours(hours);
        sweep(&server.app().uploads, pool, now).await.unwrap()
    };
    assert_eq!(swept(23).await, 0);
    assert_eq!(swept(25).await, 300);
    assert_eq!(swept(25).await, 0);
    assert_eq!(server.stored_files().len(), 2);
    assert_eq!(fetch(&server, Method::GET, &format!("/uploads/{name}"), &jane).await.status(), 200);
}

/// The kind and the document of each audit row about Jane.
async fn looks(server: &Server, owner: Uuid) -> Vec<(String, Option<String>)> {
    server.app().audit.flush().await;
    sqlx::query_as("select kind, subject_id from audit.attempts where person = $1 order by at, id")
        .bind(owner)
        .fetch_all(server.app().ledger.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_of_the_staff_leaves_a_row_and_one_of_the_owner_none() {
    let server = Server::start().await;
    let (name, jane) = handed_in(&server, "ktp", &png()).await;
    let document: lumbung_domain::DocumentRef = name.parse().unwrap();
    let (stored, _) =
        server.app().access.get::<lumbung_domain::Document>(document.document_id).await.unwrap();
    let owner = stored.stored().unwrap().owner.0;
    let path = format!("/uploads/{name}");
    let john = server.login("john.doe@email.com", "customer123").await;
    for (token, status) in [(&jane, 200), (&john, 403)] {
        assert_eq!(fetch(&server, Method::GET, &path, token).await.status().as_u16(), status);
    }
    assert_eq!(looks(&server, owner).await, []);
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    assert_eq!(fetch(&server, Method::GET, &path, &marketing).await.status(), 200);
    let row = ("LOOKED_AT_FILE".to_owned(), Some(document.document_id.to_string()));
    assert_eq!(looks(&server, owner).await, [row]);
}

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Form;
use super::form::{BOUNDARY, jpeg, pdf, png};
use crate::rest_smoke::{Server, send};

/// The headers of a part that holds a file.
fn named(name: &str, file_name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"")
}

/// Bodies of the usual content type, and what is said of each.
fn bodies() -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    const KTP: &str = "ktp: must be a JPEG, PNG or PDF";
    const MALFORMED: &str = "body: must be valid multipart/form-data";
    let file = |content: &[u8]| Form::default().file("ktp", content).body();
    let photo = jpeg("", 1_000);
    let with_head = |head: &[u8]| Form::default().part(head, &jpeg("", 1_000)).body();
    let zip = b"PK\x03\x04\x14\x00\x00\x00\x08\x00word/document.xml";
    let mut all = vec![
        ("wrong magic", file(b"this is no picture"), 400, KTP),
        ("an empty file", file(b""), 400, KTP),
        ("one byte", file(b"\xff"), 400, KTP),
        ("the head of a JPEG", file(b"\xff\xd8\xff\xe0"), 400, KTP),
        ("a JPEG without its end", file(&photo[..photo.len() - 2]), 400, KTP),
        ("a JPEG without a frame", file(b"\xff\xd8\xff\xda\x00\x02\x00\xff\xd9"), 400, KTP),
        ("a JPEG whose segment leads nowhere", file(b"\xff\xd8\xff\xe0\xff\xff\xff\xd9"), 400, KTP),
        ("the signature of a PNG", file(b"\x89PNG\r\n\x1a\n"), 400, KTP),
        ("a PNG without its end", file(&png()[..50]), 400, KTP),
        ("a PNG damaged by a text transfer", file(&png().iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>()), 400, KTP),
        ("the head of a PDF", file(b"%PDF-1.7"), 400, KTP),
        ("a PDF without its end", file(&pdf()[..40]), 400, KTP),
        ("a PDF behind something else", file(&[b"MZ\x90\x00".as_slice(), &pdf()].concat()), 400, KTP),
        ("SVG", file(b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"), 400, KTP),
        ("SVG with a declaration", file(b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>"), 400, KTP),
        ("HTML", file(b"<!doctype html><script>alert(1)</script>"), 400, KTP),
        ("HTML behind a blank", file(b"\n\n<html><body onload=alert(1)>"), 400, KTP),
        ("a script", file(b"#!/bin/sh\nrm -rf /\n"), 400, KTP),
        ("PHP", file(b"<?php system($_GET['c']); ?>"), 400, KTP),
        ("GIF", file(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"), 400, KTP),
        ("GIF with a script", file(b"GIF89a/*\x00*/=1;alert(1)"), 400, KTP),
        ("WebP", file(b"RIFF\x1a\x00\x00\x00WEBPVP8L"), 400, KTP),
        ("BMP", file(b"BM\x3a\x00\x00\x00\x00\x00\x00\x00"), 400, KTP),
        ("TIFF", file(b"II*\x00\x08\x00\x00\x00"), 400, KTP),
        ("HEIC", file(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), 400, KTP),
        ("PostScript", file(b"%!PS-Adobe-3.0\n"), 400, KTP),
        ("ZIP", file(zip), 400, KTP),
        ("a program of Windows", file(b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff"), 400, KTP),
        ("a program of Linux", file(b"\x7fELF\x02\x01\x01\x00"), 400, KTP),
        ("Java", file(b"\xca\xfe\xba\xbe\x00\x00\x00\x34"), 400, KTP),
        ("gzip", file(b"\x1f\x8b\x08\x00\x00\x00\x00\x00"), 400, KTP),
        ("MP4", file(b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"), 400, KTP),
        ("a page with a JPEG behind", file(&[b"<html>".as_slice(), &photo].concat()), 400, KTP),
        ("base64", with_encoding("base64", b"/9j/4AAQSkZJRgABAQ=="), 400, KTP),
        ("quoted-printable", with_encoding("quoted-printable", b"=FF=D8=FF=E0"), 400, KTP),
        ("a byte order mark", file(&[b"\xef\xbb\xbf".as_slice(), &photo].concat()), 400, KTP),
        ("one byte too large", file(&jpeg("", (5 << 20) + 1)), 400, "ktp: must be at most 5 MB"),
        ("two files of one name", Form::default().file("ktp", &photo).file("ktp", &photo).body(), 400, "ktp: must be given only once"),
        ("a second file that is empty", Form::default().file("ktp", &photo).part(named("ktp", ""), b"").body(), 400, "ktp: must be given only once"),
        ("data twice", Form::default().data("{}").data("{}").body(), 400, "data: must be given only once"),
        ("data that is no JSON", Form::default().data("nik=1").body(), 400, "data: must be valid JSON (line 1, column 2)"),
        ("data that is no object", Form::default().data("[1]").body(), 400, "data: must be a JSON object"),
        ("data that is no text", Form::default().data(r#"{"nik":{"$ne":1}}"#).body(), 400, "nik: must be a string"),
        ("data that is a photo", Form::default().part(named("data", "a.json"), &photo).body(), 400, "data: must be valid JSON (line 1, column 1)"),
        ("data in UTF-16", Form::default().part(named("data", "a"), b"\xff\xfe{\x00}\x00").body(), 400, "data: must be valid JSON (line 1, column 1)"),
        ("deep data", Form::default().data(&"[".repeat(100_000)).body(), 400, "data: must be valid JSON (line 1, column 100000)"),
        ("a NUL in a field", Form::default().data(r#"{"address":"a\u0000b"}"#).body(), 400, "address: must not contain control characters"),
        ("a path for a file name", with_head(named("ktp", "../../etc/cron.d/x.jpg").as_bytes()), 400, "ktp: must have a plain file name"),
        ("an absolute file name", with_head(named("ktp", "/etc/passwd").as_bytes()), 400, "ktp: must have a plain file name"),
        ("a file name of Windows", with_head(named("ktp", "..\\x.jpg").as_bytes()), 400, "ktp: must have a plain file name"),
        ("an endless file name", with_head(named("ktp", &"a".repeat(300)).as_bytes()), 400, "ktp: must have a plain file name"),
        ("a NUL in a file name", with_head(named("ktp", "x.php\0.jpg").as_bytes()), 400, MALFORMED),
        ("a line break in a file name", with_head(named("ktp", "a\r\nX-Evil: 1\r\n.jpg").as_bytes()), 400, MALFORMED),
        ("a bare line break in a file name", with_head(named("ktp", "a\nb.jpg").as_bytes()), 400, MALFORMED),
        ("a part without a name", with_head(b"Content-Disposition: form-data; filename=\"x.jpg\""), 400, "body: must have a name for each part"),
        ("a part without headers", with_head(b"X-Nothing: 1"), 400, "body: must have a name for each part"),
        ("headers that are none", with_head(b"\xff\xfe\x00\x01: x"), 400, MALFORMED),
        ("a hundred headers", with_head("X-A: 1\r\n".repeat(100).as_bytes()), 400, MALFORMED),
        ("a boundary that is never closed", Form::default().file("ktp", &photo).open(), 400, MALFORMED),
        ("a body that ends in a file", Form::default().part(named("ktp", "x"), &photo[..20]).open()[..80].to_vec(), 400, MALFORMED),
        ("a body that ends in headers", format!("--{BOUNDARY}\r\nContent-Disp").into_bytes(), 400, MALFORMED),
        ("no boundary at all", b"just some text".to_vec(), 400, MALFORMED),
        ("an empty body", Vec::new(), 400, MALFORMED),
        ("JSON instead of parts", br#"{"nik":"3201234567890001"}"#.to_vec(), 400, MALFORMED),
        ("no parts", format!("--{BOUNDARY}--\r\n").into_bytes(), 400, "data: is required"),
        ("unknown parts alone", Form::default().file("avatar", &photo).body(), 400, "data: is required"),
        ("a file of another case", Form::default().file("KTP", &photo).body(), 400, "data: is required"),
        ("a file input that nobody used", Form::default().part(named("ktp", ""), b"").body(), 400, "data: is required"),
        ("a first boundary that is damaged", Form::default().file("ktp", &photo).body().split_off(6), 400, "data: is required"),
    ];
    let many =
        (0..5_000).fold(Form::default().data("{}"), |form, number| form.file(&format!("f{number}"), b"x"));
    all.push(("thousands of parts", many.body(), 400, "body: must have at most 32 parts"));
    let line = format!("X-Long: {}", "a".repeat(1 << 20));
    let huge = Form::default().part(line, &photo).body();
    all.push(("a header of a megabyte", huge, 400, "body: must have a name for each part"));
    let endless = [format!("--{BOUNDARY}\r\nX-Long: ").into_bytes(), vec![b'a'; 19 << 20]].concat();
    all.push(("a header that never ends", endless, 400, MALFORMED));
    let limit = "The request body is larger than the limit of 20971520 bytes";
    all.push((
        "a body that is too large",
        Form::default().file("other", &vec![0; 20 << 20]).body(),
        413,
        limit,
    ));
    all
}

fn with_encoding(encoding: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("{}\r\nContent-Transfer-Encoding: {encoding}", named("ktp", "photo.jpg"));
    Form::default().part(head, content).body()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hostile_body_is_accepted() {
    let server = Server::start().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let before = server.get("/api/customer/profile", &jane).await;
    let bodies = bodies();
    assert!(bodies.len() >= 60);
    let mut others = Vec::new();
    for (what, body, status, message) in bodies {
        let answer = send(server.put_profile(&jane, body)).await;
        let (said, _, why) = answer.error();
        if (said, why) != (status, message) {
            others.push(format!("{what}: {said} {why}"));
        }
    }
    assert_eq!(others, [""; 0]);
    let photo = Form::default().file("ktp", &jpeg("", 0)).body();
    for (what, content_type, status) in [
        ("no boundary", "multipart/form-data", 400),
        ("an empty boundary", "multipart/form-data; boundary=", 400),
        ("a long boundary", &format!("multipart/form-data; boundary={}", "b".repeat(71)), 400),
        ("a wrong boundary", "multipart/form-data; boundary=other", 400),
        ("a shorter boundary", &format!("multipart/form-data; boundary={}", &BOUNDARY[..5]), 400),
        ("JSON", "application/json", 415),
        ("a mixed multipart", &format!("multipart/mixed; boundary={BOUNDARY}"), 415),
        ("a form of another kind", "application/x-www-form-urlencoded", 415),
        ("a photo", "image/jpeg", 415),
        ("nonsense", "?", 415),
    ] {
        let answer = send(server.put_profile(&jane, photo.clone()).header("Content-Type", "x")).await;
        assert_eq!(answer.error().2, "Content-Type: must be given only once");
        let request = server.request(reqwest::Method::PUT, "/api/customer/profile").bearer_auth(&jane);
        let answer = send(request.header("Content-Type", content_type).body(photo.clone())).await;
        assert_eq!(answer.error().0, status, "{what}: {}", answer.text);
    }
    for encoding in ["gzip", "br", "deflate, gzip"] {
        let request = server.put_profile(&jane, photo.clone()).header("Content-Encoding", encoding);
        assert_eq!(send(request).await.error().0, 415, "{encoding}");
    }
    let untyped = server.request(reqwest::Method::PUT, "/api/customer/profile").bearer_auth(&jane);
    assert_eq!(send(untyped.try_clone().unwrap().body(photo)).await.error().0, 415);
    assert_eq!(send(untyped).await.error().2, "data: is required");
    let after = server.get("/api/customer/profile", &jane).await;
    assert_eq!(after.headers["etag"], before.headers["etag"]);
    assert_eq!(server.stored_files().len(), 0);
}

/// Writes a head and some of a body, and answers what comes back. `broken`: nothing else will come.
async fn raw(server: &Server, head: &str, body: &[u8], broken: bool) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    if broken {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    // A server may as well just close.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_changes_nothing() {
    let server = Server::start().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let head = |how: &str| {
        format!(
            "PUT /api/customer/profile HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {jane}\r\nContent-Type: \
             multipart/form-data; boundary={BOUNDARY}\r\nConnection: close\r\n{how}\r\n\r\n"
        )
    };
    let body = Form::default().data("{\"nik\":\"3201234567890002\"}").file("ktp", &jpeg("", 1_000)).body();
    let chunked = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
    for (how, sent) in [
        ("Transfer-Encoding: chunked", chunked.clone()),
        ("Transfer-Encoding: chunked", [b"zz\r\n".as_slice(), &body].concat()),
        ("Transfer-Encoding: chunked", b"ffffffffffffffff1\r\n".to_vec()),
        ("Content-Length: 100000", body.clone()),
        ("Content-Length: -1", body.clone()),
        ("Content-Length: 10\r\nContent-Length: 20", body.clone()),
        ("Content-Length: 99999999999999999999", body.clone()),
    ] {
        let answer = raw(&server, &head(how), &sent, true).await;
        let status: Option<u16> = answer.get(9..12).and_then(|status| status.parse().ok());
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{how}: {answer}");
    }
    // The same body, whole, is good: nothing but its end was missing.
    assert_eq!(server.get("/api/customer/profile", &jane).await.json["data"]["profile"]["nik"], Value::Null);
    assert_eq!(server.stored_files().len(), 0);
    let whole = [&chunked, &b"0\r\n\r\n"[..]].concat();
    let whole = raw(&server, &head("Transfer-Encoding: chunked"), &whole, false).await;
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    assert_eq!(server.stored_files().len(), 1);
}

/// Two formats in one file are what the first bytes say, and are served as nothing else (see `downloads`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn harmless_oddities_are_accepted() {
    let server = Server::start().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let photo = jpeg("<script>", 0);
    let preamble =
        [b"This is a preamble.\r\n".to_vec(), Form::default().data("{}").file("ktp", &photo).body()].concat();
    for (what, body) in [
        ("a JPEG with a page inside", Form::default().file("ktp", &photo).body()),
        (
            "a JPEG with an archive behind",
            Form::default().file("ktp", &[&photo[..], b"PK\x03\x04"].concat()).body(),
        ),
        ("a PNG that claims to be a JPEG", Form::default().file("ktp", &png()).body()),
        (
            "a claimed type that is none",
            Form::default().part(format!("{}\r\nContent-Type: x", named("ktp", "a.exe")), &photo).body(),
        ),
        ("no file name", Form::default().part("Content-Disposition: form-data; name=ktp", &photo).body()),
        ("unknown parts beside", Form::default().data("{}").file("avatar", b"MZ").body()),
        ("a preamble and an epilogue", [preamble, b"epilogue".to_vec()].concat()),
        (
            "data as a file",
            Form::default().part(named("data", "blob"), b"{\"phone\":\"081234567891\"}").body(),
        ),
        ("an unused file input", Form::default().data("{}").part(named("ktp", ""), b"").body()),
        ("the largest body", {
            let five = jpeg("", 5 << 20);
            Form::default()
                .file("ktp", &five)
                .file("kk", &five)
                .file("npwp", &five)
                .file("x", &vec![0; (5 << 20) - 700])
                .body()
        }),
    ] {
        assert!(body.len() <= 20 << 20);
        let answer = send(server.put_profile(&jane, body)).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
    }
}

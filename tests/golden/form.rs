//! Requests that the other tests have no need of: forms with files, and the rest of the methods.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::super::rest_smoke::{Answer, Server, send};

const BOUNDARY: &str = "----granary";

/// A picture with a text in it.
pub(crate) fn jpeg(text: &str) -> Vec<u8> {
    let comment = u16::try_from(text.len() + 2).unwrap().to_be_bytes();
    let frame =
        b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00";
    [b"\xff\xd8\xff\xfe".as_slice(), &comment, text.as_bytes(), frame, b"\x55\xff\xd9"].concat()
}

/// A picture with a text in it.
pub(crate) fn png(text: &str) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [length.as_slice(), kind, data, b"crc!"].concat()
    };
    let size = b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00";
    let chunks =
        [chunk(b"IHDR", size), chunk(b"tEXt", text.as_bytes()), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

/// A paper with a text in it.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    let body =
        format!("%PDF-1.4\n%{text}\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n");
    body.into_bytes()
}

/// A file of a form: part, name, content.
pub(crate) type File<'a> = (&'a str, &'a str, &'a [u8]);

/// The profile of document 004 §3.2.
pub(crate) fn documented_profile() -> Value {
    serde_json::json!({
        "nik": "3201234567890001",
        "birthdate": "1990-05-15",
        "phone": "081234567890",
        "address": "Jl. Sudirman No. 123, Jakarta",
    })
}

/// The content type and body of a form with a part `data` and files.
pub(crate) fn multipart(data: Option<&Value>, files: &[File<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    if let Some(data) = data {
        part("name=\"data\"\r\nContent-Type: application/json", data.to_string().as_bytes());
    }
    for (name, filename, content) in files {
        part(
            &format!("name=\"{name}\"; filename=\"{filename}\"\r\nContent-Type: application/octet-stream"),
            content,
        );
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

impl Server {
    pub(crate) fn profile_form(
        &self,
        token: &str,
        data: Option<&Value>,
        files: &[File<'_>],
    ) -> RequestBuilder {
        let (kind, body) = multipart(data, files);
        let request = self.request(Method::PUT, "/api/customer/profile").bearer_auth(token);
        request.header("Content-Type", kind).body(body)
    }

    /// The documented profile with all three files.
    pub(crate) async fn upload_all(&self, token: &str) -> Answer {
        let (ktp, kk, npwp) = (jpeg("ktp"), png("kk"), pdf("npwp"));
        let files: [File<'_>; 3] =
            [("ktp", "ktp.jpg", &ktp), ("kk", "kk.png", &kk), ("npwp", "npwp.pdf", &npwp)];
        send(self.profile_form(token, Some(&documented_profile()), &files)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        send(self.request(method, path).bearer_auth(token).json(&body)).await
    }

    /// Without a token.
    pub(crate) async fn open_post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }
}

impl Answer {
    /// An answer as it stood on the wire.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            text: body.to_owned(),
            json: serde_json::from_str(body).unwrap_or_default(),
        }
    }
}

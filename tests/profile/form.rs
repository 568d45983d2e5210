//! Bodies as browsers and `curl -F` write them, and small whole files.

use reqwest::Method;
use reqwest::RequestBuilder;

use crate::rest_smoke::Server;

pub(crate) const BOUNDARY: &str = "X-BOUNDARY-7MA4YWxk";

/// A multipart body in the making.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    pub(crate) fn data(self, json: &str) -> Self {
        self.part("Content-Disposition: form-data; name=\"data\"", json.as_bytes())
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"photo.jpg\"\r\nContent-Type: image/jpeg"
        );
        self.part(&head, content)
    }

    /// Any headers, any content.
    pub(crate) fn part(mut self, head: impl AsRef<[u8]>, content: &[u8]) -> Self {
        let begin = format!("--{BOUNDARY}\r\n");
        self.0.extend([begin.as_bytes(), head.as_ref(), b"\r\n\r\n", content, b"\r\n"].concat());
        self
    }

    /// Without the end.
    pub(crate) fn open(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn body(mut self) -> Vec<u8> {
        self.0.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        self.0
    }
}

impl Server {
    /// A profile update, ready to be changed and sent.
    pub(crate) fn put_profile(&self, token: &str, body: Vec<u8>) -> RequestBuilder {
        let request = self.request(Method::PUT, "/api/customer/profile").bearer_auth(token);
        request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
    }

    /// Every file in the upload folder.
    pub(crate) fn stored_files(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.uploads.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

/// A JPEG of the given size with a text inside.
pub(crate) fn jpeg(text: &str, size: usize) -> Vec<u8> {
    let comment = u16::try_from(text.len() + 2).unwrap().to_be_bytes();
    let mut content = [b"\xff\xd8\xff\xfe", &comment[..], text.as_bytes()].concat();
    content.extend(
        b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00",
    );
    content.resize(content.len().max(size.saturating_sub(2)), 0x55);
    content.extend(b"\xff\xd9");
    content
}

pub(crate) fn png() -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length, kind, data, b"crc!"].concat()
    };
    let size = b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00";
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", size), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")].concat()
}

pub(crate) fn pdf() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n".to_vec()
}

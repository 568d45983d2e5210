//! Finds texts in bytes, however they were written down: in UTF-8, UTF-16, hexadecimal and base64 at every alignment.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter forms would be found by chance.
const SHORTEST: usize = 8;
/// A needle's first bytes, by which it is looked up.
const HEAD: usize = 6;

/// What must not be found, in all its forms.
pub(super) struct Needles {
    forms: Vec<Form>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    /// One bit per first three bytes that some form has: most of what is scanned has none of them.
    first: Vec<u64>,
}

struct Form {
    bytes: Vec<u8>,
    /// What it is, and how it is written.
    name: String,
}

impl Needles {
    pub(super) fn new() -> Self {
        Self { forms: Vec::new(), by_head: HashMap::new(), first: vec![0; (1 << 24) / 64] }
    }

    /// A text that people wrote or read; `what` says whose, for the complaint.
    pub(super) fn add(&mut self, what: &str, text: &str) {
        assert!(text.len() >= SHORTEST, "{what}: {text} is too short to be told from chance");
        for (form, text) in [
            ("", text.to_owned()),
            (", lower case", text.to_lowercase()),
            (", upper case", text.to_uppercase()),
        ] {
            let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
            self.add_bytes(&format!("{what}{form}, UTF-16LE"), utf16(u16::to_le_bytes));
            self.add_bytes(&format!("{what}{form}, UTF-16BE"), utf16(u16::to_be_bytes));
            self.add_coded(&format!("{what}{form}"), text.as_bytes());
        }
        let escaped: String = text
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() { char.to_string() } else { percent(char) })
            .collect();
        if escaped != text {
            self.add_form(format!("{what}, percent-encoded"), escaped.into_bytes());
        }
    }

    /// Bytes as they are, and in the codings of bytes.
    pub(super) fn add_coded(&mut self, what: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add_form(format!("{what}, upper hexadecimal"), hex.to_uppercase().into_bytes());
        self.add_form(format!("{what}, hexadecimal"), hex.into_bytes());
        for skipped in 0..3 {
            // Whatever stands before and behind takes part in the characters at the ends.
            let padded = [vec![0; skipped], bytes.to_vec()].concat();
            let inner = |text: String| {
                let (from, to) = ((skipped * 8).div_ceil(6), padded.len() * 8 / 6);
                text[from..to].to_owned()
            };
            let (standard, url) =
                (inner(STANDARD_NO_PAD.encode(&padded)), inner(URL_SAFE_NO_PAD.encode(&padded)));
            self.add_form(format!("{what}, base64 at {skipped}"), standard.into_bytes());
            self.add_form(format!("{what}, base64url at {skipped}"), url.into_bytes());
        }
        self.add_bytes(what, bytes.to_vec());
    }

    fn add_bytes(&mut self, what: &str, bytes: Vec<u8>) {
        self.add_form(what.to_owned(), bytes);
    }

    fn add_form(&mut self, name: String, bytes: Vec<u8>) {
        let Some(head) = bytes.first_chunk::<HEAD>().copied() else { return };
        let alike = self.by_head.get(&head).map(Vec::as_slice).unwrap_or_default();
        if bytes.len() < SHORTEST || alike.iter().any(|index| self.forms[*index].bytes == bytes) {
            return;
        }
        let first = first_three(&bytes);
        self.first[first / 64] |= 1 << (first % 64);
        self.by_head.entry(head).or_default().push(self.forms.len());
        self.forms.push(Form { bytes, name });
    }

    /// How many forms of how many texts there are to find.
    pub(super) fn len(&self) -> usize {
        self.forms.len()
    }

    /// What is in these bytes, each once.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, window) in bytes.windows(HEAD).enumerate() {
            let first = first_three(window);
            if self.first[first / 64] & (1 << (first % 64)) == 0 {
                continue;
            }
            let head: &[u8; HEAD] = window.first_chunk().unwrap();
            for index in self.by_head.get(head).into_iter().flatten() {
                let form = &self.forms[*index];
                if bytes[at..].starts_with(&form.bytes) && !found.contains(&form.name.as_str()) {
                    found.push(&form.name);
                }
            }
        }
        found
    }
}

fn first_three(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

fn percent(char: char) -> String {
    let mut buffer = [0; 4];
    char.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_text_is_found_in_every_form_and_at_every_place() {
    let text = "Dewi Kembang, Jl. Melati 7";
    let mut needles = Needles::new();
    needles.add("the text", text);
    for before in ["", "x", "xy", "xyz", "a longer beginning "] {
        let clear = format!("{before}{text} and more");
        let utf16: Vec<u8> = clear.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex: String = clear.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (how, written) in [
            ("clear", clear.clone().into_bytes()),
            ("lower", clear.to_lowercase().into_bytes()),
            ("utf-16", utf16.clone()),
            ("hex", hex.clone().into_bytes()),
            ("HEX", hex.to_uppercase().into_bytes()),
            ("base64", STANDARD_NO_PAD.encode(&clear).into_bytes()),
            ("base64url", URL_SAFE_NO_PAD.encode(&clear).into_bytes()),
            ("hex of utf-8 in JSON", format!("{{\"payload\":\"\\\\x{hex}\"}}").into_bytes()),
        ] {
            assert!(!needles.find(&written).is_empty(), "{how} behind {before:?}");
        }
    }
    for other in ["Dewi Kembang, Jl. Melati 8", "", "Jl. Melati 7", "dewi"] {
        assert_eq!(needles.find(other.as_bytes()), Vec::<&str>::new());
    }
}

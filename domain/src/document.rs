//! A file that a person handed in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::any::tie_to_any;
use crate::{Aggregate, DocumentId, Event, Invalid, Rejection, UserId};

/// Stream id: the [`DocumentId`]. The content is in the upload folder, sealed; it never changes, a newer file is another
/// document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    #[default]
    Absent,
    Stored(Box<StoredDocument>),
}

/// What is known of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDocument {
    #[serde(flatten)]
    pub document: DocumentRef,
    /// Whose file it is; their key opens it.
    pub owner: UserId,
    /// Of the content in clear.
    pub size_bytes: u64,
    /// SHA-256 of the content as it is stored, sealed, in hex: whoever holds file and log can tell that they belong
    /// together, without a key. Sealing the same content twice gives two hashes.
    pub sealed_sha256: String,
}

/// Names a document, and says what to expect of it. Written as its file name: `{uuid}-ktp.jpg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentRef {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub media_type: MediaType,
}

/// What a document proves.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "snake_case")]
pub enum DocumentKind {
    /// The identity card.
    Ktp,
    /// The family card.
    Kk,
    /// The taxpayer's card.
    Npwp,
}

/// The formats that are taken. What a file is, its content says; never its name or what a client claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray)]
pub enum MediaType {
    Jpeg,
    Png,
    Pdf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentCommand {
    /// Refused with [`Rejection::AlreadyExists`] for an id that was stored before.
    Store(StoredDocument),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum DocumentEvent {
    /// A file that a person handed in lies sealed in the upload folder. It never changes.
    DocumentStored(StoredDocument),
}

impl Event for DocumentEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Document {
    #[must_use]
    pub fn stored(&self) -> Option<&StoredDocument> {
        match self {
            Self::Absent => None,
            Self::Stored(stored) => Some(stored),
        }
    }
}

impl Aggregate for Document {
    tie_to_any!(Document);
    type Command = DocumentCommand;
    type Event = DocumentEvent;

    fn decide(&self, command: DocumentCommand) -> Result<Vec<DocumentEvent>, Rejection> {
        let DocumentCommand::Store(stored) = command;
        match self {
            Self::Absent => Ok(vec![DocumentEvent::DocumentStored(stored)]),
            Self::Stored(_) => Err(Rejection::AlreadyExists),
        }
    }

    fn evolve(&mut self, event: &DocumentEvent) {
        let DocumentEvent::DocumentStored(stored) = event;
        *self = Self::Stored(Box::new(stored.clone()));
    }
}

impl DocumentKind {
    /// As file names and forms spell it: `ktp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl MediaType {
    /// As `Content-Type` says it.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    /// Of file names, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    /// Whether it can be shown where it is fetched: it runs nothing.
    #[must_use]
    pub const fn is_image(self) -> bool {
        match self {
            Self::Jpeg | Self::Png => true,
            Self::Pdf => false,
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        <Self as strum::VariantArray>::VARIANTS.iter().copied().find(|kind| kind.extension() == extension)
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.mime())
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mime = String::deserialize(deserializer)?;
        let known = <Self as strum::VariantArray>::VARIANTS.iter().copied().find(|kind| kind.mime() == mime);
        known.ok_or_else(|| serde::de::Error::custom("no media type of a document"))
    }
}

impl fmt::Display for DocumentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.document_id, self.kind.name(), self.media_type.extension())
    }
}

impl FromStr for DocumentRef {
    type Err = Invalid;

    /// Takes exactly what `Display` writes.
    fn from_str(name: &str) -> Result<Self, Invalid> {
        let parse = || {
            let (stem, extension) = name.rsplit_once('.')?;
            let (id, kind) = stem.rsplit_once('-')?;
            Some(Self {
                document_id: id.parse().ok()?,
                kind: kind.parse().ok()?,
                media_type: MediaType::of_extension(extension)?,
            })
        };
        parse()
            .filter(|document| document.to_string() == name)
            .ok_or_else(|| Invalid::new("must be the name of a document"))
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_name_says_what_it_names() {
        for kind in DocumentKind::VARIANTS {
            for media_type in MediaType::VARIANTS {
                let document_id = DocumentId(Uuid::from_u128(0xabc));
                let document = DocumentRef { document_id, kind: *kind, media_type: *media_type };
                assert_eq!(document.to_string().parse(), Ok(document));
            }
        }
        let name = "00000000-0000-0000-0000-000000000abc-ktp.jpg";
        assert_eq!(name.parse::<DocumentRef>().unwrap().to_string(), name);
    }

    #[test]
    fn what_is_no_file_name() {
        let id = "00000000-0000-0000-0000-000000000abc";
        for name in [
            String::new(),
            id.to_owned(),
            format!("{id}-ktp"),
            format!("{id}.jpg"),
            format!("{id}-ktp.jpeg"),
            format!("{id}-ktp.JPG"),
            format!("{id}-KTP.jpg"),
            format!("{id}-selfie2.jpg"),
            format!("{}-ktp.jpg", id.to_uppercase()),
            format!("{}-ktp.jpg", id.replace('-', "")),
            format!("{{{id}}}-ktp.jpg"),
            format!("../{id}-ktp.jpg"),
            format!("{id}-ktp.jpg\0"),
            format!("{id}-ktp.jpg "),
            format!("{id}-ktp.jpg/"),
        ] {
            assert!(name.parse::<DocumentRef>().is_err(), "{name:?}");
        }
    }
}

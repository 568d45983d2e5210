//! A 32-byte key that never shows itself: its Debug is `<redacted>` and its memory is wiped when it goes.

use std::fmt;

use zeroize::Zeroizing;

/// 32 secret bytes, written as 64 hexadecimal digits wherever they are stored or given.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

/// The text was not 64 hexadecimal digits. The text itself is never repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a key must be 64 hexadecimal digits (32 bytes)")]
pub struct NotAKey;

impl SecretKey {
    /// A fresh key from the operating system's random source.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Reads 64 hexadecimal digits, in either case, surrounded by white space or not.
    pub fn from_hex(text: &str) -> Result<Self, NotAKey> {
        let digits = text.trim().as_bytes();
        if digits.len() != 64 {
            return Err(NotAKey);
        }
        let mut bytes = Zeroizing::new([0_u8; 32]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(NotAKey) };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }

    /// The key as 64 lower-case hexadecimal digits, wiped when dropped.
    pub fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.0.iter() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        text
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn digit(character: u8) -> Result<u8, NotAKey> {
    let value = char::from(character).to_digit(16).ok_or(NotAKey)?;
    u8::try_from(value).map_err(|_| NotAKey)
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_round_trips() {
        let key = SecretKey::generate().unwrap();
        let text = key.to_hex();
        assert_eq!(text.len(), 64);
        let upper = format!(" {}\n", text.to_uppercase());
        assert_eq!(SecretKey::from_hex(&upper).unwrap().as_bytes(), key.as_bytes());
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            let error = SecretKey::from_hex(text).unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(&format!("{text} ")));
        }
        assert_eq!(format!("{:?}", SecretKey::generate().unwrap()), "<redacted>");
    }
}

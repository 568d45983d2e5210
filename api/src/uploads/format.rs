//! What a file is, by its content. The names and types that clients claim are not looked at.
//!
//! The signature decides, and then the skeleton must be whole: markers or chunks from the first to the last. That takes
//! no picture apart, so a file may still hide something else behind or inside of it; how files are served (never as
//! anything but this type, sandboxed) keeps that harmless.

use lumbung_domain::MediaType;

/// The media type of a whole JPEG, PNG or PDF; `None` for everything else.
#[must_use]
pub fn media_type(content: &[u8]) -> Option<MediaType> {
    match infer::get(content)?.mime_type() {
        "image/jpeg" => is_whole_jpeg(content).then_some(MediaType::Jpeg),
        "image/png" => is_whole_png(content).then_some(MediaType::Png),
        "application/pdf" => is_whole_pdf(content).then_some(MediaType::Pdf),
        _ => None,
    }
}

/// ITU-T T.81 annex B: SOI, segments with a frame header among them, the scan, EOI. Telephones put more behind EOI.
fn is_whole_jpeg(content: &[u8]) -> bool {
    const SOS: u8 = 0xda;
    const EOI: [u8; 2] = [0xff, 0xd9];
    let Some(mut rest) = content.strip_prefix(&[0xff, 0xd8]) else { return false };
    let mut framed = false;
    loop {
        let [0xff, marker, after @ ..] = rest else { return false };
        // Any marker may have fill bytes before it.
        if *marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let [high, low, ..] = after else { return false };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(behind) = after.get(length..).filter(|_| length >= 2) else { return false };
        match *marker {
            SOS => return framed && behind.windows(2).any(|pair| pair == EOI),
            // Markers without a segment do not stand before the scan.
            0x00..=0x01 | 0xd0..=0xd9 => return false,
            // SOF0–SOF15 without DHT, JPG and DAC.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => framed = true,
            _ => {}
        }
        rest = behind;
    }
}

/// PNG specification §5: the signature, IHDR first with a size, IDAT, IEND.
fn is_whole_png(content: &[u8]) -> bool {
    let Some(mut rest) = content.strip_prefix(b"\x89PNG\r\n\x1a\n") else { return false };
    let (mut first, mut pixels) = (true, false);
    loop {
        let Some((head, after)) = rest.split_at_checked(8) else { return false };
        let [l0, l1, l2, l3, kind @ ..] = head else { return false };
        let Ok(length) = usize::try_from(u32::from_be_bytes([*l0, *l1, *l2, *l3])) else { return false };
        let Some((data, behind)) = after.split_at_checked(length) else { return false };
        let Some((_crc, behind)) = behind.split_at_checked(4) else { return false };
        if first != (kind == b"IHDR") || (first && !has_size(data)) {
            return false;
        }
        first = false;
        pixels |= kind == b"IDAT";
        if kind == b"IEND" {
            return pixels && data.is_empty();
        }
        rest = behind;
    }
}

/// Of an IHDR: width and height, neither 0.
fn has_size(header: &[u8]) -> bool {
    header.len() == 13 && header[..4] != [0; 4] && header[4..8] != [0; 4]
}

/// ISO 32000-1 §7.5: `%PDF-` and a version at the very beginning, `%%EOF` within the last 1024 bytes.
fn is_whole_pdf(content: &[u8]) -> bool {
    let Some([major, b'.', minor, ..]) = content.strip_prefix(b"%PDF-") else { return false };
    let tail = &content[content.len().saturating_sub(1024)..];
    matches!(major, b'1'..=b'2')
        && minor.is_ascii_digit()
        && tail.windows(5).any(|window| window == b"%%EOF")
        && content.windows(3).any(|window| window == b"obj")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] =
        b"\xff\xd8\xff\xe0\x00\x04JF\xff\xff\xc0\x00\x05\x08\x00\x01\xff\xda\x00\x03\x00pixels\xff\xd9";
    const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";

    fn png() -> Vec<u8> {
        let chunk = |kind: &[u8], data: &[u8]| {
            let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
            [&length, kind, data, b"crc!"].concat()
        };
        let size = b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00";
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", size), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")]
            .concat()
    }

    #[test]
    fn whole_files_are_known() {
        assert_eq!(media_type(JPEG), Some(MediaType::Jpeg));
        assert_eq!(media_type(&png()), Some(MediaType::Png));
        assert_eq!(media_type(PDF), Some(MediaType::Pdf));
        let behind = |content: &[u8]| [content, b"<script>alert(1)</script>"].concat();
        assert_eq!(media_type(&behind(JPEG)), Some(MediaType::Jpeg));
        assert_eq!(media_type(&behind(&png())), Some(MediaType::Png));
    }

    #[test]
    fn no_beginning_of_a_file_is_one() {
        for whole in [JPEG, &png(), &PDF[..PDF.len() - 2]] {
            for end in 0..whole.len() {
                assert_eq!(media_type(&whole[..end]), None, "{end} bytes of {}", whole.len());
            }
        }
    }

    #[test]
    fn every_byte_may_be_any() {
        for whole in [JPEG, &png(), PDF] {
            for at in 0..whole.len() {
                for byte in [0, 1, 0x7f, 0xd9, 0xff] {
                    let mut content = whole.to_vec();
                    content[at] = byte;
                    // Whatever it is taken for, nothing breaks.
                    let _ = media_type(&content);
                }
            }
        }
    }

    #[test]
    fn what_only_looks_like_one() {
        for content in [
            &b""[..],
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xd9",
            b"\xff\xd8\xff\xe0\x00\x00",
            b"\xff\xd8\xff\xda\x00\x02\xff\xd9",
            b"\x89PNG",
            b"\x89PNG\r\n\x1a\n",
            b"%PDF-1.4",
            b"%PDF-x.y obj %%EOF",
            b" %PDF-1.4 obj %%EOF",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"GIF89a",
            b"PK\x03\x04",
            b"MZ",
        ] {
            assert_eq!(media_type(content), None, "{content:?}");
        }
        let no_pixels = png().split_off(0);
        assert_eq!(media_type(&[&no_pixels[..33], &no_pixels[46..]].concat()), None);
    }
}

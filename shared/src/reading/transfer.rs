//! How a part was made fit for transport, and the way back, byte by byte and whatever is wrong with it.
//! Source: RFC 2045, section 6

use serde::{Deserialize, Serialize};

/// The encoding of a part's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// As it is.
    #[default]
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
}

impl Transfer {
    /// By the value of `Content-Transfer-Encoding`. What is unknown is taken as it is.
    pub(super) fn named(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
}

/// Decodes a body as it comes. What is no Base64 is left out; what is no quoted-printable stays as it is.
#[derive(Debug, Clone, Default)]
pub struct TransferDecoder {
    transfer: Transfer,
    /// Base64: the bits at hand, and how many characters they are of.
    bits: u32,
    held: u32,
    /// Quoted-printable: an escape that has begun, at most its sign and two characters.
    escape: Vec<u8>,
}

impl TransferDecoder {
    /// For a body in this encoding.
    pub fn new(transfer: Transfer) -> Self {
        Self { transfer, ..Self::default() }
    }

    /// All of a body at once.
    pub fn all(transfer: Transfer, bytes: &[u8]) -> Vec<u8> {
        let (mut decoder, mut decoded) = (Self::new(transfer), Vec::with_capacity(bytes.len()));
        decoder.decode(bytes, &mut decoded);
        decoder.finish(&mut decoded);
        decoded
    }

    /// Appends what the next bytes of the body come to.
    pub fn decode(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) {
        match self.transfer {
            Transfer::Identity => decoded.extend_from_slice(bytes),
            Transfer::Base64 => bytes.iter().for_each(|byte| self.base64(*byte, decoded)),
            Transfer::QuotedPrintable => bytes.iter().for_each(|byte| self.quoted_printable(*byte, decoded)),
        }
    }

    /// Appends what is still at hand.
    pub fn finish(&mut self, decoded: &mut Vec<u8>) {
        self.pad(decoded);
        decoded.append(&mut self.escape);
    }

    fn base64(&mut self, byte: u8, decoded: &mut Vec<u8>) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            // Another piece may follow: some programs encode by pieces.
            b'=' => return self.pad(decoded),
            _ => return,
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.held += 1;
        if self.held == 4 {
            decoded.extend_from_slice(&self.bits.to_be_bytes()[1..]);
            (self.bits, self.held) = (0, 0);
        }
    }

    /// The whole bytes of a group that is not full.
    fn pad(&mut self, decoded: &mut Vec<u8>) {
        let [_, first, second, _] = (self.bits << (6 * (4 - self.held.min(4)))).to_be_bytes();
        match self.held {
            2 => decoded.push(first),
            3 => decoded.extend([first, second]),
            _ => {}
        }
        (self.bits, self.held) = (0, 0);
    }

    fn quoted_printable(&mut self, byte: u8, decoded: &mut Vec<u8>) {
        match (self.escape.as_slice(), byte) {
            ([], b'=') => self.escape.push(byte),
            ([], _) => decoded.push(byte),
            // A line that goes on.
            ([_], b'\n') | ([_, b'\r'], b'\n') => self.escape.clear(),
            ([_], b'\r' | b' ' | b'\t') => self.escape = vec![b'=', b'\r'],
            ([_, b'\r'], b' ' | b'\t' | b'\r') => {}
            ([_], _) if byte.is_ascii_hexdigit() => self.escape.push(byte),
            ([_, high], _) if byte.is_ascii_hexdigit() && *high != b'\r' => {
                let value = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
                decoded.push(value(*high) << 4 | value(byte));
                self.escape.clear();
            }
            _ => {
                decoded.append(&mut self.escape);
                self.quoted_printable(byte, decoded);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn base64_comes_back_whatever_the_lines_and_wherever_it_is_cut() {
        for length in 0..50u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            let encoded = STANDARD.encode(&bytes);
            let lines: Vec<&[u8]> = encoded.as_bytes().chunks(7).collect();
            assert_eq!(TransferDecoder::all(Transfer::Base64, &lines.join(&b"\r\n"[..])), bytes);
            let (mut decoder, mut decoded) = (TransferDecoder::new(Transfer::Base64), Vec::new());
            lines.iter().for_each(|line| decoder.decode(line, &mut decoded));
            decoder.finish(&mut decoded);
            assert_eq!(decoded, bytes);
        }
    }

    #[test]
    fn what_is_wrong_with_an_encoding_loses_nothing_around_it() {
        let base64 = |text: &str| TransferDecoder::all(Transfer::Base64, text.as_bytes());
        assert_eq!(base64("SGVs*bG8="), b"Hello");
        assert_eq!(base64("SGVsbG8"), b"Hello");
        // Two pieces, each padded.
        assert_eq!(base64("SGU=bGxv"), b"Hello");
        assert_eq!(base64("!"), b"");
        let quoted = |text: &str| String::from_utf8(TransferDecoder::all(Transfer::QuotedPrintable, text.as_bytes()));
        for (text, decoded) in [
            ("Caf=C3=A9", "Café"),
            ("one =\r\nline", "one line"),
            ("one = \t\r\nline", "one line"),
            ("one =\nline", "one line"),
            ("1=2", "1=2"),
            ("a=zz", "a=zz"),
            ("a=3", "a=3"),
            ("==3D", "=="),
            ("end=", "end="),
        ] {
            assert_eq!(quoted(text).unwrap(), decoded, "{text:?}");
        }
    }
}

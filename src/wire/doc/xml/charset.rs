//! The character sets that documents come in.

/// How the bytes of a document stand for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8 (RFC 3629).
    Utf8,
    /// ISO-8859-1: a byte is the character of that number.
    Latin1,
    /// The same with more characters where that has controls, as <https://encoding.spec.whatwg.org/#windows-1252>
    /// has them.
    Windows1252,
}

impl Charset {
    /// The character of one byte; of UTF-8, if it is an ASCII one.
    pub(super) fn char(self, byte: u8) -> char {
        match (self, byte) {
            (Charset::Windows1252, 0x80..=0x9F) => WINDOWS_1252[usize::from(byte - 0x80)],
            (Charset::Utf8 | Charset::Latin1 | Charset::Windows1252, _) => char::from(byte),
        }
    }

    /// An ASCII character that may stand in a name where the one of this byte may (XML 1.0 §2.3).
    pub(super) fn stand_in(self, byte: u8) -> u8 {
        match self.char(byte) {
            '\0'..='\x7F' => byte,
            '\u{B7}' => b'.',
            '\u{D7}' | '\u{F7}' => b'+',
            '\u{C0}'..='\u{2FF}' | '\u{2070}'..='\u{218F}' => b'x',
            _ => b'+',
        }
    }
}

/// 0x80 to 0x9F. The five that mean nothing stand for themselves.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

//! The other party of a call, as a notifier names it: for people to read, never to be compared, called or believed.

use crate::ground::text::Text;
use crate::wire::doc::XmlText;
use crate::wire::sip::{Uri, names_presentity};

/// Bytes kept of a name. A longer one is cut between two characters.
pub const DISPLAY: usize = 64;

/// Bytes kept of an address. A longer one is cut between two characters.
pub const ADDRESS: usize = 96;

/// Who is at the other end of a call: of somebody watched, or of a presentity of ours.
///
/// It is for the owner's own faces, and for those watchers of ours to whom a rule shows it: nothing else that goes to a
/// peer has it, and no line of the log above `debug`. Characters that would steer a terminal are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    display: Text<DISPLAY>,
    uri: Text<ADDRESS>,
}

impl Party {
    /// Nobody is known.
    pub const NOBODY: Party = Party {
        display: Text::new(),
        uri: Text::new(),
    };

    /// The one with that name, and that address unless it is too long for its place: half an address leads elsewhere.
    pub fn named(display: &str, uri: &str) -> Party {
        Party {
            display: shown(display.chars()),
            uri: shown(uri.chars().filter(|_| uri.len() <= ADDRESS)),
        }
    }

    /// The one with that name and address; `None` if neither leaves anything to show.
    pub fn new(display: Option<XmlText<'_>>, uri: Option<XmlText<'_>>) -> Option<Party> {
        let party = Party {
            display: display.map_or(Text::new(), |text| shown(text.chars())),
            uri: uri.map_or(Text::new(), |text| shown(text.chars())),
        };
        (party != Party::default()).then_some(party)
    }

    /// The one with that name and address, which fit. For tests of who shows it.
    #[cfg(test)]
    pub fn told(display: &str, uri: &str) -> Party {
        Party {
            display: Text::copied(display).expect("it fits"),
            uri: Text::copied(uri).expect("it fits"),
        }
    }

    /// The name; empty if none was told.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The address, which is a URI if the notifier keeps to the rules; empty if none was told.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The same without an address that may have been cut.
    #[must_use]
    pub fn whole(self) -> Party {
        let longest = ADDRESS - char::MAX.len_utf8();
        match self.uri.len() > longest {
            true => Party {
                uri: Text::new(),
                ..self
            },
            false => self,
        }
    }

    /// Whether that is its address, parameters aside, and a port that only one of the two has: servers do not always
    /// write an address alike.
    pub fn is_at(&self, address: &str) -> bool {
        let (own, other) = (self.uri.as_bytes(), address.as_bytes());
        match (Uri::parse(own), Uri::parse(other)) {
            (Ok(own), Ok(other)) => {
                names_presentity(&own, &other) || names_presentity(&other, &own)
            }
            (Ok(_), Err(_)) | (Err(_), Ok(_)) | (Err(_), Err(_)) => !own.is_empty() && own == other,
        }
    }
}

/// As much of a text as fits, without what would move a cursor or turn the line around.
fn shown<const N: usize>(text: impl Iterator<Item = char>) -> Text<N> {
    let mut copy = Text::new();
    for letter in text.filter(|letter| is_harmless(*letter)) {
        if copy.push_str(letter.encode_utf8(&mut [0; 4])).is_err() {
            break;
        }
    }
    copy
}

/// Whether a character shows itself and nothing else (Unicode Standard Annex #9 §2).
fn is_harmless(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    !turns && !letter.is_control()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::wire::doc::dialog_info;
    use std::format;
    use std::string::{String, ToString};

    /// The one whom a document names so at the other end.
    fn named(display: &str, uri: &str) -> Option<(String, String)> {
        let body = format!(
            "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info'><dialog><remote>\
             <identity display='{display}'>{uri}</identity></remote></dialog></dialog-info>"
        );
        let mut found = None;
        dialog_info::read(body.as_bytes(), &mut |dialog| {
            let party = Party::new(dialog.remote.display, dialog.remote.identity);
            found = party.map(|it| (it.display().to_string(), it.uri().to_string()));
        })
        .expect("a document");
        found
    }

    #[test]
    fn a_party_is_kept_as_it_was_named() {
        for (display, uri) in [
            ("Front Door", "sip:301@pbx.example"),
            ("", "sip:301@pbx.example"),
            ("Zoë 李", ""),
            ("Anonymous", "sip:anonymous@anonymous.invalid"),
        ] {
            let expected = Some((display.to_string(), uri.to_string()));
            assert_eq!(named(display, uri), expected);
        }
        assert_eq!(named("", ""), None);
    }

    #[test]
    fn a_long_one_is_cut_between_two_characters() {
        let (display, uri) = named(&"é".repeat(40), &"x".repeat(200)).expect("somebody");
        assert_eq!((display, uri), ("é".repeat(32), "x".repeat(ADDRESS)));
        let (display, _) = named(&format!("x{}", "é".repeat(40)), "").expect("somebody");
        assert_eq!(display.len(), DISPLAY - 1);
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_kept() {
        let (display, uri) = named(
            "a&#x202e;b&#x9b;2J&#x85;c&#x7f;d&#x2028;&#x200f;e",
            "sip:a&#x2066;b",
        )
        .expect("somebody");
        assert_eq!((display.as_str(), uri.as_str()), ("ab2Jcde", "sip:ab"));
        assert_eq!(named("&#x7f;", ""), None);
    }

    #[test]
    fn an_address_is_known_in_other_words() {
        for (uri, address, same) in [
            (
                "sip:301@pbx.example",
                "sip:301@PBX.example:5060;user=phone",
                true,
            ),
            ("sip:301@pbx.example:5080", "sip:301@pbx.example", true),
            (
                "sip:301@pbx.example:5080",
                "sip:301@pbx.example:5090",
                false,
            ),
            ("sip:301@pbx.example", "sip:302@pbx.example", false),
            ("sip:desk@192.0.2.1", "sip:desk@192.0.2.2", false),
            ("301", "301", true),
            ("301", "sip:301@pbx.example", false),
            ("", "", false),
        ] {
            let party = Party::told("", uri);
            assert_eq!(party.is_at(address), same, "{uri} {address}");
        }
    }
}

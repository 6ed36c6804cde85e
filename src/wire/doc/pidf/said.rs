//! What notes say of a state: servers and phones put it into words that are meant for people.
//!
//! A note counts if it is one of these phrases from end to end, in any case. People write notes too, and who is "busy
//! baking" or has put the printer on hold says nothing of the phone.

use crate::wire::doc::XmlText;

/// A whole state, in a word. Of two that stand in one document the later one here says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Nobody is there.
    Offline,
    /// Reachable and free.
    Free,
    /// Reachable, but not at the desk.
    Away,
    /// Here, and occupied.
    Busy,
    /// Does not want to be disturbed.
    Refuses,
    /// A call is held.
    Held,
    /// In a call.
    Talking,
    /// Being called.
    Ringing,
}

impl Said {
    /// What a note says of a state, if it is nothing else.
    pub fn noted(note: &str) -> Option<Said> {
        let note = note.trim();
        if note.len() < SHORTEST || note.len() > LONGEST {
            return None;
        }
        let mut phrases = PHRASES.iter();
        let said = phrases.find(|(phrase, _)| note.eq_ignore_ascii_case(phrase));
        said.map(|(_, said)| *said)
    }

    /// The same of a note in a document.
    pub(super) fn of(text: XmlText<'_>) -> Option<Said> {
        match text.plain() {
            Some(plain) => Said::noted(plain),
            None => Said::noted(&text.copy::<LONGEST>()?),
        }
    }

    /// What one of Cisco's own activities says; its phones publish them, and light their lamps by them.
    pub(super) fn marked(activity: &[u8]) -> Option<Said> {
        match activity {
            b"alerting" => Some(Said::Ringing),
            b"dnd" => Some(Said::Refuses),
            b"available" => Some(Said::Free),
            _ => None,
        }
    }

    /// Whether there is a call.
    pub const fn is_call(self) -> bool {
        match self {
            Said::Held | Said::Talking | Said::Ringing => true,
            Said::Offline | Said::Free | Said::Away | Said::Busy | Said::Refuses => false,
        }
    }
}

/// Each phrase, in lower case, with those who are known to send it.
///
/// "Idle" is said of people: pjsua and FreeSWITCH mean that nobody has touched the device, as xpidf does.
const PHRASES: [(&str, Said); 24] = [
    ("ringing", Said::Ringing),        // Asterisk
    ("ring", Said::Ringing),           // FreeSWITCH that hides numbers
    ("on the phone", Said::Talking),   // Asterisk, FreeSWITCH, pjsua, Jitsi, ComSIPL
    ("on a call", Said::Talking),      // VueSIP
    ("in a call", Said::Talking),      // Teams, through gateways
    ("on hold", Said::Held),           // Asterisk
    ("hold", Said::Held),              // FreeSWITCH that hides numbers
    ("do not disturb", Said::Refuses), // X-Lite, Bria, ComSIPL, VueSIP; our own
    ("dnd", Said::Refuses),            // FreePBX
    ("busy (dnd)", Said::Refuses),     // Jitsi
    ("busy", Said::Busy),              // pjsua, FreeSWITCH, ComSIPL
    ("in a meeting", Said::Busy),      // Jitsi, VueSIP
    ("away", Said::Away),              // pjsua, Jitsi, ComSIPL
    ("idle", Said::Away),              // pjsua, FreeSWITCH
    ("be right back", Said::Away),     // pjsua
    ("out to lunch", Said::Away),      // Messenger
    ("at lunch", Said::Away),          // VueSIP
    ("ready", Said::Free),             // Asterisk
    ("available", Said::Free),         // FreeSWITCH, ComSIPL, VueSIP
    ("online", Said::Free),            // Jitsi
    ("offline", Said::Offline),        // Jitsi, VueSIP; our own
    ("not online", Said::Offline),     // older softclients
    ("unavailable", Said::Offline),    // Asterisk
    ("unregistered", Said::Offline),   // FreeSWITCH
];

const SHORTEST: usize = 3;
const LONGEST: usize = 14;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn a_phrase_is_known_in_any_case_and_from_end_to_end_alone() {
        for (at, (phrase, said)) in PHRASES.into_iter().enumerate() {
            assert!((SHORTEST..=LONGEST).contains(&phrase.len()), "{phrase}");
            assert_eq!(phrase, phrase.to_ascii_lowercase());
            assert!(PHRASES[..at].iter().all(|(other, _)| *other != phrase));
            for note in [
                phrase.into(),
                phrase.to_ascii_uppercase(),
                format!(" \t{phrase}\r\n "),
            ] {
                assert_eq!(Said::noted(&note), Some(said), "{note:?}");
            }
            for note in [
                format!("{phrase} baking"),
                format!("not so {phrase}"),
                format!("{phrase}."),
            ] {
                assert_eq!(Said::noted(&note), None, "{note:?}");
            }
        }
        for note in ["", " ", "b", "bus", "dn d", "Gone fishing", "on  the phone"] {
            assert_eq!(Said::noted(note), None, "{note:?}");
        }
    }

    #[test]
    fn calls_say_the_most() {
        for (_, said) in PHRASES {
            assert_eq!(said.is_call(), said > Said::Refuses, "{said:?}");
        }
    }
}

//! What of carried elements belongs to which topic, so that a document can leave it out.
//!
//! An element is told by its local name, whatever its namespace: a publisher who spells a note otherwise must not get it
//! past the owner's rules. Comments are shown only where everything is.

use super::super::out::Out;
use crate::wire::doc::xml::MAX_DEPTH;
use core::ops::BitOr;
use xmlparser::{ElementEnd, StrSpan, Token, Tokenizer};

/// Topics that a document may leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// None.
    pub const NONE: Topics = Topics(0);
    /// What people say of themselves: notes.
    pub const NOTES: Topics = Topics(1);
    /// What they do: activities.
    pub const ACTIVITIES: Topics = Topics(2);
    /// What they do it with: devices, and when those were last used.
    pub const DEVICES: Topics = Topics(4);
    /// All.
    pub const ALL: Topics = Topics(7);

    /// How many sets of topics there are.
    pub const SETS: usize = 8;

    /// The set of that number, which is below [`Topics::SETS`].
    pub const fn from_bits(bits: u8) -> Topics {
        Topics(bits & Topics::ALL.0)
    }

    /// The number of the set.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether both have a topic in common.
    pub const fn meets(self, other: Topics) -> bool {
        self.0 & other.0 != 0
    }

    /// Those that an element of this name is about.
    fn of(local: &str) -> Topics {
        match local {
            "note" => Topics::NOTES,
            "activities" | "activity" => Topics::ACTIVITIES,
            "device" | "deviceID" | "user-input" => Topics::DEVICES,
            _ => Topics::NONE,
        }
    }
}

impl BitOr for Topics {
    type Output = Topics;

    fn bitor(self, other: Topics) -> Topics {
        Topics(self.0 | other.0)
    }
}

/// Shows carried elements piece by piece, each with the topics that it stands in. Together the pieces are all of them.
pub fn pieces(carried: &[u8], each: &mut dyn FnMut(Topics, &str)) {
    let Ok(text) = core::str::from_utf8(carried) else {
        return;
    };
    let mut within = [Topics::NONE; MAX_DEPTH];
    let mut depth = 0;
    let mut from = 0;
    for token in Tokenizer::from_fragment(text, 0..text.len()) {
        // They were read before they were carried.
        let Ok(token) = token else { return };
        let around = match depth {
            0 => Topics::NONE,
            depth => within[depth - 1],
        };
        match token {
            Token::ElementStart { local, span, .. } => {
                let Some(place) = within.get_mut(depth) else {
                    return;
                };
                *place = around | Topics::of(local.as_str());
                depth += 1;
                from = span.start();
            }
            Token::Attribute { .. } => {}
            Token::ElementEnd { end, span } => {
                let piece = match end {
                    ElementEnd::Open | ElementEnd::Empty => &text[from..span.end()],
                    ElementEnd::Close(..) => span.as_str(),
                };
                each(around, piece);
                match end {
                    ElementEnd::Open => {}
                    ElementEnd::Empty | ElementEnd::Close(..) => depth = depth.saturating_sub(1),
                }
            }
            Token::Text { text } => each(around, text.as_str()),
            Token::Cdata { span, .. } => each(around, span.as_str()),
            other => each(Topics::ALL, spelled(other)),
        }
    }
}

/// What is not markup of an element.
fn spelled(token: Token<'_>) -> &str {
    let span: StrSpan<'_> = match token {
        Token::Declaration { span, .. }
        | Token::ProcessingInstruction { span, .. }
        | Token::Comment { span, .. }
        | Token::DtdStart { span, .. }
        | Token::EmptyDtd { span, .. }
        | Token::EntityDeclaration { span, .. }
        | Token::DtdEnd { span }
        | Token::ElementStart { span, .. }
        | Token::Attribute { span, .. }
        | Token::ElementEnd { span, .. }
        | Token::Cdata { span, .. } => span,
        Token::Text { text } => text,
    };
    span.as_str()
}

/// Writes carried elements without those topics.
pub(super) fn write_without(hidden: Topics, carried: &[u8], out: &mut Out<'_>) {
    if hidden == Topics::NONE {
        return out.bytes(carried);
    }
    pieces(carried, &mut |topics, piece| {
        if !topics.meets(hidden) {
            out.raw(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    const CARRIED: &str = "<tuple id='a'><status><basic>open</basic><!-- c --></status><note>hi \
        <b>there</b></note><dm:deviceID>urn:x</dm:deviceID></tuple><x:device id='d'><dm:note>n</dm:note>\
        <r:user-input/>t<![CDATA[<note>]]></x:device><ep:activities><ep:note>m</ep:note><ep:away/>\
        </ep:activities>";

    fn without(hidden: Topics) -> String {
        let mut buf = [0; 1_024];
        let mut out = Out::new(&mut buf);
        write_without(hidden, CARRIED.as_bytes(), &mut out);
        let len = out.finish().expect("it fits");
        String::from_utf8_lossy(&buf[..len]).into_owned()
    }

    #[test]
    fn topics_are_left_out_whatever_their_namespace() {
        assert_eq!(without(Topics::NONE), CARRIED);
        assert_eq!(
            without(Topics::NOTES),
            "<tuple id='a'><status><basic>open</basic></status><dm:deviceID>urn:x</dm:deviceID></tuple>\
             <x:device id='d'><r:user-input/>t<![CDATA[<note>]]></x:device><ep:activities><ep:away/>\
             </ep:activities>"
        );
        assert_eq!(
            without(Topics::ACTIVITIES | Topics::DEVICES),
            "<tuple id='a'><status><basic>open</basic></status><note>hi <b>there</b></note></tuple>"
        );
        assert_eq!(
            without(Topics::ALL),
            "<tuple id='a'><status><basic>open</basic></status></tuple>"
        );
    }

    #[test]
    fn the_pieces_together_are_all_there_was() {
        let mut all = String::new();
        pieces(CARRIED.as_bytes(), &mut |_, piece| all.push_str(piece));
        assert_eq!(all, CARRIED);
        pieces(b"<a><b", &mut |_, _| {});
        pieces(b"\xff", &mut |_, _| panic!("nothing"));
    }
}

//! What a watcher says to have already, so that it need not be told again (RFC 5839).
//!
//! A tag stands for what is seen of a presentity in one package and view, as one body type: it is a hash, under a secret
//! of this run, of all that such a document is made of. A partial document has the tag of the full state (§4).

use crate::ground::hex::{hex, unhex};
use crate::wire::sip::Request;

/// The tag of a document in one of its body types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) hash: u64,
    /// Which of the package's types.
    pub(super) media_type: u8,
}

/// When to say nothing (§6.2, §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Never.
    Never,
    /// As long as this is the state.
    Is(Tag),
    /// Whatever the state is.
    Always,
}

impl Tag {
    /// Characters of a tag.
    pub(super) const LEN: usize = 17;

    /// The tag as SIP-ETag has it.
    pub(super) fn text(self) -> [u8; Tag::LEN] {
        let mut text = [b'0' + self.media_type; Tag::LEN];
        hex(&mut text[..Tag::LEN - 1], self.hash);
        text
    }

    /// Reads what we have written, byte by byte.
    fn parse(text: &[u8]) -> Option<Tag> {
        let (media_type, hash) = text.split_last().filter(|_| text.len() == Tag::LEN)?;
        Some(Tag {
            hash: unhex(hash)?,
            media_type: media_type.wrapping_sub(b'0'),
        })
    }
}

impl Condition {
    /// That of a SUBSCRIBE. What is no tag of ours, or can't be read, never holds.
    pub(super) fn of(request: &Request<'_>) -> Condition {
        match request.headers.suppress_if_match() {
            Ok(None) | Err(_) => Condition::Never,
            Ok(Some(b"*")) => Condition::Always,
            Ok(Some(text)) => Tag::parse(text).map_or(Condition::Never, Condition::Is),
        }
    }

    /// Whether it holds where the state has this tag; where there is none to tell, that is `None`.
    #[inline]
    pub(super) fn holds(self, tag: Option<Tag>) -> bool {
        match self {
            Condition::Never => false,
            Condition::Is(known) => tag == Some(known),
            Condition::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_written() /* F12 */
    {
        let tag = Tag {
            hash: 0x0123_4567_89ab_cdef,
            media_type: 1,
        };
        assert_eq!(&tag.text(), b"0123456789abcdef1");
        assert_eq!(Tag::parse(&tag.text()), Some(tag));
        for other in [
            &b"0123456789ABCDEF1"[..],
            b"0123456789abcdef",
            b"",
            b"0123456789abcdef11",
            b"0123456789abcdeg1",
        ] {
            assert_eq!(Tag::parse(other), None);
        }
    }

    #[test]
    fn a_condition_holds_for_its_tag_or_always() /* F13 F14 */
    {
        let tag = |hash| {
            Some(Tag {
                hash,
                media_type: 0,
            })
        };
        let is = Condition::Is(Tag {
            hash: 1,
            media_type: 0,
        });
        assert!(is.holds(tag(1)) && !is.holds(tag(2)) && !is.holds(None));
        assert!(Condition::Always.holds(None) && !Condition::Never.holds(tag(1)));
    }
}

//! Tokens: the tags and branches we make up, which lead straight back to what they were made for.
//!
//! A token names its owner's table, the slot in it, and 64 random bits. When a peer returns it, finding the
//! owner takes one look; a guess misses unless it guesses the bits (RFC 3261 §19.3 asks for 32 of them).

use crate::ground::hex::{hex, unhex};
use crate::ground::random::Random;

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A subscription we serve.
    Subscription,
    /// A watch: our own subscription before a notifier answered.
    Watch,
    /// One notifier's side of a watch.
    Usage,
    /// A registration of ours at a server.
    Registration,
    /// A publication of ours at a server.
    Publication,
}

/// A tag or branch of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub owner: Owner,
    /// The owner's slot.
    pub slot: u16,
    /// What a stranger cannot know.
    pub nonce: u64,
}

impl Token {
    /// Bytes of a token as text.
    pub const LEN: usize = 21;

    /// What every branch begins with (RFC 3261 §8.1.1.7).
    pub const COOKIE: &'static [u8] = b"z9hG4bK";

    /// A new token.
    pub fn draw(owner: Owner, slot: u16, random: &mut Random) -> Token {
        Token {
            owner,
            slot,
            nonce: random.bits(),
        }
    }

    /// The token as text for a tag or, behind [`Token::COOKIE`], a branch.
    pub fn text(&self) -> [u8; Token::LEN] {
        let mut text = [0; Token::LEN];
        text[0] = self.owner.letter();
        hex(&mut text[1..5], u64::from(self.slot));
        hex(&mut text[5..], self.nonce);
        text
    }

    /// Reads a tag; `None` if it is not one of ours.
    pub fn from_tag(text: &[u8]) -> Option<Token> {
        let (&letter, digits) = text.split_first()?;
        if digits.len() != Token::LEN - 1 {
            return None;
        }
        let (slot, nonce) = digits.split_at(4);
        Some(Token {
            owner: Owner::from_letter(letter)?,
            slot: unhex(slot)? as u16,
            nonce: unhex(nonce)?,
        })
    }

    /// Reads the branch out of the beginning of a request of ours, however short; `None` if that does not reach so far.
    pub fn quoted(beginning: &[u8]) -> Option<Token> {
        let via = memchr::memmem::find(beginning, b"\r\nVia: ")?;
        let via = beginning.get(via..)?;
        let branch = memchr::memmem::find(via, Token::COOKIE)?;
        Token::from_branch(via.get(branch..branch + Token::COOKIE.len() + Token::LEN)?)
    }

    /// The token as the number of a STUN request (RFC 5389 §6): who guesses it has to guess as much as of a branch.
    pub const fn number(&self) -> [u8; 12] {
        let [high, low] = self.slot.to_be_bytes();
        let [a, b, c, d, e, f, g, h] = self.nonce.to_be_bytes();
        [self.owner.letter(), 0, high, low, a, b, c, d, e, f, g, h]
    }

    /// Reads such a number; `None` if it is not one of ours.
    pub fn from_number([letter, zero, high, low, nonce @ ..]: [u8; 12]) -> Option<Token> {
        let owner = Owner::from_letter(letter).filter(|_| zero == 0)?;
        Some(Token {
            owner,
            slot: u16::from_be_bytes([high, low]),
            nonce: u64::from_be_bytes(nonce),
        })
    }

    /// Reads a branch; `None` if it is not one of ours.
    pub fn from_branch(text: &[u8]) -> Option<Token> {
        Token::from_tag(text.strip_prefix(Token::COOKIE)?)
    }
}

impl Owner {
    const fn letter(self) -> u8 {
        match self {
            Owner::Subscription => b's',
            Owner::Watch => b'w',
            Owner::Usage => b'l',
            Owner::Registration => b'r',
            Owner::Publication => b'p',
        }
    }

    const fn from_letter(letter: u8) -> Option<Owner> {
        match letter {
            b's' => Some(Owner::Subscription),
            b'w' => Some(Owner::Watch),
            b'l' => Some(Owner::Usage),
            b'r' => Some(Owner::Registration),
            b'p' => Some(Owner::Publication),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_the_wire() {
        for owner in [
            Owner::Subscription,
            Owner::Watch,
            Owner::Usage,
            Owner::Registration,
            Owner::Publication,
        ] {
            let token = Token {
                owner,
                slot: 0x0fed,
                nonce: 0x0123_4567_89ab_cdef,
            };
            assert_eq!(Token::from_tag(&token.text()), Some(token));
            assert_eq!(Token::from_number(token.number()), Some(token));
        }
    }

    #[test]
    fn a_request_that_is_quoted_shows_its_branch_if_that_is_in_it() {
        let text = b"NOTIFY sip:a@b;x=z9hG4bKw0001000000000000000b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKs0001000000000000000a;rport\r\n";
        let token = Token::from_tag(b"s0001000000000000000a");
        let end = text.len() - b";rport\r\n".len();
        for len in 0..text.len() {
            let expected = token.filter(|_| len >= end);
            assert_eq!(Token::quoted(&text[..len]), expected, "{len}");
        }
        assert_eq!(Token::quoted(b"\r\nVia: z9hG4bK776asdhds"), None);
    }

    #[test]
    fn strangers_text_is_no_mark() {
        for text in [
            &b""[..],
            b"s",
            b"x0001000000000000000a",
            b"s000100000000000000A0",
            b"s0001000000000000000a0",
        ] {
            assert_eq!(Token::from_tag(text), None);
        }
        assert_eq!(Token::from_branch(b"s0001000000000000000a"), None);
    }
}

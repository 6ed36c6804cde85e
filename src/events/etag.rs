//! Entity-tags: what a publication is called from one PUBLISH to the next (RFC 3903 §8.3).
//!
//! ```text
//! 0123456789abcdef 00000007 89abcdef 0123456789abcdef      without the blanks: 48 characters
//! nonce            count    salt     mac
//! ```
//!
//! The nonce stays for the life of a publication, the count grows with every 200, the salt is drawn anew, and the last
//! part proves that we made the tag. So none is ever given out twice, not even by an agent that forgot how far it had
//! counted, and whoever knows one of them cannot guess the next.

use crate::ground::hex::{hex, unhex};
use crate::ground::random::{Random, Secret};

/// An entity-tag of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// Which publication: drawn once for each.
    pub nonce: u64,
    /// How many times it was published, modified or refreshed.
    pub count: u32,
    /// What nobody can guess.
    pub salt: u32,
}

impl EntityTag {
    /// Characters of a tag.
    pub const LEN: usize = 48;

    /// The first tag of a new publication.
    pub fn draw(random: &mut Random) -> EntityTag {
        let nonce = random.bits();
        EntityTag {
            nonce,
            count: 1,
            salt: random.bits() as u32,
        }
    }

    /// The tag after this one.
    #[must_use]
    pub fn next(self, random: &mut Random) -> EntityTag {
        EntityTag {
            nonce: self.nonce,
            count: self.count.wrapping_add(1),
            salt: random.bits() as u32,
        }
    }

    /// The tag as SIP-ETag has it: a token.
    pub fn text(&self, secret: Secret) -> [u8; EntityTag::LEN] {
        let mut text = [0; EntityTag::LEN];
        hex(&mut text[..16], self.nonce);
        hex(&mut text[16..24], u64::from(self.count));
        hex(&mut text[24..32], u64::from(self.salt));
        let mac = self.mac(secret);
        hex(&mut text[32..], mac);
        text
    }

    /// Reads what a SIP-If-Match has; `None` unless it was made under `secret`, byte by byte (RFC 3903 §6).
    pub fn parse(text: &[u8], secret: Secret) -> Option<EntityTag> {
        if text.len() != EntityTag::LEN {
            return None;
        }
        let tag = EntityTag {
            nonce: unhex(&text[..16])?,
            count: unhex(&text[16..24])? as u32,
            salt: unhex(&text[24..32])? as u32,
        };
        // One comparison of two words: it takes as long for every guess.
        (unhex(&text[32..])? == tag.mac(secret)).then_some(tag)
    }

    fn mac(&self, secret: Secret) -> u64 {
        let hasher = secret.hasher().part(b"entity-tag");
        let hasher = hasher.part(&self.nonce.to_be_bytes());
        let hasher = hasher.part(&self.count.to_be_bytes());
        hasher.part(&self.salt.to_be_bytes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        let mut random = Random::new();
        random.seed([3, 4]);
        random
    }

    #[test]
    fn a_tag_survives_the_wire_and_is_a_token() /* C12 */
    {
        let mut random = random();
        let secret = random.secret();
        let mut tag = EntityTag::draw(&mut random);
        for count in 1..100 {
            assert_eq!(tag.count, count);
            let text = tag.text(secret);
            assert!(text.iter().all(u8::is_ascii_alphanumeric));
            assert_eq!(EntityTag::parse(&text, secret), Some(tag));
            let next = tag.next(&mut random);
            assert_eq!(next.nonce, tag.nonce);
            assert_ne!(next.text(secret), text);
            tag = next;
        }
    }

    #[test]
    fn a_tag_made_anew_after_a_loss_is_another_one() /* C12 */
    {
        let mut random = random();
        let tag = EntityTag::draw(&mut random);
        let lost = tag.next(&mut random);
        let again = tag.next(&mut random);
        assert_eq!(lost.count, again.count);
        assert_ne!(lost, again);
    }

    #[test]
    fn nobody_else_makes_a_tag_of_ours() /* C03, ATTACKS H07 */
    {
        let mut random = random();
        let secret = random.secret();
        let text = EntityTag::draw(&mut random).text(secret);
        assert_eq!(EntityTag::parse(&text, random.secret()), None);
        for at in 0..text.len() {
            let mut other = text;
            for byte in [b'0', b'f', b'A', b'G', b'*', 0xff] {
                other[at] = byte;
                let same = other == text;
                assert_eq!(EntityTag::parse(&other, secret).is_some(), same, "{at}");
            }
            assert_eq!(EntityTag::parse(&text[..at], secret), None, "{at}");
        }
        for guess in [&b"*"[..], b"", &[b'0'; 48], &[b'0'; 49]] {
            assert_eq!(EntityTag::parse(guess, secret), None);
        }
        for _ in 0..100_000 {
            let mut guess = text;
            hex(&mut guess[32..], random.bits());
            assert_eq!(EntityTag::parse(&guess, secret), None);
        }
    }
}

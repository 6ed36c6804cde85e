//! Documents that were rendered, shared by all watchers that see the same.
//!
//! A ring: a new document takes the place of the oldest. Whoever still needs that one for a retransmission
//! finds its id stale and sends the newest state instead, under a new CSeq; that takes [`limits::BODIES`] newer
//! documents since this one was made, and a watcher who has not answered.

use super::condition::Tag;
use crate::events::package::{Baseline, Body, Package, Scene};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use heapless::Vec;

/// The last documents rendered.
pub(super) struct Bodies {
    ring: Vec<Rendered, { limits::BODIES }>,
    next: u16,
    made: u32,
}

/// A document in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyId {
    slot: u16,
    number: u32,
}

/// What a document was made of: equal makings, equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Making {
    pub(super) presentity: Id<Presentity>,
    pub(super) package: Package,
    pub(super) view: View,
    pub(super) told: Baseline,
    pub(super) revision: u32,
    /// What the presentity's revision does not count.
    pub(super) edition: u32,
    /// Whether it is told in the package's patched format.
    pub(super) patched: bool,
    /// The moment it tells of, if it says how long something lasts.
    pub(super) moment: Instant,
}

struct Rendered {
    number: u32,
    making: Making,
    bytes: Vec<u8, { limits::BODY }>,
    version_at: Option<usize>,
    /// The line with the tag of the full state, as the first of the package's body types has it.
    tag: [u8; LINE],
}

/// What the line with a tag begins with.
const HEAD: &[u8] = b"SIP-ETag: ";

/// Bytes of that line.
const LINE: usize = HEAD.len() + Tag::LEN + 2;

impl Making {
    /// The tag of what it is made of: equal states seen alike, equal tags (RFC 5839 §6.1).
    pub(super) fn tag(&self, secret: &Secret, media_type: u8) -> Tag {
        let mut text = [0; 13];
        text[..2].copy_from_slice(&self.presentity.slot().to_be_bytes());
        text[2] = self.package as u8;
        text[3..5].copy_from_slice(&self.view.bits().to_be_bytes());
        text[5..9].copy_from_slice(&self.revision.to_be_bytes());
        text[9..].copy_from_slice(&self.edition.to_be_bytes());
        Tag {
            hash: secret.hasher().part(b"tag").part(&text).finish(),
            media_type,
        }
    }
}

impl Bodies {
    pub(super) const fn new() -> Bodies {
        Bodies {
            ring: Vec::new(),
            next: 0,
            made: 0,
        }
    }

    /// Renders a document; `None` if it does not fit [`limits::BODY`].
    pub(super) fn render(&mut self, scene: &Scene<'_>, making: Making, tag: Tag) -> Option<BodyId> {
        let served = making.package.served()?;
        self.put(making, tag, |buf| (served.write)(scene, making.told, buf))
    }

    /// Keeps the document that `write` writes.
    pub(super) fn put(
        &mut self,
        making: Making,
        tag: Tag,
        write: impl FnOnce(&mut [u8]) -> Option<Body>,
    ) -> Option<BodyId> {
        let slot = self.next;
        if self.ring.len() == usize::from(slot) {
            let fresh = Rendered {
                number: 0,
                making,
                bytes: Vec::new(),
                version_at: None,
                tag: [0; LINE],
            };
            self.ring.push(fresh).ok()?;
        }
        let rendered = &mut self.ring[usize::from(slot)];
        rendered.number = 0;
        rendered.bytes.clear();
        rendered.bytes.resize(limits::BODY, 0).ok()?;
        let Body { len, version_at } = write(&mut rendered.bytes)?;
        rendered.bytes.truncate(len);
        self.made = self.made.wrapping_add(1).max(1);
        (rendered.number, rendered.making, rendered.version_at) = (self.made, making, version_at);
        rendered.tag[HEAD.len()..LINE - 2].copy_from_slice(&tag.text());
        rendered.tag[..HEAD.len()].copy_from_slice(HEAD);
        rendered.tag[LINE - 2..].copy_from_slice(b"\r\n");
        self.next = (slot + 1) % limits::BODIES as u16;
        Some(BodyId {
            slot,
            number: self.made,
        })
    }

    /// The document made of this, if it is still there; the ring is short.
    pub(super) fn find(&self, making: &Making) -> Option<BodyId> {
        let slot = self
            .ring
            .iter()
            .position(|rendered| rendered.number != 0 && rendered.making == *making)?;
        let number = self.ring.get(slot)?.number;
        Some(BodyId {
            slot: slot as u16,
            number,
        })
    }

    /// Whether the document is there for at least so many newer ones.
    pub(super) fn outlasts(&self, id: BodyId, newer: usize) -> bool {
        let ahead = usize::from(id.slot) + limits::BODIES - usize::from(self.next);
        ahead % limits::BODIES >= newer
    }

    /// Whether the document is there and was made of this.
    pub(super) fn is(&self, id: BodyId, making: &Making) -> bool {
        self.get(id)
            .is_some_and(|rendered| rendered.making == *making)
    }

    /// The line with the tag of the full state that the document tells of, in the first of the package's body types.
    pub(super) fn tag_line(&self, id: BodyId) -> Option<&[u8]> {
        self.get(id).map(|rendered| &rendered.tag[..])
    }

    /// The same tag in one of its types.
    pub(super) fn tag(&self, id: BodyId, media_type: u8) -> Option<[u8; Tag::LEN]> {
        let mut text = [0; Tag::LEN];
        text.copy_from_slice(&self.get(id)?.tag[HEAD.len()..LINE - 2]);
        text[Tag::LEN - 1] += media_type;
        Some(text)
    }

    /// The document's bytes around its version number, if it has one; `None` once the id is stale.
    pub(super) fn parts(&self, id: BodyId) -> Option<(&[u8], Option<&[u8]>)> {
        let rendered = self.get(id)?;
        Some(match rendered.version_at {
            Some(at) => {
                let (before, after) = rendered.bytes.split_at_checked(at)?;
                (before, Some(after))
            }
            None => (&rendered.bytes, None),
        })
    }

    fn get(&self, id: BodyId) -> Option<&Rendered> {
        self.ring
            .get(usize::from(id.slot))
            .filter(|rendered| rendered.number == id.number)
    }
}

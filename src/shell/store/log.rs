//! The form of the file: a head, then frames that name each other.

use std::hash::Hasher;
use std::vec::Vec;

use siphasher::sip::SipHasher24;

use super::batch::entries;
use super::index::Index;

/// Bytes of a frame before its entries, and of all beside them.
pub(super) const BEFORE: u64 = 20;
pub(super) const OVERHEAD: usize = BEFORE as usize + SUM;

const MAGIC: &[u8; 8] = b"LAMPSTOR";
const FORM: u32 = 1;
const HEAD: usize = 32;
const SUM: usize = 8;

/// Bytes and entries looked at behind a bad frame at least, before it is taken for damage.
const PATIENCE: usize = 256 * 1024;

/// Where a log has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// That of the store.
    id: u64,
    /// Number of the next frame.
    next: u64,
    /// Checksum of what stands before it.
    last: u64,
}

/// What the bytes of a file are.
pub(super) enum Found {
    /// A log that ends here.
    Whole(Chain, u64),
    /// A log that ends here, and the beginning of a frame.
    Torn(Chain, u64),
    /// None of ours.
    Bad(&'static str),
}

impl Chain {
    /// A store of this name that has nothing in it.
    pub(super) fn new(id: u64) -> Chain {
        Chain {
            id,
            next: 0,
            last: 0,
        }
    }

    /// The head of a file.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&FORM.to_le_bytes());
        head.extend_from_slice(&[0; 4]);
        head.extend_from_slice(&self.id.to_le_bytes());
        head.extend_from_slice(&sum(self.id, &head).to_le_bytes());
        head
    }

    /// The chain behind the head of a new file; frames are numbered on, so that none of another file fits in.
    pub(super) fn begin(&self) -> Chain {
        let head = self.head();
        Chain {
            last: sum(self.id, &head),
            ..*self
        }
    }

    /// Makes the next frame into `frame`; gives the chain behind it.
    pub(super) fn frame(&self, entries: &[u8], frame: &mut Vec<u8>) -> Chain {
        frame.clear();
        frame.extend_from_slice(&(entries.len() as u32).to_le_bytes());
        frame.extend_from_slice(&self.next.to_le_bytes());
        frame.extend_from_slice(&self.last.to_le_bytes());
        frame.extend_from_slice(entries);
        let sum = sum(self.id, frame);
        frame.extend_from_slice(&sum.to_le_bytes());
        Chain {
            next: self.next + 1,
            last: sum,
            ..*self
        }
    }
}

/// Reads a file from beginning to end.
pub(super) fn read(bytes: &[u8], index: &mut Index) -> Found {
    let Some(id) = id_of(bytes) else {
        return match bytes.len() {
            0 => Found::Bad("it is empty"),
            _ if !bytes.starts_with(MAGIC) => Found::Bad("it is no state of ours"),
            _ if bytes.get(8..12) != Some(&FORM.to_le_bytes()) => {
                Found::Bad("it is of another version")
            }
            _ => Found::Bad("its head is damaged"),
        };
    };
    let mut chain = Chain::new(id).begin();
    let mut at = HEAD;
    let mut first = true;
    while let Some(frame) = Frame::at(bytes, at, id) {
        let follows = frame.last == chain.last && (first || frame.number == chain.next);
        if !follows {
            break;
        }
        if !index.take_in_entries(frame.entries, at as u64 + BEFORE) {
            return Found::Bad("a record in it makes no sense");
        }
        chain = Chain {
            id,
            next: frame.number + 1,
            last: frame.sum,
        };
        at += frame.len();
        first = false;
    }
    if at == bytes.len() {
        return Found::Whole(chain, at as u64);
    }
    // A frame further on was written after this one was safe: this is damage, and no cut.
    let is_later = |number: u64| number > chain.next || first;
    if has_frame_behind(bytes, at, id, is_later) {
        return Found::Bad("it is damaged in the middle");
    }
    Found::Torn(chain, at as u64)
}

/// Whether a frame of such a number is somewhere behind `at`. Bytes that look like many long frames, as no cut leaves
/// them, are not looked through for ever: they are damage too.
fn has_frame_behind(bytes: &[u8], at: usize, id: u64, is_it: impl Fn(u64) -> bool) -> bool {
    let mut patience = PATIENCE + 2 * (bytes.len() - at);
    let frames = (at + 1..bytes.len()).filter_map(|from| Frame::claimed(bytes, from));
    for frame in frames.filter(|it| is_it(it.number) && !it.entries.is_empty()) {
        let looks_so = entries(frame.entries).all(|entry| {
            patience = patience.saturating_sub(1);
            entry.is_some() && patience > 0
        });
        patience = match looks_so {
            true => patience.saturating_sub(frame.len()),
            false => patience,
        };
        if patience == 0 || (looks_so && frame.is_sound(id)) {
            return true;
        }
    }
    false
}

fn id_of(bytes: &[u8]) -> Option<u64> {
    let head = bytes.get(..HEAD)?;
    let id = number(head, 16)?;
    let is_ours = Chain::new(id).head() == head;
    is_ours.then_some(id)
}

/// A frame as it claims to be.
struct Frame<'a> {
    number: u64,
    last: u64,
    entries: &'a [u8],
    /// All that the checksum is over.
    whole: &'a [u8],
    sum: u64,
}

impl<'a> Frame<'a> {
    /// One whose checksum is right.
    fn at(bytes: &'a [u8], at: usize, id: u64) -> Option<Frame<'a>> {
        Frame::claimed(bytes, at).filter(|it| it.is_sound(id))
    }

    fn claimed(bytes: &'a [u8], at: usize) -> Option<Frame<'a>> {
        let bytes = bytes.get(at..)?;
        let len = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let end = len.checked_add(BEFORE as usize)?;
        let whole = bytes.get(..end)?;
        Some(Frame {
            number: number(whole, 4)?,
            last: number(whole, 12)?,
            entries: &whole[BEFORE as usize..],
            whole,
            sum: number(bytes, end)?,
        })
    }

    fn is_sound(&self, id: u64) -> bool {
        sum(id, self.whole) == self.sum
    }

    fn len(&self) -> usize {
        self.entries.len() + OVERHEAD
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

/// Keyed with the store's name, so that a frame of another store does not count.
fn sum(id: u64, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(id, 0x6c61_6d70_6669_656c);
    hasher.write(bytes);
    hasher.finish()
}

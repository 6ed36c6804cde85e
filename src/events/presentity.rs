//! A presentity: whose presence we keep, and its composed state, from which every document is made.

mod calls;

pub use super::presence::{Carried, Presence};
pub use calls::{Call, Calls, Ended, Names, Naming, Told};

use super::facets::{Facets, next_stamp};
use super::ruling::View;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::text::Text;
use crate::ground::time::Wall;
use crate::wire::sip::Uri;
use core::fmt::Write;

/// A presentity of ours (RFC 2778 §2) and what is known of it.
#[derive(Clone, Debug)]
pub struct Presentity {
    uri: Text<{ limits::URI }>,
    /// The URN of its device here.
    device: Text<DEVICE>,
    presence: Presence,
    presence_revision: u32,
    /// When [`Presentity::presence`] last changed, as its documents tell it.
    stamp: Wall,
    facets: Facets,
    calls: Calls,
    /// How often do-not-disturb was switched: it is on where that is odd.
    switched: u32,
    /// Where in the URI its user stands: each NOTIFY has it in its Contact.
    user: (u16, u16),
}

impl Presentity {
    /// A presentity that is open, idle and silent.
    pub fn new(uri: Text<{ limits::URI }>) -> Presentity {
        Presentity {
            device: device(&uri, [0; 2]),
            user: user(&uri),
            uri,
            presence: Presence::new(),
            presence_revision: 1,
            stamp: Wall::UNSET,
            facets: Facets::new(),
            calls: Calls::new(),
            switched: 0,
        }
    }

    /// Takes what names this instance of the agent: another one that serves the same URI is another device.
    pub fn set_instance(&mut self, instance: [u64; 2]) {
        self.device = device(&self.uri, instance);
    }

    /// Takes the newly composed state; says whether anything is different now.
    pub fn update(&mut self, wall: Wall, presence: Presence, calls: &[Call]) -> bool {
        let calls = self.calls.update(calls);
        self.facets.begin(wall);
        if self.presence == presence {
            return calls;
        }
        self.presence_revision += 1;
        self.stamp = next_stamp(self.stamp, wall);
        let change = (self.presence_revision, self.stamp);
        self.facets.update(wall, change, &self.presence, &presence);
        self.presence = presence;
        true
    }

    /// Takes whether its owner does not want to be disturbed; says whether that is different now.
    pub fn set_dnd(&mut self, dnd: bool) -> bool {
        let is_other = dnd != self.dnd();
        self.switched += u32::from(is_other);
        is_other
    }

    /// Whether its owner does not want to be disturbed, as its own keys say. What others publish is not in it.
    pub fn dnd(&self) -> bool {
        self.switched % 2 == 1
    }

    /// A number that changes with [`Presentity::dnd`]; never 0, and never the same again.
    pub fn dnd_revision(&self) -> u32 {
        self.switched + 1
    }

    /// Its URI as configured: the `entity` of every document.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The user of that; empty if there is none.
    pub fn user(&self) -> &[u8] {
        let (from, to) = self.user;
        &self.uri.as_bytes()[usize::from(from)..usize::from(to)]
    }

    /// What the `presence` package tells.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// A number that changes with [`Presentity::presence`]; never 0.
    pub fn presence_revision(&self) -> u32 {
        self.presence_revision
    }

    /// A number that changes with what is seen of that in a view; never 0.
    pub fn presence_revision_in(&self, view: View) -> u32 {
        if view == View::FULL {
            self.presence_revision
        } else {
            self.facets.revision(view)
        }
    }

    /// When that last changed, as [`Presentity::stamp`]. One that is closed and silent whatever happens has been so from
    /// the beginning.
    pub fn stamp_in(&self, view: View) -> Wall {
        if view == View::FULL {
            self.stamp
        } else {
            self.facets.stamp(view)
        }
    }

    /// The URN of its device here, the same after every restart (RFC 4479 §3.4).
    pub fn device(&self) -> &str {
        &self.device
    }

    /// When that last changed; [`Wall::UNSET`] if nobody knows. To the second, but that no two states in a row have the
    /// same (RFC 3863 §4.1.7).
    pub fn stamp(&self) -> Wall {
        self.stamp
    }

    /// What the `dialog` package tells.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }
}

/// Where the user stands in a URI: behind the scheme, and before the host.
fn user(uri: &str) -> (u16, u16) {
    let user = Uri::parse(uri.as_bytes()).map_or(&b""[..], |uri| uri.user());
    let from = memchr::memchr(b':', uri.as_bytes()).map_or(0, |at| at + 1);
    match user.len() {
        0 => (0, 0),
        len => (from as u16, (from + len) as u16),
    }
}

/// Bytes of a `urn:uuid:`.
const DEVICE: usize = 45;

/// A UUID made of a presentity's URI (RFC 9562 §5.8).
fn device(uri: &str, instance: [u64; 2]) -> Text<DEVICE> {
    let hash = |salt: &[u8]| {
        let hasher = Secret::new().hasher().part(salt);
        let hasher = hasher.part(&instance[0].to_be_bytes());
        let hasher = hasher.part(&instance[1].to_be_bytes());
        hasher.part(uri.as_bytes()).finish()
    };
    let (high, low) = (hash(b"high"), hash(b"low"));
    let mut urn = Text::new();
    let _ = write!(
        urn,
        "urn:uuid:{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 50 | 0x8000,
        low & 0xffff_ffff_ffff,
    );
    urn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_states_in_a_row_have_the_same_stamp() /* P12 */
    {
        let at = Wall::from_unix_millis;
        let base = 1_790_000_000_000;
        let mut presentity = Presentity::new(Text::copied("sip:a@b").expect("it fits"));
        let mut last = presentity.stamp();
        let mut is_idle = false;
        // Many in one second, the next second, a clock that goes back.
        let millis = (0..1_200).map(|step| base + step / 3);
        for millis in millis.chain([base + 1_000, base + 1_999, base - 5_000, base - 4_999, base]) {
            is_idle = !is_idle;
            let presence = Presence {
                idle: is_idle,
                ..Presence::new()
            };
            assert!(presentity.update(at(millis), presence, &[]));
            assert_ne!(presentity.stamp().utc_to_millis(), last.utc_to_millis());
            last = presentity.stamp();
        }
    }

    #[test]
    fn without_a_clock_there_is_no_stamp() /* P12 */
    {
        let mut presentity = Presentity::new(Text::copied("sip:a@b").expect("it fits"));
        for is_idle in [true, false, true] {
            let presence = Presence {
                idle: is_idle,
                ..Presence::new()
            };
            presentity.update(Wall::UNSET, presence, &[]);
            assert_eq!(presentity.stamp(), Wall::UNSET);
        }
    }
}

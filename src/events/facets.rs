//! When what a view shows of a presentity last changed.
//!
//! A watcher that does not see a note must not notice that it is another one: neither by a NOTIFY nor by a timestamp
//! (RFC 6665 §6.2). So what is known of a presentity is divided by the topics that a view can leave out, and each part
//! knows the revision in which it changed last.

use super::presence::Presence;
use super::ruling::View;
use crate::ground::random::Secret;
use crate::ground::time::{Duration, Wall};
use crate::wire::doc::pidf::{Topics, pieces};

/// The parts of a presentity's presence, by the topics they stand in.
#[derive(Clone, Debug)]
pub(super) struct Facets {
    parts: [Change; Topics::SETS],
    /// Whether it is open, for those who see nothing else.
    basic: Change,
    /// A hash of what others published, by part.
    carried: [u64; Topics::SETS],
    /// When anything was known first.
    began: Option<Wall>,
}

/// The last change of a part.
#[derive(Clone, Copy, Debug)]
struct Change {
    revision: u32,
    stamp: Wall,
}

impl Facets {
    /// Nothing has changed yet.
    pub(super) const fn new() -> Facets {
        let never = Change {
            revision: 1,
            stamp: Wall::UNSET,
        };
        Facets {
            parts: [never; Topics::SETS],
            basic: never,
            carried: [0; Topics::SETS],
            began: None,
        }
    }

    /// The presence was looked at.
    pub(super) fn begin(&mut self, wall: Wall) {
        self.began.get_or_insert(wall.second());
    }

    /// It is another one from this revision on, whose documents have that stamp.
    pub(super) fn update(
        &mut self,
        wall: Wall,
        (revision, stamp): (u32, Wall),
        old: &Presence,
        new: &Presence,
    ) {
        let change = Change { revision, stamp };
        let mut changed = |topics: Topics| self.parts[usize::from(topics.bits())] = change;
        if (old.service, old.gone) != (new.service, new.gone) {
            changed(Topics::NONE);
        }
        if (old.gone, &old.note, &old.lang) != (new.gone, &new.note, &new.lang) {
            changed(Topics::NOTES);
        }
        if old.activities != new.activities {
            changed(Topics::ACTIVITIES);
        }
        if old.idle != new.idle {
            changed(Topics::DEVICES);
        }
        if old.basic != new.basic {
            self.basic = Change {
                revision,
                stamp: next_stamp(self.basic.stamp, wall),
            };
        }
        if old.carried != new.carried {
            self.carry(new, change);
        }
    }

    /// A number that changes with what is seen in a view of the presence.
    pub(super) fn revision(&self, view: View) -> u32 {
        self.seen(view).revision
    }

    /// When that last changed.
    pub(super) fn stamp(&self, view: View) -> Wall {
        match self.is_constant(view) {
            true => self.began.unwrap_or_default(),
            false => self.seen(view).stamp,
        }
    }

    fn seen(&self, view: View) -> Change {
        if self.is_constant(view) {
            return Facets::new().basic;
        }
        if view.hides(View::BASIC) {
            return self.basic;
        }
        let hidden = view.topics();
        let mut last = self.parts[0];
        for (bits, part) in self.parts.iter().enumerate() {
            if !Topics::from_bits(bits as u8).meets(hidden) && part.revision > last.revision {
                last = *part;
            }
        }
        last
    }

    fn is_constant(&self, view: View) -> bool {
        view.hides(View::CLOSED)
    }

    fn carry(&mut self, new: &Presence, change: Change) {
        let mut hashers = [const { Secret::new() }; Topics::SETS].map(|secret| secret.hasher());
        let parts = new.carried.parts();
        for (place, elements) in [parts.tuples, parts.person, parts.others]
            .into_iter()
            .enumerate()
        {
            pieces(elements, &mut |topics, piece| {
                let hasher = &mut hashers[usize::from(topics.bits())];
                *hasher = hasher.clone().part(&[place as u8]).part(piece.as_bytes());
            });
        }
        let places = self.parts.iter_mut().zip(&mut self.carried);
        for ((part, known), hasher) in places.zip(hashers) {
            let hash = hasher.finish();
            if core::mem::replace(known, hash) != hash {
                *part = change;
            }
        }
    }
}

/// The stamp of a state that comes at `wall` after one with the stamp `last`: the second, or a millisecond more than
/// the last where that is of the same.
pub(super) fn next_stamp(last: Wall, wall: Wall) -> Wall {
    if wall != Wall::UNSET && wall.second() == last.second() {
        last + Duration::from_millis(1)
    } else {
        wall.second()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::presentity::{Carried, Presentity};
    use crate::ground::text::Text;
    use crate::wire::doc::pidf::{Activities, Basic};

    /// What a view hides changes neither its revision nor its stamp.
    #[test]
    fn a_view_changes_with_what_it_shows() /* N30 */
    {
        let wall = |second: u64| Wall::from_unix_millis(1_790_000_000_000 + second * 1_000);
        let mut presentity = Presentity::new(Text::copied("sip:a@b").expect("it fits"));
        let mut presence = Presence::new();
        presentity.update(wall(0), presence.clone(), &[]);
        let mut carried = Carried::new();
        carried.end_tuples();
        let elements =
            "<c:mood/><dm:note>one</dm:note><rpid:activities><rpid:away/></rpid:activities>";
        carried
            .push::<()>(|buf| {
                buf[..elements.len()].copy_from_slice(elements.as_bytes());
                Ok(elements.len())
            })
            .expect("it fits");
        carried.end_person();
        let views = [
            View::FULL,
            View::NO_NOTES,
            View::NO_ACTIVITIES,
            View::NO_DEVICES,
            View::BASIC,
            View::CLOSED,
            View::FULL.with_note(0),
        ];
        let mut seconds = 0;
        let mut step = |change: &dyn Fn(&mut Presence), told: [bool; 7]| {
            let before =
                views.map(|it| (presentity.presence_revision_in(it), presentity.stamp_in(it)));
            change(&mut presence);
            seconds += 10;
            presentity.update(wall(seconds), presence.clone(), &[]);
            for (at, view) in views.into_iter().enumerate() {
                let (revision, stamp) = before[at];
                let is_new = presentity.presence_revision_in(view) != revision;
                assert_eq!((is_new, seconds), (told[at], seconds), "{view:?}");
                assert_eq!(presentity.stamp_in(view) != stamp, told[at], "{view:?}");
            }
        };
        let (yes, no) = (true, false);
        step(
            &|it| it.note = Text::copied("hm").expect("it fits"),
            [yes, no, yes, yes, no, no, no],
        );
        step(
            &|it| it.activities = Activities::AWAY,
            [yes, yes, no, yes, no, no, yes],
        );
        step(&|it| it.idle = true, [yes, yes, yes, no, no, no, yes]);
        step(
            &|it| it.basic = Basic::Closed,
            [yes, no, no, no, yes, no, no],
        );
        step(
            &|it| it.service = Some(Basic::Closed),
            [yes, yes, yes, yes, no, no, yes],
        );
        step(
            &|it| it.carried = carried.clone(),
            [yes, yes, yes, yes, no, no, yes],
        );
        let other = |it: &mut Presence, to: &str| {
            let text = elements.replace("one", "two").replace("<rpid:away/>", to);
            it.carried = Carried::new();
            it.carried.end_tuples();
            let _ = it.carried.push::<()>(|buf| {
                buf[..text.len()].copy_from_slice(text.as_bytes());
                Ok(text.len())
            });
            it.carried.end_person();
        };
        step(
            &|it| other(it, "<rpid:away/>"),
            [yes, no, yes, yes, no, no, no],
        );
        step(&|it| other(it, ""), [yes, yes, no, yes, no, no, yes]);
        assert_eq!(presentity.stamp_in(View::CLOSED), wall(0));
    }
}

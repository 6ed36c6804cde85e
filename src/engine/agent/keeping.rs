//! What is kept over a power cut: which records the store has to hear of, and when.
//!
//! The agent only says what is due ([`Agent::save_due`]) and writes it ([`Agent::next_record`]); all records taken at one
//! time belong together, and the store takes all of them or none. After a restart each is given back
//! ([`Agent::restore`]), the identity first.
//!
//! | key | record | written |
//! |---|---|---|
//! | `id` | the secret behind tags and decisions, the instance's name | once |
//! | `desk/N` | do-not-disturb, activity and note of a presentity | when one changes |
//! | `dec` | the owner's decisions about watchers | with each |
//! | `sub/N` | a subscription that we serve | when it begins, ends or moves; a refresh alone writes nothing until the lifetime on record is over |
//! | `reg/N` | a phone that is registered here | when it comes, goes or moves |
//! | `pub/N` | a publication | when its document changes or it ends; a refresh alone writes nothing, as with a subscription |
//! | `up/N` | the entity-tag of what we published at a server | with each; a server gives a new one with each refresh, too, and the one before is worth nothing then |
//!
//! Cards wear out: what changes within half a second is one write, eight writes may follow at once, and then there is
//! one a minute.

mod key;

pub use key::{KEY, Key};

use super::Agent;
use crate::events::kept::Lease;
use crate::events::pace::Bucket;
use crate::events::package::Pace;
use crate::events::presentity::Presentity;
use crate::ground::limits::{self, DECISIONS, NOTE, PRESENTITIES};
use crate::ground::random::Secret;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Instant, Moment, Seconds};
use crate::ground::timers::Timers;
use crate::roles::compositor::KeptPublication;
use crate::roles::notifier::KeptSubscription;
use crate::roles::registrar::KeptBinding;
use crate::roles::upstream::Instance;
use crate::users::compose::Input;
use crate::users::policy::Decision;
use crate::wire::doc::pidf::Activities;
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Bytes of the longest record.
pub const RECORD: usize = 4_096;

/// What the store has not heard of.
pub(super) struct Keeping {
    /// Whether there is a store at all.
    on: bool,
    secret: [u64; 2],
    instance: Instance,
    identity: bool,
    decisions: bool,
    desks: Timers<PRESENTITIES>,
    upstreams: Timers<{ limits::UPSTREAMS }>,
    bucket: Bucket,
    /// No write before this.
    not_before: Instant,
}

/// What changes together is written together.
const GATHER: Duration = Duration::from_millis(500);

/// What comes due so soon goes along with a write.
const ALONG: Seconds = Seconds(300);

const PACE: Pace = Pace {
    burst: 8,
    interval: Duration::from_secs(60),
};

/// The form of the records; one of another form is not read.
pub(super) const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct KeptIdentity {
    secret: [u64; 2],
    instance: Instance,
}

#[derive(Serialize, Deserialize)]
struct KeptDesk<'a> {
    uri: &'a str,
    dnd: bool,
    activity: u32,
    note: &'a str,
    /// Whether a phone ever registered for it.
    phone: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptUpstream<'a> {
    aor: &'a str,
    etag: &'a str,
    lease: Lease,
}

impl Keeping {
    pub(super) const fn new() -> Keeping {
        Keeping {
            on: false,
            secret: [0; 2],
            instance: [0; 2],
            identity: false,
            decisions: false,
            desks: Timers::new(),
            upstreams: Timers::new(),
            bucket: Bucket::new(),
            not_before: Instant::ZERO,
        }
    }

    /// The secret of this agent, and what it is called.
    pub(super) const fn identify(&mut self, secret: [u64; 2], instance: Instance) {
        self.secret = secret;
        self.instance = instance;
        self.identity = true;
    }

    /// The owner decided about a watcher.
    pub(super) const fn decided(&mut self) {
        self.decisions = true;
    }

    /// A presentity's own state changed.
    pub(super) fn touch(&mut self, now: Instant, desk: Id<Presentity>) {
        self.desks.hasten(desk.slot(), now);
    }

    /// What is published at a server changed.
    pub(super) fn touch_upstream(&mut self, now: Instant, upstream: u16) {
        self.upstreams.hasten(upstream, now);
    }

    fn due(&self) -> Option<Instant> {
        let at_once = (self.identity || self.decisions).then_some(Instant::ZERO);
        let all = [at_once, self.desks.next(), self.upstreams.next()];
        all.into_iter().flatten().min()
    }
}

impl Agent {
    /// There is a store: what it has to hear of is kept track of and told.
    pub fn keep(&mut self) {
        self.keeping.on = true;
    }

    /// When the store has to hear of something; `None` while it knows everything, or if there is none.
    pub fn save_due(&self) -> Option<Instant> {
        let all = [
            self.keeping.due(),
            self.notifier.unsaved.next(),
            self.registrar.unsaved.next(),
            self.compositor.unsaved.next(),
        ];
        let first = all
            .into_iter()
            .flatten()
            .min()
            .filter(|_| self.keeping.on)?;
        Some((first + GATHER).max(self.keeping.not_before))
    }

    /// Begins a write: from now on [`Agent::next_record`] gives what belongs to it. Whatever changes later belongs to
    /// the next.
    pub fn begin_save(&mut self, now: Instant) {
        let bucket = &mut self.keeping.bucket;
        let _ = bucket.take(now, PACE); // Whoever comes too early pays for it next time.
        let next = bucket.clone().take(now, PACE);
        self.keeping.not_before = next.err().unwrap_or(now);
    }

    /// The store has lost track: everything is written again.
    pub fn save_all(&mut self, now: Instant) {
        let keeping = &mut self.keeping;
        (keeping.identity, keeping.decisions) = (true, true);
        keeping.desks.hasten_all(now);
        keeping.upstreams.hasten_all(now);
        self.notifier.unsaved.hasten_all(now);
        self.registrar.unsaved.hasten_all(now);
        self.compositor.unsaved.hasten_all(now);
    }

    /// The next record of the write that was begun: its bytes are in `buf`, which should hold [`RECORD`] of them;
    /// without a length it is gone. `None` when that was all.
    pub fn next_record(&mut self, moment: Moment, buf: &mut [u8]) -> Option<(Key, Option<usize>)> {
        let until = moment.now + ALONG;
        // What is written now does not belong to the same write again.
        let again = until + Seconds(1);
        let key = self.take_unsaved(until)?;
        let len = match key {
            Key::Identity => {
                let Keeping {
                    secret, instance, ..
                } = self.keeping;
                write(&KeptIdentity { secret, instance }, buf)
            }
            Key::Decisions => {
                let all: Vec<Decision, DECISIONS> = self.policy.decisions().collect();
                write(&all, buf)
            }
            Key::Desk(slot) => self.desk_record(slot).and_then(|it| write(&it, buf)),
            Key::Subscription(slot) => {
                let directory = &self.directory;
                let uri_of = |id| Some(directory.presentities().get(id)?.uri());
                let kept = self.notifier.kept(moment, slot, again, uri_of);
                kept.and_then(|it| write(&it, buf))
            }
            Key::Binding(slot) => {
                let directory = &self.directory;
                let uri_of = |id| Some(directory.presentities().get(id)?.uri());
                let kept = self.registrar.kept(moment, slot, again, uri_of);
                kept.and_then(|it| write(&it, buf))
            }
            Key::Publication(slot) => {
                let directory = &self.directory;
                let uri_of = |id| Some(directory.presentities().get(id)?.uri());
                let kept = self.compositor.kept(moment, slot, again, uri_of);
                kept.and_then(|it| write(&it, buf))
            }
            Key::Upstream(number) => {
                let kept = self.upstream_record(moment, number);
                kept.and_then(|it| write(&it, buf))
            }
        };
        Some((key, len))
    }

    /// Takes back a record of before a restart, after [`Agent::start`] and the identity before all others. `false` if it
    /// is of no use any more: it expired, or the settings know whom it is about no longer, or it is no record.
    /// The store is told to drop it then, or it might come back where no clock tells that its time is over.
    pub fn restore(&mut self, moment: Moment, key: Key, record: &[u8]) -> bool {
        let is_back = record
            .strip_prefix(&[VERSION])
            .is_some_and(|record| self.restore_record(moment, key, record));
        if !is_back {
            self.save_again(moment.now, key);
        }
        is_back
    }

    fn restore_record(&mut self, moment: Moment, key: Key, record: &[u8]) -> bool {
        match key {
            Key::Identity => match postcard::from_bytes(record) {
                Ok(KeptIdentity { secret, instance }) => {
                    self.keeping.identify(secret, instance);
                    self.keeping.identity = false;
                    self.identify();
                    self.hash_rules_anew(moment.wall);
                    true
                }
                Err(_) => false,
            },
            Key::Decisions => {
                let is_back = self.restore_decisions(record);
                self.handle_clock(moment);
                is_back
            }
            Key::Desk(_) => self.restore_desk(moment, record),
            Key::Subscription(slot) => self.restore_subscription(moment, slot, record),
            Key::Binding(slot) => self.restore_phone(moment, slot, record),
            Key::Publication(slot) => self.restore_publication(moment, slot, record),
            Key::Upstream(_) => self.restore_upstream(moment, record),
        }
    }

    /// The store has to hear what is in the place of that key now, if there is such a place.
    fn save_again(&mut self, now: Instant, key: Key) {
        match key {
            Key::Identity => self.keeping.identity = true,
            Key::Decisions => self.keeping.decisions = true,
            Key::Desk(slot) => hasten(&mut self.keeping.desks, slot, now),
            Key::Upstream(number) => hasten(&mut self.keeping.upstreams, number, now),
            Key::Subscription(slot) => hasten(&mut self.notifier.unsaved, slot, now),
            Key::Binding(slot) => hasten(&mut self.registrar.unsaved, slot, now),
            Key::Publication(slot) => hasten(&mut self.compositor.unsaved, slot, now),
        }
    }

    /// Tells everybody who depends on it who we are.
    pub(super) fn identify(&mut self) {
        let secret = Secret::from_bits(self.keeping.secret);
        self.policy.seed(secret);
        self.know_users();
        self.registrar.seed(secret);
        self.compositor.seed(secret);
        self.directory.set_instance(self.keeping.instance);
        self.upstreams.set_instance(self.keeping.instance);
    }

    fn take_unsaved(&mut self, until: Instant) -> Option<Key> {
        let keeping = &mut self.keeping;
        if core::mem::take(&mut keeping.identity) {
            return Some(Key::Identity);
        }
        if core::mem::take(&mut keeping.decisions) {
            return Some(Key::Decisions);
        }
        let desk = keeping.desks.take_due(until).map(Key::Desk);
        let desk = desk.or_else(|| keeping.upstreams.take_due(until).map(Key::Upstream));
        let desk = desk.or_else(|| self.registrar.unsaved.take_due(until).map(Key::Binding));
        let desk = desk.or_else(|| {
            self.compositor
                .unsaved
                .take_due(until)
                .map(Key::Publication)
        });
        desk.or_else(|| self.notifier.unsaved.take_due(until).map(Key::Subscription))
    }

    fn desk_record(&self, slot: u16) -> Option<KeptDesk<'_>> {
        let id = self.directory.presentities().id_at(slot)?;
        let inputs = self.directory.inputs(id)?;
        Some(KeptDesk {
            uri: self.directory.presentities().get(id)?.uri(),
            dnd: inputs.dnd,
            activity: inputs.activity.bits(),
            note: &inputs.note,
            phone: self.directory.had_phone(id),
        })
    }

    fn restore_desk(&mut self, moment: Moment, record: &[u8]) -> bool {
        let Ok(kept) = postcard::from_bytes::<KeptDesk<'_>>(record) else {
            return false;
        };
        let (Some(id), Ok(note)) = (
            self.directory.configured(kept.uri),
            Text::<NOTE>::copied(kept.note),
        ) else {
            return false;
        };
        let number = self.presentities.iter().position(|it| *it == id);
        let Some(number) = number else { return false };
        if kept.phone {
            self.directory.note_phone(id);
            self.reach(moment, id);
        }
        for input in [
            Input::Dnd(kept.dnd),
            Input::Activity(Activities::from_bits(kept.activity)),
            Input::Note(note),
        ] {
            // Who switched it meanwhile at a server counts, and not what was so before.
            self.take_input(moment, number, input);
        }
        true
    }

    fn restore_subscription(&mut self, moment: Moment, slot: u16, record: &[u8]) -> bool {
        let Ok(kept) = postcard::from_bytes::<KeptSubscription<'_>>(record) else {
            return false;
        };
        let presentity = self.directory.configured(kept.presentity);
        let locals = &self.locals;
        presentity.is_some_and(|id| self.notifier.restore(moment, slot, id, &kept, locals))
    }

    fn restore_phone(&mut self, moment: Moment, slot: u16, record: &[u8]) -> bool {
        let Ok(kept) = postcard::from_bytes::<KeptBinding<'_>>(record) else {
            return false;
        };
        let presentity = self.directory.configured(kept.presentity);
        let is_back = presentity.is_some_and(|id| self.registrar.restore(moment, slot, id, &kept));
        self.hear_registrations(moment);
        is_back
    }

    fn restore_publication(&mut self, moment: Moment, slot: u16, record: &[u8]) -> bool {
        let Ok(kept) = postcard::from_bytes::<KeptPublication<'_>>(record) else {
            return false;
        };
        let presentity = self.directory.configured(kept.presentity);
        let is_back = presentity.is_some_and(|id| self.compositor.restore(moment, slot, id, &kept));
        self.hear_publications(moment);
        is_back
    }

    fn restore_decisions(&mut self, record: &[u8]) -> bool {
        let Ok(all) = postcard::from_bytes::<Vec<Decision, DECISIONS>>(record) else {
            return false;
        };
        for decision in all {
            self.policy.recall(decision);
        }
        true
    }

    fn upstream_record(&self, moment: Moment, number: u16) -> Option<KeptUpstream<'_>> {
        let id = self.links.get(usize::from(number)).copied().flatten()?;
        let (etag, ends) = self.upstreams.held(id)?;
        Some(KeptUpstream {
            aor: &self.settings.upstreams.get(usize::from(number))?.aor,
            etag,
            lease: Lease::new(ends, moment),
        })
    }

    fn restore_upstream(&mut self, moment: Moment, record: &[u8]) -> bool {
        let Ok(kept) = postcard::from_bytes::<KeptUpstream<'_>>(record) else {
            return false;
        };
        let mut all = self.settings.upstreams.iter().zip(&self.links);
        let link = all.find(|(it, _)| it.aor.as_str() == kept.aor);
        let ends = kept.lease.ends(moment);
        match link {
            Some((_, Some(id))) if ends > moment.now => {
                self.upstreams.recall(*id, kept.etag, ends);
                true
            }
            Some(_) | None => false,
        }
    }
}

/// A record of a place that no build of ours has is nobody's.
fn hasten<const N: usize>(timers: &mut Timers<N>, slot: u16, due: Instant) {
    if usize::from(slot) < N {
        timers.hasten(slot, due);
    }
}

fn write(record: &impl Serialize, buf: &mut [u8]) -> Option<usize> {
    let (version, rest) = buf.split_first_mut()?;
    *version = VERSION;
    let len = postcard::to_slice(record, rest).ok()?.len();
    Some(len + 1)
}

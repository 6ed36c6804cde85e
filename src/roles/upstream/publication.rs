//! PUBLISH out (RFC 3903 §4): initial, refresh, modify, remove.

use super::HEAD;
use super::dialect::{DEVICES, Devices, Dialect, entity};
use super::errand::Errand;
use crate::events::pace::Bucket;
use crate::events::package::{Pace, presence};
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::retry;
use crate::wire::doc::device_state::{self, DeviceState};
use crate::wire::doc::pidf::Said;
use crate::wire::sip::Response;
use heapless::Vec;

/// Bytes of an entity-tag that is kept. A longer one is as none: the next PUBLISH is an initial one.
pub const ETAG: usize = 128;

/// What there is of a publication.
pub(super) struct Publication {
    /// Whose presence it is; `None` for nobody's.
    pub(super) of: Option<Id<Presentity>>,
    pub(super) errand: Errand,
    pub(super) call: Token,
    pub(super) tag: Token,
    seq: u32,
    /// What the server calls it (RFC 3903 §4.3).
    pub(super) etag: Option<Text<ETAG>>,
    /// When the server forgets it.
    ends: Instant,
    /// The revision of the presence that the server has, and the one on its way.
    told: u32,
    telling: u32,
    /// The newest revision there is.
    newest: u32,
    /// The request in flight: the same bytes each time it is sent.
    pub(super) head: Vec<u8, HEAD>,
    pub(super) body: Vec<u8, { limits::BODY }>,
    bucket: Bucket,
    /// What the request in flight says.
    saying: Saying,
    /// What an Asterisk calls the devices that it is told of, what it was told of each since that is certain, and what it
    /// is to be told.
    pub(super) devices: Devices,
    told_states: [Option<DeviceState>; DEVICES],
    states: [DeviceState; DEVICES],
    /// Whether a server that keeps what it was told last knows that there is nothing more.
    cleared: bool,
    /// When the newest revision may be told, by the bucket.
    planned: Option<Instant>,
    /// Whether its token is still to be taken.
    owes: bool,
    /// Until when the server wants to hear nothing (RFC 3903 §9).
    quiet: Instant,
    /// Whether the store has to hear of it.
    pub(super) changed: bool,
}

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    /// Nothing: it refreshes, or removes.
    Nothing,
    /// A document of presence.
    Presence,
    /// The state of the device with that number.
    Device(usize, DeviceState),
}

/// Whom a publication is about, and to whom it goes.
pub(super) struct About<'a> {
    /// Whose presence it is.
    pub(super) presentity: Option<&'a Presentity>,
    /// The presentity as the server knows it.
    pub(super) aor: &'a str,
    pub(super) dialect: Dialect,
    /// Whether it is taken back.
    pub(super) ends: bool,
}

impl Publication {
    pub(super) const fn new(
        of: Option<Id<Presentity>>,
        devices: Devices,
        errand: Errand,
    ) -> Publication {
        const NOBODY: Token = Token {
            owner: Owner::Publication,
            slot: 0,
            nonce: 0,
        };
        Publication {
            errand: match of {
                Some(_) => errand,
                None => Errand::Resting { until: None },
            },
            of,
            call: NOBODY,
            tag: NOBODY,
            seq: 0,
            etag: None,
            ends: Instant::ZERO,
            told: 0,
            telling: 0,
            newest: 0,
            head: Vec::new(),
            body: Vec::new(),
            bucket: Bucket::new(),
            saying: Saying::Nothing,
            devices,
            told_states: [None; DEVICES],
            states: [DeviceState::NotInUse; DEVICES],
            cleared: false,
            planned: None,
            owes: false,
            quiet: Instant::ZERO,
            changed: false,
        }
    }

    pub(super) fn draw(&mut self, slot: u16, random: &mut Random) {
        self.call = Token::draw(Owner::Publication, slot, random);
        self.tag = Token::draw(Owner::Publication, slot, random);
    }

    pub(super) const fn next_seq(&mut self) -> u32 {
        self.seq = (self.seq + 1) & 0x7fff_ffff;
        self.seq
    }

    /// The entity-tag and when the server forgets it.
    pub(super) fn held(&self) -> Option<(&str, Instant)> {
        Some((self.etag.as_deref()?, self.ends))
    }

    /// Whether the server has a document of ours, be it the newest or not.
    pub(super) fn stands(&self, now: Instant) -> bool {
        self.etag.is_some() && now < self.ends
    }

    /// Whether nobody knows what the server has.
    pub(super) const fn is_doubted(&self) -> bool {
        self.told == 0
    }

    /// The entity-tag of before a restart: the first PUBLISH modifies what the server still has (RFC 3903 §4.2).
    pub(super) fn recall(&mut self, etag: &str, ends: Instant) {
        let is_new = self.etag.is_none() && matches!(self.errand, Errand::Resting { .. });
        if is_new {
            self.etag = Text::copied(etag).ok();
            self.ends = ends;
        }
    }

    /// The server wants to hear nothing before `until`.
    pub(super) const fn be_quiet(&mut self, until: Instant) {
        self.quiet = until;
    }

    /// When something may be said, that is to be said at `when`.
    pub(super) fn not_before(&self, when: Instant) -> Instant {
        when.max(self.quiet)
    }

    /// The server knows it no more (RFC 3903 §5), or it is over.
    pub(super) fn forget(&mut self) {
        self.changed |= self.etag.is_some();
        self.etag = None;
        self.doubt();
    }

    /// The outcome of the request in flight is unknown: the next one says everything again (RFC 3903 §9).
    pub(super) const fn doubt(&mut self) {
        self.told = 0;
        self.told_states = [None; DEVICES];
        self.cleared = false;
    }

    /// Takes in that the presence has another revision. When it may be told, if that is news.
    pub(super) fn renew(&mut self, now: Instant, revision: u32, pace: Pace) -> Option<Instant> {
        self.newest = revision;
        if revision == self.told {
            return None;
        }
        if self.has_more() {
            return Some(now);
        }
        if self.planned.is_none() {
            let later = self.bucket.take(now, pace).err();
            self.owes = later.is_some();
            self.planned = Some(later.unwrap_or(now));
        }
        self.planned
    }

    /// Whether something changed since the request that was just answered.
    pub(super) const fn is_behind(&self) -> bool {
        self.told != self.newest
    }

    /// The newest revision there is.
    pub(super) const fn newest(&self) -> u32 {
        self.newest
    }

    /// Whether nothing is planned.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.errand, Errand::Resting { until: None })
    }

    /// Whether part of what the request before this one began to tell is left.
    fn has_more(&self) -> bool {
        let has_begun =
            matches!(self.saying, Saying::Device(..)) && self.told_states != [None; DEVICES];
        has_begun && self.next_state().is_some()
    }

    /// Whether the request in flight says nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.saying == Saying::Nothing
    }

    /// Decides what the request says, when it is about to be sent for the first time. `false` if there is nothing to
    /// say, or no document that fits.
    pub(super) fn prepare(&mut self, now: Instant, about: &About<'_>, pace: Pace) -> bool {
        self.body.clear();
        self.planned = None;
        if core::mem::take(&mut self.owes) {
            let _ = self.bucket.take(now, pace); // None is there if something else made haste.
        }
        if now >= self.ends {
            self.forget();
        }
        if about.ends {
            return self.etag.is_some() && self.prepare_last(about);
        }
        let Some(presentity) = about.presentity else {
            return false;
        };
        self.newest = revision(presentity, about.dialect);
        self.telling = self.newest;
        self.cleared = false;
        let is_refresh = self.etag.is_some() && !self.is_behind();
        self.saying = match about.dialect {
            _ if is_refresh => Saying::Nothing,
            Dialect::Presence | Dialect::FreeSwitch => Saying::Presence,
            Dialect::Asterisk => {
                let refuses = presentity.presence().refuses();
                self.states = [state(refuses, DeviceState::Busy), line(presentity)];
                self.say_state()
            }
        };
        self.write(about)
    }

    /// Decides what the last request but one says, and the last. Some servers keep what they were told last, whatever
    /// becomes of the publication: they are told that there is nothing more.
    fn prepare_last(&mut self, about: &About<'_>) -> bool {
        // Whatever was told is to be told again, should it be wanted again.
        self.telling = 0;
        self.states = [DeviceState::NotInUse; DEVICES];
        self.saying = match about.dialect {
            Dialect::FreeSwitch if !self.cleared => Saying::Presence,
            Dialect::Asterisk if self.next_state().is_some() => self.say_state(),
            Dialect::Presence | Dialect::FreeSwitch | Dialect::Asterisk => Saying::Nothing,
        };
        self.write(about)
    }

    /// The device whose state is to be told next.
    fn next_state(&self) -> Option<usize> {
        let names = self.devices.names();
        (0..DEVICES)
            .find(|at| !names[*at].is_empty() && self.told_states[*at] != Some(self.states[*at]))
    }

    /// Says the state of that device, or of the first one once more, where nothing is new and there is nothing to refresh.
    fn say_state(&self) -> Saying {
        let names = self.devices.names();
        let first = || (0..DEVICES).find(|at| self.etag.is_none() && !names[*at].is_empty());
        match self.next_state().or_else(first) {
            Some(at) => Saying::Device(at, self.states[at]),
            None => Saying::Nothing,
        }
    }

    /// Writes down what the request says. `false` if it does not fit, or there is nothing to say and nobody who would hear
    /// that.
    fn write(&mut self, about: &About<'_>) -> bool {
        let _ = self.body.resize(limits::BODY, 0); // That is its capacity.
        let buf = &mut self.body;
        let len = match (self.saying, about.presentity) {
            (Saying::Nothing, _) => Some(0),
            (Saying::Presence, _) if about.ends => presence::write_free(about.aor, buf),
            (Saying::Presence, None) => None,
            (Saying::Presence, Some(it)) if about.dialect == Dialect::FreeSwitch => {
                presence::write_open(it, about.aor, buf)
            }
            (Saying::Presence, Some(it)) => presence::write_as(it, about.aor, buf),
            (Saying::Device(at, state), _) => {
                let (name, entity) = (self.devices.names()[at], entity(about.aor));
                device_state::write(name, state, entity, buf).ok()
            }
        };
        self.body.truncate(len.unwrap_or(0));
        match self.saying {
            Saying::Nothing => self.etag.is_some(),
            Saying::Presence | Saying::Device(..) => !self.body.is_empty(),
        }
    }

    /// What the request in flight is about (RFC 3903 §4), and the type of its body.
    pub(super) const fn package(&self, dialect: Dialect) -> (&'static str, &'static str) {
        match dialect {
            Dialect::Presence | Dialect::FreeSwitch => ("presence", "application/pidf+xml"),
            Dialect::Asterisk => ("asterisk-devicestate", "application/json"),
        }
    }

    /// Takes in a 2xx; `false` if it grants no time.
    pub(super) fn published(
        &mut self,
        now: Instant,
        response: &Response<'_>,
        asked: Seconds,
        random: &mut Random,
    ) -> bool {
        let etag = response.headers.sip_etag().ok().flatten();
        let granted = response.headers.expires().ok().flatten();
        let granted = granted.unwrap_or(asked).min(asked);
        self.etag = etag.and_then(|it| Text::from_bytes(it).ok());
        self.ends = now + granted;
        match self.saying {
            Saying::Nothing => {}
            Saying::Presence => self.cleared = self.telling == 0,
            Saying::Device(at, state) => self.told_states[at] = Some(state),
        }
        if !self.has_more() {
            self.told = self.telling;
        }
        self.changed = true;
        if granted == Seconds::ZERO {
            self.forget();
            return false;
        }
        self.quiet = Instant::ZERO;
        let refresh = now + retry::refresh(granted.duration(), random);
        self.errand = Errand::Resting {
            until: Some(refresh),
        };
        true
    }
}

/// A number that changes with what is told of a presentity; never 0.
pub(super) fn revision(presentity: &Presentity, dialect: Dialect) -> u32 {
    match dialect {
        Dialect::Presence | Dialect::FreeSwitch => presentity.presence_revision(),
        Dialect::Asterisk => presentity.presence_revision() + presentity.calls().revision(false),
    }
}

/// What the calls of a presentity come to. One that shows do-not-disturb is none.
fn line(presentity: &Presentity) -> DeviceState {
    let calls = presentity.calls().up();
    let says = |word| calls.iter().any(|it| it.call.said() == Some(word));
    let rings = says(Said::Ringing);
    if !presentity.presence().is_on_the_phone() {
        state(rings, DeviceState::Ringing)
    } else if rings {
        DeviceState::RingInUse
    } else if says(Said::Held) && !says(Said::Talking) {
        DeviceState::OnHold
    } else {
        DeviceState::InUse
    }
}

const fn state(holds: bool, then: DeviceState) -> DeviceState {
    match holds {
        true => then,
        false => DeviceState::NotInUse,
    }
}

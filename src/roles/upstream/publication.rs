//! PUBLISH out (RFC 3903 §4): initial, refresh, modify, remove.

use super::HEAD;
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
    /// When the newest revision may be told, by the bucket.
    planned: Option<Instant>,
    /// Whether its token is still to be taken.
    owes: bool,
    /// Until when the server wants to hear nothing (RFC 3903 §9).
    quiet: Instant,
    /// Whether the store has to hear of it.
    pub(super) changed: bool,
}

impl Publication {
    pub(super) const fn new(of: Option<Id<Presentity>>, errand: Errand) -> Publication {
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
        self.told = 0;
    }

    /// The outcome of the request in flight is unknown: the next one says everything again (RFC 3903 §9).
    pub(super) const fn doubt(&mut self) {
        self.told = 0;
    }

    /// Takes in that the presence has another revision. When it may be told, if that is news.
    pub(super) fn renew(&mut self, now: Instant, revision: u32, pace: Pace) -> Option<Instant> {
        self.newest = revision;
        if revision == self.told {
            return None;
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

    /// Decides what the request says, when it is about to be sent for the first time. `false` if there is nothing to
    /// say, or no document that fits. The document is about `aor`, as the server knows the presentity; without one the
    /// publication is taken back.
    pub(super) fn prepare(
        &mut self,
        now: Instant,
        presentity: Option<&Presentity>,
        aor: Option<&str>,
        pace: Pace,
    ) -> bool {
        self.body.clear();
        self.planned = None;
        if core::mem::take(&mut self.owes) {
            let _ = self.bucket.take(now, pace); // None is there if something else made haste.
        }
        if now >= self.ends {
            self.forget();
        }
        let Some(aor) = aor else {
            return self.etag.is_some();
        };
        let Some(presentity) = presentity else {
            return false;
        };
        self.newest = presentity.presence_revision();
        self.telling = self.newest;
        let is_refresh = self.etag.is_some() && !self.is_behind();
        if is_refresh {
            return true;
        }
        let _ = self.body.resize(limits::BODY, 0); // That is its capacity.
        let len = presence::write_as(presentity, aor, &mut self.body);
        self.body.truncate(len.unwrap_or(0));
        !self.body.is_empty()
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
        self.told = self.telling;
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

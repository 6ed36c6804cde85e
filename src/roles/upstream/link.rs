//! A link: one server above us (or several of one account), what we are there, and what is under way.

use super::dialect::{Choice, Devices, Dialect};
use super::errand::{Errand, Exchange, Kind};
use super::publication::Publication;
use super::registration::Registration;
use crate::events::presentity::Presentity;
use crate::ground::limits::{self, SERVERS};
use crate::ground::table::Id;
use crate::ground::text::{Text, TooLong};
use crate::ground::time::{Instant, Seconds};
use crate::ua::credentials::Account;
use crate::ua::outbound::Outbound;
use crate::ua::servers::{KeepAlive, Redirects, Server};
use core::net::SocketAddr;
use heapless::Vec;

/// What to be at a server above us.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Who we are there: the address of record (RFC 3261 §10).
    pub aor: &'a str,
    /// The servers, the best first; at least one.
    pub servers: &'a [Server],
    /// What proves it.
    pub account: &'a Account,
    /// Whether its servers may send us to others.
    pub redirects: Redirects,
    /// Whether to register.
    pub register: bool,
    /// Whose presence to publish.
    pub publish: Option<Id<Presentity>>,
    /// In which dialect; without it in one that the server seems to take.
    pub dialect: Option<Dialect>,
    /// What an Asterisk calls what it is told.
    pub devices: &'a Devices,
    /// The lifetime to ask for.
    pub expires: Seconds,
    /// How to keep the way open over datagrams; without it as RFC 5626 §4.4.2 says where a server takes part in that,
    /// and elsewhere as often, but only where there is a NAT.
    pub keep_alive: Option<KeepAlive>,
}

/// One link.
pub struct Link {
    pub(super) aor: Text<{ limits::URI }>,
    pub(super) outbound: Outbound,
    pub(super) redirects: Redirects,
    pub(super) expires: Seconds,
    pub(super) keep_alive: Option<KeepAlive>,
    /// Whether the server answers STUN.
    pub(super) stun: Stun,
    /// Rounds in a row in which no server worked, and one at least answered.
    pub(super) failures: u8,
    /// When the first server of this round failed.
    pub(super) round: Option<Instant>,
    /// The servers that failed since one worked: when others hear of one, it is asked again at once.
    pub(super) silent: Vec<SocketAddr, SERVERS>,
    /// How often that was done in vain.
    pub(super) woken: u8,
    /// Whether a server failed, or was left for a better one, and none has worked since: nothing but [`Link::first`] is
    /// asked then.
    pub(super) unsettled: bool,
    /// Whether it takes leave.
    pub(super) leaving: bool,
    pub(super) registration: Registration,
    pub(super) publication: Publication,
    /// In which dialect it is told.
    pub(super) choice: Choice,
    /// OPTIONS or STUN, to keep a NAT open and to see whether it is still the same.
    pub(super) probe: Errand,
    /// When to leave a second-best server for a look at the best.
    pub(super) home: Option<Instant>,
    /// When a request was sent last.
    pub(super) asked: Instant,
    pub(super) story: Story,
}

/// What is known of a server's answers to Binding requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stun {
    /// None was sent.
    Untried,
    /// One was answered.
    Answers,
    /// None was, or one with an error: whatever it said, or the owner, it knows no STUN.
    Deaf,
}

/// What happened last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Story {
    /// The last final status of a REGISTER; 408 when nobody answered, 503 when nobody could be reached.
    pub(super) registered: Option<u16>,
    /// The same of a PUBLISH.
    pub(super) published: Option<u16>,
    /// What is wrong with each.
    register: Trouble,
    publish: Trouble,
}

/// What is wrong with a registration or a publication.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    /// Why it failed last; empty if it did not since it worked.
    pub(super) why: &'static str,
    /// Since when it has not worked.
    pub(super) since: Option<Instant>,
    /// How often it was refused in a row.
    pub(super) refusals: u8,
}

impl Link {
    /// Begins at `first`.
    pub(super) fn new(order: &Order<'_>, first: Instant) -> Result<Link, TooLong> {
        let off = Errand::Resting { until: None };
        let mut link = Link {
            aor: Text::copied(order.aor)?,
            outbound: Outbound::new(order.account, order.servers),
            redirects: order.redirects,
            expires: order.expires,
            keep_alive: order.keep_alive,
            stun: Stun::Untried,
            failures: 0,
            round: None,
            silent: Vec::new(),
            woken: 0,
            unsettled: false,
            leaving: false,
            registration: Registration::new(order.register, off),
            publication: Publication::new(order.publish, order.devices.clone(), off),
            choice: Choice::new(order.dialect),
            probe: off,
            home: None,
            asked: Instant::ZERO,
            story: Story::default(),
        };
        link.begin_at(Some(first));
        Ok(link)
    }

    pub(super) const fn errand(&self, kind: Kind) -> &Errand {
        match kind {
            Kind::Register => &self.registration.errand,
            Kind::Publish => &self.publication.errand,
            Kind::Probe => &self.probe,
        }
    }

    pub(super) const fn errand_mut(&mut self, kind: Kind) -> &mut Errand {
        match kind {
            Kind::Register => &mut self.registration.errand,
            Kind::Publish => &mut self.publication.errand,
            Kind::Probe => &mut self.probe,
        }
    }

    pub(super) const fn exchange_mut(&mut self, kind: Kind) -> Option<&mut Exchange> {
        match self.errand_mut(kind) {
            Errand::Asking(exchange) => Some(exchange),
            Errand::Resting { .. } => None,
        }
    }

    /// Does nothing of the kind before `until`; for ever without it.
    pub(super) const fn rest(&mut self, kind: Kind, until: Option<Instant>) {
        *self.errand_mut(kind) = Errand::Resting { until };
    }

    /// Begins a new request, to be sent with the next poll.
    pub(super) fn begin(&mut self, kind: Kind) {
        let seq = match kind {
            Kind::Register => {
                self.registration.late = None;
                self.registration.next_seq()
            }
            Kind::Publish => self.publication.next_seq(),
            Kind::Probe => 1,
        };
        *self.errand_mut(kind) = Errand::Asking(Exchange::new(seq, self.ends(kind)));
    }

    /// Takes leave of what there is of a kind.
    pub(super) fn part(&mut self, now: Instant, kind: Kind) {
        let is_there = match kind {
            Kind::Register => self.registration.stands(now),
            Kind::Publish => self.publication.held().is_some(),
            Kind::Probe => false,
        };
        self.rest(kind, None);
        if is_there {
            self.begin(kind);
        }
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Option<Instant> {
        let errands = Kind::ALL.map(|kind| self.errand(kind).due());
        let pong = self.registration.pong_due();
        let ends = self.registration.ends();
        let home = self.home.filter(|_| self.is_resting(self.first()));
        let others = [self.outbound.due(), pong, ends, home];
        errands.into_iter().chain(others).flatten().min()
    }

    /// The kind that everything else waits for.
    pub(super) const fn first(&self) -> Kind {
        match (self.registration.wanted, &self.publication.of) {
            (true, _) => Kind::Register,
            (false, Some(_)) => Kind::Publish,
            (false, None) => Kind::Probe,
        }
    }

    /// Begins with that kind then, if anything is asked for at all.
    pub(super) fn begin_at(&mut self, when: Option<Instant>) {
        self.rest(self.first(), when.filter(|_| self.asks()));
    }

    /// Whether it asks for anything itself. An account that only lends others its way and its credentials does not, unless
    /// it was told to keep a NAT open.
    pub(super) fn asks(&self) -> bool {
        match self.first() {
            Kind::Register | Kind::Publish => true,
            Kind::Probe => match self.keep_alive {
                Some(KeepAlive::Options(every)) => every > Seconds::ZERO,
                Some(KeepAlive::Stun) => true,
                None => false,
            },
        }
    }

    /// Whether nothing of the kind is under way.
    pub(super) const fn is_resting(&self, kind: Kind) -> bool {
        matches!(self.errand(kind), Errand::Resting { .. })
    }

    /// Whether a server that says no is left for the next one: what stands, if anything, stands elsewhere.
    pub(super) fn looks_on(&self, now: Instant, kind: Kind) -> bool {
        let is_first = kind == self.first() && !self.ends(kind);
        is_first && self.outbound.has_next() && (self.unsettled || !self.has(now, kind))
    }

    /// Whether the server has what is wanted of the kind.
    pub(super) fn has(&self, now: Instant, kind: Kind) -> bool {
        match kind {
            Kind::Register => self.registration.stands(now),
            Kind::Publish => self.publication.stands(now),
            Kind::Probe => false,
        }
    }

    /// Whether we are registered, or need not be.
    pub(super) fn may_publish(&self, now: Instant) -> bool {
        !self.registration.wanted || self.registration.stands(now)
    }

    /// Whether what there is of the kind is taken back: it is not wanted, or nothing is any more.
    pub(super) const fn ends(&self, kind: Kind) -> bool {
        let is_wanted = match kind {
            Kind::Register => self.registration.wanted,
            Kind::Publish => self.publication.of.is_some(),
            Kind::Probe => true,
        };
        self.leaving || !is_wanted
    }

    /// Whether nothing is left to say.
    pub(super) fn is_over(&self) -> bool {
        self.leaving && self.is_resting(Kind::Register) && self.is_resting(Kind::Publish)
    }

    /// Another server may think otherwise of what one would have none of.
    pub(super) const fn be_modern(&mut self) {
        self.registration.be_modern();
        self.stun = Stun::Untried;
    }

    /// All that is wanted has been answered: what failed before is forgotten.
    pub(super) const fn settle(&mut self) {
        self.failures = 0;
        self.round = None;
        self.outbound.rest();
    }

    /// One kind does not work.
    pub(super) fn complain(&mut self, now: Instant, kind: Kind, why: &'static str) {
        if let Some(trouble) = self.story.trouble(kind) {
            trouble.why = why;
            trouble.since.get_or_insert(now);
        }
    }
}

impl Story {
    /// What was refused is tried as if for the first time.
    pub(super) const fn start_over(&mut self) {
        self.register.refusals = 0;
        self.publish.refusals = 0;
    }

    /// What is wrong with a kind.
    pub(super) const fn trouble(&mut self, kind: Kind) -> Option<&mut Trouble> {
        match kind {
            Kind::Register => Some(&mut self.register),
            Kind::Publish => Some(&mut self.publish),
            Kind::Probe => None,
        }
    }

    /// What is wrong last; empty if nothing is.
    pub(super) const fn why(&self) -> &'static str {
        if self.register.why.is_empty() {
            self.publish.why
        } else {
            self.register.why
        }
    }

    /// Since when anything is.
    pub(super) fn broken_since(&self) -> Option<Instant> {
        let both = [self.register.since, self.publish.since];
        both.into_iter().flatten().min()
    }

    /// Since when nobody registers us.
    pub(super) const fn unregistered_since(&self) -> Option<Instant> {
        self.register.since
    }

    /// Since when nobody takes what we publish.
    pub(super) const fn unpublished_since(&self) -> Option<Instant> {
        self.publish.since
    }
}

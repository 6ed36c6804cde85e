//! A watch: whom we want to know about, and how far the attempt to be told is.

use super::UsageId;
pub(super) use super::attempt::Attempt;
use super::doubt::{Auditor, Doubt};
use super::place::{Listed, Place, Role};
use super::wish::Wish;
use crate::events::package::{Document, Package};
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::error_texts;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::text::{Text, TooLong};
use crate::ground::time::{Instant, Seconds};
use crate::ua::addresses::LocalAddresses;
use crate::ua::next_hop::{
    NextHop, NoNextHop, bare_host, host_of_target, split_transport, written_transport,
};
use crate::ua::outbound::{Long, Way};
use crate::ua::request::Sending;
use crate::ua::targets::{Target, Targets};
use crate::wire::doc::message_summary::Messages;
use crate::wire::flow::Transport;
use crate::wire::sip::Rate;
use core::net::SocketAddr;
use heapless::Vec;

/// Notifiers of one watch. More are refused with 481 (RFC 3856 §6.9).
pub const USAGES_PER_WATCH: usize = 4;

/// The lifetime asked for stays within these, whatever the settings or a 423 say.
const EXPIRES_LEAST: Seconds = Seconds(60);
pub(super) const EXPIRES_MOST: Seconds = Seconds(86_400);

/// What to watch.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The URI of the watched.
    pub target: &'a str,
    /// Our own URI, which the watched sees as who asks.
    pub from: &'a str,
    /// The event package.
    pub package: Package,
    /// Whether it is asked for by itself, as a list, or told by one.
    pub role: Role,
    /// Whether a refusal of `dialog` that means the package is followed by an attempt with `presence`.
    pub fallback: bool,
    /// Where all requests go, as `host[:port]`; without it the way of the account, or else to the host of the target.
    pub server: Option<&'a str>,
    /// With which account, by its number in the [`Accounts`](crate::ua::outbound::Accounts) that are lent.
    pub account: Option<u16>,
    /// The lifetime to ask for; taken as at least a minute and at most a day.
    pub expires: Seconds,
    /// How often a state that ends by itself is confirmed; zero for never.
    pub audit: Seconds,
    /// The time from one NOTIFY to the next that the notifier is asked to keep (RFC 6446 §5.1); zero for none.
    pub at_most_every: Seconds,
    /// Whether changes may be told in part, where the package knows how (RFC 5263). Of no meaning in a list.
    pub partial: bool,
}

impl Order<'_> {
    /// Whether a document is to be kept for it.
    pub(super) fn is_told_in_part(&self) -> bool {
        self.partial && self.role == Role::Alone && self.package.spec().patched().is_some()
    }
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// There are [`limits::WATCHES`] watches.
    Full,
    /// A URI is longer than [`limits::URI`] bytes, or the server than [`limits::HOST`].
    TooLong,
    /// The target or server names no host that a datagram can go to.
    Nowhere,
}

error_texts!(AddError:
    AddError::Full => "there are as many watches as fit",
    AddError::TooLong => "a URI or the server is too long",
    AddError::Nowhere => "no host is named that can be asked",
);

/// One watch.
pub struct Watch {
    pub(super) target: Text<{ limits::URI }>,
    pub(super) from: Text<{ limits::URI }>,
    pub(super) server: Option<Text<{ limits::HOST }>>,
    pub(super) package: Package,
    pub(super) place: Place,
    /// Its document, as long as its notifier may tell what changes in that.
    pub(super) document: Option<Id<Document>>,
    pub(super) account: Option<u16>,
    pub(super) fallback: bool,
    /// The package asked for now: that of the order, or what it fell back to.
    pub(super) speaks: Package,
    /// The lifetime asked for: that of the order, or the least a 423 allowed.
    pub(super) asks: Seconds,
    /// How often at most it is to be told.
    pub(super) max_rate: Option<Rate>,
    /// Where its own way leads; used again when a name cannot be resolved.
    pub(super) targets: Targets,
    /// Which server served the package of the order.
    pub(super) served: Option<SocketAddr>,
    /// What was said about whether the resource is there.
    pub(super) gone: Gone,
    /// The server that gave no answer, or was not well: it is asked again as soon as one of us is answered there.
    pub(super) awaits: Option<SocketAddr>,
    /// How often that was done in vain.
    pub(super) woken: u8,
    /// What our own requests do that are too long for a datagram.
    pub(super) long: Long,
    /// Whether a notifier took a condition badly (RFC 5839 §5.8).
    pub(super) plain: bool,
    pub(super) state: State,
    pub(super) usages: Vec<UsageId, USAGES_PER_WATCH>,
    /// Tries that failed since the last subscription that held for a while.
    pub(super) failures: u8,
    /// A peer's Retry-After: no attempt before it.
    pub(super) not_before: Instant,
    pub(super) audit: Auditor,
    /// What is wanted of the server, and what it says, in `as-feature-event`.
    pub(super) wish: Wish,
    pub(super) told_dnd: Option<bool>,
    /// The fetch that is out.
    pub(super) fetch: Option<Attempt>,
    /// When the best place of its name is looked at, where another one has to do.
    pub(super) home: Option<Instant>,
    /// The attempt before this wait, of which a datagram did not get there: an answer still counts.
    pub(super) late: Option<Attempt>,
    pub(super) story: Story,
}

/// How far the attempt is; the drawing is in the module's head.
pub(super) enum State {
    /// Nothing is under way until this moment.
    Waiting { until: Instant },
    /// A list tells it, and nothing is asked.
    Listed,
    /// The next poll begins an attempt: where the last one went, or where the way leads now.
    Seeking { anew: bool },
    /// The name of the next hop is asked for.
    Resolving {
        number: u32,
        asked: bool,
        until: Instant,
    },
    /// The first SUBSCRIBE is out and no NOTIFY came yet.
    Asking(Attempt),
    /// A NOTIFY came: there is a usage. The attempt takes further ones until its Timer N.
    Told { attempt: Attempt, since: Instant },
    /// It was removed; its usages are being unsubscribed.
    Ending(Attempt),
}

/// Whether the resource is said to be gone, after a subscription that worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nobody says so.
    Unsaid,
    /// The notifier says so, and is asked once more.
    Said,
    /// It said so, and took another subscription all the same.
    Denied,
}

/// What is known, and what happened last.
pub(super) struct Story {
    pub(super) watched: Watched,
    /// Whether `watched` was ever told by a document.
    pub(super) told: bool,
    /// Whether a server said that it does not have the package.
    pub(super) denied: bool,
    pub(super) broken_since: Option<Instant>,
    pub(super) last_status: Option<u16>,
    pub(super) last_reason: &'static str,
    pub(super) last_notify: Option<Instant>,
    pub(super) distrusts: Option<SocketAddr>,
    /// How many messages wait, where that was told.
    pub(super) messages: Option<Messages>,
    /// Who told `watched` without having been asked, if nobody who was asked has told it since. Where we are registered
    /// there, that vouches for it.
    pub(super) unasked: Option<SocketAddr>,
}

/// What there is to say about a watch.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The URI of the watched.
    pub target: &'a str,
    /// The package in use: after a fallback not that of the order.
    pub package: Package,
    /// `waiting`, `resolving`, `subscribing`, `pending`, `active`, `refreshing`, `retrying` or `ending`.
    pub state: &'static str,
    /// What is known of the watched, or was before [`Report::broken_since`].
    pub watched: Watched,
    /// The other party of the call that [`Report::watched`] is about, as far as the notifier names one: for the owner's
    /// eyes, and for no log line above `debug`.
    pub party: Option<&'a Party>,
    /// Whether [`Report::watched`] is what it means that the server was asked and knows no state.
    pub is_stateless: bool,
    /// Where requests go.
    pub remote: Option<SocketAddr>,
    /// When the subscription expires.
    pub expires: Option<Instant>,
    /// When the next attempt or refresh is due.
    pub next: Option<Instant>,
    /// The last status code that answered a SUBSCRIBE; 408 when nobody did (RFC 3261 §17.1.2.2), 503 when the way is
    /// barred (RFC 3261 §8.1.3.1).
    pub last_status: Option<u16>,
    /// Why the last attempt or subscription ended, in a few words; empty if none did.
    pub last_reason: &'static str,
    /// When the last NOTIFY was accepted.
    pub last_notify: Option<Instant>,
    /// Where the last NOTIFY that would have begun the subscription came from, if it was refused: nobody asked there,
    /// and nobody there is trusted.
    pub distrusts: Option<SocketAddr>,
    /// Whether the server says that it does not have the package, and nobody ever told anything in it.
    pub lacks_package: bool,
    /// How many messages wait, where that was told.
    pub messages: Option<Messages>,
    /// Where [`Report::watched`] came from, if that was told without a subscription: the account's server vouches for it
    /// as long as we are registered there.
    pub unasked: Option<SocketAddr>,
    /// Whether the subscription is gone, or could not be refreshed: more than a document is missing. Of whoever is on a list,
    /// whether that tells, and nothing of this one; of a list, also whether there is none.
    pub lost: bool,
    /// Since when nobody vouches for [`Report::watched`].
    pub broken_since: Option<Instant>,
    /// Why it is doubtful although the subscription stands.
    pub doubt: Option<Doubt>,
    /// When a document last told it, or the notifier said that nothing has changed.
    pub confirmed: Option<Instant>,
    /// The list that tells of it, as long as one does.
    pub listed: Option<Listed<'a>>,
    /// Whether the server was found to have no such list, of which this is the watch: its members are asked for one by one.
    pub is_unlisted: bool,
}

impl Watch {
    /// Copies `order`; the first attempt is at `until`.
    pub(super) fn new(order: &Order<'_>, until: Instant) -> Result<Watch, AddError> {
        let server = match order.server {
            Some(server) => Some(Text::copied(server)?),
            None => None,
        };
        let watch = Watch {
            target: Text::copied(order.target)?,
            from: Text::copied(order.from)?,
            server,
            package: order.package,
            place: Place::new(order.role),
            document: None,
            account: order.account,
            fallback: order.fallback,
            speaks: order.package,
            asks: order.expires.clamp(EXPIRES_LEAST, EXPIRES_MOST),
            max_rate: (order.at_most_every > Seconds::ZERO)
                .then(|| Rate::once_in(order.at_most_every)),
            targets: Targets::new(),
            served: None,
            gone: Gone::Unsaid,
            awaits: None,
            woken: 0,
            long: Long::MayMove,
            plain: false,
            state: match order.role {
                Role::Alone | Role::List => State::Waiting { until },
                Role::Member => State::Listed,
            },
            usages: Vec::new(),
            failures: 0,
            not_before: Instant::ZERO,
            audit: Auditor::new(order.audit),
            wish: Wish::NONE,
            told_dnd: None,
            fetch: None,
            home: None,
            late: None,
            story: Story {
                watched: Watched::Subscribing,
                told: false,
                denied: false,
                broken_since: None,
                last_status: None,
                last_reason: "",
                last_notify: None,
                distrusts: None,
                messages: None,
                unasked: None,
            },
        };
        if watch.follows().is_none() {
            watch.hop()?;
        }
        Ok(watch)
    }

    /// Where the next attempt goes.
    pub(super) fn hop(&self) -> Result<NextHop<'_>, NoNextHop> {
        match &self.server {
            Some(server) => {
                let (transport, host) = split_transport(server);
                NextHop::of_server(host, transport.unwrap_or(Transport::Udp))
            }
            None => NextHop::of_target(&self.target),
        }
    }

    /// Over what its requests go, if they go a way of its own and that is written.
    pub(super) fn transport(&self) -> Option<Transport> {
        match &self.server {
            Some(server) => split_transport(server).0,
            None => written_transport(self.target.as_bytes()),
        }
    }

    /// Whether its requests stay with the server that was asked first, if they go a way of its own. Inside TLS they do:
    /// who else a Contact names is not who was asked for.
    pub(super) fn stays(&self) -> bool {
        let found = self.targets.here().map(|it| it.transport);
        self.server.is_some() || found.or(self.transport()) == Some(Transport::Tls)
    }

    /// The ways of what it asks.
    pub(super) fn ways(&self) -> impl Iterator<Item = &Way> {
        let attempts = [self.attempt(), self.fetch.as_ref(), self.late.as_ref()];
        attempts.into_iter().flatten().map(|it| &it.way)
    }

    /// Who its server has to be, if it goes a way of its own.
    pub(super) fn name(&self) -> Option<&str> {
        if self.follows().is_some() {
            return None;
        }
        match &self.server {
            Some(server) => Some(bare_host(split_transport(server).1)),
            None => host_of_target(&self.target),
        }
    }

    /// The account whose way it goes, if it has none of its own.
    pub(super) fn follows(&self) -> Option<u16> {
        self.account.filter(|_| self.server.is_none())
    }

    /// The way to a place, if it has one of its own; `None` if we have no address of that family.
    pub(super) fn way_to(&self, target: Target, addresses: &LocalAddresses) -> Option<Way> {
        let flow = addresses.flow(target.transport, target.address)?;
        let way = Way::of(flow, addresses);
        Some(match way.long {
            Long::MayMove => Way {
                long: self.long,
                ..way
            },
            Long::Stays | Long::Moved => way,
        })
    }

    /// The attempt that NOTIFYs belong to.
    pub(super) const fn attempt(&self) -> Option<&Attempt> {
        match &self.state {
            State::Asking(attempt) | State::Told { attempt, .. } | State::Ending(attempt) => {
                Some(attempt)
            }
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. } => None,
        }
    }

    /// The attempt whose request may still be unanswered.
    pub(super) const fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        match &mut self.state {
            State::Asking(attempt) | State::Told { attempt, .. } => Some(attempt),
            State::Ending(_)
            | State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. } => None,
        }
    }

    /// Goes on with the attempt before, if `is_it`: it was answered after all.
    pub(super) fn revive(&mut self, is_it: impl FnOnce(&Attempt) -> bool) {
        if let State::Waiting { .. } = &self.state
            && let Some(late) = self.late.take_if(|late| is_it(late))
        {
            self.state = State::Asking(late);
        }
    }

    /// Whether its subscription stands.
    pub(super) const fn is_told(&self) -> bool {
        match &self.state {
            State::Told { .. } => true,
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. }
            | State::Asking(_)
            | State::Ending(_) => false,
        }
    }

    /// When the watch itself, apart from its usages, has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until } | State::Resolving { until, .. } => Some(*until),
            State::Asking(attempt) if attempt.request == Sending::Due => None,
            State::Asking(attempt) => Some(attempt.request.due_or(attempt.notify_by)),
            State::Told { attempt, .. } => {
                let first = if self.story.watched == Watched::Subscribing {
                    Some(attempt.request.due_or(attempt.notify_by))
                } else {
                    attempt.request.due()
                };
                let fetch = self.fetch.as_ref().and_then(Attempt::due);
                Instant::earlier(first, Instant::earlier(fetch, self.home))
            }
            State::Listed | State::Ending(_) | State::Seeking { .. } => None,
        }
    }
}

impl Story {
    /// Whether the server says that it does not have the package. One that has told something in it does, whatever it
    /// says later.
    pub(super) const fn lacks_package(&self) -> bool {
        self.denied && !self.told
    }
}

impl From<TooLong> for AddError {
    fn from(_: TooLong) -> AddError {
        AddError::TooLong
    }
}

impl From<NoNextHop> for AddError {
    fn from(why: NoNextHop) -> AddError {
        match why {
            NoNextHop::Nowhere => AddError::Nowhere,
        }
    }
}

//! The watcher (W-PA of RFC 3856): our subscriptions to others, which feed the lamps.
//!
//! Read RFC 6665 §4.1 and §4.4.1 first; RFC 4235 §4.3 for gaps; RFC 5057 §5.1 for what an error code ends.
//!
//! A *watch* is what is configured and how far the attempt is. A *usage* is one notifier that answered it, with its
//! own dialog; `presence` has one, `dialog` several when a proxy forked the SUBSCRIBE.
//!
//! ```text
//!   a watch
//!                  until        address known                 first NOTIFY
//!   add ──►┌─────────┐  ┌───────────┐  ┌────────┐                ┌──────┐
//!          │ Waiting ├─►│ Resolving ├─►│ Asking ├───────────────►│ Told │
//!          └────▲────┘  └───────────┘  └───┬────┘                └──┬───┘
//!               └─── refused, Timer F, N ──┘                        │   remove  ┌────────┐ all usages
//!               └─── terminated, lost, expired, another server ─────┘ ────────► │ Ending ├─► gone
//!                    (all usages are forgotten: their next NOTIFY gets 481)       └────────┘
//!   a usage
//!            refresh          answer and NOTIFY, or failure with time left
//!   ┌─────────┐ ──────► ┌────────────┐ ──► Resting          ┌────────┐ terminated, refused,
//!   │ Resting │         │ Refreshing │            remove ──►│ Ending ├─► gone     Timer N
//!   └─────────┘ ◄────── └────────────┘                      └────────┘
//! ```
//!
//! What a lamp may trust: `watched` is what the last document said. `broken_since` is set from the moment the
//! subscription is gone or in doubt until a notifier vouches for the state again. A server that answers without a
//! document vouches for having no state, which for most packages means something; the head of `told` says when.
//!
//! What ends by itself in life is asked about while it lasts: see `audit`. One subscription may tell of many: see `list`.
//!
//! # Where we leave RFC 6665 §4.1.3 on purpose
//!
//! * After a first `noresource` to a subscription that worked we ask once more within seconds: FreeSWITCH says so of one that
//!   merely lapsed (freeswitch #1532). What was told last is in doubt meanwhile; said again, it is believed.
//! * After `rejected`, `noresource`, `invariant` and `badfilter` clients SHOULD NOT come back. We do, about once an
//!   hour, because one packet or one slip of an administrator must not switch a lamp off for ever.
//! * `Retry-After` and `retry-after` are obeyed up to [`limits::LONGEST_RETRY`].
//! * Redirections (3xx) are not followed; they count as a refusal.

mod attempt;
mod audit;
mod cause;
mod condition;
mod doubt;
mod ending;
mod fetch;
mod home;
mod hosts;
mod list;
mod listing;
mod member;
mod moving;
mod nat;
mod notify;
mod patrol;
mod place;
mod reason;
mod response;
mod silence;
mod subscribe;
mod switch;
mod timers;
mod told;
mod unasked;
mod usage;
mod watch;
mod wish;

pub use crate::ua::request::Action;
pub use doubt::Doubt;
pub use member::{Record, Standing};
pub use place::{IS_A_LIST, Listed, Role};
pub use usage::Usage;
pub use watch::{AddError, Order, Report, Watch};

use crate::events::package::Document;
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::{Id, Queue, Table};
use crate::ground::time::{Instant, Seconds};
use crate::ground::timers::Timers;
use crate::ua::next_hop::NextHop;
use crate::ua::outbound::Way;
use crate::ua::query::{Name, Query};
use crate::ua::reach::News;
use crate::ua::retry;
use crate::wire::doc::message_summary::Messages;
use crate::wire::flow::Transport;
use core::net::SocketAddr;
use usage::{Refresh, UsageState};
use watch::State;

/// A handle to a watch.
pub type WatchId = Id<Watch>;

/// A handle to a usage.
type UsageId = Id<Usage>;

/// Notifiers kept at once: one for each watch, and a few for forked ones.
pub const USAGES: usize = limits::WATCHES + SPARE_USAGES;

/// Usages beyond the first of their watch. Full: a further notifier of a forked SUBSCRIBE gets 481.
pub const SPARE_USAGES: usize = limits::WATCHES.div_ceil(4);

/// All watches of an agent.
///
/// Full: [`Watcher::add`] takes the place of a watch that is being ended, if there is one; otherwise it refuses.
pub struct Watcher {
    watches: Table<Watch, { limits::WATCHES }>,
    usages: Table<Usage, USAGES>,
    /// What lists told of their members, each in the slot of its watch: there is always room.
    records: Table<Record, { limits::WATCHES }>,
    /// The documents of those that may be told in part. Full: a watch is told in full.
    documents: Table<Document, { limits::DOCUMENTS }>,
    /// Usages that are not the first of their watch.
    spare_used: usize,
    watch_timers: Timers<{ limits::WATCHES }>,
    usage_timers: Timers<USAGES>,
    /// Watches and usages that have something to send.
    ready_watches: Queue<{ limits::WATCHES }>,
    ready_usages: Queue<USAGES>,
    changed: Queue<{ limits::WATCHES }>,
    /// Watches whose server says how do-not-disturb is.
    switched: Queue<{ limits::WATCHES }>,
    /// Accounts whose server is in doubt.
    doubted: Queue<{ limits::UPSTREAMS }>,
    /// What was learnt of servers, for others who speak to them.
    news: News,
    /// How many names were asked for.
    asked: u32,
    /// No lamp's state is asked about before this.
    next_question: Instant,
    /// When the servers are looked at of which nothing was heard.
    patrol: Option<Instant>,
    /// When the NATs on the way of datagrams are kept open, and when streams are pinged; and the usages whose are now.
    next_ping: Option<Instant>,
    next_stream_ping: Option<Instant>,
    pings: Queue<USAGES>,
}

impl Watcher {
    /// Nobody is watched.
    pub const fn new() -> Watcher {
        Watcher {
            watches: Table::new(),
            usages: Table::new(),
            records: Table::new(),
            documents: Table::new(),
            spare_used: 0,
            watch_timers: Timers::new(),
            usage_timers: Timers::new(),
            ready_watches: Queue::new(),
            ready_usages: Queue::new(),
            changed: Queue::new(),
            switched: Queue::new(),
            doubted: Queue::new(),
            news: News::new(),
            asked: 0,
            next_question: Instant::ZERO,
            patrol: None,
            next_ping: None,
            next_stream_ping: None,
            pings: Queue::new(),
        }
    }

    /// Begins to watch. The first SUBSCRIBE follows after a short random delay, so that a boot is no burst (RFC 6665
    /// §4.1.2).
    ///
    /// # Errors
    /// [`AddError`]: the order is not taken, and trying again does not help until it or the table changes.
    pub fn add(
        &mut self,
        now: Instant,
        order: &Order<'_>,
        random: &mut Random,
    ) -> Result<Id<Watch>, AddError> {
        if self.watches.is_full() {
            self.give_up_an_ending_watch();
        }
        let slot = self.watches.vacant().ok_or(AddError::Full)?;
        let mut watch = Watch::new(order, now + retry::first(slot, random))?;
        if order.is_told_in_part() {
            watch.document = self.documents.insert(Document::new()).ok();
        }
        let id = self.watches.insert(watch).map_err(|_| AddError::Full)?;
        self.changed.push(slot);
        self.settle_watch(id);
        Ok(id)
    }

    /// Ends a watch: its notifiers are unsubscribed, then it is forgotten. From now on it has no [`Report`] of
    /// use to a lamp.
    pub fn remove(&mut self, id: Id<Watch>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let attempt = match &watch.state {
            State::Ending(_) => return,
            State::Told { attempt, .. } if !watch.usages.is_empty() => *attempt,
            // A notifier that answers only now gets 481, which ends its side.
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. }
            | State::Asking(_)
            | State::Told { .. } => return self.forget_watch(id),
        };
        watch.state = State::Ending(attempt);
        for usage_id in watch.usages.clone() {
            if let Some(usage) = self.usages.get_mut(usage_id) {
                let seq = usage.dialog.next_seq();
                let refresh = Refresh::new(seq, Seconds::ZERO);
                usage.state = UsageState::Ending(refresh);
                self.ready_usages.push(usage_id.slot());
                self.settle_usage(usage_id);
            }
        }
        self.settle_watch(id);
    }

    /// Ends all watches.
    pub fn stop(&mut self) {
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot) {
                self.remove(id);
            }
        }
    }

    /// Takes a watch whose report changed in what a lamp shows.
    pub fn take_changed(&mut self) -> Option<Id<Watch>> {
        while let Some(slot) = self.changed.pop() {
            if let Some(id) = self.watches.id_at(slot) {
                self.change_members(id);
                return Some(id);
            }
        }
        None
    }

    /// What an [`Action::Resolve`] asks for.
    pub fn query(&self, query: Query) -> Option<Name<'_>> {
        let watch = self.watches.get(self.find_query(query)?)?;
        match watch.hop() {
            Ok(NextHop::Name(host, port)) => Some(Name {
                host,
                port,
                transport: watch.transport(),
            }),
            Ok(NextHop::Address(_)) | Err(_) => None,
        }
    }

    /// Who the peer at `remote` has to be inside TLS, by those watches that go there by themselves.
    pub fn names_at(&self, remote: SocketAddr) -> impl Iterator<Item = &str> {
        let goes =
            move |way: &Way| way.flow.transport == Transport::Tls && way.flow.remote == remote;
        let watches = self.watches.iter().filter(move |(_, watch)| {
            let mut usages = self.usages_of(watch);
            watch.ways().any(goes) || usages.any(|it| goes(&it.way))
        });
        watches.filter_map(|(_, watch)| watch.name())
    }

    /// Takes an account whose server did not answer a watch that goes its way, or has forgotten it.
    pub fn take_doubted(&mut self) -> Option<u16> {
        self.doubted.pop()
    }

    /// When [`Watcher::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        let timers = Instant::earlier(self.watch_timers.next(), self.usage_timers.next());
        let pings = Instant::earlier(self.next_ping, self.next_stream_ping);
        Instant::earlier(timers, Instant::earlier(self.patrol, pings))
    }

    /// Whether nobody is watched and no unsubscription is under way.
    pub fn is_idle(&self) -> bool {
        self.watches.is_empty()
    }

    /// What a watch knows, and since when that is in doubt; `None` once it is forgotten.
    pub fn known(&self, id: Id<Watch>) -> Option<(Watched, Option<Instant>)> {
        Some(self.knows(self.watches.get(id)?))
    }

    /// The other party of the call that a watch knows of, if its notifier names one.
    pub fn party(&self, id: Id<Watch>) -> Option<&Party> {
        let watch = self.watches.get(id)?;
        if watch.member().is_none() {
            return watch.story.party(&watch.target, self.usages_of(watch));
        }
        let record = self.records.get(self.records.id_at(id.slot())?)?;
        let party = record.party(watch.story.watched);
        party.filter(|party| !party.is_at(&watch.target))
    }

    /// Whether the server of a watch says that it does not have the package, and nobody ever told anything in it.
    pub fn lacks_package(&self, id: Id<Watch>) -> bool {
        let watch = self.watches.get(id);
        watch.is_some_and(|watch| watch.story.lacks_package())
    }

    /// How many messages wait for the watched, where that was told.
    pub fn messages(&self, id: Id<Watch>) -> Option<Messages> {
        self.watches.get(id)?.story.messages
    }

    /// How a watch stands; `None` once it is forgotten.
    pub fn state(&self, id: Id<Watch>) -> Option<Report<'_>> {
        let watch = self.watches.get(id)?;
        // Who is on a list stands as its list does.
        let asked = self.list_of(watch).unwrap_or(watch);
        let usage = asked
            .usages
            .first()
            .and_then(|usage| self.usages.get(*usage));
        let (state, next) = progress(asked, usage);
        let remote = match usage {
            Some(usage) => Some(usage.peer()),
            None => {
                let attempt = asked.attempt().map(|it| it.way.flow.remote);
                attempt.or(asked.targets.here().map(|it| it.address))
            }
        };
        let (watched, broken_since) = self.knows(watch);
        let listed = self.listed(watch);
        Some(Report {
            target: &watch.target,
            package: watch.speaks,
            state: listed.map_or(state, |listed| listed.progress(state)),
            listed,
            is_unlisted: watch.place.is_apart(),
            watched,
            party: self.party(id),
            is_stateless: told::are_stateless(self.usages_of(watch)),
            remote,
            expires: usage.map(|usage| usage.ends),
            next,
            last_status: asked.story.last_status,
            last_reason: match listed {
                Some(listed) => listed.reason().unwrap_or(asked.story.last_reason),
                None => watch.story.last_reason,
            },
            last_notify: watch.story.last_notify,
            distrusts: asked.story.distrusts,
            lacks_package: watch.story.lacks_package(),
            messages: watch.story.messages,
            unasked: watch.story.unasked,
            lost: match listed {
                Some(listed) => listed.is_in_trouble(),
                None if watch.place.is_apart() => true,
                None => broken_since.is_some() && usage.is_none_or(|it| it.retries > 0),
            },
            broken_since,
            doubt: asked.doubt(usage),
            confirmed: usage.map(|usage| usage.audit.confirmed),
        })
    }

    /// Leaves room for only so many more watches and usages; `None` takes the bound away. For tests of full tables.
    #[cfg(test)]
    pub fn leave_room(&mut self, watches: Option<usize>, usages: Option<usize>) {
        self.watches.leave_room(watches);
        self.usages.leave_room(usages);
    }

    fn usages_of<'a>(&'a self, watch: &'a Watch) -> impl Iterator<Item = &'a Usage> {
        let ids = watch.usages.iter();
        ids.filter_map(|id| self.usages.get(*id))
    }

    fn find_query(&self, query: Query) -> Option<Id<Watch>> {
        let id = self.watches.id_at(query.slot)?;
        let asks = match self.watches.get(id)?.state {
            State::Resolving { number, .. } => number == query.number,
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Asking(_)
            | State::Told { .. }
            | State::Ending(_) => false,
        };
        asks.then_some(id)
    }
}

impl Default for Watcher {
    fn default() -> Watcher {
        Watcher::new()
    }
}

/// The word for how far a watch is, and when it goes on by itself.
fn progress(watch: &Watch, usage: Option<&Usage>) -> (&'static str, Option<Instant>) {
    match (&watch.state, usage.map(|usage| (usage, &usage.state))) {
        (State::Waiting { until }, _) if watch.failures > 0 => ("retrying", Some(*until)),
        (State::Waiting { until }, _) => ("waiting", Some(*until)),
        // Its list goes before.
        (State::Listed, _) => ("waiting", None),
        (State::Seeking { .. } | State::Resolving { .. }, _) => ("resolving", None),
        (State::Asking(_), _) | (State::Told { .. }, None) => ("subscribing", None),
        (State::Ending(_), _) => ("ending", None),
        (State::Told { .. }, Some((_, UsageState::Refreshing(_) | UsageState::Ending(_)))) => {
            ("refreshing", None)
        }
        (State::Told { .. }, Some((usage, UsageState::Resting { refresh }))) => {
            let state = if usage.pending { "pending" } else { "active" };
            (state, Some(*refresh))
        }
    }
}

#[cfg(test)]
mod tests;

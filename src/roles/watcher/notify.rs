//! NOTIFYs: which watch they are for, whether they count, and what they say.
//!
//! Read RFC 6665 §4.1.3, §4.4.1 and RFC 3856 §6.8, §6.9 first. The order of the checks is that of the answers:
//! 489, 481, 400, 403, 500, then 415 and 400 for the body, which leave the subscription as it is.

use super::cause::Cause;
use super::doubt::Audit;
use super::place::names_lists;
use super::reason::{End, Leaves};
use super::told::contact;
use super::usage::{Gap, Knowledge, Usage, UsageState, tag_hash};
use super::watch::{Attempt, State as WatchState, Watch};
use super::{SPARE_USAGES, Watcher};
use crate::events::answer::Refusal;
use crate::events::package::{Document, LampKind, Memory, Package};
use crate::events::watched::Watched;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::txn::token::{Owner, Token};
use crate::ua::addresses::LocalAddresses;
use crate::ua::dialog::Dialog;
use crate::ua::retry::{self, Retry};
use crate::ua::targets::Target;
use crate::wire::flow::Flow;
use crate::wire::sip::{Request, State, Status, SubscriptionState};

impl Watcher {
    /// Takes in a NOTIFY; retransmissions were absorbed before. `trusted` says that its sender may open a dialog
    /// even if it is not whom we asked. `Ok` is a 200.
    ///
    /// # Errors
    /// [`Refusal`]: the answer. What the NOTIFY said was not applied; after 400 or 415 for its body the
    /// subscription stays and its state is unknown (RFC 3261 §21.4.13).
    #[allow(
        clippy::too_many_arguments,
        reason = "what a NOTIFY means depends on all of them"
    )]
    pub fn handle_notify(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        flow: &Flow,
        trusted: bool,
        addresses: &LocalAddresses,
        random: &mut Random,
    ) -> Result<(), Refusal> {
        if let Some(tag) = request.to.tag().and_then(Token::from_tag) {
            let is_it = |late: &Attempt| late.tag == tag && late.call_id() == request.call_id;
            self.revive(tag.slot, is_it, flow);
        }
        let watch_id = match self.watch_of(request) {
            Ok(id) => id,
            Err(refusal) => {
                let fetched = self.fetched(now, request, flow, trusted);
                return fetched.unwrap_or(Err(refusal));
            }
        };
        let usage = self.usage_of(watch_id, request);
        if usage.is_none() && !self.takes_another_usage(now, watch_id, request) {
            return Err(Status::NO_SUCH_SUBSCRIPTION.into());
        }
        if names_lists(request.headers.require()) && !self.is_list(watch_id) {
            // Nobody asked for one (RFC 4662 §4.1).
            return Err(Status::BAD_EXTENSION.into());
        }
        let state = match request.headers.subscription_state() {
            Ok(Some(state)) => state,
            Ok(None) => return Err(Refusal::bad("Missing Subscription-State header field")),
            Err(_) => return Err(Refusal::bad("Malformed Subscription-State header field")),
        };
        match usage {
            Some(usage) => self.notify_usage(now, usage, request, &state, flow, random),
            None => self.notify_attempt(
                now, watch_id, request, &state, flow, trusted, addresses, random,
            ),
        }
    }

    /// Finds the watch by our tag, and compares what else must be ours: Call-ID and Event (RFC 6665 §4.4.1, §4.1.3).
    fn watch_of(&self, request: &Request<'_>) -> Result<Id<Watch>, Refusal> {
        let event = match request.headers.event() {
            Ok(Some(event)) => event,
            Ok(None) => return Err(Status::BAD_EVENT.into()),
            Err(_) => return Err(Refusal::bad("Malformed Event header field")),
        };
        let package = Package::from_name(event.package).ok_or(Status::BAD_EVENT)?;
        let none = Refusal::Answer(Status::NO_SUCH_SUBSCRIPTION);
        let tag = request.to.tag().and_then(Token::from_tag).ok_or(none)?;
        if tag.owner != Owner::Watch {
            return Err(none);
        }
        let id = self.watches.id_at(tag.slot).ok_or(none)?;
        let watch = self.watches.get(id).ok_or(none)?;
        let attempt = watch.attempt().ok_or(none)?;
        let ours = attempt.tag == tag
            && attempt.call_id() == request.call_id
            && watch.speaks == package
            && event.id.is_none();
        if ours { Ok(id) } else { Err(none) }
    }

    /// The usage whose dialog the NOTIFY is in; a watch has a handful of them at most.
    fn usage_of(&self, watch: Id<Watch>, request: &Request<'_>) -> Option<Id<Usage>> {
        let usages = &self.watches.get(watch)?.usages;
        usages.iter().copied().find(|id| {
            self.usages
                .get(*id)
                .is_some_and(|usage| usage.dialog.matches(request))
        })
    }

    /// Whether a notifier not heard of before may join: until Timer N, and beyond the first only in packages that
    /// merge several (RFC 6665 §4.1.2.4, RFC 3856 §6.9).
    fn takes_another_usage(&self, now: Instant, id: Id<Watch>, request: &Request<'_>) -> bool {
        let Some(watch) = self.watches.get(id) else {
            return false;
        };
        match &watch.state {
            WatchState::Asking(attempt) => now < attempt.notify_by,
            WatchState::Told { attempt, .. } => {
                let tag = tag_hash(request.from.tag().unwrap_or_default());
                now < attempt.notify_by
                    && attempt.left != Some(tag)
                    && watch.speaks.spec().several_notifiers
                    && !watch.place.is_list()
                    && !watch.usages.is_full()
                    && self.spare_used < SPARE_USAGES
            }
            WatchState::Waiting { .. }
            | WatchState::Listed
            | WatchState::Seeking { .. }
            | WatchState::Resolving { .. }
            | WatchState::Ending(_) => false,
        }
    }

    /// A NOTIFY in a known dialog.
    fn notify_usage(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        flow: &Flow,
        random: &mut Random,
    ) -> Result<(), Refusal> {
        let usage = self
            .usages
            .get_mut(id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        if !usage.hears(flow.remote.ip()) {
            return Err(Status::FORBIDDEN.into());
        }
        if !usage.dialog.advance(request.cseq.number) {
            usage.fall_behind(now);
            self.settle_usage(id);
            return Err(Status::SERVER_ERROR.into());
        }
        self.apply(now, id, request, state, random)
    }

    /// A NOTIFY that opens a dialog, or refuses to.
    #[allow(
        clippy::too_many_arguments,
        reason = "it is handle_notify behind one more look-up"
    )]
    fn notify_attempt(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        flow: &Flow,
        trusted: bool,
        addresses: &LocalAddresses,
        random: &mut Random,
    ) -> Result<(), Refusal> {
        let watch = self
            .watches
            .get_mut(id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let asked = watch
            .attempt()
            .is_some_and(|attempt| same_host(attempt.way.flow.remote, flow.remote));
        if !asked && !trusted {
            if watch.usages.is_empty() {
                watch.story.distrusts = Some(flow.remote);
            }
            return Err(Status::FORBIDDEN.into());
        }
        watch.story.distrusts = None;
        if state.state == State::Terminated {
            if watch.usages.is_empty() {
                let end = End::of(state);
                let speaks = watch.speaks;
                let heard = watch.story.hear_last(now, speaks, request);
                let waits = speaks.spec().lamp == LampKind::Calling;
                self.fail(
                    now,
                    id,
                    Cause::Terminated(end.reason),
                    end.retry,
                    end.retry_after,
                    random,
                );
                match end.retry {
                    Retry::Soon | Retry::Backoff if heard && waits => self.rest(now, id, random),
                    Retry::Soon | Retry::Query | Retry::Backoff | Retry::Slow | Retry::Rare => {}
                }
                self.conclude(now, id, &end, random);
            }
            return Ok(());
        }
        let usage = self.open_usage(now, id, request, state, flow, addresses)?;
        self.apply(now, usage, request, state, random)
    }

    /// A notifier that says how things are and ends the subscription at once has been asked, and no more (RFC 6665
    /// §4.4.3): what it said stands until it is asked again, as often as a subscription would be refreshed. Of messages
    /// that wait, that is: how somebody is changes with nobody left to say so, and is asked about as after any end.
    fn rest(&mut self, now: Instant, id: Id<Watch>, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.failures = 0;
        watch.story.broken_since = None;
        let next = now + retry::refresh(watch.asks.duration(), random);
        if let WatchState::Waiting { until } = &mut watch.state {
            *until = next.max(*until);
        }
        self.settle_watch(id);
    }

    /// Opens the dialog of RFC 6665 §4.4.1: its routes are the Record-Route of the NOTIFY.
    fn open_usage(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        flow: &Flow,
        addresses: &LocalAddresses,
    ) -> Result<Id<Usage>, Refusal> {
        let watch = self.watches.get(id).ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let attempt = *watch.attempt().ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let target = contact(request).unwrap_or(request.from.uri_text);
        let dialog = Dialog::accepted(request, target, attempt.tag, attempt.seq)
            .map_err(|_| Status::MESSAGE_TOO_LARGE)?;
        let way = match (watch.follows(), watch.stays()) {
            (Some(_), _) | (_, true) => attempt.way,
            (None, false) => {
                let to = |address| {
                    let asked = attempt.way.target();
                    watch.way_to(Target { address, ..asked }, addresses)
                };
                let there = dialog.next_hop().and_then(to);
                let back = || to(flow.remote);
                there.or_else(back).unwrap_or(attempt.way)
            }
        };
        let lasts = state.expires.or(attempt.granted).unwrap_or(watch.asks);
        let ends = now + lasts.min(watch.asks);
        let usage = self.usages.insert(Usage {
            watch: id,
            dialog,
            memory: Memory::new(),
            knowledge: Knowledge::Nothing,
            tag: Text::new(),
            heard_from: flow.remote.ip(),
            way,
            ends,
            asked: watch.asks,
            sent: attempt.sent,
            pending: false,
            heard: now,
            awaits: false,
            doubt: None,
            retries: 0,
            proven: false,
            gap: Gap::Closed,
            asked_empty: false,
            behind: 0,
            audit: Audit::new(now),
            state: UsageState::Resting { refresh: ends },
        });
        let later = Refusal::BUSY;
        let usage = usage.map_err(|_| later)?;
        if let Some(document) = watch.document.and_then(|id| self.documents.get_mut(id)) {
            document.begin();
        }
        self.join(now, id, usage);
        Ok(usage)
    }

    fn join(&mut self, now: Instant, id: Id<Watch>, usage: Id<Usage>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if !watch.usages.is_empty() {
            self.spare_used += 1;
        }
        // takes_another_usage has seen that there is room.
        let _ = watch.usages.push(usage);
        if let WatchState::Asking(attempt) = watch.state {
            watch.accept(attempt.way.flow.remote);
            watch.state = WatchState::Told {
                attempt,
                since: now,
            };
        }
        self.settle_watch(id);
    }

    /// Does what a NOTIFY says in a usage that it was found to belong to.
    fn apply(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        random: &mut Random,
    ) -> Result<(), Refusal> {
        let usage = self
            .usages
            .get_mut(id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let watch_id = usage.watch;
        let watch = self
            .watches
            .get_mut(watch_id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        usage.behind = 0;
        let party = usage.memory.party().cloned();
        let is_same = usage.is_same(request);
        let is_list = watch.place.is_list();
        let read = match is_list {
            true => self.read_list(now, id, request, state, random),
            false => {
                let document = watch.document.and_then(|id| self.documents.get_mut(id));
                usage.read(now, watch.speaks, request, state, document)
            }
        };
        self.drop_spoilt(watch_id);
        let usage = self
            .usages
            .get_mut(id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let watch = self
            .watches
            .get_mut(watch_id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        if usage.memory.party() != party.as_ref() {
            self.changed.push(watch_id.slot());
        }
        let has_document = !request.body.is_empty();
        if read.is_ok() && has_document && state.state != State::Pending {
            watch.story.unasked = None;
        }
        if state.state == State::Terminated {
            watch.story.last_notify = Some(now);
            self.tell(now, watch_id);
            self.terminated(now, id, state, random);
            return Ok(());
        }
        usage.confirm(now, state, random);
        if read.is_ok() {
            watch.story.last_notify = Some(now);
            usage.trust(request);
            let tells = match usage.knowledge {
                Knowledge::Stateless(_) => true,
                Knowledge::Nothing | Knowledge::Known(_) | Knowledge::Unreadable => {
                    has_document || is_same
                }
            };
            usage.vouch(now, watch, tells, random);
            let told = usage.memory.take_dnd();
            self.audited(now, id);
            self.hear_switch(watch_id, told);
        }
        self.settle_usage(id);
        self.tell(now, watch_id);
        read
    }

    /// A document that is of no use is kept no longer: from the next SUBSCRIBE on its notifier is asked for all.
    fn drop_spoilt(&mut self, id: Id<Watch>) {
        if let Some(watch) = self.watches.get_mut(id)
            && let Some(document) = watch.document
            && self
                .documents
                .get(document)
                .is_some_and(Document::is_spoilt)
        {
            self.documents.remove(document);
            watch.document = None;
        }
    }

    /// The notifier ended the subscription (RFC 6665 §4.1.3).
    fn terminated(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        state: &SubscriptionState<'_>,
        random: &mut Random,
    ) {
        let Some(watch) = self.usages.get(id).map(|usage| usage.watch) else {
            return;
        };
        let mut end = End::of(state);
        if self.is_worth_a_query(now, id, &end) {
            end.doubt();
        }
        let cause = Cause::Terminated(end.reason);
        self.lose(now, id, cause, end.retry, end.retry_after, random);
        self.conclude(now, watch, &end, random);
    }

    /// Two reasons say something about the state itself: the resource is gone, or can't change any more.
    pub(super) fn conclude(&mut self, now: Instant, id: Id<Watch>, end: &End, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if watch.place.is_list() {
            return match end.leaves {
                // There is no such list. How its members are, that does not say.
                Leaves::Gone => self.disband(now, id, random),
                Leaves::Nothing | Leaves::LastState => {}
            };
        }
        let story = &mut watch.story;
        if story.unasked.is_some() {
            return;
        }
        match end.leaves {
            Leaves::Nothing => return,
            Leaves::Gone if watch.usages.is_empty() => {
                story.watched = Watched::Offline;
                story.told = true;
                story.broken_since = None;
            }
            Leaves::LastState if watch.usages.is_empty() && story.told => story.broken_since = None,
            Leaves::Gone | Leaves::LastState => return,
        }
        self.changed.push(id.slot());
    }
}

/// Ports may differ: a server answers from many.
pub(super) fn same_host(one: core::net::SocketAddr, other: core::net::SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical()
}

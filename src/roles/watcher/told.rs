//! What notifiers tell, one by one and together.
//!
//! Read RFC 3856 §6.6.2, §6.8 and RFC 4235 §3.9, §4.3 first.
//!
//! # A NOTIFY without a document
//!
//! Kamailio and OpenSIPS send one, `active`, for whom they have no state: nobody published anything yet, or what was
//! published has expired (kamailio #55, opensips #3362). Others send one to say no more than how long the subscription
//! lasts. Which it is depends on what it answers, for a SUBSCRIBE is answered with the current state (RFC 6665 §4.2.1.2).
//! In packages that give it a meaning ([`Spec::stateless`](crate::events::package::Spec::stateless)):
//!
//! ```text
//!   an `active` NOTIFY without a document                    what is known then
//!   the first, or the first behind `pending`                 the server knows no state
//!   with the entity-tag of what was told                     the same, and it is confirmed; see `condition`
//!   the first behind a refresh                               the server knows no state
//!   any other, and the server knew no state                  the same
//!   any other, and the last document could not be read       the same
//!   any other, and a document told something                 the same; if the lamp would show something else without
//!                                                            a state, it is refreshed at once, and so the answer tells
//! ```
//!
//! So a call that was up when its phone lost power ends on the lamp seconds after the server has dropped it. That costs one
//! refresh at most for each state told: a server that sends such NOTIFYs all the time is not asked for ever.
//! `pending` and `terminated` without a document say nothing of the state, as words we do not know.

use super::usage::{Gap, Knowledge, Usage, UsageState};
use super::watch::Story;
use crate::events::answer::Refusal;
use crate::events::package::{BodyType, Document, Memory, Package, Reading};
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::random::Random;
use crate::ground::time::Instant;
use crate::ua::request::Sending;
use crate::ua::retry;
use crate::wire::doc::Fault;
use crate::wire::sip::{Contact, Request, State, Status, SubscriptionState};

impl Usage {
    /// Takes in the body (RFC 3856 §6.8, RFC 3261 §21.4.13). A pending notifier tells nothing real (RFC 3856 §6.6.2).
    pub(super) fn read(
        &mut self,
        now: Instant,
        package: Package,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        document: Option<&mut Document>,
    ) -> Result<(), Refusal> {
        match state.state {
            State::Pending => {
                self.knowledge = Knowledge::Nothing;
                self.forget_tag();
                forget(document);
            }
            State::Active if self.is_same(request) => {}
            State::Active if request.body.is_empty() => {
                self.read_nothing(now, package, request);
                forget(document);
            }
            State::Terminated | State::Other(_) if request.body.is_empty() => {}
            State::Active | State::Terminated | State::Other(_) => {
                match self.read_document(now, package, request, document) {
                    Ok(Reading::State(watched)) => {
                        self.know(watched);
                        self.hold_tag_of(request);
                        self.gap = Gap::Closed;
                    }
                    // Nobody can be asked any more, so what is doubtful is not believed.
                    Ok(Reading::Gap(_) | Reading::Hole(_) | Reading::Lost)
                        if state.state == State::Terminated => {}
                    Ok(Reading::Gap(watched)) => {
                        self.know(watched);
                        self.forget_tag();
                        self.open_gap(now);
                    }
                    Ok(Reading::Hole(watched)) if self.cannot_count() => {
                        self.know(watched);
                        self.forget_tag();
                        self.doubt = None;
                    }
                    // Until the full document is there, the lamp says what it said, for its grace.
                    Ok(Reading::Hole(_) | Reading::Lost) => {
                        self.doubt.get_or_insert(now);
                        self.forget_tag();
                        self.open_gap(now);
                    }
                    Ok(Reading::Stale) => {}
                    Err(refusal) => {
                        self.knowledge = Knowledge::Unreadable;
                        self.forget_tag();
                        return Err(refusal);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads a document, or what is different in the one that is kept.
    fn read_document(
        &mut self,
        now: Instant,
        package: Package,
        request: &Request<'_>,
        document: Option<&mut Document>,
    ) -> Result<Reading, Refusal> {
        let spec = package.spec();
        let patched = match format_of(package, request)? {
            Format::Plain => None,
            Format::Patched => spec.patched(),
        };
        let is_patched = patched.is_some();
        let read = match (patched, document) {
            (Some(patched), Some(document)) => {
                (patched.read)(document, &mut self.memory, request.body)
            }
            (_, document) => {
                forget(document);
                (spec.read)(&mut self.memory, request.body)
            }
        };
        read.map_err(|fault| match fault {
            // A part of a document that nobody keeps, and that nobody was asked for.
            Fault::WrongRoot if is_patched => {
                self.open_gap(now);
                Status::UNSUPPORTED_MEDIA_TYPE.into()
            }
            fault => Refusal::bad(fault.reason()),
        })
    }

    /// A document tells this.
    fn know(&mut self, watched: Watched) {
        let known = Knowledge::Known(watched);
        if self.knowledge != known {
            self.asked_empty = false;
        }
        self.knowledge = known;
    }

    /// Takes in an `active` NOTIFY without a document; the module's head says what it means.
    fn read_nothing(&mut self, now: Instant, package: Package, request: &Request<'_>) {
        let Some(watched) = package.spec().stateless else {
            return;
        };
        match self.knowledge {
            Knowledge::Known(told) if !self.awaits_notify() => {
                let may_differ = told != watched || self.is_other(request);
                if may_differ && !self.asked_empty {
                    self.asked_empty = true;
                    self.open_gap(now);
                }
            }
            Knowledge::Unreadable if !self.awaits_notify() => {}
            Knowledge::Nothing
            | Knowledge::Known(_)
            | Knowledge::Stateless(_)
            | Knowledge::Unreadable => {
                self.memory.tell_stateless(watched);
                self.knowledge = Knowledge::Stateless(watched);
                self.hold_tag_of(request);
                self.gap = Gap::Closed;
                self.asked_empty = false;
            }
        }
    }

    /// Whether its notifier vouches for a state.
    pub(super) fn knows(&self) -> bool {
        match self.knowledge {
            Knowledge::Known(_) | Knowledge::Stateless(_) => true,
            Knowledge::Nothing | Knowledge::Unreadable => false,
        }
    }

    /// The other party of the call that a document told of last, if a lamp that shows `watched` shows that call. Behind a
    /// hole the lamp shows what was told before it, and the call may be another one.
    fn party(&self, watched: Watched) -> Option<&Party> {
        let shown = self.knowledge == Knowledge::Known(watched);
        let party = self.memory.party();
        party.filter(|_| shown && self.memory.watched() == watched)
    }

    /// Takes in what a NOTIFY that is not the last says of the subscription (RFC 6665 §4.1.3).
    pub(super) fn confirm(
        &mut self,
        now: Instant,
        state: &SubscriptionState<'_>,
        random: &mut Random,
    ) {
        self.hear(now);
        self.pending = state.state == State::Pending;
        if let Some(left) = state.expires {
            self.ends = now + left.min(self.asked);
        }
        match &mut self.state {
            UsageState::Resting { refresh } => {
                let earliest = now + retry::refresh(self.ends - now, random);
                *refresh = earliest.min(*refresh);
            }
            UsageState::Refreshing(refresh) => {
                refresh.told = true;
                refresh.dated |= state.expires.is_some();
                if refresh.request == Sending::Answered {
                    self.rest(now, random);
                }
            }
            UsageState::Ending(_) => {}
        }
    }

    /// An accepted NOTIFY shows that the notifier knows us; its Contact is where it is from now on (RFC 6665 §3.1).
    pub(super) fn trust(&mut self, request: &Request<'_>) {
        if self.knows() && self.gap == Gap::Closed {
            self.doubt = None;
        }
        if self.is_in_flight() {
            // Its retransmissions must stay the same bytes; the 2xx names the Contact again.
            return;
        }
        if let Some(target) = contact(request) {
            // One that is too long leaves the old one in place, which still leads there.
            let _ = self.dialog.retarget(target);
        }
    }

    /// A refresh worked: plans the next one.
    pub(super) fn rest(&mut self, now: Instant, random: &mut Random) {
        let mut refresh = now + retry::refresh(self.ends - now, random);
        if let Gap::Open { at, .. } = self.gap {
            refresh = refresh.min(at.max(now));
        }
        self.end_condition();
        self.retries = 0;
        self.proven = true;
        self.state = UsageState::Resting { refresh };
    }
}

impl Story {
    /// Takes in what all usages tell; `true` if that changes what a lamp may show.
    ///
    /// Of several notifiers the state that a lamp must not miss wins (RFC 4235 §3.9). One whose document cannot be read
    /// makes the whole unknown, for it might be the one that rings.
    pub(super) fn hear<'a>(
        &mut self,
        now: Instant,
        usages: impl Iterator<Item = &'a Usage>,
    ) -> bool {
        let before = (self.watched, self.broken_since, self.messages);
        let mut known = None;
        let mut messages = None;
        let mut unreadable = false;
        let mut doubt = None;
        for usage in usages {
            match usage.knowledge {
                Knowledge::Nothing => {}
                Knowledge::Known(watched) | Knowledge::Stateless(watched) => {
                    if known < Some(watched) {
                        messages = usage.memory.messages();
                    }
                    known = known.max(Some(watched));
                }
                Knowledge::Unreadable => unreadable = true,
            }
            doubt = Instant::earlier(doubt, usage.doubt);
        }
        match known {
            _ if unreadable => {
                self.watched = Watched::Unknown;
                self.broken_since.get_or_insert(now);
            }
            Some(watched) => {
                self.watched = watched;
                self.messages = messages;
                self.told = true;
                self.broken_since = doubt.filter(|_| self.unasked.is_none());
            }
            // Whoever told it without a subscription still vouches for it.
            None if self.unasked.is_some() => {}
            // The permission was withdrawn; before the first document, or while in doubt, nothing changes.
            None if self.told && self.broken_since.is_none() => self.watched = Watched::Unknown,
            None => {}
        }
        before != (self.watched, self.broken_since, self.messages)
    }
}

impl Story {
    /// Takes in the only document of a subscription that is over before it began; `false` if it tells nothing.
    pub(super) fn hear_last(
        &mut self,
        now: Instant,
        package: Package,
        request: &Request<'_>,
    ) -> bool {
        if request.body.is_empty() || format_of(package, request).is_err() {
            return false;
        }
        let mut memory = Memory::new();
        match (package.spec().read)(&mut memory, request.body) {
            Ok(Reading::State(watched)) => {
                self.watched = watched;
                self.messages = memory.messages();
                self.told = true;
                self.broken_since = None;
                self.unasked = None;
                self.last_notify = Some(now);
                true
            }
            // Part of a state that nobody can be asked for any more.
            Ok(Reading::Gap(_) | Reading::Hole(_) | Reading::Lost | Reading::Stale) | Err(_) => {
                false
            }
        }
    }

    /// The other party of the call that is shown, of which one of the usages tells. It is never the watched one.
    pub(super) fn party<'a>(
        &self,
        target: &str,
        mut usages: impl Iterator<Item = &'a Usage>,
    ) -> Option<&'a Party> {
        let party = usages.find_map(|usage| usage.party(self.watched));
        party.filter(|party| !party.is_at(target))
    }
}

/// Whether all the notifiers that tell something know no state.
pub(super) fn are_stateless<'a>(usages: impl Iterator<Item = &'a Usage>) -> bool {
    let mut stateless = false;
    for usage in usages {
        match usage.knowledge {
            Knowledge::Stateless(_) => stateless = true,
            Knowledge::Known(_) | Knowledge::Unreadable => return false,
            Knowledge::Nothing => {}
        }
    }
    stateless
}

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// It tells everything, or how it follows others by itself.
    Plain,
    /// It tells everything, or what is different in the one before (RFC 5263).
    Patched,
}

/// How the body is to be read; one without a type is taken for the package's own. The one that is patched is read where
/// it was not asked for too, as long as it tells everything.
///
/// # Errors
/// 415: it is of another type.
pub(super) fn format_of(package: Package, request: &Request<'_>) -> Result<Format, Refusal> {
    let headers = request.headers;
    if headers
        .content_encoding()
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
    {
        return Err(Status::UNSUPPORTED_MEDIA_TYPE.into());
    }
    let media = headers.content_type();
    let media = media.map_err(|_| Refusal::bad("Malformed Content-Type header field"))?;
    let Some(media) = media else {
        return Ok(Format::Plain);
    };
    let is = |body: &BodyType| media.matches(body.kind, body.subtype);
    let spec = package.spec();
    if spec.bodies.iter().chain(spec.also_read).any(is) {
        Ok(Format::Plain)
    } else if spec.patched().is_some_and(|it| is(&it.body)) {
        Ok(Format::Patched)
    } else {
        Err(Status::UNSUPPORTED_MEDIA_TYPE.into())
    }
}

/// What is kept is not what is told now.
fn forget(document: Option<&mut Document>) {
    if let Some(document) = document {
        document.forget();
    }
}

/// The target that a NOTIFY names.
pub(super) fn contact<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
    match request.headers.contacts().next()? {
        Ok(Contact::Addr(addr, _)) => Some(addr.uri_text),
        Ok(Contact::Star) | Err(_) => None,
    }
}

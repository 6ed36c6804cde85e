//! NOTIFY out, answer in (RFC 6665 §4.2.2).

use super::Notifier;
use super::subscription::{InFlight, Notify, Subscription, Wants};
use crate::events::package::{Baseline, Package};
use crate::events::presentity::Presentity;
use crate::events::subscription::{Reason, State};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::{Id, Table};
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::client::{Client, Expiry};
use crate::txn::token::{Owner, Token};
use crate::ua::dialog::{is_secure, write_contact, write_secure_contact};
use crate::wire::flow::Flow;
use crate::wire::sip::{Contact, Method, Name, Rates, Response, Writer};
use core::net::SocketAddr;

/// What the next poll does about one subscription.
enum Step {
    Nothing,
    Resend(InFlight),
    New,
}

impl Notifier {
    /// Writes the next NOTIFY that is due; `None` when all watchers know what there is to know for now.
    pub fn poll(
        &mut self,
        now: Instant,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<(Flow, usize)> {
        self.tell_audiences(now);
        self.tell_rejudged(now);
        self.date_documents(now);
        while let Some(slot) = self.ready.pop() {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            let written = match self.step(now, id) {
                Step::Nothing => None,
                Step::Resend(in_flight) => self.write(id, presentities, &in_flight, buf),
                Step::New => self.start(now, id, presentities, random, buf),
            };
            self.arm(id);
            if written.is_some() {
                return written;
            }
        }
        None
    }

    /// The final answer to a NOTIFY, or its first 1xx.
    pub fn handle_response(
        &mut self,
        now: Instant,
        token: Token,
        response: &Response<'_>,
        flow: &Flow,
    ) {
        let Some(id) = self.find(token) else { return };
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let Notify::InFlight(in_flight) = &mut subscription.notify else {
            return;
        };
        // The branch is secret, but a stranger on the way might have seen it.
        let is_ours =
            in_flight.client.nonce() == token.nonce && response.cseq.number == in_flight.seq;
        if !is_ours || subscription.flow.remote.ip() != flow.remote.ip() {
            return;
        }
        subscription.heard = true;
        if response.status < 200 {
            in_flight.client.handle_provisional();
            return;
        }
        let in_flight = *in_flight;
        if let 200..300 = response.status
            && let Some(Ok(Contact::Addr(contact, _))) = response.headers.contacts().next()
        {
            // A target that does not fit leaves the old one, which worked.
            let _ = self.retarget(id, contact.uri_text);
        }
        self.hear_rates(id, response);
        self.finish(now, id, in_flight, Outcome::of(response));
    }

    /// The network says that the datagram of that branch did not get to `remote` (RFC 3261 §8.1.3.1): as a 503 to it.
    /// Whether it is one of ours.
    pub fn handle_unreachable(&mut self, now: Instant, token: Token, remote: SocketAddr) -> bool {
        let Some(id) = self.find(token) else {
            return false;
        };
        let Some(subscription) = self.subscriptions.get(id) else {
            return false;
        };
        if let Notify::InFlight(in_flight) = subscription.notify
            && !in_flight.transport.is_reliable()
            && in_flight.client.nonce() == token.nonce
            && subscription.flow.remote == remote
        {
            self.finish(now, id, in_flight, Outcome::Unreachable);
            return true;
        }
        false
    }

    /// Expiry, Timers E and F, and changes that waited for their pace.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.give_up(now);
        while let Some(group) = self.paced.take_due(now) {
            self.tell_group(now, usize::from(group));
        }
        while let Some(slot) = self.timers.take_due(now) {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            if subscription.state.ends().is_some_and(|ends| now >= ends) {
                subscription.wants = Wants::Full;
                let reason = match subscription.state {
                    State::Pending { .. } if now >= subscription.patience_ends() => {
                        Reason::GiveUp(limits::LONGEST_RETRY)
                    }
                    State::Pending { .. } | State::Active { .. } | State::Terminated(_) => {
                        Reason::Timeout
                    }
                };
                self.turn(id, State::Terminated(reason));
            }
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            let expiry = match &mut subscription.notify {
                Notify::Idle => Expiry::Nothing,
                Notify::InFlight(in_flight) => in_flight.client.handle_timeout(now),
                Notify::Later { until } => {
                    if now >= *until {
                        subscription.notify = Notify::Idle;
                    }
                    Expiry::Nothing
                }
            };
            subscription.expect(now);
            self.expect_held(now, id);
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            match (expiry, &mut subscription.notify) {
                // Who does not answer is gone.
                (Expiry::TimedOut, _) => self.forget(id),
                (Expiry::Resend, Notify::InFlight(in_flight)) => {
                    in_flight.resend = true;
                    self.wake(id);
                }
                // It may be due already; the next poll sets its timer anew.
                (Expiry::Nothing, Notify::Idle) => self.ready.push(id.slot()),
                (Expiry::Resend | Expiry::Nothing, _) => self.wake(id),
            }
        }
    }

    /// A watcher may change the rates that it asked for with its answer, and only then (RFC 6446 §4.1).
    fn hear_rates(&mut self, id: Id<Subscription>, response: &Response<'_>) {
        if let Some(subscription) = self.subscriptions.get_mut(id)
            && subscription.tempo.is_asked()
            && response.status < 300
            && let Ok(Some(event)) = response.headers.event()
        {
            subscription.tempo.ask_again(Rates::of(&event.params));
        }
    }

    fn step(&mut self, now: Instant, id: Id<Subscription>) -> Step {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return Step::Nothing;
        };
        match &mut subscription.notify {
            Notify::InFlight(in_flight) if in_flight.resend => {
                in_flight.resend = false;
                let in_flight = *in_flight;
                // The document made way for newer ones: the newest takes its place, under a new CSeq.
                let is_stale = match (in_flight.body, subscription.row) {
                    (Some(body), _) => self.documents.bodies.parts(body).is_none(),
                    (None, Some(row)) => self.is_list_stale(row),
                    (None, None) => false,
                };
                if !is_stale {
                    return Step::Resend(in_flight);
                }
                if let Some(subscription) = self.subscriptions.get_mut(id) {
                    subscription.wants = Wants::Full;
                }
                Step::New
            }
            Notify::InFlight(_) | Notify::Later { .. } => Step::Nothing,
            Notify::Idle if !subscription.judged => Step::Nothing,
            Notify::Idle => match subscription.wants {
                Wants::Nothing => Step::Nothing,
                Wants::Changes if subscription.tempo.holds(now) => Step::Nothing,
                Wants::Changes | Wants::Again | Wants::Full => Step::New,
            },
        }
    }

    /// Begins a NOTIFY with the newest state, unless the watcher knows that.
    fn start(
        &mut self,
        now: Instant,
        id: Id<Subscription>,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<(Flow, usize)> {
        let content = self.content(now, id, presentities)?;
        let subscription = self.subscriptions.get_mut(id)?;
        let token = Token::draw(Owner::Subscription, id.slot(), random);
        // Whoever has not shown yet that it is there gets one datagram and no more.
        let is_sent_once = subscription.flow.transport.is_reliable() || !subscription.is_proven();
        let in_flight = InFlight {
            client: Client::start(now, token.nonce, is_sent_once),
            seq: subscription.dialog.next_seq(),
            state: subscription.state,
            expires: subscription
                .state
                .ends()
                .map_or(Seconds::ZERO, |ends| ends.seconds_from(now)),
            body: content.body,
            tag: content.tag,
            media_type: subscription.body,
            version: subscription.version,
            tells: content.tells,
            transport: subscription.flow.transport,
            resend: false,
        };
        if content.body.is_some() || subscription.row.is_some() {
            subscription.version = subscription.version.wrapping_add(1);
        }
        subscription.sent = content.revision;
        subscription.wants = Wants::Nothing;
        subscription.tempo.note(now);
        subscription.notify = Notify::InFlight(in_flight);
        if subscription.runs_out() {
            self.unsaved.hasten(id.slot(), now);
        }
        let (flow, len) = self.write(id, presentities, &in_flight, buf)?;
        let subscription = self.subscriptions.get_mut(id)?;
        if !subscription.is_too_long(&flow, len) {
            return Some((flow, len));
        }
        let in_flight = in_flight.by_tcp(now);
        subscription.notify = Notify::InFlight(in_flight);
        self.write(id, presentities, &in_flight, buf)
    }

    fn write(
        &self,
        id: Id<Subscription>,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        in_flight: &InFlight,
        buf: &mut [u8],
    ) -> Option<(Flow, usize)> {
        let subscription = self.subscriptions.get(id)?;
        let presentity = presentities.get(subscription.presentity);
        let user = presentity.map_or(&b""[..], Presentity::user);
        let flow = Flow {
            transport: in_flight.transport,
            ..subscription.flow
        };
        let mut w = Writer::new(buf);
        let token = Token {
            owner: Owner::Subscription,
            slot: id.slot(),
            nonce: in_flight.client.nonce(),
        };
        subscription
            .dialog
            .write_request(&mut w, Method::Notify, in_flight.seq, &flow, token);
        // A long NOTIFY that leaves UDP for TCP is no reason for the watcher to do so too.
        match is_secure(subscription.dialog.target()) {
            true => write_secure_contact(&mut w, user, &subscription.flow),
            false => write_contact(&mut w, user, &subscription.flow),
        }
        write_event(&mut w, subscription.package, &subscription.event_id);
        let tempo = &subscription.tempo;
        let rates = tempo.is_asked().then(|| tempo.in_force());
        write_state(&mut w, in_flight.state, in_flight.expires, rates);
        // A fan-out copies what was written once.
        let bodies = &self.documents.bodies;
        match (in_flight.body, in_flight.media_type) {
            (Some(body), 0) => _ = w.raw(bodies.tag_line(body)?),
            (Some(body), other) => _ = w.header(Name::SipEtag, &bodies.tag(body, other)?),
            (None, _) => {
                let tag = in_flight.tag.iter();
                tag.for_each(|tag| _ = w.header(Name::SipEtag, &tag.text()));
            }
        }
        if let Some(row) = subscription.row {
            self.write_list(&mut w, (subscription, row), in_flight, presentities)?;
        } else if let Some(body) = in_flight.body {
            let (before, after) = self.documents.bodies.parts(body)?;
            let spec = subscription.package.spec();
            let media_type = spec.body_type(in_flight.media_type)?.text.as_bytes();
            // RFC 5263 §4.4 counts from 1, RFC 4235 §4.1 from 0.
            let first = u32::from(spec.is_patched(in_flight.media_type));
            let version = in_flight.version.wrapping_add(first);
            match after {
                None => w.body(media_type, before),
                Some(after) => w.body_around(media_type, before, version, after),
            };
        }
        let len = w.finish().ok()?;
        Some((flow, len))
    }

    pub(super) fn finish(
        &mut self,
        now: Instant,
        id: Id<Subscription>,
        in_flight: InFlight,
        outcome: Outcome,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let was_last = in_flight.is_last();
        subscription.notify = Notify::Idle;
        if subscription.row.is_some() {
            subscription.look_again();
        }
        match outcome {
            Outcome::Baseline => {
                subscription.told = in_flight.tells;
                subscription.failures = 0;
            }
            Outcome::Refused => {
                subscription.failures = 0;
                // It may have missed one: what comes next does not build on it.
                if subscription.row.is_some() || subscription.is_patched() {
                    subscription.told = Baseline::Nothing;
                }
            }
            Outcome::Passing(after) => subscription.postpone(now, after),
            Outcome::Unreachable => subscription.postpone(now, None),
            Outcome::Gone => {}
        }
        let is_gone = match outcome {
            Outcome::Gone => true,
            Outcome::Unreachable => subscription.failures > UNREACHABLE,
            Outcome::Baseline | Outcome::Refused | Outcome::Passing(_) => false,
        };
        if was_last || is_gone {
            self.forget(id);
        } else {
            self.wake(id);
        }
    }
}

/// What an answer to a NOTIFY means for the subscription (RFC 6665 §4.2.2, RFC 5057 §5.1).
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// The watcher knows.
    Baseline,
    /// It does not want this one; the next change may fare better (RFC 5057 §5.1).
    Refused,
    /// It could not just now: the newest state again, later.
    Passing(Option<Seconds>),
    /// Nobody is there just now.
    Unreachable,
    /// There is no such subscription any more (RFC 6665 §4.2.2).
    Gone,
}

impl Outcome {
    fn of(response: &Response<'_>) -> Outcome {
        match response.status {
            200..300 => Outcome::Baseline,
            404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604 => Outcome::Gone,
            500 | 503 | 504 => Outcome::Passing(response.headers.retry_after()),
            _ => Outcome::Refused,
        }
    }
}

fn write_event(w: &mut Writer<'_>, package: Package, id: &[u8]) {
    w.field_with(Name::Event, |out| {
        out.raw(package.name().as_bytes());
        if !id.is_empty() {
            out.raw(b";id=").value(id);
        }
    });
}

fn write_state(w: &mut Writer<'_>, state: State, expires: Seconds, rates: Option<Rates>) {
    w.field_with(Name::SubscriptionState, |out| {
        out.raw(state.name().as_bytes());
        match state {
            State::Pending { .. } | State::Active { .. } => {
                out.raw(b";expires=").decimal(expires.0);
                if let Some(rates) = rates {
                    out.print(&rates);
                }
            }
            State::Terminated(reason) => {
                out.raw(b";reason=").raw(reason.name().as_bytes());
                if let Some(after) = reason.retry_after() {
                    out.raw(b";retry-after=").decimal(after.0);
                }
            }
        }
    });
}

impl Subscription {
    /// Until when it may wait for a decision (RFC 3857 §4.7.1).
    pub(super) fn patience_ends(&self) -> Instant {
        self.track.since + limits::GIVE_UP
    }

    /// It may be time for a NOTIFY although nothing changed.
    fn expect(&mut self, now: Instant) {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if let (Notify::Idle, State::Active { .. }) = (&self.notify, self.state)
            && is_due(self.tempo.expected())
        {
            self.wants = self.wants.max(Wants::Again);
        }
    }

    /// Tries again with the newest state after what the watcher asked for, or 4 s, doubling up to a minute.
    fn postpone(&mut self, now: Instant, after: Option<Seconds>) {
        self.failures = self.failures.saturating_add(1);
        let backoff = Duration::from_secs(2 << self.failures.min(5)).min(Duration::from_secs(60));
        let wait = after.map_or(backoff, |after| after.min(limits::LONGEST_RETRY).duration());
        self.wants = Wants::Full;
        self.notify = Notify::Later { until: now + wait };
    }
}

/// NOTIFYs in a row to an address where nobody is, 28 s and more together: then the watcher is gone as it would
/// be by Timer F.
const UNREACHABLE: u8 = 3;

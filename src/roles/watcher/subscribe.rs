//! Attempts and the requests they send.

use super::cause::Cause;
use super::place::EVENTLIST;
use super::usage::{Usage, UsageState};
use super::watch::{Attempt, State, Watch};
use super::{Action, Watcher};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::txn::T1_64;
use crate::txn::client::Client;
use crate::txn::token::{Owner, Token};
use crate::ua::addresses::LocalAddresses;
use crate::ua::credentials::Proof;
use crate::ua::dialog::{Dialog, write_contact, write_secure_contact};
use crate::ua::next_hop::NextHop;
use crate::ua::outbound::{Accounts, Lead, Long, RESOLVE, Way};
use crate::ua::query::{Asker, Query};
use crate::ua::request::{Sending, USER_AGENT};
use crate::ua::retry::Retry;
use crate::ua::targets::Target;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{Method, Name, Rates, Uri, Writer};

impl Watcher {
    /// Gives the next thing to do; `None` when there is nothing more for now. `buf` holds a datagram.
    pub fn poll(
        &mut self,
        now: Instant,
        accounts: &mut dyn Accounts,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        while let Some(slot) = self.ready_watches.pop() {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            if let Some(action) = self.poll_fetch(now, id, accounts, random, buf) {
                self.ready_watches.push(slot);
                return Some(action);
            }
            if let Some(action) = self.poll_watch(now, id, accounts, random, buf) {
                return Some(action);
            }
        }
        while let Some(slot) = self.ready_usages.pop() {
            if let Some(id) = self.usages.id_at(slot)
                && let Some(action) = self.poll_usage(now, id, accounts, random, buf)
            {
                return Some(action);
            }
        }
        self.poll_ping(buf)
    }

    /// Takes the places that answer an [`Action::Resolve`], the best first; none if the name leads nowhere, or nobody
    /// answered. Those of an earlier attempt then still serve.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        query: Query,
        found: &[Target],
        random: &mut Random,
    ) {
        if let Some(id) = self.find_query(query) {
            self.resolved(now, id, found, random);
        }
    }

    /// As [`Watcher::handle_resolved`], for the watch that asks.
    pub(super) fn resolved(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        found: &[Target],
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.targets.take(found);
        if watch.follows().is_none() && watch.targets.here().is_some() {
            self.seek(id, false);
        } else {
            self.fail(now, id, Cause::Unresolved, Retry::Backoff, None, random);
        }
    }

    /// Begins an attempt with the next poll: where the last one went, or wherever the way leads now.
    pub(super) fn seek(&mut self, id: Id<Watch>, anew: bool) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.state = State::Seeking { anew };
            self.ready_watches.push(id.slot());
            self.settle_watch(id);
        }
    }

    /// Finds the way of an attempt that begins now.
    fn begin(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        anew: bool,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let until = now + RESOLVE;
        let lead = match (watch.follows(), watch.hop()) {
            (Some(account), _) => accounts.lead(now, account),
            (None, Err(_)) => Lead::Nowhere,
            (None, Ok(NextHop::Name(..))) if anew => return self.look_up(id, until),
            (None, Ok(NextHop::Name(..))) => lead(watch, accounts.addresses()),
            (None, Ok(NextHop::Address(address))) => {
                let transport = watch.transport().unwrap_or(Transport::Udp);
                watch.targets.take(&[Target { transport, address }]);
                lead(watch, accounts.addresses())
            }
        };
        match lead {
            Lead::Way(way) => self.ask(now, id, way, random),
            Lead::Soon => {
                // The account's own question is out; it says when it has the answer.
                let (number, asked) = (0, true);
                self.resolving(id, number, asked, until);
            }
            Lead::Nowhere => {
                let cause = Cause::NoLocalAddress;
                self.fail(now, id, cause, Retry::Slow, None, random);
            }
        }
    }

    fn look_up(&mut self, id: Id<Watch>, until: Instant) {
        // Number 0 is nobody's.
        self.asked = self.asked.checked_add(1).unwrap_or(1);
        self.resolving(id, self.asked, false, until);
    }

    fn resolving(&mut self, id: Id<Watch>, number: u32, asked: bool, until: Instant) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.state = State::Resolving {
                number,
                asked,
                until,
            };
        }
        self.settle_watch(id);
    }

    /// Makes a fresh Call-ID and From tag, and asks (RFC 6665 §4.1.2.1).
    fn ask(&mut self, now: Instant, id: Id<Watch>, way: Way, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.place.begin();
        watch.late = None;
        watch.state = State::Asking(Attempt::new(now, id.slot(), way, random));
        self.settle_watch(id);
    }

    fn poll_watch(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        if let State::Seeking { anew } = self.watches.get(id)?.state {
            self.begin(now, id, anew, accounts, random);
        }
        let watch = self.watches.get_mut(id)?;
        if let State::Resolving { number, asked, .. } = &mut watch.state {
            let query = Query {
                asker: Asker::Watch,
                slot: id.slot(),
                number: *number,
            };
            return (!core::mem::replace(asked, true)).then_some(Action::Resolve { query });
        }
        let account = watch.account;
        let is_new = watch.attempt()?.request == Sending::Due;
        if is_new {
            watch.wish.ask();
        }
        let attempt = watch.attempt_mut()?;
        let reliable = attempt.way.flow.transport.is_reliable();
        let client = match attempt.request {
            Sending::Due => {
                attempt.proof = prove(account, attempt.proof, accounts, random);
                attempt.sent = now;
                attempt.notify_by = now + T1_64;
                Client::start(now, random.bits(), reliable)
            }
            Sending::Again(client) => client,
            Sending::Sent(_) | Sending::Answered => return None,
        };
        attempt.request = Sending::Sent(client);
        let written = self.send_first(now, id, client, accounts, buf);
        if written.is_none() {
            self.fail(now, id, Cause::NoLocalAddress, Retry::Slow, None, random);
        }
        self.settle_watch(id);
        written
    }

    /// Writes the SUBSCRIBE that opens a subscription, and once more by TCP if it is too long for a datagram.
    fn send_first(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        client: Client,
        accounts: &mut dyn Accounts,
        buf: &mut [u8],
    ) -> Option<Action> {
        let watch = self.watches.get_mut(id)?;
        let len = write_first(watch, client, accounts, buf)?;
        let attempt = watch.attempt_mut()?;
        let Some(way) = attempt.way.of_long(len) else {
            let flow = attempt.way.flow;
            return Some(Action::Send { flow, len });
        };
        attempt.way = way;
        let client = Client::start(now, client.nonce(), true);
        attempt.request = Sending::Sent(client);
        let len = write_first(watch, client, accounts, buf)?;
        let flow = way.flow;
        Some(Action::Send { flow, len })
    }

    fn poll_usage(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let usage = self.usages.get_mut(id)?;
        let watch = self.watches.get_mut(usage.watch)?;
        let is_new = match usage.refresh_mut()?.request {
            Sending::Due => true,
            Sending::Again(_) => false,
            Sending::Sent(_) | Sending::Answered => return None,
        };
        if is_new && let Some(way) = way_now(now, watch, usage, accounts) {
            usage.way = way;
        }
        if is_new {
            watch.wish.ask();
            usage.make_condition(watch);
        }
        let reliable = usage.way.flow.transport.is_reliable();
        let refresh = usage.refresh_mut()?;
        let client = match refresh.request {
            Sending::Again(client) => client,
            Sending::Due | Sending::Sent(_) | Sending::Answered => {
                refresh.proof = prove(watch.account, refresh.proof, accounts, random);
                refresh.notify_by = now + T1_64;
                usage.sent = now;
                Client::start(now, random.bits(), reliable)
            }
        };
        if let Some(refresh) = usage.refresh_mut() {
            refresh.request = Sending::Sent(client);
        }
        let written = self.send_refresh(now, id, client, accounts, buf);
        if written.is_none() {
            self.lose(now, id, Cause::NoLocalAddress, Retry::Slow, None, random);
        }
        self.settle_usage(id);
        written
    }

    /// Writes a SUBSCRIBE in a usage's dialog, and once more by TCP if it is too long for a datagram.
    fn send_refresh(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        client: Client,
        accounts: &mut dyn Accounts,
        buf: &mut [u8],
    ) -> Option<Action> {
        let usage = self.usages.get_mut(id)?;
        let watch = self.watches.get(usage.watch)?;
        accounts
            .addresses()
            .flow(usage.way.flow.transport, usage.peer())?;
        let len = write_refresh(watch, usage, (id, client), accounts, buf)?;
        let Some(way) = usage.way.of_long(len) else {
            let flow = usage.way.flow;
            return Some(Action::Send { flow, len });
        };
        usage.way = way;
        let client = Client::start(now, client.nonce(), true);
        if let Some(refresh) = usage.refresh_mut() {
            refresh.request = Sending::Sent(client);
        }
        let len = write_refresh(watch, usage, (id, client), accounts, buf)?;
        let flow = way.flow;
        Some(Action::Send { flow, len })
    }
}

/// The way of a watch that has its own.
fn lead(watch: &Watch, addresses: &LocalAddresses) -> Lead {
    let target = watch.targets.here();
    match target.and_then(|it| watch.way_to(it, addresses)) {
        Some(way) => Lead::Way(way),
        None => Lead::Nowhere,
    }
}

/// The way of a usage's next request. With an account it is the account's, as long as that leads to the same server;
/// without one the notifier may have moved (RFC 3261 §12.2.1.1). For new requests only, for a retransmission goes where
/// the request went (RFC 3263 §4).
pub(super) fn way_now(
    now: Instant,
    watch: &Watch,
    usage: &Usage,
    accounts: &mut dyn Accounts,
) -> Option<Way> {
    if let Some(account) = watch.follows()
        && let Lead::Way(way) = accounts.lead(now, account)
        && way.is_beside(&usage.way)
    {
        return Some(way);
    }
    let (old, addresses) = (usage.way, accounts.addresses());
    let next_hop = match (watch.follows(), watch.stays()) {
        (None, false) => usage.dialog.next_hop(),
        (Some(_), _) | (_, true) => None,
    };
    let to = |address| Target {
        address,
        ..old.target()
    };
    let found = next_hop.and_then(|hop| watch.way_to(to(hop), addresses));
    found.or_else(|| {
        let contact = old.contact();
        let flow = addresses.flow(contact.transport, contact.remote)?;
        let long = watch.long;
        let way = Way::of(
            Flow {
                local: flow.local,
                ..contact
            },
            addresses,
        );
        Some(match way.long {
            Long::MayMove => Way { long, ..way },
            Long::Stays | Long::Moved => way,
        })
    })
}

/// Writes the SUBSCRIBE that opens a subscription.
fn write_first(
    watch: &Watch,
    client: Client,
    accounts: &mut dyn Accounts,
    buf: &mut [u8],
) -> Option<usize> {
    write_opening(watch, watch.attempt()?, watch.asks, client, accounts, buf)
}

/// Writes a SUBSCRIBE outside of any dialog.
pub(super) fn write_opening(
    watch: &Watch,
    attempt: &Attempt,
    expires: Seconds,
    client: Client,
    accounts: &mut dyn Accounts,
    buf: &mut [u8],
) -> Option<usize> {
    let flow = &attempt.way.flow;
    let call_id = attempt.call_id();
    let dialog = Dialog::opening(
        &watch.from,
        &watch.target,
        &call_id,
        attempt.tag,
        attempt.seq,
    )
    .ok()?;
    let branch = Token {
        nonce: client.nonce(),
        ..attempt.tag
    };
    let mut w = Writer::new(buf);
    dialog.write_request(&mut w, Method::Subscribe, attempt.seq, flow, branch);
    write_credentials(&mut w, watch, &dialog, attempt.proof, accounts);
    write_rest(&mut w, watch, expires, &attempt.way.contact())
}

/// Writes a SUBSCRIBE in a usage's dialog.
fn write_refresh(
    watch: &Watch,
    usage: &Usage,
    (id, client): (Id<Usage>, Client),
    accounts: &mut dyn Accounts,
    buf: &mut [u8],
) -> Option<usize> {
    let refresh = match &usage.state {
        UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => refresh,
        UsageState::Resting { .. } => return None,
    };
    let flow = &usage.way.flow;
    let branch = Token {
        owner: Owner::Usage,
        slot: id.slot(),
        nonce: client.nonce(),
    };
    let mut w = Writer::new(buf);
    usage
        .dialog
        .write_request(&mut w, Method::Subscribe, refresh.seq, flow, branch);
    write_credentials(&mut w, watch, &usage.dialog, refresh.proof, accounts);
    usage.write_condition(&mut w, refresh);
    write_rest(&mut w, watch, refresh.expires, &usage.way.contact())
}

/// Draws what makes the credentials of a new request its own.
pub(super) fn prove(
    account: Option<u16>,
    before: Proof,
    accounts: &mut dyn Accounts,
    random: &mut Random,
) -> Proof {
    let key = account.and_then(|account| accounts.key(account));
    key.map_or(Proof::NONE, |(_, login)| login.prove(before, random))
}

/// Writes what proves who we are, where it was asked for (RFC 3261 §8.1.3.5).
fn write_credentials(
    w: &mut Writer<'_>,
    watch: &Watch,
    dialog: &Dialog,
    proof: Proof,
    accounts: &mut dyn Accounts,
) {
    let key = watch.account.and_then(|account| accounts.key(account));
    if let Some((account, login)) = key {
        let (method, uri) = (Method::Subscribe, dialog.request_uri());
        login.write(w, account, method, uri, proof, watch.wish.body());
    }
}

/// Writes what every SUBSCRIBE has (RFC 6665 §3.1.1).
fn write_rest(
    w: &mut Writer<'_>,
    watch: &Watch,
    expires: Seconds,
    contact: &Flow,
) -> Option<usize> {
    let from = Uri::parse(watch.from.as_bytes());
    let user = from.map_or(&b""[..], |uri| uri.user());
    match Uri::parse(watch.target.as_bytes()) {
        Ok(Uri::Sip(target)) if target.secure => write_secure_contact(w, user, contact),
        _ => write_contact(w, user, contact),
    }
    // Of one NOTIFY alone no rate can be kept.
    let rates = Rates {
        max: watch.max_rate.filter(|_| expires > Seconds::ZERO),
        ..Rates::default()
    };
    let event = watch.speaks.name().as_bytes();
    w.field_with(Name::Event, |out| _ = out.raw(event).print(&rates));
    w.header_u32(Name::Expires, expires.0);
    let spec = watch.speaks.spec();
    let types = spec.bodies.iter().chain(spec.also_read);
    // Who only asks has nothing to build on.
    let keeps = watch.document.is_some() && expires > Seconds::ZERO;
    let patched = spec.patched().filter(|_| keeps).map(|it| &it.body);
    let types = types.chain(patched).map(|body| body.text.as_bytes());
    let of_lists: &[&[u8]] = match watch.place.is_list() {
        true => &[b"multipart/related", b"application/rlmi+xml"],
        false => &[],
    };
    let types = types.chain(of_lists.iter().copied());
    w.field_with(Name::Accept, |out| _ = out.list(types));
    if watch.place.is_list() {
        w.header(Name::Supported, EVENTLIST);
    }
    w.header(Name::UserAgent, USER_AGENT);
    match watch.wish.body() {
        b"" => w.empty_body(),
        body => w.body(spec.bodies.first()?.text.as_bytes(), body),
    };
    w.finish().ok()
}

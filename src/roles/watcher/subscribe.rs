//! Attempts and the requests they send.

use super::ending::Cause;
use super::usage::{Usage, UsageState};
use super::watch::{Attempt, State, Watch};
use super::{Action, Watcher};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::T1_64;
use crate::txn::client::Client;
use crate::txn::token::{Owner, Token};
use crate::ua::credentials::{Keys, Proof};
use crate::ua::dialog::{Dialog, write_contact};
use crate::ua::next_hop::{NextHop, PORT};
use crate::ua::query::{Asker, Query};
use crate::ua::request::Sending;
use crate::ua::retry::Retry;
use crate::wire::flow::Flow;
use crate::wire::sip::{Method, Name, Writer, is_answerable};
use core::net::SocketAddr;

/// How long a name may take to be resolved. The shell answers sooner; this is for one that forgets.
const RESOLVE: Duration = Duration::from_secs(40);

/// Who we say we are.
const USER_AGENT: &[u8] = concat!("Lampfield/", env!("CARGO_PKG_VERSION")).as_bytes();

impl Watcher {
    /// Gives the next thing to do; `None` when there is nothing more for now. `buf` holds a datagram.
    pub fn poll(
        &mut self,
        now: Instant,
        keys: &mut dyn Keys,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        while let Some(slot) = self.ready_watches.pop() {
            if let Some(id) = self.watches.id_at(slot)
                && let Some(action) = self.poll_watch(now, id, keys, random, buf)
            {
                return Some(action);
            }
        }
        while let Some(slot) = self.ready_usages.pop() {
            if let Some(id) = self.usages.id_at(slot)
                && let Some(action) = self.poll_usage(now, id, keys, random, buf)
            {
                return Some(action);
            }
        }
        None
    }

    /// Takes the address that answers an [`Action::Resolve`]; `None` if the name has none, or nobody answered.
    /// An address from an earlier attempt then still serves. A port that
    /// stands in the query is kept; port 0 is taken for 5060.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        query: Query,
        address: Option<SocketAddr>,
        random: &mut Random,
    ) {
        if let Some(id) = self.find_query(query) {
            self.resolved(now, id, address, random);
        }
    }

    /// As [`Watcher::handle_resolved`], for the watch that asks.
    pub(super) fn resolved(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        address: Option<SocketAddr>,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get(id) else {
            return;
        };
        let port = match watch.hop() {
            Ok(NextHop::Name(_, port)) => port,
            Ok(NextHop::Address(_)) | Err(_) => None,
        };
        let found = address.map(|address| at_port(address, port));
        match found
            .filter(|found| is_answerable(*found))
            .or(watch.last_hop)
        {
            Some(address) => self.ask(now, id, address, random),
            None => self.fail(now, id, Cause::Unresolved, Retry::Backoff, None, random),
        }
    }

    /// Begins an attempt with the package the watch speaks.
    pub(super) fn begin(&mut self, now: Instant, id: Id<Watch>, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        match watch.hop() {
            Ok(NextHop::Address(address)) => self.ask(now, id, address, random),
            Ok(NextHop::Name(..)) => {
                self.asked = self.asked.wrapping_add(1);
                watch.state = State::Resolving {
                    number: self.asked,
                    asked: false,
                    until: now + RESOLVE,
                };
                self.ready_watches.push(id.slot());
                self.settle_watch(id);
            }
            Err(_) => self.fail(now, id, Cause::Unresolved, Retry::Slow, None, random),
        }
    }

    /// Makes a fresh Call-ID and From tag, and asks `to` (RFC 6665 §4.1.2.1).
    pub(super) fn ask(&mut self, now: Instant, id: Id<Watch>, to: SocketAddr, random: &mut Random) {
        if self.flow(to).is_none() {
            return self.fail(now, id, Cause::NoLocalAddress, Retry::Slow, None, random);
        }
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.last_hop = Some(to);
        watch.state = State::Asking(Attempt {
            tag: Token::draw(Owner::Watch, id.slot(), random),
            call: Token::draw(Owner::Watch, id.slot(), random),
            seq: 1,
            to,
            request: Sending::Due,
            sent: now,
            notify_by: now + T1_64,
            granted: None,
            raised: false,
            proof: Proof::NONE,
            challenged: 0,
            left: None,
        });
        self.ready_watches.push(id.slot());
        self.settle_watch(id);
    }

    /// Points a usage at where its dialog leads now: the notifier may have moved (RFC 3261 §12.2.1.1). For new
    /// requests only, for a retransmission goes where the request went (T20).
    pub(super) fn aim(&mut self, id: Id<Usage>) {
        let next_hop = self.usages.get(id).and_then(|usage| {
            let free = self.watches.get(usage.watch)?.server.is_none();
            usage.dialog.next_hop().filter(|_| free)
        });
        if let Some(peer) = next_hop.filter(|peer| self.flow(*peer).is_some())
            && let Some(usage) = self.usages.get_mut(id)
        {
            usage.peer = peer;
        }
    }

    fn poll_watch(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        keys: &mut dyn Keys,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
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
        let attempt = watch.attempt_mut()?;
        let client = match attempt.request {
            Sending::Due => {
                attempt.proof = prove(account, keys, random);
                attempt.sent = now;
                attempt.notify_by = now + T1_64;
                Client::start(now, random.bits(), false)
            }
            Sending::Again(client) => client,
            Sending::Sent(_) | Sending::Answered => return None,
        };
        attempt.request = Sending::Sent(client);
        let attempt = *attempt;
        let written = self.flow(attempt.to).and_then(|flow| {
            let len = write_first(self.watches.get(id)?, &attempt, client, &flow, keys, buf)?;
            Some(Action::Send { flow, len })
        });
        if written.is_none() {
            self.fail(now, id, Cause::NoLocalAddress, Retry::Slow, None, random);
        }
        self.settle_watch(id);
        written
    }

    fn poll_usage(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        keys: &mut dyn Keys,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let usage = self.usages.get_mut(id)?;
        let account = self.watches.get(usage.watch).and_then(|it| it.account);
        let refresh = usage.refresh_mut()?;
        let (client, is_new) = match refresh.request {
            Sending::Due => {
                refresh.proof = prove(account, keys, random);
                (Client::start(now, random.bits(), false), true)
            }
            Sending::Again(client) => (client, false),
            Sending::Sent(_) | Sending::Answered => return None,
        };
        refresh.request = Sending::Sent(client);
        if is_new {
            refresh.notify_by = now + T1_64;
            usage.sent = now;
        }
        let peer = usage.peer;
        let written = self.flow(peer).and_then(|flow| {
            let usage = self.usages.get(id)?;
            let watch = self.watches.get(usage.watch)?;
            let len = write_refresh(watch, usage, (id, client), &flow, keys, buf)?;
            Some(Action::Send { flow, len })
        });
        if written.is_none() {
            self.lose(now, id, Cause::NoLocalAddress, Retry::Slow, None, random);
        }
        self.settle_usage(id);
        written
    }
}

/// The address with the port that was written, else the one it came with, else the usual one.
fn at_port(address: SocketAddr, written: Option<u16>) -> SocketAddr {
    let port = match (written, address.port()) {
        (Some(port), _) => port,
        (None, 0) => PORT,
        (None, port) => port,
    };
    SocketAddr::new(address.ip(), port)
}

/// Writes the SUBSCRIBE that opens a subscription.
fn write_first(
    watch: &Watch,
    attempt: &Attempt,
    client: Client,
    flow: &Flow,
    keys: &mut dyn Keys,
    buf: &mut [u8],
) -> Option<usize> {
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
    write_credentials(&mut w, watch, &dialog, attempt.proof, keys);
    write_rest(&mut w, watch, watch.asks, flow)
}

/// Writes a SUBSCRIBE in a usage's dialog.
fn write_refresh(
    watch: &Watch,
    usage: &Usage,
    (id, client): (Id<Usage>, Client),
    flow: &Flow,
    keys: &mut dyn Keys,
    buf: &mut [u8],
) -> Option<usize> {
    let refresh = match &usage.state {
        UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => refresh,
        UsageState::Resting { .. } => return None,
    };
    let branch = Token {
        owner: Owner::Usage,
        slot: id.slot(),
        nonce: client.nonce(),
    };
    let mut w = Writer::new(buf);
    usage
        .dialog
        .write_request(&mut w, Method::Subscribe, refresh.seq, flow, branch);
    write_credentials(&mut w, watch, &usage.dialog, refresh.proof, keys);
    write_rest(&mut w, watch, refresh.expires, flow)
}

/// Draws what makes the credentials of a new request its own.
fn prove(account: Option<u16>, keys: &mut dyn Keys, random: &mut Random) -> Proof {
    let key = account.and_then(|account| keys.key(account));
    key.map_or(Proof::NONE, |(_, login)| login.prove(random))
}

/// Writes what proves who we are, where it was asked for (S22).
fn write_credentials(
    w: &mut Writer<'_>,
    watch: &Watch,
    dialog: &Dialog,
    proof: Proof,
    keys: &mut dyn Keys,
) {
    let key = watch.account.and_then(|account| keys.key(account));
    if let Some((account, login)) = key {
        let (method, uri) = (Method::Subscribe, dialog.request_uri());
        login.write(w, account, method, uri, proof, b"");
    }
}

/// Writes what every SUBSCRIBE has (S25).
fn write_rest(w: &mut Writer<'_>, watch: &Watch, expires: Seconds, flow: &Flow) -> Option<usize> {
    write_contact(w, &watch.from, flow);
    w.header(Name::Event, watch.speaks.name().as_bytes());
    w.header_u32(Name::Expires, expires.0);
    w.begin(Name::Accept);
    let spec = watch.speaks.spec();
    for (at, body) in spec.bodies.iter().chain(spec.also_read).enumerate() {
        w.part(if at == 0 { b"" } else { b", " });
        w.part(body.text.as_bytes());
    }
    w.end();
    w.row(b"User-Agent", USER_AGENT);
    w.empty_body();
    w.finish().ok()
}

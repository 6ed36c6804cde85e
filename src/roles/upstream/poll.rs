//! What there is to send.

use super::Upstreams;
use super::errand::{Exchange, Kind};
use super::link::{Link, Place, branch};
use super::wire::{Head, domain, write_head};
use crate::events::package::Pace;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::{Id, Table};
use crate::ground::text::Text;
use crate::ground::time::{Duration, Instant};
use crate::txn::client::Client;
use crate::ua::credentials::Proof;
use crate::ua::next_hop::{NextHop, PORT};
use crate::ua::query::{Asker, Name, Query};
use crate::ua::request::{Action, Sending};
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{Method, Writer, is_answerable};
use core::net::SocketAddr;

/// How long a name may take to be resolved. The shell answers sooner; this is for one that forgets.
const RESOLVE: Duration = Duration::from_secs(40);

impl Upstreams {
    /// Gives the next thing to do; `None` when there is nothing more for now. `buf` holds a datagram.
    pub fn poll(
        &mut self,
        now: Instant,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        while let Some(slot) = self.ready.pop() {
            let Some(id) = self.links.id_at(slot) else {
                continue;
            };
            let action = self.poll_link(now, id, presentities, random, buf);
            if let Some(link) = self.links.get(id) {
                self.timers.set(slot, link.due());
            }
            if action.is_some() {
                // There may be more.
                self.ready.push(slot);
                return action;
            }
        }
        None
    }

    /// What an [`Action::Resolve`] of ours asks for.
    pub fn query(&self, query: Query) -> Option<Name<'_>> {
        let servers = &self.links.get(self.find_query(query)?)?.servers;
        match servers.hop() {
            Ok(NextHop::Name(host, port)) => Some(Name {
                host,
                port,
                transport: servers.transport(),
            }),
            Ok(NextHop::Address(_)) | Err(_) => None,
        }
    }

    /// Takes the address that answers an [`Action::Resolve`] of ours; `None` if the name has none.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        query: Query,
        address: Option<SocketAddr>,
        random: &mut Random,
    ) {
        let Some(id) = self.find_query(query) else {
            return;
        };
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let port = match link.servers.hop() {
            Ok(NextHop::Name(_, port)) => port,
            Ok(NextHop::Address(_)) | Err(_) => None,
        };
        let found = address
            .map(|it| at_port(it, port))
            .filter(|it| is_answerable(*it));
        match found {
            Some(address) => link.place = Place::At(address),
            None => return self.fail(now, id, "its name has no address", random),
        }
        self.settle(id);
    }

    fn poll_link(
        &mut self,
        now: Instant,
        id: Id<Link>,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let link = self.links.get_mut(id)?;
        if link.registration.take_ping(now)
            && let Place::At(remote) = link.place
            && let Some(flow) = self.locals.flow(link.servers.transport(), remote)
        {
            return ping(link.stream(flow), buf);
        }
        // Who takes leave needs the registration to the last.
        let order = if link.leaving {
            [Kind::Publish, Kind::Register, Kind::Probe]
        } else {
            Kind::ALL
        };
        let kind = order
            .into_iter()
            .find(|kind| link.errand(*kind).wants_to_send())?;
        let remote = match link.place {
            Place::At(remote) => remote,
            Place::Asking { told: true, .. } => return None,
            Place::Asking {
                number,
                told: false,
                until,
            } => {
                let told = true;
                link.place = Place::Asking {
                    number,
                    told,
                    until,
                };
                let query = Query {
                    asker: Asker::Upstream,
                    slot: id.slot(),
                    number,
                };
                return Some(Action::Resolve { query });
            }
            Place::Unknown => {
                self.look_for(now, id, random);
                return self.poll_link(now, id, presentities, random, buf);
            }
        };
        match self.locals.flow(link.servers.transport(), remote) {
            Some(flow) => {
                let flow = link.stream(flow);
                self.send(now, id, kind, flow, presentities, random, buf)
            }
            None => {
                self.fail(now, id, "we have no address of its family", random);
                None
            }
        }
    }

    /// The link that still waits for the answer to a query.
    fn find_query(&self, query: Query) -> Option<Id<Link>> {
        let id = self.links.id_at(query.slot)?;
        match self.links.get(id)?.place {
            Place::Asking { number, .. } => (number == query.number).then_some(id),
            Place::Unknown | Place::At(_) => None,
        }
    }

    /// Finds out where the server is.
    fn look_for(&mut self, now: Instant, id: Id<Link>, random: &mut Random) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        match link.servers.hop() {
            Ok(NextHop::Address(address)) => link.place = Place::At(address),
            Ok(NextHop::Name(..)) => {
                self.asked = self.asked.wrapping_add(1);
                link.place = Place::Asking {
                    number: self.asked,
                    told: false,
                    until: now + RESOLVE,
                };
            }
            Err(_) => self.fail(now, id, "its address leads nowhere", random),
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "what is sent depends on all of them"
    )]
    fn send(
        &mut self,
        now: Instant,
        id: Id<Link>,
        kind: Kind,
        flow: Flow,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let link = self.links.get_mut(id)?;
        let request = link.exchange_mut(kind)?.request;
        let (slot, instance) = (id.slot(), self.instance);
        let (client, written) = match request {
            Sending::Again(client) => (client, Some(())),
            Sending::Due => {
                if kind == Kind::Publish && !link.prepare(now, presentities, self.pace) {
                    link.rest(kind, None);
                    self.settle(id);
                    return None;
                }
                let proof = match kind {
                    Kind::Register | Kind::Publish => link.login.prove(random),
                    Kind::Probe => Proof::NONE,
                };
                let client = Client::start(now, random.bits(), flow.transport.is_reliable());
                let exchange = link.exchange_mut(kind)?;
                exchange.flow = flow;
                exchange.named = self.locals.as_seen(&flow).local;
                exchange.proof = proof;
                let exchange = *exchange;
                let nonce = client.nonce();
                let written = match kind {
                    Kind::Register => link.write_register(slot, &exchange, nonce, instance, buf),
                    Kind::Publish => link.write_publish(slot, &exchange, nonce, buf),
                    Kind::Probe => Some(()),
                };
                (client, written)
            }
            Sending::Sent(_) | Sending::Answered => return None,
        };
        let exchange = link.exchange_mut(kind)?;
        exchange.request = Sending::Sent(client);
        let exchange = *exchange;
        let len = written.and_then(|()| match kind {
            Kind::Register => link.copy_register(buf),
            Kind::Publish => link.copy_publish(buf),
            Kind::Probe => link.write_probe(slot, &exchange, client.nonce(), buf),
        });
        match len {
            Some(len) => Some(Action::Send {
                flow: exchange.flow,
                len,
            }),
            None => {
                // Only with a configuration that `validate` would have refused, or a challenge of great length.
                link.refuse(now, kind, "its request is too long", None, random);
                self.settle(id);
                None
            }
        }
    }
}

impl Link {
    /// The flow, over the connection in use.
    fn stream(&self, flow: Flow) -> Flow {
        match flow.transport {
            Transport::Udp => flow,
            Transport::Tcp | Transport::Tls => Flow {
                connection: self.connection,
                ..flow
            },
        }
    }

    fn prepare(
        &mut self,
        now: Instant,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        pace: Pace,
    ) -> bool {
        let presentity = self.publication.of.and_then(|id| presentities.get(id));
        let aor = (!self.leaving).then_some(self.aor.as_str());
        self.publication.prepare(now, presentity, aor, pace)
    }

    /// Writes the OPTIONS that `exchange` stands for.
    fn write_probe(
        &self,
        slot: u16,
        exchange: &Exchange,
        nonce: u64,
        buf: &mut [u8],
    ) -> Option<usize> {
        let mut scratch = Text::new();
        let branch = branch(Kind::Probe, slot, nonce);
        let mut w = Writer::new(buf);
        write_head(
            &mut w,
            &Head {
                method: Method::Options,
                uri: domain(&self.aor, &mut scratch)?.as_bytes(),
                aor: &self.aor,
                tag: branch,
                call: branch,
                seq: exchange.seq,
                flow: &exchange.flow,
                branch,
            },
        );
        w.empty_body();
        w.finish().ok()
    }
}

/// CRLFCRLF (RFC 5626 §3.5.1).
fn ping(flow: Flow, buf: &mut [u8]) -> Option<Action> {
    const PING: &[u8] = b"\r\n\r\n";
    buf.get_mut(..PING.len())?.copy_from_slice(PING);
    Some(Action::Send {
        flow,
        len: PING.len(),
    })
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

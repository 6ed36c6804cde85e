//! The way to a server, kept open and watched: OPTIONS, or a Binding request of STUN where the server answers those, and
//! pings on a stream.
//!
//! Read RFC 5626 §4.4 first. A server that has taken part in `outbound` answers STUN at the port where it takes SIP; so
//! does one of which the owner says so. Another may throw it away, or take it for broken SIP, and is sent none.
//!
//! ```text
//!   a flow     ──► Untried ──answer──► Answers   ── seven requests without an answer: the flow has failed
//!                     └── none, error ──► Deaf   ── OPTIONS instead, for as long as we are at this server
//! ```

use super::Upstreams;
use super::errand::{Errand, Exchange, Kind};
use super::link::{Link, Stun};
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::client::Client;
use crate::txn::token::{Owner, Token};
use crate::ua::addresses::LocalAddresses;
use crate::ua::outbound::Way;
use crate::ua::request::Sending;
use crate::ua::retry;
use crate::ua::servers::KeepAlive;
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;

impl Upstreams {
    /// A server answered the Binding request of that number: it sees us at `mapped`, if it says so, and there is no STUN
    /// with it if `mapped` is an error. Only who has seen the request knows its number, and only the port that was asked
    /// may answer.
    pub fn handle_binding(
        &mut self,
        now: Instant,
        token: Token,
        mapped: Result<Option<SocketAddr>, ()>,
        flow: &Flow,
        addresses: &mut LocalAddresses,
        random: &mut Random,
    ) {
        let Some(id) = self.links.id_at(token.slot) else {
            return;
        };
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let is_it = |it: &&mut Exchange| {
            let is_there = it.way.flow.remote == flow.remote;
            is_there && it.request.awaits(token.nonce) && it.request.is_binding()
        };
        if token.owner != Owner::Registration {
            return;
        }
        let Some(exchange) = link.exchange_mut(Kind::Probe).filter(is_it) else {
            return;
        };
        exchange.request = Sending::Answered;
        let exchange = *exchange;
        match mapped {
            Ok(seen) => {
                link.stun = Stun::Answers;
                self.heard(id, &exchange);
                if let Some(link) = self.links.get_mut(id) {
                    link.rest(Kind::Probe, None);
                }
                // A NAT may give us the address of another family's translator, which nobody can call.
                let seen = seen.filter(|it| it.is_ipv4() == exchange.way.flow.local.is_ipv4());
                self.settled(now, id, Kind::Probe, &exchange, seen, addresses, random);
            }
            Err(()) => link.go_deaf(),
        }
        self.settle(id);
    }
}

impl Link {
    /// Sees to it that the way stays open.
    pub(super) fn keep_alive(
        &mut self,
        now: Instant,
        way: &Way,
        addresses: &LocalAddresses,
        random: &mut Random,
    ) {
        let interval = match way.contact().transport {
            Transport::Udp => self.interval(way, addresses, random),
            Transport::Tcp | Transport::Tls => {
                self.registration.ping_soon(now, random);
                None
            }
        };
        if let Errand::Resting { .. } = self.probe {
            self.rest(Kind::Probe, interval.map(|it| now + it));
        }
    }

    /// How long until the server is asked again; `None` for never.
    fn interval(
        &self,
        way: &Way,
        addresses: &LocalAddresses,
        random: &mut Random,
    ) -> Option<Duration> {
        let has_nat = addresses.as_seen(&way.flow).local != way.flow.local;
        match self.keep_alive {
            Some(KeepAlive::Options(Seconds::ZERO)) => None,
            Some(KeepAlive::Options(every)) => {
                let every = every.duration();
                Some(random.duration(every * 4 / 5, every / 5))
            }
            None if !self.speaks_stun() => has_nat.then(|| retry::nat(random)),
            Some(KeepAlive::Stun) | None => Some(match self.registration.flow_timer() {
                Some(most) => random.duration(most * 4 / 5, most / 5),
                None => retry::nat(random),
            }),
        }
    }

    /// Whether the server answers Binding requests, by what it or the owner says and as long as it does.
    fn speaks_stun(&self) -> bool {
        let is_told = match self.keep_alive {
            Some(KeepAlive::Stun) => true,
            Some(KeepAlive::Options(_)) => false,
            None => self.registration.is_outbound(),
        };
        is_told && self.stun != Stun::Deaf
    }

    /// The request that finds out whether the way is still open, beginning now.
    pub(super) fn start_probe(&self, now: Instant, nonce: u64) -> Client {
        let is_datagram = self.outbound.transport() == Transport::Udp;
        match is_datagram && self.speaks_stun() {
            true => Client::bind(now, nonce),
            false => Client::start(now, nonce, !is_datagram),
        }
    }

    /// A Binding request got no answer. Whether another kind of request is to find out what that means: of one that never
    /// answered any, only that it knows no STUN.
    pub(super) fn is_deaf(&mut self, exchange: &Exchange) -> bool {
        let was_asked = exchange.way.contact().transport == Transport::Udp;
        let is_deaf = was_asked && self.speaks_stun() && self.stun == Stun::Untried;
        if is_deaf {
            self.go_deaf();
        }
        is_deaf
    }

    fn go_deaf(&mut self) {
        self.stun = Stun::Deaf;
        self.begin(Kind::Probe);
    }
}

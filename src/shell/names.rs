//! Names that the agent asks for, and those under which it is found: by name servers, or by neighbours.

use std::net::SocketAddr;

use super::clock;
use super::hub::Hub;
use super::mdns;
use crate::ground::time::Instant;
use crate::ua::query::Query;
use crate::ua::targets::Target;
use crate::wire::flow::Transport;

impl Hub {
    /// Announces our presentities on the local network, where that is wanted; else takes back what was announced.
    pub(super) fn announce(&mut self, now: Instant) {
        if let Some(host) = &self.discover {
            let presentities = self.agent.settings().presentities.iter();
            let uris = presentities.map(|it| it.uri.as_str());
            self.mdns.serve(now, host, mdns::instances(host, uris));
        } else {
            self.mdns.take_leave(now);
        }
    }

    /// Looks for the name that the agent asks for.
    pub(super) fn resolve(&mut self, now: Instant, query: Query) {
        let Some(name) = self.agent.query(query) else {
            return;
        };
        if mdns::is_local(name.host) && !self.resolver.is_here(name.host) {
            self.mdns.ask(now, query, name.host, name.port);
        } else {
            self.resolver.ask(now, query, name);
        }
    }

    /// Gives the agent the places that were found; says whether any name was answered.
    pub(super) fn pass_addresses(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some((query, found)) = self.resolver.take_finished() {
            self.agent.handle_resolved(clock::dated(now), query, &found);
            any = true;
        }
        any | self.pass_neighbours(now)
    }

    /// The place that a neighbour says: by datagram, if nothing else is written, at the usual port if he names none.
    fn place_at(&self, query: Query, mut address: SocketAddr) -> Option<Target> {
        let written = self.agent.query(query)?.transport;
        let transport = written.unwrap_or(Transport::Udp);
        if address.port() == 0 {
            address.set_port(transport.default_port());
        }
        Some(Target { transport, address })
    }

    /// Gives the agent what neighbours say of their names; says whether there was anything.
    fn pass_neighbours(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(found) = self.mdns.take_found() {
            if let Some(user) = &found.user {
                self.agent.handle_user(found.query, user);
            }
            let place = found.address.and_then(|it| self.place_at(found.query, it));
            self.agent
                .handle_resolved(clock::dated(now), found.query, place.as_slice());
            any = true;
        }
        while let Some((host, addresses)) = self.mdns.take_moved() {
            self.agent.handle_host(now, &host, &addresses);
            any = true;
        }
        any
    }
}

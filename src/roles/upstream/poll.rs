//! What there is to send.

use super::Upstreams;
use super::errand::{Kind, branch};
use super::link::Link;
use super::outage::Fault;
use super::publication::About;
use super::registration::Instance;
use crate::events::package::Pace;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::{Id, Table};
use crate::ground::time::Instant;
use crate::txn::client::Client;
use crate::ua::addresses::LocalAddresses;
use crate::ua::credentials::Proof;
use crate::ua::outbound::{Lead, Way};
use crate::ua::query::{Asker, Name, Query};
use crate::ua::request::{Action, Sending};
use crate::ua::targets::Target;
use crate::wire::flow::Flow;
use crate::wire::stun;

/// What a link needs of others to say what it has to say.
pub struct Around<'a> {
    /// Where we are.
    pub addresses: &'a LocalAddresses,
    /// Whose presence is published.
    pub presentities: &'a Table<Presentity, { limits::PRESENTITIES }>,
}

impl Upstreams {
    /// Gives the next thing to do; `None` when there is nothing more for now. `buf` holds a datagram.
    pub fn poll(
        &mut self,
        now: Instant,
        around: &Around<'_>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        while let Some(slot) = self.ready.pop() {
            let Some(id) = self.links.id_at(slot) else {
                continue;
            };
            let action = self.poll_link(now, id, around, random, buf);
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
        let link = self.links.get(self.find_query(query)?)?;
        link.outbound.name()
    }

    /// Takes the places that answer an [`Action::Resolve`] of ours, the best first; none if the name leads nowhere.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        query: Query,
        found: &[Target],
        random: &mut Random,
    ) {
        let Some(id) = self.find_query(query) else {
            return;
        };
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        if !link.outbound.resolve(found) {
            return self.fail(now, id, Fault::Silent("its name has no address"), random);
        }
        // Others may wait for it too.
        self.moved.push(id.slot());
        self.settle(id);
    }

    fn poll_link(
        &mut self,
        now: Instant,
        id: Id<Link>,
        around: &Around<'_>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let link = self.links.get_mut(id)?;
        if link.registration.take_ping(now)
            && let Lead::Way(way) = link.outbound.lead(now, around.addresses)
        {
            return Action::ping(way.flow, buf);
        }
        // Who takes leave needs the registration to the last.
        let order = if link.leaving {
            [Kind::Publish, Kind::Register, Kind::Probe]
        } else {
            Kind::ALL
        };
        let wanted = order
            .into_iter()
            .find(|kind| link.errand(*kind).wants_to_send());
        let lead = wanted.map(|kind| (kind, link.outbound.lead(now, around.addresses)));
        if link.outbound.take_question(self.asked.wrapping_add(1)) {
            self.asked = self.asked.wrapping_add(1);
            return Some(Action::Resolve {
                query: Query {
                    asker: Asker::Upstream,
                    slot: id.slot(),
                    number: self.asked,
                },
            });
        }
        match lead? {
            (kind, Lead::Way(way)) => self.send(now, id, kind, way, around, random, buf),
            (_, Lead::Soon) => None,
            (_, Lead::Nowhere) => {
                let leads = link.outbound.remote().is_some();
                let why = match leads {
                    true => "we have no address of its family",
                    false => "its address leads nowhere",
                };
                self.fail(now, id, Fault::Silent(why), random);
                None
            }
        }
    }

    /// The link that still waits for the answer to a query.
    fn find_query(&self, query: Query) -> Option<Id<Link>> {
        let id = self.links.id_at(query.slot)?;
        let awaits = self.links.get(id)?.outbound.awaits(query.number);
        awaits.then_some(id)
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
        way: Way,
        around: &Around<'_>,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let (slot, instance, pace) = (id.slot(), self.instance, self.pace);
        let link = self.links.get_mut(id)?;
        let written = match link.exchange_mut(kind)?.request {
            Sending::Again(client) => link.again(kind, client, slot, buf),
            Sending::Due => {
                if kind == Kind::Publish && !link.prepare(now, around.presentities, pace) {
                    link.rest(kind, None);
                    self.settle(id);
                    return None;
                }
                let before = link.exchange_mut(kind)?.proof;
                let proof = match kind {
                    Kind::Register | Kind::Publish => match link.outbound.key() {
                        Some((_, login)) => login.prove(before, random),
                        None => Proof::NONE,
                    },
                    Kind::Probe => Proof::NONE,
                };
                let exchange = link.exchange_mut(kind)?;
                exchange.proof = proof;
                exchange.way = way;
                link.asked = now;
                let nonce = random.bits();
                link.write(now, kind, nonce, (slot, instance), buf)
            }
            Sending::Sent(_) | Sending::Answered => return None,
        };
        match written {
            Some((flow, len)) => Some(Action::Send { flow, len }),
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
    /// Writes a new request, and once more by TCP if it is too long for a datagram (RFC 3261 §18.1.1).
    fn write(
        &mut self,
        now: Instant,
        kind: Kind,
        nonce: u64,
        (slot, instance): (u16, Instance),
        buf: &mut [u8],
    ) -> Option<(Flow, usize)> {
        loop {
            let reliable = self.exchange_mut(kind)?.way.flow.transport.is_reliable();
            let client = match kind {
                Kind::Register | Kind::Publish => Client::start(now, nonce, reliable),
                Kind::Probe => self.start_probe(now, nonce),
            };
            let exchange = self.exchange_mut(kind)?;
            exchange.request = Sending::Sent(client);
            let exchange = *exchange;
            match kind {
                Kind::Register => self.write_register(slot, &exchange, nonce, instance, buf)?,
                Kind::Publish => self.write_publish(slot, &exchange, nonce, buf)?,
                Kind::Probe => {}
            }
            let (flow, len) = self.again(kind, client, slot, buf)?;
            match exchange.way.of_long(len) {
                Some(way) => self.exchange_mut(kind)?.way = way,
                None => return Some((flow, len)),
            }
        }
    }

    /// Writes the request in flight as it was written before.
    fn again(
        &mut self,
        kind: Kind,
        client: Client,
        slot: u16,
        buf: &mut [u8],
    ) -> Option<(Flow, usize)> {
        let exchange = self.exchange_mut(kind)?;
        exchange.request = Sending::Sent(client);
        let exchange = *exchange;
        let len = match kind {
            Kind::Register => self.copy_register(buf),
            Kind::Publish => self.copy_publish(buf),
            Kind::Probe if client.is_binding() => {
                let number = branch(kind, slot, client.nonce()).number();
                stun::write_request(number, buf)
            }
            Kind::Probe => self.write_probe(slot, &exchange, client.nonce(), buf),
        };
        Some((exchange.way.flow, len?))
    }

    fn prepare(
        &mut self,
        now: Instant,
        presentities: &Table<Presentity, { limits::PRESENTITIES }>,
        pace: Pace,
    ) -> bool {
        let presentity = self.publication.of.and_then(|id| presentities.get(id));
        let about = About {
            presentity,
            aor: &self.aor,
            dialect: self.choice.spoken,
            ends: self.ends(Kind::Publish),
        };
        self.publication.prepare(now, &about, pace)
    }
}

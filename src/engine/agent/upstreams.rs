//! The servers above us: settings to links, and what links mean for the rest.

use super::Agent;
use crate::engine::config::{Settings, UpstreamSettings};
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Moment};
use crate::roles::upstream::{Link, Order, Report, Upstreams};
use crate::txn::token::Token;
use crate::ua::addresses::LocalAddresses;
use crate::ua::credentials::{Account, Login};
use crate::ua::outbound::{Accounts, Lead, Outbound};
use crate::ua::reach::Reach;
use crate::wire::flow::{End, Flow};
use crate::wire::sip::Response;
use heapless::Vec;

/// The accounts of the upstreams, by their numbers in the settings.
pub(super) struct Links<'a> {
    pub(super) upstreams: &'a mut Upstreams,
    pub(super) ids: &'a [Option<Id<Link>>],
    pub(super) addresses: &'a LocalAddresses,
}

impl Links<'_> {
    fn outbound(&mut self, account: u16) -> Option<&mut Outbound> {
        let id = *self.ids.get(usize::from(account))?;
        self.upstreams.outbound(id?)
    }
}

impl Accounts for Links<'_> {
    fn addresses(&self) -> &LocalAddresses {
        self.addresses
    }

    fn lead(&mut self, now: Instant, account: u16) -> Lead {
        let addresses = self.addresses;
        let outbound = self.outbound(account);
        outbound.map_or(Lead::Nowhere, |it| it.proven(now, addresses))
    }

    fn key(&mut self, account: u16) -> Option<(&Account, &mut Login)> {
        self.outbound(account)?.proven_key()
    }
}

impl Agent {
    /// How we stand with the servers above us, in the order of the settings.
    pub fn upstreams(&self, now: Instant) -> impl Iterator<Item = Report<'_>> {
        let numbered = self.settings.upstreams.iter().zip(&self.links);
        numbered.filter_map(move |(settings, id)| {
            let report = self.upstreams.report(now, (*id)?, &self.locals)?;
            Some(match settings.features {
                Some(features) => self.with_features(report, features),
                None => report,
            })
        })
    }

    /// A message that was sent with connection 0 leaves through the connection of `flow`, which is open now or was
    /// before. Whoever wants to stay on it keeps the number, as a registration does with its flow (RFC 5626 §4.2);
    /// NOTIFYs go to connection 0 again.
    pub fn handle_connected(&mut self, flow: &Flow) {
        self.upstreams.handle_connected(flow);
    }

    /// Whoever opened the connection of that number has shown a certificate by an authority of ours, which is for those:
    /// hosts, and users as `name@host`. Before anything that comes on it is handled (RFC 5922 §7).
    pub fn handle_certificate<'a>(
        &mut self,
        connection: u32,
        names: impl Iterator<Item = &'a str>,
    ) {
        self.certified.learn(connection, names);
    }

    /// The connection of `flow` is no more; or, with number 0, none can be had to `flow.remote`. What waits for an
    /// answer through it has got a 503 (RFC 3261 §8.1.3.1), and its number leads nowhere for ever.
    pub fn handle_disconnected(&mut self, moment: Moment, flow: &Flow, end: End) {
        self.certified.forget(flow.connection);
        self.notifier.handle_disconnected(moment.now, flow, end);
        let random = &mut self.random;
        self.upstreams
            .handle_disconnected(moment.now, flow, end, random);
        self.watcher
            .handle_disconnected(moment.now, flow, end, random);
    }

    /// The other end of a connection that we opened answered a ping (RFC 5626 §4.4.1).
    pub fn handle_pong(&mut self, flow: &Flow) {
        self.upstreams.handle_pong(flow);
    }

    pub(super) fn handle_upstream_response(
        &mut self,
        now: Instant,
        token: Token,
        response: &Response<'_>,
        flow: &Flow,
    ) {
        let random = &mut self.random;
        let addresses = &mut self.locals;
        let forgot = self
            .upstreams
            .handle_response(now, token, response, flow, addresses, random);
        if forgot {
            // Whoever lost our publication has lost the rest, too: it was restarted.
            self.upstreams.register_again(now, token.slot);
            self.watcher.handle_forgotten(now, flow.remote.ip(), random);
        }
    }

    /// A link stands otherwise.
    pub(super) fn handle_link(&mut self, now: Instant, link: Id<Link>) {
        let number = self.links.iter().position(|it| *it == Some(link));
        if let Some(number) = number {
            self.examine_link(now, number);
            self.look_at_account(now, number, link);
            self.doubt_unasked(now, number as u16, link);
            if self.upstreams.take_renewed(link) {
                self.keeping.touch_upstream(now, number as u16);
            }
        }
    }

    /// Watches follow the accounts whose ways they go, and accounts hear of servers that are in doubt; whoever speaks to
    /// a server hears what others learnt of it.
    pub(super) fn keep_together(&mut self, now: Instant) {
        let random = &mut self.random;
        while let Some((remote, reach)) = self.watcher.take_news() {
            match reach {
                Reach::Heard => self.upstreams.handle_heard(now, remote, random),
                Reach::Silent { .. } => self.upstreams.handle_silent(now, remote),
            }
        }
        while let Some((remote, reach)) = self.upstreams.take_news() {
            match reach {
                Reach::Heard => self.watcher.handle_heard(now, remote, random),
                Reach::Silent { since } => self.watcher.handle_silent(now, remote, since, random),
            }
        }
        while let Some(account) = self.watcher.take_doubted() {
            if let Some(Some(id)) = self.links.get(usize::from(account)) {
                self.upstreams.handle_doubt(now, *id);
            }
        }
        while let Some(link) = self.upstreams.take_moved() {
            let number = self.links.iter().position(|it| *it == Some(link));
            if let Some(number) = number {
                let mut accounts = Links {
                    upstreams: &mut self.upstreams,
                    ids: &self.links,
                    addresses: &self.locals,
                };
                let random = &mut self.random;
                self.watcher
                    .handle_moved(now, number as u16, &mut accounts, random);
            }
        }
    }

    /// Accounts that both versions of the settings have stay, and change in place; the others take leave, or begin.
    pub(super) fn keep_links(
        &mut self,
        now: Instant,
        settings: &Settings,
    ) -> Vec<Option<Id<Link>>, { limits::UPSTREAMS }> {
        let old = self.settings.upstreams.iter().zip(&self.links);
        let known = |wanted: &UpstreamSettings| {
            let mut old = old.clone();
            let (it, id) = old.find(|(it, _)| it.aor == wanted.aor)?;
            Some((it == wanted, (*id)?))
        };
        let kept: Vec<_, { limits::UPSTREAMS }> = settings.upstreams.iter().map(known).collect();
        let mine = self.links.iter().copied().flatten();
        for id in mine.filter(|id| !kept.iter().flatten().any(|(_, it)| it == id)) {
            self.upstreams.remove(now, id);
        }
        let mut links = Vec::new();
        for (number, (wanted, known)) in settings.upstreams.iter().zip(kept).enumerate() {
            let publish = wanted.publish.map(usize::from);
            let publish = publish.and_then(|it| self.presentities.get(it).copied());
            let order = Order {
                aor: &wanted.aor,
                servers: &wanted.servers,
                account: &wanted.account,
                redirects: wanted.redirects,
                register: wanted.register,
                publish,
                dialect: wanted.dialect,
                devices: &wanted.devices,
                expires: wanted.expires,
                keep_alive: wanted.keep_alive,
            };
            let id = match known {
                // The number of a presentity may be another's now.
                Some((true, id)) if self.upstreams.publishes(id) == publish => Some(id),
                Some((_, id)) => {
                    self.upstreams.change(now, id, &order);
                    Some(id)
                }
                None => self.upstreams.add(now, &order, &mut self.random).ok(),
            };
            if self.links.get(number) != Some(&id) {
                self.keeping.touch_upstream(now, number as u16);
            }
            let _ = links.push(id);
        }
        for number in links.len()..self.links.len() {
            self.keeping.touch_upstream(now, number as u16);
        }
        links
    }

    /// Watches whose accounts have another password, or are others now, try again what was refused.
    pub(super) fn prove_anew(&mut self, now: Instant, settings: &Settings) {
        for (number, upstream) in settings.upstreams.iter().enumerate() {
            let old = self.settings.upstreams.get(number);
            if old.is_some_and(|old| old.account != upstream.account) {
                let random = &mut self.random;
                self.watcher.handle_new_proof(now, number as u16, random);
            }
        }
    }

    /// Accounts and notifiers hear of other addresses of ours.
    pub(super) fn announce_locals(&mut self, now: Instant, before: &LocalAddresses) {
        self.upstreams.handle_addresses(now, before, &self.locals);
        let mut accounts = Links {
            upstreams: &mut self.upstreams,
            ids: &self.links,
            addresses: &self.locals,
        };
        self.watcher
            .handle_addresses(now, &mut accounts, &mut self.random);
    }
}

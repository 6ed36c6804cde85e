//! What there is to say about a link.

use super::Upstreams;
use super::errand::{Errand, Kind};
use super::link::Link;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::addresses::LocalAddresses;
use core::net::SocketAddr;

/// How a registration or a publication stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Nobody wants it.
    Off,
    /// It is on its way for the first time, or waits for the registration.
    Waiting,
    /// The server has it.
    Yes,
    /// Nobody answers: it is tried again.
    Retrying,
    /// The server refuses it: it is tried again, less often.
    Refused,
}

impl Stands {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Stands::Off => "off",
            Stands::Waiting => "waiting",
            Stands::Yes => "yes",
            Stands::Retrying => "retrying",
            Stands::Refused => "refused",
        }
    }
}

/// What there is to say about a link.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Who we are there.
    pub aor: &'a str,
    /// The server in use, as configured.
    pub server: &'a str,
    /// Where it is, once that is known.
    pub remote: Option<SocketAddr>,
    /// Whether we are registered.
    pub registration: Stands,
    /// When that ends without a refresh.
    pub expires: Option<Instant>,
    /// Whether the newest presence is published.
    pub publication: Stands,
    /// In which dialect it is told; `None` if nobody wants it.
    pub dialect: Option<&'static str>,
    /// When that ends without a refresh.
    pub published_until: Option<Instant>,
    /// What the last REGISTER was answered; 408 when it was not.
    pub last_register: Option<u16>,
    /// What the last PUBLISH was answered.
    pub last_publish: Option<u16>,
    /// When something is asked next.
    pub next: Option<Instant>,
    /// Where the server sees us, if that is elsewhere than where we are.
    pub public: Option<SocketAddr>,
    /// The address that it gave this instance (RFC 5627).
    pub gruu: Option<&'a str>,
    /// What is wrong; empty if all is well.
    pub why: &'static str,
    /// Since when.
    pub broken_since: Option<Instant>,
}

impl Upstreams {
    /// How a link stands; `None` once it is over.
    pub fn report(
        &self,
        now: Instant,
        id: Id<Link>,
        addresses: &LocalAddresses,
    ) -> Option<Report<'_>> {
        let link = self.links.get(id)?;
        let remote = link.outbound.remote();
        let flow = remote.and_then(|it| addresses.flow(link.outbound.transport(), it));
        let seen = flow.map(|flow| (addresses.as_seen(&flow).local, flow.local));
        Some(Report {
            aor: &link.aor,
            server: link.outbound.servers.server().map_or("", |it| &it.host),
            remote,
            registration: link.registered_now(now),
            expires: link.registration.ends(),
            publication: link.published_now(now),
            dialect: link.publication.of.map(|_| link.choice.spoken.name()),
            published_until: link.publication.held().map(|(_, ends)| ends),
            last_register: link.story.registered,
            last_publish: link.story.published,
            next: link.due(),
            public: seen.and_then(|(seen, own)| (seen != own).then_some(seen)),
            gruu: link.registration.gruu(now),
            why: link.story.why(),
            broken_since: link.story.broken_since(),
        })
    }

    /// Who the peer at `remote` has to be inside TLS, by the links that go there.
    pub fn names_at(&self, remote: SocketAddr) -> impl Iterator<Item = &str> {
        let links = self.links.iter();
        links.filter_map(move |(_, link)| link.outbound.name_at(remote))
    }

    /// Whether all that is wanted of a link stands, and since when not.
    pub fn standing(&self, now: Instant, id: Id<Link>) -> Option<(Stands, Option<Instant>)> {
        let link = self.links.get(id)?;
        let both = [link.registered_now(now), link.published_now(now)];
        let worst = [
            Stands::Refused,
            Stands::Retrying,
            Stands::Waiting,
            Stands::Yes,
        ]
        .into_iter()
        .find(|it| both.contains(it));
        Some((worst.unwrap_or(Stands::Off), link.story.broken_since()))
    }
}

impl Link {
    fn registered_now(&self, now: Instant) -> Stands {
        // Who was merely asked who he is has not been refused.
        let is_broken = self.story.unregistered_since().is_some();
        match self.registration.stands(now) {
            _ if !self.registration.wanted => Stands::Off,
            true => Stands::Yes,
            false if is_broken && is_refusal(self.story.registered) => Stands::Refused,
            false if is_broken => Stands::Retrying,
            false => Stands::Waiting,
        }
    }

    fn published_now(&self, now: Instant) -> Stands {
        let asks = matches!(self.errand(Kind::Publish), Errand::Asking(_));
        let is_broken = self.story.unpublished_since().is_some();
        match self.publication.held() {
            _ if self.publication.of.is_none() => Stands::Off,
            Some((_, ends)) if now < ends && (asks || !is_broken) => Stands::Yes,
            _ if is_broken && is_refusal(self.story.published) => Stands::Refused,
            _ if is_broken => Stands::Retrying,
            Some(_) | None => Stands::Waiting,
        }
    }
}

/// Whether a server says no, and not that it is not there or not well.
const fn is_refusal(status: Option<u16>) -> bool {
    matches!(status, Some(300..=407 | 409..=499 | 600..))
}

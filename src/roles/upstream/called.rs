//! Who is called: an account that is registered, by its server or through it.
//!
//! Read RFC 3261 §10.2.1 and §16.6 step 2 first: whoever calls our address of record has the server put our Contact
//! into the Request-URI.

use super::Upstreams;
use super::link::Link;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::addresses::LocalAddresses;
use crate::wire::sip::{Uri, same_user};
use core::net::IpAddr;

impl Upstreams {
    /// Whether an account is registered at the server at `ip`: where its requests go.
    pub fn is_registered_at(&self, now: Instant, id: Id<Link>, ip: IpAddr) -> bool {
        let link = self.links.get(id);
        link.is_some_and(|it| it.registration.stands(now) && it.outbound.leads_to_host(ip))
    }

    /// Whether an account is registered at the server at `ip`, or has asked to be. Asterisk calls a new Contact, and tells
    /// it of its mailbox, before it answers the REGISTER.
    pub fn may_call_from(&self, now: Instant, id: Id<Link>, ip: IpAddr) -> bool {
        let link = self.links.get(id);
        link.is_some_and(|it| it.registration.may_stand(now) && it.outbound.leads_to_host(ip))
    }

    /// Whether `uri` is the Contact that an account is registered with, or asks to be. The port does not count: behind a
    /// NAT, or on a stream, a server writes the one that it sees.
    pub fn is_contact(
        &self,
        now: Instant,
        id: Id<Link>,
        uri: &Uri<'_>,
        addresses: &LocalAddresses,
    ) -> bool {
        let link = self.links.get(id);
        let Some(link) = link.filter(|it| it.registration.may_stand(now)) else {
            return false;
        };
        let asked = link.registration.asked().map(|it| it.way.named.ip());
        let known = link.registration.contact.map(|(_, known)| known.ip());
        let is_ours = |ip: IpAddr| [known, asked].contains(&Some(ip)) || addresses.has(ip);
        let host = uri.sip().and_then(|it| it.host.ip());
        host.is_some_and(is_ours) && link.is_user(uri)
    }

    /// Whether the user of `uri` is that of an account.
    pub fn is_user(&self, id: Id<Link>, uri: &Uri<'_>) -> bool {
        self.links.get(id).is_some_and(|link| link.is_user(uri))
    }
}

impl Link {
    fn is_user(&self, uri: &Uri<'_>) -> bool {
        let aor = Uri::parse(self.aor.as_bytes());
        aor.is_ok_and(|aor| same_user(&aor, uri))
    }
}

//! Servers whose host is elsewhere than before.
//!
//! Nobody is told so by SIP: the shell hears it from the network (RFC 6762 §8.4), where anybody may say it. So the server's
//! name is asked for anew, and the account tells everything again there; who goes the same way stays on the way that
//! worked until the new one does.

use super::link::{Link, Stun};
use super::{LINKS, Upstreams};
use crate::ground::time::Instant;
use core::net::IpAddr;

impl Upstreams {
    /// `host` has these addresses now, or is there at last: accounts whose server has that name, and was asked at none of
    /// them, look for it again.
    pub fn handle_host(&mut self, now: Instant, host: &str, addresses: &[IpAddr]) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot)
                && let Some(link) = self.links.get_mut(id)
                && link.is_misled(host, addresses)
            {
                link.look_again(now);
                self.moved.push(slot);
                self.settle(id);
            }
        }
    }
}

impl Link {
    /// Whether its server has that name, and is taken to be at another address. Where the name is just asked for, the
    /// answer will say.
    fn is_misled(&self, host: &str, addresses: &[IpAddr]) -> bool {
        let name = self.outbound.name();
        let remote = self.outbound.remote();
        !self.leaving
            && name.is_some_and(|it| it.host.eq_ignore_ascii_case(host))
            && self.outbound.due().is_none()
            && remote.is_none_or(|it| !addresses.contains(&it.ip()))
    }

    fn look_again(&mut self, now: Instant) {
        if !self.asks() {
            // Nothing of ours would ever prove the new way, so the old one is not kept for it.
            self.outbound.fail();
        }
        self.outbound.leave();
        self.registration.be_silent();
        self.stun = Stun::Untried;
        self.begin_anew(now);
    }
}

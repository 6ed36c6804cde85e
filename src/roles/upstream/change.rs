//! Another order for an account that is there: it goes on in place, and nothing is taken back that is still wanted.
//!
//! An un-REGISTER that is followed by a REGISTER may arrive behind it (RFC 3261 §10.2.2): the phone would be gone.

use super::Upstreams;
use super::dialect::Choice;
use super::errand::Kind;
use super::link::{Link, Order, Stun};
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::Instant;

impl Upstreams {
    /// Takes another order for the account of a link: other servers, lifetimes or credentials, or something more or less
    /// that is wanted of it. The servers hear of it at once, in the dialogs and registrations that there are. One that took
    /// leave stays.
    pub fn change(&mut self, now: Instant, id: Id<Link>, order: &Order<'_>) {
        if let Some(link) = self.links.get_mut(id) {
            link.change(now, order);
            self.settle(id);
        }
    }

    /// The link that takes leave of this account, if it still does.
    pub(super) fn leaving(&self, aor: &str) -> Option<Id<Link>> {
        let mut links = self.links.iter();
        let found = links.find(|(_, link)| link.leaving && link.aor.as_str() == aor);
        found.map(|(id, _)| id)
    }
}

impl Link {
    fn change(&mut self, now: Instant, order: &Order<'_>) {
        self.leaving = false;
        (self.expires, self.keep_alive) = (order.expires, order.keep_alive);
        (self.redirects, self.stun) = (order.redirects, Stun::Untried);
        self.rest(Kind::Probe, None);
        self.story.start_over();
        if self.outbound.change(order.account, order.servers) {
            self.leave_server();
        }
        self.want_registration(now, order.register);
        self.want_publication(now, order.publish);
        self.want_dialect(order);
        self.publication.be_quiet(now);
        // The publication follows the registration.
        if self.is_resting(Kind::Publish) {
            self.rest(Kind::Publish, None);
        }
        let first = self.first();
        if self.is_resting(first) && !self.ends(first) {
            self.begin_at(Some(now));
        }
    }

    /// The server in use is not one of ours any more, or no longer the best. What it knows of us lapses by itself.
    fn leave_server(&mut self) {
        self.home = None;
        self.failures = 0;
        self.unsettled = true;
        self.registration.be_silent();
        self.be_modern();
        self.publication.forget();
        for kind in [Kind::Register, Kind::Publish] {
            self.rest(kind, None);
        }
    }

    /// What was told in another dialect, or of devices with other names, lapses by itself.
    fn want_dialect(&mut self, order: &Order<'_>) {
        let is_same = self.choice.is_wanted(order.dialect);
        if !is_same {
            self.choice = Choice::new(order.dialect);
        }
        if !is_same || self.publication.devices != *order.devices {
            self.publication.devices = order.devices.clone();
            self.publication.forget();
        }
    }

    fn want_registration(&mut self, now: Instant, wanted: bool) {
        let was_wanted = core::mem::replace(&mut self.registration.wanted, wanted);
        if was_wanted && !wanted && self.is_resting(Kind::Register) {
            self.part(now, Kind::Register);
        }
    }

    fn want_publication(&mut self, now: Instant, of: Option<Id<Presentity>>) {
        let before = core::mem::replace(&mut self.publication.of, of);
        if before == of {
            return;
        }
        self.publication.doubt();
        if of.is_none() && self.is_resting(Kind::Publish) {
            self.part(now, Kind::Publish);
        }
    }
}

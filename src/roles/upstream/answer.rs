//! Answers to what we asked of a server.

use super::Upstreams;
use super::dialect::Dialect;
use super::errand::{Errand, Exchange, Kind};
use super::link::{Link, Trouble};
use super::outage::Fault;
use super::registration::Granted;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::addresses::{LocalAddresses, seen_at};
use crate::ua::credentials::{Next, Proof};
use crate::ua::reach::Reach;
use crate::ua::request::Sending;
use crate::ua::retry::{self, Retry};
use crate::ua::servers::Redirects;
use crate::wire::flow::Flow;
use crate::wire::sip::{Contact, Method, Response, Status};
use core::net::SocketAddr;

/// The longest lifetime that a 423 makes us ask for.
const EXPIRES_MOST: Seconds = Seconds(86_400);

const NO_TIME: &str = "it grants no time";

impl Upstreams {
    /// Takes in the answer to a request of ours; `token` is its branch. What answers no request, or comes from another
    /// host than the request went to, is dropped. Says whether the server seems to have forgotten what it knew.
    pub fn handle_response(
        &mut self,
        now: Instant,
        token: Token,
        response: &Response<'_>,
        flow: &Flow,
        addresses: &mut LocalAddresses,
        random: &mut Random,
    ) -> bool {
        let kind = match (token.owner, response.cseq.method) {
            (Owner::Registration, Method::Register) => Kind::Register,
            (Owner::Registration, Method::Options) => Kind::Probe,
            (Owner::Publication, Method::Publish) => Kind::Publish,
            _ => return false,
        };
        let (Some(id), Some(status)) = (self.links.id_at(token.slot), Status::new(response.status))
        else {
            return false;
        };
        if let Some(link) = self.links.get_mut(id)
            && kind == Kind::Register
            && status.is_success()
        {
            link.revive(token.nonce);
        }
        let exchange = self.links.get_mut(id).and_then(|it| it.exchange_mut(kind));
        let Some(exchange) = exchange.filter(|it| {
            let same_host =
                it.way.flow.remote.ip().to_canonical() == flow.remote.ip().to_canonical();
            it.request.awaits(token.nonce) && it.seq == response.cseq.number && same_host
        }) else {
            return false;
        };
        if !status.is_final() {
            exchange.request.handle_provisional();
            return false;
        }
        exchange.request = Sending::Answered;
        let exchange = *exchange;
        let forgot = self.answered(
            now, id, kind, status, &exchange, response, addresses, random,
        );
        self.settle(id);
        forgot
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "what an answer means depends on all of them"
    )]
    fn answered(
        &mut self,
        now: Instant,
        id: Id<Link>,
        kind: Kind,
        status: Status,
        exchange: &Exchange,
        response: &Response<'_>,
        addresses: &mut LocalAddresses,
        random: &mut Random,
    ) -> bool {
        let Some(link) = self.links.get_mut(id) else {
            return false;
        };
        link.note(kind, status.code());
        let turned = link.hear(kind, response);
        if kind == Kind::Probe || status.is_success() {
            self.heard(id, exchange);
            self.succeeded(now, id, kind, exchange, response, addresses, random);
            return false;
        }
        if link.ends(kind) && !exchange.farewell {
            link.part(now, kind);
            return false;
        }
        match status {
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED => {
                let mut proof = exchange.proof;
                let next = match link.outbound.key() {
                    Some((account, login)) => login.take(response, account, &mut proof),
                    None => Next::GiveUp("it is not ours, and is told no password"),
                };
                match next {
                    Next::Again => link.repeat(kind, proof, exchange.raised),
                    Next::GiveUp(why) if link.unsettled && link.looks_on(now, kind) => {
                        self.fail(now, id, Fault::Ill(why), random);
                    }
                    Next::GiveUp(why) => link.refuse(now, kind, why, None, random),
                }
            }
            Status::INTERVAL_TOO_BRIEF if !exchange.raised && link.raise(response) => {
                link.repeat(kind, exchange.proof, true);
            }
            Status::CONDITIONAL_REQUEST_FAILED if link.forgets(kind) => {
                link.repeat(kind, exchange.proof, exchange.raised);
                return true;
            }
            Status::FIRST_HOP_LACKS_OUTBOUND_SUPPORT | Status::BAD_EXTENSION
                if kind == Kind::Register && link.registration.be_plain() =>
            {
                link.repeat(kind, exchange.proof, exchange.raised);
            }
            _ if kind == Kind::Publish
                && !link.ends(kind)
                && link.choice.is_refused(status, turned) =>
            {
                link.publication.forget();
                link.repeat(kind, exchange.proof, exchange.raised);
            }
            _ if status.class() == 3 && kind == link.first() && link.follow(response, exchange) => {
                link.repeat(kind, exchange.proof, exchange.raised);
            }
            _ => self.refused(now, id, kind, status, response, random),
        }
        false
    }

    /// The server is there.
    pub(super) fn heard(&mut self, id: Id<Link>, exchange: &Exchange) {
        if let Some(link) = self.links.get_mut(id) {
            link.silent.clear();
            link.woken = 0;
            self.news.tell(exchange.way.flow.remote, Reach::Heard);
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "what an answer means depends on all of them"
    )]
    fn succeeded(
        &mut self,
        now: Instant,
        id: Id<Link>,
        kind: Kind,
        exchange: &Exchange,
        response: &Response<'_>,
        addresses: &mut LocalAddresses,
        random: &mut Random,
    ) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        link.outbound.login.handle_info(response, &exchange.proof);
        let seen = seen_at(response, &exchange.way.flow);
        let had = link.registration.stands(now);
        match kind {
            Kind::Register => {
                let terms = link.terms(response, exchange.way.named, self.instance);
                let registration = &mut link.registration;
                match registration.granted(now, terms, response, exchange, random) {
                    Granted::Yes => {}
                    Granted::Elsewhere => link.begin(Kind::Register),
                    // It is wanted again.
                    Granted::Nothing if exchange.farewell && !link.ends(kind) => link.begin(kind),
                    Granted::Nothing if exchange.farewell => {}
                    Granted::Nothing => return link.refuse(now, kind, NO_TIME, None, random),
                }
            }
            Kind::Publish if exchange.farewell && link.publication.is_silent() => {
                link.publication.forget();
                link.rest(kind, None);
                link.publish_at(now, now);
            }
            Kind::Publish => {
                link.choice.is_granted();
                let asked = link.expires;
                if !link.publication.published(now, response, asked, random) {
                    return link.refuse(now, kind, NO_TIME, None, random);
                }
            }
            Kind::Probe => link.rest(kind, None),
        }
        self.settled(now, id, kind, exchange, seen, addresses, random);
        // What waited for the registration, or was on its way when the server before this one failed.
        if let Some(link) = self.links.get_mut(id)
            && kind == Kind::Register
            && !link.ends(kind)
            && (!had || link.publication.is_idle())
        {
            link.publish_at(now, now);
        }
    }

    /// The server does what was asked, and sees us at `seen`, if it says so.
    #[allow(
        clippy::too_many_arguments,
        reason = "what an answer means depends on all of them"
    )]
    pub(super) fn settled(
        &mut self,
        now: Instant,
        id: Id<Link>,
        kind: Kind,
        exchange: &Exchange,
        seen: Option<SocketAddr>,
        addresses: &mut LocalAddresses,
        random: &mut Random,
    ) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let mut way = exchange.way;
        if let Some(seen) = seen {
            addresses.see(way.flow.remote, seen);
        }
        if link.ends(kind) {
            let is_last_but_one = kind == Kind::Publish && link.publication.held().is_some();
            if !exchange.farewell || is_last_but_one {
                link.part(now, kind);
            } else if !link.leaving && kind == Kind::Register {
                link.publish_at(now, now);
            }
            return;
        }
        if let Some(trouble) = link.story.trouble(kind) {
            *trouble = Trouble::default();
        }
        link.unsettled = false;
        if kind == Kind::Probe {
            // What else goes this way, and names us otherwise, hears of it now.
            way.named = addresses.as_seen(&way.flow).local;
        }
        if link.outbound.settle(&way) {
            self.moved.push(id.slot());
        }
        // A server that knows us, but never takes what we publish, is not well.
        let all = kind == Kind::Publish
            || link.publication.of.is_none()
            || !link.publication.is_doubted();
        if all {
            link.settle();
        }
        if kind == Kind::Publish && link.publication.is_behind() {
            let newest = link.publication.newest();
            if let Some(when) = link.publication.renew(now, newest, self.pace) {
                link.publish_at(now, when);
            }
        }
        if kind == Kind::Probe
            && seen.is_some_and(|seen| link.registration.is_elsewhere(seen))
            && link.is_resting(Kind::Register)
        {
            // The NAT gave us another address: whoever calls us there reaches nobody (RFC 5626 §4.4.2).
            link.begin(Kind::Register);
        }
        if link.outbound.is_second_best() {
            link.home.get_or_insert_with(|| now + retry::home(random));
        }
        link.keep_alive(now, &way, addresses, random);
    }

    /// A final answer that nothing can be done about at once.
    fn refused(
        &mut self,
        now: Instant,
        id: Id<Link>,
        kind: Kind,
        status: Status,
        response: &Response<'_>,
        random: &mut Random,
    ) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let after = response.headers.retry_after();
        let is_first = kind == link.first() && !link.ends(kind);
        let is_ill = is_first && matches!(status.code(), 408 | 500 | 502..=504);
        // What stands is left alone while the server catches its breath (RFC 5626 §4.2.2); who has nothing here looks
        // elsewhere.
        let looks_on = link.looks_on(now, kind);
        if is_ill && (after.is_none() || looks_on) {
            return self.fail(now, id, Fault::Ill("it is not well"), random);
        }
        if looks_on && link.unsettled {
            return self.fail(now, id, Fault::Ill("it refuses"), random);
        }
        if is_ill && link.outbound.has_several() && !link.has(now, kind) {
            link.outbound.go_home();
        }
        if kind == Kind::Publish {
            // Whether a 5xx was executed is anybody's guess.
            link.publication.doubt();
            link.settle();
        }
        let why = match status.code() {
            300..=399 => "it sends us elsewhere",
            401 | 407 | 403 => "it does not let us",
            404 if kind == Kind::Publish && link.choice.spoken == Dialect::Asterisk => {
                "it has no inbound-publication of that name"
            }
            404 | 604 => "it does not know us",
            405 | 489 | 501 if kind == Kind::Publish && link.choice.has_features => {
                "it keeps do-not-disturb itself: publish = \"feature\""
            }
            405 | 489 | 501 => "it does not serve this",
            _ if after.is_some() => "it asked us to wait",
            _ => "it refuses",
        };
        link.refuse(now, kind, why, after, random);
    }
}

impl Link {
    /// Takes in what the server gives away of itself, unless something is on its way to it in the dialect of before.
    /// Whether another one is spoken from now on.
    fn hear(&mut self, kind: Kind, response: &Response<'_>) -> bool {
        let works = self.publication.held().is_some() && !self.publication.is_doubted();
        let is_in_flight = kind != Kind::Publish && !self.is_resting(Kind::Publish);
        let turned = !is_in_flight && self.choice.hear(response, works);
        if turned {
            self.publication.forget();
        }
        turned
    }

    /// Goes on with the REGISTER of that branch, which was given up: it is granted after all.
    fn revive(&mut self, nonce: u64) {
        if let Errand::Resting { .. } = self.registration.errand
            && !self.ends(Kind::Register)
            && let Some(late) = &self.registration.late
            && late.request.awaits(nonce)
        {
            self.registration.errand = Errand::Asking(*late);
        }
    }

    /// Asks the same once more, as a new request (RFC 3261 §8.1.3.5).
    pub(super) fn repeat(&mut self, kind: Kind, proof: Proof, raised: bool) {
        self.begin(kind);
        if let Some(exchange) = self.exchange_mut(kind) {
            exchange.proof = proof;
            exchange.raised = raised;
        }
    }

    /// Asks for nothing of this kind for a while: as long as the server says, else a minute to a quarter of an hour.
    /// What stands already goes on (RFC 5626 §4.2.2).
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        kind: Kind,
        why: &'static str,
        after: Option<Seconds>,
        random: &mut Random,
    ) {
        self.complain(now, kind, why);
        if self.ends(kind) {
            return self.rest(kind, None);
        }
        let mut refusals = 0;
        if let Some(trouble) = self.story.trouble(kind) {
            refusals = trouble.refusals;
            trouble.refusals = refusals.saturating_add(1);
        }
        let wait = match after {
            Some(after) => retry::retry_after(after, random).max(Duration::from_secs(1)),
            None => Retry::Slow.delay(refusals, random),
        };
        let until = now + wait;
        if kind == Kind::Publish {
            self.publication.be_quiet(until);
        }
        self.rest(kind, Some(until));
        // What is published goes on as long as the registration stands.
        if kind == Kind::Register && self.publication.is_idle() {
            self.publish_at(now, now);
        }
    }

    /// Follows a 423, if it does not go too far (RFC 3261 §10.2.8, RFC 3903 §5).
    fn raise(&mut self, response: &Response<'_>) -> bool {
        let Some(least) = response.headers.min_expires() else {
            return false;
        };
        let raises = least > self.expires && least <= EXPIRES_MOST;
        if raises {
            self.expires = least;
        }
        raises
    }

    /// A 412 to a PUBLISH with an entity-tag: the server knows it no more (RFC 3903 §5).
    fn forgets(&mut self, kind: Kind) -> bool {
        let is_known = kind == Kind::Publish && self.publication.held().is_some();
        if is_known {
            self.publication.forget();
        }
        // Nothing is there to be removed either.
        is_known && !self.ends(kind)
    }

    /// Goes where a 3xx sends us (RFC 3261 §8.1.3.4): to another server of the account, and to others if the owner wants
    /// that, for whoever forges one answer must not have our registration.
    fn follow(&mut self, response: &Response<'_>, exchange: &Exchange) -> bool {
        let here = exchange.way.flow.remote.ip().to_canonical();
        let mut targets = response.headers.contacts().flatten();
        let follows = targets.any(|target| match target {
            Contact::Addr(target, _) => {
                let servers = &mut self.outbound.servers;
                let is_own = servers.is_own(target.uri_text, &self.aor, here);
                let may = is_own || self.redirects == Redirects::Anywhere;
                may && servers.follow(target.uri_text, is_own)
            }
            Contact::Star => false,
        });
        if follows {
            self.outbound.leave();
        }
        follows
    }
}

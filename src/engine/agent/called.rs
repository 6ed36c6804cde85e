//! What reaches us at the Contact that an account registered: its server's question whether we are there, what it tells
//! of the mailbox without being asked, and watchers that came through it.

use super::Agent;
use crate::events::answer::Refusal;
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::upstream::Link;
use crate::txn::token::Token;
use crate::wire::flow::Flow;
use crate::wire::sip::{Method, Request, Uri};

impl Agent {
    /// Whether the server of an account asks the Contact that we registered there whether it still answers: whoever
    /// registers is asked so (Asterisk's `qualify`, which may take a 2xx only: asterisk #1019, #1927).
    pub(super) fn is_pinged(&self, now: Instant, flow: &Flow, request: &Request<'_>) -> bool {
        request.method == Method::Options
            && self.accounts().any(|(_, id)| {
                self.upstreams.may_call_from(now, id, flow.remote.ip())
                    && self
                        .upstreams
                        .is_contact(now, id, &request.uri, &self.locals)
            })
    }

    /// Whom a Request-URI means that is the Contact of an account: who is published with it, or else the first. Of
    /// accounts that share a Contact the one of this server counts.
    pub(super) fn behind_contact(
        &self,
        now: Instant,
        flow: &Flow,
        uri: &Uri<'_>,
    ) -> Option<Id<Presentity>> {
        let called =
            |(_, id): &(u16, Id<Link>)| self.upstreams.is_contact(now, *id, uri, &self.locals);
        let through =
            |(_, id): &(u16, Id<Link>)| self.upstreams.may_call_from(now, *id, flow.remote.ip());
        let mut all = self.accounts().filter(called);
        let first = all.next()?;
        let (_, id) = match through(&first) {
            true => first,
            false => all.find(through).unwrap_or(first),
        };
        let published = self.upstreams.publishes(id);
        published.or_else(|| self.presentities.first().copied())
    }

    /// Takes in a NOTIFY that belongs to no subscription of ours, if it tells an account at its own server of its
    /// mailbox; `None` if it does not.
    pub(super) fn answer_unasked(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Request<'_>,
    ) -> Option<Result<(), Refusal>> {
        if !is_unasked(request) {
            return None;
        }
        for number in 0..self.links.len() as u16 {
            let Some(called) = self.mailbox_owner(now, flow, request, number) else {
                continue;
            };
            let from = flow.remote;
            let told = self
                .watcher
                .handle_unasked(now, number, &called, request, from);
            if told.is_some() {
                return told;
            }
        }
        None
    }

    /// Whether [`Agent::answer_unasked`] may know what to do with it.
    pub(super) fn tells_unasked(&self, now: Instant, flow: &Flow, request: &Request<'_>) -> bool {
        let mut numbers = 0..self.links.len() as u16;
        is_unasked(request)
            && numbers.any(|it| self.mailbox_owner(now, flow, request, it).is_some())
    }

    /// What an account was told without having been asked counts no more once it is not registered there.
    pub(super) fn doubt_unasked(&mut self, now: Instant, number: u16, id: Id<Link>) {
        let upstreams = &self.upstreams;
        self.watcher
            .doubt_unasked(now, number, |ip| upstreams.is_registered_at(now, id, ip));
    }

    /// The URI that calls an account which may be registered where the request comes from: its Contact or its address of
    /// record, or else that of the To.
    fn mailbox_owner<'a>(
        &self,
        now: Instant,
        flow: &Flow,
        request: &Request<'a>,
        number: u16,
    ) -> Option<Uri<'a>> {
        let id = self.links.get(usize::from(number)).copied().flatten()?;
        if !self.upstreams.may_call_from(now, id, flow.remote.ip()) {
            return None;
        }
        let both = [request.uri, request.to.uri()];
        both.into_iter().find(|uri| self.upstreams.is_user(id, uri))
    }

    /// The accounts in force with their numbers in the settings.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (u16, Id<Link>)> {
        let numbered = self.links.iter().enumerate();
        numbered.filter_map(|(number, id)| Some((number as u16, (*id)?)))
    }
}

/// Whether it is a message summary outside of any dialog: its To has no tag, or none of ours.
fn is_unasked(request: &Request<'_>) -> bool {
    if request.method != Method::Notify || request.to.tag().and_then(Token::from_tag).is_some() {
        return false;
    }
    let event = request.headers.event().ok().flatten();
    let package = event.and_then(|event| Package::from_name(event.package));
    package == Some(Package::MessageSummary)
}

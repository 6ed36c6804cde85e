//! Answers to our SUBSCRIBEs.
//!
//! Read RFC 6665 §4.1.2.1 and §4.1.2.2, and RFC 5057 §5.1 on what a code means for the subscription.

use super::Watcher;
use super::cause::Cause;
use super::list::denies_list;
use super::notify::same_host;
use super::place::{IS_A_LIST, Said, names_lists};
use super::reason::{End, denies_package};
use super::usage::{Condition, Usage, UsageState};
use super::watch::{Attempt, EXPIRES_MOST, Gone, State, Watch};
use crate::events::package::Package;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::addresses::seen_at;
use crate::ua::credentials::{Next, Proof};
use crate::ua::outbound::Accounts;
use crate::ua::request::Sending;
use crate::ua::retry::{self, Retry};
use crate::wire::flow::Flow;
use crate::wire::sip::{Contact, Method, Response, Status};
use core::net::SocketAddr;

/// How long the NOTIFY of a subscription may take that was asked for under an address nobody reaches us at.
const ASTRAY: Duration = Duration::from_secs(4);

impl Watcher {
    /// Takes in the answer to a SUBSCRIBE; `token` is its branch. What answers no request of ours, or comes from
    /// another host than the request went to, is dropped. Gives where the server sees us, if it granted a request.
    pub fn handle_response(
        &mut self,
        now: Instant,
        token: Token,
        response: &Response<'_>,
        flow: &Flow,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) -> Option<SocketAddr> {
        let status = Status::new(response.status)?;
        if response.cseq.method != Method::Subscribe {
            return None;
        }
        let seen = seen_at(response, flow).filter(|_| status.is_success());
        if status.is_success() {
            self.keep_open_soon(now, flow, seen, random);
        }
        match token.owner {
            Owner::Watch => {
                if status.is_success() {
                    self.revive(token.slot, |late| late.request.awaits(token.nonce), flow);
                }
                if let Some(id) = self.asking(token, flow) {
                    self.attempt_answered(now, id, status, response, accounts, random);
                    self.settle_watch(id);
                    seen
                } else if let Some(id) = self.fetching(token, flow) {
                    self.fetch_answered(now, id, response, accounts, random);
                    seen
                } else {
                    None
                }
            }
            Owner::Usage => {
                let id = self.refreshing(token, flow)?;
                self.refresh_answered(now, id, status, response, accounts, random);
                self.settle_usage(id);
                seen
            }
            Owner::Subscription | Owner::Registration | Owner::Publication => None,
        }
    }

    /// Goes on with the attempt that a watch has given up, if it is this one and heard of from where it went.
    pub(super) fn revive(&mut self, slot: u16, is_it: impl Fn(&Attempt) -> bool, flow: &Flow) {
        let id = self.watches.id_at(slot);
        if let Some(watch) = id.and_then(|id| self.watches.get_mut(id)) {
            let is_there = |late: &Attempt| same_host(late.way.flow.remote, flow.remote);
            watch.revive(|late| is_it(late) && is_there(late));
        }
    }

    /// The watch whose first SUBSCRIBE went to that host under that branch.
    fn asking(&self, token: Token, flow: &Flow) -> Option<Id<Watch>> {
        let id = self.watches.id_at(token.slot)?;
        let attempt = self.watches.get(id)?.attempt()?;
        let ours =
            attempt.request.awaits(token.nonce) && same_host(attempt.way.flow.remote, flow.remote);
        ours.then_some(id)
    }

    /// The usage whose SUBSCRIBE went to that host under that branch.
    fn refreshing(&self, token: Token, flow: &Flow) -> Option<Id<Usage>> {
        let id = self.usages.id_at(token.slot)?;
        let usage = self.usages.get(id)?;
        let request = match &usage.state {
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => refresh.request,
            UsageState::Resting { .. } => return None,
        };
        (request.awaits(token.nonce) && same_host(usage.peer(), flow.remote)).then_some(id)
    }

    fn attempt_answered(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        status: Status,
        response: &Response<'_>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let (asks, usages) = (watch.asks, watch.usages.clone());
        let is_told = watch.is_told();
        let Some(attempt) = watch.attempt_mut() else {
            return;
        };
        if !status.is_final() {
            return attempt.request.handle_provisional();
        }
        attempt.request = Sending::Answered;
        if status == Status::NO_NOTIFICATION && !is_told {
            // Whoever has been told nothing is told, and not in a dialog yet (RFC 5839 §6.3).
            let (cause, retry) = (Cause::NoNotify, Retry::Backoff);
            return self.fail(now, id, cause, retry, None, random);
        }
        if status.is_success() {
            let granted = granted(response, asks);
            attempt.granted = Some(granted);
            let remote = attempt.way.flow.remote;
            let is_misnamed = attempt.way.is_misnamed(response);
            if is_misnamed && !is_told {
                // Behind a NAT the NOTIFY goes astray, if the server believes our Contact: where we are is known now.
                attempt.notify_by = attempt.notify_by.min(now + ASTRAY);
            }
            watch.settle(now, random);
            watch.is_answered();
            watch.wish.is_granted();
            watch.story.last_status = Some(status.code());
            if watch.place.is_denied_by(Said::Answer, &response.headers) {
                return self.deny(now, id, Cause::NoList, None, random);
            }
            for usage in usages {
                self.shorten(now, usage, now + granted, random);
                if is_misnamed {
                    self.rename(now, usage, random);
                }
            }
            return self.hear(now, remote, random);
        }
        match &watch.state {
            State::Asking(_) => self.refused(now, id, status, response, accounts, random),
            // A notifier has told us already: what else becomes of the request changes nothing.
            State::Told { .. } | State::Ending(_) => watch.story.last_status = Some(status.code()),
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. } => {}
        }
    }

    /// The first SUBSCRIBE failed: what comes next depends on the code.
    fn refused(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        status: Status,
        response: &Response<'_>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let (asks, account) = (watch.asks, watch.account);
        let Some(attempt) = watch.attempt_mut() else {
            return;
        };
        let to = attempt.way.flow.remote;
        let unproven = match convince(account, response, &mut attempt.proof, accounts) {
            Some(Next::Again) => {
                attempt.seq += 1;
                attempt.request = Sending::Due;
                watch.story.last_status = Some(status.code());
                self.ready_watches.push(id.slot());
                return;
            }
            Some(Next::GiveUp(why)) => Some(why),
            None => None,
        };
        if status == Status::INTERVAL_TOO_BRIEF
            && !attempt.raised
            && let Some(least) = raised(response, asks)
        {
            attempt.raised = true;
            attempt.seq += 1;
            attempt.request = Sending::Due;
            watch.asks = least;
            watch.story.last_status = Some(status.code());
            self.ready_watches.push(id.slot());
            return;
        }
        if watch.falls_back(status, to) {
            watch.speaks = Package::Presence;
            watch.story.last_status = Some(status.code());
            return self.seek(id, false);
        }
        let is_a_list = || {
            let needs_lists = names_lists(response.headers.require()) && !watch.place.is_list();
            (status.code() == 421 && needs_lists).then_some(IS_A_LIST)
        };
        let cause = Cause::of_refusal(status, unproven.or_else(is_a_list));
        let after = response.headers.retry_after();
        if watch.place.is_list() && denies_list(status) {
            return self.deny(now, id, cause, after, random);
        }
        if watch.gone == Gone::Said && matches!(status.code(), 404 | 410 | 604) {
            let end = End::of_nobody();
            self.fail(now, id, cause, end.retry, after, random);
            return self.conclude(now, id, &end, random);
        }
        self.fail(now, id, cause, retry_after_refusal(status), after, random);
    }

    fn refresh_answered(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        status: Status,
        response: &Response<'_>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let whose = self.usages.get(id).map(|usage| usage.watch);
        let account = whose.and_then(|id| self.watches.get(id)?.account);
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let Some(refresh) = usage.refresh_mut() else {
            return;
        };
        if !status.is_final() {
            return refresh.request.handle_provisional();
        }
        if status.is_success() {
            return self.refreshed(now, id, status, response, random);
        }
        let unproven = match convince(account, response, &mut refresh.proof, accounts) {
            Some(Next::Again) => return self.ask_again(id),
            Some(Next::GiveUp(why)) => Some(why),
            None => None,
        };
        let peer = usage.peer();
        if self.raise(id, status, response) {
            return;
        }
        let cause = Cause::of_refusal(status, unproven);
        let after = response.headers.retry_after();
        if !ends_subscription(status) {
            return self.postpone(now, id, cause, after, random);
        }
        if status == Status::NO_SUCH_SUBSCRIPTION {
            self.doubt_account(whose);
            self.doubt_neighbours(now, peer, random);
        }
        self.lose(now, id, cause, Retry::Soon, after, random);
    }

    /// Sends the same refresh as a new request (RFC 3261 §8.1.3.5).
    fn ask_again(&mut self, id: Id<Usage>) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let seq = usage.dialog.next_seq();
        if let Some(refresh) = usage.refresh_mut() {
            refresh.seq = seq;
            refresh.request = Sending::Due;
        }
        self.ready_usages.push(id.slot());
    }

    /// A 2xx to a SUBSCRIBE in the dialog (RFC 6665 §4.1.2.2, §4.1.3); a 204 promises that no NOTIFY follows (RFC 5839
    /// §5.2).
    fn refreshed(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        status: Status,
        response: &Response<'_>,
        random: &mut Random,
    ) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        if let Some(Ok(Contact::Addr(contact, _))) = response.headers.contacts().next() {
            let _ = usage.dialog.retarget(contact.uri_text);
        }
        usage.hear(now);
        let (peer, is_misnamed) = (usage.peer(), usage.way.is_misnamed(response));
        if let Some(watch) = self.watches.get_mut(usage.watch) {
            watch.settle(now, random);
            watch.is_answered();
            watch.wish.is_granted();
            watch.story.last_status = Some(status.code());
        }
        let silent = status == Status::NO_NOTIFICATION;
        let knows = usage.knows();
        match &mut usage.state {
            UsageState::Refreshing(refresh) => {
                refresh.request = Sending::Answered;
                let ends = now + granted(response, refresh.expires);
                usage.ends = if refresh.dated {
                    ends.min(usage.ends)
                } else {
                    ends
                };
                let is_same = silent && refresh.condition != Condition::None;
                if silent && !knows {
                    // It keeps from us what we do not have.
                    self.ask_plainly(id);
                    return self.lose(now, id, Cause::NoNotify, Retry::Soon, None, random);
                }
                if refresh.told || silent {
                    usage.rest(now, random);
                }
                if is_same {
                    self.unchanged(now, id, random);
                }
            }
            UsageState::Ending(_) if silent => {
                self.lose(
                    now,
                    id,
                    Cause::Terminated("timeout"),
                    Retry::Soon,
                    None,
                    random,
                );
            }
            UsageState::Ending(refresh) => refresh.request = Sending::Answered,
            UsageState::Resting { .. } => {}
        }
        if is_misnamed {
            self.rename(now, id, random);
        }
        self.hear(now, peer, random);
    }

    /// Follows a 423 to a refresh once; `false` if it names no lifetime or goes too far (RFC 6665 §4.1.2.2).
    fn raise(&mut self, id: Id<Usage>, status: Status, response: &Response<'_>) -> bool {
        let Some(usage) = self.usages.get_mut(id) else {
            return false;
        };
        let UsageState::Refreshing(refresh) = &mut usage.state else {
            return false;
        };
        if status != Status::INTERVAL_TOO_BRIEF || refresh.raised {
            return false;
        }
        let Some(least) = raised(response, refresh.expires) else {
            return false;
        };
        refresh.raised = true;
        refresh.seq = usage.dialog.next_seq();
        refresh.expires = least;
        refresh.request = Sending::Due;
        usage.asked = least;
        if let Some(watch) = self.watches.get_mut(usage.watch) {
            watch.asks = least;
        }
        self.ready_usages.push(id.slot());
        true
    }

    /// A 2xx that comes after the NOTIFY can only shorten what that said (RFC 6665 §4.1.2.4).
    fn shorten(&mut self, now: Instant, id: Id<Usage>, ends: Instant, random: &mut Random) {
        if let Some(usage) = self.usages.get_mut(id) {
            usage.ends = usage.ends.min(ends);
            if let UsageState::Resting { refresh } = &mut usage.state {
                *refresh = (now + retry::refresh(usage.ends - now, random)).min(*refresh);
            }
            self.settle_usage(id);
        }
    }
}

impl Watch {
    /// A notifier at `server` took the subscription.
    pub(super) fn accept(&mut self, server: SocketAddr) {
        if self.speaks == self.package {
            self.served = Some(server);
        }
        if self.gone == Gone::Said {
            self.gone = Gone::Denied;
        }
    }

    /// Its request was granted.
    const fn is_answered(&mut self) {
        self.awaits = None;
        self.woken = 0;
    }

    /// Whether a refusal by `server` means that it does not know the package, and another one is to be tried. A code that
    /// is used for much else means something else where the package was served before.
    fn falls_back(&self, status: Status, server: SocketAddr) -> bool {
        let is_certain = status == Status::BAD_EVENT || self.served != Some(server);
        let means_the_package = denies_package(status.code()) && is_certain;
        means_the_package && self.fallback && self.speaks == Package::Dialog
    }
}

/// What becomes of a challenged request of an account; `None` if that is not what it is (RFC 3261 §8.1.3.5).
pub(super) fn convince(
    account: Option<u16>,
    response: &Response<'_>,
    proof: &mut Proof,
    accounts: &mut dyn Accounts,
) -> Option<Next> {
    let is_challenge = matches!(response.status, 401 | 407);
    let (account, login) = accounts.key(account.filter(|_| is_challenge)?)?;
    Some(login.take(response, account, proof))
}

/// The lifetime a 2xx grants: at most what was asked for, which is also what counts when it says nothing.
fn granted(response: &Response<'_>, asked: Seconds) -> Seconds {
    match response.headers.expires() {
        Ok(Some(granted)) => granted.min(asked),
        Ok(None) | Err(_) => asked,
    }
}

/// The lifetime a 423 wants, if that is more than was asked for and not absurd.
fn raised(response: &Response<'_>, asked: Seconds) -> Option<Seconds> {
    let least = response.headers.min_expires()?;
    (least > asked && least <= EXPIRES_MOST).then_some(least)
}

/// Whether a refresh answered like this means that the notifier has no subscription of ours (RFC 6665 §4.1.2.2).
const fn ends_subscription(status: Status) -> bool {
    matches!(
        status.code(),
        404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604
    )
}

/// When to ask again after a refused first SUBSCRIBE. What time heals is tried again soon; where somebody must
/// change a setting, slowly. Codes we do not know count as the x00 of their class (RFC 3261 §8.1.3.2).
const fn retry_after_refusal(status: Status) -> Retry {
    match status.code() {
        408 | 480 | 481 | 486 | 487 | 491 => Retry::Backoff,
        501 | 505 | 513 => Retry::Slow,
        500..=599 => Retry::Backoff,
        603 | 604 | 606 => Retry::Slow,
        600..=699 => Retry::Backoff,
        _ => Retry::Slow,
    }
}

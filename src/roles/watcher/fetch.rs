//! A fetch: a subscription that ends at once, to see whether what another one says is so.
//!
//! Read RFC 6665 §4.4.3 first. Its NOTIFY is the only one it has, and opens no dialog.

use super::doubt::Ask;
use super::notify::same_host;
use super::response::convince;
use super::subscribe::{prove, write_opening};
use super::told::format_of;
use super::usage::{Gap, Knowledge};
use super::watch::{Attempt, Watch};
use super::{Action, Watcher};
use crate::events::answer::Refusal;
use crate::events::package::{Memory, Package, Reading};
use crate::events::watched::Watched;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::T1_64;
use crate::txn::client::{Client, Expiry};
use crate::txn::token::Token;
use crate::ua::credentials::Next;
use crate::ua::outbound::{Accounts, Lead, Way};
use crate::ua::request::Sending;
use crate::ua::retry;
use crate::wire::flow::Flow;
use crate::wire::sip::{Rate, Request, Response, State as Told, Status};

/// How long a NOTIFY may lag behind what a fetch says already, besides the pace that was asked for.
const LAG: Duration = Duration::from_secs(2);

impl Watcher {
    /// Sends the fetch of a watch, once or again.
    pub(super) fn poll_fetch(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
        buf: &mut [u8],
    ) -> Option<Action> {
        let watch = self.watches.get_mut(id).filter(|it| it.is_told())?;
        let mut fetch = watch.fetch?;
        let client = match fetch.request {
            Sending::Sent(_) | Sending::Answered => return None,
            Sending::Again(client) => client,
            Sending::Due => {
                let Some(way) = way_of_fetch(now, watch, &fetch, accounts) else {
                    watch.fetch = None;
                    return None;
                };
                fetch.way = way;
                fetch.proof = prove(watch.account, fetch.proof, accounts, random);
                (fetch.sent, fetch.notify_by) = (now, now + T1_64);
                Client::start(now, random.bits(), way.flow.transport.is_reliable())
            }
        };
        fetch.request = Sending::Sent(client);
        let written = send_fetch(now, watch, &mut fetch, client, accounts, buf);
        watch.fetch = written.map(|_| fetch);
        self.settle_watch(id);
        written
    }

    /// Whether a fetch waits for its answer.
    #[cfg(test)]
    pub(super) fn fetch_is_out(&self, id: Id<Watch>) -> bool {
        let fetch = self.watches.get(id).and_then(|it| it.fetch.as_ref());
        fetch.is_some_and(|it| it.request.is_in_flight())
    }

    /// Timers E, F and N of a fetch.
    pub(super) fn fetch_timeout(&mut self, now: Instant, id: Id<Watch>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let Some(fetch) = &mut watch.fetch else {
            return;
        };
        match fetch.request.handle_timeout(now) {
            Expiry::Resend => self.ready_watches.push(id.slot()),
            Expiry::Nothing if now < fetch.notify_by => {}
            Expiry::TimedOut | Expiry::Nothing => self.end_fetch(now, id),
        }
    }

    /// The watch whose fetch went to that host under that branch.
    pub(super) fn fetching(&self, token: Token, flow: &Flow) -> Option<Id<Watch>> {
        let id = self.watches.id_at(token.slot)?;
        let watch = self.watches.get(id).filter(|it| it.is_told())?;
        let fetch = watch.fetch.as_ref()?;
        let is_it =
            fetch.request.awaits(token.nonce) && same_host(fetch.way.flow.remote, flow.remote);
        is_it.then_some(id)
    }

    /// Takes in the answer to a fetch.
    pub(super) fn fetch_answered(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        response: &Response<'_>,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let (account, looks_home) = (watch.account, watch.is_looking_home());
        let Some(fetch) = &mut watch.fetch else {
            return;
        };
        match response.status {
            0..200 => return fetch.request.handle_provisional(),
            200..300 if looks_home => return self.come_home(now, id),
            200..300 => fetch.request = Sending::Answered,
            _ if convince(account, response, &mut fetch.proof, accounts) == Some(Next::Again) => {
                fetch.seq += 1;
                fetch.request = Sending::Due;
                self.ready_watches.push(id.slot());
            }
            _ if looks_home => self.end_fetch(now, id),
            code => {
                watch.audit.refused = is_refusal(code);
                if let Some(asked) = response.headers.retry_after() {
                    watch.audit.quiet = now + retry::retry_after(asked, random);
                }
                self.end_fetch(now, id);
            }
        }
        self.settle_watch(id);
    }

    /// Takes in a NOTIFY that answers a fetch; `None` if it does not.
    pub(super) fn fetched(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        flow: &Flow,
        trusted: bool,
    ) -> Option<Result<(), Refusal>> {
        let tag = request.to.tag().and_then(Token::from_tag)?;
        let id = self.watches.id_at(tag.slot)?;
        let watch = self.watches.get_mut(id).filter(|it| it.is_told())?;
        let fetch = watch.fetch.as_ref()?;
        let event = request.headers.event().ok()??;
        let is_it = fetch.tag == tag
            && fetch.call_id() == request.call_id
            && Package::from_name(event.package) == Some(watch.speaks)
            && event.id.is_none();
        if !is_it {
            return None;
        }
        if !trusted && !same_host(fetch.way.flow.remote, flow.remote) {
            return Some(Err(Status::FORBIDDEN.into()));
        }
        if watch.is_looking_home() {
            self.come_home(now, id);
            return Some(Ok(()));
        }
        let told = told(watch.speaks, request);
        match told {
            Ok(Some(watched)) => self.compare(now, id, watched),
            Ok(None) => watch.audit.refused = true,
            Err(_) => {}
        }
        self.is_there(now, id);
        self.end_fetch(now, id);
        self.settle_watch(id);
        Some(told.map(|_| ()))
    }

    /// Who answers a fetch is there, whatever becomes of the subscription beside it.
    fn is_there(&mut self, now: Instant, id: Id<Watch>) {
        let usage = self.watches.get(id).and_then(|it| it.usages.first());
        if let Some(usage) = usage.and_then(|id| self.usages.get_mut(*id)) {
            usage.heard = now;
        }
    }

    /// What a fetch brought, beside what the dialog says.
    fn compare(&mut self, now: Instant, id: Id<Watch>, fetched: Watched) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let &[usage_id] = &watch.usages[..] else {
            return;
        };
        let Some(usage) = self.usages.get_mut(usage_id) else {
            return;
        };
        let asked = watch.fetch.map_or(now, |fetch| fetch.sent);
        if usage.audit.since >= asked {
            // The dialog has told something newer meanwhile.
            return;
        }
        usage.audit.confirmed = now;
        if usage.knowledge == Knowledge::Known(fetched) {
            if usage.retries == 0 && usage.gap == Gap::Closed {
                usage.doubt = None;
            }
            self.tell(now, id);
        } else {
            watch.audit.before = usage.audit.says;
            let pace = watch.max_rate.map_or(Duration::ZERO, Rate::interval);
            usage.audit.next = Some((now + LAG + pace, Ask::Renew));
        }
        self.settle_usage(usage_id);
    }

    /// A fetch is over, whether it told something or not.
    pub(super) fn end_fetch(&mut self, now: Instant, id: Id<Watch>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let is_about_it = !watch.is_looking_home();
        watch.fetch = None;
        if let Some(&usage) = watch.usages.first().filter(|_| is_about_it) {
            self.mistrust(now, usage);
        }
    }
}

/// What a document in answer to a fetch tells; `None` for one that tells nothing.
fn told(package: Package, request: &Request<'_>) -> Result<Option<Watched>, Refusal> {
    let state = match request.headers.subscription_state() {
        Ok(Some(state)) => state.state,
        Ok(None) => return Err(Refusal::bad("Missing Subscription-State header field")),
        Err(_) => return Err(Refusal::bad("Malformed Subscription-State header field")),
    };
    match state {
        Told::Pending => return Ok(None),
        Told::Active | Told::Terminated | Told::Other(_) => {}
    }
    // Some servers say nothing to who does not stay: that is no word on how the watched is.
    if request.body.is_empty() {
        return Ok(None);
    }
    format_of(package, request)?;
    let read = (package.spec().read)(&mut Memory::new(), request.body);
    match read.map_err(|fault| Refusal::bad(fault.reason()))? {
        Reading::State(watched) => Ok(Some(watched)),
        Reading::Stale | Reading::Gap(_) | Reading::Hole(_) | Reading::Lost => Ok(None),
    }
}

/// The way of a fetch: that of a first SUBSCRIBE.
fn way_of_fetch(
    now: Instant,
    watch: &Watch,
    fetch: &Attempt,
    accounts: &mut dyn Accounts,
) -> Option<Way> {
    match watch.follows() {
        None => watch.way_to(fetch.way.target(), accounts.addresses()),
        Some(account) => match accounts.lead(now, account) {
            Lead::Way(way) => Some(way),
            Lead::Soon | Lead::Nowhere => None,
        },
    }
}

/// Writes a fetch, and once more by TCP if it is too long for a datagram.
fn send_fetch(
    now: Instant,
    watch: &Watch,
    fetch: &mut Attempt,
    client: Client,
    accounts: &mut dyn Accounts,
    buf: &mut [u8],
) -> Option<Action> {
    let nothing = Seconds::ZERO;
    let mut len = write_opening(watch, fetch, nothing, client, accounts, buf)?;
    if let Some(way) = fetch.way.of_long(len) {
        fetch.way = way;
        let client = Client::start(now, client.nonce(), true);
        fetch.request = Sending::Sent(client);
        len = write_opening(watch, fetch, nothing, client, accounts, buf)?;
    }
    let flow = fetch.way.flow;
    Some(Action::Send { flow, len })
}

/// Whether that answer to a fetch means that no other will be better.
const fn is_refusal(code: u16) -> bool {
    match code {
        401 | 403 | 407 | 408 | 480 | 481 | 486 | 487 | 491 => false,
        400..=499 | 501 | 505 | 513 => true,
        _ => false,
    }
}

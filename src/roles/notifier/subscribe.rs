//! SUBSCRIBE in, answer out (RFC 6665 §4.2.1). The checks keep the order of RFC 3261 §8.2.

use super::audience::Track;
use super::kept::Reserved;
use super::waiting::heeded;
use super::{Notifier, Notify, Subscription, Wants, Who, group};
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::package::{Baseline, Package};
use crate::events::presentity::Presentity;
use crate::events::ruling::Ruling;
use crate::events::subscription::{Reason, State, Verdict};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::dialog::{self, Dialog, TooLarge};
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{
    Contact, Event, NameAddr, Request, Status, Uri, answer_address, is_somewhere,
};
use core::net::SocketAddr;
use heapless::Vec;

/// What the engine knows of who sent a SUBSCRIBE.
#[derive(Clone, Copy)]
pub struct Subscriber<'a> {
    /// Where it came from.
    pub flow: &'a Flow,
    /// Who it is, as far as it is proven.
    pub identity: Identity,
    /// What the policy says of it.
    pub rules: &'a dyn Fn(Who<'_>) -> Ruling,
    /// Whether an address is in a trusted network, so that a Contact may name it (RFC 6665 §6.3).
    pub trusts: &'a dyn Fn(SocketAddr) -> bool,
    /// Whether it is the owner of what it wants to watch: nobody else is told who watches (RFC 3857 §4.6).
    pub owns: &'a dyn Fn() -> bool,
}

impl Notifier {
    /// A SUBSCRIBE outside of any dialog, for `presentity`.
    ///
    /// # Errors
    /// The refusal to answer with; nothing was stored then.
    pub fn handle_subscribe(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        presentity: Id<Presentity>,
        from: Subscriber<'_>,
        random: &mut Random,
    ) -> Result<Answer, Refusal> {
        let (package, event) = wanted(request)?;
        let who = Who {
            presentity,
            package,
            identity: from.identity,
            watcher: request.from.uri_text,
            remote: from.flow.remote,
        };
        let verdict = (from.rules)(who).verdict;
        match verdict {
            Verdict::Allow | Verdict::Confirm => {}
            Verdict::Block => return Err(Status::FORBIDDEN.into()),
        }
        if package.watchers_of().is_some() && !(from.owns)() {
            return Err(Status::FORBIDDEN.into());
        }
        // No longer name is kept.
        if request.from.uri_text.len() > limits::URI {
            return Err(Status::MESSAGE_TOO_LARGE.into());
        }
        let granted = self.lifetime(request, package)?;
        let body = body_type(request, package)?;
        let target = contact(request)?.ok_or(Refusal::bad("Missing Contact header field"))?;
        let event_id = event_id(&event)?;
        let flow = notify_flow(request, from, &target);

        let device = self.device(presentity, package, &event_id, target.text);
        let home = home(&flow);
        let wanted = (presentity, package, &event_id[..], target.text, home);
        let allowed = verdict == Verdict::Allow;
        let fits = allowed || self.may_wait(flow.remote.ip());
        // Who waited already, and forgot, waits on.
        if !fits && self.make_room(device, wanted, allowed).is_none() {
            return Err(busy());
        }
        let slot = self
            .subscriptions
            .vacant()
            .or_else(|| self.make_room(device, wanted, allowed))
            .ok_or_else(busy)?;
        let token = Token::draw(Owner::Subscription, slot, random);
        let dialog = Dialog::accepted(request, target.text, token, 0)
            .map_err(|_| Status::MESSAGE_TOO_LARGE)?;
        let subscription = Subscription {
            dialog,
            device,
            flow,
            long_by: Transport::Tcp,
            presentity,
            package,
            identity: from.identity,
            event_id,
            body,
            state: initial_state(now, granted, verdict, package, &event),
            allowed,
            heard: false,
            track: Track::new(now),
            told: Baseline::Nothing,
            version: 0,
            wants: Wants::Full,
            notify: Notify::Idle,
            failures: 0,
            reserved: Reserved::default(),
        };
        let id = self
            .subscriptions
            .insert(subscription)
            .map_err(|_| busy())?;
        self.watchers.enter(group(presentity, package), slot);
        self.index(device, slot);
        self.unsaved.hasten(slot, now);
        self.altered.push(slot);
        if !allowed {
            self.waits(id);
        }
        self.track(id, None);
        self.wake(id);
        Ok(Answer::Subscribed {
            tag: Some(token),
            expires: granted,
        })
    }

    /// A SUBSCRIBE in a dialog: a refresh, or the end.
    ///
    /// # Errors
    /// The refusal to answer with; the subscription is as it was then (RFC 6665 §3.1).
    pub fn handle_refresh(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        from: Subscriber<'_>,
    ) -> Result<Answer, Refusal> {
        let unknown = Status::NO_SUCH_SUBSCRIPTION;
        let token = request.to.tag().and_then(Token::from_tag).ok_or(unknown)?;
        let id = self.find(token).ok_or(unknown)?;
        let subscription = self.subscriptions.get_mut(id).ok_or(unknown)?;
        let is_over = matches!(subscription.state, State::Terminated(_));
        if subscription.dialog.token() != token || !subscription.dialog.matches(request) || is_over
        {
            return Err(unknown.into());
        }
        let verdict = (from.rules)(subscription.who()).verdict;
        match verdict {
            Verdict::Allow | Verdict::Confirm => {}
            Verdict::Block => return Err(Status::FORBIDDEN.into()),
        }
        if !subscription.dialog.advance(request.cseq.number) {
            return Err(Status::SERVER_ERROR.into());
        }
        let (package, event) = wanted(request)?;
        if package != subscription.package || event.id.unwrap_or_default() != subscription.event_id
        {
            return Err(Status::FORBIDDEN.into());
        }
        // Who waits is heard no longer than there is patience.
        let most = match subscription.state {
            State::Pending { .. } => subscription.patience_ends().seconds_from(now),
            State::Active { .. } | State::Terminated(_) => Seconds(u32::MAX),
        };
        if heeded(package, verdict) == Verdict::Block {
            return Err(Status::FORBIDDEN.into());
        }
        let granted = self.lifetime(request, package)?.min(most);
        let body = body_type(request, package)?;
        let target = contact(request)?;

        if let Some(target) = &target {
            self.retarget(id, target.text)
                .map_err(|_| Status::MESSAGE_TOO_LARGE)?;
        }
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return Err(unknown.into());
        };
        if let Some(target) = &target {
            let flow = notify_flow(request, from, target);
            if core::mem::replace(&mut subscription.flow, flow).remote != flow.remote {
                self.altered.push(id.slot());
            }
        }
        subscription.heard = true;
        subscription.body = body;
        subscription.wants = Wants::Full;
        // At once, so it does not wait for an answer to the NOTIFY before.
        subscription.notify = Notify::Idle;
        let state = match granted {
            Seconds::ZERO => State::Terminated(Reason::Timeout),
            granted => subscription.state.until(now + granted),
        };
        self.turn(id, state);
        self.wake(id);
        Ok(Answer::Subscribed {
            tag: None,
            expires: granted,
        })
    }

    /// The lifetime granted: the one asked for, the package's default, or the most there is.
    fn lifetime(&self, request: &Request<'_>, package: Package) -> Result<Seconds, Refusal> {
        let asked = request.headers.expires();
        let asked = asked.map_err(|_| Refusal::bad("Malformed Expires header field"))?;
        let asked = asked.unwrap_or(package.spec().expires);
        // Only then is 423 allowed: RFC 6665 §4.2.1.1.
        let is_brief =
            asked > Seconds::ZERO && asked < self.rules.min_expires && asked < Seconds(3_600);
        if is_brief {
            Err(Refusal::TooBrief(self.rules.min_expires))
        } else {
            Ok(asked.min(self.rules.max_expires))
        }
    }

    /// The peer is at another Contact from now on.
    pub(super) fn retarget(&mut self, id: Id<Subscription>, target: &[u8]) -> Result<(), TooLarge> {
        let Some(known) = self.subscriptions.get(id) else {
            return Ok(());
        };
        if known.dialog.target() == target {
            return Ok(());
        }
        let new = self.device(known.presentity, known.package, &known.event_id, target);
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.dialog.retarget(target)?;
            let old = core::mem::replace(&mut subscription.device, new);
            self.by_device.remove(old, id.slot());
            self.index(new, id.slot());
            self.unsaved.hasten(id.slot(), Instant::ZERO);
        }
        Ok(())
    }

    /// The table is full: a device that subscribes anew to the same has forgotten its old subscription. One that nobody
    /// has allowed takes no place of one that is.
    fn make_room(&mut self, device: u64, wanted: Wanted<'_>, allowed: bool) -> Option<u16> {
        let slot = self.by_device.find(device, |_| true)?;
        let id = self.subscriptions.id_at(slot)?;
        let old = self.subscriptions.get(id)?;
        let has = (
            old.presentity,
            old.package,
            &old.event_id[..],
            old.dialog.target(),
            home(&old.flow),
        );
        if wanted != has || (old.allowed && !allowed) {
            return None;
        }
        self.forget(id);
        self.subscriptions.vacant()
    }

    /// Enters a subscription unless one of the same device is there: a device that subscribes a thousand times to
    /// the same must not make a thousand equal entries.
    pub(super) fn index(&mut self, device: u64, slot: u16) {
        if self.by_device.find(device, |_| true).is_none() {
            self.by_device.insert(device, slot);
        }
    }

    pub(super) fn device(
        &self,
        presentity: Id<Presentity>,
        package: Package,
        event_id: &[u8],
        target: &[u8],
    ) -> u64 {
        let group = group(presentity, package) as u16;
        let hasher = self.secret.hasher().part(&group.to_be_bytes());
        hasher.part(event_id).part(target).finish()
    }
}

/// What makes two subscriptions of one device the same: whom, package, event id, Contact, address.
type Wanted<'a> = (Id<Presentity>, Package, &'a [u8], &'a [u8], SocketAddr);

/// The address by which a device that comes again is known: on a stream it comes from another port each time.
fn home(flow: &Flow) -> SocketAddr {
    let mut address = flow.remote;
    if flow.transport.is_reliable() {
        address.set_port(0);
    }
    address
}

/// What the request subscribes to: one package that we serve (RFC 6665 §4.2.1.1, §8.2.1).
fn wanted<'a>(request: &Request<'a>) -> Result<(Package, Event<'a>), Refusal> {
    let event = request.headers.event();
    let event = event.map_err(|_| Refusal::bad("Malformed Event header field"))?;
    let event = event.ok_or(Status::BAD_EVENT)?;
    let package = Package::from_name(event.package)
        .filter(|package| package.is_served())
        .ok_or(Status::BAD_EVENT)?;
    Ok((package, event))
}

/// Which of the package's body types the watcher likes best (RFC 3856 §6.5, RFC 6665 §4.1.2.1).
fn body_type(request: &Request<'_>, package: Package) -> Result<u8, Refusal> {
    let accept = request.headers.accept();
    if accept.is_absent() {
        return Ok(0);
    }
    let mut best = None;
    for (index, body) in package.spec().bodies.iter().enumerate() {
        let liked = accept.quality(body.kind, body.subtype).unwrap_or(0);
        if liked > best.map_or(0, |(liked, _)| liked) {
            best = Some((liked, index as u8));
        }
    }
    best.map(|(_, index)| index)
        .ok_or(Status::NOT_ACCEPTABLE.into())
}

/// Where a watcher wants its NOTIFYs.
struct Target<'a> {
    text: &'a [u8],
    uri: Uri<'a>,
}

/// The Contact: at most one, of scheme sip or sips, at an address that somebody can be at (RFC 3261 §8.1.1.8).
fn contact<'a>(request: &Request<'a>) -> Result<Option<Target<'a>>, Refusal> {
    let mut contacts = request.headers.contacts();
    let Some(first) = contacts.next() else {
        return Ok(None);
    };
    let Ok(Contact::Addr(contact, uri)) = first else {
        return Err(Refusal::bad("Malformed Contact header field"));
    };
    if contacts.next().is_some() {
        return Err(Refusal::bad("More than one Contact"));
    }
    match &uri {
        Uri::Sip(sip) if is_somewhere(sip) => Ok(Some(Target {
            text: contact.uri_text,
            uri,
        })),
        Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => {
            Err(Refusal::bad("Contact with no address to send to"))
        }
    }
}

fn event_id(event: &Event<'_>) -> Result<Vec<u8, { limits::EVENT_ID }>, Refusal> {
    Vec::from_slice(event.id.unwrap_or_default()).map_err(|_| Status::MESSAGE_TOO_LARGE.into())
}

/// Where NOTIFYs go: back to where the SUBSCRIBE came from, unless the route or Contact names a numeric address
/// that belongs there.
///
/// A Contact at the sender's own address says on which port it listens. One elsewhere is followed only from a
/// sender that is not behind a NAT (its Via names the address it has) and into a trusted network; so nobody
/// makes us send to a third party (RFC 6665 §6.3), and phones behind a NAT get their NOTIFYs.
fn notify_flow(request: &Request<'_>, from: Subscriber<'_>, target: &Target<'_>) -> Flow {
    let source = from.flow.remote;
    let first_route = request.headers.record_routes().next();
    let named = match first_route {
        Some(route) => NameAddr::parse(route)
            .ok()
            .and_then(|route| dialog::numeric_address(&route.uri())),
        None => dialog::numeric_address(&target.uri),
    };
    let is_direct = request.via.host.ip() == Some(source.ip());
    let remote = match named {
        _ if from.flow.transport.is_reliable() => source,
        Some(named) if named.ip() == source.ip() => named,
        Some(named) if is_direct && (from.trusts)(named) => named,
        Some(_) | None => answer_address(&request.via, from.flow),
    };
    Flow {
        remote,
        ..*from.flow
    }
}

/// Active or pending; over at once for a fetch, and for a part of the state that we do not have.
fn initial_state(
    now: Instant,
    granted: Seconds,
    verdict: Verdict,
    package: Package,
    event: &Event<'_>,
) -> State {
    let ends = now + granted;
    match verdict {
        _ if package
            .served()
            .is_none_or(|served| (served.narrows)(event)) =>
        {
            State::Terminated(Reason::NoResource)
        }
        _ if granted == Seconds::ZERO => State::Terminated(Reason::Timeout),
        Verdict::Allow => State::Active { ends },
        Verdict::Confirm | Verdict::Block => State::Pending { ends },
    }
}

fn busy() -> Refusal {
    Refusal::AnswerLater(Status::SERVICE_UNAVAILABLE, limits::RETRY_AFTER)
}

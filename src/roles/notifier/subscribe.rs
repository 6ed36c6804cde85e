//! SUBSCRIBE in, answer out (RFC 6665 §4.2.1). The checks keep the order of RFC 3261 §8.2.

use super::condition::Condition;
use super::documents::discerned;
use super::rates::Tempo;
use super::shares::Keys;
use super::subscription::{Notify, Reserved, Subscription, Track, Wants, Who};
use super::target::{Subscriber, contact, home, is_near, notify_flow};
use super::waiting::heeded;
use super::{Notifier, group};
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::package::{Baseline, Package, Patched};
use crate::events::presentity::Presentity;
use crate::events::subscription::{Reason, State, Verdict};
use crate::ground::limits::{self, PRESENTITIES};
use crate::ground::random::Random;
use crate::ground::table::{Id, Table};
use crate::ground::time::{Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::dialog::{Dialog, TooLarge};
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{Event, Rates, Request, Status};
use core::net::SocketAddr;
use heapless::Vec;

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
        let is_list = self.lists.members(presentity).is_some();
        if is_list {
            takes_lists(request, package)?;
        }
        let who = Who {
            presentity,
            package,
            identity: from.identity,
            watcher: request.from.uri_text,
            remote: from.flow.remote,
        };
        let ruling = self.ruling(who, from.rules);
        let verdict = ruling.verdict;
        match verdict {
            Verdict::Allow | Verdict::Confirm => {}
            Verdict::Block => return Err(Status::FORBIDDEN.into()),
        }
        if package.is_private() && !(from.owns)() {
            return Err(Status::FORBIDDEN.into());
        }
        // No longer name is kept.
        if request.from.uri_text.len() > limits::URI {
            return Err(Status::MESSAGE_TOO_LARGE.into());
        }
        let granted = self.lifetime(request, package)?;
        let body = body_type(request, package, is_list)?;
        let target = contact(request)?.ok_or(Refusal::bad("Missing Contact header field"))?;
        let event_id = event_id(&event)?;
        let flow = notify_flow(request, from, &target);

        let device = self.device(presentity, package, &event_id, target.text);
        let home = home(&flow);
        let wanted = (presentity, package, &event_id[..], target.text, home);
        let allowed = verdict == Verdict::Allow;
        let keys = Keys::of(
            &self.secret,
            from.flow.remote.ip(),
            who.watcher,
            from.identity,
        );
        let may_wait = allowed || self.may_wait(flow.remote.ip());
        let full_for = match (self.shares.full_for(keys), is_list) {
            (None, true) => self.list_full_for(keys),
            (full_for, _) => full_for,
        };
        let has_row = !is_list || !self.lists.rows.is_full();
        let fits = may_wait && has_row && full_for.is_none();
        // Who was there already, and forgot, has its old place.
        if !fits && self.make_room(device, wanted, allowed).is_none() {
            return Err(full_for.map_or(Refusal::BUSY, Refusal::Share));
        }
        let slot = self
            .subscriptions
            .vacant()
            .or_else(|| self.make_room(device, wanted, allowed))
            .ok_or(Refusal::BUSY)?;
        let token = Token::draw(Owner::Subscription, slot, random);
        let dialog = Dialog::accepted(request, target.text, token, 0)
            .map_err(|_| Status::MESSAGE_TOO_LARGE)?;
        let near = is_near(&flow, from);
        let mut tempo = Tempo::new(ruling.pace);
        let rates = Rates::of(&event.params);
        if rates != Rates::default() {
            tempo.ask(rates, granted, self.rules.pace[package as usize]);
        }
        let subscription = Subscription {
            dialog,
            device,
            flow,
            long_by: Transport::Tcp,
            presentity,
            row: None,
            package,
            identity: from.identity,
            event_id,
            body,
            state: initial_state(now, granted, verdict, package, &event),
            view: discerned(package, ruling.view),
            judged: true,
            allowed,
            heard: false,
            near,
            track: Track::new(now),
            told: Baseline::Nothing,
            sent: 0,
            condition: match is_list {
                true => Condition::Never,
                false => Condition::of(request),
            },
            tempo,
            shares: keys,
            version: 0,
            wants: Wants::Full,
            notify: Notify::Idle,
            failures: 0,
            reserved: Reserved::default(),
        };
        let id = self
            .subscriptions
            .insert(subscription)
            .map_err(|_| Refusal::BUSY)?;
        if !self.enter_list(id) {
            self.subscriptions.remove(id);
            return Err(Refusal::BUSY);
        }
        if is_list {
            self.judge_members(id, &|who| Some((from.rules)(who)));
        }
        self.shares.take(keys);
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
            is_list,
        })
    }

    /// A SUBSCRIBE in a dialog: a refresh, or the end.
    ///
    /// # Errors
    /// The refusal to answer with; the subscription is as it was then (RFC 6665 §3.1). So it is for somebody who knows its
    /// tags and is not the one who subscribed (RFC 6665 §6.1).
    pub fn handle_refresh(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        presentities: &Table<Presentity, PRESENTITIES>,
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
        subscription.admits(from)?;
        let subscription = self.subscriptions.get(id).ok_or(unknown)?;
        let verdict = self.ruling(subscription.who(), from.rules).verdict;
        match verdict {
            Verdict::Allow | Verdict::Confirm => {}
            Verdict::Block => return Err(Status::FORBIDDEN.into()),
        }
        let subscription = self.subscriptions.get_mut(id).ok_or(unknown)?;
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
        let is_list = self
            .subscriptions
            .get(id)
            .is_some_and(|it| it.row.is_some());
        let body = body_type(request, package, is_list)?;
        let target = contact(request)?;

        if let Some(target) = &target {
            self.retarget(id, target.text)
                .map_err(|_| Status::MESSAGE_TOO_LARGE)?;
        }
        let pace = self.rules.pace[package as usize];
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return Err(unknown.into());
        };
        if let Some(target) = &target {
            let flow = notify_flow(request, from, target);
            if subscription.moves(flow, from) {
                self.altered.push(id.slot());
            }
        }
        subscription.heard |= subscription.flow.remote.ip() == from.flow.remote.ip();
        subscription.body = body;
        if subscription.row.is_none() {
            subscription.condition = Condition::of(request);
        }
        let rates = Rates::of(&event.params);
        if rates != Rates::default() || subscription.tempo.is_asked() {
            subscription.tempo.ask(rates, granted, pace);
        }
        Ok(self.renew(now, id, granted, presentities))
    }

    /// Extends the subscription, or ends it, and tells the watcher the state, unless it has that already (RFC 5839
    /// §6.3).
    fn renew(
        &mut self,
        now: Instant,
        id: Id<Subscription>,
        granted: Seconds,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Answer {
        let expires = granted;
        let row = self.subscriptions.get(id).and_then(|it| it.row);
        let answer = Answer::Subscribed {
            tag: None,
            expires,
            is_list: row.is_some(),
        };
        let Some(subscription) = self.subscriptions.get(id) else {
            return answer;
        };
        let is_known = subscription.condition != Condition::Never
            && subscription
                .condition
                .holds(self.tag(now, subscription, presentities));
        let state = match granted {
            Seconds::ZERO => State::Terminated(Reason::Timeout),
            granted => subscription.state.until(now + granted),
        };
        self.turn(id, state);
        if is_known {
            match granted {
                Seconds::ZERO => self.forget(id),
                _ => self.arm(id),
            }
            return Answer::Unchanged { expires };
        }
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.wants = Wants::Full;
            // At once, so it does not wait for an answer to the NOTIFY before.
            subscription.notify = Notify::Idle;
        }
        self.wake(id);
        answer
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

impl Subscription {
    /// Whether a request in its dialog comes from the one who subscribed, as far as that was proven then.
    fn admits(&self, from: Subscriber<'_>) -> Result<(), Refusal> {
        let is_the_same = match self.identity {
            Identity::User(_) | Identity::Certificate(_) => {
                from.identity.name() == self.identity.name()
            }
            Identity::Network => {
                from.identity == Identity::Network || (from.trusts)(from.flow.remote)
            }
            Identity::Nobody => {
                let address = |remote: SocketAddr| remote.ip().to_canonical();
                address(from.flow.remote) == address(self.flow.remote)
            }
        };
        match (is_the_same, self.identity, from.identity) {
            (true, ..) => Ok(()),
            // It may yet prove that it is.
            (
                false,
                Identity::User(_),
                Identity::Network | Identity::Nobody | Identity::Certificate(_),
            ) => Err(Refusal::Challenge { stale: false }),
            (false, ..) => {
                let why = "it is not the one who subscribed";
                Err(Refusal::Because(Status::FORBIDDEN, why))
            }
        }
    }

    /// Its NOTIFYs go there from now on; says whether that is another address.
    fn moves(&mut self, flow: Flow, from: Subscriber<'_>) -> bool {
        let old = core::mem::replace(&mut self.flow, flow);
        self.near = is_near(&flow, from);
        self.heard &= old.remote.ip() == flow.remote.ip();
        old.remote != flow.remote
    }
}

/// What makes two subscriptions of one device the same: whom, package, event id, Contact, address.
type Wanted<'a> = (Id<Presentity>, Package, &'a [u8], &'a [u8], SocketAddr);

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

/// Whether a list is of use to whoever asks: it says so by the option tag, which promises that it reads what lists are
/// written in, whatever its Accept says of that (RFC 4662 §4.1, §4.3). A list has no owner.
fn takes_lists(request: &Request<'_>, package: Package) -> Result<(), Refusal> {
    if package.is_private() {
        return Err(Status::BAD_EVENT.into());
    }
    let mut tags = request.headers.supported().chain(request.headers.require());
    match tags.any(|tag| tag.eq_ignore_ascii_case(b"eventlist")) {
        true => Ok(()),
        false => Err(Refusal::Because(Status::EXTENSION_REQUIRED, "it is a list")),
    }
}

/// Which of the package's body types the watcher likes best (RFC 3856 §6.5, RFC 6665 §4.1.2.1).
///
/// The patched one is for those who name it, and like no other better (RFC 5263 §4.1); in lists there is none.
fn body_type(request: &Request<'_>, package: Package, is_list: bool) -> Result<u8, Refusal> {
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
        // None is liked better than that.
        if liked == 1_000 {
            break;
        }
    }
    let patched = package.served().and_then(|it| it.patched.as_ref());
    if let Some(Patched { body, .. }) = patched.filter(|_| !is_list)
        && let Some(liked) = accept.named(body.kind, body.subtype)
        && liked >= best.map_or(0, |(best, _)| best)
    {
        return Ok(package.spec().bodies.len() as u8);
    }
    best.map(|(_, index)| index)
        .ok_or(Status::NOT_ACCEPTABLE.into())
}

fn event_id(event: &Event<'_>) -> Result<Vec<u8, { limits::EVENT_ID }>, Refusal> {
    Vec::from_slice(event.id.unwrap_or_default()).map_err(|_| Status::MESSAGE_TOO_LARGE.into())
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

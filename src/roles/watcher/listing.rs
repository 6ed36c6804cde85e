//! What a list's NOTIFYs tell. Read RFC 4662 §4.6 and §5.6 first.

use super::Watcher;
use super::cause::Cause;
use super::member::{Record, Standing};
use super::place::{Knows, Order, Place, Said};
use super::usage::{Gap, Knowledge, Usage};
use super::watch::Watch;
use crate::events::answer::Refusal;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::wire::doc::multipart::{self, Parts};
use crate::wire::doc::rlmi::{self, List};
use crate::wire::sip::{
    MediaType, Request, State as Told, Status, SubscriptionState, Uri, same_presentity, same_user,
};

/// What a list's word changed.
#[derive(Clone, Copy)]
pub(super) struct Change {
    /// Whether a lamp may show it.
    pub(super) is_news: bool,
    /// Whether the whole is to be asked for.
    pub(super) is_hollow: bool,
}

impl Watcher {
    /// Takes in the body of a list's NOTIFY.
    ///
    /// # Errors
    /// 481 to what is not of a list: the subscription is over then. Others leave all as it was.
    pub(super) fn read_list(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        request: &Request<'_>,
        state: &SubscriptionState<'_>,
        random: &mut Random,
    ) -> Result<(), Refusal> {
        let usage = self
            .usages
            .get_mut(id)
            .ok_or(Status::NO_SUCH_SUBSCRIPTION)?;
        let list = usage.watch;
        let is_empty = request.body.is_empty();
        match state.state {
            Told::Pending => {
                usage.knowledge = Knowledge::Nothing;
                usage.forget_tag();
                self.withhold(list);
                return Ok(());
            }
            Told::Active if usage.is_same(request) => return Ok(()),
            Told::Active | Told::Terminated | Told::Other(_) => {}
        }
        let parts = match is_empty {
            true => None,
            false => parts(request)?,
        };
        let headers = &request.headers;
        let watch = self.watches.get_mut(list);
        let denies = watch.is_some_and(|it| it.place.is_denied_by(Said::Notify, headers));
        match parts {
            None if denies || !is_empty => {
                self.deny(now, list, Cause::NoList, None, random);
                Err(Status::NO_SUCH_SUBSCRIPTION.into())
            }
            None => Ok(()),
            Some(parts) => self.take_list(now, id, request, &parts),
        }
    }

    /// Applies a list (RFC 4662 §5.6).
    fn take_list(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        request: &Request<'_>,
        parts: &Parts<'_>,
    ) -> Result<(), Refusal> {
        let told = rlmi::read(parts.root().body, &mut |_| {});
        let told = told.map_err(|fault| Refusal::bad(fault.reason()))?;
        let Some(usage) = self.usages.get(id) else {
            return Ok(());
        };
        let list = usage.watch;
        let (is_answer, believes) = (usage.awaits_notify(), usage.cannot_count());
        let Some(Place::List(listing)) = self.place_mut(list) else {
            return Ok(());
        };
        listing.knows = Knows::Yes;
        let order = listing.order(&told, is_answer);
        let mut is_hollow = order != Order::Next;
        if order != Order::Stale {
            listing.version = told.version;
            self.reunite(now, list);
            is_hollow |= self.tell_members(now, list, &told, parts, believes);
        }
        let Some(usage) = self.usages.get_mut(id) else {
            return Ok(());
        };
        usage.knowledge = Knowledge::Known(Watched::Idle);
        if is_hollow {
            usage.open_gap(now);
        } else if told.full {
            usage.gap = Gap::Closed;
        }
        if believes {
            usage.doubt = None;
        }
        match usage.gap {
            Gap::Closed => usage.hold_tag_of(request),
            Gap::Open { .. } | Gap::Asked(_) => usage.forget_tag(),
        }
        Ok(())
    }

    /// Tells the members what a list says of them. Whether something of it is missing.
    fn tell_members(
        &mut self,
        now: Instant,
        list: Id<Watch>,
        told: &List<'_>,
        parts: &Parts<'_>,
        believes: bool,
    ) -> bool {
        let mut is_hollow = false;
        let mut named = [false; limits::WATCHES];
        let home = self.home(list, told);
        let each = &mut |resource: &rlmi::Resource<'_>| {
            let uri = resource.uri.and_then(|uri| uri.copy::<{ limits::URI }>());
            let Some(Ok(uri)) = uri.as_ref().map(|uri| Uri::parse(uri.as_bytes())) else {
                return;
            };
            for slot in 0..limits::WATCHES as u16 {
                let id = self.member_at(slot, list);
                let Some(watch) = id.and_then(|id| self.watches.get_mut(id)) else {
                    continue;
                };
                if !watch.is_of(&uri, home.as_ref()) {
                    continue;
                }
                let record = match self.records.id_at(slot) {
                    Some(id) => Ok(id),
                    None => self.records.insert_at(slot, Record::new()),
                };
                if let Some(record) = record.ok().and_then(|id| self.records.get_mut(id)) {
                    named[usize::from(slot)] = true;
                    let change = watch.take_word(now, record, resource, parts, believes);
                    is_hollow |= change.is_hollow;
                    if change.is_news {
                        self.changed.push(slot);
                    }
                }
            }
        };
        // It was found good before.
        let _ = rlmi::read(parts.root().body, each);
        let mut most = None;
        for slot in 0..limits::WATCHES as u16 {
            let id = self.member_at(slot, list);
            let Some(watch) = id.and_then(|id| self.watches.get_mut(id)) else {
                continue;
            };
            if told.full && !named[usize::from(slot)] {
                if watch.strike_off(Standing::Unlisted) {
                    self.changed.push(slot);
                }
                self.forget_record(slot);
            }
            let Some(watch) = id.and_then(|id| self.watches.get(id)) else {
                continue;
            };
            most = most.max(watch.story.told.then_some(watch.story.watched));
        }
        if let Some(Place::List(listing)) = self.place_mut(list) {
            listing.most = most;
        }
        is_hollow
    }

    /// The list's owner has not decided about us: nothing is told.
    fn withhold(&mut self, list: Id<Watch>) {
        for slot in 0..limits::WATCHES as u16 {
            let id = self.member_at(slot, list);
            if let Some(watch) = id.and_then(|id| self.watches.get_mut(id))
                && watch.strike_off(Standing::Pending)
            {
                self.changed.push(slot);
            }
            self.forget_record(slot);
        }
    }

    /// Where the list lives: as we call it, and as its server does.
    fn home(&self, list: Id<Watch>, told: &List<'_>) -> Option<Home> {
        let own = Text::copied(&self.watches.get(list)?.target).ok()?;
        let told = told.uri.and_then(|uri| uri.copy())?;
        Some(Home { own, told })
    }
}

/// The addresses of one list.
struct Home {
    own: Text<{ limits::URI }>,
    told: heapless::String<{ limits::URI }>,
}

impl Home {
    /// Whether `resource` is whom we call `target`, where both live beside the list. Asterisk writes its own address for
    /// all of them.
    fn is_same(&self, target: &Uri<'_>, resource: &Uri<'_>) -> bool {
        let is_beside = |uri: &Uri<'_>, list: &str| {
            let list = Uri::parse(list.as_bytes()).ok();
            let list = list.as_ref().and_then(Uri::sip);
            let beside = uri.sip().zip(list);
            beside.is_some_and(|(uri, list)| uri.host == list.host && uri.port == list.port)
        };
        same_user(target, resource)
            && is_beside(target, &self.own)
            && is_beside(resource, &self.told)
    }
}

impl Watch {
    /// Whether the resource of that address is what it watches.
    fn is_of(&self, resource: &Uri<'_>, home: Option<&Home>) -> bool {
        let Ok(target) = Uri::parse(self.target.as_bytes()) else {
            return false;
        };
        let is_neighbour = |home: &Home| home.is_same(&target, resource);
        same_presentity(&target, resource) || home.is_some_and(is_neighbour)
    }

    /// Takes in what its list says of it.
    pub(super) fn take_word(
        &mut self,
        now: Instant,
        record: &mut Record,
        resource: &rlmi::Resource<'_>,
        parts: &Parts<'_>,
        believes: bool,
    ) -> Change {
        let Place::Member(member) = &mut self.place else {
            return Change::NONE;
        };
        let story = &mut self.story;
        let before = (story.watched, story.broken_since, story.messages);
        let (standing, party) = (member.standing, record.party(story.watched).cloned());
        let known = story.told.then_some(story.watched);
        let word = record.hear(self.speaks, known, resource, parts, believes);
        member.standing = word.standing;
        story.told = word.watched.is_some();
        story.watched = word.watched.unwrap_or_default();
        story.broken_since = word.doubt.then(|| story.broken_since.unwrap_or(now));
        story.messages = record.messages().filter(|_| story.told);
        story.last_notify = Some(now);
        story.unasked = None;
        let is_same = before == (story.watched, story.broken_since, story.messages)
            && standing == member.standing
            && party.as_ref() == record.party(story.watched);
        Change {
            is_news: !is_same,
            is_hollow: word.gap,
        }
    }

    /// Its list says nothing of it. Whether that is news.
    pub(super) fn strike_off(&mut self, standing: Standing) -> bool {
        let Place::Member(member) = &mut self.place else {
            return false;
        };
        let story = &mut self.story;
        let was_told = core::mem::replace(&mut story.told, false);
        (story.watched, story.broken_since) = (Watched::Unknown, None);
        story.messages = None;
        core::mem::replace(&mut member.standing, standing) != standing || was_told
    }
}

impl Change {
    const NONE: Change = Change {
        is_news: false,
        is_hollow: false,
    };
}

/// The parts of a list's body; `None` if it is another kind of document.
fn parts<'a>(request: &Request<'a>) -> Result<Option<Parts<'a>>, Refusal> {
    let headers = &request.headers;
    if headers.content_encoding().is_some() {
        return Err(Status::UNSUPPORTED_MEDIA_TYPE.into());
    }
    let media = headers.content_type();
    let media = media.map_err(|_| Refusal::bad("Malformed Content-Type header field"))?;
    let Some(media) = media.filter(|it| it.matches("multipart", "related")) else {
        return Ok(None);
    };
    let boundary = media.param(b"boundary").unwrap_or_default();
    let parts = multipart::read(request.body, boundary, media.param(b"start"));
    let parts = parts.map_err(|fault| Refusal::bad(fault.reason()))?;
    let root = parts.root().media.map(MediaType::parse);
    let is_list =
        root.is_none_or(|root| root.is_ok_and(|it| it.matches("application", "rlmi+xml")));
    Ok(is_list.then_some(parts))
}

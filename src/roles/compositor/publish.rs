//! PUBLISH in, answer out (RFC 3903 §6).

use super::document::Document;
use super::{Compositor, Knows, Publication, REFUSED};
use crate::events::answer::{Answer, Refusal};
use crate::events::etag::EntityTag;
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::events::subscription::Verdict;
use crate::ground::limits;
use crate::ground::network::{is_fair, site};
use crate::ground::random::{Random, Secret};
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::wire::doc::Fault;
use crate::wire::doc::pidf::Summary;
use crate::wire::flow::Flow;
use crate::wire::sip::{Contact, Request, Status};
use core::net::SocketAddr;
use heapless::Vec;

/// What the engine knows of who sent a PUBLISH.
#[derive(Clone, Copy)]
pub struct Publisher<'a> {
    /// Where it came from.
    pub flow: &'a Flow,
    /// Whether it may publish for this presentity: because it is the presentity, or because it may for others (RFC 3903
    /// §14.1).
    pub verdict: Verdict,
}

/// An initial PUBLISH, by what tells whether its publisher has one already.
struct Sent<'a> {
    presentity: Id<Presentity>,
    package: Package,
    publisher: &'a str,
    remote: SocketAddr,
    call: u64,
    device: Option<u64>,
    ids: Option<u64>,
}

impl Sent<'_> {
    /// Whether it speaks for the same user of the same presentity, in the same package.
    fn is_of_same(&self, it: &Publication) -> bool {
        let is_like = it.presentity == self.presentity && it.package == self.package;
        is_like && &*it.publisher == self.publisher
    }

    fn is_near(&self, it: &Publication) -> bool {
        site(it.remote.ip()) == site(self.remote.ip())
    }

    /// Whether that is the same phone's.
    fn is_again(&self, it: &Publication) -> bool {
        let is_same = match (self.device, it.device) {
            (Some(one), Some(other)) => one == other,
            (Some(_) | None, None) | (None, Some(_)) => {
                let has_ids = self.ids.is_some() && self.ids == it.ids;
                self.is_near(it) && (it.call == self.call || has_ids)
            }
        };
        is_same && self.is_of_same(it)
    }
}

impl Compositor {
    /// A PUBLISH for `presentity`. Step 1 is the caller's: it has found the presentity.
    ///
    /// Record-Route and the document's `entity` mean nothing here, nor the Contact but for its instance (RFC 3903 §6,
    /// §4.1).
    ///
    /// # Errors
    /// The refusal to answer with; no publication is another one then (RFC 3903 §6).
    pub fn handle_publish(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        presentity: Id<Presentity>,
        from: Publisher<'_>,
        random: &mut Random,
    ) -> Result<Answer, Refusal> {
        match from.verdict {
            Verdict::Allow => {}
            Verdict::Confirm | Verdict::Block => return Err(Status::FORBIDDEN.into()),
        }
        let remote = from.flow.remote;
        // Step 2.
        let event = request.headers.event();
        let event = event.map_err(|_| Refusal::bad("Malformed Event header field"))?;
        let package = event.and_then(|event| Package::from_name(event.package));
        let package = package.filter(|it| it.is_published());
        let package = package.ok_or(Status::BAD_EVENT)?;
        // Step 3.
        let condition = request.headers.sip_if_match();
        let known =
            match condition.map_err(|_| Refusal::bad("Malformed SIP-If-Match header field"))? {
                None => None,
                Some(text) => match self.find(now, presentity, package, text) {
                    Some(known) => Some(known),
                    None => {
                        self.remember_refused(presentity, remote);
                        return Err(Status::CONDITIONAL_REQUEST_FAILED.into());
                    }
                },
            };
        // Step 4.
        let granted = self.lifetime(request, package)?;
        // Step 5, and what step 6 answers.
        let document = match request.body {
            [] => None,
            body => Some(check_type(request, package).map(|()| body)?),
        };
        let answer = match (known, document, granted) {
            (None, None, _) => return Err(Refusal::bad("Missing body")),
            (None, Some(_), Seconds::ZERO) => {
                let tag = EntityTag::draw(random);
                Answer::Published {
                    tag,
                    expires: Seconds::ZERO,
                }
            }
            (Some((id, tag)), _, Seconds::ZERO) => {
                self.forget(id);
                let tag = tag.next(random);
                Answer::Published {
                    tag,
                    expires: Seconds::ZERO,
                }
            }
            (Some((id, tag)), document, granted) => {
                let document = document.map(|body| self.read(package, body)).transpose()?;
                let tag = tag.next(random);
                self.renew(now, id, document, tag, granted);
                if let Some(publication) = self.publications.get_mut(id) {
                    publication.remote = remote;
                }
                Answer::Published {
                    tag,
                    expires: granted,
                }
            }
            (None, Some(body), granted) => {
                let document = self.read(package, body)?;
                let tag = EntityTag::draw(random);
                self.begin(now, request, presentity, from, document, tag, granted)?;
                Answer::Published {
                    tag,
                    expires: granted,
                }
            }
        };
        self.refused.retain(|it| *it != (presentity, remote));
        Ok(answer)
    }

    /// The publication that a tag is of, and the newest tag known of it.
    fn find(
        &self,
        now: Instant,
        presentity: Id<Presentity>,
        package: Package,
        text: &[u8],
    ) -> Option<(Id<Publication>, EntityTag)> {
        let tag = EntityTag::parse(text, self.secret)?;
        let is_it = |it: &Publication| {
            let matches = match it.knows {
                Knows::Newest => it.tag == tag,
                Knows::SinceKept => it.tag.nonce == tag.nonce && tag.count >= it.tag.count,
            };
            matches && (it.presentity, it.package) == (presentity, package) && it.ends > now
        };
        let mut all = self.publications.iter();
        all.find(|(_, it)| is_it(it)).map(|(id, _)| (id, tag))
    }

    /// The lifetime granted: the one asked for, or the most there is (RFC 3903 §6).
    fn lifetime(&self, request: &Request<'_>, package: Package) -> Result<Seconds, Refusal> {
        let asked = request.headers.expires();
        let asked = asked.map_err(|_| Refusal::bad("Malformed Expires header field"))?;
        let asked = asked.unwrap_or(self.max_expires);
        // Kamailio publishes the end of a call for ten seconds, and does not hear of 423.
        let least = match package {
            Package::Dialog => Seconds::ZERO,
            Package::Presence
            | Package::PresenceWinfo
            | Package::MessageSummary
            | Package::Features => self.min_expires,
        };
        if asked > Seconds::ZERO && asked < least {
            return Err(Refusal::TooBrief(least));
        }
        Ok(asked.min(self.max_expires))
    }

    /// Reads a document that is to be stored.
    fn read<'a>(&self, package: Package, body: &'a [u8]) -> Result<Document<'a>, Refusal> {
        if body.len() > limits::PUBLICATION {
            return Err(Status::REQUEST_ENTITY_TOO_LARGE.into());
        }
        Document::read(package, body, self.secret).map_err(|fault| match fault {
            Fault::TooLarge | Fault::TooDeep => Status::REQUEST_ENTITY_TOO_LARGE.into(),
            Fault::Syntax | Fault::Doctype | Fault::Encoding | Fault::WrongRoot => {
                Refusal::bad(fault.reason())
            }
        })
    }

    /// Refresh and modify: nothing can fail any more (RFC 3903 §6).
    fn renew(
        &mut self,
        now: Instant,
        id: Id<Publication>,
        document: Option<Document<'_>>,
        tag: EntityTag,
        granted: Seconds,
    ) {
        let order = self.changes.wrapping_add(1);
        let Some(publication) = self.publications.get_mut(id) else {
            return;
        };
        publication.tag = tag;
        publication.knows = Knows::Newest;
        publication.refreshed = Some(now);
        publication.ends = now + granted;
        self.timers.set(id.slot(), Some(publication.ends));
        // The same bytes again are no change.
        if let Some(document) = document.filter(|it| it.body != &publication.document[..]) {
            publication.take(document);
            (publication.changed, publication.order) = (now, order);
            let presentity = publication.presentity;
            self.changes = order;
            self.unsaved.hasten(id.slot(), now);
            self.announce(id, presentity);
        }
    }

    /// Initial: a new publication, or one in the place of the same publisher's last.
    #[allow(
        clippy::too_many_arguments,
        reason = "all of them are what a publication is made of"
    )]
    fn begin(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        presentity: Id<Presentity>,
        from: Publisher<'_>,
        document: Document<'_>,
        tag: EntityTag,
        granted: Seconds,
    ) -> Result<(), Refusal> {
        let too_large = Refusal::Answer(Status::MESSAGE_TOO_LARGE);
        let publisher = Text::from_bytes(request.from.uri_text).map_err(|_| too_large)?;
        let new = Sent {
            presentity,
            package: document.package,
            publisher: &publisher,
            remote: from.flow.remote,
            call: self.hash_call(request.call_id),
            device: self.device(request),
            ids: document.ids,
        };
        let (call, device, remote) = (new.call, new.device, new.remote);
        let orphan = self.orphan(&new).or_else(|| self.outlived(&new));
        let number = match orphan.and_then(|id| self.publications.get(id)) {
            Some(orphan) => orphan.number,
            None => self.check_share(&new)?,
        };
        let mut publication = Publication {
            presentity,
            package: document.package,
            tag,
            knows: Knows::Newest,
            ends: now + granted,
            document: Vec::new(),
            says: Summary::new(),
            ids: None,
            publisher,
            call,
            device,
            remote,
            number,
            refreshed: None,
            changed: now,
            order: self.count_change(),
        };
        publication.take(document);
        if let Some(orphan) = orphan {
            self.forget(orphan);
        }
        let id = self
            .publications
            .insert(publication)
            .map_err(|_| Refusal::BUSY)?;
        self.timers.set(id.slot(), Some(now + granted));
        self.unsaved.hasten(id.slot(), now);
        self.announce(id, presentity);
        Ok(())
    }

    /// The older publication of the same publisher, see the module's head.
    fn orphan(&self, new: &Sent<'_>) -> Option<Id<Publication>> {
        let mut all = self.publications.iter();
        if let Some((id, _)) = all.find(|(_, it)| new.is_again(it)) {
            return Some(id);
        }
        let mut refused = self.refused.iter();
        if !refused.any(|it| *it == (new.presentity, new.remote)) {
            return None;
        }
        let is_meant = |it: &Publication| new.is_of_same(it) && it.remote == new.remote;
        let mut its = self.publications.iter().filter(|(_, it)| is_meant(it));
        match (its.next(), its.next()) {
            (Some((id, _)), None) => Some(id),
            (_, _) => None,
        }
    }

    /// Of a publisher that has all it may have, the publication that it never refreshed or has not for longest; one of a
    /// call only where there is none without.
    fn outlived(&self, new: &Sent<'_>) -> Option<Id<Publication>> {
        let its = || {
            let all = self.publications.iter();
            all.filter(|(_, it)| new.is_of_same(it) && new.is_near(it))
        };
        if its().count() < limits::PUBLICATIONS_PUBLISHER {
            return None;
        }
        let oldest = its().min_by_key(|(_, it)| {
            let is_call = it.package == Package::Dialog && it.says.said.is_some();
            (is_call, it.refreshed, it.order)
        });
        oldest.map(|(id, _)| id)
    }

    /// The number for one more publication, the lowest that none of the presentity has.
    ///
    /// # Errors
    /// There is no room, or not for this address.
    fn check_share(&self, new: &Sent<'_>) -> Result<u8, Refusal> {
        let all = || self.publications.iter().map(|(_, it)| it);
        let of_presentity = || all().filter(|it| it.presentity == new.presentity);
        let is_free = |number: &u8| of_presentity().all(|it| it.number != *number);
        let number = (1..=limits::PUBLICATIONS_EACH as u8).find(is_free);
        let number = number.ok_or(Refusal::BUSY)?;
        if self.publications.is_full() {
            return Err(Refusal::BUSY);
        }
        let free = limits::PUBLICATIONS_EACH - of_presentity().count();
        let near = of_presentity().filter(|it| new.is_near(it)).count();
        let near_all = all().filter(|it| new.is_near(it)).count();
        match is_fair(near, free) && is_fair(near_all, self.publications.room()) {
            true => Ok(number),
            false => Err(Refusal::Share("it has its share of publications")),
        }
    }

    /// A hash of the instance that the Contact names: it says nothing but which phone this is.
    fn device(&self, request: &Request<'_>) -> Option<u64> {
        let contact = request.headers.contacts().next()?.ok()?;
        let Contact::Addr(contact, _) = contact else {
            return None;
        };
        let instance = contact.params.get(b"+sip.instance")?;
        let hasher = self.secret.hasher().part(b"device");
        Some(hasher.part(instance).finish())
    }

    fn remember_refused(&mut self, presentity: Id<Presentity>, remote: SocketAddr) {
        self.refused.retain(|it| *it != (presentity, remote));
        if self.refused.len() == REFUSED {
            self.refused.pop_front();
        }
        let _ = self.refused.push_back((presentity, remote)); // There is room now.
    }

    fn hash_call(&self, call_id: &[u8]) -> u64 {
        self.secret.hasher().part(b"call").part(call_id).finish()
    }
}

impl Publication {
    /// The document is this from now on, as a whole (RFC 3903 §4.4).
    fn take(&mut self, document: Document<'_>) {
        self.document.clear();
        let _ = self.document.extend_from_slice(document.body); // It was measured when it was read.
        self.says = document.says;
        self.ids = document.ids;
    }

    /// One that was kept, to be filled in by whoever takes it back.
    pub(super) fn restored(
        presentity: Id<Presentity>,
        tag: EntityTag,
        ends: Instant,
        body: &[u8],
        secret: Secret,
    ) -> Option<Publication> {
        if body.len() > limits::PUBLICATION {
            return None;
        }
        // Its document tells in which package it is.
        let read = |package| Document::read(package, body, secret).ok();
        let document = read(Package::Presence).or_else(|| read(Package::Dialog))?;
        let mut publication = Publication {
            presentity,
            package: document.package,
            tag,
            knows: Knows::SinceKept,
            ends,
            document: Vec::new(),
            says: Summary::new(),
            ids: None,
            publisher: Text::new(),
            call: 0,
            device: None,
            remote: Flow::NOWHERE.remote,
            number: 0,
            refreshed: None,
            changed: Instant::ZERO,
            order: 0,
        };
        publication.take(document);
        Some(publication)
    }
}

/// Whether the body says that it is of a type that is read in the package (RFC 3903 §6).
fn check_type(request: &Request<'_>, package: Package) -> Result<(), Refusal> {
    let named = request.headers.content_type();
    let named = named.map_err(|_| Refusal::bad("Malformed Content-Type header field"))?;
    let mut types = package.spec().bodies.iter();
    let is_ours = named.is_some_and(|it| types.any(|ours| it.matches(ours.kind, ours.subtype)));
    match is_ours {
        true => Ok(()),
        false => Err(Status::UNSUPPORTED_MEDIA_TYPE.into()),
    }
}

//! REGISTER in, answer out (RFC 3261 §10.3).

use super::{Binding, Registrar};
use crate::events::answer::{Answer, Refusal};
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::network::{is_fair, site};
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::wire::flow::Flow;
use crate::wire::sip::{Bad, Contact, NameAddr, Request, Status, Uri, is_somewhere};
use heapless::Vec;

impl Registrar {
    /// A REGISTER for `presentity`, whom its To names, from somebody who may.
    ///
    /// All of it is done or nothing.
    ///
    /// # Errors
    /// The refusal to answer with; every binding is as it was then.
    pub fn handle_register(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        presentity: Id<Presentity>,
        flow: &Flow,
    ) -> Result<Answer, Refusal> {
        // Steps 1 to 5 are the engine's: whether the request is for us, what it requires, who sent it, for whom.
        //
        // What is over counts no more, even where its timer was not looked at yet.
        self.handle_timeout(now);
        let sent = Sent {
            call: self.secret.hasher().part(request.call_id).finish(),
            cseq: request.cseq.number,
            flow,
        };
        match self.asked(request)? {
            // Step 6.
            Asked::Nothing => {}
            Asked::Removal => self.remove_all(presentity, &sent)?,
            // Step 7.
            Asked::Bindings(wishes) => self.bind(now, presentity, &sent, &wishes)?,
        }
        // Step 8.
        Ok(Answer::Registered {
            presentity,
            at: now,
        })
    }

    /// Step 6: what the Contacts ask for.
    fn asked<'a>(&self, request: &Request<'a>) -> Result<Asked<'a>, Refusal> {
        let mut wishes = Wishes::new();
        let mut stars = 0_u32;
        for contact in request.headers.contacts() {
            match contact.map_err(|Bad| Refusal::bad("Malformed Contact header field"))? {
                Contact::Star => stars += 1,
                Contact::Addr(contact, uri) => {
                    let wish = self.wish(request, &contact, uri)?;
                    // Who names an address twice means what is said last.
                    match wishes.iter_mut().find(|it| it.is_same(&wish)) {
                        Some(before) => *before = wish,
                        None => wishes.push(wish).map_err(|_| Status::MESSAGE_TOO_LARGE)?,
                    }
                }
            }
        }
        let is_over = request.headers.expires() == Ok(Some(Seconds::ZERO));
        match (stars, wishes.is_empty()) {
            (0, true) => Ok(Asked::Nothing),
            (0, false) if is_fit(&wishes) => Ok(Asked::Bindings(wishes)),
            (1, true) if is_over => Ok(Asked::Removal),
            (0, false) => Err(Refusal::bad("More than one Contact with a flow")),
            (_, _) => Err(Refusal::bad("Contact * with others or without Expires: 0")),
        }
    }

    fn wish<'a>(
        &self,
        request: &Request<'a>,
        contact: &NameAddr<'a>,
        uri: Uri<'a>,
    ) -> Result<Wish<'a>, Refusal> {
        match &uri {
            Uri::Sip(sip) if is_somewhere(sip) => {}
            Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => {
                return Err(Refusal::bad("Contact with no address to send to"));
            }
        }
        if contact.uri_text.len() > limits::URI {
            return Err(Status::MESSAGE_TOO_LARGE.into());
        }
        let text = core::str::from_utf8(contact.uri_text);
        let text = text.map_err(|_| Refusal::bad("Malformed Contact header field"))?;
        Ok(Wish {
            text,
            uri,
            device: self.device(contact),
            has_instance: contact.params.get(b"+sip.instance").is_some(),
            lasts: self.lifetime(request, contact)?,
        })
    }

    /// What tells a phone from every other, wherever it is: its instance and which of its flows this is (RFC 5626 §6).
    /// An instance alone is not enough, for a phone may have several Contacts.
    fn device(&self, contact: &NameAddr<'_>) -> Option<u64> {
        let instance = contact.params.get(b"+sip.instance")?;
        let flow = contact.params.get(b"reg-id")?;
        Some(self.secret.hasher().part(instance).part(flow).finish())
    }

    /// Step 7: the lifetime granted, zero for a removal.
    fn lifetime(&self, request: &Request<'_>, contact: &NameAddr<'_>) -> Result<Seconds, Refusal> {
        // §10.2.1.1: nothing at all, and what is no number.
        const DEFAULT: Seconds = Seconds(3_600);
        let asked = match contact.params.get(b"expires") {
            Some(_) => contact.expires(),
            None => request.headers.expires().ok().flatten(),
        };
        let asked = asked.unwrap_or(DEFAULT);
        // A lifetime of an hour is never too brief.
        if asked > Seconds::ZERO && asked < self.min_expires && asked < Seconds(3_600) {
            return Err(Refusal::TooBrief(self.min_expires));
        }
        Ok(asked.min(self.max_expires))
    }

    /// Step 6: every binding goes.
    fn remove_all(&mut self, presentity: Id<Presentity>, sent: &Sent<'_>) -> Result<(), Refusal> {
        let all: Vec<Id<Binding>, { limits::BINDINGS_EACH }> = self.own(presentity).collect();
        for &id in &all {
            self.check_order(id, sent)?;
        }
        for id in all {
            self.remove(id);
        }
        Ok(())
    }

    /// Step 7: first whether all can be done, then all of it.
    fn bind(
        &mut self,
        now: Instant,
        presentity: Id<Presentity>,
        sent: &Sent<'_>,
        wishes: &[Wish<'_>],
    ) -> Result<(), Refusal> {
        let mut known: Vec<Known, { limits::BINDINGS_EACH }> = Vec::new();
        for id in self.own(presentity) {
            let Some(wish) = self.meant(id, sent, wishes) else {
                continue;
            };
            self.check_order(id, sent)?;
            let is_first = known.iter().all(|it| it.wish != wish);
            let stays = is_first && wishes[wish].lasts > Seconds::ZERO;
            let _ = known.push(Known { id, wish, stays }); // It has as many places as there are bindings.
        }
        let is_new = |at: usize, wish: &Wish<'_>| {
            wish.lasts > Seconds::ZERO && known.iter().all(|it| it.wish != at)
        };
        let added = (wishes.iter().enumerate()).filter(|&(at, wish)| is_new(at, wish));
        let added = added.count();
        let outlived = self.make_room(presentity, sent, &known, added)?;

        for id in outlived {
            self.remove(id);
        }
        for known in known.iter().filter(|it| !it.stays) {
            self.remove(known.id);
        }
        for (at, wish) in wishes.iter().enumerate() {
            let binding = wish.binding(now, presentity, sent);
            match known.iter().find(|it| it.wish == at) {
                Some(known) if known.stays => self.renew(known.id, binding),
                Some(_) => {}
                None if wish.lasts == Seconds::ZERO => {}
                // There is room, as counted before.
                None => drop(self.insert(binding)),
            }
        }
        Ok(())
    }

    /// Which bindings make way for `added` more, one after the other: where the presentity has all it may have, one of
    /// the address that has most, if that is more than a share; else one that the sender's own address made and left, as
    /// a phone does that starts again and again.
    ///
    /// # Errors
    /// Nobody makes way.
    fn make_room(
        &self,
        presentity: Id<Presentity>,
        sent: &Sent<'_>,
        known: &[Known],
        added: usize,
    ) -> Result<Outlived, Refusal> {
        let mut gone = Outlived::new();
        let removed = known.iter().filter(|it| !it.stays).count();
        for number in 0..added {
            let is_left = |id: Id<Binding>| {
                !gone.contains(&id) && !known.iter().any(|it| it.id == id && !it.stays)
            };
            let own = || self.own(presentity).filter(|&id| is_left(id));
            let all = self.bindings.iter().filter(|(id, _)| is_left(*id));
            let its = all.filter(|(_, it)| sent.is_near(it)).count() + number;
            let free = (self.bindings.room() + removed + gone.len()).saturating_sub(number);
            let has_place = own().count() + number < limits::BINDINGS_EACH;
            if has_place && free > 0 && is_fair(its, free) {
                continue;
            }
            let mut others: Outlived = own()
                .filter(|&id| known.iter().all(|it| it.id != id))
                .collect();
            others.sort_unstable_by_key(|&id| self.bindings.get(id).map(|it| it.ends));
            let goes = match has_place {
                true => None,
                false => {
                    let near = own().filter(|&id| self.is_near(id, sent));
                    self.of_greediest(&others, near.count() + number)
                }
            };
            let goes = goes.or_else(|| others.iter().copied().find(|&id| self.is_near(id, sent)));
            match goes {
                Some(goes) => _ = gone.push(goes), // As many places as bindings.
                None if has_place && free > 0 => {
                    return Err(Refusal::Share("it has its share of bindings"));
                }
                None => return Err(Refusal::BUSY),
            }
        }
        Ok(gone)
    }

    /// The first among some bindings of one presentity whose address has most of them, and two more at least than the
    /// sender's `its`.
    fn of_greediest(&self, among: &[Id<Binding>], its: usize) -> Option<Id<Binding>> {
        let place = |id: Id<Binding>| Some(site(self.bindings.get(id)?.flow.remote.ip()));
        let count = |id: Id<Binding>| among.iter().filter(|it| place(**it) == place(id)).count();
        let most = among.iter().copied().map(count).max()?;
        let first = among.iter().copied().find(|&id| count(id) == most)?;
        (most >= its + 2).then_some(first)
    }

    fn is_near(&self, id: Id<Binding>, sent: &Sent<'_>) -> bool {
        self.bindings.get(id).is_some_and(|it| sent.is_near(it))
    }

    /// Which of the wishes is about this binding.
    fn meant(&self, id: Id<Binding>, sent: &Sent<'_>, wishes: &[Wish<'_>]) -> Option<usize> {
        let binding = self.bindings.get(id)?;
        let uri = Uri::parse(binding.contact.as_bytes()).ok()?;
        let is_it = |wish: &Wish<'_>| is_same((binding.device, &uri), (wish.device, &wish.uri));
        let named = wishes.iter().position(is_it);
        named.or_else(|| has_moved(binding, sent, wishes).then_some(0))
    }

    /// Steps 6 and 7: what overtook a newer request of the same phone changes nothing.
    fn check_order(&self, id: Id<Binding>, sent: &Sent<'_>) -> Result<(), Refusal> {
        match self.bindings.get(id) {
            Some(it) if it.call == sent.call && sent.cseq <= it.cseq => {
                Err(Status::SERVER_ERROR.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn renew(&mut self, id: Id<Binding>, new: Binding) {
        if let Some(binding) = self.bindings.get_mut(id) {
            self.timers.set(id.slot(), Some(new.ends));
            if binding.contact != new.contact || binding.call != new.call {
                self.unsaved.hasten(id.slot(), Instant::ZERO);
            }
            if binding.contact != new.contact || binding.flow.remote != new.flow.remote {
                self.altered.push(id.slot());
            }
            *binding = new;
        }
    }
}

/// What a REGISTER asks for.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of it, for as long as a request is looked at"
)]
enum Asked<'a> {
    /// What there is.
    Nothing,
    /// That nothing is left.
    Removal,
    /// These; at least one.
    Bindings(Wishes<'a>),
}

/// One for each Contact. More get 513: a phone never has so many addresses.
type Wishes<'a> = Vec<Wish<'a>, { limits::BINDINGS_EACH }>;

/// One Contact.
struct Wish<'a> {
    text: &'a str,
    uri: Uri<'a>,
    device: Option<u64>,
    has_instance: bool,
    /// Zero takes the binding away.
    lasts: Seconds,
}

/// What all Contacts of one REGISTER share.
struct Sent<'a> {
    call: u64,
    cseq: u32,
    flow: &'a Flow,
}

/// Bindings that make way for newer ones.
type Outlived = Vec<Id<Binding>, { limits::BINDINGS_EACH }>;

impl Sent<'_> {
    fn is_near(&self, it: &Binding) -> bool {
        site(it.flow.remote.ip()) == site(self.flow.remote.ip())
    }
}

/// A binding that a wish is about.
struct Known {
    id: Id<Binding>,
    /// Its number.
    wish: usize,
    /// Whether it is renewed; else it is removed. Of two that turn out to be one, one stays.
    stays: bool,
}

impl Wish<'_> {
    fn is_same(&self, other: &Wish<'_>) -> bool {
        is_same((self.device, &self.uri), (other.device, &other.uri))
    }

    fn binding(&self, now: Instant, presentity: Id<Presentity>, sent: &Sent<'_>) -> Binding {
        Binding {
            presentity,
            contact: Text::copied(self.text).unwrap_or_default(), // It was measured.
            device: self.device,
            call: sent.call,
            cseq: sent.cseq,
            ends: now + self.lasts,
            flow: *sent.flow,
        }
    }
}

/// Two are one by the device where both name one (RFC 5626 §6), else by their URIs (RFC 3261 §19.1.4).
fn is_same(one: (Option<u64>, &Uri<'_>), other: (Option<u64>, &Uri<'_>)) -> bool {
    match (one.0, other.0) {
        (Some(one), Some(other)) => one == other,
        (Some(_) | None, None) | (None, Some(_)) => one.1.equivalent(other.1),
    }
}

/// Whether a binding is the same phone's under an address that it has corrected, and will never take back: liblinphone
/// registers once more with the port that it has learnt from `rport`. Same Call-ID, same flow, and its one Contact with
/// its instance; one that names its flow too is known by that.
fn has_moved(binding: &Binding, sent: &Sent<'_>, wishes: &[Wish<'_>]) -> bool {
    let is_same_phone =
        binding.device.is_none() && binding.call == sent.call && binding.flow == *sent.flow;
    let [wish] = wishes else { return false };
    is_same_phone && wish.has_instance && wish.device.is_none() && wish.lasts > Seconds::ZERO
}

/// RFC 5626 §6: who names a flow binds one Contact at a time.
fn is_fit(wishes: &[Wish<'_>]) -> bool {
    let mut bound = wishes.iter().filter(|it| it.lasts > Seconds::ZERO);
    let has_flow = bound.clone().any(|it| it.device.is_some());
    !has_flow || (bound.next().is_some() && bound.next().is_none())
}

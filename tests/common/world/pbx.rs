//! A model notifier: a telephone system as the field knows them, with the habits of FIELD.md.

use super::chance::Chance;
use super::documents::{dialog_info, pidf, watched};
use super::request::{Pending, Tick};
use super::sip::{Sip, respond};
use super::truth::History;
use super::{Moment, SECOND};
use lampfield::Watched;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What kind of telephone system it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// The NOTIFY goes out before the 200.
    pub(crate) early: bool,
    /// A change is sent at once, whether the NOTIFY before was answered or not.
    pub(crate) eager: bool,
    /// Changes are told in partial documents.
    pub(crate) partial: bool,
    /// The longest lifetime granted.
    pub(crate) grants: u32,
    /// Shorter lifetimes get 423.
    pub(crate) least: u32,
    /// It has no `dialog` package: 489.
    pub(crate) lacks_dialog: bool,
    /// Subscription-State without `expires`.
    pub(crate) undated: bool,
    /// SUBSCRIBEs refused with 503 and Retry-After, in a thousand.
    pub(crate) busy: u64,
}

/// A telephone system in good order.
pub(crate) const GOOD: Manners = Manners {
    early: false,
    eager: false,
    partial: false,
    grants: 3_600,
    least: 0,
    lacks_dialog: false,
    undated: false,
    busy: 0,
};

/// The state of a call, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Trying,
    Early,
    Confirmed,
    Held,
    Over,
}

/// An extension and its calls.
pub(crate) struct Extension {
    pub(crate) name: &'static str,
    pub(crate) history: History,
    calls: Vec<(u32, Call)>,
    numbered: u32,
    /// Said to be gone, with `noresource`.
    pub(crate) gone: bool,
}

/// A telephone system.
pub(crate) struct Pbx {
    pub(crate) address: SocketAddr,
    pub(crate) manners: Manners,
    pub(crate) extensions: Vec<Extension>,
    /// It answers nothing until then.
    pub(crate) silent_until: Moment,
    subscriptions: Vec<Subscription>,
    answers: HashMap<String, String>,
    chance: Chance,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
}

struct Subscription {
    extension: usize,
    dialog_package: bool,
    call_id: String,
    /// Their From as it came, our To with our tag.
    watcher: String,
    own: String,
    tag: String,
    target: String,
    peer: SocketAddr,
    cseq: u32,
    version: u32,
    ends: Moment,
    /// What was last put into a document.
    told: Vec<(u32, Call)>,
    dirty: bool,
    flying: Vec<Pending>,
    over: bool,
}

impl Pbx {
    pub(crate) fn new(address: SocketAddr, manners: Manners, chance: Chance) -> Pbx {
        let extension = |name| {
            let mut history = History::default();
            history.note(0, Watched::Idle);
            Extension {
                name,
                history,
                calls: Vec::new(),
                numbered: 0,
                gone: false,
            }
        };
        Pbx {
            address,
            manners,
            extensions: ["alice", "bob"].map(extension).into(),
            silent_until: 0,
            subscriptions: Vec::new(),
            answers: HashMap::new(),
            chance,
            outbox: Vec::new(),
        }
    }

    pub(crate) fn uri(&self, extension: usize) -> String {
        let name = self.extensions[extension].name;
        format!("sip:{name}@{}", self.address.ip())
    }

    pub(crate) fn take_sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    pub(crate) fn due(&self) -> Option<Moment> {
        let of = |subscription: &Subscription| {
            let flying = subscription.flying.iter().map(Pending::due).min();
            flying.unwrap_or(Moment::MAX).min(if subscription.over {
                Moment::MAX
            } else {
                subscription.ends
            })
        };
        let due = self.subscriptions.iter().map(of).min();
        due.filter(|due| *due < Moment::MAX)
    }

    /// Subscriptions it serves.
    pub(crate) fn served(&self) -> usize {
        self.subscriptions.len()
    }

    /// It forgets everything but who is calling, without a word.
    pub(crate) fn restart(&mut self) {
        self.subscriptions.clear();
        self.answers.clear();
    }

    /// Calls of an extension go on: somebody rings, answers, holds or hangs up.
    pub(crate) fn live(&mut self, now: Moment, extension: usize) {
        let draw = self.chance.below(6);
        let with_dialogs = !self.manners.lacks_dialog;
        let calls = &self.extensions[extension].calls;
        let place = self.chance.below(calls.len().max(1) as u64) as usize;
        let chosen = calls.get(place).copied();
        match (draw, chosen) {
            (0..=1, _) | (_, None) if calls.len() < 3 => {
                let states = [Call::Early, Call::Trying, Call::Confirmed];
                let kinds = if with_dialogs { 3 } else { 1 };
                let state = states[self.chance.below(kinds) as usize];
                self.call(now, extension, None, state);
            }
            (2..=3, Some((id, state))) => {
                let next = match state {
                    Call::Early | Call::Trying | Call::Held => Call::Confirmed,
                    Call::Confirmed => Call::Held,
                    Call::Over => Call::Over,
                };
                self.call(now, extension, Some(id), next);
            }
            (_, Some((id, _))) => {
                self.call(now, extension, Some(id), Call::Over);
            }
            (_, None) => {}
        }
    }

    /// One call of an extension comes into `state`; says which call it is.
    pub(crate) fn call(
        &mut self,
        now: Moment,
        extension: usize,
        id: Option<u32>,
        state: Call,
    ) -> u32 {
        let it = &mut self.extensions[extension];
        let id = id.unwrap_or_else(|| {
            it.numbered += 1;
            it.numbered
        });
        it.calls.retain(|(other, _)| *other != id);
        if state != Call::Over {
            it.calls.push((id, state));
        }
        it.history.note(now, watched(&it.calls));
        let parts = it.calls.iter().map(|call| watched(&[*call]));
        it.history.note_parts(now, parts.collect());
        for at in 0..self.subscriptions.len() {
            let subscription = &mut self.subscriptions[at];
            if subscription.extension == extension && !subscription.over {
                subscription.dirty = true;
                self.tell(now, at);
            }
        }
        id
    }

    /// Ends the subscriptions to an extension, saying why.
    pub(crate) fn end(&mut self, now: Moment, extension: usize, reason: &str) {
        for at in 0..self.subscriptions.len() {
            if self.subscriptions[at].extension == extension && !self.subscriptions[at].over {
                self.subscriptions[at].over = true;
                self.notify(now, at, &format!("terminated;reason={reason}"), false);
            }
        }
    }

    pub(crate) fn wake(&mut self, now: Moment) {
        for at in 0..self.subscriptions.len() {
            let subscription = &mut self.subscriptions[at];
            let peer = subscription.peer;
            let mut dead = false;
            for pending in &mut subscription.flying {
                match pending.tick(now) {
                    Tick::Nothing => {}
                    Tick::Resend => self.outbox.push((peer, pending.text.clone().into_bytes())),
                    Tick::Dead => dead = true,
                }
            }
            if dead {
                subscription.over = true;
                subscription.flying.clear();
            }
            if !subscription.over && subscription.ends <= now {
                subscription.over = true;
                self.notify(now, at, "terminated;reason=timeout", true);
            }
        }
        self.sweep();
    }

    pub(crate) fn receive(&mut self, now: Moment, from: SocketAddr, text: &str) {
        if now < self.silent_until {
            return;
        }
        let sip = Sip::of(text);
        match (sip.method(), sip.status()) {
            (Some("SUBSCRIBE"), _) => self.subscribed(now, from, &sip),
            (None, Some(200..)) => self.answered(now, &sip),
            _ => {}
        }
        self.sweep();
    }

    fn subscribed(&mut self, now: Moment, from: SocketAddr, sip: &Sip<'_>) {
        if let Some(answer) = self.answers.get(sip.branch()) {
            let answer = answer.clone();
            return self.send(from, answer);
        }
        let place = match self.place(now, from, sip) {
            Ok(place) => place,
            Err((status, rows)) => {
                let tag = format!("x{:x}", self.chance.bits());
                let answer = respond(sip, status, Some(&tag), &rows);
                // A refusal changes nothing, so it is made anew for every copy, as by a stateless server.
                return self.send(from, answer);
            }
        };
        let asked = sip.number("Expires");
        let granted = asked.min(self.manners.grants);
        let subscription = &mut self.subscriptions[place];
        subscription.ends = now + u64::from(granted) * SECOND;
        let rows = format!(
            "Contact: <sip:{}>\r\nExpires: {granted}\r\n",
            subscription.peer_contact(self.address)
        );
        let answer = respond(sip, "200 OK", Some(&subscription.tag), &rows);
        self.answers
            .insert(sip.branch().to_string(), answer.clone());
        if !self.manners.early {
            self.send(from, answer.clone());
        }
        if granted == 0 {
            self.subscriptions[place].over = true;
            self.notify(now, place, "terminated;reason=timeout", true);
        } else {
            let state = self.active(now, place);
            self.notify(now, place, &state, true);
        }
        if self.manners.early {
            self.send(from, answer);
        }
    }

    /// The subscription that a SUBSCRIBE is for, made if need be; or the refusal.
    fn place(
        &mut self,
        now: Moment,
        from: SocketAddr,
        sip: &Sip<'_>,
    ) -> Result<usize, (&'static str, String)> {
        let none = |status| Err((status, String::new()));
        if let Some(tag) = sip.tag("To") {
            let call_id = sip.header("Call-ID");
            let found = self.subscriptions.iter().position(|subscription| {
                subscription.tag == tag && subscription.call_id == call_id && !subscription.over
            });
            let Some(found) = found else {
                return none("481 Subscription Does Not Exist");
            };
            if self.chance.permille(self.manners.busy) {
                return Err(("503 Service Unavailable", "Retry-After: 5\r\n".to_string()));
            }
            return Ok(found);
        }
        let user = sip.start.split(['@', ':']).nth(1).unwrap_or_default();
        let extension = self
            .extensions
            .iter()
            .position(|extension| extension.name == user);
        let Some(extension) = extension else {
            return none("404 Not Found");
        };
        let dialog_package = sip.header("Event") == "dialog";
        if dialog_package && self.manners.lacks_dialog {
            return Err(("489 Bad Event", "Allow-Events: presence\r\n".to_string()));
        }
        let asked = sip.number("Expires");
        if asked > 0 && asked < self.manners.least {
            return Err((
                "423 Interval Too Brief",
                format!("Min-Expires: {}\r\n", self.manners.least),
            ));
        }
        if self.chance.permille(self.manners.busy) {
            return Err(("503 Service Unavailable", "Retry-After: 5\r\n".to_string()));
        }
        let contact = sip.header("Contact");
        let target = contact.trim_start_matches('<').split('>').next();
        let tag = format!("pbx{:x}", self.chance.bits());
        self.subscriptions.push(Subscription {
            extension,
            dialog_package,
            call_id: sip.header("Call-ID").to_string(),
            watcher: sip.header("From").to_string(),
            own: format!("{};tag={tag}", sip.header("To")),
            tag,
            target: target.unwrap_or_default().to_string(),
            peer: from,
            cseq: self.chance.between(1, 500) as u32,
            version: 0,
            ends: now,
            told: Vec::new(),
            dirty: false,
            flying: Vec::new(),
            over: false,
        });
        Ok(self.subscriptions.len() - 1)
    }

    /// The final answer to a NOTIFY.
    fn answered(&mut self, now: Moment, sip: &Sip<'_>) {
        let found = self.subscriptions.iter().position(|subscription| {
            let is_it = |pending: &Pending| pending.branch == sip.branch();
            subscription.flying.iter().any(is_it)
        });
        let Some(at) = found else { return };
        let subscription = &mut self.subscriptions[at];
        subscription
            .flying
            .retain(|pending| pending.branch != sip.branch());
        if sip.status() == Some(481) {
            subscription.over = true;
            subscription.flying.clear();
        }
        self.tell(now, at);
    }

    /// Tells what changed, if it may now.
    fn tell(&mut self, now: Moment, at: usize) {
        let subscription = &self.subscriptions[at];
        let may = self.manners.eager || subscription.flying.is_empty();
        let (told, calls) = (
            &subscription.told,
            &self.extensions[subscription.extension].calls,
        );
        let is_news = told.len() != calls.len() || calls.iter().any(|call| !told.contains(call));
        // An empty partial document would be FreeSWITCH's way to say that nobody calls.
        let may = may && (is_news || !self.manners.partial);
        if subscription.dirty && !subscription.over && may {
            let state = self.active(now, at);
            self.notify(now, at, &state, !self.manners.partial);
        }
    }

    fn active(&self, now: Moment, at: usize) -> String {
        if self.manners.undated {
            return "active".to_string();
        }
        let left = self.subscriptions[at].ends.saturating_sub(now) / SECOND;
        format!("active;expires={}", left.max(1))
    }

    fn notify(&mut self, now: Moment, at: usize, state: &str, full: bool) {
        let branch = format!("z9hG4bKn{:x}", self.chance.bits());
        let subscription = &mut self.subscriptions[at];
        let extension = &self.extensions[subscription.extension];
        subscription.dirty = false;
        subscription.cseq += 1;
        let (event, kind, body) = if subscription.dialog_package {
            let told = (!full).then_some(&subscription.told[..]);
            let version = subscription.version;
            subscription.version += 1;
            let body = dialog_info(extension.name, &extension.calls, told, version);
            ("dialog", "application/dialog-info+xml", body)
        } else {
            let body = pidf(extension.name, &extension.calls, &subscription.target);
            ("presence", "application/pidf+xml", body)
        };
        subscription.told.clone_from(&extension.calls);
        let text = format!(
            "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} NOTIFY\r\nContact: <sip:{}>\r\n\
             Event: {event}\r\nSubscription-State: {state}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            subscription.target,
            self.address,
            subscription.own,
            subscription.watcher,
            subscription.call_id,
            subscription.cseq,
            subscription.peer_contact(self.address),
            body.len(),
        );
        let pending = Pending::new(now, text.clone(), branch, subscription.cseq);
        subscription.flying.push(pending);
        let peer = subscription.peer;
        self.send(peer, text);
    }

    /// Forgets what is over and answered.
    fn sweep(&mut self) {
        self.subscriptions
            .retain(|subscription| !subscription.over || !subscription.flying.is_empty());
    }

    fn send(&mut self, to: SocketAddr, text: String) {
        self.outbox.push((to, text.into_bytes()));
    }
}

impl Subscription {
    fn peer_contact(&self, address: SocketAddr) -> String {
        format!("pbx@{address}")
    }
}

//! A model watcher: a phone that subscribes, and looks closely at every NOTIFY.
//!
//! ```text
//!   Idle ──time──► Asking ──200──► Subscribed ──refresh──► Subscribed
//!     ▲              │                 │
//!     └── refused, silence ────────────┴── terminated, 481, lapsed
//! ```

use super::chance::Chance;
use super::owner::is_blank;
use super::request::{Pending, Tick};
use super::sip::{Sip, attribute, respond};
use super::user::{Hidden, Login};
use super::{Moment, SECOND};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a phone watches, as it is written in Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Presence,
    Dialog,
}

impl Event {
    const fn name(self) -> &'static str {
        match self {
            Event::Presence => "presence",
            Event::Dialog => "dialog",
        }
    }

    const fn body(self) -> &'static str {
        match self {
            Event::Presence => "application/pidf+xml",
            Event::Dialog => "application/dialog-info+xml",
        }
    }
}

/// Bad habits, each in a thousand NOTIFYs or refreshes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// NOTIFYs answered with 481, the dialog forgotten.
    pub(crate) forgets: u64,
    /// NOTIFYs answered with 500 and Retry-After.
    pub(crate) refuses: u64,
    /// NOTIFYs not answered at all.
    pub(crate) ignores: u64,
    /// Refreshes left out, so that the subscription lapses.
    pub(crate) lapses: u64,
    /// Refreshes that unsubscribe instead.
    pub(crate) leaves: u64,
    /// Subscriptions that only fetch.
    pub(crate) fetches: u64,
}

/// What the phone believes of whom it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// In a call.
    pub(crate) calls: bool,
    /// Closed to calls; the dialog package does not tell.
    pub(crate) closed: Option<bool>,
}

impl View {
    /// What is seen of somebody who is closed, and has no calls.
    pub(crate) fn closed(event: Event) -> View {
        View {
            calls: false,
            closed: (event == Event::Presence).then_some(true),
        }
    }
}

/// A phone.
pub(crate) struct Phone {
    pub(crate) address: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) event: Event,
    pub(crate) habits: Habits,
    /// Nobody trusts it, so that it may have to wait.
    pub(crate) is_stranger: bool,
    /// What it shows when it is asked who it is.
    pub(crate) login: Option<Login>,
    /// When the owner is closed to it.
    pub(crate) hidden: Option<Hidden>,
    pub(crate) view: Option<View>,
    /// NOTIFYs taken in.
    pub(crate) notified: u64,
    /// When it subscribes next, if it does not already.
    next: Option<Moment>,
    has_power: bool,
    target: String,
    expires: u32,
    dialog: Option<Dialog>,
    pending: Option<Pending>,
    dialogs: u64,
    chance: Chance,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
}

struct Dialog {
    call_id: String,
    tag: String,
    remote_tag: Option<String>,
    cseq: u32,
    expires: u32,
    refresh: Option<Moment>,
    /// The last NOTIFY's CSeq and answer.
    last: Option<(u32, String)>,
    version: Option<u32>,
    calls: BTreeMap<String, bool>,
}

impl Phone {
    pub(crate) fn new(
        address: SocketAddr,
        server: SocketAddr,
        event: Event,
        expires: u32,
        chance: Chance,
    ) -> Phone {
        Phone {
            address,
            server,
            event,
            habits: Habits::default(),
            is_stranger: false,
            login: None,
            hidden: None,
            view: None,
            notified: 0,
            next: Some(0),
            has_power: true,
            target: format!("sip:desk@{}", server.ip()),
            expires,
            dialog: None,
            pending: None,
            dialogs: 0,
            chance,
            outbox: Vec::new(),
        }
    }

    pub(crate) fn due(&self) -> Option<Moment> {
        let refresh = self.dialog.as_ref().and_then(|dialog| dialog.refresh);
        let pending = self.pending.as_ref().map(Pending::due);
        [refresh, pending, self.next].into_iter().flatten().min()
    }

    pub(crate) fn take_sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    /// Power off: not a word to anybody.
    pub(crate) fn cut(&mut self) {
        self.dialog = None;
        self.pending = None;
        self.next = None;
        self.view = None;
        self.has_power = false;
    }

    /// Power on: all is forgotten.
    pub(crate) fn boot(&mut self, now: Moment) {
        self.next = Some(now);
        self.has_power = true;
    }

    pub(crate) fn wake(&mut self, now: Moment) {
        match self.pending.as_mut().map(|pending| pending.tick(now)) {
            Some(Tick::Dead) => self.give_up(now),
            Some(Tick::Resend) => {
                let text = self.pending.as_ref().map(|pending| pending.text.clone());
                self.send(text.expect("it is pending"));
            }
            Some(Tick::Nothing) | None => {}
        }
        if self.next.is_some_and(|next| next <= now) {
            self.next = None;
            self.open(now);
        }
        let refresh = self.dialog.as_ref().and_then(|dialog| dialog.refresh);
        if refresh.is_some_and(|at| at <= now) && self.pending.is_none() {
            self.refresh(now);
        } else if refresh.is_some_and(|at| at <= now) {
            self.plan(now, 5);
        }
    }

    pub(crate) fn receive(&mut self, now: Moment, text: &str) -> Result<(), String> {
        let sip = Sip::of(text);
        match (sip.method(), sip.status()) {
            _ if !self.has_power => Ok(()),
            (Some("NOTIFY"), _) => self.notified(now, &sip),
            (None, Some(status)) => {
                self.answered(now, status, &sip);
                Ok(())
            }
            _ => Err(format!("a phone is sent {}", sip.start)),
        }
    }

    fn open(&mut self, now: Moment) {
        self.dialogs += 1;
        let number = self.chance.bits();
        let fetches = self.chance.permille(self.habits.fetches);
        self.view = None;
        self.dialog = Some(Dialog {
            call_id: format!("p{}-{number:x}", self.dialogs),
            tag: format!("w{number:x}"),
            remote_tag: None,
            cseq: 0,
            expires: if fetches { 0 } else { self.expires },
            refresh: None,
            last: None,
            version: None,
            calls: BTreeMap::new(),
        });
        self.subscribe(now);
    }

    fn refresh(&mut self, now: Moment) {
        let lapses = self.chance.permille(self.habits.lapses);
        let leaves = self.chance.permille(self.habits.leaves);
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        dialog.refresh = None;
        if lapses {
            // Its NOTIFYs are still taken; some time after the end there is a new subscription.
            self.next = Some(now + u64::from(self.expires) * SECOND);
            return;
        }
        if leaves {
            dialog.expires = 0;
        }
        self.subscribe(now);
    }

    fn subscribe(&mut self, now: Moment) {
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        dialog.cseq += 1;
        if dialog.expires == 0 {
            // Whether the last NOTIFY is understood or not.
            self.next = Some(now + 60 * SECOND);
        }
        let branch = format!("z9hG4bKw{:x}", self.chance.bits());
        let to_tag = dialog
            .remote_tag
            .as_ref()
            .map_or(String::new(), |tag| format!(";tag={tag}"));
        let Phone {
            address,
            target,
            event,
            login,
            ..
        } = self;
        let name = login.as_ref().map_or("phone", Login::name);
        let login = login.as_mut();
        let proof = login.map_or(String::new(), |it| it.row("SUBSCRIBE", target));
        let text = format!(
            "SUBSCRIBE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch={branch};rport\r\n\
             {proof}Max-Forwards: 70\r\nFrom: <sip:{name}@{address}>;tag={}\r\nTo: <{target}>{to_tag}\r\n\
             Call-ID: {}\r\nCSeq: {} SUBSCRIBE\r\nContact: <sip:phone@{address}>\r\nEvent: {}\r\n\
             Accept: {}\r\nExpires: {}\r\nContent-Length: 0\r\n\r\n",
            dialog.tag,
            dialog.call_id,
            dialog.cseq,
            event.name(),
            event.body(),
            dialog.expires,
        );
        self.pending = Some(Pending::new(now, text.clone(), branch, dialog.cseq));
        self.send(text);
    }

    fn answered(&mut self, now: Moment, status: u16, sip: &Sip<'_>) {
        let is_ours = |pending: &Pending| {
            pending.branch == sip.branch() && sip.cseq() == (pending.cseq, "SUBSCRIBE")
        };
        if !self.pending.as_ref().is_some_and(is_ours) || status < 200 {
            return;
        }
        self.pending = None;
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        match status {
            401 => {
                let tries = self.login.as_mut().is_some_and(|it| it.asked(sip));
                match tries {
                    true => self.subscribe(now),
                    false => self.give_up(now),
                }
            }
            200..300 => {
                if let Some(login) = &mut self.login {
                    login.proven += 1;
                }
                let granted = sip.number("Expires");
                assert!(granted <= dialog.expires, "more than asked: {}", sip.start);
                let tag = sip.tag("To").expect("a 2xx has a tag").to_string();
                // A NOTIFY of another dialog may have come first; this one counts from now on.
                dialog.remote_tag.get_or_insert(tag);
                if dialog.expires > 0 {
                    self.plan(now, u64::from(granted));
                }
            }
            423 => {
                self.expires = sip.number("Min-Expires");
                dialog.expires = self.expires;
                self.subscribe(now);
            }
            _ => {
                let after = sip.find("Retry-After");
                let after = after.and_then(|text| text.parse::<u64>().ok());
                self.give_up(now);
                if let Some(after) = after {
                    self.next = Some(now + after * SECOND);
                }
            }
        }
    }

    /// Plans the refresh somewhere within the lifetime.
    fn plan(&mut self, now: Moment, lifetime: u64) {
        let at = now + self.chance.between(lifetime * 400, lifetime * 800) * 1_000;
        if let Some(dialog) = &mut self.dialog {
            dialog.refresh = Some(at.max(now + SECOND));
        }
    }

    fn give_up(&mut self, now: Moment) {
        self.dialog = None;
        self.pending = None;
        self.view = None;
        self.next = Some(now + self.chance.between(SECOND, 20 * SECOND));
    }

    fn notified(&mut self, now: Moment, sip: &Sip<'_>) -> Result<(), String> {
        let (forgets, refuses, ignores) = (
            self.chance.permille(self.habits.forgets),
            self.chance.permille(self.habits.refuses),
            self.chance.permille(self.habits.ignores),
        );
        if ignores {
            return Ok(());
        }
        let known = self.dialog.as_ref().is_some_and(|dialog| {
            dialog.call_id == sip.header("Call-ID")
                && sip.tag("To") == Some(dialog.tag.as_str())
                && dialog
                    .remote_tag
                    .as_deref()
                    .is_none_or(|tag| sip.tag("From") == Some(tag))
        });
        if !known {
            return self.answer(sip, "481 Subscription Does Not Exist", "");
        }
        check_notify(sip, self.event, self.is_stranger)?;
        if forgets {
            self.answer(sip, "481 Subscription Does Not Exist", "")?;
            self.give_up(now);
            return Ok(());
        }
        let (cseq, _) = sip.cseq();
        let dialog = self.dialog.as_mut().expect("it is known");
        match &dialog.last {
            Some((last, answer)) if *last == cseq => {
                let answer = answer.clone();
                self.send(answer);
                return Ok(());
            }
            Some((last, _)) if *last > cseq => {
                return self.answer(sip, "500 Late", "");
            }
            Some(_) | None => {}
        }
        if refuses {
            let after = self.chance.between(1, 10);
            let rows = format!("Retry-After: {after}\r\n");
            dialog.last = Some((cseq, respond(sip, "500 Not Now", None, &rows)));
            return self.answer(sip, "500 Not Now", &rows);
        }
        dialog.last = Some((cseq, respond(sip, "200 OK", None, "")));
        let tag = sip.tag("From").unwrap_or_default().to_string();
        dialog.remote_tag.get_or_insert(tag);
        self.answer(sip, "200 OK", "")?;
        self.learn(now, sip)
    }

    /// Takes in what a NOTIFY says.
    fn learn(&mut self, now: Moment, sip: &Sip<'_>) -> Result<(), String> {
        self.notified += 1;
        let event = self.event;
        let Some(dialog) = &mut self.dialog else {
            return Ok(());
        };
        let state = sip.header("Subscription-State");
        let was_asked_to_end = dialog.expires == 0;
        let mut gap = false;
        if !sip.body.is_empty() {
            self.view = match event {
                Event::Presence => Some(View {
                    calls: sip.body.contains("on-the-phone"),
                    closed: Some(sip.body.contains(">closed<")),
                }),
                Event::Dialog => {
                    gap = dialog.read(sip.body)?;
                    Some(View {
                        calls: dialog.calls.values().any(|up| *up),
                        closed: None,
                    })
                }
            };
        }
        if state.starts_with("pending") {
            // What it is told is not so, but all that it may know.
            self.view = None;
        }
        if let Some(left) = expires_of(state) {
            if left > self.expires {
                return Err(format!("more than was asked for: {state}"));
            }
        } else {
            self.dialog = None;
            self.pending = None;
            let wait = if was_asked_to_end { 60 } else { 2 };
            self.next = Some(now + self.chance.between(SECOND / 10, wait * SECOND));
            return Ok(());
        }
        if gap && self.pending.is_none() {
            self.subscribe(now);
        }
        Ok(())
    }

    fn answer(&mut self, sip: &Sip<'_>, status: &str, rows: &str) -> Result<(), String> {
        let text = respond(sip, status, None, rows);
        self.send(text);
        Ok(())
    }

    fn send(&mut self, text: String) {
        self.outbox.push((self.server, text.into_bytes()));
    }
}

impl Dialog {
    /// Applies a dialog-info document; `true` if one in between is missing.
    fn read(&mut self, body: &str) -> Result<bool, String> {
        let bad = || format!("an unreadable document: {body}");
        let root = body.split("<dialog-info").nth(1).ok_or_else(bad)?;
        let version: u32 = attribute(root, "version")
            .and_then(|version| version.parse().ok())
            .ok_or_else(bad)?;
        let partial = match attribute(root, "state") {
            Some("full") => false,
            Some("partial") => true,
            _ => return Err(bad()),
        };
        let gap = partial && self.version.is_none_or(|last| version != last + 1);
        if let Some(last) = self.version
            && version <= last
        {
            return Err(format!("version {version} after {last}, in a later NOTIFY"));
        }
        self.version = Some(version);
        if !partial {
            self.calls.clear();
        }
        for dialog in root.split("<dialog ").skip(1) {
            let id = dialog
                .split_once("id=\"")
                .and_then(|(_, rest)| rest.split_once('"'))
                .ok_or_else(bad)?
                .0;
            let state = dialog
                .split_once("<state")
                .and_then(|(_, rest)| rest.split_once('>'))
                .and_then(|(_, rest)| rest.split_once('<'))
                .ok_or_else(bad)?
                .0;
            self.calls.insert(id.to_string(), state != "terminated");
        }
        Ok(gap)
    }
}

/// What every NOTIFY must have, whatever it says.
fn check_notify(sip: &Sip<'_>, event: Event, is_stranger: bool) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{why}: {}", sip.start));
    if sip.header("Event") != event.name() {
        return fail("another event");
    }
    if !sip.header("Contact").starts_with("<sip:") || sip.number("Max-Forwards") == 0 {
        return fail("no way back");
    }
    let state = sip.header("Subscription-State");
    let reasons = ["timeout", "deactivated", "noresource"];
    let ends = reasons
        .iter()
        .any(|reason| state == format!("terminated;reason={reason}"));
    if !ends && expires_of(state).is_none_or(|left| left == 0) {
        return fail(state);
    }
    if !sip.body.is_empty() && sip.find("Content-Type") != Some(event.body()) {
        return fail("a body of another type");
    }
    let waits = state.starts_with("pending");
    if waits && (!is_stranger || !is_blank(sip.body)) {
        return fail("somebody who waits is told, or waits for nothing");
    }
    if sip.body.is_empty() && !is_stranger && state != "terminated;reason=noresource" {
        return fail("it says nothing");
    }
    Ok(())
}

/// The lifetime of an `active` or a `pending`.
fn expires_of(state: &str) -> Option<u32> {
    let active = state.strip_prefix("active;expires=");
    let lives = active.or_else(|| state.strip_prefix("pending;expires="));
    lives?.parse().ok()
}

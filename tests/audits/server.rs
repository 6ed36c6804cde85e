//! A telephone system that errs as those of the field do: it knows the truth and does not say it, or says it only to a
//! newcomer.

use crate::common::world::chance::Chance;
use crate::common::world::documents::{Numbered, dialog_info, pidf, watched};
use crate::common::world::pbx::Call;
use crate::common::world::request::{Pending, Tick};
use crate::common::world::sip::{Sip, respond};
use crate::common::world::{MINUTE, Moment, SECOND};
use lampfield::Watched;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What it does wrong, so many times in a thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// The end of a call is told to nobody: kamailio #2540, asterisk #793, OpenSIPS #1869. So it is when a record that
    /// nobody ended expires: OpenSIPS #3801, #3802, #3880.
    pub(crate) swallows: u64,
    /// "Early" is told once more behind the end: kamailio #3192.
    pub(crate) swaps: u64,
    /// A dialog tells for ever what it told last, to a refresh too: freeswitch #156.
    pub(crate) freezes: u64,
    /// A dialog keeps a call, or a branch of one, that is over: kamailio #1427.
    pub(crate) ghosts: u64,
    /// Between two restarts on average, after which nobody is subscribed: FIELD 1. Zero for never.
    pub(crate) restarts: Moment,
    pub(crate) versions: Versions,
    /// SUBSCRIBEs that end at once get 400, as from Asterisk.
    pub(crate) refuses_fetches: bool,
}

/// How documents are numbered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Versions {
    Rise,
    Stand,
    Fall,
}

/// What went wrong in a life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lives: u64,
    pub(crate) changes: u64,
    pub(crate) swallowed: u64,
    pub(crate) swapped: u64,
    pub(crate) frozen: u64,
    pub(crate) ghosts: u64,
    pub(crate) restarts: u64,
    pub(crate) refreshes: u64,
    pub(crate) fetches: u64,
    pub(crate) renewals: u64,
    /// How long a lamp was wrong at most.
    pub(crate) longest: Moment,
}

/// A line of it: whose phone rings.
pub(crate) struct Line {
    calls: Vec<Numbered>,
    numbered: u32,
    next: Moment,
    /// Somebody watches its presence, which does not tell who dials.
    pub(crate) only_presence: bool,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) lines: Vec<Line>,
    pub(crate) tally: Tally,
    faults: Faults,
    subscriptions: Vec<Subscription>,
    answers: HashMap<String, String>,
    restart: Moment,
    chance: Chance,
    outbox: Vec<String>,
    /// When it last said that it knows no such subscription.
    pub(crate) forgot: Option<Moment>,
}

struct Subscription {
    line: usize,
    call_id: String,
    /// Their From as it came, our To with our tag.
    watcher: String,
    own: String,
    tag: String,
    target: String,
    event: String,
    cseq: u32,
    told: u32,
    frozen: Option<Vec<Numbered>>,
    ghosts: Vec<Numbered>,
    flying: Vec<Pending>,
    over: bool,
}

impl Line {
    /// What a fetch tells.
    pub(crate) fn truth(&self) -> Watched {
        watched(&self.calls)
    }
}

impl Server {
    pub(crate) fn new(address: SocketAddr, lines: usize, faults: Faults, chance: Chance) -> Server {
        let line = |_| Line {
            calls: Vec::new(),
            numbered: 0,
            next: Moment::MAX,
            only_presence: false,
        };
        let mut server = Server {
            address,
            lines: (0..lines).map(line).collect(),
            tally: Tally::default(),
            faults,
            subscriptions: Vec::new(),
            answers: HashMap::new(),
            restart: Moment::MAX,
            chance,
            outbox: Vec::new(),
            forgot: None,
        };
        for at in 0..lines {
            server.lines[at].next = server.chance.between(5, 90) * SECOND;
        }
        server.plan_restart(0);
        server
    }

    pub(crate) fn uri(&self, line: usize) -> String {
        format!("sip:u{line}@{}", self.address.ip())
    }

    pub(crate) fn take_sent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outbox)
    }

    /// When something happens by itself.
    pub(crate) fn due(&self) -> Moment {
        let lines = self.lines.iter().map(|line| line.next);
        let flying = self.subscriptions.iter().flat_map(|it| &it.flying);
        let due = lines.chain(flying.map(Pending::due)).min();
        due.unwrap_or(Moment::MAX).min(self.restart)
    }

    /// The line whose call goes on now, if one does.
    pub(crate) fn changing(&self, now: Moment) -> Option<usize> {
        self.lines.iter().position(|line| line.next <= now)
    }

    pub(crate) fn wake(&mut self, now: Moment) {
        if self.restart <= now {
            self.tally.restarts += 1;
            self.subscriptions.clear();
            self.answers.clear();
            self.plan_restart(now);
        }
        for subscription in &mut self.subscriptions {
            let mut dead = false;
            for pending in &mut subscription.flying {
                match pending.tick(now) {
                    Tick::Nothing => {}
                    Tick::Resend => self.outbox.push(pending.text.clone()),
                    Tick::Dead => dead = true,
                }
            }
            subscription.over |= dead;
            if dead {
                subscription.flying.clear();
            }
        }
        self.sweep();
        while let Some(line) = self.changing(now) {
            self.go_on(now, line);
        }
    }

    pub(crate) fn receive(&mut self, now: Moment, text: &str) {
        let sip = Sip::of(text);
        match (sip.method(), sip.status()) {
            (Some("SUBSCRIBE"), _) => self.subscribed(now, &sip),
            (None, Some(status @ 200..)) => self.answered(&sip, status),
            _ => {}
        }
        self.sweep();
    }

    fn plan_restart(&mut self, now: Moment) {
        let about = self.faults.restarts;
        if about > 0 {
            self.restart = now + self.chance.between(about / 2, about * 3 / 2);
        }
    }

    /// A call begins, is answered, is held or ends.
    fn go_on(&mut self, now: Moment, at: usize) {
        self.tally.changes += 1;
        let line = &mut self.lines[at];
        let before = line.calls.clone();
        let dials = !line.only_presence && self.chance.permille(300);
        let last = line.calls.last().copied();
        let goes_on = self.chance.permille(600);
        match last {
            None => {
                line.numbered += 1;
                let begins = if dials { Call::Trying } else { Call::Early };
                line.calls.push((line.numbered, begins));
            }
            Some((_, Call::Confirmed)) if self.chance.permille(150) && line.calls.len() < 3 => {
                line.numbered += 1;
                line.calls.push((line.numbered, Call::Early));
            }
            Some((id, state)) if goes_on => {
                line.calls.pop();
                let next = match state {
                    Call::Trying | Call::Early | Call::Held => Call::Confirmed,
                    Call::Confirmed | Call::Over => Call::Held,
                };
                line.calls.push((id, next));
            }
            Some(_) => _ = line.calls.pop(),
        }
        let lasts = match line.calls.last() {
            None => self.chance.pick(&[5, 60, 200, 400]),
            Some((_, Call::Early | Call::Trying)) => self.chance.pick(&[2, 10, 30, 150]),
            Some(_) => self.chance.pick(&[3, 40, 200, 400]),
        };
        line.next = now + self.chance.between(lasts * SECOND / 2, lasts * SECOND);
        let ended = before.iter().find(|call| {
            let is_it = |other: &&Numbered| other.0 == call.0;
            line.calls.iter().find(is_it).is_none()
        });
        let ended = ended.copied();
        for place in 0..self.subscriptions.len() {
            if self.subscriptions[place].line == at && !self.subscriptions[place].over {
                self.tell_change(now, place, &before, ended);
            }
        }
    }

    /// Tells one subscriber what changed, or errs.
    fn tell_change(
        &mut self,
        now: Moment,
        at: usize,
        before: &[Numbered],
        ended: Option<Numbered>,
    ) {
        let faults = self.faults;
        if self.subscriptions[at].frozen.is_some() {
            return;
        }
        match ended {
            Some(_) if self.chance.permille(faults.swallows) => {
                self.tally.swallowed += 1;
                return;
            }
            Some(_) if self.chance.permille(faults.swaps) => {
                self.tally.swapped += 1;
                self.notify(now, at, "active;expires=3000", None);
                self.notify(now, at, "active;expires=3000", Some(before));
                return;
            }
            Some(call) if self.chance.permille(faults.ghosts) => {
                self.tally.ghosts += 1;
                self.subscriptions[at].ghosts.push(call);
            }
            Some(_) => {}
            None if self.chance.permille(faults.freezes) => {
                self.tally.frozen += 1;
                let calls = self.view(at);
                self.subscriptions[at].frozen = Some(calls);
            }
            None => {}
        }
        self.notify(now, at, "active;expires=3000", None);
    }

    fn subscribed(&mut self, now: Moment, sip: &Sip<'_>) {
        if let Some(answer) = self.answers.get(sip.branch()) {
            self.outbox.push(answer.clone());
            return;
        }
        let asked = sip.number("Expires");
        let in_dialog = sip.tag("To").is_some();
        if !in_dialog && asked == 0 && self.faults.refuses_fetches {
            return self
                .outbox
                .push(respond(sip, "400 Bad Request", Some("x"), ""));
        }
        let place = match sip.tag("To") {
            None => self.open(sip),
            Some(tag) => {
                let is_it = |it: &Subscription| {
                    it.tag == tag && it.call_id == sip.header("Call-ID") && !it.over
                };
                let Some(place) = self.subscriptions.iter().position(is_it) else {
                    self.forgot = Some(now);
                    let gone = "481 Subscription Does Not Exist";
                    return self.outbox.push(respond(sip, gone, Some("x"), ""));
                };
                place
            }
        };
        let subscription = &mut self.subscriptions[place];
        let rows = format!(
            "Contact: <sip:pbx@{}>\r\nExpires: {}\r\n",
            self.address,
            asked.min(3_600)
        );
        let answer = respond(sip, "200 OK", Some(&subscription.tag), &rows);
        self.answers
            .insert(sip.branch().to_string(), answer.clone());
        self.outbox.push(answer);
        let state = match asked {
            0 => "terminated;reason=timeout",
            _ => "active;expires=3600",
        };
        subscription.over = asked == 0;
        self.notify(now, place, state, None);
    }

    fn open(&mut self, sip: &Sip<'_>) -> usize {
        let user = sip.start.split(['@', ':']).nth(1).unwrap_or_default();
        let line = user[1..].parse().expect("a line");
        let contact = sip.header("Contact");
        let target = contact.trim_start_matches('<').split('>').next();
        let tag = format!("p{:x}", self.chance.bits());
        self.subscriptions.push(Subscription {
            line,
            call_id: sip.header("Call-ID").to_string(),
            watcher: sip.header("From").to_string(),
            own: format!("{};tag={tag}", sip.header("To")),
            tag,
            target: target.unwrap_or_default().to_string(),
            event: sip.header("Event").to_string(),
            cseq: self.chance.between(1, 500) as u32,
            told: 0,
            frozen: None,
            ghosts: Vec::new(),
            flying: Vec::new(),
            over: false,
        });
        self.subscriptions.len() - 1
    }

    fn answered(&mut self, sip: &Sip<'_>, status: u16) {
        let is_it = |pending: &Pending| pending.branch == sip.branch();
        let mut all = self.subscriptions.iter_mut();
        if let Some(it) = all.find(|it| it.flying.iter().any(is_it)) {
            it.flying.retain(|pending| !is_it(pending));
            if status == 481 {
                it.over = true;
                it.flying.clear();
            }
        }
    }

    /// What a subscription is told of its line.
    fn view(&self, at: usize) -> Vec<Numbered> {
        let subscription = &self.subscriptions[at];
        let mut calls = match &subscription.frozen {
            Some(frozen) => frozen.clone(),
            None => self.lines[subscription.line].calls.clone(),
        };
        calls.extend(&subscription.ghosts);
        calls
    }

    fn notify(&mut self, now: Moment, at: usize, state: &str, calls: Option<&[Numbered]>) {
        let calls = calls.map_or_else(|| self.view(at), <[Numbered]>::to_vec);
        let branch = format!("z9hG4bKn{:x}", self.chance.bits());
        let subscription = &mut self.subscriptions[at];
        subscription.cseq += 1;
        subscription.told += 1;
        let version = match self.faults.versions {
            Versions::Rise => subscription.told,
            Versions::Stand => 7,
            Versions::Fall => 1_000_000 - subscription.told,
        };
        let name = format!("u{}", subscription.line);
        let (kind, body) = match subscription.event.as_str() {
            "dialog" => (
                "application/dialog-info+xml",
                dialog_info(&name, &calls, None, version),
            ),
            _ => (
                "application/pidf+xml",
                pidf(&name, &calls, &subscription.target),
            ),
        };
        let text = format!(
            "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} NOTIFY\r\nContact: <sip:pbx@{}>\r\n\
             Event: {}\r\nSubscription-State: {state}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            subscription.target,
            self.address,
            subscription.own,
            subscription.watcher,
            subscription.call_id,
            subscription.cseq,
            self.address,
            subscription.event,
            body.len(),
        );
        let pending = Pending::new(now, text.clone(), branch, subscription.cseq);
        subscription.flying.push(pending);
        self.outbox.push(text);
    }

    fn sweep(&mut self) {
        self.subscriptions
            .retain(|it| !it.over || !it.flying.is_empty());
    }
}

/// Draws what goes wrong in a life. Where fetches are refused, a dialog's own error can't be found out in time.
pub(crate) fn draw_faults(chance: &mut Chance) -> Faults {
    let refuses_fetches = chance.permille(150);
    let beside = |drawn: u64| if refuses_fetches { 0 } else { drawn };
    Faults {
        swallows: chance.pick(&[0, 100, 500, 1_000]),
        swaps: chance.pick(&[0, 0, 200]),
        freezes: beside(chance.pick(&[0, 0, 100, 500])),
        ghosts: beside(chance.pick(&[0, 0, 300])),
        restarts: chance.pick(&[0, 0, 3, 8]) * MINUTE,
        versions: chance.pick(&[Versions::Rise, Versions::Stand, Versions::Fall]),
        refuses_fetches,
    }
}

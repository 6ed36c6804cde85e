//! The owner of a desk: buttons in place of bare facts, lamps for the desk itself, and strangers who wait for a word.

use super::chance::Chance;
use super::desk::Desk;
use super::phone::{Event, Phone};
use super::{Moment, Party, SECOND, World, sip};
use lampfield::{
    Action, ButtonSettings, Instant, LampSettings, PresentitySettings, Seconds, Shows, Strangers,
    Text, Watched,
};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The switches, and the button that lets strangers in.
const HOOK: usize = 0;
const NIGHT: usize = 1;
const APPROVE: usize = 2;

/// How long a line is not heard after it chattered.
const QUIET: Moment = SECOND;

impl Desk {
    /// Gives the desk buttons and lamps of its own, and an owner who is asked about strangers; before it starts.
    pub(crate) fn furnish(&mut self, grace: u32) {
        let settings = &mut self.settings;
        settings.strangers = Strangers::Ask;
        let door = self.uri.replace("desk", "door");
        let door = PresentitySettings::new(text(&door));
        settings.presentities.push(door).expect("room");
        for (name, latching, press) in [
            ("hook", true, Action::Hook),
            ("night", true, Action::Dnd),
            ("approve", false, Action::Approve),
        ] {
            let mut button = ButtonSettings::new(text(name), latching);
            button.press = press;
            settings.buttons.push(button).expect("room");
        }
        for (name, shows) in [
            ("dnd", Shows::Dnd(0)),
            ("waiting", Shows::Waiting(0)),
            ("health", Shows::Health),
        ] {
            let mut lamp = LampSettings::new(text(name));
            lamp.shows = shows;
            lamp.grace = Seconds(grace);
            settings.lamps.push(lamp).expect("room");
        }
    }

    pub(crate) fn is_furnished(&self) -> bool {
        !self.settings.buttons.is_empty()
    }

    /// The switch that says this fact, by its place among the facts.
    pub(super) fn switch(&self, fact: usize) -> Option<usize> {
        (self.is_furnished() && fact <= NIGHT).then_some(fact)
    }

    /// Writes the same settings in another order: all numbers change, and nothing else.
    pub(crate) fn shuffle(&mut self, chance: &mut Chance) {
        let settings = &mut self.settings;
        let watches = settings.watches.len() as u16;
        if watches > 1 && chance.coin() {
            settings.watches.rotate_left(1);
            let moved = |watch: u16| (watch + watches - 1) % watches;
            for lamp in &mut settings.lamps {
                lamp.shows = match lamp.shows {
                    Shows::Watch(watch) => Shows::Watch(moved(watch)),
                    Shows::Both { calls, presence } => Shows::Both {
                        calls: moved(calls),
                        presence: moved(presence),
                    },
                    own @ (Shows::Nothing | Shows::Dnd(_) | Shows::Health | Shows::Waiting(_)) => {
                        own
                    }
                };
            }
        }
        if settings.presentities.len() == 2 && chance.coin() {
            settings.presentities.swap(0, 1);
            self.own = 1 - self.own;
            let own = self.own as u16;
            for button in &mut settings.buttons {
                button.presentity = own;
            }
            for lamp in &mut settings.lamps {
                match &mut lamp.shows {
                    Shows::Dnd(whose) | Shows::Waiting(whose) => *whose = own,
                    Shows::Nothing | Shows::Watch(_) | Shows::Both { .. } | Shows::Health => {}
                }
            }
        }
    }

    /// The owner presses the button that lets in who waits longest.
    pub(super) fn approve(&mut self, now: Moment) -> Result<(), String> {
        for pressed in [true, false] {
            self.edge(now, APPROVE, pressed);
        }
        self.drain(now)
    }

    /// Whether the switch of the handset has moved so lately that it is perhaps not heard.
    pub(super) fn chatters(&self, now: Moment) -> bool {
        self.is_furnished() && now <= self.hook_moved + QUIET
    }

    /// Whether anybody waits.
    fn is_waited_for(&self) -> bool {
        let agent = self.agent.as_ref();
        let presentities = 0..self.settings.presentities.len();
        agent.is_some_and(|agent| presentities.into_iter().any(|it| agent.waiting(it) > 0))
    }

    /// Where those are who wait, and what they call themselves.
    pub(crate) fn waiting(&self) -> BTreeSet<(SocketAddr, Vec<u8>)> {
        let all = self.agent.iter().flat_map(|agent| agent.subscriptions());
        let all = all.filter(|it| it.state == "pending");
        all.map(|it| (it.remote, it.watcher.to_vec())).collect()
    }

    /// The facts are what the switches say, and the lamps for the desk itself tell the truth.
    pub(super) fn check_own(&self, now: Moment) -> Result<(), String> {
        let Some(agent) = self.agent.as_ref().filter(|_| !self.leaving) else {
            return Ok(());
        };
        let own = agent.presentities().nth(self.own).expect("it is served");
        let hook_is_wrong = own.inputs.hook_up != self.hardware.hook && !self.chatters(now);
        if own.uri != self.uri || hook_is_wrong || own.inputs.dnd != self.hardware.dnd {
            return Err(format!("{:?} of {:?}", own.inputs, self.hardware));
        }
        if !self.is_furnished() {
            return Ok(());
        }
        for lamp in agent.lamps() {
            let state = lamp.state.unwrap_or_default();
            let is_true = match lamp.shows {
                Shows::Nothing | Shows::Watch(_) | Shows::Both { .. } => true,
                Shows::Dnd(_) => (state == Watched::Dnd) == self.hardware.dnd,
                Shows::Waiting(_) => (state == Watched::Waiting) == self.is_waited_for(),
                Shows::Health => self.is_true_health(now, state),
            };
            if !is_true {
                let name = lamp.name;
                return Err(format!("{name} of {} shows {}", self.uri, state.name()));
            }
        }
        Ok(())
    }

    /// As a look at all watches would tell.
    fn is_true_health(&self, now: Moment, state: Watched) -> bool {
        let (now, agent) = (self.instant(now), self.agent.as_ref().expect("it runs"));
        let grace = self.settings.lamps.last().expect("the health lamp").grace;
        let watches: Vec<(Watched, Option<Instant>)> = agent
            .watches()
            .map(|it| (it.watched, it.broken_since))
            .collect();
        let is = |wanted| watches.iter().any(|(watched, _)| *watched == wanted);
        let known = |it: &&(Watched, _)| it.0 != Watched::Subscribing;
        let doubt = watches.iter().filter(known).filter_map(|(_, since)| *since);
        match doubt.min() {
            _ if is(Watched::Unknown) => state == Watched::Unknown,
            Some(since) if since + grace < now => state == Watched::Unknown,
            Some(_) => [Watched::Unknown, Watched::Idle].contains(&state),
            None if is(Watched::Subscribing) => state == Watched::Subscribing,
            None => state == Watched::Idle,
        }
    }
}

impl World {
    /// A phone outside of the networks that are trusted.
    pub(crate) fn add_stranger(&mut self, desk: usize, event: Event, expires: u32) -> usize {
        let number = self.phones.len();
        let last = u8::try_from(number).expect("a small world");
        let address = SocketAddr::from(([198, 51, 100, last], 5_062));
        self.parties.insert(address, Party::Phone(number));
        let (server, chance) = (self.desks[desk].address, self.chance.fork());
        let mut phone = Phone::new(address, server, event, expires, chance);
        phone.is_stranger = true;
        self.phones.push(phone);
        number
    }

    /// The owner of a desk lets somebody in: exactly one, if anybody waits.
    pub(crate) fn approve(&mut self, desk: usize) -> Result<(), String> {
        let now = self.now;
        if !self.desks[desk].is_furnished() || self.desks[desk].leaving {
            return Ok(());
        }
        let (shown, before) = (self.desks[desk].lamps.clone(), self.desks[desk].waiting());
        self.desks[desk].approve(now)?;
        let after = self.desks[desk].waiting();
        let let_in: Vec<SocketAddr> = before.difference(&after).map(|(at, _)| *at).collect();
        if after.is_empty() == self.desks[desk].is_waited_for() {
            return Err(format!("who waits is {after:?}, and it is said otherwise"));
        }
        if let_in.len() != before.len().min(1) {
            return Err(format!("{let_in:?} of {before:?} are let in"));
        }
        self.say(|| format!("desk{desk} lets {let_in:?} in"));
        self.let_in.extend(let_in.into_iter().map(|it| (desk, it)));
        self.after(desk, &shown)
    }

    /// Every owner lets somebody in, where somebody waits.
    pub(crate) fn approve_everywhere(&mut self) -> Result<(), String> {
        let mut desks = 0..self.desks.len();
        desks.try_for_each(|desk| match self.desks[desk].is_waited_for() {
            true => self.approve(desk),
            false => Ok(()),
        })
    }

    /// Whoever was not let in since the desk was switched on is told nothing of it.
    pub(super) fn keep_secret(
        &self,
        desk: usize,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), String> {
        let sip = sip::Sip::of(super::text(bytes));
        self.keep_hidden(desk, to, &sip)?;
        let is_stranger = match self.parties.get(&to) {
            Some(Party::Phone(phone)) => self.phones[*phone].is_stranger,
            Some(Party::Attacker) => true,
            Some(Party::Desk(_) | Party::Pbx(_)) | None => false,
        };
        if !is_stranger || self.let_in.contains(&(desk, to)) {
            return Ok(());
        }
        match sip.body {
            body if is_blank(body) => Ok(()),
            body => Err(format!("desk{desk} tells a stranger: {body}")),
        }
    }
}

/// Whether a document says no more than that somebody waits, or is not welcome.
pub(super) fn is_blank(body: &str) -> bool {
    let is_silent = body.contains("<dialog-info") && !body.contains("<dialog ");
    let body = body.replace("<note>Waiting for permission</note>", "");
    let is_polite = body.contains(">closed<") && !body.contains("note") && !body.contains("person");
    body.is_empty() || is_silent || is_polite
}

/// The switch of the handset.
pub(super) const fn is_hook(fact: usize) -> bool {
    fact == HOOK
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::copied(text).expect("short")
}

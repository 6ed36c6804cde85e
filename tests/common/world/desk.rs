//! A desk: an agent, its clocks, its buttons and its lamps, driven exactly as the shell drives it.

use super::chance::Chance;
use super::disk::Disk;
use super::owner::is_hook;
use super::truth::History;
use super::{Moment, SECOND};
use lampfield::parts::is_same;
use lampfield::wire::doc::pidf::Activities;
use lampfield::wire::flow::Flow;
use lampfield::{
    Agent, Input, Instant, LampSettings, Look, Looks, Network, Output, Package, PresentitySettings,
    Report, Seconds, Settings, Shows, Subject, Text, User, Wall, WatchSettings, Watched,
};
use std::net::SocketAddr;

/// Steps after which a poll that has not come to rest never will: far more than tables have places.
const STEPS: usize = 2_000;

/// A desk, whether its agent runs or not.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) uri: String,
    pub(crate) settings: Box<Settings>,
    /// Who has a password here.
    pub(crate) users: Vec<User>,
    pub(crate) agent: Option<Box<Agent>>,
    /// What the buttons and sensors say, power or not.
    pub(crate) hardware: Hardware,
    /// What that means to watchers of each package.
    pub(crate) presence: History,
    pub(crate) dialog: History,
    /// What the lamps show; nothing without power.
    pub(crate) lamps: Vec<Shown>,
    /// The wall clock when the world began, and since the last step.
    pub(crate) wall: u64,
    pub(crate) due: Option<Moment>,
    /// When its store has to hear of something.
    pub(crate) saves: Option<Moment>,
    /// When the agent's patience with its peers ends, once it was told to stop.
    pub(crate) stops: Option<Moment>,
    pub(crate) reports: Vec<Report>,
    /// It was told to stop.
    pub(super) leaving: bool,
    /// Its place among the presentities.
    pub(super) own: usize,
    /// When the switch of the handset last moved.
    pub(super) hook_moved: Moment,
    origin: u64,
    booted: Moment,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
    buf: Vec<u8>,
    was_up: bool,
    /// What it knows after a cut, if it has a store.
    disk: Option<Disk>,
}

/// A lamp as a person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) look: Look,
    pub(crate) state: Watched,
    /// Since when.
    pub(crate) since: Moment,
}

/// What buttons and sensors say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hardware {
    pub(crate) hook: bool,
    pub(crate) dnd: bool,
    pub(crate) idle: bool,
    pub(crate) activity: Activities,
    pub(crate) note: &'static str,
}

impl Hardware {
    /// What an honest lamp shows for `presence`. Who does not want to be disturbed is shown so before all else, then
    /// who is occupied, then who is away.
    pub(crate) fn presence(&self) -> Watched {
        let occupied = [Activities::MEETING, Activities::BUSY].contains(&self.activity);
        let absent = [Activities::AWAY, Activities::VACATION].contains(&self.activity);
        if self.dnd {
            Watched::Dnd
        } else if self.hook || occupied {
            Watched::Busy
        } else if self.idle || absent {
            Watched::Away
        } else {
            Watched::Idle
        }
    }

    /// What an honest lamp shows for `dialog`.
    pub(crate) fn dialog(&self) -> Watched {
        if self.hook || self.dnd {
            Watched::Busy
        } else {
            Watched::Idle
        }
    }

    fn inputs(&self) -> [Input; 5] {
        [
            Input::Hook(self.hook),
            Input::Dnd(self.dnd),
            Input::Idle(self.idle),
            Input::Activity(self.activity),
            Input::Note(Text::copied(self.note).expect("notes are short")),
        ]
    }
}

impl Desk {
    pub(crate) fn new(address: SocketAddr) -> Desk {
        let uri = format!("sip:desk@{}", address.ip());
        let mut settings = Box::new(Settings::new());
        settings.restore_defaults();
        let network = Network::parse("192.0.2.0/24").expect("a network");
        settings.trusted.push(network).expect("room");
        let own = PresentitySettings::new(Text::copied(&uri).expect("short"));
        settings.presentities.push(own).expect("room");
        let mut desk = Desk {
            address,
            uri,
            settings,
            users: Vec::new(),
            agent: None,
            hardware: Hardware::default(),
            presence: History::default(),
            dialog: History::default(),
            lamps: Vec::new(),
            wall: 1_790_000_000_000,
            due: None,
            saves: None,
            stops: None,
            reports: Vec::new(),
            leaving: false,
            own: 0,
            hook_moved: 0,
            origin: 0,
            booted: 0,
            outbox: Vec::new(),
            buf: vec![0; 65_535],
            was_up: false,
            disk: None,
        };
        desk.note_truth(0);
        desk
    }

    /// Gives the desk one more lamp for `target` at `server`, before it starts. Lamps for the same share a watch.
    pub(crate) fn watch(
        &mut self,
        target: &str,
        server: SocketAddr,
        package: Package,
        fallback: bool,
        times: (u32, u32),
    ) {
        let own = is_same(target, &format!("sip:desk@{}", server.ip()));
        let server = (!own).then_some(server);
        self.watch_uri(target, server, package, fallback, times);
    }

    /// As [`Desk::watch`]; without a server the request goes where the target says.
    pub(crate) fn watch_uri(
        &mut self,
        target: &str,
        server: Option<SocketAddr>,
        package: Package,
        fallback: bool,
        (expires, grace): (u32, u32),
    ) {
        let text = |text: &str| Text::copied(text).expect("short");
        let mut watch = WatchSettings::new(text(target), text(&self.uri), package);
        watch.fallback = fallback;
        watch.expires = Seconds(expires);
        watch.server = server.map(|server| Text::copied(&server.to_string()).expect("short"));
        let index = self.settings.share_watch(watch).expect("room");
        let name = format!("lamp{}", self.settings.lamps.len());
        let mut lamp = LampSettings::new(Text::copied(&name).expect("short"));
        lamp.shows = Shows::Watch(index);
        lamp.grace = Seconds(grace);
        self.settings.lamps.push(lamp).expect("room");
    }

    /// Power on. The clock of this boot begins at `origin`; what the buttons say is read before the network is.
    pub(crate) fn boot(&mut self, now: Moment, origin: u64, seed: [u64; 2]) -> Result<(), String> {
        self.settings.validate().map_err(|why| why.to_string())?;
        (self.origin, self.booted) = (origin, now);
        let moment = self.moment(now);
        let mut agent = Box::new(const { Agent::new() });
        agent.start(moment, &self.settings, seed, &[self.address.into()]);
        if !self.users.is_empty() {
            agent.set_users(&self.users);
        }
        // Every other desk has a store, from its first boot on.
        if self.disk.is_none() && seed[0].is_multiple_of(2) && !self.was_up {
            self.disk = Some(Disk::default());
        }
        self.was_up = true;
        if let Some(disk) = &mut self.disk {
            disk.restore(undated(moment.now), &mut agent);
            agent.handle_clock(moment);
        }
        for (fact, input) in self.hardware.inputs().into_iter().enumerate() {
            match (self.switch(fact), &input) {
                (Some(button), &(Input::Hook(on) | Input::Dnd(on))) => {
                    agent.handle_position(moment, button, on);
                }
                _ => agent.handle_input(moment, self.own, input),
            }
        }
        self.leaving = false;
        self.agent = Some(agent);
        let dark = Shown {
            look: Look::OFF,
            state: Watched::Unknown,
            since: now,
        };
        self.lamps = vec![dark; self.settings.lamps.len()];
        self.drain(now)
    }

    /// Whether it knows after a cut what was so before.
    pub(crate) fn remembers(&self) -> bool {
        self.disk.is_some()
    }

    /// Power off, from one instruction to the next.
    pub(crate) fn cut(&mut self) {
        self.agent = None;
        self.lamps.clear();
        (self.due, self.saves) = (None, None);
        self.stops = None;
    }

    /// SIGTERM: everybody is told, for `patience` at most; without one the desk stays where it is when that is done.
    pub(crate) fn stop(&mut self, now: Moment, patience: Option<Moment>) -> Result<(), String> {
        let instant = self.instant(now);
        if let Some(agent) = &mut self.agent {
            self.leaving = true;
            agent.stop(instant);
            self.stops = patience.map(|patience| now + patience);
        }
        self.drain(now)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.is_stopped())
    }

    /// Somebody presses buttons.
    pub(crate) fn press(
        &mut self,
        now: Moment,
        change: impl FnOnce(&mut Hardware),
    ) -> Result<(), String> {
        let before = self.hardware.inputs();
        change(&mut self.hardware);
        self.note_truth(now);
        let after = self.hardware.inputs().into_iter().enumerate();
        for (fact, input) in after.filter(|(fact, is)| before[*fact] != *is) {
            self.change(now, fact, input);
        }
        self.drain(now)
    }

    /// A fact is another one: its switch moves, or the agent is told.
    fn change(&mut self, now: Moment, fact: usize, input: Input) {
        if is_hook(fact) {
            self.hook_moved = now;
        }
        match (self.switch(fact), &input) {
            (Some(button), &(Input::Hook(on) | Input::Dnd(on))) => self.edge(now, button, on),
            _ => {
                let moment = self.moment(now);
                if let Some(agent) = &mut self.agent {
                    agent.handle_input(moment, self.own, input);
                }
            }
        }
    }

    /// A button moves.
    pub(super) fn edge(&mut self, now: Moment, button: usize, pressed: bool) {
        let moment = self.moment(now);
        if let Some(agent) = &mut self.agent {
            agent.handle_button(moment, button, pressed);
        }
    }

    pub(crate) fn receive(
        &mut self,
        now: Moment,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), String> {
        let (moment, flow) = (self.moment(now), Flow::udp(self.address, from));
        if let Some(agent) = &mut self.agent {
            agent.handle_datagram(moment, flow, bytes);
        }
        self.drain(now)
    }

    pub(crate) fn unreachable(
        &mut self,
        now: Moment,
        remote: SocketAddr,
        quoted: &[u8],
    ) -> Result<(), String> {
        let moment = self.moment(now);
        if let Some(agent) = &mut self.agent {
            agent.handle_unreachable(moment, remote, quoted);
        }
        self.drain(now)
    }

    pub(crate) fn wake(&mut self, now: Moment) -> Result<(), String> {
        let moment = self.moment(now);
        if let Some(agent) = &mut self.agent {
            agent.handle_timeout(moment);
        }
        let was = self.due;
        self.drain(now)?;
        match (was, self.due) {
            (Some(was), Some(due)) if due <= was && due <= now => {
                Err(format!("{} waits for a moment that has passed", self.uri))
            }
            _ => Ok(()),
        }
    }

    /// The settings are read again, perhaps in another order.
    pub(crate) fn reload(&mut self, now: Moment, chance: &mut Chance) -> Result<(), String> {
        self.shuffle(chance);
        let moment = self.moment(now);
        if let Some(agent) = &mut self.agent {
            agent.reconfigure(moment, &self.settings);
        }
        self.drain(now)
    }

    /// What was sent since the last call.
    pub(crate) fn take_sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    /// Subscriptions that are served.
    pub(crate) fn served(&self) -> usize {
        let agent = self.agent.as_ref();
        agent.map_or(0, |agent| agent.subscriptions().count())
    }

    /// Watches that are known, ending ones included.
    pub(crate) fn watched(&self) -> usize {
        self.agent
            .as_ref()
            .map_or(0, |agent| agent.watches().count())
    }

    /// Polls until the agent waits, and takes over what it shows.
    pub(super) fn drain(&mut self, now: Moment) -> Result<(), String> {
        let instant = self.instant(now);
        let Some(agent) = &mut self.agent else {
            self.due = None;
            return Ok(());
        };
        let mut looks: Vec<(usize, Look)> = Vec::new();
        // Nothing was said of the lamps of a fresh agent yet, and nothing need be.
        let mut has_changed = self.lamps.iter().all(|it| it.since == now);
        let mut waits = None;
        for _ in 0..STEPS {
            match agent.poll(instant, &mut self.buf) {
                Output::Send { flow, len } => {
                    if flow.local != self.address {
                        return Err(format!("{} sends from {}", self.uri, flow.local));
                    }
                    self.outbox.push((flow.remote, self.buf[..len].to_vec()));
                }
                Output::Lamp { lamp, look, .. } => looks.push((lamp, look)),
                Output::Resolve { .. } => return Err("every server is an address".to_string()),
                Output::Report(report) => self.reports.push(report),
                Output::Changed(Subject::Lamp(_)) => has_changed = true,
                Output::Changed(_) | Output::Gesture { .. } => {}
                Output::Wait(until) => {
                    waits = Some(until);
                    break;
                }
            }
        }
        let Some(waits) = waits else {
            return Err(format!("{} never waits", self.uri));
        };
        if let Some(disk) = &mut self.disk {
            disk.save(undated(instant), agent);
        }
        let (origin, booted) = (self.origin, self.booted);
        let moment =
            |until: Instant| (until.as_micros().saturating_sub(origin) + booted).max(booted);
        self.due = waits.map(moment);
        self.saves = agent.save_due().map(moment);
        self.reports
            .truncate(self.reports.len().min(1_000) /* enough for any test */);
        if has_changed || !looks.is_empty() {
            self.show(now, &looks)?;
        }
        self.check_own(now)
    }

    /// The lamps light up as they were told, and the agent's own account agrees.
    fn show(&mut self, now: Moment, looks: &[(usize, Look)]) -> Result<(), String> {
        for &(lamp, look) in looks {
            let shown = self.lamps.get_mut(lamp).ok_or("a lamp that is not there")?;
            shown.look = look;
        }
        let Some(agent) = &self.agent else {
            return Ok(());
        };
        for (shown, status) in self.lamps.iter_mut().zip(agent.lamps()) {
            let expected = match status.state {
                Some(state) => Looks::DEFAULT.get(state),
                None => Look::OFF,
            };
            let state = status.state.unwrap_or_default();
            if status.look != shown.look || expected != shown.look {
                return Err(format!(
                    "{} of {} is lit {}, but stands for {} ({})",
                    status.name, self.uri, shown.look, expected, status.look
                ));
            }
            if shown.state != state {
                shown.state = state;
                shown.since = now;
            }
        }
        Ok(())
    }

    /// While a hook chatters it may be heard either way.
    fn note_truth(&mut self, now: Moment) {
        if self.chatters(now) {
            let mut other = self.hardware.clone();
            other.hook = !other.hook;
            self.presence.note(now, other.presence());
            self.dialog.note(now, other.dialog());
        }
        self.presence.note(now, self.hardware.presence());
        self.dialog.note(now, self.hardware.dialog());
    }

    pub(super) fn instant(&self, now: Moment) -> Instant {
        Instant::from_micros(self.origin + (now - self.booted))
    }

    fn moment(&self, now: Moment) -> lampfield::Moment {
        lampfield::Moment {
            now: self.instant(now),
            wall: self.wall(now),
        }
    }

    pub(super) fn wall(&self, now: Moment) -> Wall {
        Wall::from_unix_millis(self.wall + now / 1_000)
    }

    /// The wall clock steps to what the network says, or to what a dead battery makes of it.
    pub(crate) fn step_wall(&mut self, now: Moment, millis: u64) -> Result<(), String> {
        self.wall = millis;
        let moment = self.moment(now);
        if let Some(agent) = &mut self.agent {
            agent.handle_clock(moment);
        }
        self.drain(now)
    }
}

/// The store never learns the date.
fn undated(now: Instant) -> lampfield::Moment {
    lampfield::Moment {
        now,
        wall: Wall::UNSET,
    }
}

/// Patience of a service manager, as the shell has it.
pub(crate) const PATIENCE: Moment = 3 * SECOND;

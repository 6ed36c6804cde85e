//! The agent and those it talks to in one turn of the loop: change it, then do what it says until it waits.

use std::boxed::Box;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

use heapless::Vec as Bounded;
use log::{debug, info, warn};

use super::changes::Changes;
use super::clock;
use super::commands::{Commands, Runner};
use super::dns::Resolver;
use super::journal::Limiter;
use super::listen::Listen;
use super::mdns::Mdns;
use super::net::locals::{announced, tell_changes};
use super::net::outbox::{BATCH, Outbox};
use super::net::places::addresses;
use super::net::streams::{Event as Change, Heard, Streams};
use super::panel::Panel;
use super::saving::Saving;
use super::softphone::Softphones;
use super::tls::Tls;
use super::users::Roll;
use super::zone;
use crate::engine::agent::{Agent, Output, Report, Subject};
use crate::engine::config::Settings;
use crate::ground::limits::URI;
use crate::ground::time::{Instant, Moment, Seconds};
use crate::ua::addresses::LocalAddress;
use crate::wire::flow::{Flow, Transport};

mod face;

/// Reads the configuration again, or says why it cannot be had.
pub type Reload = Box<dyn FnMut() -> Result<Fresh, String>>;

/// What a configuration that is read again may change.
pub struct Fresh {
    /// What the agent is told.
    pub settings: Box<Settings>,
    /// The users there are.
    pub users: Roll,
    /// Our certificate, and whom we believe.
    pub tls: Tls,
    /// What is run for buttons and lamps.
    pub commands: Commands,
    /// The host's name under which presentities are announced, if they are.
    pub discover: Option<String>,
}

/// What the loop and the control socket share. They are on one thread and never inside at the same time.
pub struct Hub {
    /// The agent. Change it through [`Hub::change`], so that what follows happens at once.
    pub agent: &'static mut Agent,
    /// The panel.
    pub panel: Panel,
    /// Tells those who follow what changed.
    pub changes: Changes,
    /// When the agent was started.
    pub started: Instant,
    /// Where SIP is spoken.
    pub listeners: Vec<Listen>,
    /// The same, as peers reach us.
    pub(super) locals: Vec<LocalAddress>,
    /// The board's name.
    pub board: String,
    pub(super) outbox: Outbox,
    pub(super) streams: Streams,
    pub(super) resolver: Resolver,
    pub(super) mdns: Mdns,
    pub(super) softphones: Softphones,
    /// The host's name under which presentities are announced, if they are.
    pub(super) discover: Option<String>,
    /// Bounds the lines about ourselves; those that strangers cause take none of their places.
    pub(super) limiter: Limiter,
    pub(super) strangers: Limiter,
    /// Runs what the configuration wants for buttons and lamps.
    pub(super) runner: Runner,
    pub(super) reload: Option<Reload>,
    /// The file that users stand in.
    pub users: Option<PathBuf>,
    /// What keeps the agent's state, if anything does.
    pub(super) saving: Option<Saving>,
    /// When the time zone is looked at again: only where a rule speaks of the time.
    pub(super) zone_due: Option<Instant>,
    pub(super) deadline: Option<Instant>,
    /// How many messages may still be sent before the sockets are read again; answers are sent in any case.
    pub(super) left: usize,
    /// Whether the agent has more to do than it was asked for.
    pub(super) is_behind: bool,
    /// Messages that did not get there, until the agent hears of them.
    pub(super) unreachable: Vec<Unsent>,
}

/// A message that did not get there: to whom, and its beginning.
pub(super) struct Unsent {
    remote: SocketAddr,
    quoted: Bounded<u8, QUOTED>,
}

/// Messages told of in one turn; of the rest the next copy will tell.
const UNREACHABLE: usize = 64;

/// Bytes of a message that are kept to know it by: a request line with a URI of [`URI`] bytes and a Via.
const QUOTED: usize = URI + 256;

/// Messages sent in one turn, answers aside: as many as leave with one system call. Those who are told answer, and while
/// we send what they say piles up unread in a socket that holds some hundreds.
pub(super) const TURN: usize = BATCH;

/// Messages of one connection that are dealt with in one turn: a segment may hold some hundreds, and whoever sends nothing
/// but expensive ones delays nobody by more than these.
pub(super) const SHARE: usize = 16;
/// How often the time zone is looked at.
const ZONE: Seconds = Seconds(86_400);

impl Hub {
    /// The first turn: everything that is to be sent, and where the buttons are.
    pub(super) fn begin(&mut self, now: Instant) {
        self.look_at_zone_again(now);
        self.announce(now);
        self.settle(now);
        self.change_panel(|_, _| ());
    }

    /// Changes the agent and does what follows from it: all of it, unless that is more than one turn may send.
    pub fn change<R>(&mut self, how: impl FnOnce(&mut Agent, Moment) -> R) -> R {
        let moment = clock::moment();
        let result = how(self.agent, moment);
        self.settle(moment.now);
        result
    }

    /// Reads the settings again. If they are bad, the old ones go on.
    ///
    /// # Errors
    /// What is wrong with the new ones.
    pub fn reload(&mut self) -> Result<(), String> {
        let Some(reload) = &mut self.reload else {
            return Err(String::from("there is no configuration file to read again"));
        };
        let Fresh {
            settings,
            users,
            tls,
            commands,
            discover,
        } = reload()?;
        self.streams.set_tls(tls);
        self.runner.set(commands);
        self.resolver.forget();
        let moment = clock::moment();
        self.agent.set_users(&users.users);
        self.agent.reconfigure(moment, &settings);
        self.streams.judge(moment.now, |ip| self.agent.trusts(ip));
        self.users = users.file;
        self.configure_phones(moment.now);
        self.look_at_zone(moment);
        self.discover = discover;
        self.announce(moment.now);
        self.settle(moment.now);
        info!("configuration read again");
        Ok(())
    }

    /// Reads the users again. If they are bad, the old ones go on.
    ///
    /// # Errors
    /// What is wrong with the new ones.
    pub fn reload_users(&mut self) -> Result<(), String> {
        let Some(file) = &self.users else {
            let remedy = "add [authentication] with users = \"lampfield.users\" to it";
            return Err(std::format!(
                "the configuration names no file of users\n  remedy: {remedy}"
            ));
        };
        let realm = &self.agent.settings().authentication.realm;
        let roll = Roll::read(file, realm).map_err(|fault| fault.to_string())?;
        let count = roll.users.len();
        self.change(|agent, _| agent.set_users(&roll.users));
        info!("users read again: {count}");
        Ok(())
    }

    /// Somebody has set the calendar clock.
    pub(super) fn handle_clock(&mut self) {
        let moment = clock::moment();
        self.look_at_zone(moment);
        self.agent.handle_clock(moment);
        self.settle(moment.now);
    }

    /// What clocks show here may have changed: a new zone, or a new law about the old one.
    fn look_at_zone(&mut self, moment: Moment) {
        self.agent.set_zone(moment, zone::read(moment.wall));
        self.look_at_zone_again(moment.now);
    }

    /// Sets when to look the next time.
    fn look_at_zone_again(&mut self, now: Instant) {
        let has_times = self.agent.settings().rules.has_times();
        self.zone_due = has_times.then(|| now + ZONE);
    }

    /// An address or a route of this machine may have come or gone.
    pub(super) fn look_for_addresses(&mut self) {
        self.mdns.look_for_links(clock::now());
        let locals = announced(&addresses(&self.listeners));
        if locals == self.locals {
            return;
        }
        tell_changes(&self.locals, &locals);
        let now = clock::now();
        self.agent.set_locals(now, &locals);
        // Before anything is sent: nothing gets through them any more.
        let is_ours = |ip| locals.iter().any(|it| it.at.ip() == ip);
        self.streams.end_elsewhere(now, is_ours);
        self.outbox.announce(&locals);
        self.pass_changes(now);
        self.locals = locals;
        self.settle(now);
    }

    /// A datagram came. The answers go out with [`Hub::flush`], together with those to its neighbours.
    pub(super) fn handle_datagram(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        let wall = clock::wall();
        self.agent
            .handle_datagram(Moment { now, wall }, flow, bytes);
        self.pump(now);
    }

    /// Something happened to the connection at `place`.
    pub(super) fn handle_stream(&mut self, now: Instant, place: u16) {
        self.streams.receive(now, place);
        if let Some((number, names)) = self.streams.take_names(now, place) {
            let names = names.iter().map(String::as_str);
            self.agent.handle_certificate(number, names);
        }
        if !self.streams.is_put_off(place) {
            self.hear(now, place);
        }
    }

    /// Goes on with those who have brought more than a turn's share.
    pub(super) fn hear_more(&mut self) {
        for _ in 0..self.streams.waiting() {
            if let Some(place) = self.streams.take_waiting() {
                self.hear(clock::now(), place);
            }
        }
    }

    /// Deals with what a connection has brought: a turn's share of it.
    fn hear(&mut self, now: Instant, place: u16) {
        for _ in 0..SHARE {
            let Some(heard) = self.streams.next(now, place) else {
                return;
            };
            match heard {
                Heard::Message { flow, bytes } => {
                    let wall = clock::wall();
                    self.agent
                        .handle_datagram(Moment { now, wall }, flow, bytes);
                    if self.agent.granted() == flow.connection {
                        self.streams.vouch(now, place);
                    }
                }
                Heard::Lost { flow, status, head } => {
                    self.agent.handle_lost_framing(flow, status, head);
                }
                Heard::Pong(flow) => self.agent.handle_pong(&flow),
            }
            self.pump(now);
        }
        self.streams.put_off(place);
    }

    /// The deadline of somebody here may be over.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.resolver.handle_timeout(now);
        self.mdns.handle_timeout(now);
        self.call_phones(now);
        if self
            .panel
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.change_panel(Panel::handle_timeout);
        }
        let failed = &mut self.unreachable;
        self.outbox
            .handle_timeout(now, |remote, bytes| note(failed, remote, bytes));
        self.streams.handle_timeout(now);
        self.runner.handle_timeout(now);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            let wall = clock::wall();
            self.agent.handle_timeout(Moment { now, wall });
        }
        if self.zone_due.is_some_and(|due| due <= now) {
            self.look_at_zone(clock::dated(now));
        }
        if let Some(saving) = &mut self.saving {
            saving.save(clock::dated(now), self.agent);
        }
    }

    /// The disk may have done what it was given.
    pub(super) fn look_at_disk(&mut self, now: Instant) {
        if let Some(saving) = &mut self.saving {
            saving.look(now, self.agent);
        }
    }

    /// The process ends: what there is is written, and the panel goes dark.
    pub(super) fn end(&mut self) {
        if let Some(saving) = &mut self.saving {
            saving.end(self.agent);
        }
        self.runner.end();
        self.panel.end();
    }

    /// When [`Hub::handle_timeout`] wants to be called.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = [
            self.deadline,
            self.resolver.deadline(),
            self.mdns.deadline(),
            self.softphones.deadline(),
            self.outbox.deadline(),
            self.streams.deadline(),
            self.panel.deadline(),
            self.runner.deadline(),
            self.zone_due,
            self.saving.as_ref().and_then(|it| it.deadline(self.agent)),
        ];
        all.into_iter().flatten().min()
    }

    /// Does what the agent says until it waits and everything is on its way, or a turn's share of it.
    pub(super) fn settle(&mut self, now: Instant) {
        self.left = TURN;
        self.is_behind = false;
        loop {
            self.pump(now);
            self.flush(now);
            if self.unreachable.is_empty() && !self.streams.has_events() {
                break;
            }
            self.pass_changes(now);
            for Unsent { remote, quoted } in self.unreachable.drain(..) {
                debug!("{remote} cannot be reached");
                let moment = clock::dated(now);
                self.agent.handle_unreachable(moment, remote, &quoted);
            }
        }
        if self.is_behind {
            self.deadline = self.agent.due();
            self.left = 0;
        } else {
            self.left = TURN;
        }
        self.changes.announce();
        self.runner.start(now);
        let dropped = self.outbox.take_dropped();
        if dropped > 0 && self.limiter.admit(now).is_some() {
            warn!("{dropped} messages not sent: no socket for them, or the network takes no more");
        }
    }

    /// Tells the agent what became of connections.
    fn pass_changes(&mut self, now: Instant) {
        while let Some(change) = self.streams.take_event() {
            match change {
                Change::Connected(flow) => {
                    // Whoever has found the same address meanwhile takes it for his own.
                    let names = self.agent.names_at(flow.remote);
                    if self.streams.confirm(now, &flow, names) {
                        self.agent.handle_connected(&flow);
                    }
                }
                Change::Ended(flow, end) => {
                    self.agent
                        .handle_disconnected(clock::dated(now), &flow, end);
                }
            }
        }
    }

    /// Whether there is something to do at once: then nobody may sleep.
    pub(super) fn is_behind(&self) -> bool {
        let sends = self.is_behind && self.outbox.takes_more(clock::now());
        sends || self.streams.waiting() > 0
    }

    /// Does what the agent says until it waits; what it sends is collected. Beyond a turn's share, the answer alone.
    fn pump(&mut self, now: Instant) {
        loop {
            if self.outbox.is_full() {
                self.flush(now);
            }
            if self.left == 0 || !self.outbox.takes_more(now) {
                self.is_behind = true;
                self.pass_addresses(now);
                if let Some((flow, len)) = self.agent.poll_answer(self.outbox.room()) {
                    self.send(now, flow, len);
                }
                return;
            }
            match self.agent.poll(now, self.outbox.room()) {
                Output::Send { flow, len } => {
                    self.left -= 1;
                    self.send(now, flow, len);
                }
                Output::Lamp { lamp, look, bright } => {
                    self.panel.dim(now, lamp, bright);
                    self.panel.show(now, lamp, look);
                }
                Output::Changed(subject) => {
                    self.changes.note(subject);
                    if let Subject::Lamp(lamp) = subject {
                        self.show_command(now, lamp);
                    }
                }
                Output::Gesture { button, gesture } => self.do_more(now, button, gesture),
                Output::Resolve { query } => self.resolve(now, query),
                Output::Report(Report::Button { button, trouble }) => {
                    let name = self.agent.settings().buttons.get(usize::from(button));
                    let name = name.map_or("?", |it| it.name.as_str());
                    tell(
                        &mut self.limiter,
                        now,
                        &std::format_args!("button {name} {trouble}"),
                    );
                }
                Output::Report(report) if report.is_of_strangers() => {
                    tell(&mut self.strangers, now, &report);
                }
                Output::Report(report) => tell(&mut self.limiter, now, &report),
                Output::Wait(deadline) => {
                    self.deadline = deadline;
                    if !self.pass_addresses(now) {
                        return;
                    }
                }
            }
        }
    }

    /// Sends the message of `len` bytes that is in the outbox's room.
    fn send(&mut self, now: Instant, flow: Flow, len: usize) {
        match flow.transport {
            Transport::Udp => self.outbox.push(flow, len),
            Transport::Tcp => {
                let message = &self.outbox.room()[..len];
                self.streams.send(now, flow, message);
            }
            Transport::Tls => {
                let (names, message) = (self.agent.names_at(flow.remote), self.outbox.room());
                self.streams.send_to(now, flow, names, &message[..len]);
            }
        }
    }

    fn flush(&mut self, now: Instant) {
        let failed = &mut self.unreachable;
        self.outbox
            .flush(now, |remote, bytes| note(failed, remote, bytes));
        self.streams.flush(now);
    }
}

/// A line in the log, if there are not too many.
fn tell(limiter: &mut Limiter, now: Instant, report: &impl std::fmt::Display) {
    match limiter.admit(now) {
        Some(0) => info!("{report}"),
        Some(kept_back) => info!("{report} ({kept_back} lines kept back before)"),
        None => {}
    }
}

pub(super) fn note(failed: &mut Vec<Unsent>, remote: SocketAddr, bytes: &[u8]) {
    if failed.len() < UNREACHABLE {
        let quoted = bytes.iter().copied().take(QUOTED).collect();
        failed.push(Unsent { remote, quoted });
    }
}

//! Commands that the configuration has run: when a button is pressed, and when a lamp changes.
//!
//! ```text
//!   a gesture ──► a place in the queue, of QUEUE; full: it is dropped, and the log says so ──┐
//!   a lamp changed ──► its own place, where the newest state takes that of the one before ──┤
//!                                                                                           ▼
//!                at most AT_ONCE at work, never two of one button or lamp; 10 s later it is ended
//! ```
//!
//! So a lamp's last command is always that of its last state, and no button outruns itself. Nothing waits for a command:
//! the kernel reports its end as it reports a datagram.

mod child;
pub mod command;
pub mod dial;

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::net::SocketAddr;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{fmt, format, vec};

use log::{info, warn};
use rustix::io::Errno;

use self::child::{Child, End};
use self::command::{ALLOW_IT, Command, FIND_IT, PATH};
use self::dial::{Dial, Softphone, URI};
use super::journal::is_safe;
use super::poller::{Registry, Source};
use super::sandbox;
use super::softphone::Order;
use crate::engine::agent::status::LampStatus;
use crate::engine::config::Gesture;
use crate::ground::time::{Duration, Instant};

/// How many are at work at the same time.
pub const AT_ONCE: usize = 4;

/// How many gestures wait until one of them has ended.
pub const QUEUE: usize = 8;

/// How long one may take.
pub const LASTS: Duration = Duration::from_secs(10);

/// What is run for whom, by the numbers of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// When that lamp changes.
    pub lamps: Vec<(u16, Command)>,
    /// With each gesture of that button.
    pub buttons: Vec<(u16, Command)>,
    /// What a press of that button dials.
    pub dials: Vec<(u16, Dial)>,
    /// Who makes the calls.
    pub softphone: Option<Softphone>,
}

impl Commands {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Command> {
        let all = self.lamps.iter().chain(&self.buttons);
        let softphones = match &self.softphone {
            Some(Softphone::Commands(dial, accept)) => [Some(dial), accept.as_ref()],
            Some(Softphone::Baresip(_)) | None => [None; 2],
        };
        let all = all.map(|(_, command)| command);
        all.chain(softphones.into_iter().flatten())
    }

    /// What a press of that button dials.
    pub fn dialled_by(&self, button: u16) -> Option<&Dial> {
        of(&self.dials, button)
    }

    /// That of a lamp.
    pub fn of_lamp(&self, lamp: u16) -> Option<&Command> {
        of(&self.lamps, lamp)
    }

    /// That of a button.
    pub fn of_button(&self, button: u16) -> Option<&Command> {
        of(&self.buttons, button)
    }
}

fn of<T>(all: &[(u16, T)], number: u16) -> Option<&T> {
    let found = all.iter().find(|(other, _)| *other == number);
    found.map(|(_, it)| it)
}

/// Runs commands.
#[derive(Debug)]
pub struct Runner {
    registry: Registry,
    commands: Commands,
    running: [Option<Running>; AT_ONCE],
    waiting: VecDeque<Job>,
    /// What the command of each lamp was told last.
    shown: Vec<(u16, Facts)>,
    /// Whose command fails, and how that was said.
    failing: Vec<(Cause, String)>,
}

/// The environment of a command, but for [`PATH`].
type Facts = Vec<CString>;

/// What a command is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Lamp(u16),
    Button(u16),
}

#[derive(Debug)]
struct Job {
    cause: Cause,
    /// Of the lamp or button.
    name: String,
    command: Command,
    facts: Facts,
}

#[derive(Debug)]
struct Running {
    cause: Cause,
    name: String,
    child: Child,
    ends: Instant,
}

impl Runner {
    /// Nothing runs yet.
    pub fn new(registry: Registry, commands: Commands) -> Runner {
        Runner {
            registry,
            commands,
            running: [const { None }; AT_ONCE],
            waiting: VecDeque::new(),
            shown: Vec::new(),
            failing: Vec::new(),
        }
    }

    /// From now on these are run; what is at work goes on.
    pub fn set(&mut self, commands: Commands) {
        if self.commands != commands {
            self.commands = commands;
            self.waiting.clear();
            self.shown.clear();
            self.failing.clear();
        }
    }

    /// That was done with a button.
    pub fn press(&mut self, button: u16, name: &str, gesture: Gesture) {
        if let Some(command) = self.commands.of_button(button) {
            let command = command.clone();
            self.enqueue(button, name, gesture, command);
        }
    }

    /// A button has a call made, or answered: by whom, if that is a softphone which is told by no command.
    pub fn dial(
        &mut self,
        button: u16,
        name: &str,
        gesture: Gesture,
        order: Order<'_>,
    ) -> Option<SocketAddr> {
        let command = match (self.commands.softphone.as_ref()?, order) {
            (Softphone::Baresip(at), _) => return Some(*at),
            (Softphone::Commands(dial, _), Order::Dial(uri)) => dial.with(URI, uri),
            (Softphone::Commands(_, accept), Order::Accept) => accept.clone()?,
        };
        self.enqueue(button, name, gesture, command);
        None
    }

    /// What is run, and for whom.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// A lamp may show, or stand for, something else.
    pub fn show(&mut self, number: u16, lamp: &LampStatus<'_>) {
        let Some(command) = self.commands.of_lamp(number) else {
            return;
        };
        let facts = facts_of(lamp);
        let at = self.shown.iter().position(|(other, _)| *other == number);
        match at.map(|at| &mut self.shown[at].1) {
            Some(told) if *told == facts => return,
            Some(told) => told.clone_from(&facts),
            None => self.shown.push((number, facts.clone())),
        }
        let cause = Cause::Lamp(number);
        if let Some(job) = self.waiting.iter_mut().find(|it| it.cause == cause) {
            job.facts = facts;
            return;
        }
        self.waiting.push_back(Job {
            cause,
            name: lamp.name.to_string(),
            command: command.clone(),
            facts,
        });
    }

    /// Starts what waits, as far as there are places.
    pub fn start(&mut self, now: Instant) {
        while !self.waiting.is_empty()
            && let Some(place) = self.running.iter().position(Option::is_none)
        {
            let is_at_work = |cause| self.running.iter().flatten().any(|it| it.cause == cause);
            let next = self.waiting.iter().position(|it| !is_at_work(it.cause));
            let Some(job) = next.and_then(|at| self.waiting.remove(at)) else {
                return;
            };
            match self.launch(place, &job) {
                Ok(child) => {
                    self.running[place] = Some(Running {
                        cause: job.cause,
                        name: job.name,
                        child,
                        ends: now + LASTS,
                    });
                }
                Err(error) => {
                    let failure = refused(&job.command, &error);
                    self.tell(job.cause, &job.name, Some(failure));
                }
            }
        }
    }

    /// The command at `place` has ended.
    pub fn handle_ended(&mut self, place: u8) {
        let Some(at) = self.running.get_mut(usize::from(place)) else {
            return;
        };
        let end = at.as_mut().and_then(|it| it.child.take_end());
        if let Some(end) = end
            && let Some(Running { cause, name, .. }) = at.take()
        {
            self.tell(cause, &name, failure(end));
        }
    }

    /// [`Runner::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant) {
        for place in 0..AT_ONCE {
            let late = self.running[place].take_if(|it| it.ends <= now);
            if let Some(Running { cause, name, .. }) = late {
                let what = format!("did not end within {} s and was ended", LASTS.as_secs());
                let remedy = "let it end sooner, and leave what lasts to a service of its own";
                self.tell(cause, &name, Some(Failure { what, remedy }));
            }
        }
    }

    /// When one has taken too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.running.iter().flatten().map(|it| it.ends).min()
    }

    /// Whether nothing is at work or waits for it.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.iter().all(Option::is_none)
    }

    /// Ends what is at work.
    pub fn end(&mut self) {
        self.waiting.clear();
        self.running = [const { None }; AT_ONCE];
    }

    fn enqueue(&mut self, button: u16, name: &str, gesture: Gesture, command: Command) {
        let cause = Cause::Button(button);
        let presses = self.waiting.iter();
        let presses = presses.filter(|it| matches!(it.cause, Cause::Button(_)));
        if presses.count() >= QUEUE {
            let what = format!("was not run, for {QUEUE} others waited already");
            let remedy = "let commands end sooner";
            self.tell(cause, name, Some(Failure { what, remedy }));
            return;
        }
        self.waiting.push_back(Job {
            cause,
            name: name.to_string(),
            command,
            facts: vec![
                fact("LAMPFIELD_BUTTON", name),
                fact("LAMPFIELD_GESTURE", gesture.name()),
            ],
        });
    }

    fn launch(&self, place: usize, job: &Job) -> io::Result<Child> {
        let mut environment = job.facts.clone();
        environment.push(fact("PATH", PATH));
        let child = Child::start(&job.command, &environment)?;
        self.registry.add(&child, Source::Command(place as u8))?;
        Ok(child)
    }

    /// A line in the log when a command fails, fails otherwise, or works again.
    fn tell(&mut self, cause: Cause, name: &str, failure: Option<Failure>) {
        let at = self.failing.iter().position(|(other, _)| *other == cause);
        match (at, failure) {
            (None, None) => {}
            (Some(at), None) => {
                self.failing.swap_remove(at);
                info!("the command of {cause} {name} works again");
            }
            (at, Some(Failure { what, remedy })) => {
                if at.is_some_and(|at| self.failing[at].1 == what) {
                    return;
                }
                warn!("the command of {cause} {name} {what}; remedy: {remedy}");
                match at {
                    Some(at) => self.failing[at].1 = what,
                    None => self.failing.push((cause, what)),
                }
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Lamp(_) => "lamp",
            Cause::Button(_) => "button",
        })
    }
}

/// Goes on after "the command of lamp blf1 …".
struct Failure {
    what: String,
    remedy: &'static str,
}

/// What is wrong with how a command ended, if anything is.
fn failure(end: End) -> Option<Failure> {
    let what = match end {
        End::Status(0) => return None,
        End::Status(status) => format!("failed with status {status}"),
        End::Signal(signal) => format!("was ended by signal {signal}"),
    };
    let remedy = "run it by hand as the agent's user: what it says is not kept";
    Some(Failure { what, remedy })
}

/// Why the kernel did not start it.
fn refused(command: &Command, error: &io::Error) -> Failure {
    let program = command.program();
    let remedy = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NOTDIR) => FIND_IT,
        Some(Errno::ACCESS | Errno::PERM) if sandbox::keeps_from_running(program) => {
            sandbox::OPEN_PROGRAM
        }
        Some(Errno::ACCESS | Errno::PERM) => ALLOW_IT,
        Some(Errno::NOEXEC) => "begin the script with #!/bin/sh, or what else reads it",
        Some(Errno::NOSYS) => "run it on Linux 5.3 or newer, which tells when a program ends",
        _ => "look into the kernel's log: it may be out of memory, or of processes",
    };
    let what = format!("cannot be run: {}: {error}", program.display());
    Failure { what, remedy }
}

/// What the command of a lamp is told.
fn facts_of(lamp: &LampStatus<'_>) -> Facts {
    let state = lamp.state.map_or("none", |it| it.name());
    let mut facts = vec![
        fact("LAMPFIELD_LAMP", lamp.name),
        fact("LAMPFIELD_LOOK", &lamp.look.to_string()),
        fact("LAMPFIELD_STATE", state),
        fact("LAMPFIELD_WATCHES", lamp.whom.unwrap_or_default()),
    ];
    if let Some(party) = lamp.party {
        facts.push(fact("LAMPFIELD_PEER", party.uri()));
        facts.push(fact("LAMPFIELD_PEER_NAME", party.display()));
    }
    facts
}

/// A variable. What would not show as what it is, is escaped: some of it comes from strangers.
fn fact(name: &str, value: &str) -> CString {
    let mut text = format!("{name}=");
    for letter in value.chars() {
        match is_safe(letter) {
            true => text.push(letter),
            false => text.extend(letter.escape_default()),
        }
    }
    CString::new(text).unwrap_or_default() // A NUL is escaped.
}

#[cfg(test)]
mod tests;

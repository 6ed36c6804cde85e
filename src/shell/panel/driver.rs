//! What every kind of hardware is to the panel. [`super::kinds`] lists them: another kind is a file, and a line there.
//!
//! A driver picks those lines of the board that are its own, and is told what lamps show, not how elements are lit.
//! One that knows no more than on and off shares [`super::lights`].

use std::boxed::Box;
use std::fmt::Debug;
use std::io;
use std::os::fd::AsFd;
use std::string::String;

use super::board::{Board, Input, Output};
use super::lights::Part;
use super::{Problem, Queue};
use crate::ground::time::{Duration, Instant};
use crate::shell::poller::{Registry, Source};
use crate::users::lamps::Look;

/// One kind of hardware at work. Nothing here fails: what does not work is a [trouble](Driver::trouble).
pub(super) trait Driver: Debug {
    /// The lamp at `lamp` of the board is to show `look`; it was dark before. It may be none of this driver's.
    fn show(&mut self, now: Instant, lamp: usize, look: Look);

    /// The lamp at `lamp` of the board is to shine with so many percent of what it can from now on, and never brighter
    /// than the board says; 100 before the first call. What has no levels goes on as it is.
    fn dim(&mut self, _: Instant, _lamp: usize, _percent: u8) {}

    /// Writes what has changed, and plans ahead. `false` if something has failed that nobody was told of yet.
    fn flush(&mut self, now: Instant) -> bool;

    /// The descriptor that it added as `port` is ready: what happened goes into `events`.
    fn handle_readable(&mut self, now: Instant, port: u8, events: &mut Queue);

    /// [`Driver::deadline`] may be there; [`Driver::flush`] follows.
    fn handle_timeout(&mut self, now: Instant, events: &mut Queue);

    /// When [`Driver::handle_timeout`] wants to be called; never while nothing blinks, waits or is in trouble.
    fn deadline(&self) -> Option<Instant>;

    /// What is wrong with the line of that number; it may be none of this driver's.
    fn trouble(&self, line: usize) -> Option<&Problem>;

    /// Moves a button that no finger can. Whether it has such a one.
    fn touch(&mut self, _: Instant, _button: usize, _: Move, _events: &mut Queue) -> bool {
        false
    }

    /// Nobody vouches for the lamps any more.
    fn end(&mut self);
}

/// How a simulated button is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Down, and up by itself after so long.
    Press(Option<Duration>),
    /// Up.
    Release,
}

/// A kind of hardware.
pub(super) struct Kind {
    /// Descriptors that it watches at the same time.
    pub(super) ports: u8,
    /// Takes the board's lines that are its own; `None` where there are none. Where the buttons are goes into
    /// `events`.
    pub(super) open: Open,
}

/// See [`Kind::open`].
type Open = fn(&Wiring<'_>, &Ports, Instant, &mut Queue) -> Option<Box<dyn Driver>>;

/// What there is to take.
pub(super) struct Wiring<'a> {
    pub(super) board: &'a Board,
    pub(super) lines: &'a [Line<'a>],
}

/// A line of the board; its place among all is its number.
pub(super) struct Line<'a> {
    /// Which line of whom, for the log.
    pub(super) label: String,
    pub(super) end: End<'a>,
}

/// What is at the other end of a line.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// The button of that number.
    Button(usize, &'a Input),
    /// An element of a lamp.
    Light(Part, &'a Output),
}

/// A driver's own numbers among the panel's descriptors.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    registry: Registry,
    first: u8,
    count: u8,
}

impl Ports {
    /// `count` of them from `first` on.
    pub(super) const fn new(registry: Registry, first: u8, count: u8) -> Ports {
        Ports {
            registry,
            first,
            count,
        }
    }

    /// Whether there is such a port.
    pub(super) fn has(&self, port: usize) -> bool {
        port < usize::from(self.count)
    }

    /// Reports `port` while `fd` has something to read.
    ///
    /// # Errors
    /// The kernel's, when it is out of memory; or there is no such port.
    pub(super) fn add(&self, fd: impl AsFd, port: usize) -> io::Result<()> {
        let port = u8::try_from(port).ok().filter(|it| *it < self.count);
        let which = port.and_then(|port| self.first.checked_add(port));
        let which = which.ok_or(io::ErrorKind::QuotaExceeded)?;
        self.registry.add(fd, Source::Panel(which))
    }

    /// The port behind `Source::Panel(which)`, if it is one of these.
    pub(super) fn port(&self, which: u8) -> Option<u8> {
        let port = which.checked_sub(self.first)?;
        (port < self.count).then_some(port)
    }
}

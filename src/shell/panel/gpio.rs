//! Lines of GPIO chips: buttons that are read, elements of lamps that are lit.
//!
//! Lines of one chip that are used alike are asked for together, as a *bank*: one descriptor, one read for all
//! their edges, one write for all their levels. When one of them can't be had, each is asked for alone, so that it
//! takes no other with it. What is missing is looked for again, see [`Retry`].
//!
//! An input is told of by the kernel's debounced edges; by raw edges that we debounce, where the kernel can't; and
//! by reading it every 20 ms, where its chip has no interrupts. `poll` in the board's file chooses the last at once:
//! some chips take the request for edges and never send one.
//!
//! An agent that ends makes its lamps dark. When it is killed the kernel takes the lines back, and what a lamp shows
//! then is the chip's affair: most make the line an input, and the lamp is dark.

mod chips;
mod driver;
mod opening;
mod request;
mod steady;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use gpiocdev_uapi::v2::{self, LineEdgeEvent, LineEdgeEventKind, LineValues};
use rustix::io::Errno;

use self::request::{EVENTS, Use, Watching, errno, lost};
use self::steady::Steady;
use super::board::line::{GpioLine, Pin};
use super::retry::Retry;
use super::{Event, Problem, Queue, Touch};
use crate::ground::time::{Duration, Instant};
use crate::shell::panel::driver::Ports;
pub(super) use driver::KIND;

/// All GPIO lines of a board.
#[derive(Debug)]
pub(super) struct Gpio {
    /// Where the chips' devices are.
    folder: PathBuf,
    ports: Ports,
    wires: Vec<Wire>,
    /// A bank's place is its port.
    banks: Vec<Option<Bank>>,
    retry: Retry,
}

/// A line of the board.
#[derive(Debug)]
struct Wire {
    line: GpioLine,
    /// Whose it is, for the log.
    label: String,
    end: End,
    /// Its bank and its place in there.
    at: Option<(usize, usize)>,
    problem: Option<Problem>,
}

/// What is at the other end of a line.
#[derive(Clone, Copy, Debug)]
enum End {
    Button { button: usize, steady: Steady },
    Light { lit: bool },
}

/// Lines that the kernel gave us together.
#[derive(Debug)]
struct Bank {
    file: File,
    wanted: Use,
    /// The bank's wires, in the order of the request.
    members: Vec<(usize, u32)>,
    /// Levels to write.
    changed: LineValues,
    /// The number of the last edge.
    edge: Option<u32>,
    /// Edges were lost.
    gap: bool,
    /// When it is read next, and how often.
    next: Option<(Instant, Duration)>,
}

impl Gpio {
    /// No lines yet; [`Gpio::open`] asks for those that are added.
    pub(super) fn new(folder: &Path, ports: Ports) -> Gpio {
        Gpio {
            folder: folder.to_path_buf(),
            ports,
            wires: Vec::new(),
            banks: Vec::new(),
            retry: Retry::new(),
        }
    }

    /// Adds the line of a button; its number here.
    pub(super) fn add_button(&mut self, line: &GpioLine, label: String, button: usize) -> usize {
        let steady = Steady::default();
        self.add(line, label, End::Button { button, steady })
    }

    /// Adds the line of an element; its number here.
    pub(super) fn add_light(&mut self, line: &GpioLine, label: String) -> usize {
        self.add(line, label, End::Light { lit: false })
    }

    fn add(&mut self, line: &GpioLine, label: String, end: End) -> usize {
        self.wires.push(Wire {
            line: line.clone(),
            label,
            end,
            at: None,
            problem: None,
        });
        self.wires.len() - 1
    }

    /// A port is ready: edges, or the end of a bank.
    pub(super) fn handle_readable(&mut self, now: Instant, port: u8, events: &mut Queue) {
        let at = usize::from(port);
        // What the kernel keeps, and a little more; the poller reminds us of the rest.
        for _ in 0..=EVENTS as usize / BATCH {
            if !self.take_edges(now, at, events) {
                break;
            }
        }
    }

    /// Takes edges of a bank; `false` once all have been taken.
    fn take_edges(&mut self, now: Instant, at: usize, events: &mut Queue) -> bool {
        let mut buf = [0; BATCH * EDGE];
        let Some(Some(bank)) = self.banks.get(at) else {
            return false;
        };
        let words = match v2::read_event(&bank.file, &mut buf).map_err(|error| errno(&error)) {
            // Never from a chip; a descriptor that has ended would be ready for ever.
            Ok(0) => Err(Errno::IO),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            other => other,
        };
        let words = match words {
            Ok(words) => words,
            Err(error) => {
                self.lose(now, at, error);
                return false;
            }
        };
        for words in buf[..words].chunks_exact(EDGE) {
            if let Ok(edge) = LineEdgeEvent::from_slice(words) {
                self.handle_edge(now, at, edge, events);
            }
        }
        if words == buf.len() {
            return true;
        }
        // All that was left has been read: the levels are newer than any edge.
        if let Some(Some(bank)) = self.banks.get_mut(at)
            && std::mem::take(&mut bank.gap)
        {
            self.reread(now, at, events);
        }
        false
    }

    fn handle_edge(&mut self, now: Instant, at: usize, edge: &LineEdgeEvent, events: &mut Queue) {
        let Some(Some(bank)) = self.banks.get_mut(at) else {
            return;
        };
        let before = bank.edge.replace(edge.seqno);
        bank.gap |= edge.seqno != before.map_or(1, |it| it.wrapping_add(1));
        let raw = bank.wanted == Use::Input(Watching::RawEdges);
        let mut members = bank.members.iter();
        let Some((wire, _)) = members.find(|(_, offset)| *offset == edge.offset) else {
            return;
        };
        let wire = &mut self.wires[*wire];
        let End::Button { button, steady } = &mut wire.end else {
            return;
        };
        let pressed = edge.kind == LineEdgeEventKind::RisingEdge as u32;
        if raw && !wire.line.debounce.is_zero() {
            steady.stir(now);
        } else if steady.set(pressed) {
            events.push(Event::Edge(Touch {
                button: *button,
                pressed,
            }));
        }
    }

    /// [`Gpio::deadline`] may be there.
    pub(super) fn handle_timeout(&mut self, now: Instant, events: &mut Queue) {
        for at in 0..self.banks.len() {
            let Some(bank) = &mut self.banks[at] else {
                continue;
            };
            match (bank.wanted, &mut bank.next) {
                (Use::Input(Watching::RawEdges), _) => self.look_at_rested(now, at, events),
                (_, Some((next, every))) if *next <= now => {
                    *next = now + *every;
                    self.poll(now, at, events);
                }
                _ => {}
            }
        }
        if self.retry.is_due(now) {
            self.open(now, events);
        }
    }

    /// When [`Gpio::handle_timeout`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let banks = self.banks.iter().flatten();
        let polls = banks.filter_map(|bank| bank.next.map(|(next, _)| next));
        let rests = self.wires.iter().filter_map(|wire| self.rests(wire));
        polls.chain(rests).chain(self.retry.deadline()).min()
    }

    /// Lights an element or darkens it; [`Gpio::flush`] writes it.
    pub(super) fn set(&mut self, wire: usize, lit: bool) {
        let wire = &mut self.wires[wire];
        let End::Light { lit: before } = &mut wire.end else {
            return;
        };
        if *before == lit {
            return;
        }
        *before = lit;
        if let Some((bank, place)) = wire.at
            && let Some(bank) = &mut self.banks[bank]
        {
            bank.changed.set(place, lit);
        }
    }

    /// Writes what has changed: one call for each bank. `false` if one of them has gone.
    pub(super) fn flush(&mut self, now: Instant) -> bool {
        let mut all = true;
        for at in 0..self.banks.len() {
            let Some(bank) = &mut self.banks[at] else {
                continue;
            };
            let changed = std::mem::take(&mut bank.changed);
            if changed.mask == 0 {
                continue;
            }
            if let Err(error) = v2::set_line_values(&bank.file, &changed) {
                self.lose(now, at, errno(&error));
                all = false;
            }
        }
        all
    }

    /// What is wrong with a line.
    pub(super) fn problem(&self, wire: usize) -> Option<&Problem> {
        self.wires[wire].problem.as_ref()
    }

    /// Reads a bank whose edges don't tell: its buttons are where they are.
    fn reread(&mut self, now: Instant, at: usize, events: &mut Queue) {
        self.read(
            now,
            at,
            |steady, level| {
                steady
                    .set(level)
                    .then_some(Event::Position as fn(Touch) -> Event)
            },
            events,
        );
    }

    fn poll(&mut self, now: Instant, at: usize, events: &mut Queue) {
        let Some(bank) = &self.banks[at] else {
            return;
        };
        let (first, _) = bank.members[0];
        let debounce = self.wires[first].line.debounce;
        self.read(
            now,
            at,
            |steady, level| {
                let moved = steady.read(now, level, debounce);
                moved.then_some(Event::Edge as fn(Touch) -> Event)
            },
            events,
        );
    }

    /// Lines whose raw edges have ended count now.
    fn look_at_rested(&mut self, now: Instant, at: usize, events: &mut Queue) {
        let Some(bank) = &self.banks[at] else {
            return;
        };
        let (first, _) = bank.members[0];
        let debounce = self.wires[first].line.debounce;
        let due = |steady: &Steady| steady.due(debounce).is_some_and(|due| due <= now);
        let any = bank.members.iter().any(
            |(wire, _)| matches!(&self.wires[*wire].end, End::Button { steady, .. } if due(steady)),
        );
        if any {
            self.read(
                now,
                at,
                |steady, level| {
                    let moved = due(steady) && steady.set(level);
                    moved.then_some(Event::Edge as fn(Touch) -> Event)
                },
                events,
            );
        }
    }

    /// Reads all levels of a bank in one call, and reports what `judge` makes of them.
    fn read(
        &mut self,
        now: Instant,
        at: usize,
        judge: impl Fn(&mut Steady, bool) -> Option<fn(Touch) -> Event>,
        events: &mut Queue,
    ) {
        let Some(bank) = &self.banks[at] else {
            return;
        };
        let mut values = LineValues {
            bits: 0,
            mask: u64::MAX >> (64 - bank.members.len()),
        };
        if let Err(error) = v2::get_line_values(&bank.file, &mut values) {
            return self.lose(now, at, errno(&error));
        }
        for (place, (wire, _)) in bank.members.iter().enumerate() {
            let End::Button { button, steady } = &mut self.wires[*wire].end else {
                continue;
            };
            let pressed = values.get(place) == Some(true);
            if let Some(event) = judge(steady, pressed) {
                events.push(event(Touch {
                    button: *button,
                    pressed,
                }));
            }
        }
    }

    /// A bank has gone. Its buttons stand as they were last; that is told anew when they are back.
    fn lose(&mut self, now: Instant, at: usize, error: Errno) {
        let Some(bank) = self.banks[at].take() else {
            return;
        };
        for (wire, _) in bank.members {
            let wire = &mut self.wires[wire];
            wire.at = None;
            wire.problem = Some(lost(error));
            if let End::Button { steady, .. } = &mut wire.end {
                *steady = Steady::default();
            }
        }
        self.retry.begin(now);
    }

    fn rests(&self, wire: &Wire) -> Option<Instant> {
        let End::Button { steady, .. } = &wire.end else {
            return None;
        };
        let (bank, _) = wire.at?;
        let raw = self.banks[bank].as_ref()?.wanted == Use::Input(Watching::RawEdges);
        steady.due(wire.line.debounce).filter(|_| raw)
    }
}

/// Edges read at once, and the words of each.
const BATCH: usize = 16;
const EDGE: usize = size_of::<LineEdgeEvent>() / 8;

#[cfg(test)]
mod tests;

//! Lines of GPIO chips: buttons that are read, elements of lamps that are lit.
//!
//! Lines of one chip that are used alike are asked for together, as a *bank*: one descriptor, one read for all
//! their edges, one write for all their levels. When one of them can't be had, each is asked for alone, so that it
//! takes no other with it. What is missing is looked for again: after 5 s, 10, 20, 40, then every minute.
//!
//! An input is told of by the kernel's debounced edges; by raw edges that we debounce, where the kernel can't; and
//! by reading it every 20 ms, where its chip has no interrupts. `poll` in the board's file chooses the last at once:
//! some chips take the request for edges and never send one.
//!
//! When the process ends the kernel takes the lines back. What a lamp shows then is the chip's affair: most make
//! the line an input, and the lamp is dark.

mod chips;
mod request;
mod steady;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use gpiocdev_uapi::v2::{self, LineEdgeEvent, LineEdgeEventKind, LineValues, NUM_LINES_MAX};
use log::info;
use rustix::io::Errno;

use self::chips::{Chip, Chips, Spot};
use self::request::{Use, Watching, errno, is_worth_less, lost, refused, request};
use self::steady::Steady;
use super::board::line::{GpioLine, Pin};
use super::{Event, Problem, Queue, Touch};
use crate::ground::time::{Duration, Instant};
use crate::shell::poller::{Registry, Source};

/// All GPIO lines of a board.
#[derive(Debug)]
pub(super) struct Gpio {
    /// Where the chips' devices are.
    folder: PathBuf,
    registry: Registry,
    wires: Vec<Wire>,
    /// A bank's place is its number in `Source::Panel`.
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
    pub(super) fn new(folder: &Path, registry: Registry) -> Gpio {
        Gpio {
            folder: folder.to_path_buf(),
            registry,
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

    /// Asks for every line that we don't have. Positions of those that come go into `events`.
    pub(super) fn open(&mut self, now: Instant, events: &mut Queue) {
        let missing = (0..self.wires.len()).filter(|&at| self.wires[at].at.is_none());
        let missing: Vec<usize> = missing.collect();
        let chips = Chips::scan(&self.folder);
        let mut found: Vec<(Spot, usize)> = Vec::new();
        let pins: Vec<&Pin> = missing.iter().map(|&at| &self.wires[at].line.pin).collect();
        for (&wire, spot) in missing.iter().zip(chips.locate(&pins)) {
            match spot {
                Ok(spot) => found.push((spot, wire)),
                Err(problem) => self.wires[wire].problem = Some(problem),
            }
        }
        while let Some(&(first, like)) = found.first() {
            let alike = |&(spot, wire): &(Spot, usize)| {
                spot.chip == first.chip && self.wires[wire].is_like(&self.wires[like])
            };
            let (mut group, rest): (Vec<_>, Vec<_>) = found.iter().copied().partition(alike);
            let beyond = group.split_off(group.len().min(NUM_LINES_MAX));
            found = rest.into_iter().chain(beyond).collect();
            self.open_group(now, &chips.found[first.chip], &group, events);
        }
        let all = self.wires.iter().all(|wire| wire.at.is_some());
        self.retry.plan(now, all);
    }

    /// Asks for lines of one chip together, or else for each alone.
    fn open_group(
        &mut self,
        now: Instant,
        chip: &Chip,
        group: &[(Spot, usize)],
        events: &mut Queue,
    ) {
        let members: Vec<(usize, u32)> = group
            .iter()
            .map(|(spot, wire)| (*wire, spot.offset))
            .collect();
        let Err(error) = self.open_bank(now, chip, &members, events) else {
            return;
        };
        match members[..] {
            [(wire, offset)] => {
                self.wires[wire].problem = Some(refused(error, &chip.file, offset));
            }
            _ => {
                for one in group {
                    self.open_group(now, chip, &[*one], events);
                }
            }
        }
    }

    fn open_bank(
        &mut self,
        now: Instant,
        chip: &Chip,
        members: &[(usize, u32)],
        events: &mut Queue,
    ) -> Result<(), Errno> {
        let (wire, _) = members[0];
        let is_button = matches!(self.wires[wire].end, End::Button { .. });
        let uses: &[Use] = match self.wires[wire].line.poll {
            _ if !is_button => &[Use::Output],
            Some(_) => &[Use::Input(Watching::Polling)],
            None => &[
                Use::Input(Watching::Edges),
                Use::Input(Watching::RawEdges),
                Use::Input(Watching::Polling),
            ],
        };
        let mut result = Err(Errno::INVAL);
        for &wanted in uses {
            result = self.ask(chip, members, wanted).map(|file| (file, wanted));
            if result
                .as_ref()
                .err()
                .is_none_or(|error| !is_worth_less(*error))
            {
                break;
            }
        }
        let (file, wanted) = result?;
        self.settle_in(now, file, wanted, members, events)
    }

    fn ask(&self, chip: &Chip, members: &[(usize, u32)], wanted: Use) -> Result<File, Errno> {
        let offsets: Vec<u32> = members.iter().map(|(_, offset)| *offset).collect();
        let mut values = LineValues::default();
        for (at, (wire, _)) in members.iter().enumerate() {
            let lit = matches!(self.wires[*wire].end, End::Light { lit: true });
            values.set(at, lit);
        }
        let (first, _) = members[0];
        request(
            &chip.file,
            &offsets,
            &self.wires[first].line,
            wanted,
            values,
        )
    }

    /// Takes a bank in: watches it, and reports where its buttons are.
    fn settle_in(
        &mut self,
        now: Instant,
        file: File,
        wanted: Use,
        members: &[(usize, u32)],
        events: &mut Queue,
    ) -> Result<(), Errno> {
        let free = self.banks.iter().position(Option::is_none);
        let at = free.unwrap_or(self.banks.len());
        // Beyond that number a lamp's bank is not watched: that it has gone is seen at the next change.
        match u8::try_from(at).ok().filter(|which| *which < BANKS) {
            Some(which) => self
                .registry
                .add(&file, Source::Panel(which))
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?,
            None if wanted == Use::Output => {}
            None => return Err(Errno::MFILE),
        }
        let (first, _) = members[0];
        let line = &self.wires[first].line;
        let every = line.poll.unwrap_or(POLL);
        let bank = Bank {
            file,
            wanted,
            members: members.to_vec(),
            changed: LineValues::default(),
            edge: None,
            gap: false,
            next: (wanted == Use::Input(Watching::Polling)).then(|| (now + every, every)),
        };
        let is_second_best = line.poll.is_none() && bank.next.is_some();
        for (place, (wire, _)) in members.iter().enumerate() {
            let wire = &mut self.wires[*wire];
            wire.at = Some((at, place));
            wire.problem = None;
            if is_second_best {
                info!(
                    "{} sends no edges: it is read every {} ms; `poll` in the board says so at once",
                    wire.label,
                    POLL.as_millis()
                );
            }
        }
        if at == self.banks.len() {
            self.banks.push(None);
        }
        self.banks[at] = Some(bank);
        if wanted != Use::Output {
            self.reread(now, at, events);
        }
        Ok(())
    }

    /// `Source::Panel(which)` is ready: edges, or the end of a bank.
    pub(super) fn handle_readable(&mut self, now: Instant, which: u8, events: &mut Queue) {
        let at = usize::from(which);
        let mut buf = [0; BATCH * EDGE];
        let Some(Some(bank)) = self.banks.get(at) else {
            return;
        };
        let words = match v2::read_event(&bank.file, &mut buf).map_err(errno) {
            // Never from a chip; a descriptor that has ended would be ready for ever.
            Ok(0) => return self.lose(now, at, Errno::IO),
            Ok(words) => words,
            Err(Errno::AGAIN | Errno::INTR) => return,
            Err(error) => return self.lose(now, at, error),
        };
        for words in buf[..words].chunks_exact(EDGE) {
            if let Ok(edge) = LineEdgeEvent::from_slice(words) {
                self.handle_edge(now, at, edge, events);
            }
        }
        // Once all that is left has been read, the levels are newer than any edge.
        let drained = words < buf.len();
        if drained
            && let Some(Some(bank)) = self.banks.get_mut(at)
            && bank.gap
        {
            bank.gap = false;
            self.reread(now, at, events);
        }
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

    /// Writes what has changed: one call for each bank.
    pub(super) fn flush(&mut self, now: Instant) {
        for at in 0..self.banks.len() {
            let Some(bank) = &mut self.banks[at] else {
                continue;
            };
            let changed = std::mem::take(&mut bank.changed);
            if changed.mask == 0 {
                continue;
            }
            if let Err(error) = v2::set_line_values(&bank.file, &changed) {
                self.lose(now, at, errno(error));
            }
        }
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
            return self.lose(now, at, errno(error));
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

impl Wire {
    /// Whether both can be in one bank, if they are on one chip.
    fn is_like(&self, other: &Wire) -> bool {
        let key = |wire: &Wire| {
            let GpioLine {
                pin: _,
                active_low,
                bias,
                debounce,
                poll,
            } = wire.line;
            let is_button = matches!(wire.end, End::Button { .. });
            (active_low, bias, debounce, poll, is_button)
        };
        key(self) == key(other)
    }
}

/// When to look again for what is missing.
#[derive(Debug)]
pub(super) struct Retry {
    at: Option<Instant>,
    wait: Duration,
}

impl Retry {
    const FIRST: Duration = Duration::from_secs(5);
    const LAST: Duration = Duration::from_secs(60);

    /// Nothing is missing.
    pub(super) const fn new() -> Retry {
        Retry {
            at: None,
            wait: Retry::FIRST,
        }
    }

    /// Something has gone missing.
    pub(super) fn begin(&mut self, now: Instant) {
        self.wait = Retry::FIRST;
        self.plan(now, false);
    }

    /// We have looked: everything is there, or later again.
    pub(super) fn plan(&mut self, now: Instant, all: bool) {
        if all {
            *self = Retry::new();
        } else {
            self.at = Some(now + self.wait);
            self.wait = (self.wait * 2).min(Retry::LAST);
        }
    }

    /// Whether to look now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// When to look.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.at
    }
}

/// Numbers in `Source::Panel` that are banks.
pub(super) const BANKS: u8 = 192;

/// Where a chip turns out to have no interrupts.
const POLL: Duration = Duration::from_millis(20);

/// Edges read at once, and the words of each.
const BATCH: usize = 16;
const EDGE: usize = size_of::<LineEdgeEvent>() / 8;

#[cfg(test)]
mod tests;

//! Getting lines from the kernel: together where they are used alike, each alone where one of them can't be had.

use std::fs::File;
use std::vec::Vec;

use gpiocdev_uapi::v2::{LineValues, NUM_LINES_MAX};
use log::info;
use rustix::io::Errno;

use super::chips::{Chip, Chips, Spot};
use super::request::{Use, Watching, is_worth_less, refused, request};
use super::{Bank, End, Gpio, GpioLine, Pin, Queue, Wire};
use crate::ground::time::{Duration, Instant};

impl Gpio {
    /// Asks for every line that we don't have. Positions of those that come go into `events`.
    pub(in crate::shell::panel) fn open(&mut self, now: Instant, events: &mut Queue) {
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
        if self.ports.has(at) {
            let added = self.ports.add(&file, at);
            added.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        } else if wanted != Use::Output {
            return Err(Errno::MFILE);
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

/// Where a chip turns out to have no interrupts.
const POLL: Duration = Duration::from_millis(20);

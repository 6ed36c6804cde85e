//! LEDs of the kernel's LED class as the panel's driver. What the kernel can blink it does.

use std::boxed::Box;
use std::format;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use log::info;

use super::{Led, Plugs, ROOT};
use crate::ground::time::{Duration, Instant};
use crate::shell::panel::board::Output;
use crate::shell::panel::driver::{Driver, End, Kind, Ports, Wiring};
use crate::shell::panel::lights::{Lights, Switches};
use crate::shell::panel::retry::Retry;
use crate::shell::panel::{Problem, Queue};
use crate::users::lamps::Look;

/// LEDs; a port for the news of those that come and go.
pub(in crate::shell::panel) const KIND: Kind = Kind { ports: 1, open };

/// The LEDs of the board, and what they show.
#[derive(Debug)]
struct LedsDriver {
    bulbs: Bulbs,
    lights: Lights,
    /// Tells of LEDs that come and go.
    plugs: Option<Plugs>,
}

#[derive(Debug)]
struct Bulbs {
    all: Vec<Bulb>,
    /// When those that are missing are looked for again.
    retry: Retry,
    /// One has failed that nobody was told of yet.
    is_upset: bool,
}

#[derive(Debug)]
struct Bulb {
    /// The board's number of its line.
    line: usize,
    name: String,
    led: Result<Led, Problem>,
}

fn open(
    wiring: &Wiring<'_>,
    ports: &Ports,
    now: Instant,
    _: &mut Queue,
) -> Option<Box<dyn Driver>> {
    let (mut all, mut lights) = (Vec::new(), Lights::new());
    for (number, it) in wiring.lines.iter().enumerate() {
        match it.end {
            End::Light(part, Output::Led(line)) => {
                lights.add(part, all.len());
                all.push(Bulb {
                    line: number,
                    led: Led::open(Path::new(ROOT), &line.name),
                    name: line.name.clone(),
                });
            }
            End::Light(_, Output::Gpio(_)) | End::Button(..) => {}
        }
    }
    if lights.is_empty() {
        return None;
    }
    let mut bulbs = Bulbs {
        all,
        retry: Retry::new(),
        is_upset: false,
    };
    bulbs.plan(now);
    Some(Box::new(LedsDriver {
        bulbs,
        lights,
        plugs: hear(ports),
    }))
}

/// Listens for LEDs that come and go. Without it, one that goes is noticed when its lamp changes.
fn hear(ports: &Ports) -> Option<Plugs> {
    let heard = Plugs::listen().and_then(|plugs| {
        ports.add(&plugs, 0)?;
        Ok(plugs)
    });
    if let Err(error) = &heard {
        info!("LEDs that come and go will not be noticed at once: {error}");
    }
    heard.ok()
}

impl LedsDriver {
    fn reopen(&mut self, now: Instant) {
        for at in 0..self.bulbs.all.len() {
            let bulb = &mut self.bulbs.all[at];
            if bulb.led.is_ok() {
                continue;
            }
            bulb.led = Led::open(Path::new(ROOT), &bulb.name);
            if bulb.led.is_ok() {
                self.lights.resume(now, at, &mut self.bulbs);
            }
        }
        self.bulbs.plan(now);
    }
}

impl Driver for LedsDriver {
    fn show(&mut self, now: Instant, lamp: usize, look: Look) {
        self.lights.show(now, lamp, look, &mut self.bulbs);
    }

    fn flush(&mut self, now: Instant) -> bool {
        self.lights.plan(now);
        !std::mem::take(&mut self.bulbs.is_upset)
    }

    /// An LED may have come or gone.
    fn handle_readable(&mut self, now: Instant, _: u8, _: &mut Queue) {
        if !self.plugs.as_ref().is_some_and(Plugs::drain) {
            return;
        }
        for at in 0..self.bulbs.all.len() {
            if let Ok(led) = &self.bulbs.all[at].led
                && !led.is_there()
            {
                self.bulbs.lose(now, at, gone("it was unplugged"));
            }
        }
        self.reopen(now);
    }

    fn handle_timeout(&mut self, now: Instant, _: &mut Queue) {
        if self.bulbs.retry.is_due(now) {
            self.reopen(now);
        }
        self.lights.beat(now, &mut self.bulbs);
    }

    fn deadline(&self) -> Option<Instant> {
        let all = [self.lights.deadline(), self.bulbs.retry.deadline()];
        all.into_iter().flatten().min()
    }

    fn trouble(&self, line: usize) -> Option<&Problem> {
        let bulb = self.bulbs.all.iter().find(|bulb| bulb.line == line)?;
        bulb.led.as_ref().err()
    }

    fn end(&mut self) {
        self.lights.darken(&mut self.bulbs);
    }
}

impl Switches for Bulbs {
    fn set(&mut self, now: Instant, switch: usize, lit: bool) -> bool {
        let Ok(led) = &mut self.all[switch].led else {
            return false;
        };
        match led.set(lit) {
            Ok(()) => true,
            Err(error) => self.lose(now, switch, gone(error)),
        }
    }

    fn blink(&mut self, now: Instant, switch: usize, lit: Duration, dark: Duration) -> bool {
        let Ok(led) = &mut self.all[switch].led else {
            return false;
        };
        match led.blink(lit, dark) {
            Ok(blinks) => blinks,
            Err(error) => self.lose(now, switch, gone(error)),
        }
    }
}

impl Bulbs {
    /// It has gone; always `false`, for it is not there.
    fn lose(&mut self, now: Instant, at: usize, problem: Problem) -> bool {
        self.all[at].led = Err(problem);
        self.is_upset = true;
        self.retry.begin(now);
        false
    }

    fn plan(&mut self, now: Instant) {
        let all = self.all.iter().all(|bulb| bulb.led.is_ok());
        self.retry.plan(now, all);
    }
}

/// An LED that worked and does so no more.
fn gone(why: impl std::fmt::Display) -> Problem {
    Problem::new(
        format!("has gone: {why}"),
        "plug it in again, or load its driver; it is found within a minute",
    )
}

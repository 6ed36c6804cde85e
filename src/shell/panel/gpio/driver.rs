//! GPIO lines as the panel's driver.

use std::boxed::Box;
use std::path::Path;
use std::vec::Vec;

use super::Gpio;
use crate::ground::time::Instant;
use crate::shell::panel::board::{Input, Output};
use crate::shell::panel::driver::{Driver, End, Kind, Ports, Wiring};
use crate::shell::panel::lights::{Lights, Switches};
use crate::shell::panel::{Problem, Queue};
use crate::users::lamps::Look;

/// Lines of GPIO chips; a port for each bank that is watched.
pub(in crate::shell::panel) const KIND: Kind = Kind { ports: 192, open };

/// GPIO lines, and the elements that they light.
#[derive(Debug)]
struct GpioDriver {
    gpio: Gpio,
    /// The board's number of each line.
    lines: Vec<usize>,
    lights: Lights,
}

fn open(
    wiring: &Wiring<'_>,
    ports: &Ports,
    now: Instant,
    events: &mut Queue,
) -> Option<Box<dyn Driver>> {
    let mut gpio = Gpio::new(Path::new("/dev"), ports.clone());
    let (mut lines, mut lights) = (Vec::new(), Lights::new());
    for (number, it) in wiring.lines.iter().enumerate() {
        match it.end {
            End::Button(button, Input::Gpio(line)) => {
                gpio.add_button(line, it.label.clone(), button);
            }
            End::Light(part, Output::Gpio(line)) => {
                lights.add(part, gpio.add_light(line, it.label.clone()));
            }
            End::Button(_, Input::Key(_)) | End::Light(_, Output::Led(_)) => continue,
        }
        lines.push(number);
    }
    if lines.is_empty() {
        return None;
    }
    gpio.open(now, events);
    Some(Box::new(GpioDriver {
        gpio,
        lines,
        lights,
    }))
}

impl Driver for GpioDriver {
    fn show(&mut self, now: Instant, lamp: usize, look: Look) {
        self.lights.show(now, lamp, look, &mut self.gpio);
    }

    fn flush(&mut self, now: Instant) -> bool {
        self.lights.plan(now);
        self.gpio.flush(now)
    }

    fn handle_readable(&mut self, now: Instant, port: u8, events: &mut Queue) {
        self.gpio.handle_readable(now, port, events);
    }

    fn handle_timeout(&mut self, now: Instant, events: &mut Queue) {
        self.gpio.handle_timeout(now, events);
        self.lights.beat(now, &mut self.gpio);
    }

    fn deadline(&self) -> Option<Instant> {
        let all = [self.gpio.deadline(), self.lights.deadline()];
        all.into_iter().flatten().min()
    }

    fn trouble(&self, line: usize) -> Option<&Problem> {
        let at = self.lines.iter().position(|number| *number == line)?;
        self.gpio.problem(at)
    }

    fn end(&mut self) {
        self.lights.darken(&mut self.gpio);
        self.gpio.flush(Instant::ZERO);
    }
}

impl Switches for Gpio {
    /// One whose bank is away keeps what it shall show.
    fn set(&mut self, _: Instant, switch: usize, lit: bool) -> bool {
        Gpio::set(self, switch, lit);
        true
    }
}

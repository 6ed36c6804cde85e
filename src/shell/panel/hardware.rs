//! The panel of a board whose lines are real: it knows whose they are, and leaves each kind to its driver.

use std::format;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use log::{info, warn};

use super::board::line::KeyLine;
use super::board::{Board, Hue, Input, Output, Placed};
use super::face::Face;
use super::gpio::{BANKS, Gpio};
use super::keys::Keys;
use super::leds::{self, Led, Plugs};
use super::retry::Retry;
use super::rhythm::{Hues, Rhythm};
use super::{Event, Problem, Queue, Trouble};
use crate::ground::time::{Duration, Instant};
use crate::shell::journal::Limiter;
use crate::shell::poller::{Registry, Source};
use crate::users::lamps::Look;

/// Lines of this machine.
#[derive(Debug)]
pub struct Hardware {
    face: Face,
    file: String,
    wires: Vec<Wire>,
    gpio: Gpio,
    keys: Keys,
    lights: Vec<Light>,
    /// Tells of LEDs that come and go; only for a board that has some.
    plugs: Option<Plugs>,
    /// When LEDs that are missing are looked for again.
    retry: Retry,
    /// When the test of the lamps began.
    test: Option<Instant>,
    events: Queue,
    healthy: Option<bool>,
    /// Something has failed that nobody was told of yet, since then.
    upset: Option<Instant>,
    deadline: Option<Instant>,
}

/// A line as the board's file names it.
#[derive(Debug)]
struct Wire {
    row: usize,
    text: String,
    part: &'static str,
    name: String,
    driver: Driver,
    /// What was said to be wrong with it.
    told: Option<String>,
    /// A loose contact says the same all night.
    limiter: Limiter,
}

/// Who has a line, and as which number.
#[derive(Clone, Copy, Debug)]
enum Driver {
    Gpio(usize),
    /// A button's number.
    Key(usize),
    /// An element's number.
    Led(usize),
}

/// An element of a lamp.
#[derive(Debug)]
struct Light {
    lamp: usize,
    hue: Hue,
    /// All elements of its lamp.
    siblings: Hues,
    bulb: Bulb,
    rhythm: Rhythm,
    /// Whether we blink it; the kernel may do so.
    blinks: bool,
}

#[derive(Debug)]
enum Bulb {
    Gpio(usize),
    Led(String, Result<Led, Problem>),
}

/// `Source::Panel` of the LEDs' news, behind the input devices.
const PLUGS: u8 = u8::MAX;

/// How long each element is lit alone.
const TEST: Duration = Duration::from_secs(1);

impl Hardware {
    /// Asks for every line of the board; those that can't be had are tried again later.
    pub fn open(board: &Board, registry: &Registry, now: Instant) -> Hardware {
        let mut wires = Vec::new();
        let mut gpio = Gpio::new(Path::new("/dev"), registry.clone());
        let mut keys: Vec<(usize, KeyLine)> = Vec::new();
        for (button, it) in board.buttons.iter().enumerate() {
            let Some(input) = &it.input else { continue };
            let driver = match &input.value {
                Input::Gpio(line) => {
                    let label = label(&board.file, input, "button", &it.name);
                    Driver::Gpio(gpio.add_button(line, label, button))
                }
                Input::Key(line) => {
                    keys.push((button, line.clone()));
                    Driver::Key(button)
                }
            };
            wires.push(Wire::new(input, "button", &it.name, driver));
        }
        let mut lights = Vec::new();
        for (lamp, it) in board.lamps.iter().enumerate() {
            let siblings = Hues::all(it.elements.iter().map(|element| element.hue));
            for element in &it.elements {
                let Some(output) = &element.output else {
                    continue;
                };
                let (driver, bulb) = match &output.value {
                    Output::Gpio(line) => {
                        let at = gpio.add_light(line, label(&board.file, output, "lamp", &it.name));
                        (Driver::Gpio(at), Bulb::Gpio(at))
                    }
                    Output::Led(line) => {
                        let led = Led::open(Path::new(leds::ROOT), &line.name);
                        (Driver::Led(lights.len()), Bulb::Led(line.name.clone(), led))
                    }
                };
                wires.push(Wire::new(output, element.hue.name(), &it.name, driver));
                lights.push(Light {
                    lamp,
                    hue: element.hue,
                    siblings,
                    bulb,
                    rhythm: Rhythm::Dark,
                    blinks: false,
                });
            }
        }
        let mut events = Queue::new();
        gpio.open(now, &mut events);
        let keys = Keys::open(&keys, registry, BANKS);
        keys.positions()
            .for_each(|it| events.push(Event::Position(it)));
        let has_leds = lights
            .iter()
            .any(|light| matches!(light.bulb, Bulb::Led(..)));
        let mut panel = Hardware {
            plugs: has_leds.then(|| hear_of_leds(registry)).flatten(),
            face: Face::new(board),
            file: board.file.clone(),
            wires,
            gpio,
            keys,
            lights,
            retry: Retry::new(),
            test: None,
            events,
            healthy: None,
            upset: None,
            deadline: None,
        };
        panel.plan_leds(now);
        panel.settle(now);
        panel
    }

    /// Has the lamp at `lamp` show `look`.
    pub fn show(&mut self, now: Instant, lamp: usize, look: Look) {
        self.face.show(lamp, look);
        // All of them: the next step of a test may be due, and is planned anew here.
        self.relight_all(now);
        self.beat(now);
    }

    /// `Source::Panel(which)` is ready.
    pub fn handle_readable(&mut self, now: Instant, which: u8) {
        match which {
            PLUGS => self.handle_plugs(now),
            BANKS.. => self.keys.handle_readable(now, which, &mut self.events),
            _ => self.gpio.handle_readable(now, which, &mut self.events),
        }
        self.settle(now);
    }

    /// [`Hardware::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.gpio.handle_timeout(now, &mut self.events);
        if self.keys.deadline().is_some_and(|deadline| deadline <= now) {
            self.keys.handle_timeout(now, &mut self.events);
        }
        if self.retry.is_due(now) {
            self.reopen_leds(now);
        }
        if self.test.is_some() {
            self.relight_all(now);
        }
        self.beat(now);
        self.settle(now);
    }

    /// When [`Hardware::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Nobody vouches for the lamps any more: they go dark. What the kernel blinks goes on, as the last that it was
    /// told is *unknown*.
    pub fn end(&mut self) {
        for light in &mut self.lights {
            if light.blinks || light.rhythm.phases().is_none() {
                let _ = light.set(false, &mut self.gpio); // One that does not work is dark.
            }
        }
        self.gpio.flush(Instant::ZERO);
    }

    /// What has happened. The face knows it from then on.
    pub fn take_event(&mut self) -> Option<Event> {
        let event = self.events.take()?;
        if let Event::Edge(touch) | Event::Position(touch) = event
            && let Some(button) = self.face.buttons.get_mut(touch.button)
        {
            button.pressed = Some(touch.pressed);
        }
        Some(event)
    }

    /// Lights every element alone, one after the other; a test under way begins again.
    pub fn test(&mut self, now: Instant) {
        self.test = Some(now);
        self.relight_all(now);
        self.beat(now);
    }

    /// What does not work.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble<'_>> {
        self.wires.iter().filter_map(|wire| {
            let problem = self.problem(wire.driver)?;
            Some(wire.trouble(&self.file, problem))
        })
    }

    pub(super) fn face(&self) -> &Face {
        &self.face
    }

    /// Gives all elements the rhythms that they should have; a test that is over ends.
    fn relight_all(&mut self, now: Instant) {
        if self.tested(now).is_none() {
            self.test = None;
        }
        for at in 0..self.lights.len() {
            self.relight(now, at);
        }
    }

    /// The element that a test lights now.
    fn tested(&self, now: Instant) -> Option<usize> {
        let second = (now - self.test?).as_micros() / TEST.as_micros();
        let at = usize::try_from(second).unwrap_or(usize::MAX);
        (at < self.lights.len()).then_some(at)
    }

    /// Gives an element the rhythm that it should have.
    fn relight(&mut self, now: Instant, at: usize) {
        let tested = self.tested(now);
        let light = &mut self.lights[at];
        let look = self.face.lamps[light.lamp].look.unwrap_or_default();
        let rhythm = match tested {
            Some(tested) if tested == at => Rhythm::Lit,
            Some(_) => Rhythm::Dark,
            None => Rhythm::of(look, light.hue, light.siblings),
        };
        if light.rhythm == rhythm {
            return;
        }
        light.rhythm = rhythm;
        if let Err(problem) = light.begin(now, &mut self.gpio) {
            self.lose_led(now, at, problem);
        }
    }

    /// Lights what blinks as it must be now, and writes it.
    fn beat(&mut self, now: Instant) {
        for at in 0..self.lights.len() {
            let light = &mut self.lights[at];
            if light.blinks
                && let Err(problem) = light.set(light.rhythm.is_lit(now), &mut self.gpio)
            {
                self.lose_led(now, at, problem);
            }
        }
        if !self.gpio.flush(now) {
            self.upset = Some(now);
        }
        self.plan(now);
    }

    /// After anything that may have changed what works: says so, and plans ahead.
    fn settle(&mut self, now: Instant) {
        for at in 0..self.wires.len() {
            self.tell(now, at);
        }
        let healthy = self.wires.iter().all(|wire| wire.told.is_none());
        if self.healthy.replace(healthy) != Some(healthy) {
            self.events.push(Event::Health(healthy));
        }
        self.upset = None;
        self.plan(now);
    }

    /// A line in the log when a line of the board fails, or works again.
    fn tell(&mut self, now: Instant, at: usize) {
        let wire = &self.wires[at];
        let problem = self.problem(wire.driver);
        if problem.map(|it| &it.what) == wire.told.as_ref() {
            return;
        }
        let mut limiter = wire.limiter;
        match problem {
            _ if limiter.admit(now).is_none() => {}
            Some(problem) => warn!("{:#}", wire.trouble(&self.file, problem)),
            None => info!("the line {} of \"{}\" works now", wire.text, wire.name),
        }
        let told = problem.map(|it| it.what.clone());
        (self.wires[at].told, self.wires[at].limiter) = (told, limiter);
    }

    fn problem(&self, driver: Driver) -> Option<&Problem> {
        match driver {
            Driver::Gpio(at) => self.gpio.problem(at),
            Driver::Key(button) => {
                let mut all = self.keys.troubles();
                all.find_map(|(at, problem)| (at == button).then_some(problem))
            }
            Driver::Led(at) => match &self.lights[at].bulb {
                Bulb::Led(_, Err(problem)) => Some(problem),
                Bulb::Led(_, Ok(_)) | Bulb::Gpio(_) => None,
            },
        }
    }

    fn plan(&mut self, now: Instant) {
        let blinking = self.lights.iter().filter(|light| light.blinks);
        let blink = blinking.filter_map(|light| light.rhythm.next(now)).min();
        let step = self.test.map(|began| {
            let steps = (now - began).as_micros() / TEST.as_micros() + 1;
            began + TEST * u32::try_from(steps).unwrap_or(u32::MAX)
        });
        let all = [
            blink,
            step,
            self.upset,
            self.gpio.deadline(),
            self.keys.deadline(),
            self.retry.deadline(),
        ];
        self.deadline = all.into_iter().flatten().min();
    }

    fn lose_led(&mut self, now: Instant, at: usize, problem: Problem) {
        if let Bulb::Led(_, led) = &mut self.lights[at].bulb {
            *led = Err(problem);
        }
        self.lights[at].blinks = false;
        self.upset = Some(now);
        self.retry.begin(now);
    }

    /// An LED may have come or gone.
    fn handle_plugs(&mut self, now: Instant) {
        if !self.plugs.as_ref().is_some_and(Plugs::drain) {
            return;
        }
        for at in 0..self.lights.len() {
            if let Bulb::Led(_, Ok(led)) = &self.lights[at].bulb
                && !led.is_there()
            {
                self.lose_led(now, at, gone("it was unplugged"));
            }
        }
        self.reopen_leds(now);
        self.plan(now);
    }

    fn reopen_leds(&mut self, now: Instant) {
        for at in 0..self.lights.len() {
            let light = &mut self.lights[at];
            let Bulb::Led(name, led @ Err(_)) = &mut light.bulb else {
                continue;
            };
            *led = Led::open(Path::new(leds::ROOT), name);
            if led.is_ok()
                && let Err(problem) = light.begin(now, &mut self.gpio)
            {
                self.lose_led(now, at, problem);
            }
        }
        self.plan_leds(now);
    }

    fn plan_leds(&mut self, now: Instant) {
        let mut bulbs = self.lights.iter().map(|light| &light.bulb);
        let all = !bulbs.any(|bulb| matches!(bulb, Bulb::Led(_, Err(_))));
        self.retry.plan(now, all);
    }
}

impl Light {
    /// Begins its rhythm: what the kernel can blink it does.
    fn begin(&mut self, now: Instant, gpio: &mut Gpio) -> Result<(), Problem> {
        self.blinks = false;
        if let (Some((lit, dark)), Bulb::Led(_, Ok(led))) = (self.rhythm.phases(), &mut self.bulb)
            && led.blink(lit, dark).map_err(gone)?
        {
            return Ok(());
        }
        self.blinks = self.rhythm.phases().is_some();
        self.set(self.rhythm.is_lit(now), gpio)
    }

    fn set(&mut self, lit: bool, gpio: &mut Gpio) -> Result<(), Problem> {
        match &mut self.bulb {
            Bulb::Gpio(at) => gpio.set(*at, lit),
            Bulb::Led(_, Ok(led)) => led.set(lit).map_err(gone)?,
            Bulb::Led(_, Err(_)) => {}
        }
        Ok(())
    }
}

impl Wire {
    fn new<T>(placed: &Placed<T>, part: &'static str, name: &str, driver: Driver) -> Wire {
        Wire {
            row: placed.row,
            text: placed.text.clone(),
            part,
            name: String::from(name),
            driver,
            told: None,
            limiter: Limiter::new(),
        }
    }

    fn trouble<'a>(&'a self, file: &'a str, problem: &'a Problem) -> Trouble<'a> {
        Trouble {
            file,
            row: self.row,
            line: &self.text,
            part: self.part,
            name: &self.name,
            problem,
        }
    }
}

/// A line and whose it is, for the log.
fn label<T>(file: &str, placed: &Placed<T>, whose: &str, name: &str) -> String {
    let Placed { row, text, .. } = placed;
    format!("{file}:{row}: the line {text} of {whose} \"{name}\"")
}

/// Listens for LEDs that come and go. Without it, one that goes is noticed when its lamp changes.
fn hear_of_leds(registry: &Registry) -> Option<Plugs> {
    let heard = Plugs::listen().and_then(|plugs| {
        registry.add(&plugs, Source::Panel(PLUGS))?;
        Ok(plugs)
    });
    if let Err(error) = &heard {
        info!("LEDs that come and go will not be noticed at once: {error}");
    }
    heard.ok()
}

/// An LED that worked and does so no more.
fn gone(why: impl std::fmt::Display) -> Problem {
    Problem::new(
        format!("has gone: {why}"),
        "plug it in again, or load its driver; it is found within a minute",
    )
}

#[cfg(test)]
mod tests;

//! LEDs of the kernel's LED class as the panel's driver. What the kernel can blink it does.

use std::boxed::Box;
use std::format;
use std::io;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use log::info;

use super::{Led, Plugs, ROOT, fits, missing, names};
use crate::ground::time::{Duration, Instant};
use crate::shell::panel::board::Output;
use crate::shell::panel::board::line::LedLine;
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

/// What a line of the board lights: an LED, or all those whose names fit a pattern.
#[derive(Debug)]
struct Bulb {
    /// The board's number of its line.
    line: usize,
    /// The lamp's place on the board.
    lamp: usize,
    named: LedLine,
    /// The percent of what it can that it shines with now, unless the board says less.
    dimmed: u8,
    /// Those that are there, by name.
    leds: Vec<(String, Led)>,
    /// What keeps one of them from being there.
    problem: Option<Problem>,
}

impl Bulb {
    /// Takes those that it has not yet. Whether there is a new one.
    fn look(&mut self, root: &Path) -> bool {
        let LedLine { name, bright } = &self.named;
        let bright = self.dimmed.min(*bright);
        let names = match name.contains('*') {
            true => names(root)
                .into_iter()
                .filter(|it| fits(it, name))
                .collect(),
            false => Vec::from([name.clone()]),
        };
        let had = self.leds.len();
        self.problem = names.is_empty().then(|| missing(root));
        for name in names {
            if self.leds.iter().any(|(other, _)| *other == name) {
                continue;
            }
            match Led::open(root, &name, bright) {
                Ok(led) => self.leds.push((name, led)),
                Err(problem) => self.problem = Some(problem),
            }
        }
        self.leds.len() > had
    }

    /// Has its LEDs shine so, the next time that they are lit.
    fn dim(&mut self, percent: u8) {
        self.dimmed = percent;
        let bright = percent.min(self.named.bright);
        self.leds.iter_mut().for_each(|(_, led)| led.dim(bright));
    }

    /// Whether it may be more than it has.
    fn may_grow(&self) -> bool {
        self.problem.is_some() || self.named.name.contains('*')
    }
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
                let mut bulb = Bulb {
                    line: number,
                    lamp: part.lamp,
                    named: line.clone(),
                    dimmed: 100,
                    leds: Vec::new(),
                    problem: None,
                };
                bulb.look(Path::new(ROOT));
                all.push(bulb);
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
            if bulb.may_grow() && bulb.look(Path::new(ROOT)) {
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

    fn dim(&mut self, now: Instant, lamp: usize, percent: u8) {
        for at in 0..self.bulbs.all.len() {
            if self.bulbs.all[at].lamp == lamp {
                self.bulbs.all[at].dim(percent);
                self.lights.resume(now, at, &mut self.bulbs);
            }
        }
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
            let leds = &mut self.bulbs.all[at].leds;
            let had = leds.len();
            leds.retain(|(_, led)| led.is_there());
            if leds.len() < had {
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
        bulb.problem.as_ref()
    }

    fn end(&mut self) {
        self.lights.darken(&mut self.bulbs);
    }
}

impl Switches for Bulbs {
    fn set(&mut self, now: Instant, switch: usize, lit: bool) -> bool {
        self.each(now, switch, |led| led.set(lit).map(|()| true))
    }

    /// All of them, or none.
    fn blink(&mut self, now: Instant, switch: usize, lit: Duration, dark: Duration) -> bool {
        self.each(now, switch, |led| led.blink(lit, dark))
    }
}

impl Bulbs {
    /// Does something with each LED behind the switch; those that fail have gone. Whether all that are left say yes, and
    /// there is one.
    fn each(
        &mut self,
        now: Instant,
        switch: usize,
        mut how: impl FnMut(&mut Led) -> io::Result<bool>,
    ) -> bool {
        let (mut agree, mut failed) = (true, None);
        let leds = &mut self.all[switch].leds;
        leds.retain_mut(|(_, led)| match how(led) {
            Ok(yes) => {
                agree &= yes;
                true
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        agree &= !leds.is_empty();
        if let Some(error) = failed {
            self.lose(now, switch, gone(error));
        }
        agree
    }

    /// One behind the switch has gone.
    fn lose(&mut self, now: Instant, at: usize, problem: Problem) {
        self.all[at].problem = Some(problem);
        self.is_upset = true;
        self.retry.begin(now);
    }

    fn plan(&mut self, now: Instant) {
        let all = self.all.iter().all(|bulb| bulb.problem.is_none());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::panel::board::Hue;
    use crate::shell::panel::lights::Part;
    use crate::shell::panel::rhythm::Hues;
    use std::fs;
    use std::path::PathBuf;

    /// Lights as folders of plain files, taken away with the test.
    struct Lamps(PathBuf);

    impl Lamps {
        fn new(test: &str) -> Lamps {
            let name = format!("lampfield-bulbs-{test}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a folder");
            Lamps(path)
        }

        fn plug(&self, name: &str, max: &str) {
            fs::create_dir(self.0.join(name)).expect("a folder");
            for (file, text) in [
                ("brightness", "9\n"),
                ("max_brightness", max),
                ("trigger", ""),
            ] {
                fs::write(self.0.join(name).join(file), text).expect("written");
            }
        }

        fn unplug(&self, name: &str) {
            fs::remove_dir_all(self.0.join(name)).expect("removed");
        }

        fn shines(&self, name: &str) -> String {
            let text = fs::read_to_string(self.0.join(name).join("brightness")).expect("there");
            text.lines().next().unwrap_or_default().into()
        }

        fn bulb(&self, name: &str, bright: u8) -> Bulbs {
            let mut bulb = Bulb {
                line: 0,
                lamp: 0,
                dimmed: 100,
                named: LedLine {
                    name: name.into(),
                    bright,
                },
                leds: Vec::new(),
                problem: None,
            };
            bulb.look(&self.0);
            Bulbs {
                all: Vec::from([bulb]),
                retry: Retry::new(),
                is_upset: false,
            }
        }
    }

    impl Drop for Lamps {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
        }
    }

    const NOW: Instant = Instant::from_millis(60_000);

    #[test]
    fn a_pattern_lights_all_that_fit_it_as_bright_as_was_said() {
        let lamps = Lamps::new("pattern");
        for (name, max) in [
            ("luxafor3:red:led0", "255\n"),
            ("luxafor3:red:led1", "255\n"),
            ("luxafor3:green:led0", "255\n"),
        ] {
            lamps.plug(name, max);
        }
        let mut bulbs = lamps.bulb("luxafor*:red:led*", 40);
        assert!(bulbs.set(NOW, 0, true));
        let each = [
            "luxafor3:red:led0",
            "luxafor3:red:led1",
            "luxafor3:green:led0",
        ];
        assert_eq!(each.map(|it| lamps.shines(it)), ["102", "102", "9"]);
        assert!(bulbs.set(NOW, 0, false));
        assert_eq!(lamps.shines("luxafor3:red:led1"), "0");
        let dimmest = lamps.bulb("luxafor3:green:led0", 1).set(NOW, 0, true);
        assert!(dimmest);
        assert_eq!(lamps.shines("luxafor3:green:led0"), "2");
    }

    #[test]
    fn a_lamp_is_dimmed_as_it_shines_and_never_brighter_than_its_board_says() {
        let lamps = Lamps::new("dimmed");
        for (name, max) in [("desk:red", "255\n"), ("desk:plain", "1\n")] {
            lamps.plug(name, max);
        }
        let mut driver = LedsDriver {
            bulbs: lamps.bulb("desk:*", 40),
            lights: Lights::new(),
            plugs: None,
        };
        let part = Part {
            lamp: 0,
            hue: Hue::Red,
            siblings: Hues::only(Hue::Red),
        };
        driver.lights.add(part, 0);
        let shines = |lamps: &Lamps| ["desk:red", "desk:plain"].map(|it| lamps.shines(it));
        driver.show(NOW, 0, Look::parse("red").expect("a look"));
        assert_eq!(shines(&lamps), ["102", "1"]);
        driver.dim(NOW, 0, 10);
        assert_eq!(shines(&lamps), ["25", "1"], "one has no levels");
        driver.dim(NOW, 1, 1);
        assert_eq!(shines(&lamps), ["25", "1"], "another lamp's");
        driver.show(NOW, 0, Look::OFF);
        driver.dim(NOW, 0, 80);
        assert_eq!(shines(&lamps), ["0", "0"], "dark stays dark");
        driver.show(NOW, 0, Look::parse("red").expect("a look"));
        assert_eq!(shines(&lamps), ["102", "1"], "the board says 40");
        driver.dim(NOW, 0, 10);
        lamps.plug("desk:second", "255\n");
        assert!(driver.bulbs.all[0].look(&lamps.0), "a new one");
        driver.lights.resume(NOW, 0, &mut driver.bulbs);
        assert_eq!(lamps.shines("desk:second"), "25", "plugged in at night");
    }

    /// The number in its name is another one then.
    #[test]
    fn a_light_that_is_plugged_in_elsewhere_is_the_same_one() {
        let lamps = Lamps::new("elsewhere");
        let mut bulbs = lamps.bulb("thingm*:red:led0", 100);
        assert!(bulbs.all[0].problem.is_some(), "it is not there yet");
        assert!(!bulbs.set(NOW, 0, true));
        for name in ["thingm0:red:led0", "thingm7:red:led0"] {
            lamps.plug(name, "255\n");
            assert!(bulbs.all[0].look(&lamps.0), "a new one");
            assert!(!bulbs.all[0].look(&lamps.0), "the same");
            assert_eq!(bulbs.all[0].problem, None);
            assert!(bulbs.set(NOW, 0, true));
            assert_eq!(lamps.shines(name), "255");
            lamps.unplug(name);
            let leds = &mut bulbs.all[0].leds;
            leds.retain(|(_, led)| led.is_there());
            assert!(leds.is_empty());
        }
    }
}

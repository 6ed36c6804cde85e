//! Elements that a driver can only switch: looks become [rhythms](super::rhythm), and rhythms are beaten here unless
//! the driver has them beaten.

use std::vec::Vec;

use super::board::Hue;
use super::rhythm::{Hues, Rhythm};
use crate::ground::time::{Duration, Instant};
use crate::users::lamps::Look;

/// Which element of which lamp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The lamp's place on the board.
    pub(super) lamp: usize,
    pub(super) hue: Hue,
    /// All elements of its lamp, whoever lights them.
    pub(super) siblings: Hues,
}

/// What can be lit and darkened, by the driver's own numbers.
pub(super) trait Switches {
    /// Lights it or darkens it. `false` if it is not there.
    fn set(&mut self, now: Instant, switch: usize, lit: bool) -> bool;

    /// Has it blink by itself: lit and dark for so long, beginning lit. `false` if it must be switched for that.
    fn blink(&mut self, _: Instant, _switch: usize, _lit: Duration, _dark: Duration) -> bool {
        false
    }
}

/// The elements of a driver.
#[derive(Debug)]
pub(super) struct Lights {
    all: Vec<Light>,
    /// When one of them is switched next.
    next: Option<Instant>,
}

#[derive(Debug)]
struct Light {
    part: Part,
    switch: usize,
    rhythm: Rhythm,
    /// Whether we blink it.
    blinks: bool,
}

impl Lights {
    /// None.
    pub(super) const fn new() -> Lights {
        Lights {
            all: Vec::new(),
            next: None,
        }
    }

    /// Adds a dark element behind that switch.
    pub(super) fn add(&mut self, part: Part, switch: usize) {
        self.all.push(Light {
            part,
            switch,
            rhythm: Rhythm::Dark,
            blinks: false,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The lamp is to show `look`.
    pub(super) fn show(
        &mut self,
        now: Instant,
        lamp: usize,
        look: Look,
        switches: &mut impl Switches,
    ) {
        for light in self.all.iter_mut().filter(|it| it.part.lamp == lamp) {
            let rhythm = Rhythm::of(look, light.part.hue, light.part.siblings);
            if light.rhythm != rhythm {
                light.rhythm = rhythm;
                light.begin(now, switches);
            }
        }
    }

    /// The switch is there again, and dark.
    pub(super) fn resume(&mut self, now: Instant, switch: usize, switches: &mut impl Switches) {
        for light in self.all.iter_mut().filter(|it| it.switch == switch) {
            light.begin(now, switches);
        }
    }

    /// Lights what blinks as it must be now.
    pub(super) fn beat(&mut self, now: Instant, switches: &mut impl Switches) {
        for light in self.all.iter_mut().filter(|it| it.blinks) {
            light.blinks = switches.set(now, light.switch, light.rhythm.is_lit(now));
        }
    }

    /// Plans the next beat.
    pub(super) fn plan(&mut self, now: Instant) {
        let blinking = self.all.iter().filter(|light| light.blinks);
        self.next = blinking.filter_map(|light| light.rhythm.next(now)).min();
    }

    /// When [`Lights::beat`] has something to do, as of the last [`Lights::plan`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Darkens everything but what blinks by itself: the last that it was told is *unknown*, and goes on.
    pub(super) fn darken(&mut self, switches: &mut impl Switches) {
        for light in &mut self.all {
            if light.blinks || light.rhythm.phases().is_none() {
                switches.set(Instant::ZERO, light.switch, false);
            }
        }
    }
}

impl Light {
    /// Begins its rhythm.
    fn begin(&mut self, now: Instant, switches: &mut impl Switches) {
        self.blinks = false;
        let phases = self.rhythm.phases();
        if let Some((lit, dark)) = phases
            && switches.blink(now, self.switch, lit, dark)
        {
            return;
        }
        let is_there = switches.set(now, self.switch, self.rhythm.is_lit(now));
        self.blinks = is_there && phases.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two switches; the second can blink by itself.
    #[derive(Default)]
    struct Two {
        lit: [bool; 2],
        is_gone: bool,
        blinks: bool,
        changes: usize,
    }

    impl Switches for Two {
        fn set(&mut self, _: Instant, switch: usize, lit: bool) -> bool {
            self.lit[switch] = lit;
            self.blinks &= switch != 1;
            self.changes += 1;
            !self.is_gone
        }

        fn blink(&mut self, _: Instant, switch: usize, _: Duration, _: Duration) -> bool {
            self.blinks |= switch == 1;
            switch == 1
        }
    }

    const NOW: Instant = Instant::from_millis(60_000);

    /// A lamp of red and green, and what lights it.
    fn lights() -> (Lights, Two) {
        let siblings = Hues::all([Hue::Red, Hue::Green].into_iter());
        let mut lights = Lights::new();
        for (switch, hue) in [Hue::Red, Hue::Green].into_iter().enumerate() {
            let lamp = 3;
            let part = Part {
                lamp,
                hue,
                siblings,
            };
            lights.add(part, switch);
        }
        (lights, Two::default())
    }

    fn show(lights: &mut Lights, two: &mut Two, look: &str) {
        let look = Look::parse(look).expect("a look");
        lights.show(NOW, 3, look, two);
        lights.plan(NOW);
    }

    #[test]
    fn only_what_we_blink_wakes_us() {
        let (mut lights, mut two) = lights();
        for (look, wakes) in [
            ("red", false),
            ("green slow", false),
            ("red slow", true),
            ("amber fast", true),
            ("off", false),
        ] {
            show(&mut lights, &mut two, look);
            assert_eq!(lights.deadline().is_some(), wakes, "{look}");
        }
    }

    #[test]
    fn a_switch_that_is_gone_is_beaten_no_more_and_resumes_its_rhythm() {
        let (mut lights, mut two) = lights();
        show(&mut lights, &mut two, "red slow");
        two.is_gone = true;
        lights.beat(NOW, &mut two);
        lights.plan(NOW);
        assert_eq!(lights.deadline(), None);
        two.is_gone = false;
        lights.resume(NOW, 0, &mut two);
        lights.plan(NOW);
        assert!(lights.deadline().is_some());
    }

    #[test]
    fn a_look_that_changes_nothing_writes_nothing() {
        let (mut lights, mut two) = lights();
        show(&mut lights, &mut two, "red");
        let before = two.changes;
        show(&mut lights, &mut two, "red");
        lights.show(NOW, 2, Look::parse("green").expect("a look"), &mut two);
        assert_eq!(two.changes, before);
    }

    #[test]
    fn at_the_end_only_what_blinks_by_itself_goes_on() {
        let (mut lights, mut two) = lights();
        show(&mut lights, &mut two, "amber slow");
        assert_eq!((two.lit[0], two.blinks), (true, true));
        lights.darken(&mut two);
        assert_eq!((two.lit[0], two.blinks), (false, true));
    }
}

//! A panel without hardware.

use std::vec::Vec;

use super::board::{Board, Hue, Kind};
use super::face::{Button, Face};
use super::{Event, Queue, Touch, Untouchable};
use crate::ground::time::{Duration, Instant};
use crate::users::lamps::{Colour, Look, Pattern};

/// The simulated panel.
#[derive(Debug)]
pub struct Simulated {
    face: Face,
    /// When each button comes up by itself.
    held: Vec<Option<Instant>>,
    /// The lamp of each element, and how it looks with that one lit alone.
    elements: Vec<(usize, Look)>,
    /// What each lamp is to show; a test shows something else meanwhile.
    wanted: Vec<Option<Look>>,
    test: Option<Test>,
    events: Queue,
}

/// A test of the lamps: which element is lit, and until when.
#[derive(Clone, Copy, Debug)]
struct Test {
    element: usize,
    until: Instant,
}

/// How long each element is lit alone.
const ALONE: Duration = Duration::from_secs(1);

impl Simulated {
    /// The board's panel, untouched so far.
    pub fn new(board: &Board) -> Simulated {
        let (mut face, mut events) = (Face::new(board), Queue::new());
        for (at, it) in board.buttons.iter().enumerate() {
            face.buttons[at].pressed = Some(it.initial);
            events.push(Event::Position(Touch {
                button: at,
                pressed: it.initial,
            }));
        }
        Simulated {
            held: face.buttons.iter().map(|_| None).collect(),
            elements: elements(board),
            wanted: face.lamps.iter().map(|_| None).collect(),
            test: None,
            face,
            events,
        }
    }

    /// Has the lamp at `lamp` show `look`; a lamp that is not there shows nothing.
    pub fn show(&mut self, lamp: usize, look: Look) {
        if let Some(wanted) = self.wanted.get_mut(lamp) {
            *wanted = Some(look);
        }
        if self.test.is_none() {
            self.face.show(lamp, look);
        }
    }

    /// Lights every element alone, one after the other; a test under way begins again.
    pub fn test(&mut self, now: Instant) {
        self.light(now, 0);
    }

    /// Presses the button, and lets it come up: after `lasts`, or at once if it is a momentary one. A button that
    /// is down already feels nothing, but stays down for `lasts` from now on.
    ///
    /// # Errors
    /// There is no such button.
    pub fn press(
        &mut self,
        now: Instant,
        name: &str,
        lasts: Option<Duration>,
    ) -> Result<(), Untouchable> {
        let (at, kind) = self.find(name)?;
        self.put(at, true);
        match (lasts, kind) {
            (Some(lasts), _) => self.held[at] = Some(now + lasts),
            (None, Kind::Momentary) => self.put(at, false),
            (None, Kind::Switch) => {}
        }
        Ok(())
    }

    /// Lets the button come up.
    ///
    /// # Errors
    /// There is no such button.
    pub fn release(&mut self, name: &str) -> Result<(), Untouchable> {
        let (at, _) = self.find(name)?;
        self.put(at, false);
        Ok(())
    }

    /// Buttons come up that were held long enough.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in 0..self.held.len() {
            if self.held[at].is_some_and(|until| until <= now) {
                self.put(at, false);
            }
        }
        while let Some(Test { element, until }) = self.test
            && until <= now
        {
            self.light(until, element + 1);
        }
    }

    /// When the next button comes up by itself, or the next element is tested.
    pub fn deadline(&self) -> Option<Instant> {
        let held = self.held.iter().copied().flatten();
        held.chain(self.test.map(|test| test.until)).min()
    }

    /// What has happened.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.take()
    }

    pub(super) fn face(&self) -> &Face {
        &self.face
    }

    /// Tests this element from `now` on; behind the last one all lamps show what they should.
    fn light(&mut self, now: Instant, element: usize) {
        let lit = self.elements.get(element).copied();
        self.test = lit.map(|_| Test {
            element,
            until: now + ALONE,
        });
        for (at, lamp) in self.face.lamps.iter_mut().enumerate() {
            lamp.look = match lit {
                Some((tested, look)) if tested == at => Some(look),
                Some(_) => Some(Look::OFF),
                None => self.wanted[at],
            };
        }
    }

    fn find(&self, name: &str) -> Result<(usize, Kind), Untouchable> {
        let mut all = self.face.buttons.iter().enumerate();
        let found = all.find(|(_, button)| button.name == name);
        let (at, button) = found.ok_or(Untouchable::Missing)?;
        Ok((at, button.kind))
    }

    fn put(&mut self, at: usize, pressed: bool) {
        let button: &mut Button = &mut self.face.buttons[at];
        self.held[at] = None;
        if button.pressed.replace(pressed) != Some(pressed) {
            self.events.push(Event::Edge(Touch {
                button: at,
                pressed,
            }));
        }
    }
}

fn elements(board: &Board) -> Vec<(usize, Look)> {
    let lamps = board.lamps.iter().enumerate();
    let each = lamps.flat_map(|(at, lamp)| lamp.elements.iter().map(move |it| (at, it.hue)));
    each.map(|(at, hue)| (at, alone(hue))).collect()
}

/// The look of a lamp with only this element lit.
const fn alone(hue: Hue) -> Look {
    let colour = match hue {
        Hue::Red => Colour::Red,
        Hue::Green => Colour::Green,
        Hue::Blue => Colour::Blue,
        Hue::Amber => Colour::Amber,
        Hue::White => Colour::White,
    };
    Look::new(colour, Pattern::Steady)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    const NOW: Instant = Instant::from_millis(1_000);

    fn panel() -> Simulated {
        let board = "name = \"test\"\nbackend = \"sim\"\n\
                     [[button]]\nname = \"hook\"\nkind = \"switch\"\n\
                     [[button]]\nname = \"dnd\"\n\
                     [[button]]\nname = \"night\"\nkind = \"switch\"\ninitial = true\n\
                     [[lamp]]\nname = \"blf1\"\ncolours = [\"red\", \"green\"]\n\
                     [[lamp]]\nname = \"call\"\ncolours = [\"white\"]\n";
        let mut panel = Simulated::new(&Board::parse("test.toml", board).expect("a board"));
        let positions = std::iter::from_fn(|| panel.take_event());
        let position = |button, pressed| Event::Position(Touch { button, pressed });
        let expected = [position(0, false), position(1, false), position(2, true)];
        assert_eq!(positions.collect::<Vec<_>>(), expected);
        panel
    }

    #[track_caller]
    fn expect(panel: &mut Simulated, touches: &[(usize, bool)]) {
        let events = std::iter::from_fn(|| panel.take_event());
        let touches = touches
            .iter()
            .map(|&(button, pressed)| Event::Edge(Touch { button, pressed }));
        assert_eq!(events.collect::<Vec<_>>(), touches.collect::<Vec<_>>());
    }

    #[test]
    fn a_momentary_button_comes_up_by_itself_each_time() {
        let mut panel = panel();
        for _ in 0..2 {
            assert_eq!(panel.press(NOW, "dnd", None), Ok(()));
            expect(&mut panel, &[(1, true), (1, false)]);
        }
        assert_eq!(panel.release("dnd"), Ok(()));
        expect(&mut panel, &[]);
    }

    #[test]
    fn a_switch_stays_where_it_was_put() {
        let mut panel = panel();
        assert_eq!(panel.press(NOW, "hook", None), Ok(()));
        expect(&mut panel, &[(0, true)]);
        assert_eq!(panel.press(NOW, "hook", None), Ok(()));
        expect(&mut panel, &[]);
        assert_eq!(panel.release("hook"), Ok(()));
        expect(&mut panel, &[(0, false)]);
    }

    #[test]
    fn a_held_button_comes_up_when_its_time_is_over() {
        let mut panel = panel();
        for name in ["dnd", "hook"] {
            let lasts = Some(Duration::from_millis(900));
            assert_eq!(panel.press(NOW, name, lasts), Ok(()));
        }
        expect(&mut panel, &[(1, true), (0, true)]);
        let end = NOW + Duration::from_millis(900);
        assert_eq!(panel.deadline(), Some(end));
        panel.handle_timeout(Instant::from_micros(end.as_micros() - 1));
        expect(&mut panel, &[]);
        panel.handle_timeout(end);
        expect(&mut panel, &[(0, false), (1, false)]);
        assert_eq!(panel.deadline(), None);
    }

    #[test]
    fn a_held_button_that_is_let_go_does_not_come_up_again() {
        let mut panel = panel();
        let lasts = Some(Duration::from_secs(1));
        assert_eq!(panel.press(NOW, "hook", lasts), Ok(()));
        assert_eq!(panel.release("hook"), Ok(()));
        expect(&mut panel, &[(0, true), (0, false)]);
        assert_eq!(panel.deadline(), None);
    }

    #[test]
    fn a_switch_can_be_down_from_the_start() {
        let mut panel = panel();
        let down: Vec<_> = panel.face.buttons.iter().map(|it| it.pressed).collect();
        assert_eq!(down, [Some(false), Some(false), Some(true)]);
        assert_eq!(panel.release("night"), Ok(()));
        expect(&mut panel, &[(2, false)]);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut panel = panel();
        assert_eq!(panel.press(NOW, "door", None), Err(Untouchable::Missing));
        assert_eq!(panel.release("door"), Err(Untouchable::Missing));
        panel.show(7, Look::parse("red").expect("a look"));
        assert_eq!(panel.face.lamps[0].look, None);
        panel.show(0, Look::parse("red").expect("a look"));
        assert_eq!(panel.face.lamps[0].look, Look::parse("red"));
    }

    fn looks(panel: &Simulated) -> Vec<String> {
        let lamps = panel.face.lamps.iter();
        lamps
            .map(|lamp| lamp.look.map_or("-".to_string(), |look| look.to_string()))
            .collect()
    }

    #[test]
    fn a_test_lights_each_element_alone_and_keeps_what_changes() {
        let mut panel = panel();
        panel.show(0, Look::parse("amber fast").expect("a look"));
        panel.test(NOW);
        let mut due = NOW;
        for expected in [["red", "off"], ["green", "off"], ["off", "white"]] {
            assert_eq!(looks(&panel), expected);
            due += ALONE;
            assert_eq!(panel.deadline(), Some(due));
            panel.handle_timeout(Instant::from_micros(due.as_micros() - 1));
            assert_eq!(looks(&panel), expected);
            panel.show(1, Look::parse("red slow").expect("a look"));
            assert_eq!(looks(&panel), expected, "kept for later");
            panel.handle_timeout(due);
        }
        assert_eq!(looks(&panel), ["amber fast", "red slow"]);
        assert_eq!(panel.deadline(), None);
    }

    #[test]
    fn a_test_that_is_looked_at_late_is_over() {
        let mut panel = panel();
        panel.test(NOW);
        panel.test(NOW + ALONE);
        panel.handle_timeout(NOW + 4 * ALONE);
        assert_eq!(
            (looks(&panel), panel.deadline()),
            (Vec::from(["-", "-"].map(String::from)), None)
        );
    }
}

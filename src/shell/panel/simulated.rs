//! A panel without hardware: buttons are moved by command, lamps are looked at.

use std::boxed::Box;
use std::vec::Vec;

use super::board::{Backend, Kind as Habit};
use super::driver::{Driver, Kind, Move, Ports, Wiring};
use super::{Event, Problem, Queue, Touch};
use crate::ground::time::Instant;
use crate::users::lamps::Look;

/// The buttons of a simulated board.
pub(super) const KIND: Kind = Kind { ports: 0, open };

#[derive(Debug)]
struct Simulated {
    buttons: Vec<Button>,
}

#[derive(Debug)]
struct Button {
    habit: Habit,
    pressed: bool,
    /// When it comes up by itself.
    until: Option<Instant>,
}

fn open(wiring: &Wiring<'_>, _: &Ports, _: Instant, events: &mut Queue) -> Option<Box<dyn Driver>> {
    match wiring.board.backend {
        Backend::Hardware => return None,
        Backend::Simulated => {}
    }
    let mut buttons = Vec::new();
    for (button, it) in wiring.board.buttons.iter().enumerate() {
        let pressed = it.initial;
        events.push(Event::Position(Touch { button, pressed }));
        buttons.push(Button {
            habit: it.kind,
            pressed,
            until: None,
        });
    }
    Some(Box::new(Simulated { buttons }))
}

impl Driver for Simulated {
    fn show(&mut self, _: Instant, _: usize, _: Look) {}

    fn flush(&mut self, _: Instant) -> bool {
        true
    }

    fn handle_readable(&mut self, _: Instant, _: u8, _: &mut Queue) {}

    /// Buttons come up that were held long enough.
    fn handle_timeout(&mut self, now: Instant, events: &mut Queue) {
        for at in 0..self.buttons.len() {
            if self.buttons[at].until.is_some_and(|until| until <= now) {
                self.put(at, false, events);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.buttons.iter().filter_map(|button| button.until).min()
    }

    fn trouble(&self, _: usize) -> Option<&Problem> {
        None
    }

    fn touch(&mut self, now: Instant, button: usize, how: Move, events: &mut Queue) -> bool {
        let Some(habit) = self.buttons.get(button).map(|it| it.habit) else {
            return false;
        };
        match (how, habit) {
            (Move::Press(Some(lasts)), _) => {
                self.put(button, true, events);
                self.buttons[button].until = Some(now + lasts);
            }
            (Move::Press(None), Habit::Momentary) => {
                self.put(button, true, events);
                self.put(button, false, events);
            }
            (Move::Press(None), Habit::Switch) => self.put(button, true, events),
            (Move::Release, _) => self.put(button, false, events),
        }
        true
    }

    fn end(&mut self) {}
}

impl Simulated {
    fn put(&mut self, button: usize, pressed: bool, events: &mut Queue) {
        let it = &mut self.buttons[button];
        it.until = None;
        if it.pressed != pressed {
            it.pressed = pressed;
            events.push(Event::Edge(Touch { button, pressed }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::round::ALONE;
    use super::super::{Board, Panel, Untouchable};
    use super::*;
    use crate::ground::time::Duration;
    use crate::shell::poller::Poller;
    use std::string::{String, ToString};

    const NOW: Instant = Instant::from_millis(1_000);

    fn panel() -> Panel {
        let board = "name = \"test\"\nbackend = \"sim\"\n\
                     [[button]]\nname = \"hook\"\nkind = \"switch\"\n\
                     [[button]]\nname = \"dnd\"\n\
                     [[button]]\nname = \"night\"\nkind = \"switch\"\ninitial = true\n\
                     [[lamp]]\nname = \"blf1\"\ncolours = [\"red\", \"green\"]\n\
                     [[lamp]]\nname = \"call\"\ncolours = [\"white\"]\n";
        let mut panel = {
            let board = Board::parse("test.toml", board).expect("a board");
            let registry = Poller::new().expect("a poller").registry();
            Panel::open(&board, &registry, NOW)
        };
        let positions = std::iter::from_fn(|| panel.take_event());
        let position = |button, pressed| Event::Position(Touch { button, pressed });
        let expected = [position(0, false), position(1, false), position(2, true)];
        assert_eq!(positions.collect::<Vec<_>>(), expected);
        panel
    }

    #[track_caller]
    fn expect(panel: &mut Panel, touches: &[(usize, bool)]) {
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
        assert_eq!(panel.release(NOW, "dnd"), Ok(()));
        expect(&mut panel, &[]);
    }

    #[test]
    fn a_switch_stays_where_it_was_put() {
        let mut panel = panel();
        assert_eq!(panel.press(NOW, "hook", None), Ok(()));
        expect(&mut panel, &[(0, true)]);
        assert_eq!(panel.press(NOW, "hook", None), Ok(()));
        expect(&mut panel, &[]);
        assert_eq!(panel.release(NOW, "hook"), Ok(()));
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
        assert_eq!(panel.release(NOW, "hook"), Ok(()));
        expect(&mut panel, &[(0, true), (0, false)]);
        assert_eq!(panel.deadline(), None);
    }

    #[test]
    fn a_switch_can_be_down_from_the_start() {
        let mut panel = panel();
        let down: Vec<_> = panel.face.buttons.iter().map(|it| it.pressed).collect();
        assert_eq!(down, [Some(false), Some(false), Some(true)]);
        assert_eq!(panel.release(NOW, "night"), Ok(()));
        expect(&mut panel, &[(2, false)]);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut panel = panel();
        assert_eq!(panel.press(NOW, "door", None), Err(Untouchable::Missing));
        assert_eq!(panel.release(NOW, "door"), Err(Untouchable::Missing));
        panel.show(NOW, 7, Look::parse("red").expect("a look"));
        assert_eq!(panel.face.lamps[0].look, None);
        panel.show(NOW, 0, Look::parse("red").expect("a look"));
        assert_eq!(panel.face.lamps[0].look, Look::parse("red"));
    }

    fn looks(panel: &Panel) -> Vec<String> {
        let lamps = panel.face.lamps.iter();
        lamps
            .map(|lamp| lamp.look.map_or("-".to_string(), |look| look.to_string()))
            .collect()
    }

    #[test]
    fn a_test_lights_each_element_alone_and_keeps_what_changes() {
        let mut panel = panel();
        panel.show(NOW, 0, Look::parse("amber fast").expect("a look"));
        panel.test(NOW);
        let mut due = NOW;
        for expected in [["red", "off"], ["green", "off"], ["off", "white"]] {
            assert_eq!(looks(&panel), expected);
            due += ALONE;
            assert_eq!(panel.deadline(), Some(due));
            let early = Instant::from_micros(due.as_micros() - 1);
            panel.handle_timeout(early);
            assert_eq!(looks(&panel), expected);
            panel.show(early, 1, Look::parse("red slow").expect("a look"));
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

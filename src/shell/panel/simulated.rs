//! A panel without hardware.

use std::string::String;
use std::vec::Vec;

use heapless::Vec as Bounded;

use super::Touch;
use super::board::{self, Board, Kind};
use crate::users::lamps::Look;

/// A button and where it is.
#[derive(Clone, Debug)]
pub struct Button {
    /// Its name on the board.
    pub name: String,
    /// How it behaves.
    pub kind: Kind,
    /// Whether it is down.
    pub pressed: bool,
}

/// A lamp and what it shows.
#[derive(Clone, Debug)]
pub struct Lamp {
    /// Its name on the board.
    pub name: String,
    /// What it shows; `None` until the agent has said something.
    pub look: Option<Look>,
}

/// The simulated panel.
#[derive(Clone, Debug)]
pub struct Simulated {
    buttons: Vec<Button>,
    lamps: Vec<Lamp>,
}

impl Simulated {
    /// The board's panel, untouched so far.
    pub fn new(board: &Board) -> Simulated {
        let button = |it: &board::Button| Button {
            name: it.name.clone(),
            kind: it.kind,
            pressed: it.initial,
        };
        let lamp = |it: &board::Lamp| Lamp {
            name: it.name.clone(),
            look: None,
        };
        Simulated {
            buttons: board.buttons.iter().map(button).collect(),
            lamps: board.lamps.iter().map(lamp).collect(),
        }
    }

    /// The buttons that are down from the start.
    pub fn initial(&self) -> impl Iterator<Item = Touch> {
        let down = self.buttons.iter().enumerate();
        down.filter(|(_, button)| button.pressed)
            .map(|(at, _)| Touch {
                button: at,
                pressed: true,
            })
    }

    /// Has the lamp at `lamp` show `look`; a lamp that is not there shows nothing.
    pub fn show(&mut self, lamp: usize, look: Look) {
        if let Some(lamp) = self.lamps.get_mut(lamp) {
            lamp.look = Some(look);
        }
    }

    /// Presses the button, and lets it come up if it is a momentary one. `None`: there is no such button.
    /// A switch that is down already feels nothing.
    pub fn press(&mut self, name: &str) -> Option<Bounded<Touch, 2>> {
        let (at, button) = self.find(name)?;
        let pressed = |pressed| Touch {
            button: at,
            pressed,
        };
        let touches: &[Touch] = match button.kind {
            Kind::Momentary => &[pressed(true), pressed(false)],
            Kind::Switch if button.pressed => &[],
            Kind::Switch => {
                button.pressed = true;
                &[pressed(true)]
            }
        };
        Some(touches.iter().copied().collect())
    }

    /// Lets the button come up. `None`: there is no such button.
    pub fn release(&mut self, name: &str) -> Option<Option<Touch>> {
        let (at, button) = self.find(name)?;
        let was = std::mem::replace(&mut button.pressed, false);
        Some(was.then_some(Touch {
            button: at,
            pressed: false,
        }))
    }

    /// The buttons, in the board's order.
    pub fn buttons(&self) -> &[Button] {
        &self.buttons
    }

    /// The lamps, in the board's order.
    pub fn lamps(&self) -> &[Lamp] {
        &self.lamps
    }

    fn find(&mut self, name: &str) -> Option<(usize, &mut Button)> {
        let mut all = self.buttons.iter_mut().enumerate();
        all.find(|(_, button)| button.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn panel() -> Simulated {
        let button = |name: &str, kind, initial| board::Button {
            name: name.to_string(),
            kind,
            initial,
        };
        Simulated::new(&Board {
            name: "test".to_string(),
            description: String::new(),
            backend: board::Backend::Simulated,
            buttons: Vec::from([
                button("hook", Kind::Switch, false),
                button("dnd", Kind::Momentary, false),
                button("night", Kind::Switch, true),
            ]),
            lamps: Vec::from([board::Lamp {
                name: "blf1".to_string(),
                colours: Vec::from([board::Hue::Red, board::Hue::Green]),
            }]),
        })
    }

    const fn touch(button: usize, pressed: bool) -> Touch {
        Touch { button, pressed }
    }

    #[test]
    fn a_momentary_button_comes_up_by_itself_each_time() {
        let mut panel = panel();
        for _ in 0..2 {
            let touches = panel.press("dnd").expect("it is there");
            assert_eq!(touches, [touch(1, true), touch(1, false)]);
        }
        assert_eq!(panel.release("dnd"), Some(None));
    }

    #[test]
    fn a_switch_stays_where_it_was_put() {
        let mut panel = panel();
        let touches = panel.press("hook").expect("it is there");
        assert_eq!(touches, [touch(0, true)]);
        assert!(panel.press("hook").expect("it is there").is_empty());
        assert_eq!(panel.release("hook"), Some(Some(touch(0, false))));
        assert_eq!(panel.release("hook"), Some(None));
    }

    #[test]
    fn a_switch_can_be_down_from_the_start() {
        let mut panel = panel();
        let initial: Vec<Touch> = panel.initial().collect();
        assert_eq!(initial, [touch(2, true)]);
        assert_eq!(panel.release("night"), Some(Some(touch(2, false))));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut panel = panel();
        assert_eq!(panel.press("door"), None);
        assert_eq!(panel.release("door"), None);
        panel.show(7, Look::parse("red").expect("a look"));
        assert_eq!(panel.lamps()[0].look, None);
        panel.show(0, Look::parse("red").expect("a look"));
        assert_eq!(panel.lamps()[0].look, Look::parse("red"));
    }
}

//! What the buttons of the panel do.

use super::{Invalid, Settings, is_name};
use crate::ground::limits::NAME;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::users::buttons::Habit;
use crate::wire::doc::pidf::Activities;

/// A button of the panel and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonSettings {
    /// The board's name for it.
    pub name: Text<NAME>,
    /// Whether it stays as it is put, as a switch does; else it springs back.
    pub latching: bool,
    /// Index into [`Settings::presentities`]: whose state it changes.
    pub presentity: u16,
    /// What a press does, or the position.
    pub press: Action,
    /// What holding it does.
    pub long: Action,
    /// What a double press does.
    pub double: Action,
    /// How long nobody was there until that counts as away; for [`Action::Motion`].
    pub timeout: Seconds,
    /// Whether somebody else does something with it too, and is told of each gesture.
    pub told: bool,
}

/// What was done with a button, as those hear of it who do more with it than the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// It was pressed.
    Press,
    /// It was held.
    Long,
    /// It was pressed twice.
    Double,
    /// One whose position counts went down.
    Down,
    /// The same went up.
    Up,
}

impl Gesture {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Gesture::Press => "press",
            Gesture::Long => "long",
            Gesture::Double => "double",
            Gesture::Down => "down",
            Gesture::Up => "up",
        }
    }
}

/// What a button does. What springs back switches on and off with each press, what stays is on while it is down; the
/// last change wins, also over the other ways to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Do-not-disturb.
    Dnd,
    /// Do-not-disturb, as long as it is down.
    DndHold,
    /// Down: the handset is up. Up: it is down.
    Hook,
    /// This activity.
    Activity(Activities),
    /// This activity, as long as it is down.
    ActivityHold(Activities),
    /// The owner is away.
    Away,
    /// A sensor. Down: somebody is there. Up: away after the time-out.
    Motion,
    /// Takes back all that the owner said.
    Clear,
    /// Lets the watcher who waits longest see the owner's presence.
    Approve,
    /// Nothing of the agent's own: it is looked for because somebody else is told of it.
    Tell,
}

impl Action {
    /// Whether it goes by the position even where a button springs back, so that no other gesture has room.
    pub const fn follows(self) -> bool {
        match self {
            Action::Hook | Action::DndHold | Action::ActivityHold(_) | Action::Motion => true,
            Action::None | Action::Dnd | Action::Activity(_) | Action::Away => false,
            Action::Clear | Action::Approve | Action::Tell => false,
        }
    }

    /// Whether it happens once, so that what stays down can't do it.
    pub const fn happens(self) -> bool {
        matches!(self, Action::Clear | Action::Approve)
    }
}

impl ButtonSettings {
    /// Without further words, an office is empty after ten minutes without a movement.
    pub const TIMEOUT: Seconds = Seconds(600);

    /// A button that does nothing yet.
    pub const fn new(name: Text<NAME>, latching: bool) -> ButtonSettings {
        ButtonSettings {
            name,
            latching,
            presentity: 0,
            press: Action::None,
            long: Action::None,
            double: Action::None,
            timeout: ButtonSettings::TIMEOUT,
            told: false,
        }
    }

    /// Whether its position counts, not its presses.
    pub const fn follows(&self) -> bool {
        self.latching || self.press.follows()
    }

    /// What is looked for in its edges.
    pub fn habit(&self) -> Habit {
        match self.follows() {
            true => Habit::FOLLOWS,
            false => Habit::springs(self.long != Action::None, self.double != Action::None),
        }
    }

    /// What it does in any way.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        [self.press, self.long, self.double].into_iter()
    }

    /// Whether it does something for its presentity.
    pub fn acts(&self) -> bool {
        let mut actions = self.actions();
        actions.any(|it| !matches!(it, Action::None | Action::Tell))
    }

    fn gestures_fit(&self) -> bool {
        let more = [self.long, self.double];
        let is_free = more == [Action::None; 2];
        let can_be = more.into_iter().all(|it| !it.follows());
        can_be && (is_free || !self.follows()) && !(self.latching && self.press.happens())
    }
}

impl Settings {
    pub(super) fn validate_buttons(&self) -> Result<(), Invalid> {
        for (at, button) in self.buttons.iter().enumerate() {
            let mut before = self.buttons.iter().take(at);
            if !is_name(&button.name) || before.any(|other| other.name == button.name) {
                return Err(Invalid::ButtonName(at));
            }
            let served = usize::from(button.presentity) < self.presentities.len();
            if !served && button.acts() {
                return Err(Invalid::ButtonPresentity(at));
            }
            if !button.gestures_fit() {
                return Err(Invalid::ButtonGestures(at));
            }
            if button.timeout == Seconds::ZERO {
                return Err(Invalid::ButtonTimeout(at));
            }
        }
        Ok(())
    }
}

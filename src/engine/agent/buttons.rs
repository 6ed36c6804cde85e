//! Buttons in: what a gesture or a position means.

use super::Agent;
use super::output::{Report, Trouble};
use crate::engine::config::{Action, ButtonSettings, Gesture, Settings};
use crate::ground::limits::BUTTONS;
use crate::ground::time::{Instant, Moment};
use crate::ground::timers::Timers;
use crate::users::buttons::{Event, Gestures};
use crate::users::compose::{Input, Inputs};
use crate::wire::doc::pidf::Activities;
use heapless::Deque;

/// The buttons, in the order of the settings.
pub(super) struct Buttons {
    gestures: Gestures,
    /// When a place where nobody moves counts as empty, by its sensor.
    absences: Timers<BUTTONS>,
    /// What nobody was told yet.
    untold: Deque<(u16, Gesture), UNTOLD>,
}

/// Gestures that wait until they are told. Full: the oldest is forgotten; nobody presses faster than the loop turns.
const UNTOLD: usize = 8;

impl Buttons {
    pub(super) const fn new() -> Buttons {
        Buttons {
            gestures: Gestures::new(),
            absences: Timers::new(),
            untold: Deque::new(),
        }
    }

    /// When [`Agent::handle_timeout`] has something to do for them.
    pub(super) fn due(&self) -> Option<Instant> {
        let all = [self.gestures.due(), self.absences.next()];
        all.into_iter().flatten().min()
    }

    /// The oldest gesture that somebody is to be told of: of which button.
    pub(super) fn take_told(&mut self) -> Option<(u16, Gesture)> {
        self.untold.pop_front()
    }
}

impl Agent {
    /// The button with that number in the settings was pressed or released. Its line is free of bounce already.
    pub fn handle_button(&mut self, moment: Moment, button: usize, pressed: bool) {
        self.handle_button_timeout(moment);
        // One that the settings don't name is followed too: others may.
        let Ok(button) = u16::try_from(button) else {
            return;
        };
        let event = self
            .buttons
            .gestures
            .handle_edge(moment.now, button, pressed);
        self.heed(moment, button, event);
    }

    /// The button with that number was found pressed or released: at the start, or after its line was away. That is
    /// never a gesture; where the position counts, as with a hook or a switch, it counts now.
    pub fn handle_position(&mut self, moment: Moment, button: usize, pressed: bool) {
        self.handle_button_timeout(moment);
        let Ok(button) = u16::try_from(button) else {
            return;
        };
        let event = self
            .buttons
            .gestures
            .handle_position(moment.now, button, pressed);
        self.heed(moment, button, event);
    }

    /// Whether the button with that number is not heard, for its line moves more often than a hand can.
    pub fn button_chatters(&self, button: usize) -> bool {
        u16::try_from(button).is_ok_and(|button| self.buttons.gestures.chatters(button))
    }

    pub(super) fn handle_button_timeout(&mut self, moment: Moment) {
        while let Some((button, event)) = self.buttons.gestures.take_due(moment.now) {
            self.heed(moment, button, Some(event));
        }
        while let Some(button) = self.buttons.absences.take_due(moment.now) {
            self.handle_input(moment, self.whose(button), Input::Idle(true));
        }
    }

    /// Other settings are about to come: buttons that mean something else then, or nothing, let go what they hold. Says
    /// which don't.
    pub(super) fn let_go_buttons(&mut self, moment: Moment, settings: &Settings) -> Kept {
        let mut kept = [false; BUTTONS];
        for number in 0..self.settings.buttons.len() as u16 {
            let at = usize::from(number);
            kept[at] = means_the_same(&self.settings, settings, at);
            if kept[at] {
                continue;
            }
            if self.buttons.gestures.stands_pressed(number) {
                self.put(moment, number, false);
            }
            if self.settings.buttons[at].press == Action::Motion {
                self.buttons.absences.set(number, None);
                self.put(moment, number, true);
            }
        }
        kept
    }

    /// The settings are new: buttons that did not mean the same before begin anew from where they stand. A place with a
    /// sensor is not empty until its time is over.
    pub(super) fn connect_buttons(&mut self, moment: Moment, kept: &Kept) {
        for number in 0..self.settings.buttons.len() as u16 {
            let button = &self.settings.buttons[usize::from(number)];
            if kept[usize::from(number)] {
                continue;
            }
            if button.press == Action::Motion {
                let empty = moment.now + button.timeout;
                self.buttons.absences.set(number, Some(empty));
            }
            let event = self
                .buttons
                .gestures
                .configure(moment.now, number, button.habit());
            self.heed(moment, number, event);
        }
    }

    fn heed(&mut self, moment: Moment, number: u16, event: Option<Event>) {
        let Some(button) = self.settings.buttons.get(usize::from(number)) else {
            return;
        };
        match event {
            None => {}
            Some(Event::Press) => self.act(moment, number, Gesture::Press, button.press),
            Some(Event::Long) => self.act(moment, number, Gesture::Long, button.long),
            Some(Event::Double) => self.act(moment, number, Gesture::Double, button.double),
            Some(Event::Stands(down)) => self.stand(moment, number, down),
            Some(Event::Stuck) => self.complain(number, Trouble::Stuck),
            Some(Event::Free) => self.complain(number, Trouble::Free),
            Some(Event::Chatters) => self.complain(number, Trouble::Chatters),
        }
    }

    /// A gesture was made.
    fn act(&mut self, moment: Moment, number: u16, gesture: Gesture, action: Action) {
        self.tell(number, gesture);
        let presentity = self.whose(number);
        if action == Action::Approve {
            self.approve_waiting(presentity);
        } else if let Some(input) = self.inputs(presentity).and_then(|it| toggled(action, it)) {
            self.handle_input(moment, presentity, input);
        }
    }

    /// A button whose position counts is there now.
    fn stand(&mut self, moment: Moment, number: u16, down: bool) {
        let button = &self.settings.buttons[usize::from(number)];
        if button.press == Action::Motion {
            let empty = (!down).then_some(moment.now + button.timeout);
            self.buttons.absences.set(number, empty);
        }
        self.tell(number, if down { Gesture::Down } else { Gesture::Up });
        self.put(moment, number, down);
    }

    /// Somebody else may do something with the button too.
    fn tell(&mut self, number: u16, gesture: Gesture) {
        if !self.settings.buttons[usize::from(number)].told {
            return;
        }
        let untold = &mut self.buttons.untold;
        if untold.is_full() {
            untold.pop_front();
        }
        let _ = untold.push_back((number, gesture)); // There is room now.
    }

    /// What the position of a button says, sensors' time-outs aside.
    fn put(&mut self, moment: Moment, number: u16, down: bool) {
        let action = self.settings.buttons[usize::from(number)].press;
        let presentity = self.whose(number);
        if let Some(input) = self.inputs(presentity).and_then(|it| put(action, down, it)) {
            self.handle_input(moment, presentity, input);
        }
    }

    fn complain(&mut self, button: u16, trouble: Trouble) {
        self.report(Report::Button { button, trouble });
    }

    fn whose(&self, number: u16) -> usize {
        let button = self.settings.buttons.get(usize::from(number));
        button.map_or(usize::MAX, |button| usize::from(button.presentity))
    }

    fn inputs(&self, presentity: usize) -> Option<&Inputs> {
        self.directory.inputs(*self.presentities.get(presentity)?)
    }
}

/// Which buttons mean in the new settings what they meant in the old ones.
type Kept = [bool; BUTTONS];

fn means_the_same(old: &Settings, new: &Settings, at: usize) -> bool {
    let whose = |all: &Settings, button: &ButtonSettings| {
        let presentity = all.presentities.get(usize::from(button.presentity));
        presentity.map(|it| it.uri.clone())
    };
    match (old.buttons.get(at), new.buttons.get(at)) {
        (Some(one), Some(other)) => {
            let mut moved = one.clone();
            moved.presentity = other.presentity;
            moved == *other && whose(old, one) == whose(new, other)
        }
        (None, _) | (_, None) => false,
    }
}

/// What a gesture says: the opposite of what is so.
fn toggled(action: Action, is: &Inputs) -> Option<Input> {
    match action {
        Action::Dnd => Some(Input::Dnd(!is.dnd)),
        Action::Away => Some(Input::Idle(!is.idle)),
        Action::Activity(activity) if is.activity == activity => {
            Some(Input::Activity(Activities::NONE))
        }
        Action::Activity(activity) => Some(Input::Activity(activity)),
        Action::Clear => Some(Input::Clear),
        Action::None | Action::Approve | Action::Tell => None,
        // These go by the position.
        Action::DndHold | Action::Hook | Action::ActivityHold(_) | Action::Motion => None,
    }
}

/// What a position says. Only its own activity is taken back: somebody may have set another one since.
fn put(action: Action, down: bool, is: &Inputs) -> Option<Input> {
    match action {
        Action::Dnd | Action::DndHold => Some(Input::Dnd(down)),
        Action::Hook => Some(Input::Hook(down)),
        Action::Away => Some(Input::Idle(down)),
        Action::Activity(activity) | Action::ActivityHold(activity) => match down {
            true => Some(Input::Activity(activity)),
            false if is.activity == activity => Some(Input::Activity(Activities::NONE)),
            false => None,
        },
        Action::Motion => down.then_some(Input::Idle(false)),
        // These happen once.
        Action::None | Action::Clear | Action::Approve | Action::Tell => None,
    }
}

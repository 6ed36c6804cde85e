//! Buttons in: what a press means.

use super::Agent;
use crate::engine::config::Action;
use crate::ground::time::{Instant, Wall};
use crate::users::compose::Input;
use crate::wire::doc::pidf::Activities;

impl Agent {
    /// The button with that number in the settings was pressed or released.
    pub fn handle_button(&mut self, now: Instant, wall: Wall, button: usize, pressed: bool) {
        let Some(button) = self.settings.buttons.get(button) else {
            return;
        };
        let presentity = usize::from(button.presentity);
        let Some(inputs) = self
            .presentities
            .get(presentity)
            .and_then(|&id| self.directory.inputs(id))
        else {
            return;
        };
        let input = match (button.action, pressed) {
            (Action::Hook, up) => Input::Hook(up),
            (Action::Dnd, true) => Input::Dnd(!inputs.dnd),
            (Action::Activity(activity), true) if inputs.activity == activity => {
                Input::Activity(Activities::NONE)
            }
            (Action::Activity(activity), true) => Input::Activity(activity),
            (Action::Dnd | Action::Activity(_), false) | (Action::None, _) => return,
        };
        self.handle_input(now, wall, presentity, input);
    }
}

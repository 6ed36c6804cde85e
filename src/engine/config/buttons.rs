//! What the buttons of the panel do.

use super::{Invalid, Settings, is_name};
use crate::ground::limits::NAME;
use crate::ground::text::Text;
use crate::wire::doc::pidf::Activities;

/// A button of the panel and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonSettings {
    /// The board's name for it.
    pub name: Text<NAME>,
    /// Index into [`Settings::presentities`]: whose state it changes.
    pub presentity: u16,
    /// What it does.
    pub action: Action,
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Each press switches do-not-disturb on or off.
    Dnd,
    /// Pressed: the handset is up. Released: it is down.
    Hook,
    /// Each press sets or takes away this activity.
    Activity(Activities),
}

impl Settings {
    pub(super) fn validate_buttons(&self) -> Result<(), Invalid> {
        for (at, button) in self.buttons.iter().enumerate() {
            let mut before = self.buttons.iter().take(at);
            if !is_name(&button.name) || before.any(|other| other.name == button.name) {
                return Err(Invalid::ButtonName(at));
            }
            let served = usize::from(button.presentity) < self.presentities.len();
            if button.action != Action::None && !served {
                return Err(Invalid::ButtonPresentity(at));
            }
        }
        Ok(())
    }
}

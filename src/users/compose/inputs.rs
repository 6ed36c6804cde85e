//! What the buttons and sensors of a desk say.

use crate::ground::limits;
use crate::ground::text::Text;
use crate::wire::doc::pidf::Activities;

/// One fact from a local presence user agent: a button, a sensor, the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The handset is up.
    Hook(bool),
    /// The owner does not want to be disturbed.
    Dnd(bool),
    /// What the owner does; [`Activities::NONE`] takes it back.
    Activity(Activities),
    /// What the owner says; empty takes it back.
    Note(Text<{ limits::NOTE }>),
    /// Nobody touched the device for a while.
    Idle(bool),
    /// Takes back all that the owner said: do not disturb, activity, note, idle. The handset is where it is.
    Clear,
}

/// All that the local presence user agents say of one presentity.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The handset is up.
    pub hook_up: bool,
    /// The owner does not want to be disturbed.
    pub dnd: bool,
    /// Nobody touched the device for a while.
    pub idle: bool,
    /// What the owner does.
    pub activity: Activities,
    /// What the owner says.
    pub note: Text<{ limits::NOTE }>,
}

impl Inputs {
    /// Handset down, nothing to say.
    pub const fn new() -> Inputs {
        Inputs {
            hook_up: false,
            dnd: false,
            idle: false,
            activity: Activities::NONE,
            note: Text::new(),
        }
    }

    /// Takes in one fact.
    pub fn apply(&mut self, input: Input) {
        match input {
            Input::Hook(up) => self.hook_up = up,
            Input::Dnd(on) => self.dnd = on,
            Input::Activity(activity) => self.activity = activity,
            Input::Note(note) => self.note = note,
            Input::Idle(idle) => self.idle = idle,
            Input::Clear => {
                *self = Inputs {
                    hook_up: self.hook_up,
                    ..Inputs::new()
                }
            }
        }
    }
}

//! Composition: what the owner's buttons say, made into one presence (RFC 4479 §3).
//!
//! | input | `presence` | `dialog` |
//! |---|---|---|
//! | do not disturb | `closed`, `busy`, a note | a confirmed dialog, unless switched off |
//! | handset up | `on-the-phone`, a note | a confirmed dialog |
//! | activity | that activity | – |
//! | idle | `away` | – |
//! | note | the note, before any of ours | – |
//! | its phone is not registered | `closed` without a contact, and the owner's note | – |
//!
//! Both packages are made of the same inputs in the same moment, so they never contradict each other.

use crate::events::presentity::Presence;
use crate::events::reach::Reach;
use crate::ground::limits;
use crate::ground::text::Text;
use crate::wire::doc::pidf::{Activities, Basic};

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

    /// What watchers of `presence` are told.
    pub fn presence(&self, reach: Reach) -> Presence {
        match reach {
            Reach::Here | Reach::Registered => self.present(),
            // What the phone does is not known; what the owner says still is.
            Reach::Gone => Presence {
                basic: Basic::Closed,
                note: self.note.clone(),
                gone: true,
                ..Presence::new()
            },
        }
    }

    fn present(&self) -> Presence {
        let mut activities = self.activity;
        for (is_so, activity) in [
            (self.hook_up, Activities::ON_THE_PHONE),
            (self.dnd, Activities::BUSY),
            (self.idle, Activities::AWAY),
        ] {
            if is_so {
                activities = activities.with(activity);
            }
        }
        let basic = if self.dnd { Basic::Closed } else { Basic::Open };
        Presence {
            basic,
            activities,
            note: self.spoken(),
            idle: self.idle,
            gone: false,
        }
    }

    /// Whether watchers of `dialog` are told of a call; with `shows_dnd` also while the owner does not want one.
    pub fn in_call(&self, shows_dnd: bool) -> bool {
        self.hook_up || (self.dnd && shows_dnd)
    }

    fn spoken(&self) -> Text<{ limits::NOTE }> {
        let ours = match (self.dnd, self.hook_up) {
            _ if !self.note.is_empty() => return self.note.clone(),
            (true, _) => "Do not disturb",
            (false, true) => "On the phone",
            (false, false) => "",
        };
        Text::copied(ours).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dnd_is_closed_busy_and_says_so() {
        let mut inputs = Inputs::new();
        inputs.apply(Input::Dnd(true));
        let presence = inputs.presence(Reach::Here);
        assert_eq!(presence.basic, Basic::Closed);
        assert_eq!(presence.activities, Activities::BUSY);
        assert_eq!(presence.note.as_str(), "Do not disturb");
        assert!(inputs.in_call(true) && !inputs.in_call(false));
    }

    #[test]
    fn off_hook_is_open_and_on_the_phone() /* F06 */
    {
        let mut inputs = Inputs::new();
        inputs.apply(Input::Hook(true));
        let presence = inputs.presence(Reach::Here);
        assert_eq!(presence.basic, Basic::Open);
        assert_eq!(presence.activities, Activities::ON_THE_PHONE);
        assert_eq!(presence.note.as_str(), "On the phone");
        assert!(inputs.in_call(true) && inputs.in_call(false));
    }

    #[test]
    fn the_owners_note_comes_first_and_activities_add_up() {
        let mut inputs = Inputs::new();
        for input in [
            Input::Hook(true),
            Input::Idle(true),
            Input::Activity(Activities::MEETING),
            Input::Note(Text::copied("back at three").expect("it fits")),
        ] {
            inputs.apply(input);
        }
        let presence = inputs.presence(Reach::Here);
        let expected = Activities::MEETING
            .with(Activities::ON_THE_PHONE)
            .with(Activities::AWAY);
        assert_eq!(presence.activities, expected);
        assert_eq!(presence.note.as_str(), "back at three");
        let mut cleared = inputs.clone();
        cleared.apply(Input::Dnd(true));
        cleared.apply(Input::Clear);
        let presence = cleared.presence(Reach::Here);
        assert_eq!(presence.activities, Activities::ON_THE_PHONE);
        assert_eq!(presence.note.as_str(), "On the phone");
        inputs.apply(Input::Activity(Activities::NONE));
        inputs.apply(Input::Note(Text::new()));
        inputs.apply(Input::Idle(false));
        inputs.apply(Input::Hook(false));
        assert_eq!(inputs.presence(Reach::Here), Presence::new());
    }
}

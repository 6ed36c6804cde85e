//! What the running agent is asked or told.

use std::path::PathBuf;
use std::string::String;

use super::Set;
use crate::events::package::Package;
use crate::ground::time::Duration;
use crate::shell::control::policy::Asked;

/// What the running agent is asked or told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What it is and does.
    Status {
        /// As JSON.
        json: bool,
    },
    /// What its lamps show.
    Lamps {
        /// As JSON.
        json: bool,
        /// And each change from now on.
        follow: bool,
    },
    /// Its lamps are tested.
    TestLamps,
    /// Who watches.
    Watchers {
        /// As JSON.
        json: bool,
    },
    /// Which phones are registered.
    Registrations {
        /// As JSON.
        json: bool,
    },
    /// What is published here.
    Publications {
        /// As JSON.
        json: bool,
    },
    /// What this lamp shows, and why.
    Why {
        /// The lamp's name.
        lamp: String,
        /// As JSON.
        json: bool,
    },
    /// This button is pressed.
    Press {
        /// The button's name.
        button: String,
        /// How long it is held; without it no longer than it takes.
        lasts: Option<Duration>,
    },
    /// This button is let go.
    Release(String),
    /// A fact about a presentity.
    Set(Set),
    /// What becomes of a watcher.
    Decide {
        /// Its URI, IP address, or user's name behind `user:`.
        watcher: String,
        /// `allow`, `block`, `polite-block` or `forget`.
        what: &'static str,
        /// In which package alone.
        event: Option<Package>,
        /// Until when.
        until: Option<String>,
    },
    /// What is ruled about a watcher, and why.
    Policy {
        /// Which one, and when.
        asked: Asked,
        /// By the rules of this file, whatever the agent runs by.
        config: Option<PathBuf>,
        /// As JSON.
        json: bool,
    },
}

//! Do-not-disturb that a server is asked to switch.

use crate::wire::doc::features;

/// What is to be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// What is wanted and not granted.
    wanted: Option<bool>,
    /// What the request in flight asks for.
    asked: Option<bool>,
}

impl Wish {
    pub(super) const NONE: Wish = Wish {
        wanted: None,
        asked: None,
    };

    /// This is wanted from now on.
    pub(super) const fn want(&mut self, dnd: bool) {
        self.wanted = Some(dnd);
    }

    /// A request is about to be sent for the first time: it asks for what is wanted now, and goes on to do so.
    pub(super) const fn ask(&mut self) {
        self.asked = self.wanted;
    }

    /// That request is granted.
    pub(super) fn is_granted(&mut self) {
        if self.wanted == self.asked {
            self.wanted = None;
        }
        self.asked = None;
    }

    /// The body of that request.
    pub(super) fn body(self) -> &'static [u8] {
        self.asked.map_or("", features::wish).as_bytes()
    }

    /// Whether something is wanted, and was not asked for.
    pub(super) fn is_open(self) -> bool {
        self.wanted.is_some() && self.asked.is_none()
    }
}

//! The device's face: its named buttons and lamps. The loop sees one [`Panel`], whatever it is made of.
//!
//! Only the simulated panel is here; lamps and buttons on GPIO lines, LED devices and evdev get a file each
//! beside [`simulated`] and a variant of [`Panel`].

pub mod board;
pub mod simulated;

use std::vec::Vec;

use crate::users::lamps::Look;
pub use simulated::Simulated;

/// Something happened to a button: which one, by its place on the board, and whether it is down now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The button's place on the board.
    pub button: usize,
    /// Down or up.
    pub pressed: bool,
}

/// A panel of any kind.
#[derive(Debug)]
pub enum Panel {
    /// No hardware: buttons are pressed through the control socket.
    Simulated(Simulated),
}

impl Panel {
    /// What is pressed before anybody has touched anything.
    pub fn initial(&self) -> Vec<Touch> {
        match self {
            Panel::Simulated(panel) => panel.initial().collect(),
        }
    }

    /// Has the lamp at `lamp` show `look`.
    pub fn show(&mut self, lamp: usize, look: Look) {
        match self {
            Panel::Simulated(panel) => panel.show(lamp, look),
        }
    }
}

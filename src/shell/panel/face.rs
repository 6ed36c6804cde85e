//! What a panel has, where its buttons are and what its lamps show: what people are told of it.

use std::string::String;
use std::vec::Vec;

use super::board::{self, Board, Kind};
use crate::users::lamps::Look;

/// A button and where it is.
#[derive(Clone, Debug)]
pub struct Button {
    /// Its name on the board.
    pub name: String,
    /// How it behaves.
    pub kind: Kind,
    /// Whether it is down; `None` until its line could be read. While its line is gone the last position stands.
    pub pressed: Option<bool>,
}

/// A lamp and what it shows.
#[derive(Clone, Debug)]
pub struct Lamp {
    /// Its name on the board.
    pub name: String,
    /// What it shows; `None` until the agent has said something.
    pub look: Option<Look>,
}

/// The face of a panel.
#[derive(Clone, Debug)]
pub(super) struct Face {
    /// In the board's order.
    pub(super) buttons: Vec<Button>,
    /// In the board's order.
    pub(super) lamps: Vec<Lamp>,
}

impl Face {
    /// The board's, with nothing known of it.
    pub(super) fn new(board: &Board) -> Face {
        let button = |it: &board::Button| Button {
            name: it.name.clone(),
            kind: it.kind,
            pressed: None,
        };
        let lamp = |it: &board::Lamp| Lamp {
            name: it.name.clone(),
            look: None,
        };
        Face {
            buttons: board.buttons.iter().map(button).collect(),
            lamps: board.lamps.iter().map(lamp).collect(),
        }
    }
}

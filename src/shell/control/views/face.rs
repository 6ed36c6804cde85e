//! The device's face: its buttons and lamps, as `GET /panel` shows them.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use crate::shell::hub::Hub;
use crate::shell::panel;
use crate::shell::panel::board::Kind;
use crate::shell::settings::in_words;

/// `GET /panel`.
#[derive(Debug, Serialize)]
pub struct Face {
    board: String,
    buttons: Vec<Button>,
    lamps: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Button {
    name: String,
    kind: &'static str,
    pressed: Option<bool>,
    does: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    look: Option<String>,
}

/// The panel as it is.
pub fn face(hub: &Hub) -> Face {
    let settings = &hub.agent.settings().buttons;
    let button = |(at, it): (usize, &panel::Button)| Button {
        does: settings.get(at).map_or(String::new(), in_words),
        name: it.name.clone(),
        kind: match it.kind {
            Kind::Momentary => "momentary",
            Kind::Switch => "switch",
        },
        pressed: it.pressed,
    };
    let lamp = |it: &panel::Lamp| Shown {
        name: it.name.clone(),
        look: it.look.map(|look| look.to_string()),
    };
    Face {
        board: hub.board.clone(),
        buttons: hub.panel.buttons().iter().enumerate().map(button).collect(),
        lamps: hub.panel.lamps().iter().map(lamp).collect(),
    }
}

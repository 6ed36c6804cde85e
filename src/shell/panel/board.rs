//! A board: what one kind of hardware has. The files in `boards/` are built in; a path names any other.
//!
//! `boards/template.toml` explains every key.

use std::borrow::Cow;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs};

use crate::shell::document::{self, Faults};

pub mod line;
mod read;

use line::{GpioLine, KeyLine, LedLine};

/// What a device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Where it was read from, as people are told.
    pub file: String,
    /// What `--board` calls it.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// What moves its lines.
    pub backend: Backend,
    /// Its buttons; the order numbers them.
    pub buttons: Vec<Button>,
    /// Its lamps; the order numbers them.
    pub lamps: Vec<Lamp>,
}

/// What moves a board's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Nothing: buttons are pressed through the control socket, lamps are looked at there.
    Simulated,
    /// The kernel: GPIO lines, LEDs, input devices.
    Hardware,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Unique on the board.
    pub name: String,
    /// How it moves.
    pub kind: Kind,
    /// Whether it is pressed when the agent starts; only simulated ones say so.
    pub initial: bool,
    /// Where it is read; simulated ones have none.
    pub input: Option<Placed<Input>>,
}

/// How a button moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Springs back when let go.
    Momentary,
    /// Stays as it is put.
    Switch,
}

/// What a button is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A GPIO line.
    Gpio(GpioLine),
    /// A key or switch of an input device.
    Key(KeyLine),
}

/// A lamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lamp {
    /// Unique on the board.
    pub name: String,
    /// What it is made of: one element for each colour it has. At least one.
    pub elements: Vec<Element>,
}

/// One light inside a lamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its colour.
    pub hue: Hue,
    /// What lights it; simulated ones have none.
    pub output: Option<Placed<Output>>,
}

/// What an element is lit by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A GPIO line.
    Gpio(GpioLine),
    /// An LED below `/sys/class/leds`.
    Led(LedLine),
}

/// The colour of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Amber.
    Amber,
    /// White.
    White,
}

impl Hue {
    /// All of them, in the order in which a file's keys are read.
    pub const ALL: [Hue; 5] = [Hue::Red, Hue::Green, Hue::Blue, Hue::Amber, Hue::White];

    /// The word for it, which is its key in a board's file too.
    pub const fn name(self) -> &'static str {
        match self {
            Hue::Red => "red",
            Hue::Green => "green",
            Hue::Blue => "blue",
            Hue::Amber => "amber",
            Hue::White => "white",
        }
    }
}

/// Something with the line of the board's file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What stands there.
    pub value: T,
    /// As it is written.
    pub text: String,
    /// From 1.
    pub row: usize,
}

/// There is no such board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Names the boards that are built in, by the files of `boards/`.
macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        /// The boards that are built in: name and file text.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../boards/", $name, ".toml")))),+];
    };
}

built_in![
    "sim",
    "raspberry-pi-desk-phone",
    "raspberry-pi-intercom",
    "qemu-phone",
    "usb-blink1",
    "usb-luxafor",
    "usb-delcom",
    "usb-dream-cheeky",
    "usb-riso-kagaku",
    "template",
];

impl Board {
    /// The board where none is named.
    pub const DEFAULT: &str = "sim";

    /// A simulated board with nothing on it.
    pub fn empty() -> Board {
        Board {
            file: String::new(),
            name: "none".to_string(),
            description: String::new(),
            backend: Backend::Simulated,
            buttons: Vec::new(),
            lamps: Vec::new(),
        }
    }

    /// The board that `--board` or a configuration names: one that is built in, or a file (its name ends in
    /// `.toml` or holds a `/`).
    ///
    /// # Errors
    /// What is wrong with the file, or that there is no such board.
    pub fn find(wanted: &str) -> Result<Board, Faults> {
        match Board::locate(wanted, Path::new("")) {
            Ok((file, text)) => Board::parse(&file, &text),
            Err(Missing { what, remedy }) => Err(Faults::whole(wanted, what, &remedy)),
        }
    }

    /// The name and text of the file behind `wanted`; a relative path counts from `folder`.
    ///
    /// # Errors
    /// [`Missing`] when there is none that can be read.
    pub fn locate(wanted: &str, folder: &Path) -> Result<(String, Cow<'static, str>), Missing> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == wanted) {
            return Ok((format!("boards/{name}.toml"), Cow::Borrowed(text)));
        }
        if !wanted.contains('/') && !wanted.ends_with(".toml") {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(Missing {
                what: format!("there is no board \"{}\"", wanted.escape_debug()),
                remedy: format!("use one of: {}; or the path of a file", names.join(", ")),
            });
        }
        let path = folder.join(wanted);
        match fs::read_to_string(&path) {
            Ok(text) => Ok((path.display().to_string(), Cow::Owned(text))),
            Err(error) => Err(Missing {
                what: format!("the board {} cannot be read: {error}", path.display()),
                remedy: document::remedy(&path, &error).to_string(),
            }),
        }
    }

    /// Reads a board's file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Board, Faults> {
        read::board(file, text)
    }

    /// The number of the button called `name`.
    pub fn button(&self, name: &str) -> Option<usize> {
        self.buttons.iter().position(|it| it.name == name)
    }

    /// The number of the lamp called `name`.
    pub fn lamp(&self, name: &str) -> Option<usize> {
        self.lamps.iter().position(|it| it.name == name)
    }
}

#[cfg(test)]
mod tests;

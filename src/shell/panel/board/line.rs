//! How a board's file names a line: `gpio:GPIO17`, `gpio:gpiochip0/17`, `led:NAME`, `key:DEVICE/CODE`.

use std::fmt;
use std::string::{String, ToString};

use crate::ground::time::Duration;
use crate::shell::panel::keys::codes::Code;

/// Which GPIO line, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpioLine {
    /// Which one.
    pub pin: Pin,
    /// Whether low means pressed or lit.
    pub active_low: bool,
    /// What holds an input when nothing drives it.
    pub bias: Bias,
    /// How long an input must rest before it counts.
    pub debounce: Duration,
    /// Read so often instead of waiting for edges.
    pub poll: Option<Duration>,
}

/// A GPIO line's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    /// The line's own name, on whatever chip.
    Named(String),
    /// The chip (its device name, or its label) and the line's number on it.
    Numbered(String, u32),
}

/// What holds an input when nothing drives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    /// As it was found.
    #[default]
    AsIs,
    /// A resistor to the supply.
    PullUp,
    /// A resistor to ground.
    PullDown,
    /// Nothing.
    Disabled,
}

/// A key or switch of an input device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// The device's name, or `eventN`; `None` for any device.
    pub device: Option<String>,
    /// Which key or switch of it.
    pub code: Code,
    /// How long it must rest before it counts; `None` where the file says nothing: input devices do that
    /// themselves.
    pub debounce: Option<Duration>,
}

/// An LED below `/sys/class/leds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedLine {
    /// Its name; with a `*`, which stands for any letters, those of all that are lit together.
    pub name: String,
    /// How bright it shines, in percent of what it can.
    pub bright: u8,
}

/// A line as it is written, without how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `gpio:`
    Gpio(Pin),
    /// `key:DEVICE/CODE`
    Key(Option<String>, Code),
    /// `led:`
    Led(String),
}

impl Line {
    /// Reads `KIND:…`.
    ///
    /// # Errors
    /// What to do about it.
    pub fn parse(text: &str) -> Result<Line, String> {
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        if rest.is_empty() || rest.contains('\0') {
            return Err(FORMS.to_string());
        }
        match kind {
            "gpio" => pin(rest).map(Line::Gpio),
            "key" => key(rest),
            // A name that leaves its folder is refused.
            "led" if rest.contains('/') || rest.starts_with('.') => {
                Err("write led:NAME with NAME as in /sys/class/leds".to_string())
            }
            "led" => Ok(Line::Led(rest.to_string())),
            _ => Err(FORMS.to_string()),
        }
    }
}

fn pin(text: &str) -> Result<Pin, String> {
    let Some((chip, offset)) = text.rsplit_once('/') else {
        return Ok(Pin::Named(text.to_string()));
    };
    match offset.parse() {
        Ok(offset) if !chip.is_empty() => Ok(Pin::Numbered(chip.to_string(), offset)),
        _ => Err("write gpio:CHIP/NUMBER, as gpio:gpiochip0/17, or gpio:NAME".to_string()),
    }
}

fn key(text: &str) -> Result<Line, String> {
    let Some((device, code)) = text
        .rsplit_once('/')
        .filter(|(device, _)| !device.is_empty())
    else {
        return Err("write key:DEVICE/CODE, as key:gpio-keys/KEY_F1; * is any device".to_string());
    };
    let device = (device != "*").then(|| device.to_string());
    Ok(Line::Key(device, Code::parse(code)?))
}

const FORMS: &str = "write gpio:NAME, gpio:CHIP/NUMBER, led:NAME or key:DEVICE/CODE";

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pin::Named(name) => f.write_str(name),
            Pin::Numbered(chip, offset) => write!(f, "{chip}/{offset}"),
        }
    }
}

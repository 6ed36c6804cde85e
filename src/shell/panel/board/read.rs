//! Reads a board's file.

use std::format;
use std::string::ToString;
use std::vec::Vec;

use super::line::{Bias, GpioLine, KeyLine, LedLine, Line};
use super::{Backend, Board, Button, Element, Hue, Input, Kind, Lamp, Output, Placed};
use crate::engine::config::is_name;
use crate::ground::limits::{BUTTONS, LAMPS, NAME};
use crate::ground::time::Duration;
use crate::shell::document::{Collector, Faults, Found, Section};

/// Reads the text of the board's file called `file`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn board(file: &str, text: &str) -> Result<Board, Faults> {
    let mut faults = Collector::new(text);
    let table = faults.parse();
    if !faults.is_clean() {
        return Err(faults.finish(file, ()).expect_err("something was found"));
    }
    let keys = ["name", "description", "backend", "button", "lamp"];
    let root = Section::open("the board", table.get_ref(), 0, &keys, &mut faults);
    let name = root.required("name", "my-phone", &mut faults);
    let description = root.text("description", &mut faults);
    let backends = [("sim", Backend::Simulated), ("hardware", Backend::Hardware)];
    let backend = root.choice("backend", &backends, &mut faults);
    if root.key_place("backend").is_none() {
        let remedy = "add backend = \"hardware\", or \"sim\"";
        faults.add(0, "the board has no backend", remedy);
    }
    let backend = backend.map_or(Backend::Simulated, |it| it.value);
    let mut reader = Reader {
        backend,
        faults,
        claimed: Vec::new(),
    };
    let buttons = reader.buttons(&root);
    let lamps = reader.lamps(&root);
    let board = Board {
        file: file.to_string(),
        name: name.map_or("", |it| it.value).to_string(),
        description: description.map_or("", |it| it.value).to_string(),
        backend,
        buttons,
        lamps,
    };
    reader.faults.finish(file, board)
}

struct Reader<'t> {
    backend: Backend,
    faults: Collector<'t>,
    /// Every line so far and the row it stands in.
    claimed: Vec<(Line, usize)>,
}

impl Reader<'_> {
    fn buttons(&mut self, root: &Section<'_, '_>) -> Vec<Button> {
        let keys: &[&str] = match self.backend {
            Backend::Simulated => &["name", "kind", "initial"],
            Backend::Hardware => &[
                "name",
                "kind",
                "line",
                "bias",
                "active_low",
                "debounce",
                "poll",
            ],
        };
        let kinds = [("momentary", Kind::Momentary), ("switch", Kind::Switch)];
        let mut buttons: Vec<Button> = Vec::new();
        for section in root.sections("button", "[[button]]", keys, &mut self.faults) {
            let kind = section.choice("kind", &kinds, &mut self.faults);
            let initial = section.flag("initial", &mut self.faults);
            let input = match self.backend {
                Backend::Simulated => None,
                Backend::Hardware => self.input(&section),
            };
            let Some(name) = section.required("name", "dnd", &mut self.faults) else {
                continue;
            };
            let taken = buttons.iter().any(|it| it.name == name.value);
            if self.name_is_good(name, taken) {
                buttons.push(Button {
                    name: name.value.to_string(),
                    kind: kind.map_or(Kind::Momentary, |it| it.value),
                    initial: initial.is_some_and(|it| it.value),
                    input,
                });
            }
            if buttons.len() == BUTTONS + 1 {
                self.too_many(section.at, "buttons", BUTTONS);
            }
        }
        buttons
    }

    fn input(&mut self, section: &Section<'_, '_>) -> Option<Placed<Input>> {
        let biases = [
            ("as-is", Bias::AsIs),
            ("pull-up", Bias::PullUp),
            ("pull-down", Bias::PullDown),
            ("disabled", Bias::Disabled),
        ];
        let faults = &mut self.faults;
        let bias = section.choice("bias", &biases, faults);
        let active_low = section.flag("active_low", faults);
        let debounce = section.number("debounce", 0..=1_000, faults).map(millis);
        let poll = section.number("poll", 1..=1_000, faults).map(millis);
        let text = section.required("line", "gpio:GPIO17", faults)?;
        let line = self.line(text)?;
        let value = match line {
            Line::Gpio(pin) => Input::Gpio(GpioLine {
                pin,
                active_low: active_low.is_some_and(|it| it.value),
                bias: bias.map_or(Bias::AsIs, |it| it.value),
                debounce: debounce.unwrap_or(DEBOUNCE),
                poll,
            }),
            Line::Key(device, code) => {
                self.only_gpio(section, &["bias", "active_low", "poll"]);
                Input::Key(KeyLine {
                    device,
                    code,
                    debounce,
                })
            }
            Line::Led(_) => {
                let remedy = "write gpio:NAME, gpio:CHIP/NUMBER or key:DEVICE/CODE";
                self.faults
                    .add(text.at, "a button cannot be an LED", remedy);
                return None;
            }
        };
        Some(self.placed(text, value))
    }

    fn lamps(&mut self, root: &Section<'_, '_>) -> Vec<Lamp> {
        let keys: &[&str] = match self.backend {
            Backend::Simulated => &["name", "colours"],
            Backend::Hardware => &[
                "name",
                "red",
                "green",
                "blue",
                "amber",
                "white",
                "rgb",
                "active_low",
                "bright",
            ],
        };
        let mut lamps: Vec<Lamp> = Vec::new();
        for section in root.sections("lamp", "[[lamp]]", keys, &mut self.faults) {
            let elements = match self.backend {
                Backend::Simulated => self.colours(&section),
                Backend::Hardware => self.elements(&section),
            };
            let Some(name) = section.required("name", "blf1", &mut self.faults) else {
                continue;
            };
            let taken = lamps.iter().any(|it| it.name == name.value);
            if self.name_is_good(name, taken) {
                lamps.push(Lamp {
                    name: name.value.to_string(),
                    elements,
                });
            }
            if lamps.len() == LAMPS + 1 {
                self.too_many(section.at, "lamps", LAMPS);
            }
        }
        lamps
    }

    fn colours(&mut self, section: &Section<'_, '_>) -> Vec<Element> {
        let mut elements: Vec<Element> = Vec::new();
        let colours = section.texts("colours", &mut self.faults);
        let none = colours.as_ref().is_none_or(Vec::is_empty);
        for written in colours.unwrap_or_default() {
            let shown = written.value.escape_debug();
            match Hue::ALL.iter().find(|hue| hue.name() == written.value) {
                Some(hue) if elements.iter().any(|it| it.hue == *hue) => {
                    let what = format!("\"{shown}\" is there already");
                    self.faults.add(written.at, what, "leave it out");
                }
                Some(hue) => elements.push(Element {
                    hue: *hue,
                    output: None,
                }),
                None => {
                    let what = format!("no lamp has the colour \"{shown}\"");
                    let remedy = "use red, green, blue, amber or white";
                    self.faults.add(written.at, what, remedy);
                }
            }
        }
        if none && (section.key_place("colours").is_none() || self.faults.is_clean()) {
            let remedy = "add colours = [\"red\", \"green\"]";
            self.faults
                .add(section.at, "[[lamp]] has no colours", remedy);
        }
        elements
    }

    fn elements(&mut self, section: &Section<'_, '_>) -> Vec<Element> {
        let active_low = section.flag("active_low", &mut self.faults);
        let bright = section.number("bright", 1..=100, &mut self.faults);
        let bright = bright.map_or(100, |it| it.value as u8);
        let mut elements: Vec<Element> = self.three(section, bright);
        for hue in Hue::ALL {
            let Some(text) = section.text(hue.name(), &mut self.faults) else {
                continue;
            };
            if elements.iter().any(|it| it.hue == hue) {
                let what = format!("rgb has a {} line already", hue.name());
                self.faults.add(text.at, what, "leave one of them out");
                continue;
            }
            let Some(line) = self.line(text) else {
                continue;
            };
            let output = match line {
                Line::Gpio(pin) => Output::Gpio(GpioLine {
                    pin,
                    active_low: active_low.is_some_and(|it| it.value),
                    bias: Bias::AsIs,
                    debounce: Duration::ZERO,
                    poll: None,
                }),
                Line::Led(name) => Output::Led(LedLine { name, bright }),
                Line::Key(..) => {
                    let remedy = "write gpio:NAME, gpio:CHIP/NUMBER or led:NAME";
                    self.faults.add(text.at, "a lamp cannot be a key", remedy);
                    continue;
                }
            };
            elements.push(Element {
                hue,
                output: Some(self.placed(text, output)),
            });
        }
        let mut keys = Hue::ALL.iter().map(|hue| hue.name()).chain(["rgb"]);
        if keys.all(|key| section.key_place(key).is_none()) {
            let remedy = "add red = \"gpio:GPIO23\", or green, blue, amber, white";
            self.faults.add(section.at, "[[lamp]] has no line", remedy);
        }
        elements
    }

    /// The three lines of a light that can show any colour, by one pattern of their names.
    fn three(&mut self, section: &Section<'_, '_>, bright: u8) -> Vec<Element> {
        let Some(pattern) = section.text("rgb", &mut self.faults) else {
            return Vec::new();
        };
        if !pattern.value.contains(COLOUR) || !pattern.value.starts_with("led:") {
            let what = format!("\"{}\" is no pattern of LEDs", pattern.value.escape_debug());
            let remedy = "write led:NAME with {colour} in it for red, green and blue: led:thingm*:{colour}:led0";
            self.faults.add(pattern.at, what, remedy);
            return Vec::new();
        }
        let mut elements = Vec::new();
        for hue in [Hue::Red, Hue::Green, Hue::Blue] {
            let text = pattern.value.replace(COLOUR, hue.name());
            let text = Found {
                value: text.as_str(),
                at: pattern.at,
            };
            if let Some(Line::Led(name)) = self.line(text) {
                let output = Output::Led(LedLine { name, bright });
                let output = Some(self.placed(text, output));
                elements.push(Element { hue, output });
            }
        }
        elements
    }

    /// The line that `text` names, if nobody else has it.
    fn line(&mut self, text: Found<&str>) -> Option<Line> {
        let shown = text.value.escape_debug();
        let line = match Line::parse(text.value) {
            Ok(line) => line,
            Err(remedy) => {
                let what = format!("\"{shown}\" is no line");
                self.faults.add(text.at, what, remedy);
                return None;
            }
        };
        if let Some((_, row)) = self.claimed.iter().find(|(other, _)| *other == line) {
            let what = format!("the line \"{shown}\" is claimed already, in line {row}");
            self.faults.add(text.at, what, "name another line");
            return None;
        }
        self.claimed.push((line.clone(), self.faults.line(text.at)));
        Some(line)
    }

    fn only_gpio(&mut self, section: &Section<'_, '_>, keys: &[&str]) {
        for key in keys {
            if let Some(at) = section.key_place(key) {
                let what = format!("{key} is only for lines of the kind gpio");
                self.faults.add(at, what, "leave it out");
            }
        }
    }

    fn placed<T>(&self, text: Found<&str>, value: T) -> Placed<T> {
        Placed {
            value,
            text: text.value.to_string(),
            row: self.faults.line(text.at),
        }
    }

    fn name_is_good(&mut self, name: Found<&str>, taken: bool) -> bool {
        let shown = name.value.escape_debug();
        if !is_name(name.value) || name.value.len() > NAME {
            let what = format!("\"{shown}\" cannot be a name");
            let remedy = format!(
                "use 1 to {NAME} letters, digits, dots, dashes and underscores, a letter first"
            );
            self.faults.add(name.at, what, remedy);
            return false;
        }
        if taken {
            let what = format!("\"{shown}\" is there already");
            self.faults.add(name.at, what, "give it another name");
        }
        !taken
    }

    fn too_many(&mut self, at: usize, what: &str, most: usize) {
        let limit = what.to_ascii_uppercase();
        let remedy = format!("leave some out, or build with a larger LAMPFIELD_{limit}");
        self.faults
            .add(at, format!("more than {most} {what}"), remedy);
    }
}

fn millis(number: Found<u32>) -> Duration {
    Duration::from_millis(number.value.into())
}

/// What stands for the names of colours.
const COLOUR: &str = "{colour}";

/// Where the file says nothing: long enough for a good switch, too short to be felt.
const DEBOUNCE: Duration = Duration::from_millis(5);

//! A board: what one kind of hardware has. The files in `boards/` are built in; a path names any other.

use std::borrow::Cow;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs};

use crate::engine::config::is_name;
use crate::ground::limits::{BUTTONS, LAMPS, NAME};
use crate::shell::document::{Collector, Faults, Found, Section};

/// What a device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
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
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Unique on the board.
    pub name: String,
    /// How it moves.
    pub kind: Kind,
    /// Whether it is pressed when the agent starts.
    pub initial: bool,
}

/// How a button moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Springs back when let go.
    Momentary,
    /// Stays as it is put.
    Switch,
}

/// A lamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lamp {
    /// Unique on the board.
    pub name: String,
    /// What it can show by itself; red and green together give amber. At least one.
    pub colours: Vec<Hue>,
}

/// A colour that a lamp has an element for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// Red.
    Red,
    /// Green.
    Green,
    /// Amber.
    Amber,
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

built_in!["sim"];

impl Board {
    /// The board where none is named.
    pub const DEFAULT: &str = "sim";

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
                remedy: "check the path and its permissions".to_string(),
            }),
        }
    }

    /// Reads a board's file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Board, Faults> {
        let mut faults = Collector::new(text);
        let table = faults.parse();
        if !faults.is_clean() {
            return Err(faults.finish(file, ()).expect_err("something was found"));
        }
        let keys = ["name", "description", "backend", "button", "lamp"];
        let root = Section::open("the board", table.get_ref(), 0, &keys, &mut faults);
        let name = root.required("name", "my-phone", &mut faults);
        let description = root.text("description", &mut faults);
        let backend = root.choice("backend", &[("sim", Backend::Simulated)], &mut faults);
        if root.key_place("backend").is_none() {
            faults.add(0, "the board has no backend", "add backend = \"sim\"");
        }
        let board = Board {
            name: name.map_or("", |it| it.value).to_string(),
            description: description.map_or("", |it| it.value).to_string(),
            backend: backend.map_or(Backend::Simulated, |it| it.value),
            buttons: buttons(&root, &mut faults),
            lamps: lamps(&root, &mut faults),
        };
        faults.finish(file, board)
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

fn buttons(root: &Section<'_, '_>, faults: &mut Collector<'_>) -> Vec<Button> {
    let keys = ["name", "kind", "initial"];
    let kinds = [("momentary", Kind::Momentary), ("switch", Kind::Switch)];
    let mut buttons: Vec<Button> = Vec::new();
    for section in root.sections("button", "[[button]]", &keys, faults) {
        let kind = section.choice("kind", &kinds, faults);
        let initial = section.flag("initial", faults);
        let Some(name) = section.required("name", "dnd", faults) else {
            continue;
        };
        let taken = buttons.iter().any(|it| it.name == name.value);
        if name_is_good(name, taken, faults) {
            buttons.push(Button {
                name: name.value.to_string(),
                kind: kind.map_or(Kind::Momentary, |it| it.value),
                initial: initial.is_some_and(|it| it.value),
            });
        }
        if buttons.len() == BUTTONS + 1 {
            faults.add(
                section.at,
                too_many("buttons", BUTTONS),
                build_with("BUTTONS"),
            );
        }
    }
    buttons
}

fn lamps(root: &Section<'_, '_>, faults: &mut Collector<'_>) -> Vec<Lamp> {
    let mut lamps: Vec<Lamp> = Vec::new();
    for section in root.sections("lamp", "[[lamp]]", &["name", "colours"], faults) {
        let colours = colours(&section, faults);
        let Some(name) = section.required("name", "blf1", faults) else {
            continue;
        };
        let taken = lamps.iter().any(|it| it.name == name.value);
        if name_is_good(name, taken, faults) {
            lamps.push(Lamp {
                name: name.value.to_string(),
                colours,
            });
        }
        if lamps.len() == LAMPS + 1 {
            faults.add(section.at, too_many("lamps", LAMPS), build_with("LAMPS"));
        }
    }
    lamps
}

fn colours(section: &Section<'_, '_>, faults: &mut Collector<'_>) -> Vec<Hue> {
    const HUES: [(&str, Hue); 3] = [
        ("red", Hue::Red),
        ("green", Hue::Green),
        ("amber", Hue::Amber),
    ];
    let mut colours = Vec::new();
    for written in section.texts("colours", faults).unwrap_or_default() {
        match HUES.iter().find(|(word, _)| *word == written.value) {
            Some((_, hue)) => colours.push(*hue),
            None => {
                let what = format!(
                    "no lamp has the colour \"{}\"",
                    written.value.escape_debug()
                );
                faults.add(written.at, what, "use red, green or amber");
            }
        }
    }
    if colours.is_empty() && faults.is_clean() {
        let remedy = "add colours = [\"red\", \"green\"]";
        faults.add(section.at, "[[lamp]] has no colours", remedy);
    }
    colours
}

fn name_is_good(name: Found<&str>, taken: bool, faults: &mut Collector<'_>) -> bool {
    let shown = name.value.escape_debug();
    if !is_name(name.value) || name.value.len() > NAME {
        let remedy = format!(
            "use 1 to {NAME} letters, digits, dots, dashes and underscores, a letter first"
        );
        faults.add(name.at, format!("\"{shown}\" cannot be a name"), remedy);
        return false;
    }
    if taken {
        faults.add(
            name.at,
            format!("\"{shown}\" is there already"),
            "give it another name",
        );
    }
    !taken
}

fn too_many(what: &str, most: usize) -> String {
    format!("more than {most} {what}")
}

fn build_with(limit: &str) -> String {
    format!("leave some out, or build with a larger LAMPFIELD_{limit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_boards_is_built_in_and_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards");
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("boards/ is there")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                assert_eq!(path.extension().and_then(|it| it.to_str()), Some("toml"));
                let stem = path.file_stem().and_then(|it| it.to_str());
                stem.expect("a name").to_string()
            })
            .collect();
        names.sort();
        let mut built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        built_in.sort_unstable();
        assert_eq!(names, built_in, "list every file of boards/ in built_in!");
        for name in names {
            let board = Board::find(&name).unwrap_or_else(|faults| panic!("{faults}"));
            assert_eq!(board.name, name, "a board is called like its file");
            assert!(!board.description.is_empty());
        }
    }

    #[test]
    fn the_simulated_board_is_a_desk_phone() {
        let board = Board::find("sim").expect("built in");
        let buttons: Vec<(&str, Kind)> = board
            .buttons
            .iter()
            .map(|it| (it.name.as_str(), it.kind))
            .collect();
        assert_eq!(buttons, [("hook", Kind::Switch), ("dnd", Kind::Momentary)]);
        assert_eq!(board.lamps.len(), 4);
        for lamp in &board.lamps {
            assert_eq!(lamp.colours, [Hue::Red, Hue::Green]);
        }
        assert_eq!(board.lamp("blf4"), Some(3));
        assert_eq!(board.button("blf4"), None);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let faults = Board::parse("b.toml", text).expect_err("a bad board");
        assert_eq!(faults.to_string(), expected);
    }

    const HEAD: &str = "name = \"b\"\nbackend = \"sim\"\n";

    #[test]
    fn mistakes_in_a_board_are_told_with_their_places() {
        refused(
            "[[lamp]]\nname = \"a\"\ncolours = [\"red\"]\n",
            "b.toml:1:1: the board has no name\n  remedy: add name = \"my-phone\"\n\
             b.toml:1:1: the board has no backend\n  remedy: add backend = \"sim\"",
        );
        refused(
            "name = \"b\"\nbackend = \"gpio\"\n",
            "b.toml:2:11: backend cannot be \"gpio\"\n  remedy: use one of: sim",
        );
        refused(
            &format!("{HEAD}[[button]]\nname = \"dnd\"\nline = 4\n"),
            "b.toml:5:1: unknown key `line` in [[button]]\n  remedy: use one of: name, kind, initial",
        );
        refused(
            &format!("{HEAD}[[lamp]]\nname = \"a\"\n"),
            "b.toml:3:1: [[lamp]] has no colours\n  remedy: add colours = [\"red\", \"green\"]",
        );
        refused(
            &format!("{HEAD}[[lamp]]\nname = \"a\"\ncolours = [\"blue\"]\n"),
            "b.toml:5:12: no lamp has the colour \"blue\"\n  remedy: use red, green or amber",
        );
        refused(
            &format!("{HEAD}[[button]]\nname = \"a\"\n[[button]]\nname = \"a\"\n"),
            "b.toml:6:8: \"a\" is there already\n  remedy: give it another name",
        );
        refused(
            &format!("{HEAD}[[button]]\nname = \"a/b\"\n"),
            "b.toml:4:8: \"a/b\" cannot be a name\n  \
             remedy: use 1 to 32 letters, digits, dots, dashes and underscores, a letter first",
        );
    }

    #[test]
    fn more_lamps_than_the_build_has_room_for_are_refused() {
        let mut text = HEAD.to_string();
        for at in 0..=LAMPS {
            text += &format!("[[lamp]]\nname = \"l{at}\"\ncolours = [\"red\"]\n");
        }
        let line = 3 + 3 * LAMPS;
        refused(
            &text,
            &format!(
                "b.toml:{line}:1: more than {LAMPS} lamps\n  \
                 remedy: leave some out, or build with a larger LAMPFIELD_LAMPS"
            ),
        );
    }

    #[test]
    fn an_unknown_board_is_told_with_those_there_are() {
        assert_eq!(
            Board::find("simm").expect_err("no such board").to_string(),
            "simm:1:1: there is no board \"simm\"\n  remedy: use one of: sim; or the path of a file"
        );
        let faults = Board::find("./no-such-file.toml").expect_err("no such file");
        assert!(faults.to_string().contains("cannot be read"), "{faults}");
    }
}

//! The `[[button]]` tables: what each button does, and for whom.

use std::format;
use std::string::ToString;
use std::vec::Vec;

use super::keys::BUTTON;
use super::{DAY, Reader, text};
use crate::engine::config::{Action, ButtonSettings, is_same};
use crate::ground::time::Seconds;
use crate::shell::commands::command::Command;
use crate::shell::commands::dial::Dial;
use crate::shell::document::{Found, Section, shown, suggestion};
use crate::shell::panel::board::{Button, Kind};
use crate::wire::doc::pidf::Activities;

impl Reader<'_, '_> {
    pub(super) fn buttons(&mut self, root: &Section<'_, '_>) {
        for button in &self.board.buttons {
            let _ = self.settings.buttons.push(untouched(button));
        }
        let mut told: Vec<Found<usize>> = Vec::new();
        for section in root.sections("button", BUTTON.name, BUTTON.keys, &mut self.faults) {
            let read = self.button(&section);
            let names: Vec<&str> = self
                .board
                .buttons
                .iter()
                .map(|it| it.name.as_str())
                .collect();
            let place = self.place(&section, &names, &mut told);
            if let (Some(at), Some((read, more))) = (place, read)
                && let Some(button) = self.settings.buttons.get_mut(at)
            {
                let (name, latching) = (button.name.clone(), button.latching);
                *button = ButtonSettings {
                    name,
                    latching,
                    ..read
                };
                let button = button.clone();
                let (number, commands) = (at as u16, &mut self.commands);
                commands.buttons.extend(more.run.map(|it| (number, it)));
                commands.dials.extend(more.dial.map(|it| (number, it)));
                self.gestures(&section, &button);
            }
        }
    }

    /// What one table says; the board says the rest.
    fn button(&mut self, section: &Section<'_, '_>) -> Option<(ButtonSettings, More)> {
        let run = self.command(section, "run");
        let dial = self.dial(section);
        let does_more = ["run", "dial"].iter().find_map(|it| section.key_place(it));
        let press = match does_more {
            Some(_) => Some(section.text("does", &mut self.faults)),
            None => section.required("does", "dnd", &mut self.faults).map(Some),
        };
        let press = press.and_then(|does| match does {
            Some(does) => self.action(does),
            None => Some(Action::Tell),
        });
        let mut action = |key| match section.text(key, &mut self.faults) {
            Some(written) => self.action(written),
            None => Some(Action::None),
        };
        let (long, double) = (action("long"), action("double"));
        let presentity = match section.text("presentity", &mut self.faults) {
            Some(named) => self.presentity(named),
            None => Some(0),
        };
        let timeout = section.number("timeout", 1..=DAY, &mut self.faults);
        if let (Some(Found { at, .. }), Some(press)) = (timeout, press)
            && press != Action::Motion
        {
            let what = "timeout means nothing without does = \"motion\"";
            self.faults.add(at, what, "leave timeout out");
        }
        let button = ButtonSettings {
            press: press?,
            long: long?,
            double: double?,
            presentity: presentity?,
            timeout: timeout.map_or(ButtonSettings::TIMEOUT, |it| Seconds(it.value)),
            told: run.is_some() || dial.is_some(),
            ..ButtonSettings::new(text(""), false)
        };
        if button.acts() && self.settings.presentities.is_empty() {
            let what = "the button has nobody to act for";
            self.faults.add(section.at, what, "add a [[presentity]]");
        }
        if does_more.is_none() && button.actions().any(|it| it == Action::Tell) {
            let remedy = "add run = [\"program\", \"argument\"]";
            self.faults
                .add(section.at, "the button has nothing to run", remedy);
        }
        Some((button, More { run, dial }))
    }

    /// Whether the button can tell apart what it is to do.
    fn gestures(&mut self, section: &Section<'_, '_>, button: &ButtonSettings) {
        let place = |key| section.key_place(key).unwrap_or(section.at);
        let name = &button.name;
        if button.latching && button.press.happens() {
            let what = format!("{name} is a switch and stays down: it can't do that once");
            let remedy =
                "write \"dnd\", \"hook\", \"activity NAME\", \"away\", \"motion\" or \"none\"";
            self.faults.add(place("does"), what, remedy);
        }
        for (key, gesture, action) in [
            ("long", "a long press", button.long),
            ("double", "a double press", button.double),
        ] {
            if action.follows() {
                let what = format!("{gesture} can't go by the position");
                let remedy = format!("write {FOR_GESTURES}, or let `does` do it alone");
                self.faults.add(place(key), what, remedy);
            } else if action != Action::None && button.latching {
                let what = format!("{name} is a switch and has no {key} press");
                self.faults
                    .add(place(key), what, format!("leave {key} out"));
            } else if action != Action::None && button.press.follows() {
                let what = format!("{name} goes by its position and has no {key} press");
                let remedy = format!("leave {key} out, or write {FOR_GESTURES} behind `does`");
                self.faults.add(place(key), what, remedy);
            }
        }
    }

    fn action(&mut self, written: Found<&str>) -> Option<Action> {
        if let Some((_, action)) = WORDS.iter().find(|(word, _)| *word == written.value) {
            return Some(*action);
        }
        let shown = written.value.escape_debug();
        let Some(activity) = written.value.strip_prefix("activity ") else {
            let what = format!("no button does \"{shown}\"");
            let remedy = "write \"dnd\", \"dnd hold\", \"hook\", \"activity NAME\", \
                          \"activity NAME hold\", \"away\", \"motion\", \"clear\", \"approve\", \
                          \"run\" or \"none\"";
            self.faults.add(written.at, what, remedy);
            return None;
        };
        let (activity, make): (_, fn(Activities) -> Action) = match activity.strip_suffix(" hold") {
            Some(activity) => (activity, Action::ActivityHold),
            None => (activity, Action::Activity),
        };
        let activity = Activities::named(activity.as_bytes());
        if activity.is_none() {
            let what = format!("\"{shown}\" names no activity");
            let remedy = "use one of RFC 4480 §3.2, as \"activity meeting\" or \"activity away\"";
            self.faults.add(written.at, what, remedy);
        }
        activity.map(make)
    }

    pub(super) fn presentity(&mut self, named: Found<&str>) -> Option<u16> {
        let uris: Vec<&str> = self
            .settings
            .presentities
            .iter()
            .map(|it| it.uri.as_str())
            .collect();
        let at = uris.iter().position(|it| is_same(it, named.value));
        if at.is_none() {
            let what = format!("\"{}\" is not served here", shown(named.value));
            let remedy = match uris.is_empty() {
                true => "add a [[presentity]]".to_string(),
                false => suggestion(named.value, &uris),
            };
            self.faults.add(named.at, what, remedy);
        }
        at.and_then(|it| u16::try_from(it).ok())
    }
}

/// What a button does beside what the agent knows of.
struct More {
    run: Option<Command>,
    dial: Option<Dial>,
}

/// A button of the board that nobody has said anything about.
pub(super) fn untouched(button: &Button) -> ButtonSettings {
    ButtonSettings::new(text(&button.name), button.kind == Kind::Switch)
}

const FOR_GESTURES: &str =
    "\"dnd\", \"activity NAME\", \"away\", \"clear\", \"approve\", \"run\" or \"none\"";

/// All but the activities.
const WORDS: [(&str, Action); 9] = [
    ("none", Action::None),
    ("dnd", Action::Dnd),
    ("dnd hold", Action::DndHold),
    ("hook", Action::Hook),
    ("away", Action::Away),
    ("motion", Action::Motion),
    ("clear", Action::Clear),
    ("approve", Action::Approve),
    ("run", Action::Tell),
];

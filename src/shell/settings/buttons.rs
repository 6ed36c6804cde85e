//! The `[[button]]` tables: what each button does, and for whom.

use std::format;
use std::vec::Vec;

use super::{Reader, text};
use crate::engine::config::{Action, ButtonSettings, is_same};
use crate::shell::document::{Found, Section, suggestion};
use crate::wire::doc::pidf::Activities;

impl Reader<'_, '_> {
    pub(super) fn buttons(&mut self, root: &Section<'_, '_>) {
        for button in &self.board.buttons {
            let _ = self.settings.buttons.push(ButtonSettings {
                name: text(&button.name),
                presentity: 0,
                action: Action::None,
            });
        }
        let mut told: Vec<Found<usize>> = Vec::new();
        for section in root.sections("button", "[[button]]", &BUTTON, &mut self.faults) {
            let action = self.action(&section);
            let presentity = match section.text("presentity", &mut self.faults) {
                Some(named) => self.presentity(named),
                None => Some(0),
            };
            let acts = action.is_some_and(|it| it != Action::None);
            if acts && self.settings.presentities.is_empty() {
                let remedy = "add a [[presentity]]";
                self.faults
                    .add(section.at, "the button has nobody to act for", remedy);
            }
            let names: Vec<&str> = self
                .board
                .buttons
                .iter()
                .map(|it| it.name.as_str())
                .collect();
            let place = self.place(&section, &names, &mut told);
            if let (Some(at), Some(action), Some(presentity)) = (place, action, presentity)
                && let Some(button) = self.settings.buttons.get_mut(at)
            {
                button.action = action;
                button.presentity = presentity;
            }
        }
    }

    fn action(&mut self, section: &Section<'_, '_>) -> Option<Action> {
        let does = section.required("does", "dnd", &mut self.faults)?;
        match does.value {
            "none" => return Some(Action::None),
            "dnd" => return Some(Action::Dnd),
            "hook" => return Some(Action::Hook),
            _ => {}
        }
        let shown = does.value.escape_debug();
        let Some(activity) = does.value.strip_prefix("activity ") else {
            let what = format!("no button does \"{shown}\"");
            let remedy = "write \"dnd\", \"hook\", \"activity NAME\" or \"none\"";
            self.faults.add(does.at, what, remedy);
            return None;
        };
        let activity = Activities::named(activity.as_bytes());
        if activity.is_none() {
            let what = format!("\"{shown}\" names no activity");
            let remedy = "use one of RFC 4480 §3.2, as \"activity meeting\" or \"activity away\"";
            self.faults.add(does.at, what, remedy);
        }
        activity.map(Action::Activity)
    }

    fn presentity(&mut self, named: Found<&str>) -> Option<u16> {
        let uris: Vec<&str> = self
            .settings
            .presentities
            .iter()
            .map(|it| it.uri.as_str())
            .collect();
        let at = uris.iter().position(|it| is_same(it, named.value));
        if at.is_none() && !uris.is_empty() {
            let what = format!("\"{}\" is not served here", named.value.escape_debug());
            self.faults
                .add(named.at, what, suggestion(named.value, &uris));
        }
        at.and_then(|it| u16::try_from(it).ok())
    }
}

const BUTTON: [&str; 3] = ["name", "does", "presentity"];

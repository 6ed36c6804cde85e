//! `run`: what is run for a button or a lamp, and `dial`: whom a button calls.

use std::format;
use std::string::{String, ToString};

use super::Reader;
use crate::shell::commands::command::Command;
use crate::shell::commands::dial::{Dial, Pickup};
use crate::shell::document::{Found, Section};

impl Reader<'_, '_> {
    /// The command behind `key`. One that can't be run here is doubted, no more: the file may be meant for another machine.
    pub(super) fn command(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Command> {
        let words = section.texts(key, &mut self.faults)?;
        let at = section.key_place(key).unwrap_or(section.at);
        let command = Command::new(words.iter().map(|it| it.value), self.folder);
        match command.as_ref().map(Command::doubt) {
            None => {
                let remedy = format!("write {key} = [\"program\", \"argument\"]");
                self.faults
                    .add(at, format!("{key} names no program"), remedy);
            }
            Some(None) => {}
            Some(Some((what, remedy))) => {
                let is_a_line = words.len() == 1 && words[0].value.contains(' ');
                let remedy = match is_a_line {
                    true => format!("no shell reads it: write {key} = [\"program\", \"argument\"]"),
                    false => String::from(remedy),
                };
                self.faults.warn(at, &what, remedy);
            }
        }
        command
    }

    /// Whom a button calls: an address, or whom a lamp watches.
    pub(super) fn dial(&mut self, section: &Section<'_, '_>) -> Option<Dial> {
        let written = section.text("dial", &mut self.faults);
        let pickup = section.text("pickup", &mut self.faults);
        let Some(written) = written else {
            self.refuse_pointless(section, &["pickup"], "dial", "sip:name@host");
            return None;
        };
        if self.commands.softphone.is_none() {
            let remedy = "add a [[softphone]] with baresip = \"127.0.0.1:4444\", or with dial";
            self.faults
                .add(written.at, "there is no softphone to make the call", remedy);
        }
        let pickup = match pickup {
            Some(Found {
                value: "accept", ..
            }) => Some(Pickup::Accept),
            Some(other) => Some(Pickup::Dial(self.address("pickup", other)?.to_string())),
            None => None,
        };
        let uri = match self.watched_by(written.value) {
            Some(uri) => uri,
            None => self.address("dial", written)?.to_string(),
        };
        Some(Dial { uri, pickup })
    }

    /// Whom the lamp of that name watches.
    fn watched_by(&self, name: &str) -> Option<String> {
        let mut lamps = self.settings.lamps.iter();
        let lamp = lamps.find(|it| it.name.as_str() == name)?;
        let watch = self
            .settings
            .watches
            .get(usize::from(lamp.shows.watch()?))?;
        Some(watch.target.to_string())
    }
}

//! `run`: what is run for a button or a lamp; `dial`, and the `[[softphone]]` that makes the calls.

use std::format;
use std::string::{String, ToString};

use super::Reader;
use super::keys::SOFTPHONE;
use crate::shell::commands::command::Command;
use crate::shell::commands::dial::{Dial, Pickup, Softphone, URI};
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

    /// Who makes the calls that buttons ask for.
    pub(super) fn softphone(&mut self, root: &Section<'_, '_>) {
        let tables = root.sections(
            "softphone",
            SOFTPHONE.name,
            SOFTPHONE.keys,
            &mut self.faults,
        );
        for section in &tables {
            if self.commands.softphone.is_some() {
                let remedy = "leave it out: one softphone makes the calls";
                self.faults
                    .add(section.at, "there is a softphone already", remedy);
                return;
            }
            self.commands.softphone = self.one_softphone(section);
        }
    }

    fn one_softphone(&mut self, section: &Section<'_, '_>) -> Option<Softphone> {
        let dial = self.command(section, "dial");
        let accept = self.command(section, "accept");
        let baresip = section.text("baresip", &mut self.faults);
        match (baresip, dial) {
            (Some(baresip), None) => {
                let at = baresip.value.parse().ok();
                if at.is_none() {
                    let remedy = "write where its ctrl_tcp listens, as 127.0.0.1:4444";
                    self.faults
                        .add(baresip.at, "baresip is no address and port", remedy);
                }
                at.map(Softphone::Baresip)
            }
            (None, Some(dial)) => {
                if !dial.has(URI) {
                    let at = section.key_place("dial").unwrap_or(section.at);
                    let remedy =
                        "write {uri} where the address belongs: dial = [\"program\", \"{uri}\"]";
                    self.faults
                        .add(at, "dial does not say whom to call", remedy);
                }
                Some(Softphone::Commands(dial, accept))
            }
            (Some(_), Some(_)) => {
                let what = "a softphone is told by baresip or by dial, not by both";
                self.faults.add(section.at, what, "leave one of them out");
                None
            }
            (None, None) => {
                let what = "nothing tells the softphone whom to call";
                let remedy = "add baresip = \"127.0.0.1:4444\", or dial = [\"program\", \"{uri}\"]";
                self.faults.add(section.at, what, remedy);
                None
            }
        }
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

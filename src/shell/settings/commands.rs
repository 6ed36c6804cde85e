//! `run`: what is run for a button or a lamp.

use std::format;
use std::string::String;

use super::Reader;
use crate::shell::commands::command::Command;
use crate::shell::document::Section;

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
}

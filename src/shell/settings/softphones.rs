//! The `[[softphone]]` sections: phones on this device, whose calls are those of a presentity, and which make them.

use super::Reader;
use super::keys::{SOFTPHONE, Table};
use crate::engine::config::{SoftphoneSettings, is_same};
use crate::ground::limits::SOFTPHONES;
use crate::shell::commands::command::Command;
use crate::shell::commands::dial::{Softphone, URI};
use crate::shell::document::{Section, shown};
use std::format;
use std::net::SocketAddr;
use std::string::ToString;

impl Reader<'_, '_> {
    /// The first of them makes the calls that buttons ask for.
    pub(super) fn softphones(&mut self, root: &Section<'_, '_>) {
        let Table { name, keys } = SOFTPHONE;
        for section in root.sections("softphone", name, keys, &mut self.faults) {
            let (dial, accept) = (
                self.command(&section, "dial"),
                self.command(&section, "accept"),
            );
            let caller = match (section.key_place("baresip"), dial) {
                (Some(_), None) => self.baresip(&section).map(Softphone::Baresip),
                (None, Some(dial)) => Some(self.commanded(&section, dial, accept)),
                (Some(_), Some(_)) => {
                    let what = "a softphone is told by baresip or by dial, not by both";
                    self.faults.add(section.at, what, "leave one of them out");
                    None
                }
                (None, None) => {
                    let what = "nothing tells the softphone whom to call";
                    let remedy =
                        "add baresip = \"127.0.0.1:4444\", or dial = [\"program\", \"{uri}\"]";
                    self.faults.add(section.at, what, remedy);
                    None
                }
            };
            if self.commands.softphone.is_none() {
                self.commands.softphone = caller;
            }
        }
    }

    /// One that is told by commands, and tells of nothing.
    fn commanded(
        &mut self,
        section: &Section<'_, '_>,
        dial: Command,
        accept: Option<Command>,
    ) -> Softphone {
        if self.commands.softphone.is_some() {
            let remedy = "leave it out: the first softphone makes the calls";
            self.faults
                .add(section.at, "there is a softphone already", remedy);
        }
        if !dial.has(URI) {
            let at = section.key_place("dial").unwrap_or(section.at);
            let remedy = "write {uri} where the address belongs: dial = [\"program\", \"{uri}\"]";
            self.faults
                .add(at, "dial does not say whom to call", remedy);
        }
        Softphone::Commands(dial, accept)
    }

    /// A baresip: where it is.
    fn baresip(&mut self, section: &Section<'_, '_>) -> Option<SocketAddr> {
        let baresip = self.control_of(section);
        let presentity = self.whose_calls(section);
        let phone = SoftphoneSettings {
            baresip: baresip?,
            presentity: presentity?,
        };
        let mut others = self.settings.softphones.iter();
        if others.any(|it| it.baresip == phone.baresip) {
            let what = format!("{} is there already", phone.baresip);
            self.faults
                .add(section.at, what, "name each phone only once");
        } else if self.settings.softphones.push(phone).is_err() {
            let what = format!("more than {SOFTPHONES} softphones");
            self.faults.add(section.at, what, "leave some out");
        }
        baresip
    }

    /// Where the phone tells of its calls: on this device alone, for nobody has to show a password there.
    fn control_of(&mut self, section: &Section<'_, '_>) -> Option<SocketAddr> {
        let text = section.required("baresip", "127.0.0.1:4444", &mut self.faults)?;
        let address = text.value.parse::<SocketAddr>().ok();
        let address = address.filter(|it| it.ip().is_loopback() && it.port() != 0);
        if address.is_none() {
            let what = format!("baresip cannot be at \"{}\"", shown(text.value));
            let remedy = "write what ctrl_tcp_listen says, on this device: 127.0.0.1:4444";
            self.faults.add(text.at, what, remedy);
        }
        address
    }

    /// Whose calls those are: the first presentity's, unless the section says so.
    fn whose_calls(&mut self, section: &Section<'_, '_>) -> Option<u16> {
        let all = &self.settings.presentities;
        let named = section.text("presentity", &mut self.faults);
        let (found, at) = match named {
            Some(text) => (
                all.iter().position(|it| is_same(&it.uri, text.value)),
                text.at,
            ),
            None => ((!all.is_empty()).then_some(0), section.at),
        };
        if found.is_none() {
            let what = match named {
                Some(text) => format!("\"{}\" is no presentity served here", shown(text.value)),
                None => "nobody is here whose calls these are".to_string(),
            };
            let remedy = "write the uri of a [[presentity]], as it stands there";
            self.faults.add(at, what, remedy);
        }
        found.and_then(|at| u16::try_from(at).ok())
    }
}

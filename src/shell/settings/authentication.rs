//! The `[authentication]` section: which users there are, and who has to show a password.

use std::format;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

use super::keys::{AUTHENTICATION, Table};
use super::{Configuration, Reader, reach};
use crate::engine::config::{Demand, Listed, Listener, Network, PresentitySettings, Strangers};
use crate::ground::limits::OWNERS;
use crate::ground::text::Text;
use crate::shell::document::{Found, Section};
use crate::shell::listen::Listen;
use crate::shell::users::{Roll, name_of, realm_of};
use crate::ua::guard::User;
use crate::wire::sip::Uri;

impl Reader<'_, '_> {
    /// Reads the section, and the users in the file that it names.
    pub(super) fn authentication(
        &mut self,
        root: &Section<'_, '_>,
        folder: &Path,
        listen: &[Listen],
    ) -> Roll {
        let faults = &mut self.faults;
        let Table { name, keys } = AUTHENTICATION;
        let section = root.section("authentication", name, keys, faults);
        let written = section.as_ref().and_then(|it| it.text("realm", faults));
        self.settings.authentication.realm = match written.map(|it| (realm_of(it.value), it.at)) {
            Some((Ok(realm), _)) => realm,
            Some((Err(fault), at)) => {
                self.faults.add(at, fault.what, fault.remedy);
                Text::new()
            }
            None => self.usual_realm(),
        };
        let Some(section) = section else {
            return Roll::default();
        };
        self.demand(&section, listen);
        let file = section.text("users", &mut self.faults);
        if file.is_none() && self.settings.authentication.demand != Demand::Strangers {
            let at = section.key_place("authenticate").unwrap_or(section.at);
            let remedy =
                "add users = \"lampfield.users\", and users with `lampfield user add NAME`";
            self.faults.add(at, "nobody has a password to show", remedy);
        }
        file.map_or(Roll::default(), |file| self.roll(file, folder))
    }

    /// Users that a presentity is of.
    pub(super) fn owners(
        &mut self,
        section: &Section<'_, '_>,
        presentity: &mut PresentitySettings,
    ) {
        for owner in section
            .texts("owners", &mut self.faults)
            .unwrap_or_default()
        {
            match name_of(owner.value) {
                Err(fault) => self.faults.add(owner.at, fault.what, fault.remedy),
                Ok(_) if presentity.owners.is_full() => {
                    let what = format!("more than {OWNERS} owners");
                    self.faults.add(owner.at, what, "leave some out");
                    return;
                }
                Ok(name) => {
                    let _ = presentity.owners.push(name); // There is room.
                }
            }
        }
    }

    /// The host of the first presentity, as it is written.
    fn usual_realm(&self) -> Text<{ crate::ground::limits::REALM }> {
        let first = self.settings.presentities.first();
        let host = first.and_then(|it| match Uri::parse(it.uri.as_bytes()) {
            Ok(Uri::Sip(uri)) => Some(uri.host.to_string()),
            Ok(Uri::Pres(uri)) => Some(uri.host.to_string()),
            Ok(Uri::Tel(_) | Uri::Other { .. }) | Err(_) => None,
        });
        let realm = host.and_then(|it| realm_of(&it).ok());
        realm.unwrap_or_else(|| Text::copied("lampfield").unwrap_or_default())
    }

    fn roll(&mut self, file: Found<&str>, folder: &Path) -> Roll {
        let path = folder.join(file.value);
        // It is opened again when somebody is added, also if it is not there yet.
        self.secrets.push(path.clone());
        if file.value.is_empty() || file.value.contains('\0') {
            let remedy = "write the path of a file, as lampfield.users";
            self.faults.add(file.at, "users cannot be a file", remedy);
            return Roll::default();
        }
        if !path.exists() {
            let what = format!("there are no users yet: {} is not there", path.display());
            let remedy = "add the first one: lampfield user add NAME";
            self.faults.warn(file.at, &what, remedy);
            return Roll {
                file: Some(path),
                ..Roll::default()
            };
        }
        let roll = match Roll::read(&path, &self.settings.authentication.realm) {
            Ok(roll) => roll,
            Err(fault) => {
                self.faults.add(file.at, fault.what, fault.remedy);
                return Roll::default();
            }
        };
        if let Some(stray) = roll.strays.first() {
            let realm = &self.settings.authentication.realm;
            let what = format!("the user {stray} is of another realm than {realm}");
            let remedy = format!("say realm as it is there, or: lampfield user add {stray}");
            self.faults.warn(file.at, &what, remedy);
        }
        roll
    }

    fn demand(&mut self, section: &Section<'_, '_>, listen: &[Listen]) {
        let Some(words) = section.texts("authenticate", &mut self.faults) else {
            return;
        };
        let demand = match words.as_slice() {
            [word] if word.value == "strangers" => Demand::Strangers,
            [word] if word.value == "always" => Demand::Always,
            words => Demand::Listed(self.listed(words, listen)),
        };
        self.settings.authentication.demand = demand;
    }

    fn listed(&mut self, words: &[Found<&str>], listen: &[Listen]) -> Listed {
        let mut listed = Listed::default();
        for word in words {
            let fits = if let Some(network) = Network::parse(word.value) {
                listed.networks.push(network).is_ok()
            } else if let Ok(listener) = word.value.parse::<Listen>() {
                if !listen.contains(&listener) {
                    let what = format!("the agent does not listen on {listener}");
                    self.faults.add(word.at, what, "write it as in listen");
                }
                let Listen { transport, address } = listener;
                let listener = Listener { transport, address };
                listed.listeners.push(listener).is_ok()
            } else {
                let what = format!("authenticate cannot be \"{}\"", word.value.escape_debug());
                let remedy = "write \"strangers\", \"always\", or a list of networks and listeners, \
                              as [\"192.168.7.0/24\", \"udp:0.0.0.0:5060\"]";
                self.faults.add(word.at, what, remedy);
                true
            };
            if !fits {
                let what = "authenticate lists too many networks or listeners";
                self.faults.add(word.at, what, "join some into larger ones");
                return listed;
            }
        }
        listed
    }
}

impl Configuration {
    /// Who the users are and who has to show a password, in words; empty where there is nothing to say.
    pub(super) fn passwords_in_words(&self) -> Vec<String> {
        let authentication = &self.settings.authentication;
        let Some(file) = &self.users.file else {
            return Vec::new();
        };
        let names: Vec<&str> = self.users.users.iter().map(User::name).collect();
        let names = match names.is_empty() {
            true => "nobody yet".to_string(),
            false => names.join(", "),
        };
        let realm = &authentication.realm;
        let mut lines = Vec::from([format!(
            "{names}; of the realm {realm}, in {}",
            file.display()
        )]);
        lines.push("they publish and register for presentities of their own".to_string());
        lines.push(match &authentication.demand {
            Demand::Strangers => "those elsewhere have to show a password".to_string(),
            Demand::Always => "everybody but this machine has to show a password".to_string(),
            Demand::Listed(listed) => {
                let networks = listed.networks.iter().map(ToString::to_string);
                let listeners = listed.listeners.iter().map(|it| {
                    let Listener { transport, address } = *it;
                    Listen { transport, address }.to_string()
                });
                let all: Vec<String> = networks.chain(listeners).collect();
                let all = all.join(", ");
                format!("those elsewhere, and all of {all}, have to show a password")
            }
        });
        let may_always = authentication.demand != Demand::Always;
        if may_always && !names.is_empty() && !reach::is_for_this_machine(&self.listen) {
            let advice = "better: authenticate = \"always\", for anybody in a network can take another \
                          one's address there";
            lines.push(advice.to_string());
        }
        if self.settings.strangers == Strangers::Ask && !self.users.users.is_empty() {
            lines.push("whoever has none does not wait to be allowed".to_string());
        }
        lines
    }
}

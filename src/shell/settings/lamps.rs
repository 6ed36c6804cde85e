//! The `[[lamp]]` tables: whom each lamp watches, how, and with which looks.

use std::format;
use std::vec::Vec;

use super::{DAY, Reader, build_with, text};
use crate::engine::config::{Full, LampSettings, WatchSettings, is_server};
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::limits::{HOST, URI, WATCHES};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::shell::document::{Found, Section};
use crate::users::lamps::{Colour, Look, Looks};

impl Reader<'_, '_> {
    pub(super) fn lamps(&mut self, root: &Section<'_, '_>) {
        for lamp in &self.board.lamps {
            let _ = self
                .settings
                .lamps
                .push(LampSettings::new(text(&lamp.name)));
        }
        let mut told: Vec<Found<usize>> = Vec::new();
        for section in root.sections("lamp", "[[lamp]]", &LAMP, &mut self.faults) {
            let looks = self.looks(&section);
            let grace = section.number("grace", 0..=DAY, &mut self.faults);
            let watch = self.watch(&section);
            let names: Vec<&str> = self.board.lamps.iter().map(|it| it.name.as_str()).collect();
            let Some(lamp) = self.place(&section, &names, &mut told) else {
                continue;
            };
            let Some(lamp) = self.settings.lamps.get_mut(lamp) else {
                continue;
            };
            lamp.looks = looks;
            lamp.watch = watch;
            if let Some(grace) = grace {
                lamp.grace = Seconds(grace.value);
            }
        }
    }

    /// The number of the watch a lamp asks for, shared with other lamps that ask for the same.
    fn watch(&mut self, section: &Section<'_, '_>) -> Option<u16> {
        let faults = &mut self.faults;
        let event = section.choice("event", &EVENTS, faults);
        let fallback = section.flag("fallback", faults);
        let expires = section.number("expires", 1..=DAY, faults);
        let server = section.text("server", faults);
        let from = section.text("from", faults);
        let Some(target) = section.text("watch", faults) else {
            self.watches_nobody(section);
            return None;
        };
        let package = event.map_or(Package::Dialog, |it| it.value);
        if let Some(Found { value: true, at }) = fallback
            && package != Package::Dialog
        {
            let what = format!("there is no fallback from {}", package.name());
            self.faults.add(
                at,
                what,
                "leave fallback out, or ask for event = \"dialog\"",
            );
        }
        let server = server.map(|it| self.server(it));
        let from = match from {
            Some(from) => self.address("from", from),
            None => self.first_presentity(section),
        };
        let mut watch = WatchSettings::new(self.address("watch", target)?, from?, package);
        watch.fallback = fallback.is_some_and(|it| it.value);
        watch.server = match server {
            Some(None) => return None,
            Some(server) => server,
            None => None,
        };
        if let Some(expires) = expires {
            watch.expires = Seconds(expires.value);
        }
        match self.settings.share_watch(watch) {
            Ok(at) => Some(at),
            Err(Full) => {
                let what = format!("more than {WATCHES} different watches");
                self.faults.add(section.at, what, build_with("WATCHES"));
                None
            }
        }
    }

    /// A lamp without `watch` needs none of what says how to watch.
    fn watches_nobody(&mut self, section: &Section<'_, '_>) {
        if section.key_place("watch").is_some() {
            return; // It is there, but no text: said already.
        }
        let pointless = ["event", "fallback", "server", "from", "expires"];
        for key in section.keys().filter(|it| pointless.contains(&it.value)) {
            let what = format!("{} without watch means nothing", key.value);
            let remedy = "add watch = \"sip:name@host\", or leave it out";
            self.faults.add(key.at, what, remedy);
        }
    }

    fn first_presentity(&mut self, section: &Section<'_, '_>) -> Option<Text<URI>> {
        let first = self.settings.presentities.first();
        if first.is_none() {
            let remedy = "add from = \"sip:name@host\", or a [[presentity]]";
            self.faults.add(section.at, "nobody to watch as", remedy);
        }
        first.map(|it| it.uri.clone())
    }

    fn looks(&mut self, section: &Section<'_, '_>) -> Looks {
        let mut looks = Looks::DEFAULT;
        let names = Watched::ALL.map(Watched::name);
        let Some(table) = section.section("looks", "looks", &names, &mut self.faults) else {
            return looks;
        };
        for watched in Watched::ALL {
            let Some(written) = table.text(watched.name(), &mut self.faults) else {
                continue;
            };
            match Look::parse(written.value) {
                Some(look) => looks.set(watched, look),
                None => {
                    let what = format!("\"{}\" is no look", written.value.escape_debug());
                    let remedy = format!(
                        "write one of {}, with slow or fast behind it if it blinks: \"red fast\"",
                        Colour::ALL.map(Colour::name).join(", ")
                    );
                    self.faults.add(written.at, what, remedy);
                }
            }
        }
        looks
    }

    fn server(&mut self, written: Found<&str>) -> Option<Text<HOST>> {
        let server = Text::copied(written.value).ok();
        let server = server.filter(|it| is_server(it));
        if server.is_none() {
            let what = format!("server is no host: \"{}\"", written.value.escape_debug());
            let remedy = "write host or host:port, an IPv6 address in brackets";
            self.faults.add(written.at, what, remedy);
        }
        server
    }
}

const LAMP: [&str; 9] = [
    "name", "watch", "event", "fallback", "server", "from", "expires", "grace", "looks",
];

const EVENTS: [(&str, Package); 3] = [
    ("dialog", Package::Dialog),
    ("presence", Package::Presence),
    ("message-summary", Package::MessageSummary),
];

//! The `[[lamp]]` tables: whom each lamp watches and how, or what else it shows, and with which looks.

use std::format;
use std::vec::Vec;

use super::keys::LAMP;
use super::{DAY, Reader, build_with, text};
use crate::engine::config::{
    LampSettings, Shows, WatchSettings, is_same, is_watch_server, needs_tls,
};
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::limits::{HOST, URI, WATCHES};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::shell::commands::command::Command;
use crate::shell::document::{Found, Section, shown};
use crate::shell::tls;
use crate::users::lamps::{Colour, Look, Looks};
use crate::wire::sip::{Bad, Uri};

impl Reader<'_, '_> {
    pub(super) fn lamps(&mut self, root: &Section<'_, '_>) {
        for lamp in &self.board.lamps {
            let _ = self
                .settings
                .lamps
                .push(LampSettings::new(text(&lamp.name)));
        }
        let mut told: Vec<Found<usize>> = Vec::new();
        for section in root.sections("lamp", LAMP.name, LAMP.keys, &mut self.faults) {
            let shows = self.shows(&section).unwrap_or_default();
            let looks = self.looks(&section, self.settings.default_looks(shows));
            let grace = section.number("grace", 0..=DAY, &mut self.faults);
            let run = self.lamp_command(&section);
            let names: Vec<&str> = self.board.lamps.iter().map(|it| it.name.as_str()).collect();
            let Some(lamp) = self.place(&section, &names, &mut told) else {
                continue;
            };
            self.commands
                .lamps
                .extend(run.map(|run| (lamp as u16, run)));
            let Some(lamp) = self.settings.lamps.get_mut(lamp) else {
                continue;
            };
            lamp.looks = looks;
            lamp.shows = shows;
            if let Some(grace) = grace {
                lamp.grace = Seconds(grace.value);
            }
        }
    }

    /// What is run when the lamp changes; one that stands for nothing never does.
    fn lamp_command(&mut self, section: &Section<'_, '_>) -> Option<Command> {
        let stands = ["watch", "list", "shows"];
        if stands.iter().all(|key| section.key_place(key).is_none()) {
            self.refuse_pointless(section, &["run"], "watch", "sip:name@host");
        }
        self.command(section, "run")
    }

    /// What a lamp stands for: somebody else by `watch`, or something of our own by `shows`.
    fn shows(&mut self, section: &Section<'_, '_>) -> Option<Shows> {
        if section.key_place("watch").is_none() {
            self.refuse_pointless(section, &WATCHING, "watch", "sip:name@host");
            self.refuse_pointless(section, &["list"], "watch", "sip:name@host");
        }
        let Some(at) = section.key_place("shows") else {
            self.refuse_pointless(section, &["presentity"], "shows", "dnd");
            return self.watch(section);
        };
        if section.key_place("watch").is_some() {
            let what = "a lamp cannot watch somebody and show something of our own";
            self.faults.add(at, what, "leave out watch or shows");
            return None;
        }
        let Found { value: shows, at } = section.choice("shows", &OWN, &mut self.faults)?;
        let named = section.text("presentity", &mut self.faults);
        let own = match named {
            Some(named) => self.presentity(named)?,
            None => 0,
        };
        let Some(shows) = shows else {
            return self.forwarding(at, own);
        };
        match (shows(own), named) {
            (Shows::Health, Some(Found { at, .. })) => {
                let what = "health is that of the device, not of a presentity";
                self.faults.add(at, what, "leave presentity out");
            }
            (Shows::Health, None) => {}
            (_, None) if self.settings.presentities.is_empty() => {
                let what = "the lamp has nobody to stand for";
                self.faults.add(section.at, what, "add a [[presentity]]");
            }
            _ => {}
        }
        Some(shows(own))
    }

    /// Whether calls to a presentity go elsewhere, which the server says that keeps its features.
    fn forwarding(&mut self, at: usize, presentity: u16) -> Option<Shows> {
        let mut kept = self.settings.upstreams.iter().filter_map(|it| it.features);
        let found = kept.find(|it| it.presentity == presentity);
        if found.is_none() {
            let what = "no server says where calls go";
            let remedy = "add publish = \"feature\" to its [[upstream]]";
            self.faults.add(at, what, remedy);
        }
        found.map(|it| Shows::Watch(it.watch))
    }

    /// The watches a lamp asks for, shared with other lamps that ask for the same.
    fn watch(&mut self, section: &Section<'_, '_>) -> Option<Shows> {
        if let Some(list) = section.text("list", &mut self.faults) {
            return self.member(section, list);
        }
        let (watch, event) = self.subscription(section, "watch")?;
        self.share(section, &watch, event)
    }

    /// The watches that are like this one, of each package of `event`.
    pub(super) fn share(
        &mut self,
        section: &Section<'_, '_>,
        watch: &WatchSettings,
        event: Event,
    ) -> Option<Shows> {
        let mut share = |package| {
            let watch = watch.clone();
            let partial = watch.partial && is_patched(package);
            self.settings.share_watch(WatchSettings {
                package,
                partial,
                ..watch
            })
        };
        let shared = match event {
            Event::One(package) => share(package).map(Shows::Watch),
            Event::Both => share(Package::Dialog).and_then(|calls| {
                let presence = share(Package::Presence)?;
                Ok(Shows::Both { calls, presence })
            }),
        };
        if shared.is_err() {
            self.too_many(section);
        }
        shared.ok()
    }

    /// There is no room for another watch.
    pub(super) fn too_many(&mut self, section: &Section<'_, '_>) {
        let what = format!("more than {WATCHES} different watches");
        self.faults.add(section.at, what, build_with("WATCHES"));
    }

    /// What a table says of a subscription to whom it names at `key`; its package is to be that of the event.
    pub(super) fn subscription(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<(WatchSettings, Event)> {
        let event = self.event(section);
        let faults = &mut self.faults;
        let fallback = section.flag("fallback", faults);
        let expires = section.number("expires", 1..=DAY, faults);
        let audit = section.number("audit", 0..=DAY, faults);
        let Seconds(seldom) = WatchSettings::SELDOM;
        let at_most_every = section.number("at_most_every", 0..=seldom, faults);
        let partial = section.flag("partial", faults);
        let server = section.text("server", faults);
        let from = section.text("from", faults);
        let target = section.text(key, faults)?;
        if let Some(Found { value: true, at }) = fallback
            && event != Event::One(Package::Dialog)
        {
            let what = format!("there is no fallback from {}", event.name());
            self.faults.add(
                at,
                what,
                "leave fallback out, or ask for event = \"dialog\"",
            );
        }
        if let Some(Found { value: true, at }) = partial
            && !event.is_patched()
        {
            let what = format!("{} is not told in part", event.name());
            let remedy = "leave partial out, or ask for event = \"presence\"";
            self.faults.add(at, what, remedy);
        }
        let audit = audit.map(|it| self.audit(it));
        let server = server.map(|it| self.server(it));
        let target = self.target(key, target);
        let from = match from {
            Some(from) => self.address("from", from),
            // Only the owner is told who watches.
            None if event.is_for_the_owner() => target.clone(),
            None => match target.as_deref().and_then(|it| self.neighbour(it)) {
                Some(aor) => Some(aor),
                None => self.first_presentity(section),
            },
        };
        let target = target?;
        let mut watch = WatchSettings::new(target, from?, Package::Dialog);
        let upstreams = &self.settings.upstreams;
        let upstream = upstreams
            .iter()
            .position(|it| is_same(&it.aor, &watch.from));
        watch.upstream = upstream.and_then(|at| u16::try_from(at).ok());
        watch.fallback = fallback.is_some_and(|it| it.value);
        watch.partial = partial.is_some_and(|it| it.value);
        watch.server = match server {
            Some(None) => return None,
            Some(server) => server,
            None => None,
        };
        if let Some(expires) = expires {
            watch.expires = Seconds(expires.value);
        }
        if let Some(audit) = audit {
            watch.audit = audit;
        }
        if let Some(at_most_every) = at_most_every {
            watch.at_most_every = Seconds(at_most_every.value);
        }
        if needs_tls(&watch.target) && !self.settings.goes_by_tls(&watch) {
            let what = format!(
                "{} can only be asked over TLS, and its server is asked without",
                watch.target
            );
            let remedy = "write its server as tls:HOST";
            self.faults.add(section.at, what, remedy);
            return None;
        }
        Some((watch, event))
    }

    /// What a lamp asks for; calls, where nothing else is written or what is written cannot be had.
    fn event(&mut self, section: &Section<'_, '_>) -> Event {
        const CALLS: Event = Event::One(Package::Dialog);
        const PRESENCE: Event = Event::One(Package::Presence);
        let words: Vec<(&str, Event)> = Event::all().map(|it| (it.name(), it)).collect();
        let faults = &mut self.faults;
        let Some(found) = section.choices("event", &words, faults) else {
            return CALLS;
        };
        let events: Vec<Event> = found.iter().map(|it| it.value).collect();
        match events[..] {
            [] => CALLS,
            [one] => one,
            [CALLS, PRESENCE] | [PRESENCE, CALLS] => Event::Both,
            _ => {
                let alone = found
                    .iter()
                    .filter(|it| ![CALLS, PRESENCE].contains(&it.value));
                for it in alone {
                    let what = format!("{} goes with no other event", it.value.name());
                    faults.add(it.at, what, "leave it out, or what stands beside it");
                }
                CALLS
            }
        }
    }

    /// Whom to watch: an address that can be asked.
    fn target(&mut self, key: &'static str, written: Found<&str>) -> Option<Text<URI>> {
        let target = self.address(key, written)?;
        if tls::IS_HERE || !needs_tls(&target) {
            return Some(target);
        }
        let what = format!("{target} can only be asked over TLS");
        self.faults.add(written.at, what, tls::TAKE_ANOTHER);
        None
    }

    /// Keys that say more about a key which is not there.
    pub(super) fn refuse_pointless(
        &mut self,
        section: &Section<'_, '_>,
        pointless: &[&str],
        missing: &str,
        example: &str,
    ) {
        for key in section.keys().filter(|it| pointless.contains(&it.value)) {
            let what = format!("{} without {missing} means nothing", key.value);
            let remedy = format!("add {missing} = \"{example}\", or leave it out");
            self.faults.add(key.at, what, remedy);
        }
    }

    /// Who we are at the server where `target` is.
    fn neighbour(&self, target: &str) -> Option<Text<URI>> {
        let target = Uri::parse(target.as_bytes()).ok()?;
        let there = target.sip()?.host;
        let is_there = |aor: &str| match Uri::parse(aor.as_bytes()) {
            Ok(uri) => uri.sip().is_some_and(|uri| uri.host == there),
            Err(Bad) => false,
        };
        let mut upstreams = self.settings.upstreams.iter();
        let upstream = upstreams.find(|it| is_there(&it.aor))?;
        Some(upstream.aor.clone())
    }

    fn first_presentity(&mut self, section: &Section<'_, '_>) -> Option<Text<URI>> {
        let first = self.settings.presentities.first();
        if first.is_none() {
            let remedy = "add from = \"sip:name@host\", or a [[presentity]]";
            self.faults.add(section.at, "nobody to watch as", remedy);
        }
        first.map(|it| it.uri.clone())
    }

    fn looks(&mut self, section: &Section<'_, '_>, unless: &Looks) -> Looks {
        let mut looks = unless.clone();
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

    /// How often a state is confirmed: not at all, or not too often.
    fn audit(&mut self, written: Found<u32>) -> Seconds {
        let Seconds(least) = WatchSettings::AUDIT;
        if (1..least).contains(&written.value) {
            let what = format!("audit is {}, which is too often", written.value);
            let remedy = format!("write audit = {least} or more, or 0 to ask never");
            self.faults.add(written.at, what, remedy);
        }
        Seconds(written.value)
    }

    fn server(&mut self, written: Found<&str>) -> Option<Text<HOST>> {
        let server = Text::copied(written.value).ok();
        let server = server.filter(|it| is_watch_server(it));
        if server.is_none() {
            let what = format!("server is no host: \"{}\"", shown(written.value));
            let remedy = "write host or host:port, an IPv6 address in brackets";
            self.faults.add(written.at, what, remedy);
        }
        server
    }
}

/// What a lamp asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    One(Package),
    /// Calls and presence of the same person.
    Both,
}

impl Event {
    fn all() -> impl Iterator<Item = Event> {
        Package::ALL
            .into_iter()
            .map(Event::One)
            .chain([Event::Both])
    }

    const fn name(self) -> &'static str {
        match self {
            Event::One(package) => package.name(),
            Event::Both => "both",
        }
    }

    /// Whether changes in some of it can be told in part.
    fn is_patched(self) -> bool {
        match self {
            Event::One(package) => is_patched(package),
            Event::Both => true,
        }
    }

    /// Whether nobody but the watched one itself is told.
    fn is_for_the_owner(self) -> bool {
        match self {
            Event::One(package) => package.is_private(),
            Event::Both => false,
        }
    }
}

const fn is_patched(package: Package) -> bool {
    package.spec().patched().is_some()
}

/// What says how to watch.
pub(super) const WATCHING: [&str; 8] = [
    "event",
    "fallback",
    "server",
    "from",
    "expires",
    "audit",
    "at_most_every",
    "partial",
];

/// Something of our own, of the presentity with that number.
type Own = fn(u16) -> Shows;

/// What a server knows of it has none.
const OWN: [(&str, Option<Own>); 4] = [
    ("dnd", Some(Shows::Dnd)),
    ("health", Some(|_| Shows::Health)),
    ("waiting", Some(Shows::Waiting)),
    ("forward", None),
];

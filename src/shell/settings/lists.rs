//! The `[[list]]` tables: lists that are asked for, and the lamps of those who are on them.

use std::format;

use super::Reader;
use super::keys::LIST;
use super::lamps::{Event, WATCHING};
use crate::engine::config::{Shows, WatchRole, WatchSettings, is_same};
use crate::events::package::Package;
use crate::shell::document::{Found, Section, shown};

impl Reader<'_, '_> {
    pub(super) fn lists(&mut self, root: &Section<'_, '_>) {
        for section in root.sections("list", LIST.name, LIST.keys, &mut self.faults) {
            if section.key_place("uri").is_none() {
                let remedy = "add uri = \"sip:name@host\"";
                self.faults.add(section.at, "a list without uri", remedy);
                continue;
            }
            let Some((list, event)) = self.subscription(&section, "uri") else {
                continue;
            };
            if self.lists_at(&list.target).is_some() {
                let what = format!("{} is there already", list.target);
                let remedy =
                    "name each list only once; event = \"both\" asks for calls and presence";
                self.faults.add(section.at, what, remedy);
                continue;
            }
            let role = WatchRole::List;
            self.share(&section, &WatchSettings { role, ..list }, event);
        }
    }

    /// The watches of a lamp whose watched one is on a list.
    pub(super) fn member(&mut self, section: &Section<'_, '_>, list: Found<&str>) -> Option<Shows> {
        for key in section.keys().filter(|it| WATCHING.contains(&it.value)) {
            let what = format!("{} is said by the list", key.value);
            let remedy = "write it below [[list]], or leave it out";
            self.faults.add(key.at, what, remedy);
        }
        let target = section.text("watch", &mut self.faults)?;
        let target = self.address("watch", target)?;
        let Some(lists) = self.lists_at(list.value) else {
            let what = format!("there is no [[list]] {}", shown(list.value));
            let remedy = "add [[list]] with that uri";
            self.faults.add(list.at, what, remedy);
            return None;
        };
        let mut join = |list: u16| {
            let settings = self.settings.watches.get(usize::from(list))?;
            let member = WatchSettings {
                target: target.clone(),
                role: WatchRole::Member(list),
                ..settings.clone()
            };
            let event = Event::One(member.package);
            self.share(section, &member, event)?.watch()
        };
        Some(match lists {
            Shows::Both { calls, presence } => Shows::Both {
                calls: join(calls)?,
                presence: join(presence)?,
            },
            one => Shows::Watch(join(one.watch()?)?),
        })
    }

    /// The watches of the list at that address.
    fn lists_at(&self, uri: &str) -> Option<Shows> {
        let of = |package: Package| {
            let is_it = |it: &WatchSettings| {
                it.role == WatchRole::List && it.package == package && is_same(&it.target, uri)
            };
            let at = self.settings.watches.iter().position(is_it)?;
            u16::try_from(at).ok()
        };
        match (of(Package::Dialog), of(Package::Presence)) {
            (Some(calls), Some(presence)) => Some(Shows::Both { calls, presence }),
            (Some(one), None) | (None, Some(one)) => Some(Shows::Watch(one)),
            (None, None) => Package::ALL.into_iter().find_map(of).map(Shows::Watch),
        }
    }
}

//! The `[subscriptions]` section: for how long others may watch, and how often they are told. And `[registrations]` and
//! `[publications]`: for how long their phones are known, and what those say.

use super::keys::{PACE, PUBLICATIONS, REGISTRATIONS, SUBSCRIPTIONS, Table};
use super::{DAY, Reader};
use crate::engine::config::Lifetimes;
use crate::events::package::{Pace, Package};
use crate::ground::time::Seconds;
use crate::shell::document::{Collector, Section};
use std::format;
use std::time::Duration;

impl Reader<'_, '_> {
    pub(super) fn subscriptions(&mut self, root: &Section<'_, '_>) {
        let faults = &mut self.faults;
        let Table { name, keys } = SUBSCRIPTIONS;
        let Some(section) = root.section("subscriptions", name, keys, faults) else {
            return;
        };
        let settings = &mut self.settings;
        let (min, max) = (&mut settings.min_expires, &mut settings.max_expires);
        read_lifetimes(&section, min, max, faults);
        if let Some(blank) = section.flag("blank_documents", faults) {
            settings.blank_documents = blank.value;
        }
        let Some(pace) = section.section("pace", PACE.name, Package::served_names(), faults) else {
            return;
        };
        for &package in Package::SERVED {
            let place = &mut self.settings.paces[package as usize];
            read_pace(&pace, package, place, faults);
        }
    }

    pub(super) fn registrations(&mut self, root: &Section<'_, '_>) {
        let faults = &mut self.faults;
        let Table { name, keys } = REGISTRATIONS;
        if let Some(section) = root.section("registrations", name, keys, faults) {
            let Lifetimes { min, max } = &mut self.settings.registrations;
            read_lifetimes(&section, min, max, faults);
        }
    }

    pub(super) fn publications(&mut self, root: &Section<'_, '_>) {
        let faults = &mut self.faults;
        let Table { name, keys } = PUBLICATIONS;
        if let Some(section) = root.section("publications", name, keys, faults) {
            let Lifetimes { min, max } = &mut self.settings.publications;
            read_lifetimes(&section, min, max, faults);
        }
    }
}

/// RFC 6665 §4.2.1.1 and RFC 3261 §10.3: what is asked for an hour is never too brief.
fn read_lifetimes(
    section: &Section<'_, '_>,
    min: &mut Seconds,
    max: &mut Seconds,
    faults: &mut Collector<'_>,
) {
    let least = section.number("min_expires", 1..=3_600, faults);
    let most = section.number("max_expires", 1..=DAY, faults);
    if let Some(least) = least {
        *min = Seconds(least.value);
    }
    if let Some(most) = most {
        *max = Seconds(most.value);
    }
    let (least_at, most_at) = (least.map(|it| it.at), most.map(|it| it.at));
    if min > max {
        let (Seconds(min), Seconds(max)) = (*min, *max);
        let what = format!("min_expires ({min}) is above max_expires ({max})");
        let at = least_at.or(most_at).unwrap_or(section.at);
        faults.add(at, what, "lower one or raise the other");
    }
}

fn read_pace(
    section: &Section<'_, '_>,
    package: Package,
    pace: &mut Pace,
    faults: &mut Collector<'_>,
) {
    // Without quotes the name of a template-package is a table in that of its package.
    let keys: &[&str] = match package.winfo() {
        Some(_) => &["burst", "interval", "winfo"],
        None => PACE.keys,
    };
    let Some(table) = section.section(package.name(), PACE.name, keys, faults) else {
        return;
    };
    if let (Some(winfo), Some(at)) = (package.winfo(), table.key_place("winfo")) {
        let name = winfo.name();
        let remedy = format!("write it in quotes: \"{name}\" = {{ burst = 4, interval = 5 }}");
        faults.add(at, format!("{name} is no single key"), remedy);
    }
    if let Some(burst) = table.number("burst", 0..=255, faults) {
        pace.burst = u8::try_from(burst.value).unwrap_or(u8::MAX);
    }
    if let Some(interval) = table.number("interval", 0..=3_600, faults) {
        pace.interval = Duration::from_secs(interval.value.into());
    }
}

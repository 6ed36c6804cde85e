//! The `[subscriptions]` section: for how long others may watch, and how often they are told.

use super::{DAY, Reader};
use crate::events::package::{Pace, Package};
use crate::ground::time::Seconds;
use crate::shell::document::{Collector, Section};
use std::format;
use std::time::Duration;

impl Reader<'_, '_> {
    pub(super) fn subscriptions(&mut self, root: &Section<'_, '_>) {
        let faults = &mut self.faults;
        let keys = ["min_expires", "max_expires", "pace"];
        let Some(section) = root.section("subscriptions", "[subscriptions]", &keys, faults) else {
            return;
        };
        // RFC 6665 §4.2.1.1: a subscription of an hour is never too brief.
        let least = section.number("min_expires", 1..=3_600, faults);
        let most = section.number("max_expires", 1..=DAY, faults);
        if let Some(least) = least {
            self.settings.min_expires = Seconds(least.value);
        }
        if let Some(most) = most {
            self.settings.max_expires = Seconds(most.value);
        }
        let (least_at, most_at) = (least.map(|it| it.at), most.map(|it| it.at));
        if self.settings.min_expires > self.settings.max_expires {
            let (Seconds(min), Seconds(max)) =
                (self.settings.min_expires, self.settings.max_expires);
            let what = format!("min_expires ({min}) is above max_expires ({max})");
            let at = least_at.or(most_at).unwrap_or(section.at);
            faults.add(at, what, "lower one or raise the other");
        }
        let Some(pace) = section.section("pace", "pace", Package::served_names(), faults) else {
            return;
        };
        for &package in Package::SERVED {
            let place = &mut self.settings.paces[package as usize];
            read_pace(&pace, package, place, faults);
        }
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
        None => &["burst", "interval"],
    };
    let Some(table) = section.section(package.name(), "pace", keys, faults) else {
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

//! Who lives in the world, and how well they behave, drawn by chance.

use super::chance::Chance;
use super::network::Weather;
use super::pbx::{GOOD, Manners};
use super::phone::{Event, Habits};
use super::{MILLI, World};
use lampfield::{Pace, Package, Seconds};

pub(crate) fn draw_weather(chance: &mut Chance) -> Weather {
    Weather {
        loss: chance.pick(&[0, 20, 80, 200, 300]),
        doubles: chance.pick(&[0, 50, 200]),
        slowest: chance.pick(&[5, 60, 400, 1_500]) * MILLI,
        stragglers: chance.pick(&[0, 0, 20]),
        quick: chance.coin(),
    }
}

/// Two to four desks with lamps for each other, a few phones, and telephone systems.
pub(crate) fn populate(world: &mut World, chance: &mut Chance) {
    let desks = chance.between(2, 4) as usize;
    for number in 0..desks {
        world.add_desk();
        let settings = &mut world.desks[number].settings;
        settings.min_expires = Seconds(chance.pick(&[60, 60, 120]));
        settings.max_expires = Seconds(chance.pick(&[120, 300, 3_600]));
        if chance.permille(300) {
            settings.paces[Package::Presence as usize] = Pace::UNLIMITED;
        }
    }
    for _ in 0..chance.between(0, 2) {
        let manners = draw_manners(chance);
        world.add_pbx(manners);
    }
    for desk in 0..desks {
        for _ in 0..chance.between(1, 3) {
            let other = chance.below(desks as u64) as usize;
            let package = chance.pick(&[Package::Presence, Package::Dialog]);
            world.lamp_for_desk(desk, other, package, draw_times(chance));
        }
    }
    for pbx in 0..world.pbxs.len() {
        for _ in 0..chance.between(1, 2) {
            let desk = chance.below(desks as u64) as usize;
            let place = (pbx, chance.below(2) as usize);
            world.lamp_for_extension(desk, place, Package::Dialog, draw_times(chance));
        }
    }
    for desk in 0..desks {
        if chance.coin() {
            world.desks[desk].furnish(chance.pick(&[0, 5, 30]));
        } else if chance.permille(400) {
            world.desks[desk].guard();
        }
    }
    for _ in 0..chance.between(0, 3) {
        let desk = chance.below(desks as u64) as usize;
        let event = chance.pick(&[Event::Presence, Event::Dialog]);
        let expires = chance.pick(&[45, 90, 300, 600]);
        let is_outside = chance.coin();
        let phone = if is_outside && world.desks[desk].is_furnished() {
            world.add_stranger(desk, event, expires)
        } else if is_outside && world.desks[desk].is_guarded() {
            world.add_user(desk, event, expires, chance.permille(700))
        } else {
            world.add_phone(desk, event, expires)
        };
        if !is_outside && chance.permille(300) {
            let lasts = chance.between(1, 20) as u32 * 60;
            world.hide_from(phone, chance.between(0, 900) as u32, lasts);
        }
        if chance.coin() {
            world.phones[phone].habits = Habits {
                forgets: chance.pick(&[0, 30]),
                refuses: chance.pick(&[0, 30, 200]),
                ignores: chance.pick(&[0, 30, 200]),
                lapses: chance.pick(&[0, 200]),
                leaves: chance.pick(&[0, 200]),
                fetches: chance.pick(&[0, 300]),
            };
        }
    }
    if chance.permille(400) {
        world.add_attacker();
    }
}

fn draw_times(chance: &mut Chance) -> (u32, u32) {
    (chance.pick(&[60, 120, 300]), chance.pick(&[0, 5, 30]))
}

fn draw_manners(chance: &mut Chance) -> Manners {
    if chance.permille(200) {
        return GOOD;
    }
    Manners {
        early: chance.coin(),
        eager: chance.coin(),
        partial: chance.coin(),
        grants: chance.pick(&[20, 60, 120, 3_600]),
        least: chance.pick(&[0, 0, 90]),
        lacks_dialog: chance.permille(250),
        undated: chance.permille(200),
        busy: chance.pick(&[0, 50, 300]),
    }
}

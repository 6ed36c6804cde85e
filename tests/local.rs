//! Houses without a server: the real program, several times, each on a machine of its own, and nothing but a cable
//! between them.
//!
//! ```text
//!   desk0 ──┐
//!   desk1 ──┤ a bridge, here     each desk: discover = true, lamps that watch others as local:NAME
//!   desk2 ──┤
//!   …       ┘                    no DHCP, no name server, no address in any file
//! ```
//!
//! Only root can make networks: for anybody else a test says that it was skipped.
#![cfg(feature = "std")]

#[path = "local/avahi.rs"]
mod avahi;
#[path = "local/house.rs"]
mod house;
#[path = "common/namespace.rs"]
mod namespace;

use std::env;
use std::time::Duration;

use house::{House, in_a_network};

#[test]
fn two_desks_that_only_know_each_others_names_show_each_other() {
    in_a_network(
        "two_desks_that_only_know_each_others_names_show_each_other",
        || {
            let mut house = House::new();
            let (kitchen, hall) = (house.machine("kitchen"), house.machine("hall"));
            house.serve(kitchen, &["local:hall", "sip:desk@hall.local"]);
            house.serve(hall, &["local:kitchen"]);
            house.expect_look(kitchen, "blf1", "green", Duration::from_secs(5));
            house.expect_look(kitchen, "blf2", "green", Duration::from_secs(5));
            house.expect_look(hall, "blf1", "green", Duration::from_secs(5));
            house.tell(hall, &["set", "dnd", "on"]);
            house.expect_look(kitchen, "blf1", "red", Duration::from_secs(2));
            house.expect_look(kitchen, "blf2", "red", Duration::from_secs(2));
            let seen = house.tell(kitchen, &["discover", "--json", "--seconds", "2"]);
            for word in [
                "local:hall",
                "local:kitchen",
                "sip:desk@hall.local",
                "10.72.0.",
            ] {
                assert!(seen.contains(word), "{word} in {seen}");
            }
            // Both move at the same time: neither can tell the other by SIP.
            house.move_to(kitchen, 101);
            house.move_to(hall, 102);
            house.tell(hall, &["set", "dnd", "off"]);
            house.expect_look(kitchen, "blf1", "green", Duration::from_secs(10));
            house.expect_look(kitchen, "blf2", "green", Duration::from_secs(10));
            house.expect_look(hall, "blf1", "green", Duration::from_secs(10));
            house.tell(kitchen, &["set", "dnd", "on"]);
            house.expect_look(hall, "blf1", "red", Duration::from_secs(10));
        },
    );
}

#[test]
fn who_stops_says_goodbye_and_who_comes_back_is_seen_at_once() {
    in_a_network(
        "who_stops_says_goodbye_and_who_comes_back_is_seen_at_once",
        || {
            let mut house = House::new();
            let (kitchen, hall) = (house.machine("kitchen"), house.machine("hall"));
            house.serve(kitchen, &["local:hall"]);
            house.serve(hall, &["local:kitchen"]);
            house.expect_look(kitchen, "blf1", "green", Duration::from_secs(5));
            house.stop(hall);
            let seen = house.tell(kitchen, &["discover", "--seconds", "2"]);
            assert!(!seen.contains("local:hall"), "{seen}");
            house.expect_look(kitchen, "blf1", "amber slow", Duration::from_secs(60));
            house.serve(hall, &["local:kitchen"]);
            house.expect_look(kitchen, "blf1", "green", Duration::from_secs(5));
        },
    );
}

#[test]
fn two_machines_of_one_name_are_two_desks() {
    in_a_network("two_machines_of_one_name_are_two_desks", || {
        let mut house = House::new();
        let first = house.machine("kitchen");
        let second = house.machine("kitchen");
        let hall = house.machine("hall");
        house.serve(first, &["local:hall"]);
        house.serve(hall, &["local:kitchen", "local:kitchen-2"]);
        house.expect_look(hall, "blf1", "green", Duration::from_secs(5));
        house.serve(second, &["local:hall"]);
        house.expect_look(hall, "blf2", "green", Duration::from_secs(8));
        house.tell(second, &["set", "dnd", "on"]);
        house.expect_look(hall, "blf2", "red", Duration::from_secs(2));
        house.expect_look(hall, "blf1", "green", Duration::from_secs(2));
    });
}

/// As many as `LAMPFIELD_DESKS` says.
#[test]
fn a_whole_house_starts_within_five_seconds_and_moves_within_ten() {
    in_a_network(
        "a_whole_house_starts_within_five_seconds_and_moves_within_ten",
        || {
            let desks = env::var("LAMPFIELD_DESKS").ok();
            let desks = desks.and_then(|it| it.parse().ok()).unwrap_or(10);
            let mut house = House::new();
            let names: Vec<String> = (0..desks).map(|at| format!("desk{at}")).collect();
            let machines: Vec<usize> = names.iter().map(|it| house.machine(it)).collect();
            // Each shows the next four.
            let watched = |at: usize| (1..=4).map(move |it| (at + it) % desks);
            for &at in &machines {
                let others: Vec<String> = watched(at).map(|it| format!("local:desk{it}")).collect();
                let others: Vec<&str> = others.iter().map(String::as_str).collect();
                house.serve(at, &others);
            }
            let start = house.expect_all("green", Duration::from_secs(5));
            for &at in &machines {
                house.move_to(at, 100 + at);
            }
            for &at in &machines {
                house.tell(at, &["set", "dnd", "on"]);
            }
            let moved = house.expect_all("red", Duration::from_secs(10));
            eprintln!(
                "{desks} desks: right {start:?} after the last start, {moved:?} after all had moved"
            );
        },
    );
}

//! What strangers on the link may try. ATTACKS rows on names: none of it costs more than it must, and nobody becomes
//! somebody else by it.

use std::format;
use std::net::SocketAddr;
use std::string::ToString;
use std::vec::Vec;

use super::super::browser::{INSTANCES, News, WANTED};
use super::super::cache::{Cache, EACH, RECORDS};
use super::super::message::{self, Data, Kind, Name, Question, Record, write_safely};
use super::super::writer::{Part, Writer};
use super::flows::address;
use super::street::*;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};

const KITCHEN: &str = "192.0.2.1";
const HALL: &str = "192.0.2.2";

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn answer(record: &Record) -> Vec<u8> {
    let mut writer = Writer::answer(0);
    writer.record(Part::Answer, record);
    writer.finish()
}

#[test]
fn answers_from_elsewhere_are_not_believed() {
    let mut street = Street::new(1);
    let hall = street.host(HALL);
    let lie = answer(&address("kitchen.local", "203.0.113.66", 120));
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    // Routed here, to us alone; or from a port that nobody answers from (§6, §11).
    street.tell(hall, at("203.0.113.66:5353"), false, &lie);
    street.tell(hall, at("192.0.2.66:40000"), false, &lie);
    street.tell(hall, at("192.0.2.66:40000"), true, &lie);
    // With the address of somebody here, but by a router.
    street.route(hall, at("192.0.2.66:5353"), &lie);
    street.run(30 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), "nowhere");
}

#[test]
fn addresses_that_are_nobodys_are_not_taken() {
    let mut street = Street::new(2);
    let hall = street.host(HALL);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    for ip in [
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
    ] {
        let lie = answer(&address("kitchen.local", ip, 120));
        street.shout(at("192.0.2.66:5353"), &lie);
    }
    street.run(30 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), "nowhere");
}

#[test]
fn a_flood_of_names_takes_nobodys_place() {
    let mut street = Street::new(3);
    street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), KITCHEN);
    for nth in 0..20_000 {
        let lie = answer(&address(&format!("x{nth}.local"), "192.0.2.66", 4_500));
        street.shout(at("192.0.2.66:5353"), &lie);
        if nth % 100 == 0 {
            street.run(Duration::from_millis(10));
        }
    }
    let known = &street.hosts[hall].node.known().cache;
    let kitchen = Name::parse("kitchen.local").expect("a name");
    assert_eq!(known.find(street.now, &kitchen, Kind::A).count(), 1);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), KITCHEN);
}

#[test]
fn a_flood_of_questions_is_answered_once_a_second() {
    let mut street = Street::new(4);
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let mut writer = Writer::question();
    let question = |kind, is_unicast| Question {
        name: Name::parse("kitchen.local").expect("a name"),
        kind,
        is_unicast,
    };
    writer.ask(&question(Kind::A, false));
    let bytes = writer.finish();
    let since = street.now;
    for _ in 0..1_000 {
        street.shout(at("192.0.2.66:5353"), &bytes);
        street.run(Duration::from_millis(1));
    }
    assert!(street.said(kitchen, since).len() <= 2);
    // One alone is answered more often, but not for ever.
    let since = street.now;
    for nth in 0..2_000 {
        street.shout(at(&format!("192.0.2.66:{}", 10_000 + nth)), &bytes);
    }
    assert!(street.said(kitchen, since).len() <= 64);
    // And nobody from elsewhere: he may be somebody's victim.
    street.run(10 * SECOND);
    let since = street.now;
    street.tell(kitchen, at("203.0.113.66:40000"), false, &bytes);
    street.tell(kitchen, at("203.0.113.66:40000"), true, &bytes);
    assert_eq!(street.said(kitchen, since), Vec::new());
}

#[test]
fn whoever_plays_with_a_name_makes_news_once_a_second() {
    let mut street = Street::new(5);
    street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    street.hosts[hall].news.clear();
    for nth in 0..200 {
        let lie = answer(&address(
            "kitchen.local",
            &format!("192.0.2.{}", 50 + nth),
            120,
        ));
        street.tell(hall, at("192.0.2.66:5353"), true, &lie);
        street.run(Duration::from_millis(20));
    }
    let moved = |it: &&News| matches!(it, News::Moved { .. });
    assert!(street.hosts[hall].news.iter().filter(moved).count() <= 5);
}

#[test]
fn a_liar_who_wants_every_name_makes_us_wait_and_not_spin() {
    let mut street = Street::new(6);
    let kitchen = street.desk(KITCHEN, "kitchen");
    let mut names = Vec::from(["kitchen.local".to_string()]);
    for _ in 0..600 {
        street.run(Duration::from_millis(100));
        names.append(&mut street.hosts[kitchen].renamed);
        let last = names.iter().rev().find(|it| !it.contains("_sip"));
        let lie = answer(&address(last.expect("one"), "192.0.2.66", 120));
        street.shout(at("192.0.2.66:5353"), &lie);
    }
    // A minute: fifteen at once, then one in five seconds (§8.1).
    let hosts = names.iter().filter(|it| !it.contains("_sip")).count();
    assert!(hosts <= 15 + 1 + 13, "{hosts}");
    assert!(street.sent.len() < 1_000);
}

#[test]
fn the_tables_are_bounded() {
    let now = Instant::from_millis(1_000);
    let mut cache = Cache::default();
    for nth in 0..2 * RECORDS {
        cache.take(now, 1, &address(&format!("x{nth}.local"), "192.0.2.1", 120));
    }
    let name = |nth: usize| Name::parse(&format!("x{nth}.local")).expect("a name");
    let kept = (0..2 * RECORDS).filter(|nth| cache.find(now, &name(*nth), Kind::A).count() > 0);
    assert_eq!(kept.count(), RECORDS);
    let mut cache = Cache::default();
    for nth in 0..100 {
        let record = Record {
            flushes: false,
            ..address("x.local", &format!("192.0.2.{nth}"), 120)
        };
        cache.take(now, 1, &record);
    }
    let x = Name::parse("x.local").expect("a name");
    assert_eq!(cache.find(now, &x, Kind::A).count(), EACH);

    let mut street = Street::new(7);
    let hall = street.host(HALL);
    for nth in 0..2 * WANTED {
        street.ask(hall, &format!("x{nth}.local"));
    }
    street.run(60 * SECOND);
    // Each is answered all the same.
    assert_eq!(street.hosts[hall].news.len(), 2 * WANTED);

    let mut street = Street::new(8);
    let hall = street.host(HALL);
    let now = street.now;
    street.hosts[hall].node.look_around(now);
    let service = Name::parse("_sip._udp.local").expect("a name");
    for nth in 0..1_000 {
        let record = Record {
            name: service.clone(),
            flushes: false,
            lifetime: 4_500,
            data: Data::Pointer(service.below(&format!("x{nth}")).expect("a name")),
        };
        street.tell(hall, at("192.0.2.66:5353"), true, &answer(&record));
        street.run(Duration::from_millis(10));
    }
    let found = street.hosts[hall].node.known().instances(street.now);
    assert_eq!(found.len(), INSTANCES);
}

#[test]
fn hostile_bytes_are_read_without_harm() {
    let mut street = Street::new(9);
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let good: Vec<Vec<u8>> = street
        .sent
        .iter()
        .map(|(_, _, it)| it.bytes.clone())
        .collect();
    let mut random = Random::new();
    random.seed([9, 9]);
    for bytes in &good {
        for len in 0..bytes.len() {
            assert_eq!(message::read(&bytes[..len]), None, "{len} bytes");
        }
    }
    for _ in 0..50_000 {
        let nth = random.bits() as usize % good.len();
        let mut bytes = good[nth].clone();
        for _ in 0..1 + random.bits() % 4 {
            let place = random.bits() as usize % bytes.len();
            bytes[place] = random.bits() as u8;
        }
        message::read(&bytes);
        street.tell(kitchen, at("192.0.2.66:5353"), true, &bytes);
    }
    // A name that points to itself.
    let loops = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
    assert_eq!(message::read(&loops), None);
}

#[test]
fn what_strangers_write_is_shown_escaped() {
    let mut shown = std::string::String::new();
    write_safely(&mut shown, "a\u{1b}[2J\\ü\u{202e}x".as_bytes()).expect("written");
    write_safely(&mut shown, &[0xff, b'y', b'\n']).expect("written");
    assert_eq!(shown, "a\\u{1b}[2J\\\\ü\\u{202e}x\\xffy\\n");
}

//! Hosts that find each other, move, quarrel and leave.

use std::format;
use std::net::IpAddr;
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::browser::News;
use super::super::message::{Data, Kind, Name, Question, Record};
use super::super::writer::{Part, Writer};
use super::street::*;
use crate::ground::time::Duration;

const KITCHEN: &str = "192.0.2.1";
const HALL: &str = "192.0.2.2";
const INSTANCE: &str = "kitchen._sip._udp.local";

#[test]
fn a_host_is_found_by_its_name_within_a_second() {
    let mut street = Street::new(1);
    street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), KITCHEN);
}

#[test]
fn an_instance_says_where_it_is_and_whom_to_ask_for() {
    let mut street = Street::new(2);
    street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, INSTANCE);
    street.run(SECOND);
    let found = format!("desk@{KITCHEN}:5060");
    assert_eq!(street.expect_found(hall, INSTANCE), found);
}

#[test]
fn who_is_not_there_is_asked_for_four_times_and_announced_when_he_comes() {
    let mut street = Street::new(3);
    let hall = street.host(HALL);
    let start = street.now;
    street.ask(hall, "kitchen.local");
    street.run(30 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), "nowhere");
    let asked = street.said(hall, start);
    assert_eq!(asked.len(), 4);
    // An answer to one alone is only good for the first one (§5.4).
    let unicast = asked.iter().map(|(_, it)| it.questions[0].is_unicast);
    assert_eq!(unicast.collect::<Vec<_>>(), [true, false, false, false]);
    street.desk(KITCHEN, "kitchen");
    street.run(2 * SECOND);
    let moved = News::Moved {
        host: "kitchen.local".to_string(),
        addresses: Vec::from([KITCHEN.parse().unwrap()]),
    };
    assert_eq!(street.hosts[hall].news, [moved]);
}

#[test]
fn whoever_moves_is_followed_at_once() {
    let mut street = Street::new(4);
    let kitchen = street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, INSTANCE);
    street.run(3 * SECOND);
    street.hosts[hall].news.clear();
    street.move_to(kitchen, "192.0.2.77");
    street.run(Duration::from_millis(100));
    let [News::Moved { host, addresses }] = &street.hosts[hall].news[..] else {
        panic!("{:?}", street.hosts[hall].news);
    };
    assert_eq!(host, INSTANCE);
    // Not where he was before, although that may still be heard (§10.2).
    assert_eq!(*addresses, ["192.0.2.77".parse::<IpAddr>().unwrap()]);
    street.run(2 * SECOND);
    street.ask(hall, INSTANCE);
    street.run(SECOND);
    assert_eq!(street.expect_found(hall, INSTANCE), "desk@192.0.2.77:5060");
}

#[test]
fn who_was_heard_just_before_he_moved_is_followed_too() {
    let mut street = Street::new(15);
    let kitchen = street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(3 * SECOND);
    street.hosts[hall].news.clear();
    // What comes within a second stands beside it (§10.2): so said for those who answer in several messages.
    let mut writer = Writer::answer(0);
    writer.record(Part::Answer, &address("kitchen.local", KITCHEN, 120));
    street.tell(
        hall,
        format!("{KITCHEN}:5353").parse().unwrap(),
        true,
        &writer.finish(),
    );
    street.run(Duration::from_millis(100));
    street.move_to(kitchen, "192.0.2.77");
    street.run(4 * SECOND);
    let last = street.hosts[hall].news.last();
    let moved = News::Moved {
        host: "kitchen.local".to_string(),
        addresses: Vec::from(["192.0.2.77".parse().unwrap()]),
    };
    assert_eq!(last, Some(&moved));
}

#[test]
fn what_is_known_serves_while_nobody_answers_and_not_after_a_goodbye() {
    let mut street = Street::new(5);
    let kitchen = street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(5 * SECOND);
    street.cut(kitchen);
    street.hosts[hall].news.clear();
    street.ask(hall, "kitchen.local");
    street.run(2 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), KITCHEN);
    // Two minutes are over (§10).
    street.run(120 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(30 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), "nowhere");

    let mut street = Street::new(6);
    let kitchen = street.desk(KITCHEN, "kitchen");
    let hall = street.host(HALL);
    street.run(5 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(SECOND);
    let now = street.now;
    street.hosts[kitchen].node.take_leave(now);
    street.run(3 * SECOND);
    street.ask(hall, "kitchen.local");
    street.run(30 * SECOND);
    assert_eq!(street.expect_found(hall, "kitchen.local"), "nowhere");
}

#[test]
fn it_is_probed_three_times_and_announced_twice() {
    let mut street = Street::new(7);
    let start = street.now;
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(10 * SECOND);
    let said = street.said(kitchen, start);
    let is_response: Vec<bool> = said.iter().map(|(_, it)| it.is_response).collect();
    assert_eq!(is_response, [false, false, false, true, true]);
    let probe = &said[0].1;
    // The host, and the instance by both transports.
    assert_eq!(probe.questions.len(), 3);
    assert!(probe.claims.iter().all(|it| !it.flushes));
    let announcement = &said[3].1;
    for record in &announcement.answers {
        let is_shared = matches!(record.data, Data::Pointer(_));
        assert_eq!(record.flushes, !is_shared, "{record:?}");
    }
    let shown = announcement.answers.iter().map(|it| it.name.to_string());
    let shown: Vec<String> = shown.collect();
    for name in [
        "kitchen.local",
        INSTANCE,
        "_sip._udp.local",
        "_presence._sub._sip._udp.local",
        "_services._dns-sd._udp.local",
    ] {
        assert!(shown.iter().any(|it| it == name), "{name} in {shown:?}");
    }
}

#[test]
fn two_of_one_name_who_come_together_end_with_two_names() {
    for seed in 0..50 {
        let mut street = Street::new(seed);
        street.lost = seed % 20;
        street.desk(KITCHEN, "kitchen");
        street.desk(HALL, "kitchen");
        let watcher = street.host("192.0.2.3");
        street.run(20 * SECOND);
        street.lost = 0;
        let both = ["kitchen.local", "kitchen-2.local"].map(|name| {
            street.ask(watcher, name);
            street.run(3 * SECOND);
            street.expect_found(watcher, name)
        });
        let mut sorted = both.clone();
        sorted.sort();
        assert_eq!(sorted, [KITCHEN, HALL], "seed {seed}");
    }
}

#[test]
fn who_has_a_name_keeps_it() {
    let mut street = Street::new(8);
    let first = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let second = street.desk(HALL, "kitchen");
    street.run(10 * SECOND);
    assert_eq!(street.hosts[first].renamed, Vec::<String>::new());
    assert!(
        street.hosts[second]
            .renamed
            .contains(&"kitchen-2.local".to_string())
    );
    street.ask(first, "kitchen-2._sip._udp.local");
    street.run(SECOND);
    let found = street.expect_found(first, "kitchen-2._sip._udp.local");
    assert_eq!(found, format!("desk@{HALL}:5060"));
}

#[test]
fn two_networks_that_become_one_settle_their_names() {
    let mut street = Street::new(9);
    let (one, other) = (
        street.desk(KITCHEN, "kitchen"),
        street.desk(HALL, "kitchen"),
    );
    street.lost = 100;
    street.run(60 * SECOND);
    street.lost = 0;
    // Both answer who asks, and hear each other.
    let watcher = street.host("192.0.2.3");
    street.ask(watcher, "kitchen.local");
    street.run(20 * SECOND);
    let renamed = street.hosts[one].renamed.len() + street.hosts[other].renamed.len();
    assert!(renamed > 0);
    for (name, ip) in [
        ("kitchen.local", [KITCHEN, HALL]),
        ("kitchen-2.local", [KITCHEN, HALL]),
    ] {
        street.ask(watcher, name);
        street.run(3 * SECOND);
        let found = street.expect_found(watcher, name);
        assert!(ip.contains(&found.as_str()), "{name}: {found}");
    }
}

#[test]
fn loss_and_doubles_only_cost_time() {
    for seed in 0..30 {
        let mut street = Street::new(seed);
        (street.lost, street.doubled) = (20, 10);
        street.desk(KITCHEN, "kitchen");
        let hall = street.host(HALL);
        street.run(10 * SECOND);
        street.ask(hall, INSTANCE);
        street.run(16 * SECOND);
        let found = street.expect_found(hall, INSTANCE);
        assert_eq!(found, format!("desk@{KITCHEN}:5060"), "seed {seed}");
        assert!(street.hosts[0].renamed.is_empty(), "seed {seed}");
    }
}

#[test]
fn fifty_desks_who_start_together_all_find_each_other() {
    const DESKS: usize = 50;
    let mut street = Street::new(10);
    for at in 0..DESKS {
        street.desk(&format!("192.0.2.{}", at + 1), &format!("desk{at}"));
    }
    for at in 0..DESKS {
        (0..DESKS).for_each(|of| street.ask(at, &format!("desk{of}._sip._udp.local")));
    }
    street.run(5 * SECOND);
    for at in 0..DESKS {
        let news = street.hosts[at].news.clone();
        for of in 0..DESKS {
            let is_it = |it: &News| match it {
                News::Found {
                    host,
                    place: Some(_),
                }
                | News::Moved { host, .. } => *host == format!("desk{of}._sip._udp.local"),
                News::Found { place: None, .. } => false,
            };
            assert!(news.iter().any(is_it), "desk{at} of desk{of}");
        }
    }
}

fn question(name: &str, kind: Kind, is_unicast: bool) -> Question {
    Question {
        name: Name::parse(name).expect("a name"),
        kind,
        is_unicast,
    }
}

#[test]
fn who_knows_nothing_of_this_protocol_is_answered_like_by_a_name_server() {
    let mut street = Street::new(11);
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let since = street.now;
    let mut writer = Writer::answer(0x1234);
    writer.ask(&question("kitchen.local", Kind::A, false));
    let mut bytes = writer.finish();
    bytes[2] = 0; // A question.
    street.tell(kitchen, "192.0.2.9:40000".parse().unwrap(), true, &bytes);
    let said = street.said(kitchen, since);
    let [(to, answer)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(to.to, Some("192.0.2.9:40000".parse().unwrap()));
    assert_eq!((answer.id, answer.questions.len()), (0x1234, 1));
    assert_eq!(
        (answer.answers[0].lifetime, answer.answers[0].flushes),
        (10, false)
    );
}

#[test]
fn what_an_asker_knows_is_not_repeated_and_nothing_goes_to_all_twice_in_a_second() {
    let mut street = Street::new(12);
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let asker = "192.0.2.9:5353".parse().unwrap();
    let mut writer = Writer::question();
    writer.ask(&question("_sip._udp.local", Kind::Ptr, false));
    let bare = writer.finish();
    let since = street.now;
    for _ in 0..10 {
        street.shout(asker, &bare);
        street.run(Duration::from_millis(50));
    }
    let said = street.said(kitchen, since);
    assert_eq!(said.len(), 1);
    let answer = said[0].1.answers[0].clone();
    // What belongs to it comes along (RFC 6763 §12.1).
    assert!(
        said[0]
            .1
            .more
            .iter()
            .any(|it| matches!(it.data, Data::Server { .. }))
    );
    assert!(
        said[0]
            .1
            .more
            .iter()
            .any(|it| matches!(it.data, Data::Address(_)))
    );
    street.run(2 * SECOND);
    let mut writer = Writer::question();
    writer.ask(&question("_sip._udp.local", Kind::Ptr, false));
    writer.record(Part::Answer, &answer);
    let since = street.now;
    street.shout(asker, &writer.finish());
    street.run(SECOND);
    assert_eq!(street.said(kitchen, since), Vec::new());
    // The rest of what is known comes behind the question (§7.2).
    let mut writer = Writer::question();
    writer.ask(&question("_sip._udp.local", Kind::Ptr, false));
    let mut cut = writer.finish();
    cut[2] |= 2;
    let mut writer = Writer::question();
    writer.record(Part::Answer, &answer);
    street.shout(asker, &cut);
    street.run(Duration::from_millis(10));
    street.shout(asker, &writer.finish());
    street.run(SECOND);
    assert_eq!(street.said(kitchen, since), Vec::new());
}

#[test]
fn an_answer_to_one_alone_is_given_if_all_have_heard_it_lately() {
    let mut street = Street::new(13);
    let kitchen = street.desk(KITCHEN, "kitchen");
    street.run(5 * SECOND);
    let ask = |street: &mut Street| {
        let mut writer = Writer::question();
        writer.ask(&question("kitchen.local", Kind::A, true));
        let since = street.now;
        street.shout("192.0.2.9:5353".parse().unwrap(), &writer.finish());
        street.run(SECOND);
        let said = street.said(kitchen, since);
        said.iter()
            .map(|(it, _)| it.to.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(ask(&mut street), [true]);
    street.run(60 * SECOND);
    assert_eq!(ask(&mut street), [false]);
}

#[test]
fn another_responder_of_this_machine_keeps_the_name() {
    let mut street = Street::new(14);
    let kitchen = street.desk(KITCHEN, "kitchen");
    // Avahi answers the probe from the same address.
    let mut writer = Writer::answer(0);
    writer.record(Part::Answer, &address("kitchen.local", KITCHEN, 120));
    street.run(Duration::from_millis(300));
    street.shout(format!("{KITCHEN}:5353").parse().unwrap(), &writer.finish());
    let since = street.now;
    street.run(5 * SECOND);
    let now = street.now;
    street.hosts[kitchen].node.take_leave(now);
    street.run(SECOND);
    assert!(street.hosts[kitchen].renamed.is_empty());
    let host = Name::parse("kitchen.local").expect("a name");
    let said = street.said(kitchen, since);
    let answers = || said.iter().flat_map(|(_, it)| &it.answers);
    assert!(answers().all(|it| it.name != host));
    assert!(answers().any(|it| it.lifetime == 0));
    let to_host = |it: &Record| matches!(&it.data, Data::Server { host: it, .. } if *it == host);
    assert!(answers().any(to_host));
}

pub(super) fn address(name: &str, ip: &str, lifetime: u32) -> Record {
    Record {
        name: Name::parse(name).expect("a name"),
        flushes: true,
        lifetime,
        data: Data::Address(ip.parse().expect("an address")),
    }
}

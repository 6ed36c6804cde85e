//! Lists, and lamps of those who are on them.

use super::*;
use crate::engine::config::{WatchRole, WatchSettings};
use crate::ground::limits::WATCHES;

const LIST: &str = "[[presentity]]\nuri = \"sip:a@b\"\n[[list]]\nuri = \"sip:lamps@pbx\"\n";

fn lamp(name: &str, lines: &str) -> String {
    format!("[[lamp]]\nname = \"{name}\"\n{lines}\n")
}

fn member(name: &str, whom: &str) -> String {
    lamp(
        name,
        &format!("list = \"sip:lamps@pbx\"\nwatch = \"{whom}\""),
    )
}

#[test]
fn lamps_of_a_list_are_asked_for_as_it_is() /* F16 */
{
    let list = format!(
        "{LIST}server = \"10.0.0.1\"\nfrom = \"sip:c@d\"\nexpires = 60\naudit = 0\nat_most_every = 5\n"
    );
    let lamps = [member("blf1", "sip:bob@pbx"), member("blf2", "sip:eve@pbx")].concat();
    let read = good(&format!("{list}{lamps}"));
    let [list, bob, eve] = &read.settings.watches[..] else {
        panic!("three watches");
    };
    assert_eq!(
        (list.target.as_str(), list.role),
        ("sip:lamps@pbx", WatchRole::List)
    );
    for (member, target) in [(bob, "sip:bob@pbx"), (eve, "sip:eve@pbx")] {
        let expected = WatchSettings {
            target: text(target),
            role: WatchRole::Member(0),
            ..list.clone()
        };
        assert_eq!(*member, expected);
    }
    assert_eq!(list.server.as_deref(), Some("10.0.0.1"));
    let shows = [0, 1].map(|lamp| read.settings.lamps[lamp].shows);
    assert_eq!(shows, [Shows::Watch(1), Shows::Watch(2)]);
}

#[test]
fn a_list_of_both_is_two_and_so_is_whoever_is_on_it() {
    let read = good(&format!(
        "{LIST}event = \"both\"\n{}",
        member("blf1", "sip:bob@pbx")
    ));
    let roles: Vec<(WatchRole, Package)> = read
        .settings
        .watches
        .iter()
        .map(|it| (it.role, it.package))
        .collect();
    let expected = [
        (WatchRole::List, Package::Dialog),
        (WatchRole::List, Package::Presence),
        (WatchRole::Member(0), Package::Dialog),
        (WatchRole::Member(1), Package::Presence),
    ];
    assert_eq!(roles, expected);
    let both = Shows::Both {
        calls: 2,
        presence: 3,
    };
    assert_eq!(read.settings.lamps[0].shows, both);
}

#[test]
fn a_list_goes_the_way_of_the_account_there() {
    let upstream = "[[upstream]]\naor = \"sip:100@pbx\"\n";
    let read = good(&format!(
        "{upstream}{LIST}{}",
        member("blf1", "sip:bob@pbx")
    ));
    for watch in &read.settings.watches {
        assert_eq!(
            (watch.from.as_str(), watch.upstream),
            ("sip:100@pbx", Some(0))
        );
    }
}

#[test]
fn what_a_list_says_no_lamp_says_again() {
    let bob = member("blf1", "sip:bob@pbx");
    for (text, line, what) in [
        (
            format!(
                "{LIST}{}",
                bob.replace("watch", "event = \"dialog\"\nwatch")
            ),
            8,
            "event is said by the list",
        ),
        (
            format!(
                "{LIST}{}",
                bob.replace("list = \"sip:lamps@pbx\"", "list = \"sip:no@pbx\"")
            ),
            7,
            "there is no [[list]] sip:no@pbx",
        ),
        (
            format!("{LIST}[[list]]\nuri = \"sip:lamps@pbx\"\n"),
            5,
            "sip:lamps@pbx is there already",
        ),
        (
            format!("{LIST}[[list]]\nevent = \"dialog\"\n"),
            5,
            "a list without uri",
        ),
        (
            format!("{LIST}{}", lamp("blf1", "list = \"sip:lamps@pbx\"")),
            7,
            "list without watch means nothing",
        ),
    ] {
        let faults = read(&text).expect_err(what).faults;
        let found: Vec<(usize, &str)> = faults
            .iter()
            .map(|it| (it.line, it.what.as_str()))
            .collect();
        assert_eq!(found, [(line, what)], "{text}");
    }
}

#[test]
fn a_list_takes_a_place_among_the_watches() {
    let names: Vec<String> = (0..WATCHES).map(|it| format!("sip:u{it}@pbx")).collect();
    let lamps = |count: usize| -> String {
        let names = names[..count].iter();
        names.map(|it| member("blf1", it)).collect()
    };
    // One lamp named over and over is a fault too, but not this one.
    let full = |count| {
        let faults = read(&format!("{LIST}{}", lamps(count)))
            .expect_err("one name")
            .faults;
        faults.iter().any(|it| it.what.starts_with("more than "))
    };
    assert_eq!([full(WATCHES - 1), full(WATCHES)], [false, true]);
}

#[test]
fn only_presence_that_is_asked_for_is_told_in_part() {
    let file = |more: &str| {
        format!(
            "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:b@b\"\n{more}\n"
        )
    };
    let parts = |more: &str| -> Vec<bool> {
        let watches = good(&file(more)).settings.watches;
        watches.iter().map(|it| it.partial).collect()
    };
    assert_eq!(parts("event = \"presence\""), [false]);
    assert_eq!(parts("event = \"presence\"\npartial = true"), [true]);
    assert_eq!(parts("event = \"both\"\npartial = true"), [false, true]);
    assert_eq!(parts("partial = false"), [false]);
    for (text, fault) in [
        (file("partial = true"), "dialog is not told in part"),
        (
            "[[list]]\nuri = \"sip:l@b\"\npartial = true\n".to_string(),
            "partial",
        ),
    ] {
        let faults = read(&text).expect_err("it is refused").to_string();
        assert!(faults.contains(fault), "{faults}");
    }
}

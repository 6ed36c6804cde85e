//! A lamp of calls and presence.

use super::*;
use crate::engine::config::WatchSettings;
use crate::ground::limits::WATCHES;

/// The lamp `blf1`, which watches bob and has these lines besides.
fn lamp(lines: &str) -> String {
    format!(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@pbx\"\n{lines}"
    )
}

#[track_caller]
fn watches(text: &str) -> (Shows, Vec<Package>) {
    let read = good(text);
    let packages = read.settings.watches.iter().map(|it| it.package);
    (read.settings.lamps[0].shows, packages.collect())
}

const BOTH: Shows = Shows::Both {
    calls: 0,
    presence: 1,
};

#[test]
fn both_is_a_watch_of_calls_and_one_of_presence_alike_in_all_else() {
    let read = good(&lamp(
        "event = \"both\"\nserver = \"10.0.0.1\"\nfrom = \"sip:c@d\"\nexpires = 60\nfallback = false",
    ));
    assert_eq!(read.settings.lamps[0].shows, BOTH);
    assert_eq!(read.settings.lamps[0].looks, Looks::DEFAULT);
    let [calls, presence] = &read.settings.watches[..] else {
        panic!("two watches");
    };
    assert_eq!(
        (calls.package, presence.package),
        (Package::Dialog, Package::Presence)
    );
    let package = Package::Presence;
    assert_eq!(
        WatchSettings {
            package,
            ..calls.clone()
        },
        *presence
    );
    assert_eq!(calls.server.as_deref(), Some("10.0.0.1"));
    assert_eq!(
        (calls.from.as_str(), calls.expires),
        ("sip:c@d", Seconds(60))
    );
}

#[test]
fn the_list_of_the_two_is_both_and_a_list_of_one_is_that_one() {
    let both = vec![Package::Dialog, Package::Presence];
    for event in [
        "\"both\"",
        "[\"both\"]",
        "[\"dialog\", \"presence\"]",
        "[\"presence\", \"dialog\"]",
    ] {
        let found = watches(&lamp(&format!("event = {event}")));
        assert_eq!(found, (BOTH, both.clone()), "{event}");
    }
    for package in Package::ALL {
        let found = watches(&lamp(&format!("event = [\"{}\"]", package.name())));
        assert_eq!(found, (Shows::Watch(0), vec![package]));
    }
}

#[test]
fn lamps_of_one_package_share_the_watches_of_both() {
    let lamps = lamp(
        "event = \"presence\"\n[[lamp]]\nname = \"blf2\"\nwatch = \"sip:bob@pbx\"\nevent = \"both\"\n\
         [[lamp]]\nname = \"blf3\"\nwatch = \"sip:bob@pbx\"",
    );
    let read = good(&lamps);
    assert_eq!(read.settings.watches.len(), 2);
    let shows: Vec<Shows> = read.settings.lamps.iter().map(|it| it.shows).collect();
    let both = Shows::Both {
        calls: 1,
        presence: 0,
    };
    let expected = [Shows::Watch(0), both, Shows::Watch(1), Shows::Nothing];
    assert_eq!(shows, expected);
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (event, expected) in [
        ("[]", "6:1: event is empty | leave the line out"),
        (
            "[\"dialog\", \"dialog\"]",
            "6:20: \"dialog\" is there already | leave it out",
        ),
        (
            "[\"presence\", \"both\"]",
            "6:22: both goes with no other event | leave it out, or what stands beside it",
        ),
        (
            "[\"dialog\", \"message-summary\"]",
            "6:20: message-summary goes with no other event | leave it out, or what stands beside it",
        ),
        (
            "[\"dialog\", \"presence\", \"presence.winfo\"]",
            "6:32: presence.winfo goes with no other event | leave it out, or what stands beside it",
        ),
        (
            "\"bothe\"",
            "6:9: event cannot be \"bothe\" | did you mean `both`?",
        ),
        (
            "[\"dialog\", 5]",
            "6:20: event must be a list of texts, not a whole number | write event = [\"…\", \"…\"]",
        ),
    ] {
        refused(&lamp(&format!("event = {event}")), &[expected]);
    }
    refused(
        &lamp("event = \"both\"\nfallback = true"),
        &[
            "7:12: there is no fallback from both | leave fallback out, or ask for event = \
             \"dialog\"",
        ],
    );
}

#[test]
fn two_watches_need_two_places() {
    let mut text = String::from("board = \"full.toml\"\n[[presentity]]\nuri = \"sip:a@b\"\n");
    let mut board = String::from("name = \"full\"\nbackend = \"sim\"\n");
    let lamps = WATCHES.div_ceil(2) + 1;
    for at in 0..lamps {
        board += &format!("[[lamp]]\nname = \"l{at}\"\ncolours = [\"red\"]\n");
        // One watch alone, so that of the last lamp the first one still has a place.
        let event = if at == 0 { "dialog" } else { "both" };
        text +=
            &format!("[[lamp]]\nname = \"l{at}\"\nwatch = \"sip:{at}@pbx\"\nevent = \"{event}\"\n");
    }
    let folder = std::env::temp_dir().join(format!("lampfield-both-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("full.toml"), board).expect("written");
    let read = Configuration::parse("lamp.toml", &text, &folder, Overrides::default());
    std::fs::remove_dir_all(&folder).expect("removed");
    let faults = read.expect_err("too many").faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].line, 4 + 4 * (lamps - 1));
    assert_eq!(
        faults[0].what,
        format!("more than {WATCHES} different watches")
    );
}

#[test]
fn both_is_explained_in_words() {
    let told = good(&lamp("event = \"both\"\ngrace = 5")).to_string();
    let expected = "
lamp blf1    watches sip:bob@pbx (dialog, and presence while there is no call) as sip:a@b, 300 s at a time; asks every 120 s whether a call still lasts
             shows amber slow when either of its subscriptions is broken for 5 s
";
    assert!(told.contains(expected), "{told}");
}

//! Listening to this machine alone, and what is said of those elsewhere.

use super::*;
use crate::shell::settings::reach::cause;

const REMEDY: &str =
    "add listen = [\"udp:0.0.0.0:5060\"] before the first [table], or this machine's own address";

/// The warning, without its remedy, which is always the same.
#[track_caller]
fn warned(text: &str) -> Option<String> {
    let warnings = good(text).warnings?;
    let [fault] = warnings.faults.as_slice() else {
        panic!("{warnings}");
    };
    assert_eq!(fault.remedy, REMEDY);
    Some(format!("{}:{}: {}", fault.line, fault.column, fault.what))
}

fn desk(host: &str) -> String {
    format!("[[presentity]]\nuri = \"sip:desk@{host}\"\n")
}

fn lamp(more: &str) -> String {
    format!("{}[[lamp]]\nname = \"blf1\"\n{more}\n", desk("127.0.0.1"))
}

fn upstream(more: &str) -> String {
    format!(
        "{}[[upstream]]\naor = \"sip:100@127.0.0.1\"\n{more}\n",
        desk("localhost")
    )
}

#[test]
fn without_listen_whoever_is_elsewhere_is_a_warning() {
    for (text, who) in [
        (desk("192.168.1.20"), "sip:desk@192.168.1.20"),
        (desk("[fd00::1]:5070"), "sip:desk@[fd00::1]:5070"),
        (desk("desk.example"), "sip:desk@desk.example"),
        (
            lamp("watch = \"sip:bob@pbx.example\""),
            "sip:bob@pbx.example",
        ),
        (
            lamp("watch = \"pres:bob@pbx.example\""),
            "pres:bob@pbx.example",
        ),
        (
            lamp("watch = \"sip:bob@127.0.0.1\"\nserver = \"10.0.0.1:5060\""),
            "10.0.0.1:5060",
        ),
        (
            lamp("watch = \"sip:bob@127.0.0.1\"\nserver = \"[fd00::1]:5060\""),
            "[fd00::1]:5060",
        ),
        (
            upstream("servers = [\"127.0.0.1\", \"tcp:pbx.example\"]"),
            "pbx.example",
        ),
    ] {
        let expected =
            format!("1:1: warning: the agent speaks to this machine alone, and {who} is elsewhere");
        assert_eq!(warned(&text), Some(expected), "{text}");
        assert_eq!(
            warned(&format!("listen = \"udp:0.0.0.0:5060\"\n{text}")),
            None
        );
        assert_eq!(
            warned(&format!(
                "listen = [\"udp:127.0.0.1:5060\", \"udp:[::]:5060\"]\n{text}"
            )),
            None
        );
    }
}

#[test]
fn nobody_is_elsewhere_on_a_machine_of_its_own() {
    for text in [
        String::new(),
        desk("127.0.0.1"),
        desk("127.1.2.3"),
        desk("[::1]"),
        desk("LOCALHOST"),
        desk("desk.localhost"),
        lamp("watch = \"sip:bob@pbx.example\"\nserver = \"127.0.0.1:5062\""),
        lamp("watch = \"sip:bob@pbx.example\"\nserver = \"[::1]:5062\""),
        lamp("watch = \"sip:bob@pbx.example\"\nserver = \"localhost:5062\""),
        lamp("shows = \"health\""),
        upstream(""),
        // It goes through the account's server.
        format!(
            "{}[[lamp]]\nname = \"blf1\"\nwatch = \"sip:b@pbx.example\"\nfrom = \"sip:100@127.0.0.1\"",
            upstream("")
        ),
    ] {
        assert_eq!(warned(&text), None, "{text}");
    }
}

/// Who writes down a loopback address knows what the machine's own names are; other addresses are still elsewhere.
#[test]
fn with_a_loopback_listener_only_addresses_are_elsewhere() {
    let text = format!("listen = \"udp:127.0.0.1:5070\"\n{}", desk("192.168.1.20"));
    let expected = "1:1: warning: the agent speaks to this machine alone, and sip:desk@192.168.1.20 is elsewhere";
    assert_eq!(warned(&text), Some(expected.to_string()));
    assert_eq!(
        warned(&format!(
            "listen = \"udp:127.0.0.1:5070\"\n{}",
            desk("desk.example")
        )),
        None
    );
}

#[test]
fn listeners_of_the_command_line_take_the_place_of_the_files() {
    let given = ["udp:10.0.0.1:5060".parse().expect("a listener")];
    let overrides = Overrides {
        listen: &given,
        ..Overrides::default()
    };
    let read = Configuration::parse("lamp.toml", &desk("10.0.0.1"), Path::new(""), overrides);
    let read = read.expect("good");
    assert_eq!(read.listen, given);
    assert_eq!(read.warnings, None);
}

#[test]
fn the_cause_names_the_listeners_and_the_peer() {
    let listen = |text: &str| -> Vec<Listen> {
        text.split(' ')
            .map(|it| it.parse().expect("a listener"))
            .collect()
    };
    let peer = |text: &str| text.parse().expect("an address");
    assert_eq!(
        cause(&listen("udp:127.0.0.1:5060 udp:[::1]:5060"), peer("10.0.0.1:5060")),
        Some(
            "the agent speaks to this machine alone (udp:127.0.0.1:5060, udp:[::1]:5060), and 10.0.0.1 is \
             elsewhere"
                .to_string()
        )
    );
    assert_eq!(
        cause(&listen("udp:127.0.0.1:5060"), peer("127.0.0.9:5060")),
        None
    );
    assert_eq!(
        cause(
            &listen("udp:127.0.0.1:5060"),
            peer("[::ffff:127.0.0.9]:5060")
        ),
        None
    );
    assert_eq!(
        cause(
            &listen("udp:127.0.0.1:5060 udp:0.0.0.0:5062"),
            peer("10.0.0.1:5060")
        ),
        None
    );
}

#[test]
fn who_is_announced_has_to_be_reached() {
    let expected =
        "1:1: warning: the agent speaks to this machine alone, and discover announces it to others";
    for listen in [
        "",
        "listen = [\"udp:127.0.0.1:5060\", \"udp:[::1]:5060\"]\n",
    ] {
        let text = format!("discover = true\n{listen}{}", desk("127.0.0.1"));
        assert_eq!(warned(&text).as_deref(), Some(expected), "{text}");
    }
    let listen = "listen = [\"udp:127.0.0.1:5060\", \"udp:0.0.0.0:5070\"]\n";
    for text in [
        format!("discover = true\n{listen}{}", desk("127.0.0.1")),
        format!("discover = false\n{}", desk("127.0.0.1")),
    ] {
        assert_eq!(warned(&text), None);
    }
}

//! Every mistake a configuration can hold, with the text the user sees.

use super::*;
use crate::engine::config::Action;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::Seconds;
use crate::users::lamps::{Looks, Shows};
use crate::wire::doc::pidf::Activities;
use std::time::Duration;

mod authentication;
mod both;
mod commands;
mod dialects;
mod keys;
mod lists;
mod local;
mod reach;
mod rules;
mod secrets;
mod served_lists;

fn read(text: &str) -> Result<Configuration, Faults> {
    Configuration::parse("lamp.toml", text, Path::new(""), Overrides::default())
}

#[track_caller]
fn good(text: &str) -> Configuration {
    read(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Reads `text` and expects these faults, each `LINE:COLUMN: what | remedy`.
#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let faults = read(text).expect_err("a bad configuration");
    let told: Vec<String> = faults
        .faults
        .iter()
        .map(|it| format!("{}:{}: {} | {}", it.line, it.column, it.what, it.remedy))
        .collect();
    assert_eq!(told, expected);
}

const FULL: &str = r#"
listen  = ["udp:0.0.0.0:5060", "udp:[::]:5060"]
trusted = ["192.168.1.0/24"]
board   = "sim"
control = "/run/lampfield/control.sock"
log     = "info"

[subscriptions]
min_expires = 30
max_expires = 1800
pace = { presence = { burst = 2, interval = 7 }, dialog = { burst = 0 } }

[registrations]
min_expires = 120
max_expires = 900

[publications]
min_expires = 90
max_expires = 1800

[[presentity]]
uri = "sip:desk@192.168.1.20"
dialog_shows_dnd = false

[[presentity]]
uri = "sip:door@192.168.1.20"
registers = true

[[lamp]]
name = "blf2"
watch = "sip:bob@pbx.example"
event = "dialog"
fallback = true
server = "192.168.1.5:5060"
from = "sip:door@192.168.1.20"
expires = 600
audit = 300
at_most_every = 5
grace = 10
looks = { held = "off", ringing = "red slow" }

[[lamp]]
name = "blf1"
watch = "sip:ann@pbx.example"
event = "presence"

[[lamp]]
name = "blf4"
watch = "sip:ann@pbx.example"
event = "presence"
grace = 0

[[button]]
name = "hook"
does = "hook"
presentity = "sip:door@192.168.1.20"

[[button]]
name = "dnd"
does = "activity meeting"
long = "clear"
double = "approve"
"#;

#[test]
fn a_full_configuration_is_read_as_it_is_written() {
    let read = good(FULL);
    let listen: Vec<String> = read.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["udp:0.0.0.0:5060", "udp:[::]:5060"]);
    assert_eq!(
        read.control.as_deref(),
        Some(Path::new("/run/lampfield/control.sock"))
    );
    assert_eq!(read.log, Some("info"));
    let settings = &read.settings;
    assert_eq!(
        (settings.min_expires, settings.max_expires),
        (Seconds(30), Seconds(1_800))
    );
    assert_eq!(settings.paces[0].burst, 2);
    assert_eq!(settings.paces[0].interval, Duration::from_secs(7));
    assert_eq!(settings.paces[1].burst, 0);
    assert!(!settings.presentities[0].dialog_shows_dnd);
    assert!(settings.presentities[1].dialog_shows_dnd);
    let registers: Vec<bool> = settings
        .presentities
        .iter()
        .map(|it| it.registers)
        .collect();
    assert_eq!(registers, [false, true]);
    let lifetimes = settings.registrations;
    assert_eq!((lifetimes.min, lifetimes.max), (Seconds(120), Seconds(900)));

    let names: Vec<&str> = settings.lamps.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["blf1", "blf2", "blf3", "blf4"], "the board's order");
    let bob = &settings.watches[usize::from(settings.lamps[1].shows.watch().expect("it watches"))];
    assert_eq!(bob.target.as_str(), "sip:bob@pbx.example");
    assert_eq!(bob.from.as_str(), "sip:door@192.168.1.20");
    assert_eq!((bob.package, bob.fallback), (Package::Dialog, true));
    assert_eq!(bob.server.as_deref(), Some("192.168.1.5:5060"));
    assert_eq!((bob.expires, bob.audit), (Seconds(600), Seconds(300)));
    assert_eq!((bob.at_most_every, bob.partial), (Seconds(5), false));
    assert_eq!(settings.lamps[1].grace, Seconds(10));
    assert_eq!(
        settings.lamps[1].looks.get(Watched::Held).to_string(),
        "off"
    );
    assert_eq!(
        settings.lamps[1].looks.get(Watched::Ringing).to_string(),
        "red slow"
    );
    assert_eq!(
        settings.lamps[1].looks.get(Watched::Idle).to_string(),
        "green"
    );
    assert_eq!(settings.lamps[2].shows, Shows::Nothing);

    assert_eq!(settings.watches.len(), 2, "equal watches are one");
    assert_eq!(settings.lamps[0].shows, settings.lamps[3].shows);
    assert_eq!(settings.lamps[3].grace, Seconds::ZERO);
    let ann = &settings.watches[usize::from(settings.lamps[0].shows.watch().expect("it watches"))];
    assert_eq!(
        ann.from.as_str(),
        "sip:desk@192.168.1.20",
        "the first presentity"
    );
    assert_eq!((ann.package, ann.fallback), (Package::Presence, false));
    assert_eq!((ann.expires, ann.server.clone()), (Seconds(300), None));

    let buttons: Vec<(&str, u16, Action)> = settings
        .buttons
        .iter()
        .map(|it| (it.name.as_str(), it.presentity, it.press))
        .collect();
    let meeting = Activities::MEETING;
    assert_eq!(
        buttons,
        [
            ("hook", 1, Action::Hook),
            ("dnd", 0, Action::Activity(meeting))
        ]
    );
    let dnd = &settings.buttons[1];
    assert_eq!((dnd.long, dnd.double), (Action::Clear, Action::Approve));
    assert!(settings.buttons[0].latching && !dnd.latching, "the board's");
}

#[test]
fn an_empty_file_has_the_defaults() {
    let read = good("");
    assert_eq!(read.listen, [Listen::DEFAULT]);
    assert_eq!(read.board.name, "sim");
    assert_eq!(read.settings.trusted, Network::LOOPBACK);
    let usual = |package: Package| package.served().map(|served| served.pace);
    assert_eq!(Some(read.settings.paces[0]), usual(Package::Presence));
    assert_eq!(Some(read.settings.paces[1]), usual(Package::Dialog));
    assert!(
        read.settings
            .lamps
            .iter()
            .all(|it| it.shows == Shows::Nothing)
    );
    assert!(
        read.settings
            .buttons
            .iter()
            .all(|it| it.press == Action::None)
    );
}

#[test]
fn this_machine_is_trusted_unless_nobody_is() {
    let trusts = |text: &str, address: &str| {
        let address = address.parse().expect("an address");
        good(text)
            .settings
            .trusted
            .iter()
            .any(|it| it.contains(address))
    };
    assert!(trusts("trusted = \"10.0.0.0/8\"", "127.0.0.1"));
    assert!(trusts("trusted = \"10.0.0.0/8\"", "10.1.1.1"));
    assert!(!trusts("trusted = \"10.0.0.0/8\"", "11.1.1.1"));
    assert!(!trusts("trusted = []", "127.0.0.1"));
}

#[test]
fn the_demonstration_fits_the_board_and_the_listener() {
    let listen = vec!["udp:0.0.0.0:5070".parse().expect("a listener")];
    let demo = Configuration::demo(listen, None).expect("the demonstration");
    assert_eq!(demo.settings.validate(), Ok(()));
    assert_eq!(
        demo.settings.watches[0].server.as_deref(),
        Some("127.0.0.1:5070")
    );
    let plain = Configuration::demo(Vec::new(), None).expect("the demonstration");
    assert_eq!(plain.settings.watches[0].server, None);
    assert_eq!(
        plain.settings.lamps,
        Settings::demo().lamps,
        "sim is its board"
    );
    assert_eq!(plain.settings.buttons, Settings::demo().buttons);
}

#[test]
fn mistakes_of_every_kind_are_all_told_at_once() {
    refused(
        r#"listn = []
listen = ["udp:0.0.0.0:5060", "sctp:0.0.0.0:5060", "here"]
trusted = ["192.168.1.0/33"]
board = "phone"
control = ""
log = "verbose"
[subscriptions]
min_expires = 7200
"#,
        &[
            "1:1: unknown key `listn` in the file | did you mean `listen`?",
            "2:31: cannot listen on \"sctp:0.0.0.0:5060\" | write udp:ADDRESS:PORT, as udp:0.0.0.0:5060 or \
             udp:[::]:5060",
            "2:52: cannot listen on \"here\" | write udp:ADDRESS:PORT, as udp:0.0.0.0:5060 or \
             udp:[::]:5060",
            "3:12: \"192.168.1.0/33\" is no network | write address/bits, as 192.168.1.0/24 or \
             fd00::/8, or one address",
            "4:9: there is no board \"phone\" | use one of: sim, raspberry-pi-desk-phone, raspberry-pi-intercom, \
             qemu-phone, usb-blink1, usb-luxafor, usb-delcom, usb-dream-cheeky, usb-riso-kagaku, template; or the path of a file",
            "5:11: control cannot be the path of a socket | write a path of 1 to 107 bytes",
            "6:7: log cannot be \"verbose\" | use one of: off, error, warn, info, debug, trace",
            "8:15: min_expires is 7200, which is out of range | write min_expires = N with N \
             from 1 to 3600",
        ],
    );
}

#[test]
fn listeners_are_neither_none_nor_twice() {
    refused(
        "listen = []",
        &["1:1: listen is empty | leave the line out to listen on udp:127.0.0.1:5060"],
    );
    refused(
        "listen = [\"udp:127.0.0.1:1\", \"udp:127.0.0.1:1\"]",
        &["1:30: \"udp:127.0.0.1:1\" is there already | leave it out"],
    );
}

#[test]
fn lifetimes_must_fit_each_other() {
    refused(
        "[subscriptions]\nmax_expires = 30",
        &["2:15: min_expires (60) is above max_expires (30) | lower one or raise the other"],
    );
    refused(
        "[registrations]\nmin_expires = 3601\nmax_expires = 59\npace = {}",
        &[
            "2:15: min_expires is 3601, which is out of range | write min_expires = N with N from 1 to 3600",
            "3:15: min_expires (60) is above max_expires (59) | lower one or raise the other",
            "4:1: unknown key `pace` in [registrations] | `pace` belongs below [subscriptions]",
        ],
    );
    refused(
        "[publications]\nmin_expires = 3601\nmax_expires = 59\npace = {}",
        &[
            "2:15: min_expires is 3601, which is out of range | write min_expires = N with N from 1 to 3600",
            "3:15: min_expires (60) is above max_expires (59) | lower one or raise the other",
            "4:1: unknown key `pace` in [publications] | `pace` belongs below [subscriptions]",
        ],
    );
    refused(
        "[subscriptions]\npace = { dialog = { burst = 256, interval = -1, every = 1 } }",
        &[
            "2:29: burst is 256, which is out of range | write burst = N with N from 0 to 255",
            "2:45: interval is -1, which is out of range | write interval = N with N from 0 to \
             3600",
            "2:49: unknown key `every` in pace | use one of: burst, interval",
        ],
    );
}

#[test]
fn presentities_are_addresses_each_once() {
    refused(
        "[[presentity]]\n[[presentity]]\nuri = \"desk\"\n[[presentity]]\nuri = \"sip:a@b\"\n\
         [[presentity]]\nuri = \"SIP:a@B:5060\"",
        &[
            "1:1: [[presentity]] has no uri | add uri = \"sip:desk@192.168.1.20\"",
            "3:7: uri is no address: \"desk\" | write sip:name@host, at most 256 bytes",
            "7:7: SIP:a@B:5060 is there already | name each presentity only once",
        ],
    );
}

#[test]
fn an_address_cannot_smuggle_a_line() /* I01 */
{
    refused(
        "[[presentity]]\nuri = \"sip:a@b\\r\\nVia: x\"",
        &[
            "2:7: uri is no address: \"sip:a@b\\r\\nVia: x\" | write sip:name@host, at most 256 \
             bytes",
        ],
    );
}

#[test]
fn more_presentities_than_the_build_has_room_for_are_refused() {
    let mut text = String::new();
    for at in 0..=PRESENTITIES {
        text += &format!("[[presentity]]\nuri = \"sip:{at}@host\"\n");
    }
    let line = 2 * PRESENTITIES + 1;
    let expected = format!(
        "{line}:1: more than {PRESENTITIES} presentities | leave some out, or build with a \
         larger LAMPFIELD_PRESENTITIES"
    );
    refused(&text, &[&expected]);
}

#[test]
fn more_trusted_networks_than_there_is_room_for_are_refused() {
    let networks: Vec<String> = (0..=TRUSTED)
        .map(|it| format!("\"10.{it}.0.0/16\""))
        .collect();
    let faults = read(&format!("trusted = [{}]", networks.join(", "))).expect_err("too many");
    assert_eq!(faults.faults.len(), 1);
    assert_eq!(faults.faults[0].what, "more than 16 trusted networks");
}

#[test]
fn lamps_are_those_of_the_board_each_once() {
    refused(
        "[[lamp]]\nname = \"blf9\"\n[[lamp]]\nname = \"blf1\"\n[[lamp]]\nname = \"blf1\"\n\
         [[lamp]]\n",
        &[
            "2:8: the board sim has no \"blf9\" | use one of: blf1, blf2, blf3, blf4",
            "6:8: \"blf1\" is there already, in line 4 | leave one of them out",
            "7:1: [[lamp]] has no name | add name = \"blf1\"",
        ],
    );
}

#[test]
fn a_lamp_says_whom_it_watches_and_as_whom() {
    refused(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@host\"",
        &["1:1: nobody to watch as | add from = \"sip:name@host\", or a [[presentity]]"],
    );
    refused(
        "[[lamp]]\nname = \"blf1\"\nevent = \"dialog\"\nexpires = 60",
        &[
            "3:1: event without watch means nothing | add watch = \"sip:name@host\", or leave \
             it out",
            "4:1: expires without watch means nothing | add watch = \"sip:name@host\", or leave \
             it out",
        ],
    );
    refused(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"bob\"\nfrom = \"me\"\nserver = \"host:0\"\n\
         event = \"dialogue\"\nexpires = 0\ngrace = 100000\nfallback = \"yes\"",
        &[
            "3:9: watch is no address: \"bob\" | write sip:name@host, at most 256 bytes",
            "4:8: from is no address: \"me\" | write sip:name@host, at most 256 bytes",
            "5:10: server is no host: \"host:0\" | write host or host:port, an IPv6 address in \
             brackets",
            "6:9: event cannot be \"dialogue\" | did you mean `dialog`?",
            "7:11: expires is 0, which is out of range | write expires = N with N from 1 to 86400",
            "8:9: grace is 100000, which is out of range | write grace = N with N from 0 to 86400",
            "9:12: fallback must be true or false, not text | write fallback = true or fallback \
             = false, without quotes",
        ],
    );
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:b@b\"\n\
         event = \"presence\"\nfallback = true",
        &[
            "7:12: there is no fallback from presence | leave fallback out, or ask for event = \
             \"dialog\"",
        ],
    );
}

#[test]
fn a_lamp_for_watchers_is_dark_while_nobody_waits() {
    let read = good(
        "[subscriptions]\npace = { \"presence.winfo\" = { burst = 1, interval = 60 } }\n\
         [[presentity]]\nuri = \"sip:c@d\"\n[[presentity]]\nuri = \"sip:a@b\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:a@b\"\nevent = \"presence.winfo\"",
    );
    let settings = &read.settings;
    assert_eq!(settings.watches[0].package, Package::PresenceWinfo);
    assert_eq!(
        settings.lamps[0].looks.get(Watched::Idle).to_string(),
        "off"
    );
    let pace = settings.paces[Package::PresenceWinfo as usize];
    assert_eq!((pace.burst, pace.interval), (1, Duration::from_secs(60)));
    let told = read.to_string();
    assert!(told.contains("watches sip:a@b (presence.winfo) as sip:a@b"));
    assert!(told.contains(" presence.winfo: 1 changes at once, then one in 60 s"));
    refused(
        "[subscriptions]\npace = { presence.winfo = { burst = 1 }, winfo = { burst = 1 } }",
        &[
            "2:19: presence.winfo is no single key | write it in quotes: \"presence.winfo\" = \
             { burst = 4, interval = 5 }",
            "2:42: unknown key `winfo` in pace | use one of: presence, dialog, presence.winfo, as-feature-event",
        ],
    );
}

#[test]
fn a_lamp_watches_any_package_by_its_name_and_looks_as_it_says() {
    for package in Package::ALL {
        let name = package.name();
        let read = good(&format!(
            "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:a@b\"\nevent = \"{name}\""
        ));
        assert_eq!(read.settings.watches[0].package, package);
        let looks = &read.settings.lamps[0].looks;
        assert_eq!(looks, Looks::usual(package.spec().lamp), "{name}");
    }
}

#[test]
fn a_mailbox_lamp_is_dark_without_messages() {
    let read = good(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:a@pbx\"\n\
         event = \"message-summary\"\nlooks = { waiting = \"blue fast\" }",
    );
    let lamp = &read.settings.lamps[0];
    assert_eq!(read.settings.watches[0].package, Package::MessageSummary);
    assert_eq!(lamp.looks.get(Watched::Idle).to_string(), "off");
    assert_eq!(lamp.looks.get(Watched::Waiting).to_string(), "blue fast");
    let told = read.to_string();
    assert!(told.contains("watches sip:a@pbx (message-summary) as sip:a@b"));
    assert!(told.contains("\n             looks of its own: waiting blue fast\n"));
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:b@b\"\n\
         event = \"message-summary\"\nfallback = true",
        &[
            "7:12: there is no fallback from message-summary | leave fallback out, or ask for \
             event = \"dialog\"",
        ],
    );
}

const OWN: &str = r#"
[[presentity]]
uri = "sip:desk@192.168.1.20"

[[presentity]]
uri = "sip:door@192.168.1.20"

[[lamp]]
name = "blf1"
shows = "dnd"

[[lamp]]
name = "blf2"
shows = "waiting"
presentity = "sip:door@192.168.1.20"
looks = { waiting = "white", unknown = "off" }

[[lamp]]
name = "blf3"
shows = "health"
grace = 5
"#;

#[test]
fn a_lamp_can_stand_for_something_of_our_own() {
    let read = good(OWN);
    let lamps = &read.settings.lamps;
    let shows: Vec<Shows> = lamps.iter().map(|it| it.shows).collect();
    assert_eq!(
        shows,
        [
            Shows::Dnd(0),
            Shows::Waiting(1),
            Shows::Health,
            Shows::Nothing
        ]
    );
    let idle: Vec<String> = lamps
        .iter()
        .map(|it| it.looks.get(Watched::Idle).to_string())
        .collect();
    assert_eq!(idle, ["off", "off", "green", "green"]);
    let told = read.to_string();
    let (_, told) = told.split_once("lamp blf1").expect("the lamps");
    assert_eq!(
        told,
        "    shows do-not-disturb of sip:desk@192.168.1.20
lamp blf2    shows whether watchers of sip:door@192.168.1.20 wait for approval
             looks of its own: unknown off, waiting white
lamp blf3    shows whether all is well
             shows amber slow when any subscription is broken for 5 s
lamp blf4    watches nobody and stays off
"
        .to_string()
            + told.split_once("stays off\n").map_or("", |(_, rest)| rest)
    );
}

#[test]
fn a_lamp_of_our_own_does_not_watch() {
    refused(
        "[[lamp]]\nname = \"blf1\"\nshows = \"dnd\"\n[[lamp]]\nname = \"blf2\"\nshows = \"health\"",
        &["1:1: the lamp has nobody to stand for | add a [[presentity]]"],
    );
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n\
         [[lamp]]\nname = \"blf1\"\nshows = \"mood\"\n\
         [[lamp]]\nname = \"blf2\"\nshows = \"dnd\"\nwatch = \"sip:b@b\"\n\
         [[lamp]]\nname = \"blf3\"\nshows = \"waiting\"\npresentity = \"sip:a@c\"\nevent = \"dialog\"\n\
         [[lamp]]\nname = \"blf4\"\npresentity = \"sip:a@b\"",
        &[
            "5:9: shows cannot be \"mood\" | use one of: dnd, health, waiting, forward",
            "8:1: a lamp cannot watch somebody and show something of our own | leave out watch or \
             shows",
            "13:14: \"sip:a@c\" is not served here | did you mean `sip:a@b`?",
            "14:1: event without watch means nothing | add watch = \"sip:name@host\", or leave it \
             out",
            "17:1: presentity without shows means nothing | add shows = \"dnd\", or leave it out",
        ],
    );
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n\
         [[lamp]]\nname = \"blf1\"\nshows = \"health\"\npresentity = \"sip:a@b\"",
        &["6:14: health is that of the device, not of a presentity | leave presentity out"],
    );
}

#[test]
fn who_can_only_be_asked_over_tls_is_asked_over_nothing_else() /* R16, X10 */
{
    let lamp =
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"SIPS:bob@pbx\"\n";
    let what = match cfg!(feature = "tls") {
        true => {
            "3:1: SIPS:bob@pbx can only be asked over TLS, and its server is asked without | \
             write its server as tls:HOST"
        }
        false => {
            "5:9: SIPS:bob@pbx can only be asked over TLS | this program was built without TLS; \
             take one with it: cargo build --features tls"
        }
    };
    refused(&format!("{lamp}server = \"10.0.0.1\""), &[what]);
}

#[cfg(feature = "tls")]
#[test]
fn servers_inside_tls_are_read_and_their_port_is_another() {
    let read = |text: &str| read(text).expect("it is good").settings;
    let lamp = "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\n";
    let settings = read(&format!(
        "{lamp}watch = \"sips:bob@pbx\"\nserver = \"tls:10.0.0.1\""
    ));
    assert!(settings.goes_by_tls(&settings.watches[0]));
    let settings = read(&format!("{lamp}watch = \"sips:bob@pbx\""));
    assert!(settings.goes_by_tls(&settings.watches[0]));
    let settings = read("[[upstream]]\naor = \"sips:100@pbx\"\npublish = false");
    assert_eq!(
        settings.upstreams[0].servers[0].transport,
        Some(Transport::Tls)
    );
    refused(
        "[[upstream]]\naor = \"sips:100@pbx\"\npublish = false\nservers = [\"tls:a\", \"b\"]",
        &[
            "1:1: sips:100@pbx is asked over TLS only | write each of servers as tls:HOST, or leave \
           servers out",
        ],
    );
}

#[cfg(feature = "tls")]
#[test]
fn what_tls_lacks_is_told() {
    refused(
        "listen = [\"tls:127.0.0.1:5061\"]",
        &[
            "1:1: tls is listened on without a certificate | add [tls] with certificate = \"FILE\" \
           and key = \"FILE\"; lampfield certificate new NAME makes both",
        ],
    );
    refused(
        "[tls]\ncertificate = \"a.pem\"",
        &["1:2: certificate and key mean nothing without each other | add the other one"],
    );
    refused(
        "[tls]\npins = [\"pbx sha256:12\"]",
        &[
            "2:9: \"pbx sha256:12\" is no pin | write \"HOST sha256:DIGITS\", as lampfield \
           certificate show prints them",
        ],
    );
}

#[test]
fn looks_are_colours_and_patterns_of_known_states() {
    refused(
        "[[lamp]]\nname = \"blf1\"\nlooks = { held = \"pink\", hold = \"off\", idle = 1 }",
        &[
            "3:18: \"pink\" is no look | write one of off, green, red, amber, blue, cyan, magenta, \
             white, with slow or fast behind it if it blinks: \"red fast\"",
            "3:26: unknown key `hold` in looks | did you mean `held`?",
            "3:47: idle must be text, not a whole number | write idle = \"…\"",
        ],
    );
}

#[test]
fn nobody_can_be_named_where_nobody_is_served() {
    refused(
        "[[lamp]]\nname = \"blf1\"\nshows = \"dnd\"\npresentity = \"sip:a@b\"\n\
         [[button]]\nname = \"dnd\"\ndoes = \"dnd\"\npresentity = \"sip:a@b\"",
        &[
            "4:14: \"sip:a@b\" is not served here | add a [[presentity]]",
            "8:14: \"sip:a@b\" is not served here | add a [[presentity]]",
        ],
    );
}

#[test]
fn buttons_do_something_for_somebody() {
    refused(
        "[[button]]\nname = \"dnd\"\n[[button]]\nname = \"hook\"\ndoes = \"hook\"",
        &[
            "1:1: [[button]] has no does | add does = \"dnd\"",
            "3:1: the button has nobody to act for | add a [[presentity]]",
        ],
    );
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[button]]\nname = \"dnd\"\ndoes = \"dance\"\n\
         presentity = \"sip:a@c\"\n[[button]]\nname = \"hook\"\ndoes = \"activity dancing hold\"",
        &[
            "5:8: no button does \"dance\" | write \"dnd\", \"dnd hold\", \"hook\", \"activity \
             NAME\", \"activity NAME hold\", \"away\", \"motion\", \"clear\", \"approve\", \
             \"run\" or \"none\"",
            "6:14: \"sip:a@c\" is not served here | did you mean `sip:a@b`?",
            "9:8: \"activity dancing hold\" names no activity | use one of RFC 4480 §3.2, as \
             \"activity meeting\" or \"activity away\"",
        ],
    );
}

/// The board has a switch, `hook`, and a button that springs back, `dnd`.
fn button(name: &str, says: &str) -> String {
    format!("[[presentity]]\nuri = \"sip:a@b\"\n[[button]]\nname = \"{name}\"\n{says}")
}

#[test]
fn every_action_is_read_as_it_is_written() {
    let meeting = Activities::MEETING;
    for (written, action) in [
        ("none", Action::None),
        ("dnd", Action::Dnd),
        ("dnd hold", Action::DndHold),
        ("hook", Action::Hook),
        ("activity meeting", Action::Activity(meeting)),
        ("activity meeting hold", Action::ActivityHold(meeting)),
        ("away", Action::Away),
        ("motion", Action::Motion),
        ("clear", Action::Clear),
        ("approve", Action::Approve),
    ] {
        let read = good(&button("dnd", &format!("does = \"{written}\"")));
        let button = &read.settings.buttons[1];
        assert_eq!((button.press, button.timeout), (action, Seconds(600)));
    }
    let read = good(&button("hook", "does = \"motion\"\ntimeout = 20"));
    assert_eq!(read.settings.buttons[0].timeout, Seconds(20));
    let words = in_words(&read.settings.buttons[0]);
    assert_eq!(words, "while on: somebody is there, else away after 20 s");
    let read = good(&button("dnd", "does = \"dnd hold\""));
    let words = in_words(&read.settings.buttons[1]);
    assert_eq!(words, "while pressed: do-not-disturb");
    assert_eq!(in_words(&read.settings.buttons[0]), "while on: nothing");
    let read = good(&button("dnd", "does = \"none\"\nlong = \"dnd\""));
    let words = in_words(&read.settings.buttons[1]);
    assert_eq!(words, "held: do-not-disturb on or off");
}

#[test]
fn a_button_must_be_able_to_tell_its_gestures_apart() {
    const FREE: &str =
        "\"dnd\", \"activity NAME\", \"away\", \"clear\", \"approve\", \"run\" or \"none\"";
    for (name, says, expected) in [
        (
            "hook",
            "does = \"dnd\"\nlong = \"clear\"",
            "6:1: hook is a switch and has no long press | leave long out".to_string(),
        ),
        (
            "hook",
            "does = \"clear\"",
            "5:1: hook is a switch and stays down: it can't do that once | write \"dnd\", \
             \"hook\", \"activity NAME\", \"away\", \"motion\" or \"none\""
                .to_string(),
        ),
        (
            "dnd",
            "does = \"dnd hold\"\ndouble = \"clear\"",
            format!(
                "6:1: dnd goes by its position and has no double press | leave double out, or \
                 write {FREE} behind `does`"
            ),
        ),
        (
            "dnd",
            "does = \"dnd\"\nlong = \"hook\"",
            format!(
                "6:1: a long press can't go by the position | write {FREE}, or let `does` do it \
                 alone"
            ),
        ),
        (
            "dnd",
            "does = \"dnd\"\ntimeout = 5",
            "6:11: timeout means nothing without does = \"motion\" | leave timeout out".to_string(),
        ),
        (
            "dnd",
            "does = \"motion\"\ntimeout = 0",
            "6:11: timeout is 0, which is out of range | write timeout = N with N from 1 to 86400"
                .to_string(),
        ),
    ] {
        refused(&button(name, says), &[&expected]);
    }
    refused(
        "strangers = \"maybe\"",
        &["1:13: strangers cannot be \"maybe\" | use one of: refuse, ask"],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_name() {
    let faults = Configuration::load(Path::new("/no/such/lamp.toml"), Overrides::default())
        .expect_err("no file");
    let text = faults.to_string();
    assert!(text.starts_with("/no/such/lamp.toml:1:1: the configuration cannot be read: "));
    assert!(text.ends_with("\n  remedy: check the path and its permissions"));
}

#[test]
fn what_is_written_wrongly_is_told_before_anything_else() {
    refused(
        "listen = \"udp:127.0.0.1:5060\nlog = \"nonsense\"\n",
        &[
            "1:29: invalid basic string, expected `\"` | write `key = value`, one to a line, with \
             text in double quotes",
        ],
    );
}

#[test]
fn a_blank_document_can_be_left_out() /* N29 */
{
    let blank = |text: &str| good(text).settings.blank_documents;
    assert!(blank(""));
    assert!(!blank("[subscriptions]\nblank_documents = false\n"));
}

#[test]
fn a_pace_is_asked_for_and_makes_a_watch_of_its_own() /* F09 */
{
    let lamp = |name: &str, more: &str| {
        format!("[[lamp]]\nname = \"{name}\"\nwatch = \"sip:b@b\"\n{more}\n")
    };
    let file = |more: &str| {
        let lamps = [lamp("blf1", ""), lamp("blf2", more)].concat();
        format!("[[presentity]]\nuri = \"sip:a@b\"\n{lamps}")
    };
    let paces = |more: &str| -> Vec<u32> {
        let watches = good(&file(more)).settings.watches;
        watches.iter().map(|it| it.at_most_every.0).collect()
    };
    assert_eq!(paces(""), [0]);
    assert_eq!(paces("at_most_every = 0"), [0]);
    assert_eq!(paces("at_most_every = 10"), [0, 10]);
    assert!(read(&file("at_most_every = 3601")).is_err());
}

#[test]
fn an_audit_is_off_or_not_too_often() {
    let lamp = |audit: u32| {
        format!(
            "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"sip:b@b\"\naudit = {audit}"
        )
    };
    assert_eq!(good(&lamp(120)).settings.watches[0].audit, Seconds(120));
    let off = good(&lamp(0));
    assert_eq!(off.settings.watches[0].audit, Seconds::ZERO);
    assert!(
        off.to_string()
            .contains("; calls last until their end is told\n")
    );
    refused(
        &lamp(119),
        &["6:9: audit is 119, which is too often | write audit = 120 or more, or 0 to ask never"],
    );
}

#[test]
fn a_configuration_is_explained_in_words() {
    assert_eq!(
        good(FULL).to_string(),
        "\
listens on   udp:0.0.0.0:5060, udp:[::]:5060
board        sim: simulated desk phone: hook switch, DND button, four two-colour lamps
control      /run/lampfield/control.sock
log          info
serves       sip:desk@192.168.1.20; do-not-disturb shows to watchers of presence only
serves       sip:door@192.168.1.20; do-not-disturb also shows to watchers of dialog
             offline while its phone is not registered here
may watch    127.0.0.0/8, ::1, 192.168.1.0/24; others are refused with 403
for          30 to 1800 seconds at a time
may register those of them who are trusted, for 120 to 900 seconds
may publish  those of them who are trusted, for 90 to 1800 seconds
are told     presence: 2 changes at once, then one in 7 s, the last one always
             dialog: every change at once
             presence.winfo: 4 changes at once, then one in 5 s, the last one always
             as-feature-event: 4 changes at once, then one in 5 s, the last one always
lamp blf1    watches sip:ann@pbx.example (presence) as sip:desk@192.168.1.20, 300 s at a time; asks every 120 s whether a call still lasts
             shows amber slow when its subscription is broken for 30 s
lamp blf2    watches sip:bob@pbx.example (dialog, or presence where that is refused) through \
192.168.1.5:5060 as sip:door@192.168.1.20, 600 s at a time; asks every 300 s whether a call still lasts; wants news at most every 5 s
             shows amber slow when its subscription is broken for 10 s
             looks of its own: held off, ringing red slow
lamp blf3    watches nobody and stays off
lamp blf4    watches sip:ann@pbx.example (presence) as sip:desk@192.168.1.20, 300 s at a time; asks every 120 s whether a call still lasts
             shows amber slow when its subscription is broken for 0 s
button hook  while on: the handset is up; for sip:door@192.168.1.20
button dnd   press: activity meeting on or off; held: takes back do-not-disturb, activity, note and away; \
pressed twice: allows the watcher who waits longest; for sip:desk@192.168.1.20
"
    );
    let nobody = good("trusted = []").to_string();
    assert!(nobody.contains("\nserves       nobody\n"));
    assert!(nobody.contains("\nmay watch    nobody: every request is refused with 403\n"));
    let asked = good("strangers = \"ask\"").to_string();
    assert!(asked.contains("::1; others wait until they are allowed\n"));
}

/// As `motion` of a built-in board, and longer.
#[test]
fn a_long_name_does_not_touch_what_it_does() {
    let folder = std::env::temp_dir().join(format!("lampfield-long-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let board = "name = \"long\"\nbackend = \"sim\"\n[[button]]\nname = \"motion\"\n\
                 [[button]]\nname = \"doorbell-of-the-garden\"\n\
                 [[lamp]]\nname = \"garden-gate\"\ncolours = [\"red\"]\n";
    std::fs::write(folder.join("long.toml"), board).expect("written");
    let text = "board = \"long.toml\"\n[[presentity]]\nuri = \"sip:a@127.0.0.1\"\n\
                [[button]]\nname = \"motion\"\ndoes = \"motion\"\n";
    let read = Configuration::parse("lamp.toml", text, &folder, Overrides::default());
    let told = read.map(|it| it.to_string());
    std::fs::remove_dir_all(&folder).expect("removed");
    let told = told.expect("good");
    for line in [
        "\nbutton motion while pressed: somebody is there, else away after 600 s; for ",
        "\nbutton doorbell-of-the-garden does nothing\n",
        "\nlamp garden-gate watches nobody and stays off\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn control_and_state_count_from_the_files_folder() {
    let text = "control = \"run/control.sock\"\nstate = \"kept\"";
    let parse = |text: &str, folder: &str| {
        let read = Configuration::parse("lamp.toml", text, Path::new(folder), Overrides::default());
        let read = read.unwrap_or_else(|faults| panic!("{faults}"));
        (read.control, read.state)
    };
    let paths = |control: &str, state: &str| (Some(control.into()), Some(state.into()));
    let own = paths("/etc/lampfield/run/control.sock", "/etc/lampfield/kept");
    assert_eq!(parse(text, "/etc/lampfield"), own);
    assert_eq!(parse(text, ""), paths("run/control.sock", "kept"));
    let text = "control = \"/run/l.sock\"\nstate = \"/var/l\"";
    assert_eq!(parse(text, "/etc"), paths("/run/l.sock", "/var/l"));
    let long = format!("/{}", "x".repeat(100));
    let read = Configuration::parse(
        "l",
        "control = \"1234567\"",
        Path::new(&long),
        Overrides::default(),
    );
    let what = read.expect_err("too long for the kernel").faults;
    assert_eq!(what[0].what, "control cannot be the path of a socket");
}

#[test]
fn the_lines_of_a_board_are_told() {
    let text = "board = \"raspberry-pi-intercom\"\n";
    let told = read(text).expect("good").to_string();
    let (_, lines) = told.split_once("\nlines ").expect("lines");
    let expected = "       button door: gpio:GPIO16\n             button motion: gpio:GPIO26\n             \
                    button dnd: gpio:GPIO27\n             lamp call: red gpio:GPIO23, green gpio:GPIO24\n             \
                    lamp dnd: red gpio:GPIO8\n";
    assert!(lines.starts_with(expected), "{told}");
}

#[test]
fn a_way_is_kept_open_by_seconds_or_by_a_word() /* R11 */
{
    use crate::ua::servers::KeepAlive;
    let of = |written: &str| {
        format!("[[upstream]]\naor = \"sip:100@pbx.example\"\npublish = false\n{written}\n")
    };
    for (written, expected) in [
        ("", None),
        ("keep_alive = 25", Some(KeepAlive::Options(Seconds(25)))),
        ("keep_alive = 0", Some(KeepAlive::Options(Seconds::ZERO))),
        ("keep_alive = \"stun\"", Some(KeepAlive::Stun)),
    ] {
        let settings = read(&of(written)).expect("good").settings;
        assert_eq!(settings.upstreams[0].keep_alive, expected, "{written}");
    }
    for wrong in ["\"crlf\"", "true", "4000", "-1"] {
        let faults = read(&of(&format!("keep_alive = {wrong}"))).expect_err(wrong);
        assert!(faults.to_string().contains("keep_alive"), "{faults}");
    }
}

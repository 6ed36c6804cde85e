//! What settings promise the agent, and how a wrong one is told.

extern crate std;
use super::*;
use std::string::ToString;

#[test]
fn the_demonstration_is_valid_and_watches_its_own_desk() {
    let demo = Settings::demo();
    assert_eq!(demo.validate(), Ok(()));
    let lamp = &demo.lamps[0];
    let watch = &demo.watches[usize::from(lamp.shows.watch().expect("blf1 watches"))];
    assert_eq!(lamp.name.as_str(), "blf1");
    assert_eq!(watch.target, demo.presentities[0].uri);
    assert!(
        demo.trusted
            .iter()
            .any(|it| it.contains("127.0.0.1".parse().expect("an address")))
    );
}

#[test]
fn the_demonstration_finds_itself_on_another_port() {
    let mut demo = Settings::new();
    demo.restore_demo(Some("[::1]:5070".parse().expect("an address")));
    assert_eq!(demo.validate(), Ok(()));
    let server = demo.watches[0].server.as_ref().expect("a server");
    assert_eq!(server.as_str(), "[::1]:5070");
}

#[test]
fn nothing_at_all_is_not_valid_until_the_defaults_are_set() {
    let mut settings = Settings::new();
    assert_eq!(settings.validate(), Err(Invalid::Lifetimes));
    settings.restore_defaults();
    assert_eq!(settings.validate(), Ok(()));
}

/// Breaks the demonstration in one place; the error must name it.
#[track_caller]
fn broken(change: impl FnOnce(&mut Settings), text: &str) {
    let mut settings = Settings::demo();
    change(&mut settings);
    let error = settings.validate().expect_err("broken settings");
    assert_eq!(error.to_string(), text);
}

fn text<const N: usize>(it: &str) -> Text<N> {
    Text::copied(it).expect("short")
}

#[test]
fn each_thing_the_agent_relies_on_is_checked() {
    broken(
        |it| it.min_expires = Seconds(3_601),
        "min_expires: set it between 1 and max_expires",
    );
    broken(
        |it| {
            it.min_expires = Seconds(3_601);
            it.max_expires = Seconds(7_200);
        },
        "min_expires: set it to 3600 or less",
    );
    for (min, max) in [(61, 60), (0, 0), (3_601, 7_200)] {
        broken(
            |it| {
                it.registrations = Lifetimes {
                    min: Seconds(min),
                    max: Seconds(max),
                }
            },
            "registrations: set min_expires to 3600 or less, and not above max_expires",
        );
    }
    broken(
        |it| it.presentities[0].uri = text("desk"),
        "presentity 1: write uri as sip:name@host",
    );
    broken(
        |it| {
            it.presentities
                .push(it.presentities[0].clone())
                .expect("room");
        },
        "presentity 2: name each uri only once",
    );
    broken(
        |it| it.watches[0].target = text("sip:a@b\r\nX: y"),
        "watch 1: write the target as sip:name@host",
    );
    broken(
        |it| it.watches[0].from = text(""),
        "watch 1: write from as sip:name@host",
    );
    broken(
        |it| it.watches[0].server = Some(text("host:99999")),
        "watch 1: write server as host or host:port",
    );
    broken(
        |it| it.watches[0].expires = Seconds::ZERO,
        "watch 1: ask for one second or more",
    );
    broken(
        |it| it.lamps[1].name = text("blf1"),
        "lamp 2: give each lamp a name of its own",
    );
    let both = |calls, presence| Shows::Both { calls, presence };
    for shows in [Shows::Watch(7), both(0, 7), both(7, 0)] {
        broken(
            |it| it.lamps[3].shows = shows,
            "lamp 4: let it watch something in the list",
        );
    }
    for shows in [Shows::Dnd(1), Shows::Waiting(1)] {
        broken(
            |it| it.lamps[2].shows = shows,
            "lamp 3: name a presentity served here",
        );
    }
    broken(
        |it| it.buttons[1].name = text("hook"),
        "button 2: give each button a name of its own",
    );
    broken(
        |it| it.buttons[0].presentity = 1,
        "button 1: name a presentity served here",
    );
    broken(
        |it| it.buttons[1].timeout = Seconds::ZERO,
        "button 2: wait for one second or more",
    );
    let gestures: [fn(&mut Settings); 5] = [
        |it| it.buttons[0].long = Action::Clear,
        |it| it.buttons[0].press = Action::Approve,
        |it| it.buttons[1].double = Action::Hook,
        |it| it.buttons[1].long = Action::DndHold,
        |it| {
            it.buttons[1].press = Action::Motion;
            it.buttons[1].double = Action::Dnd;
        },
    ];
    for (at, change) in gestures.into_iter().enumerate() {
        let button = if at < 2 { 1 } else { 2 };
        let text = std::format!(
            "button {button}: what is held or stays down does one thing only, and none that \
             happens once"
        );
        broken(change, &text);
    }
}

#[test]
fn an_address_holds_nothing_that_ends_a_header_line() /* I01 */
{
    for good in [
        "sip:desk@127.0.0.1",
        "sips:desk@pbx.example:5061;transport=tcp",
        "SIP:pbx.example",
        "pres:bob@example.com",
        "sip:bob@[2001:db8::1]",
        "sip:%0d%0a@host",
    ] {
        assert!(is_address(good), "{good}");
    }
    for bad in [
        "",
        "sip:",
        "sip:bob@",
        "sip:bob@;x",
        "bob@host",
        "http://host/",
        "sip:bob@ho st",
        "sip:bob@host\r\nVia: x",
        "sip:bob@host\0",
        "sip:bob@host>",
        "<sip:bob@host>",
        "sip:b\u{f6}b@host",
        "sip:bob@host?Subject=x",
        "tel:+4930123",
    ] {
        assert!(!is_address(bad), "{bad}");
    }
}

#[test]
fn a_sips_address_needs_tls() /* R16 */
{
    assert!(needs_tls("sips:bob@host") && needs_tls("SIPS:bob@host"));
    assert!(!needs_tls("sip:sips@host") && !needs_tls("pres:bob@host"));
}

#[test]
fn one_presentity_has_many_spellings() {
    assert!(is_same("sip:bob@Host", "sip:bob@host:5060;transport=udp"));
    assert!(is_same("pres:bob@host", "sip:bob@host"));
    assert!(!is_same("sip:bob@host", "sip:ann@host"));
    assert!(!is_same("bob", "bob"), "what is no URI is nobody's");
}

#[test]
fn a_server_is_a_host_and_perhaps_a_port() {
    for good in [
        "pbx",
        "pbx.example:5060",
        "10.0.0.1",
        "[::1]",
        "[fd00::1]:5062",
    ] {
        assert!(is_server(good), "{good}");
    }
    for bad in [
        "",
        ":5060",
        "pbx:",
        "pbx:0",
        "pbx:+1",
        "pbx:65536",
        "::1",
        "[pbx]",
        "a b",
    ] {
        assert!(!is_server(bad), "{bad}");
    }
}

#[test]
fn equal_watches_are_shared_and_a_full_table_says_so() {
    let mut settings = Settings::demo();
    let same = settings.watches[0].clone();
    assert_eq!(settings.share_watch(same.clone()), Ok(0));
    let mut added = 1;
    loop {
        let mut other = same.clone();
        other.expires = Seconds(1_000 + added);
        match settings.share_watch(other) {
            Ok(at) => assert_eq!(u32::from(at), added),
            Err(Full) => break,
        }
        added += 1;
    }
    assert_eq!(settings.watches.len(), WATCHES);
    assert_eq!(settings.share_watch(same), Ok(0), "sharing needs no room");
}

//! Lamps of a list that Kamailio keeps: one subscription for all of them (RFC 4662).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::agent::{Agent, configuration};
use crate::kamailio::{Challenge, Kamailio, LIST, Memory};
use crate::process::{SOON, free_port, wait_for};

/// Kamailio gathers changes for a second, and looks once a second.
const GATHERED: Duration = Duration::from_millis(2_500);

/// Within that much all is back at a server that has forgotten it: what is left of a minute, and what a try takes.
const BACK: Duration = Duration::from_secs(70);

/// blf1 is of 200, blf2 of 300, both on the list; blf3 of who is not.
const LAMPS: [(&str, &str); 3] = [("blf1", "200"), ("blf2", "300"), ("blf3", "400")];

#[test]
fn a_lamp_follows_whoever_is_on_a_list() /* F16 F17 F18 F19 */
{
    let kamailio = Kamailio::with_list();
    let watcher = watching(&kamailio, "presence", "");
    watcher.expect_state("blf1", "unknown");
    for (lamp, listed) in [("blf2", "untold"), ("blf3", "unlisted")] {
        wait_for("the list is told", SOON, || {
            (watcher.why(lamp)["watch"]["listed"] == listed).then_some(())
        });
    }
    let cause = watcher.why("blf3")["cause"].to_string();
    assert!(cause.contains("is not on the list"), "{cause}");
    let desk = user(&kamailio, "200");
    watcher.expect_lamp("blf1", "green");
    let pressed = Instant::now();
    desk.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "red");
    let took = pressed.elapsed();
    assert!(took < GATHERED, "it took {took:?}");
    assert_eq!(watcher.why("blf1")["watch"]["list"], LIST);
    watcher.expect_state("blf2", "unknown");
    let of_us = |line: &&String| line.contains(" SUBSCRIBE ") && line.contains(LIST);
    assert_eq!(kamailio.requests().iter().filter(of_us).count(), 1);
}

#[test]
fn a_lamp_follows_the_calls_of_whoever_is_on_a_list() /* F17 F18 */
{
    let kamailio = Kamailio::with_list();
    let watcher = watching(&kamailio, "dialog", "");
    wait_for("the list is told", SOON, || {
        (watcher.why("blf1")["watch"]["listed"] == "untold").then_some(())
    });
    publish_call(&kamailio, "early");
    watcher.expect_lamp("blf1", "red fast");
}

#[test]
fn a_list_is_back_at_a_server_that_forgot_it() /* F18 */
{
    let mut kamailio = Kamailio::with_list();
    let watcher = watching(&kamailio, "presence", "expires = 60\n");
    let desk = user(&kamailio, "200");
    watcher.expect_lamp("blf1", "green");
    kamailio.restart(Memory::Lost);
    desk.run(&["press", "dnd"]);
    wait_for("the lamp is red", BACK, || {
        (watcher.look("blf1") == "red").then_some(())
    });
}

#[test]
fn a_server_without_lists_is_asked_one_by_one() /* F16 */
{
    let kamailio = Kamailio::start(Challenge::Open);
    let watcher = watching(&kamailio, "presence", "");
    let desk = user(&kamailio, "200");
    watcher.expect_lamp("blf1", "green");
    desk.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "red");
    assert!(watcher.why("blf1")["watch"]["list"].is_null());
}

/// A desk that is user 100 and watches the list.
fn watching(kamailio: &Kamailio, event: &str, more: &str) -> Agent {
    let mut lamps = format!(
        "[[list]]\nuri = \"{LIST}\"\nevent = \"{event}\"\nfrom = \"sip:100@127.0.0.1\"\n{more}"
    );
    for (lamp, user) in LAMPS {
        let lamp = format!(
            "[[lamp]]\nname = \"{lamp}\"\nlist = \"{LIST}\"\nwatch = \"sip:{user}@127.0.0.1\"\n"
        );
        lamps += &lamp;
    }
    agent(kamailio, "100", &lamps)
}

/// A desk that publishes as that user.
fn user(kamailio: &Kamailio, user: &str) -> Agent {
    agent(kamailio, user, "")
}

fn agent(kamailio: &Kamailio, user: &str, more: &str) -> Agent {
    let (port, server) = (free_port(), kamailio.address());
    let mut text = configuration(port, &[]);
    let aor = Kamailio::uri(user);
    write!(
        text,
        "[[upstream]]\naor = \"{aor}\"\nservers = [\"{server}\"]\nexpires = 60\n{more}"
    )
    .expect("a string can grow");
    Agent::configured(port, &text, &[])
}

/// Publishes a call of 200 in that state.
fn publish_call(kamailio: &Kamailio, state: &str) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.connect(kamailio.address()).expect("an address");
    let local = socket.local_addr().expect("an address");
    let body = format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"1\" \
         state=\"full\" entity=\"sip:200@127.0.0.1\"><dialog id=\"a\" direction=\"recipient\"><state>{state}</state>\
         </dialog></dialog-info>"
    );
    let request = format!(
        "PUBLISH sip:200@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKcall\r\nMax-Forwards: 70\r\n\
         From: <sip:200@127.0.0.1>;tag=p\r\nTo: <sip:200@127.0.0.1>\r\nCall-ID: call\r\nCSeq: 1 PUBLISH\r\n\
         Event: dialog\r\nExpires: 60\r\nContent-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.send(request.as_bytes()).expect("it is sent");
}

//! Other makes' phones that have Lampfield for their server: they register with it, publish to it and watch through it.

use std::fmt::Write as _;

use crate::agent::{Agent, Watch, configuration};
use crate::baresip::Baresip;
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::{SOON, free_port, wait_for};

#[test]
#[ignore = "there is no registrar and no compositor yet"]
fn baresip_registers_and_publishes() {
    baresip_is_served(Transport::Udp);
}

#[test]
#[ignore = "there is no registrar and no compositor yet"]
fn baresip_registers_and_publishes_over_tcp() {
    baresip_is_served(Transport::Tcp);
}

#[test]
#[ignore = "there is no registrar and no compositor yet"]
fn linphone_publishes_and_watches() {
    linphone_is_served(Transport::Udp);
}

#[test]
#[ignore = "there is no registrar and no compositor yet"]
fn linphone_publishes_and_watches_over_tcp() {
    linphone_is_served(Transport::Tcp);
}

/// Two makes, one server: each sees what the other publishes.
#[test]
#[ignore = "there is no registrar and no compositor yet"]
fn baresip_and_linphone_see_each_other() {
    let server = server(Transport::Udp);
    let line = Line::at_lampfield(&server, "bob");
    let uri = Line::at_lampfield(&server, "eve").uri();
    let mut linphone = Linphone::phone(&line, &[&uri]);
    let contact = format!("\"Bob\" <{}>;presence=p2p\n", line.uri());
    let mut baresip = Baresip::phone(&Line::at_lampfield(&server, "eve"), &contact);
    baresip.expect_contact("Online");
    linphone.expect_friend(&uri, "online");
    linphone.publish("dnd");
    baresip.expect_contact("Offline");
    baresip.command("presence_offline");
    linphone.expect_friend(&uri, "offline");
    linphone.publish("online");
    baresip.expect_contact("Online");
}

fn baresip_is_served(transport: Transport) {
    let server = server(transport);
    let line = Line::at_lampfield(&server, "bob").over(transport);
    let desk = watcher_of(&line);
    let changes = desk.follow("blf1");
    changes.skip_to("off");
    let mut baresip = Baresip::phone(&line, "");
    baresip.expect_registered();
    changes.skip_to("green");
    baresip.command("presence_offline");
    changes.expect(&["red"]);
    baresip.command("presence_online");
    changes.expect(&["green"]);
    baresip.quit();
    changes.skip_to("off");
}

fn linphone_is_served(transport: Transport) {
    let server = server(transport);
    let line = Line::at_lampfield(&server, "bob").over(transport);
    let desk = watcher_of(&line);
    let changes = desk.follow("blf1");
    changes.skip_to("off");
    let uri = server.uri();
    let mut linphone = Linphone::phone(&line, &[&uri]);
    linphone.expect_registered();
    changes.skip_to("green");
    linphone.publish("busy");
    changes.expect(&["amber"]);
    linphone.publish("dnd");
    changes.skip_to("red");
    linphone.publish("online");
    changes.skip_to("green");
    linphone.expect_friend(&uri, "online");
    server.run(&["press", "dnd"]);
    linphone.expect_friend(&uri, "dnd");
    server.run(&["press", "dnd"]);
    linphone.expect_friend(&uri, "online");
    linphone.publish("offline");
    wait_for("it publishes nothing", SOON, || {
        let publications = server.json("publications");
        publications.as_array()?.is_empty().then_some(())
    });
    linphone.quit();
    changes.skip_to("off");
}

/// A Lampfield that has, besides its own desk, places for the phones `bob` and `eve`.
fn server(transport: Transport) -> Agent {
    let port = free_port();
    let mut text = configuration(port, &[]);
    if transport == Transport::Tcp {
        let listen = format!("listen = [\"tcp:127.0.0.1:{port}\", ");
        text = text.replacen("listen = [", &listen, 1);
    }
    for phone in ["bob", "eve"] {
        write!(
            text,
            "[[presentity]]\nuri = \"sip:{phone}@127.0.0.1:{port}\"\n"
        )
        .expect("a string can grow");
    }
    Agent::configured(port, &text, &[])
}

/// A desk of its own whose lamp follows the phone.
fn watcher_of(line: &Line<'_>) -> Agent {
    Agent::start(&[Watch {
        lamp: "blf1",
        target: line.uri(),
        event: "presence",
        more: "",
    }])
}

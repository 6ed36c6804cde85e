//! Other makes' phones that have Lampfield for their server: they register with it, publish to it and watch through it.

use std::fmt::Write as _;

use serde_json::json;

use crate::agent::{Agent, Watch, configuration};
use crate::baresip::Baresip;
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::{SOON, free_port, wait_for};

#[test]
fn baresip_registers_and_publishes() {
    baresip_is_served(Transport::Udp);
}

#[test]
fn baresip_registers_and_publishes_over_tcp() {
    baresip_is_served(Transport::Tcp);
}

#[test]
fn linphone_publishes_and_watches() {
    linphone_is_served(Transport::Udp);
}

#[test]
fn linphone_publishes_and_watches_over_tcp() {
    linphone_is_served(Transport::Tcp);
}

/// Two makes, one server: each sees what the other publishes.
#[test]
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
    // Closed without a word is told as it was said; linphone takes that for "offline".
    linphone.expect_friend(&uri, "offline");
    baresip.command("presence_online");
    linphone.expect_friend(&uri, "online");
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
    // That may have been the registration alone. Were both of its first documents kept, "closed" would not win below.
    expect_published(&server, &line, "open", &[]);
    baresip.command("presence_offline");
    // Closed without a word looks so.
    changes.skip_to("red");
    expect_published(&server, &line, "closed", &[]);
    baresip.command("presence_online");
    changes.expect(&["green"]);
    expect_published(&server, &line, "open", &[]);
    expect_count(&server, "registrations", 1);
    baresip.quit();
    changes.skip_to("off");
    expect_count(&server, "publications", 0);
    expect_count(&server, "registrations", 0);
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
    expect_published(&server, &line, "open", &[]);
    // Its "busy" is open and away, its "dnd" closed and away: who is away is not there to be disturbed, so neither is a
    // refusal, and both look the same.
    linphone.publish("busy");
    changes.skip_to("amber");
    expect_published(&server, &line, "open", &["away"]);
    linphone.publish("dnd");
    expect_published(&server, &line, "closed", &["away"]);
    linphone.publish("online");
    changes.expect(&["green"]);
    expect_published(&server, &line, "open", &[]);
    linphone.expect_friend(&uri, "online");
    server.run(&["press", "dnd"]);
    linphone.expect_friend(&uri, "dnd");
    server.run(&["press", "dnd"]);
    linphone.expect_friend(&uri, "online");
    linphone.publish("offline");
    // It is registered still, so it is there: the lamp stays.
    expect_count(&server, "publications", 0);
    // Over TCP it has registered twice: under the port it listens on, then under that of its connection.
    expect_count(&server, "registrations", 1);
    assert_eq!(desk.look("blf1"), "green");
    linphone.quit();
    changes.expect(&["off"]);
    expect_count(&server, "registrations", 0);
}

/// Waits until one document is published, for the line's user, and says this.
#[track_caller]
fn expect_published(server: &Agent, line: &Line<'_>, basic: &str, activities: &[&str]) {
    let what = format!("{} has published {basic} {activities:?}", line.user);
    wait_for(&what, SOON, || {
        let list = server.json("publications");
        let [one] = &list.as_array()?[..] else {
            return None;
        };
        let says = one["presentity"] == line.uri()
            && one["basic"] == basic
            && one["activities"] == json!(activities);
        says.then_some(())
    });
}

/// Waits until a list of `lampfield` is that long.
#[track_caller]
fn expect_count(server: &Agent, list: &str, count: usize) {
    wait_for(&format!("{count} {list}"), SOON, || {
        let all = server.json(list);
        (all.as_array()?.len() == count).then_some(())
    });
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
            "[[presentity]]\nuri = \"sip:{phone}@127.0.0.1:{port}\"\nregisters = true\n"
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

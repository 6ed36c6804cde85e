//! Two Lampfields, one of which watches what the other serves: lists (RFC 4662), and documents told in part (RFC 5263).

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::agent::{Agent, Watch, configuration};
use crate::process::{SOON, free_port, wait_for};

/// Within that much all is back after a restart.
const BACK: Duration = Duration::from_secs(70);

/// Who stands between two agents: each sees it in the other's place.
///
/// ```text
///   watcher ◄──► relay ◄──► desk
/// ```
struct Relay {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    /// Passes datagrams on between the agents on these ports. It ends with the test's process.
    fn between(watcher: u16, desk: u16) -> Relay {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let (own, theirs) = (address.to_string(), format!("127.0.0.1:{watcher}"));
        thread::spawn(move || {
            let mut buf = [0; 65_535];
            while let Ok((len, from)) = socket.recv_from(&mut buf) {
                let text = String::from_utf8_lossy(&buf[..len]).into_owned();
                let (text, to) = match from.port() == watcher {
                    true => (text.replace(&theirs, &own), desk),
                    false => (text.replace(&own, &theirs), watcher),
                };
                let _ = socket.send_to(text.as_bytes(), ("127.0.0.1", to));
                kept.lock().expect("no panic").push(text);
            }
        });
        Relay { address, seen }
    }

    /// How many messages so far hold that.
    fn count(&self, what: &str) -> usize {
        let seen = self.seen.lock().expect("no panic");
        seen.iter().filter(|it| it.contains(what)).count()
    }
}

#[test]
fn a_lamp_puts_what_changed_into_what_it_knows() {
    let desk = Agent::start(&[]);
    let port = free_port();
    let relay = Relay::between(port, desk.port());
    let lamp = Watch {
        lamp: "blf1",
        target: desk.uri(),
        event: "presence",
        more: &format!("partial = true\nserver = \"{}\"", relay.address),
    };
    let watcher = Agent::start_on(port, &[lamp]);
    watcher.expect_lamp("blf1", "green");
    assert_eq!(relay.count("<p:pidf-full"), 1);
    // So long that what changes is told alone.
    desk.run(&["set", "note", &"All day in the workshop ".repeat(5)]);
    for (activity, look) in [
        ("meeting", "red"),
        ("none", "green"),
        ("away", "amber"),
        ("none", "green"),
    ] {
        desk.run(&["set", "activity", activity]);
        watcher.expect_lamp("blf1", look);
    }
    desk.run(&["set", "note", "Back at three"]);
    desk.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "red");
    desk.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "green");
    assert!(relay.count("<p:pidf-diff") >= 3);
    // Nothing was missing, and nothing was asked for again.
    assert_eq!(relay.count("SUBSCRIBE sip:"), 1);
    assert!(watcher.why("blf1")["watch"]["broken_s"].is_null());
}

/// A house with these members on its list, and rules.
fn house(port: u16, members: &[&str], more: &str) -> String {
    let mut text = configuration(port, &[]);
    for name in ["kitchen", "study"] {
        write!(
            text,
            "[[presentity]]\nuri = \"sip:{name}@127.0.0.1:{port}\"\n"
        )
        .expect("a string can grow");
    }
    let members: Vec<String> = members
        .iter()
        .map(|it| format!("\"sip:{it}@127.0.0.1:{port}\""))
        .collect();
    let members = members.join(", ");
    write!(
        text,
        "[[served_list]]\nuri = \"sip:all@127.0.0.1:{port}\"\nmembers = [{members}]\n{more}"
    )
    .expect("a string can grow");
    text
}

/// A desk whose lamps blf1 to blf3 are of the desk, the kitchen and the study, by the list of the house on `port`.
fn hall(own: u16, port: u16) -> Agent {
    let mut text = configuration(own, &[]);
    write!(
        text,
        "[[list]]\nuri = \"sip:all@127.0.0.1:{port}\"\nevent = \"presence\"\nexpires = 60\n"
    )
    .expect("a string can grow");
    for (lamp, name) in [("blf1", "desk"), ("blf2", "kitchen"), ("blf3", "study")] {
        write!(
            text,
            "[[lamp]]\nname = \"{lamp}\"\nlist = \"sip:all@127.0.0.1:{port}\"\nwatch = \"sip:{name}@127.0.0.1:{port}\"\n"
        )
        .expect("a string can grow");
    }
    Agent::configured(own, &text, &[])
}

/// Changes what the agent is told to do.
fn rewrite(agent: &Agent, configuration: &str) {
    let file = agent.socket().with_file_name("lampfield.toml");
    fs::write(file, configuration).expect("the scratch folder can be written to");
    agent.reload();
}

#[track_caller]
fn expect_listed(agent: &Agent, lamp: &str, standing: &str) {
    wait_for(standing, SOON, || {
        (agent.why(lamp)["watch"]["listed"] == standing).then_some(())
    });
}

#[track_caller]
fn expect_back(agent: &Agent, lamp: &str, look: &str) {
    wait_for(look, BACK, || (agent.look(lamp) == look).then_some(()));
}

#[test]
fn a_lamp_follows_a_list_of_another_lampfield() /* F16 F17 F18 F19 */
{
    let port = free_port();
    let two = house(port, &["desk", "kitchen"], "");
    let server = Agent::configured(port, &two, &[]);
    let own = free_port();
    let watcher = hall(own, port);
    watcher.expect_lamp("blf1", "green");
    watcher.expect_lamp("blf2", "green");
    expect_listed(&watcher, "blf3", "unlisted");
    server.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "red");
    watcher.expect_lamp("blf2", "green");
    server.expect_watchers(1);
    // Somebody comes, and somebody goes, who is told so.
    rewrite(&server, &house(port, &["desk", "study"], ""));
    watcher.expect_lamp("blf3", "green");
    expect_listed(&watcher, "blf2", "terminated");
    watcher.expect_state("blf2", "unknown");
    watcher.expect_lamp("blf1", "red");
    // The owner hides one of them.
    let hides = format!(
        "[[rule]]\nwho = \"everyone\"\nwhom = \"sip:study@127.0.0.1:{port}\"\nthen = \"block\"\n"
    );
    rewrite(&server, &house(port, &["desk", "kitchen", "study"], &hides));
    watcher.expect_lamp("blf2", "green");
    expect_listed(&watcher, "blf3", "terminated");
    watcher.expect_state("blf3", "unknown");
    // Either starts again.
    watcher.stop();
    let watcher = hall(own, port);
    watcher.expect_lamp("blf1", "red");
    watcher.expect_lamp("blf2", "green");
    server.stop();
    let server = Agent::configured(port, &two, &[]);
    expect_back(&watcher, "blf1", "green");
    expect_back(&watcher, "blf2", "green");
    server.expect_watchers(1);
    server.run(&["press", "dnd"]);
    watcher.expect_lamp("blf1", "red");
}

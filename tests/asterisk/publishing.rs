//! README's chapter on a Lampfield in front of Asterisk: it publishes the calls of its extensions (`outbound-publish`), and
//! the lamps of others watch them here.
//!
//! What we learnt from it (version 22.10.1):
//! - Of each extension that has a hint in one of those contexts it publishes what it is, and each change.
//! - From and To are the extension's, and so is the Request-URI.

use crate::agent::{Agent, Watch, configuration};
use crate::pbx::Asterisk;
use crate::process::free_port;

const README: &str = include_str!("../../README.md");
const HEADING: &str = "### In front of an Asterisk or a Kamailio\n";

/// Whom the extensions are published by, and by whom they are watched: two machines.
const PUBLISHER: &str = "127.0.0.1";
const WATCHER: &str = "127.0.0.2";

/// The first block of that kind which has `mark` in it, with the addresses of the test.
fn block(fence: &str, mark: &str, port: u16) -> String {
    let (_, chapter) = README.split_once(HEADING).expect("README has the chapter");
    let fence = format!("```{fence}\n");
    let mut blocks = chapter
        .split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let text = blocks.find(|text| text.contains(mark)).expect("a block");
    text.replace("0.0.0.0:5060", &format!("127.0.0.1:{port}"))
        .replace("192.168.1.30", &format!("127.0.0.1:{port}"))
        .replace("192.168.1.6", WATCHER)
}

/// The agent that README shows, which asks Asterisk for its password although both are on one machine.
fn server(port: u16) -> Agent {
    let text = block("toml", "[authentication]", port).replace(
        "[authentication]\n",
        &format!("[authentication]\nauthenticate = [\"{PUBLISHER}/32\"]\n"),
    );
    let text = format!("log = \"debug\"\n{text}");
    let agent = Agent::configured(port, &text, &[("password", "secret\n")]);
    let file = agent.socket().with_file_name("password");
    let file = file.to_str().expect("the folder's path is UTF-8");
    agent.run(&["user", "add", "asterisk", "--password-file", file]);
    agent
}

/// Somebody else, with a lamp for each extension.
fn neighbour(server: &Agent) -> Agent {
    let port = free_port();
    let watches = [("blf1", "201"), ("blf2", "202")].map(|(lamp, extension)| Watch {
        lamp,
        target: format!("sip:{extension}@{}", server.address()),
        event: "dialog",
        more: "",
    });
    let (here, there) = (format!("127.0.0.1:{port}"), format!("{WATCHER}:{port}"));
    let text = configuration(port, &watches).replace(&here, &there);
    Agent::configured(port, &text, &[])
}

fn asterisk(port: u16) -> Asterisk {
    let hints = "[hints]\nexten => 201,hint,Custom:201\nexten => 202,hint,Custom:202\n";
    Asterisk::with(&[
        ("pjsip.conf", &block("", "type = outbound-publish", port)),
        ("extensions.conf", hints),
    ])
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn the_lamps_of_others_follow_what_asterisk_publishes() {
    let port = free_port();
    let server = server(port);
    let neighbour = neighbour(&server);
    let asterisk = asterisk(port);
    neighbour.expect_lamp("blf1", "green");
    for (extension, lamp, other) in [("201", "blf1", "blf2"), ("202", "blf2", "blf1")] {
        for (state, look) in [
            ("RINGING", "red fast"),
            ("INUSE", "red"),
            ("ONHOLD", "red slow"),
            ("NOT_INUSE", "green"),
        ] {
            asterisk.set(extension, state);
            neighbour.expect_lamp(lamp, look);
            assert_eq!(neighbour.look(other), "green");
        }
    }
    let publications = server.json("publications");
    assert_eq!(publications[0]["event"], "dialog", "{publications}");
    let count = publications.as_array().map(Vec::len);
    assert_eq!(count, Some(2), "one for each: {publications}");
}

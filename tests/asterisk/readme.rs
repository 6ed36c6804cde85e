//! README's chapter on Asterisk: its files for both sides, and the lamps that they make.

use std::fmt::Write as _;

use crate::agent::Agent;
use crate::pbx::Asterisk;
use crate::process::free_port;

const README: &str = include_str!("../../README.md");
const HEADING: &str = "#### The whole of it at Asterisk\n";

/// The chapter, and what follows it on DND.
fn chapter() -> &'static str {
    let (_, after) = README.split_once(HEADING).expect("README has the chapter");
    after.split("\n### ").next().expect("a chapter")
}

/// What it shows for Asterisk, by the names of the files.
pub(crate) fn files() -> Vec<(String, String)> {
    let blocks = chapter().split("```ini\n; ").skip(1);
    let texts = blocks.filter_map(|rest| rest.split_once("```")?.0.split_once('\n'));
    texts
        .map(|(head, text)| {
            let name = head.split(',').next().expect("a name");
            (name.to_owned(), text.to_owned())
        })
        .collect()
}

/// The configuration that it shows for the agent, on a board and at addresses of the test.
fn configuration(asterisk: &Asterisk, port: u16) -> String {
    let (_, text) = chapter()
        .split_once("```toml\n")
        .expect("our configuration");
    let (text, _) = text.split_once("```").expect("its end");
    let kept = text
        .lines()
        .filter(|line| !line.starts_with("board") && !line.starts_with("state"));
    let mut text = kept.fold(String::new(), |all, line| all + line + "\n");
    text = text
        .replace("0.0.0.0:5060", &format!("127.0.0.1:{port}"))
        .replace("pbx.example", &asterisk.address());
    format!("log = \"debug\"\n{text}")
}

/// The agent as README sets it up.
pub(crate) fn agent(asterisk: &Asterisk) -> Agent {
    agent_with(asterisk, "")
}

/// The same with more at the end of its configuration.
pub(crate) fn agent_with(asterisk: &Asterisk, more: &str) -> Agent {
    agent_edited(asterisk, |text| text + more)
}

/// The same with a configuration that `edit` has made of it.
pub(crate) fn agent_edited(asterisk: &Asterisk, edit: impl FnOnce(String) -> String) -> Agent {
    let port = free_port();
    let text = edit(configuration(asterisk, port));
    Agent::configured(port, &text, &[("pbx.password", "secret\n")])
}

/// One that registers as 200, as its phone does, with these lamps.
pub(crate) fn phone(asterisk: &Asterisk, lamps: &str) -> Agent {
    let (port, address) = (free_port(), asterisk.address());
    let mut text = crate::agent::configuration(port, &[]);
    write!(
        text,
        "[[upstream]]\naor = \"sip:200@{address}\"\npassword_file = \"password\"\npublish = false\n{lamps}"
    )
    .expect("a string can grow");
    Agent::configured(port, &text, &[("password", "other\n")])
}

/// A phone comes and goes, a call is parked, somebody of the queue gets free, the night begins.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn the_lamps_of_readme_follow_a_phone_a_parked_call_a_queue_and_the_night() {
    let asterisk = Asterisk::start();
    let agent = agent(&asterisk);
    for (lamp, look) in [
        ("blf1", "off"),
        ("blf2", "green"),
        ("blf3", "red"),
        ("blf4", "off"),
    ] {
        agent.expect_lamp(lamp, look);
    }
    let phone = phone(&asterisk, "");
    agent.expect_lamp("blf1", "green");
    agent.expect_lamp("blf3", "green");
    phone.stop();
    agent.expect_lamp("blf1", "off");
    agent.expect_lamp("blf3", "red");

    asterisk.run("channel originate Local/700@internal application Wait 60");
    agent.expect_lamp("blf2", "red");
    asterisk.run("channel request hangup all");
    agent.expect_lamp("blf2", "green");

    asterisk.run("channel originate Local/*28@internal application Wait 1");
    agent.expect_lamp("blf4", "red");
    asterisk.run("channel originate Local/*28@internal application Wait 1");
    agent.expect_lamp("blf4", "off");
}

//! The real `lampfield` against real peers: SIPp, baresip, linphone, Kamailio and a second `lampfield`.
//!
//! Everything runs on the loopback address, on ports of its own, and ends with its test. The scenarios of SIPp
//! lie in `tests/sipp`; the numbers in the comments are those of the requirement lists.

#[path = "../common/agent.rs"]
mod agent;
mod baresip;
mod cuts;
mod dialling;
mod dialoginfo;
mod features;
mod kamailio;
mod lampfields;
mod line;
mod linphone;
mod lists;
mod passwords;
mod phones;
mod press;
#[path = "../common/presses.rs"]
mod presses;
#[path = "../common/process.rs"]
mod process;
mod readme;
mod served;
mod servers;
mod sipp;
mod softphone;
mod upstream;
mod written;

use std::io::Read;
use std::process::{Command, Stdio};

use lampfield::limits::SUBSCRIPTIONS;

use crate::agent::{Agent, LAMPFIELD, Watch};
use crate::baresip::Baresip;
use crate::process::free_port;
use crate::sipp::{Load, ONCE, Sipp};

/// What the demonstration promises, from outside: SIPp watches, DND is pressed, SIPp hears it.
#[test]
fn sipp_hears_a_press() /* N10 N22 */
{
    let agent = Agent::start(&[]);
    let watcher = Sipp::calling("press", &agent.address(), ONCE);
    agent.expect_watchers(1);
    agent.run(&["press", "dnd"]);
    agent.run(&["press", "dnd"]);
    watcher.finish();
    agent.expect_watchers(0);
}

#[test]
fn sipp_hears_the_hook_as_a_dialog() /* D01 D02 D04 N15 */
{
    let agent = Agent::start(&[]);
    let watcher = Sipp::calling("press_dialog", &agent.address(), ONCE);
    agent.expect_watchers(1);
    agent.run(&["press", "hook"]);
    agent.run(&["release", "hook"]);
    watcher.finish();
}

#[test]
fn a_thousand_subscriptions_come_and_go_without_a_failure() /* N06 N10 N11 N12 N15 N22 */
{
    let agent = Agent::start(&[]);
    let load = Load {
        calls: 1_000,
        per_second: 12,
        at_once: 30,
    };
    let tally = Sipp::calling("subscribe", &agent.address(), load).finish();
    println!(
        "{} calls, {} retransmissions",
        tally.successful, tally.retransmissions
    );
    agent.expect_watchers(0);
}

/// As many watchers as there are places hear the press; one more is sent away and harms nobody.
#[test]
fn a_full_table_sends_the_next_one_away() /* N38 */
{
    let agent = Agent::start(&[]);
    let places = u32::try_from(SUBSCRIPTIONS).expect("a table is small");
    let load = Load {
        calls: places,
        per_second: 64,
        at_once: places,
    };
    let watchers = Sipp::calling("press", &agent.address(), load);
    agent.expect_watchers(SUBSCRIPTIONS);
    Sipp::calling("full", &agent.address(), ONCE).finish();
    agent.run(&["press", "dnd"]);
    agent.run(&["press", "dnd"]);
    watchers.finish();
    agent.expect_watchers(0);
}

#[test]
fn dialog_subscriptions_come_and_go() /* D01 D02 D03 N15 */
{
    let agent = Agent::start(&[]);
    let load = Load {
        calls: 100,
        per_second: 12,
        at_once: 20,
    };
    Sipp::calling("dialog", &agent.address(), load).finish();
    agent.expect_watchers(0);
}

#[test]
fn a_fetch_is_answered_once_and_leaves_nothing() /* N14 N16 */
{
    let agent = Agent::start(&[]);
    let load = Load {
        calls: 100,
        per_second: 12,
        at_once: 20,
    };
    Sipp::calling("fetch", &agent.address(), load).finish();
    agent.expect_watchers(0);
}

#[test]
fn subscriptions_work_over_ipv6() /* X16 */
{
    let agent = Agent::start(&[]);
    let load = Load {
        calls: 10,
        per_second: 20,
        at_once: 5,
    };
    Sipp::calling("subscribe", &agent.address6(), load).finish();
}

#[test]
fn unknown_and_missing_packages_get_489() /* N03 N05 */
{
    let agent = Agent::start(&[]);
    Sipp::calling("bad_event", &agent.address(), ONCE).finish();
    agent.expect_watchers(0);
}

#[test]
fn invite_gets_405_and_the_ack_ends_it() /* T15 T16 */
{
    let agent = Agent::start(&[]);
    Sipp::calling("invite", &agent.address(), ONCE).finish();
}

#[test]
fn options_names_methods_and_packages() /* N34 */
{
    let agent = Agent::start(&[]);
    Sipp::calling("options", &agent.address(), ONCE).finish();
}

/// `watch` listens on all addresses: its Via has another one than the answer comes in at.
#[test]
fn the_diagnostic_watcher_hears_a_refusal() {
    let agent = Agent::start(&[]);
    let nobody = agent.uri().replace("desk", "nobody");
    let output = Command::new(LAMPFIELD)
        .args(["watch", &nobody, "--seconds", "2", "--json"])
        .output()
        .expect("lampfield starts");
    assert_eq!(output.status.code(), Some(4));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains("\"last_status\":404"), "{lines}");
}

#[test]
fn a_reload_keeps_the_subscriptions() {
    let agent = Agent::start(&[]);
    let watcher = Sipp::calling("press", &agent.address(), ONCE);
    agent.expect_watchers(1);
    agent.reload();
    agent.run(&["press", "dnd"]);
    agent.run(&["press", "dnd"]);
    watcher.finish();
}

#[test]
fn a_stop_is_told_to_the_watchers() /* N37 */
{
    let agent = Agent::start(&[]);
    let watcher = Sipp::calling("shutdown", &agent.address(), ONCE);
    agent.expect_watchers(1);
    agent.stop();
    watcher.finish();
}

#[test]
fn who_follows_the_lamps_is_told_that_the_agent_ended() {
    let agent = Agent::start(&[]);
    let mut follower = Command::new(LAMPFIELD)
        .args(["lamps", "--follow", "--control"])
        .arg(agent.socket())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lampfield starts");
    let lines = follower.stdout.as_mut().expect("its output is a pipe");
    lines.read_exact(&mut [0]).expect("it shows the lamps");
    agent.stop();
    let output = follower.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(words, "lampfield: the agent has ended\n");
}

/// One extension of a PBX is called, answers, holds and hangs up; then the agent is stopped and unsubscribes.
#[test]
fn a_lamp_follows_an_extension_of_a_pbx() /* S05 S11 */
{
    let port = free_port();
    let pbx = Sipp::called("pbx", port, 1);
    let agent = Agent::start(&[dialog_of_bob(port, "")]);
    let changes = agent.follow("blf1");
    changes.skip_to("green");
    changes.expect(&["red fast", "red", "red slow", "green"]);
    agent.stop();
    pbx.finish();
}

/// A mailbox gets messages and is heard through; then the agent is stopped and unsubscribes.
#[test]
fn a_message_lamp_follows_a_mailbox() {
    let port = free_port();
    let mailbox = Sipp::called("mwi", port, 1);
    let agent = Agent::start(&[Watch {
        event: "message-summary",
        ..dialog_of_bob(port, "")
    }]);
    let changes = agent.follow("blf1");
    changes.skip_to("off");
    changes.expect(&["red slow", "off"]);
    agent.stop();
    mailbox.finish();
}

#[test]
fn a_watch_falls_back_to_presence_where_dialog_is_refused() {
    let port = free_port();
    let pbx = Sipp::called("pbx_presence_only", port, 2);
    let agent = Agent::start(&[dialog_of_bob(port, "fallback = true")]);
    agent.expect_lamp("blf1", "red");
    pbx.finish();
}

#[test]
fn a_watch_asks_for_as_long_as_the_pbx_wants() {
    let port = free_port();
    let pbx = Sipp::called("pbx_brief", port, 1);
    let agent = Agent::start(&[dialog_of_bob(port, "expires = 300")]);
    agent.expect_lamp("blf1", "red");
    pbx.finish();
}

#[test]
fn a_deactivated_watch_subscribes_anew_at_once() {
    let port = free_port();
    let pbx = Sipp::called("pbx_moves", port, 2);
    let agent = Agent::start(&[dialog_of_bob(port, "")]);
    agent.expect_lamp("blf1", "red");
    pbx.finish();
}

#[test]
fn a_refresh_that_gets_481_subscribes_anew() {
    let port = free_port();
    let pbx = Sipp::called("pbx_forgets", port, 2);
    let agent = Agent::start(&[dialog_of_bob(port, "")]);
    let changes = agent.follow("blf1");
    changes.skip_to("red");
    changes.skip_to("green");
    pbx.finish();
}

/// baresip shows its contact `desk` as online, and as not to be reached while DND is on.
#[test]
fn baresip_watches_lampfield() {
    let agent = Agent::start(&[]);
    let mut baresip = Baresip::start(&format!("\"Desk\" <{}>;presence=p2p\n", agent.uri()));
    baresip.expect_contact("Online");
    agent.run(&["press", "dnd"]);
    baresip.expect_contact("Busy");
    agent.run(&["press", "dnd"]);
    baresip.expect_contact("Online");
    agent.run(&["press", "hook"]);
    baresip.expect_contact("Busy");
    agent.run(&["release", "hook"]);
    baresip.expect_contact("Online");
    baresip.quit();
    agent.expect_watchers(0);
}

#[test]
fn a_lamp_follows_baresip() {
    let mut baresip = Baresip::start("");
    let agent = Agent::start(&[Watch {
        lamp: "blf1",
        target: format!("sip:bob@127.0.0.1:{}", baresip.port()),
        event: "presence",
        more: "grace = 1",
    }]);
    let changes = agent.follow("blf1");
    baresip.command("presence_online");
    changes.skip_to("green");
    baresip.command("presence_offline");
    changes.expect(&["red"]);
    baresip.command("presence_online");
    changes.expect(&["green"]);
    baresip.quit();
    changes.skip_to("amber slow");
}

/// Two desks: a lamp on one follows the other, does not outlive it, and comes back with it.
#[test]
fn a_lamp_follows_another_lampfield() {
    let other = Agent::start(&[]);
    let port = other.port();
    let agent = Agent::start(&[Watch {
        lamp: "blf2",
        target: other.uri(),
        event: "dialog",
        more: "grace = 1",
    }]);
    let changes = agent.follow("blf2");
    changes.skip_to("green");
    other.run(&["press", "hook"]);
    changes.expect(&["red"]);
    other.run(&["release", "hook"]);
    changes.expect(&["green"]);
    other.run(&["press", "dnd"]);
    changes.expect(&["red"]);
    other.stop();
    changes.skip_to("amber slow");
    let _other = Agent::start_on(port, &[]);
    changes.skip_to("green");
}

fn dialog_of_bob(port: u16, more: &str) -> Watch<'_> {
    Watch {
        lamp: "blf1",
        target: format!("sip:bob@127.0.0.1:{port}"),
        event: "dialog",
        more,
    }
}

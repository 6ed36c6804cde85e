//! Do-not-disturb at Asterisk: from the button to the lamp of another phone, to its callers, and back.

use crate::agent::Agent;
use crate::pbx::Asterisk;
use crate::presses::{AT_ONCE, press_a_hundred_times};
use crate::process::{SOON, wait_for};
use crate::readme::{agent, agent_edited, agent_with, phone};

/// What `status` says of its account.
fn upstream(desk: &Agent, key: &str) -> String {
    let value = desk.json("status")["upstreams"][0][key].clone();
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn each_press_appears_on_a_lamp_behind_asterisk() {
    let asterisk = Asterisk::start();
    let desk = agent_with(&asterisk, AT_ONCE);
    let other = phone(&asterisk, &crate::lamp(&asterisk, "blf1", "100", "dialog"));
    press_a_hundred_times(&desk, &other, "Asterisk");
    assert_eq!(upstream(&desk, "dialect"), "asterisk");
    assert_eq!(upstream(&desk, "publication"), "published");
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn who_leaves_does_not_leave_the_lamp_lit() {
    let asterisk = Asterisk::start();
    let dnd = crate::lamp(&asterisk, "blf1", "DND-100", "dialog");
    let (desk, other) = (agent(&asterisk), phone(&asterisk, &dnd));
    desk.run(&["press", "dnd"]);
    other.expect_lamp("blf1", "red");
    desk.stop();
    other.expect_lamp("blf1", "green");
}

/// Without DND the agent's own leg refuses the call (405): there is no other phone of 100.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn who_calls_during_dnd_is_told_that_it_is_busy() {
    let asterisk = Asterisk::start();
    let desk = agent(&asterisk);
    asterisk.expect("core show hint 100", "State:Idle");
    asterisk.run("channel originate Local/100@internal application Wait 1");
    asterisk.expect_log("Dial(\"");
    assert!(!asterisk.log().contains("Busy(\""));
    desk.run(&["press", "dnd"]);
    asterisk.expect("core show hint DND-100", "State:Busy");
    asterisk.run("channel originate Local/100@internal application Wait 1");
    asterisk.expect_log("Busy(\"");
}

/// Somebody at Asterisk's console sets the device that the lamp beside the button watches.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn dnd_set_at_asterisk_comes_back_to_a_lamp() {
    let asterisk = Asterisk::start();
    let desk = crate::desk(
        &asterisk,
        &crate::lamp(&asterisk, "blf1", "DND-100", "dialog"),
    );
    asterisk.set("DND100", "BUSY");
    desk.expect_lamp("blf1", "red");
    asterisk.set("DND100", "NOT_INUSE");
    desk.expect_lamp("blf1", "green");
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn an_asterisk_that_was_killed_is_told_again() {
    let mut asterisk = Asterisk::start();
    let desk = agent(&asterisk);
    desk.run(&["press", "dnd"]);
    asterisk.expect("core show hint DND-100", "State:Busy");
    asterisk.kill();
    asterisk.start_again();
    asterisk.expect("core show hint DND-100", "State:Idle");
    // Of one device it hears at once, and so it is told of the other.
    desk.run(&["set", "hook", "up"]);
    asterisk.expect("core show hint DND-100", "State:Busy");
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn without_a_publication_status_says_what_is_missing() {
    let asterisk = Asterisk::start();
    let desk = agent_edited(&asterisk, |text| {
        text.replace("[[upstream]]\n", "[[upstream]]\npublication = \"nobody\"\n")
    });
    wait_for("it is refused", SOON, || {
        let trouble = upstream(&desk, "trouble");
        (trouble == "it has no inbound-publication of that name").then_some(())
    });
    assert_eq!(upstream(&desk, "registration"), "registered");
}

//! Do-not-disturb at Asterisk: from the button to the lamp of another phone, to its callers, and back.

use crate::pbx::Asterisk;
use crate::presses::{AT_ONCE, press_a_hundred_times};
use crate::readme::{agent, agent_with, phone};

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn each_press_appears_on_a_lamp_behind_asterisk() {
    let asterisk = Asterisk::start();
    let desk = agent_with(&asterisk, AT_ONCE);
    let other = phone(&asterisk, &crate::lamp(&asterisk, "blf1", "100", "dialog"));
    press_a_hundred_times(&desk, &other, "Asterisk");
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

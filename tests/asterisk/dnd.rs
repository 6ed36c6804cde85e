//! The DND button at Asterisk, set up as README says, and the lamp of somebody else behind it.

use crate::agent::{Agent, configuration};
use crate::lamp;
use crate::pbx::Asterisk;
use crate::process::free_port;

/// How often it is pressed.
const PRESSES: usize = 20;

/// The desk that publishes as 100, with more about its account.
fn desk(asterisk: &Asterisk, more: &str) -> Agent {
    let (port, address) = (free_port(), asterisk.address());
    let text = format!(
        "{}[[upstream]]\naor = \"sip:100@{address}\"\npassword_file = \"password\"\n{more}",
        configuration(port, &[])
    );
    Agent::configured(port, &text, &[("password", "secret\n")])
}

/// Somebody else of this exchange, whose lamp watches the DND of 100.
fn neighbour(asterisk: &Asterisk) -> Agent {
    let (port, address) = (free_port(), asterisk.address());
    let text = format!(
        "{}[[upstream]]\naor = \"sip:200@{address}\"\npassword_file = \"password\"\npublish = false\n{}",
        configuration(port, &[]),
        lamp(asterisk, "blf1", "DND-100", "dialog")
    );
    Agent::configured(port, &text, &[("password", "other\n")])
}

fn upstream(desk: &Agent, key: &str) -> String {
    let value = desk.json("status")["upstreams"][0][key].clone();
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn every_press_of_dnd_shows_at_a_neighbour() {
    let asterisk = Asterisk::start();
    let neighbour = neighbour(&asterisk);
    neighbour.expect_lamp("blf1", "green");
    let pace = "[subscriptions]\npace = { presence = { burst = 0 } }\n";
    let desk = desk(&asterisk, pace);
    for _ in 0..PRESSES {
        // The button itself is not believed to be pressed so often.
        desk.run(&["set", "dnd", "on"]);
        neighbour.expect_lamp("blf1", "red");
        desk.run(&["set", "dnd", "off"]);
        neighbour.expect_lamp("blf1", "green");
    }
    assert_eq!(upstream(&desk, "dialect"), "asterisk");
    assert_eq!(upstream(&desk, "publication"), "published");
    // Whoever leaves does not leave the lamp lit.
    desk.run(&["press", "dnd"]);
    neighbour.expect_lamp("blf1", "red");
    desk.stop();
    neighbour.expect_lamp("blf1", "green");
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn an_asterisk_that_was_killed_is_told_again() {
    let mut asterisk = Asterisk::start();
    let desk = desk(&asterisk, "");
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
    let desk = desk(&asterisk, "publication = \"nobody\"\n");
    crate::process::wait_for("it is refused", crate::process::SOON, || {
        let trouble = upstream(&desk, "trouble");
        (trouble == "it has no inbound-publication of that name").then_some(())
    });
    assert_eq!(upstream(&desk, "registration"), "registered");
}

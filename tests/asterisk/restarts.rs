//! Asterisk starts anew, dies, and comes back: what the lamps show meanwhile, and when they are right again.

use std::time::{Duration, Instant};

use crate::agent::Agent;
use crate::pbx::Asterisk;
use crate::process::wait_for;
use crate::{desk, lamp};

/// Within that much a dead server is noticed: the next refresh, its way to the server, and the lamp's grace.
const NOTICED: Duration = Duration::from_secs(60 + 5 + 5);

/// Within that much all is back: a server that does not answer is tried again after 15 to 30 s, and four lamps a second
/// follow.
const BACK: Duration = Duration::from_secs(30 + 10);

/// A lamp that asks every minute; it is in doubt for five seconds.
fn watching(asterisk: &Asterisk) -> Agent {
    let lamp = lamp(asterisk, "blf1", "300", "dialog");
    desk(asterisk, &format!("{lamp}expires = 60\ngrace = 5\n"))
}

fn start() -> Asterisk {
    let asterisk = Asterisk::with(&[(
        "extensions.conf",
        "[internal]\nexten => 300,hint,Custom:300\n",
    )]);
    asterisk.set("300", "INUSE");
    asterisk
}

/// It says that it goes, or keeps what it was asked; either way no lamp stays with the old look.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_is_right_after_a_restart() {
    let mut asterisk = start();
    let agent = watching(&asterisk);
    agent.expect_lamp("blf1", "red");
    asterisk.restart();
    asterisk.set("300", "RINGING");
    let restarted = Instant::now();
    wait_for("the lamp is right", BACK, || {
        (agent.look("blf1") == "red fast").then_some(())
    });
    println!("right {:?} after the restart", restarted.elapsed());
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_is_unknown_while_asterisk_is_dead_and_right_again_after() {
    let mut asterisk = start();
    let agent = watching(&asterisk);
    agent.expect_lamp("blf1", "red");
    asterisk.kill();
    let died = Instant::now();
    wait_for("the lamp is unknown", NOTICED, || {
        (agent.look("blf1") == "amber slow").then_some(())
    });
    println!("unknown {:?} after its death", died.elapsed());
    asterisk.start_again();
    asterisk.set("300", "RINGING");
    let back = Instant::now();
    wait_for("the lamp is right", BACK, || {
        (agent.look("blf1") == "red fast").then_some(())
    });
    println!("right {:?} after its return", back.elapsed());
}

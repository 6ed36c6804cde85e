//! Messages that wait at Asterisk: asked for, and told unasked.

use std::fs;

use crate::agent::Agent;
use crate::pbx::Asterisk;
use crate::process::{SOON, wait_for};
use crate::{desk, lamp};

/// Asterisk looks into a mailbox every second, as README has it.
const LOOKS: u32 = 2;

/// Puts a message into the mailbox of 100, as who speaks on it does.
pub(crate) fn put_message(asterisk: &Asterisk) {
    let inbox = asterisk.path("spool/voicemail/default/100/INBOX");
    fs::create_dir_all(&inbox).expect("the mailbox can be made");
    fs::write(inbox.join("msg0000.wav"), "").expect("a message can be written");
    fs::write(
        inbox.join("msg0000.txt"),
        "[message]\norigmailbox=100\nduration=1\n",
    )
    .expect("a message can be written");
}

pub(crate) fn take_message(asterisk: &Asterisk) {
    let inbox = asterisk.path("spool/voicemail/default/100/INBOX");
    fs::remove_dir_all(inbox).expect("the mailbox can be emptied");
}

#[track_caller]
pub(crate) fn expect_messages(agent: &Agent, look: &str) {
    wait_for(&format!("the lamp is {look}"), SOON * LOOKS, || {
        (agent.look("blf1") == look).then_some(())
    });
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_shows_messages_that_wait() {
    let asterisk = Asterisk::start();
    let agent = desk(
        &asterisk,
        &lamp(&asterisk, "blf1", "100", "message-summary"),
    );
    expect_messages(&agent, "off");
    put_message(&asterisk);
    expect_messages(&agent, "red slow");
    take_message(&asterisk);
    expect_messages(&agent, "off");
}

/// The mailboxes of an endpoint can't be asked for (404), and are told to who registers.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_shows_messages_that_it_is_told_of_unasked() {
    let asterisk = Asterisk::with(&[(
        "pjsip.conf",
        "[100](+type=aor)\nmailboxes =\n[100](+type=endpoint)\nmailboxes = 100@default\n",
    )]);
    let agent = desk(
        &asterisk,
        &lamp(&asterisk, "blf1", "100", "message-summary"),
    );
    expect_messages(&agent, "off");
    put_message(&asterisk);
    expect_messages(&agent, "red slow");
    assert!(agent.why("blf1").to_string().contains("unasked"));
    take_message(&asterisk);
    expect_messages(&agent, "off");
}

//! Extensions whose names are no numbers: places for parked calls, a mailbox by its code, and what a URI has to escape.

use crate::pbx::Asterisk;

use crate::{desk, lamp};

/// What Asterisk calls it, and what stands in `watch`: the same, and with what may be escaped or has to be.
const NAMES: [(&str, &str); 4] = [
    ("park+*5901", "park+*5901"),
    ("park+*5902", "park%2B%2A5902"),
    ("#21", "%2321"),
    ("DND-300", "DND-300"),
];

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_watches_an_extension_whatever_its_name() {
    let mut hints = String::from("[internal]\n");
    for (place, (extension, _)) in NAMES.iter().enumerate() {
        hints += &format!("exten => {extension},hint,Custom:name{place}\n");
    }
    let asterisk = Asterisk::with(&[("extensions.conf", &hints)]);
    let lamps = ["blf1", "blf2", "blf3", "blf4"];
    for event in ["dialog", "presence"] {
        let watches = lamps.into_iter().zip(NAMES);
        let watches: Vec<String> = watches
            .map(|(name, (_, watch))| lamp(&asterisk, name, watch, event))
            .collect();
        let agent = desk(&asterisk, &watches.concat());
        for (place, lamp) in lamps.into_iter().enumerate() {
            asterisk.set(&format!("name{place}"), "INUSE");
            agent.expect_lamp(lamp, "red");
            asterisk.set(&format!("name{place}"), "NOT_INUSE");
            agent.expect_lamp(lamp, "green");
        }
    }
}

/// Who dials `*98` hears the mailbox, and a lamp may watch it by that name.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_lamp_shows_the_messages_of_a_code() {
    let asterisk =
        Asterisk::with(&[("pjsip.conf", "[*98]\ntype = aor\nmailboxes = 100@default\n")]);
    let agent = desk(
        &asterisk,
        &lamp(&asterisk, "blf1", "*98", "message-summary"),
    );
    crate::mailbox::expect_messages(&agent, "off");
    crate::mailbox::put_message(&asterisk);
    crate::mailbox::expect_messages(&agent, "red slow");
    crate::mailbox::take_message(&asterisk);
    crate::mailbox::expect_messages(&agent, "off");
}

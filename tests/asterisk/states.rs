//! Each state of a device at Asterisk, and the look of the lamps that watch it.

use crate::pbx::Asterisk;
use crate::{desk, lamp};

/// What Asterisk calls it, and the looks of a lamp that asks for `dialog`, for `presence` and for both.
const STATES: [(&str, [&str; 3]); 9] = [
    ("NOT_INUSE", ["green", "green", "green"]),
    ("INUSE", ["red", "red", "red"]),
    ("BUSY", ["red", "red", "red"]),
    ("RINGING", ["red fast", "red fast", "red fast"]),
    ("RINGINUSE", ["red", "red fast", "red"]),
    ("ONHOLD", ["red slow", "red slow", "red slow"]),
    ("UNAVAILABLE", ["green", "off", "off"]),
    ("INVALID", ["green", "off", "off"]),
    ("UNKNOWN", ["green", "off", "off"]),
];
const LAMPS: [(&str, &str); 3] = [("blf1", "dialog"), ("blf2", "presence"), ("blf3", "both")];

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn each_state_of_a_device_has_its_look() {
    let asterisk = Asterisk::with(&[(
        "extensions.conf",
        "[internal]\nexten => 300,hint,Custom:300\n",
    )]);
    let lamps = LAMPS.map(|(name, event)| lamp(&asterisk, name, "300", event));
    let agent = desk(&asterisk, &lamps.concat());
    for (state, looks) in STATES {
        asterisk.set("300", state);
        for ((lamp, _), look) in LAMPS.into_iter().zip(looks) {
            agent.expect_lamp(lamp, look);
        }
    }
}

//! Each state of a device at Asterisk, and the look of the lamps that watch it.

use crate::agent::{Agent, Watch};
use crate::pbx::Asterisk;

/// What Asterisk calls it, and the looks of a lamp that asks for `dialog`, for `presence` and for both.
const STATES: [(&str, [&str; 3]); 9] = [
    ("NOT_INUSE", ["green", "green", "green"]),
    ("INUSE", ["red", "red", "red"]),
    ("BUSY", ["red", "red", "red"]),
    ("RINGING", ["red fast", "red fast", "red fast"]),
    ("RINGINUSE", ["red", "red", "red"]),
    ("ONHOLD", ["red slow", "red", "red slow"]),
    ("UNAVAILABLE", ["green", "off", "off"]),
    ("INVALID", ["green", "off", "off"]),
    ("UNKNOWN", ["green", "green", "green"]),
];
const LAMPS: [(&str, &str); 3] = [("blf1", "dialog"), ("blf2", "presence"), ("blf3", "both")];

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn each_state_of_a_device_has_its_look() {
    let asterisk = Asterisk::with(&[(
        "extensions.conf",
        "[internal]\nexten => 300,hint,Custom:300\n",
    )]);
    let watches = LAMPS.map(|(lamp, event)| Watch {
        lamp,
        target: format!("sip:300@{}", asterisk.address()),
        event,
        more: "",
    });
    let agent = Agent::start(&watches);
    for (state, looks) in STATES {
        asterisk.set("300", state);
        std::thread::sleep(std::time::Duration::from_secs(1));
        for ((lamp, event), look) in LAMPS.into_iter().zip(looks) {
            println!("{state} {lamp} {event}: {} {look}", agent.look(lamp));
        }
    }
}

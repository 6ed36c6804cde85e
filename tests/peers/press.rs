//! From the button to a lamp behind Kamailio.

use std::fmt::Write as _;

use crate::agent::{Agent, configuration};
use crate::kamailio::{Challenge, Kamailio};
use crate::presses::{AT_ONCE, press_a_hundred_times};
use crate::process::free_port;

#[test]
fn each_press_appears_on_a_lamp_behind_kamailio() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let desk = user(&kamailio, "100", AT_ONCE);
    let lamp = format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"{}\"\nevent = \"presence\"\n",
        Kamailio::uri("100")
    );
    let other = user(&kamailio, "200", &lamp);
    press_a_hundred_times(&desk, &other, "Kamailio");
}

/// A desk that is that user, with more in its configuration.
fn user(kamailio: &Kamailio, user: &str, more: &str) -> Agent {
    let (port, aor, server) = (free_port(), Kamailio::uri(user), kamailio.address());
    let mut text = configuration(port, &[]);
    write!(
        text,
        "[[upstream]]\naor = \"{aor}\"\nservers = [\"{server}\"]\npassword_file = \"password\"\n{more}"
    )
    .expect("a string can grow");
    Agent::configured(port, &text, &[("password", Kamailio::password(user))])
}

//! From the button to a lamp behind Kamailio.

use std::fmt::Write as _;

use crate::agent::{Agent, configuration};
use crate::kamailio::{Challenge, Kamailio};
use crate::presses::{AT_ONCE, press_a_hundred_times};
use crate::process::free_port;
use crate::written::Written;

const README: &str = include_str!("../../README.md");

/// What stands before README's snippet in a configuration that has none of presence, and what it leaves open.
const MODULES: [&str; 10] = [
    "db_sqlite",
    "tm",
    "sl",
    "pv",
    "rr",
    "textops",
    "auth",
    "auth_db",
    "usrloc",
    "registrar",
];
const REGISTRATIONS: &str = "if (is_method(\"REGISTER\")) {
        if (!auth_check(\"$fd\", \"subscriber\", \"1\")) { auth_challenge(\"$fd\", \"0\"); exit; }
        save(\"location\");
    }";
const PASSWORDS: &str = "modparam(\"auth_db\", \"db_url\", \"DATABASE\")
    modparam(\"auth_db\", \"calculate_ha1\", 1)
    modparam(\"auth_db\", \"password_column\", \"password\")\n";
const USERS: &str = "insert into subscriber (username, domain, password) values
    ('100', '127.0.0.1', 'one-hundred'), ('200', '127.0.0.1', 'two-hundred');";

#[test]
fn each_press_appears_on_a_lamp_behind_kamailio() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let desk = user(&kamailio.address(), "100", AT_ONCE);
    let other = user(&kamailio.address(), "200", &lamp());
    press_a_hundred_times(&desk, &other, "Kamailio");
}

/// The Kamailio is what README shows of it, with the least that it takes for granted.
#[test]
fn a_press_appears_on_a_lamp_behind_the_kamailio_of_readme() {
    let port = free_port();
    let _kamailio = shown(port);
    let address = format!("127.0.0.1:{port}");
    let desk = user(&address, "100", "");
    let other = user(&address, "200", &lamp());
    other.expect_lamp("blf1", "green");
    desk.run(&["press", "dnd"]);
    other.expect_lamp("blf1", "red");
    desk.run(&["press", "dnd"]);
    other.expect_lamp("blf1", "green");
}

fn shown(port: u16) -> Written {
    let (_, rest) = README
        .split_once("\n**Kamailio** takes")
        .expect("it is shown");
    let (_, text) = rest.split_once("```\n").expect("its configuration");
    let (text, _) = text.split_once("```").expect("its end");
    let place = "sqlite:////var/lib/kamailio/kamailio.sqlite";
    let open = "# registrations and calls";
    assert!(text.contains(place) && text.contains(open));
    let text = text.replace(place, "DATABASE").replace(open, REGISTRATIONS);
    let parts = ["standard", "usrloc", "auth_db", "presence"];
    Written::start(
        port,
        &MODULES,
        &(PASSWORDS.to_owned() + &text),
        &parts,
        USERS,
    )
}

/// A lamp that watches the presence of 100.
fn lamp() -> String {
    format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"{}\"\nevent = \"presence\"\n",
        Kamailio::uri("100")
    )
}

/// A desk that is that user at a server, with more in its configuration.
fn user(server: &str, user: &str, more: &str) -> Agent {
    let (port, aor) = (free_port(), Kamailio::uri(user));
    let mut text = configuration(port, &[]);
    write!(
        text,
        "[[upstream]]\naor = \"{aor}\"\nservers = [\"{server}\"]\npassword_file = \"password\"\n{more}"
    )
    .expect("a string can grow");
    Agent::configured(port, &text, &[("password", Kamailio::password(user))])
}

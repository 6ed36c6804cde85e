//! The real `lampfield` at a real Asterisk, set up as README says.
//!
//! `tests/asterisk/root` makes the Asterisk, and `tests/run` has it made. Where that can't be, its archive being out of
//! reach, these tests are left out, and counted so: `cargo test --test asterisk -- --ignored` runs them.

#[path = "../common/agent.rs"]
mod agent;
mod lists;
mod mailbox;
mod names;
mod pbx;
mod press;
#[path = "../common/presses.rs"]
mod presses;
#[path = "../common/process.rs"]
mod process;
mod publishing;
mod readme;
mod registrations;
mod restarts;
mod states;

use crate::agent::{Agent, configuration};
use crate::pbx::Asterisk;
use crate::process::free_port;

/// A desk that is extension 100, with more in its configuration.
fn desk(asterisk: &Asterisk, more: &str) -> Agent {
    account(&format!("aor = \"sip:100@{}\"\n", asterisk.address()), more)
}

/// A desk with that account, the password of extension 100, and more in its configuration.
fn account(account: &str, more: &str) -> Agent {
    let port = free_port();
    let text = format!(
        "{}[[upstream]]\n{account}password_file = \"password\"\npublish = false\n{more}",
        configuration(port, &[])
    );
    Agent::configured(port, &text, &[("password", "secret\n")])
}

/// A lamp that watches an extension.
fn lamp(asterisk: &Asterisk, name: &str, extension: &str, event: &str) -> String {
    let address = asterisk.address();
    format!(
        "[[lamp]]\nname = \"{name}\"\nwatch = \"sip:{extension}@{address}\"\nevent = \"{event}\"\n"
    )
}

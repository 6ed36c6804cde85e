//! A key that calls: the agent tells baresip, baresip calls SIPp.

use crate::agent::Agent;
use crate::baresip::Baresip;
use crate::process::{SOON, free_port, wait_for};
use crate::sipp::Sipp;

/// Two keys: whom the lamp watches, and an address.
fn configuration(port: u16, bob: u16, softphone: &str) -> String {
    format!(
        "listen = [\"udp:127.0.0.1:{port}\"]\n\
         [[presentity]]\nuri = \"sip:desk@127.0.0.1:{port}\"\n\
         [[softphone]]\n{softphone}\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1:{bob}\"\n\
         [[button]]\nname = \"dnd\"\ndial = \"blf1\"\n"
    )
}

#[test]
fn a_press_has_baresip_call_whom_the_lamp_watches() {
    let (port, bob) = (free_port(), free_port());
    let called = Sipp::called("called", bob, 1);
    let baresip = Baresip::start("");
    let softphone = format!("baresip = \"127.0.0.1:{}\"", baresip.control_port());
    let agent = Agent::configured(port, &configuration(port, bob, &softphone), &[]);
    agent.run(&["press", "dnd"]);
    called.finish();
}

#[test]
fn a_softphone_that_is_not_there_is_told_with_its_remedy() {
    let (port, nobody) = (free_port(), free_port());
    let softphone = format!("baresip = \"127.0.0.1:{nobody}\"");
    let agent = Agent::configured(port, &configuration(port, nobody, &softphone), &[]);
    agent.run(&["press", "dnd"]);
    wait_for("the log says so", SOON, || {
        let log = agent.log();
        let is_told = log.contains("was not told to call: Connection refused");
        (is_told && log.contains("ctrl_tcp_listen 127.0.0.1:")).then_some(())
    });
}

//! Buttons and lamps that do more: a key that calls, where the agent tells baresip and baresip calls SIPp, and commands.

use std::io::Read;
use std::net::TcpListener;

use crate::agent::Agent;
use crate::baresip::Baresip;
use crate::process::{SOON, free_port, wait_for};
use crate::sipp::Sipp;

/// A key for whom the lamp watches. The lamp asks where nobody answers: whom it watches is called, and nothing else.
fn configuration(port: u16, bob: u16, softphone: &str) -> String {
    let nobody = free_port();
    format!(
        "listen = [\"udp:127.0.0.1:{port}\"]\n\
         [[presentity]]\nuri = \"sip:desk@127.0.0.1:{port}\"\n\
         [[softphone]]\n{softphone}\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1:{bob}\"\nserver = \"127.0.0.1:{nobody}\"\n\
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
        let is_told = log.contains("makes no call: ");
        (is_told && log.contains("ctrl_tcp_listen 127.0.0.1:")).then_some(())
    });
}

/// The sandbox is closed, as it is by default. What the command learns it tells by the network, which is open to it.
#[test]
fn a_press_and_a_lamps_change_run_commands_inside_the_sandbox() {
    let told = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
    let at = told.local_addr().expect("it is bound").port();
    let port = free_port();
    let run = |variables: &str| {
        format!("run = [\"bash\", \"-c\", \"echo {variables} > /dev/tcp/127.0.0.1/{at}\"]")
    };
    let configuration = format!(
        "listen = [\"udp:127.0.0.1:{port}\"]\n\
         [[presentity]]\nuri = \"sip:desk@127.0.0.1:{port}\"\n\
         [[lamp]]\nname = \"blf1\"\nshows = \"dnd\"\n{}\n\
         [[button]]\nname = \"dnd\"\ndoes = \"dnd\"\n{}\n",
        run("$LAMPFIELD_LAMP $LAMPFIELD_LOOK $LAMPFIELD_STATE"),
        run("$LAMPFIELD_BUTTON $LAMPFIELD_GESTURE"),
    );
    let agent = Agent::configured(port, &configuration, &[]);
    let hear = || {
        let (mut stream, _) = told.accept().expect("a command connects");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it says something");
        text
    };
    assert_eq!(hear(), "blf1 off idle\n", "its first state");
    agent.run(&["press", "dnd"]);
    let mut both = [hear(), hear()];
    both.sort();
    assert_eq!(both, ["blf1 red dnd\n", "dnd press\n"]);
    let log = agent.log();
    assert!(!log.contains("the command of"), "{log}");
}

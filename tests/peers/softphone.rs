//! The phone on the same device: baresip, which is called by another baresip, and whose calls lamps elsewhere
//! follow.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;

use crate::agent::{Agent, Changes, Watch};
use crate::baresip::modules;
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// A baresip that can be called, and whose control socket is the agent's alone: it is told what to do by its console.
struct Phone {
    _process: Running,
    sip: u16,
    control: u16,
    console: u16,
    keys: UdpSocket,
    _scratch: Scratch,
}

impl Phone {
    fn start() -> Phone {
        let (sip, control, console) = (free_port(), free_port(), free_port());
        let scratch = Scratch::new();
        let modules = modules();
        let modules = modules.display();
        let config = format!(
            "sip_listen 127.0.0.1:{sip}\nnet_interface 127.0.0.1\ncall_max_calls 4\naudio_source aubridge,x\n\
             audio_player aubridge,x\nmodule_path {modules}\nmodule_tmp account.so\nmodule g711.so\n\
             module aubridge.so\nmodule_app contact.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\nmodule cons.so\n\
             cons_listen 127.0.0.1:{console}\nctrl_tcp_listen 127.0.0.1:{control}\n"
        );
        scratch.write("config", &config);
        let account =
            format!("<sip:phone@127.0.0.1:{sip}>;regint=0;auth_pass=none;audio_codecs=pcmu\n");
        scratch.write("accounts", &account);
        scratch.write("contacts", "");
        let mut command = Command::new("baresip");
        command
            .arg("-f")
            .arg(scratch.path("."))
            .args(["-4", "-t", "120"]);
        let mut process = Running::start(&mut command, scratch.path("output"));
        wait_for("baresip listens", SOON, || {
            process.expect_alive();
            UdpSocket::bind((Ipv4Addr::LOCALHOST, console)).err()
        });
        Phone {
            _process: process,
            sip,
            control,
            console,
            keys: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"),
            _scratch: scratch,
        }
    }

    fn uri(&self) -> String {
        format!("sip:phone@127.0.0.1:{}", self.sip)
    }

    /// Presses keys of its menu.
    fn presses(&self, keys: &str) {
        let console = (Ipv4Addr::LOCALHOST, self.console);
        self.keys.send_to(keys.as_bytes(), console).expect("sent");
    }

    fn dials(&self, other: &Phone) {
        self.presses(&format!("/dial {}\n", other.uri()));
    }

    fn answers(&self) {
        self.presses("a");
    }

    fn hangs_up(&self) {
        self.presses("b");
    }

    /// The agent on its device, and a lamp elsewhere that watches its calls.
    fn watched(&self) -> (Agent, Agent, Changes) {
        let port = free_port();
        let configuration = format!(
            "listen = [\"udp:127.0.0.1:{port}\"]\n[[presentity]]\nuri = \"sip:desk@127.0.0.1:{port}\"\n\
             [[softphone]]\nbaresip = \"127.0.0.1:{}\"\n",
            self.control
        );
        let agent = Agent::configured(port, &configuration, &[]);
        wait_for("the agent hears the phone", SOON, || {
            agent.log().contains("hears the calls").then_some(())
        });
        let other = Agent::start(&[Watch {
            lamp: "blf1",
            target: format!("sip:desk@127.0.0.1:{port}"),
            event: "dialog",
            more: "",
        }]);
        let changes = other.follow("blf1");
        changes.skip_to("green");
        (agent, other, changes)
    }
}

/// ```text
///   caller              baresip            agent              lamp elsewhere
///     │── INVITE ─────────►│── incoming ────►│── early ──────────►│ red fast
///     │◄─ 200 ─────────────│── established ─►│── confirmed ──────►│ red
///     │◄─ INVITE, sendonly │── list: on hold►│── no rendering ───►│ red slow
///     │── BYE ────────────►│── closed ──────►│── terminated ─────►│ green
/// ```
#[test]
fn a_lamp_elsewhere_follows_the_calls_of_baresip() /* D07 */
{
    let (phone, caller) = (Phone::start(), Phone::start());
    let (agent, _other, lamp) = phone.watched();
    caller.dials(&phone);
    lamp.skip_to("red fast");
    let note = |it: &str| agent.json("status")["presentities"][0]["note"] == it;
    assert!(note("Ringing"));
    phone.answers();
    lamp.skip_to("red");
    phone.presses("x");
    lamp.skip_to("red slow");
    assert!(note("On hold"));
    phone.presses("X");
    lamp.skip_to("red");
    caller.hangs_up();
    lamp.skip_to("green");
    // And one that it makes itself rings nowhere here.
    phone.dials(&caller);
    lamp.expect(&["red"]);
    phone.hangs_up();
    lamp.skip_to("green");
}

#[test]
fn two_calls_at_once_are_two_dialogs() {
    let (phone, first, second) = (Phone::start(), Phone::start(), Phone::start());
    let (_agent, _other, lamp) = phone.watched();
    first.dials(&phone);
    lamp.skip_to("red fast");
    phone.answers();
    lamp.skip_to("red");
    second.dials(&phone);
    lamp.skip_to("red fast");
    second.hangs_up();
    lamp.skip_to("red");
    first.hangs_up();
    lamp.skip_to("green");
}

#[test]
fn a_phone_that_ends_has_no_calls() {
    let (phone, caller) = (Phone::start(), Phone::start());
    let (_agent, _other, lamp) = phone.watched();
    caller.dials(&phone);
    lamp.skip_to("red fast");
    drop(phone);
    lamp.skip_to("green");
}

#[test]
fn a_script_tells_of_a_call() {
    let agent = Agent::start(&[]);
    let other = Agent::start(&[Watch {
        lamp: "blf1",
        target: agent.uri(),
        event: "dialog",
        more: "",
    }]);
    let lamp = other.follow("blf1");
    lamp.skip_to("green");
    for (state, look) in [
        ("ringing", "red fast"),
        ("talking", "red"),
        ("held", "red slow"),
        ("none", "green"),
    ] {
        agent.run(&["set", "call", state, "--peer", "sip:bob@pbx.example"]);
        lamp.skip_to(look);
    }
}

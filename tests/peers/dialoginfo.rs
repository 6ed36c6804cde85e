//! Kamailio with its module `pua_dialoginfo`: it publishes the calls of its users, and lamps watch them here.
//!
//! Its words (version 5.6.3): one publication for each call and each end of it, with From and To the one it is about, a
//! Call-ID of its own for each PUBLISH; the end of a call is published for ten seconds and a bit.

use std::process::Command;

use crate::agent::{Agent, Watch};
use crate::process::{Running, SOON, Scratch, free_port, is_bound, wait_for};
use crate::written::Written;

/// A proxy for calls to one address, which publishes them at another.
fn start(port: u16, callee: u16, agent: u16) -> Written {
    let modules = [
        "db_sqlite",
        "tm",
        "sl",
        "pv",
        "rr",
        "textops",
        "siputils",
        "dialog",
        "pua",
        "pua_dialoginfo",
    ];
    let rest = format!(
        "modparam(\"dialog\", \"dlg_match_mode\", 2)\n\
         modparam(\"pua\", \"db_mode\", 0)\n\
         modparam(\"pua\", \"db_url\", \"DATABASE\")\n\
         modparam(\"pua\", \"outbound_proxy\", \"sip:127.0.0.1:{agent}\")\n\
         request_route {{\n\
         if (has_totag()) {{ loose_route(); }} else {{ record_route(); }}\n\
         if (is_method(\"INVITE|ACK|BYE\")) {{ dlg_manage(); }}\n\
         $du = \"sip:127.0.0.1:{callee}\";\nt_relay();\n}}\n"
    );
    Written::start(port, &modules, &rest, &["standard", "presence"], "")
}

/// One of SIPp's own scenarios.
fn sipp(scenario: &str, port: u16, more: &[&str], scratch: &Scratch) -> Running {
    let mut command = Command::new("sipp");
    command.args(["-sn", scenario, "-i", "127.0.0.1", "-m", "1", "-nostdin"]);
    command.args(["-p", &port.to_string()]).args(more);
    Running::start(&mut command, scratch.path(scenario))
}

#[test]
fn a_lamp_follows_the_calls_that_kamailio_publishes() {
    let (proxy, callee, caller, port) = (free_port(), free_port(), free_port(), free_port());
    let configuration = format!(
        "listen = [\"udp:127.0.0.1:{port}\"]\n[[presentity]]\nuri = \"sip:201@127.0.0.1:{port}\"\n"
    );
    let agent = Agent::configured(port, &configuration, &[]);
    let kamailio = start(proxy, callee, port);
    let other = Agent::start(&[Watch {
        lamp: "blf1",
        target: format!("sip:201@127.0.0.1:{port}"),
        event: "dialog",
        more: "",
    }]);
    let lamp = other.follow("blf1");
    lamp.skip_to("green");
    let _called = sipp("uas", callee, &[], kamailio.scratch());
    wait_for("SIPp listens", SOON, || is_bound(callee).then_some(()));
    let to = format!("127.0.0.1:{proxy}");
    let _calls = sipp(
        "uac",
        caller,
        &["-s", "201", "-d", "1500", &to],
        kamailio.scratch(),
    );
    lamp.skip_to("red");
    let publications = agent.json("publications");
    assert_eq!(publications[0]["event"], "dialog", "{publications}");
    lamp.skip_to("green");
}

//! SIP inside TLS on real sockets: the agent as a process, with openssl and other agents as its peers.
//!
//! The certificates are those that `lampfield certificate new` makes, and for what it does not make, openssl's.

#![cfg(feature = "tls")]

#[path = "../common/process.rs"]
mod process;

mod agent;
mod attacks;
mod certificates;
mod kamailio;
mod trust;

use std::io::Write;
use std::process::{Command, Stdio};

use agent::{Agent, house, options};

/// What openssl's client gets for an OPTIONS, and what it says of the connection.
fn client(agent: &Agent, arguments: &[&str]) -> String {
    let address = agent.tls.to_string();
    let mut child = Command::new("timeout")
        .args(["10", "openssl", "s_client", "-connect", &address])
        .args(arguments)
        .args(["-verify_return_error", "-ign_eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is there: `tests/run` installs what is missing");
    let mut input = child.stdin.take().expect("a pipe");
    let _ = input.write_all(options(1).as_bytes()); // It may have ended already.
    // It stays until we close: the second message is none.
    let _ = input.write_all(b"\0 \r\n\r\n");
    let output = child.wait_with_output().expect("it ends");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn both_versions_of_tls_are_spoken_and_no_older_one() /* X13, K03 */
{
    let house = house("127.0.0.1");
    let agent = Agent::start(&house, "", &[]);
    let authority = house.path("house/authority.pem");
    let authority = authority.to_str().expect("text");
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = client(&agent, &[version, "-CAfile", authority]);
        assert!(said.contains("SIP/2.0 200 "), "{said}");
        assert!(said.contains(name), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let said = client(&agent, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    assert!(!said.contains("SIP/2.0"), "{said}");
}

#[test]
fn an_answer_goes_where_the_question_came_from_and_says_so() {
    let house = house("127.0.0.1");
    let agent = Agent::start(&house, "", &[]);
    let authority = house.path("house/authority.pem");
    let said = client(&agent, &["-CAfile", authority.to_str().expect("text")]);
    assert!(said.contains("Via: SIP/2.0/TLS 192.0.2.1:5061"), "{said}");
    assert!(said.contains("received=127.0.0.1"), "{said}");
}

//! SIP inside TLS on real sockets: the agent as a process, with openssl and other agents as its peers.
//!
//! The certificates are those that `lampfield certificate new` makes, and for what it does not make, openssl's.

#![cfg(feature = "tls")]

#[path = "../common/process.rs"]
mod process;

mod agent;
mod attacks;
mod baresip;
mod certificates;
mod kamailio;
mod peers;
mod trust;

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use agent::{Agent, house, options};

/// What openssl's client gets for an OPTIONS, and what it says of the connection.
fn client(agent: &Agent, arguments: &[&str]) -> String {
    say(agent, &options(1), arguments)
}

/// What openssl's client gets for that message, and what it says of the connection.
fn say(agent: &Agent, message: &str, arguments: &[impl AsRef<OsStr>]) -> String {
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
    let _ = input.write_all(message.as_bytes()); // It may have ended already.
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

#[test]
fn a_session_is_gone_on_with() /* K03 */
{
    let house = house("127.0.0.1");
    let agent = Agent::start(&house, "", &[]);
    let authority = house.path("house/authority.pem");
    let authority = authority.to_str().expect("text");
    let kept = house.path("session");
    let kept = kept.to_str().expect("text");
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = ["-CAfile", authority];
        let first = client(
            &agent,
            &[&[version, "-sess_out", kept][..], &authority].concat(),
        );
        assert!(first.contains("New, TLSv1"), "{first}");
        let second = client(
            &agent,
            &[&[version, "-sess_in", kept][..], &authority].concat(),
        );
        assert!(second.contains("Reused, TLSv1"), "{second}");
        assert!(second.contains("SIP/2.0 200 "), "{second}");
    }
}

//! Who is believed to be whom. Read RFC 5922 §7.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;

use crate::agent::{Agent, certify, house, lamp, openssl};
use crate::process::Scratch;

const HOUSE: &str = "authorities = \"house/authority.pem\"";

/// A certificate by the house's authority as openssl makes it.
fn sign(scratch: &Scratch, names: &str, dates: &[&str]) {
    std::fs::write(scratch.path("names"), format!("subjectAltName={names}\n")).expect("written");
    let request = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -subj /CN=x -out own.csr";
    openssl(scratch, &request.split(' ').collect::<Vec<_>>());
    let sign = "x509 -req -in own.csr -CA house/authority.pem -CAkey house/authority.key -CAcreateserial \
                -extfile names -out own.pem";
    let words: Vec<&str> = sign
        .split_whitespace()
        .chain(dates.iter().copied())
        .collect();
    openssl(scratch, &words);
    let _ = Command::new("chmod")
        .arg("600")
        .arg(scratch.path("own.key"))
        .status();
}

#[test]
fn two_lampfields_talk_after_two_commands() /* X13, X14 */
{
    let house = house("127.0.0.1");
    let desk = Agent::start(&house, "", &[]);
    let door = Agent::asking(&house, HOUSE, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_lamp("green");
    desk.ask(&["set", "dnd", "on"]);
    door.expect_lamp("red");
    assert!(!desk.running.output().contains("no tls"));
}

#[test]
fn a_sips_address_is_asked_inside_tls() /* R16, X17 */
{
    let house = house("127.0.0.1");
    let desk = Agent::start(&house, "", &[]);
    let watch = format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sips:desk@127.0.0.1:{}\"\nevent = \"presence\"\n",
        desk.tls.port()
    );
    let door = Agent::asking(&house, HOUSE, &watch, &[]);
    door.expect_lamp("green");
}

#[test]
fn a_certificate_for_others_is_told_and_nothing_is_asked() /* X14, K01 */
{
    for names in [
        "DNS:other.example",
        "DNS:*.localhost,DNS:*",
        "DNS:host.localhost",
        "DNS:localhost.example",
        "IP:127.0.0.1",
        "URI:sip:somebody@localhost",
        "DNS:localhost,URI:sip:other.example",
        "URI:sips:localhost",
    ] {
        let scratch = house("127.0.0.1");
        sign(&scratch, names, &["-days", "30"]);
        let desk = Agent::start(&scratch, "", &[]);
        let door = Agent::asking(&scratch, HOUSE, &lamp(&desk, "localhost"), &[]);
        door.expect_log("its certificate is for another name");
        door.expect_log("remedy: name the server as its certificate does");
        let watchers = desk.ask(&["watchers"]);
        assert!(!watchers.contains("desk@"), "{names}: {watchers}");
    }
}

#[test]
fn a_sip_uri_or_else_a_dns_name_is_who_it_is() /* X14 */
{
    for names in [
        "DNS:LocalHost",
        "URI:sip:localhost",
        "DNS:other.example,URI:SIP:localhost",
    ] {
        let scratch = house("127.0.0.1");
        sign(&scratch, names, &["-days", "30"]);
        let desk = Agent::start(&scratch, "", &[]);
        let door = Agent::asking(&scratch, HOUSE, &lamp(&desk, "localhost"), &[]);
        door.expect_lamp("green");
    }
}

#[test]
fn an_expired_certificate_is_told() /* K02 */
{
    let scratch = house("127.0.0.1");
    sign(&scratch, "IP:127.0.0.1", &["-days", "-1"]);
    let desk = Agent::start(&scratch, "", &[]);
    let door = Agent::asking(&scratch, HOUSE, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_log("its certificate has expired");
    door.expect_log("remedy: renew it there");
}

#[test]
fn an_authority_that_nobody_knows_is_told_and_a_pin_needs_none() {
    let scratch = house("127.0.0.1");
    certify(&scratch, &["elsewhere", "--authority", "other"]);
    let desk = Agent::start(&scratch, "", &[]);
    let tls = "authorities = \"other/authority.pem\"";
    let door = Agent::asking(&scratch, tls, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_log("its certificate is signed by nobody we trust");
    door.expect_log("remedy: name its authority's certificate");

    let shown = show(&scratch, "own.pem");
    let line = shown
        .lines()
        .find(|it| it.contains("sha256:"))
        .expect("a pin");
    let pin = line.split('"').nth(1).expect("a pin");
    let tls = format!("{tls}\npins = [\"{pin}\"]");
    let door = Agent::asking(&scratch, &tls, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_lamp("green");

    let (host, digits) = pin.split_once(" sha256:").expect("a pin");
    let wrong = format!("{host} sha256:{}", digits.replace(['1', '2', '3'], "4"));
    let tls = format!("{HOUSE}\npins = [\"{wrong}\"]");
    let door = Agent::asking(&scratch, &tls, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_log("its certificate is not the pinned one");
}

#[test]
fn a_server_that_speaks_no_tls_is_told() {
    let scratch = house("127.0.0.1");
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("bound").port();
    let lamp = format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sips:desk@127.0.0.1:{port}\"\nevent = \"presence\"\n"
    );
    let door = Agent::asking(&scratch, HOUSE, &lamp, &[]);
    let (mut stream, _) = server.accept().expect("it asks");
    stream
        .write_all(b"SIP/2.0 400 Bad Request\r\n\r\n")
        .expect("written");
    door.expect_log("it does not speak TLS 1.2 or 1.3");
    let why = door.ask(&["why", "blf1"]);
    assert!(
        why.contains("name the port on which it speaks TLS"),
        "{why}"
    );
}

#[test]
fn new_certificates_are_taken_up_without_losing_a_connection() {
    let scratch = house("127.0.0.1");
    let desk = Agent::start(&scratch, "", &[]);
    let door = Agent::asking(&scratch, HOUSE, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_lamp("green");
    sign(&scratch, "IP:127.0.0.1", &["-days", "30"]);
    desk.running.signal("HUP");
    desk.expect_log("configuration read again");
    desk.ask(&["set", "dnd", "on"]);
    door.expect_lamp("red");
}

pub(crate) fn show(scratch: &Scratch, file: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(["certificate", "show", file])
        .current_dir(scratch.path(""))
        .output()
        .expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

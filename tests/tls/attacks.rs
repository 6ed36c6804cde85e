//! What somebody who means ill does to a TLS port: K01 to K03.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

use crate::agent::{Agent, house, lamp};
use crate::client;
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// Longer than a stranger's or a trusted peer's first message may take.
const PATIENCE: Duration = Duration::from_secs(40);

fn serves(agent: &Agent, scratch: &Scratch) {
    let authority = scratch.path("house/authority.pem");
    let said = client(agent, &["-CAfile", authority.to_str().expect("text")]);
    assert!(said.contains("SIP/2.0 200 "), "{said}");
}

#[test]
fn garbage_and_plain_sip_are_closed_at_once() /* K03 */
{
    let scratch = house("127.0.0.1");
    let agent = Agent::start(&scratch, "", &[]);
    let request = crate::options(7);
    let hello = [0x16, 3, 1, 0xff, 0xff, 1, 0, 0, 0];
    for garbage in [request.as_bytes(), &[0; 64], &[0xff; 70_000], &hello] {
        let mut stream = TcpStream::connect(agent.tls).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let began = Instant::now();
        let _ = stream.write_all(garbage); // It may have closed already.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer); // Reset is an end too.
        assert!(!answer.starts_with(b"SIP/2.0"));
        let is_prompt = garbage != hello;
        assert!(!is_prompt || began.elapsed() < Duration::from_secs(5));
    }
    serves(&agent, &scratch);
}

#[test]
fn handshakes_that_hang_keep_their_share_of_places_for_a_time() /* K03 */
{
    let scratch = house("127.0.0.1");
    let agent = Agent::start(&scratch, "", &[]);
    let hang = |_| {
        let mut stream = TcpStream::connect(agent.tls).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1]);
        stream
    };
    let mut all: Vec<TcpStream> = (0..200).map(hang).collect();
    for stream in &mut all {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer); // Reset is an end too.
        // At most an alert, which says goodbye.
        assert!(
            answer.is_empty() || answer.starts_with(&[0x15]),
            "{answer:?}"
        );
    }
    serves(&agent, &scratch);
}

#[test]
fn tls_on_the_plain_port_is_no_message() /* K03 */
{
    let scratch = house("127.0.0.1");
    let agent = Agent::start(&scratch, "", &[]);
    let plain = (agent.tls.ip(), agent.tls.port() - 1);
    let mut stream = TcpStream::connect(plain).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let hello = [&[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[7; 194]].concat();
    stream.write_all(&hello).expect("written");
    stream.write_all(b"\r\n\r\n").expect("written");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer); // Reset is an end too.
    assert!(answer.is_empty() || answer.starts_with(b"SIP/2.0 4"));
    serves(&agent, &scratch);
}

/// A house whose server shows a certificate for those names, behind so many others.
fn bad_house(names: Vec<SanType>, between: usize) -> Scratch {
    let scratch = Scratch::new();
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let key = || KeyPair::generate().expect("a key");
    let (root, mut signing) = (authority("root"), key());
    let own = root.self_signed(&signing).expect("a certificate");
    std::fs::create_dir(scratch.path("house")).expect("new");
    scratch.write("house/authority.pem", &own.pem());
    let mut signer = root;
    let mut chain = String::new();
    for number in 0..between {
        let (params, next) = (authority(&format!("a{number}")), key());
        let issuer = Issuer::from_params(&signer, &signing);
        let made = params.signed_by(&next, &issuer).expect("a certificate");
        chain = made.pem() + &chain;
        (signer, signing) = (params, next);
    }
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    let own = key();
    let issuer = Issuer::from_params(&signer, &signing);
    let made = params.signed_by(&own, &issuer).expect("a certificate");
    scratch.write("own.pem", &(made.pem() + &chain));
    scratch.write("own.key", &own.serialize_pem());
    let private = PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(scratch.path("own.key"), private).expect("set");
    scratch
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

#[test]
fn chains_without_end_are_refused() /* K02 */
{
    let local = || SanType::IpAddress([127, 0, 0, 1].into());
    let many = |count: usize| {
        let names = (0..count).map(|it| dns(&format!("host{it}.example")));
        names.chain([local()]).collect::<Vec<SanType>>()
    };
    for (names, between, says) in [
        (vec![local()], 3, None),
        (many(1_000), 0, None),
        (vec![local()], 100, Some("no tls with")),
    ] {
        let scratch = bad_house(names, between);
        let desk = Agent::start(&scratch, "", &[]);
        let tls = "authorities = \"house/authority.pem\"";
        let door = Agent::asking(&scratch, tls, &lamp(&desk, "127.0.0.1"), &[]);
        match says {
            None => door.expect_lamp("green"),
            Some(says) => door.expect_log(says),
        }
        // It goes on.
        assert!(door.ask(&["status"]).contains("desk@"), "{between}");
    }
}

#[test]
fn a_bomb_of_names_and_a_name_with_a_nul_in_it_are_refused() /* K02 */
{
    let bomb = (0..10_000).map(|it| dns(&format!("host{it}.example")));
    let bomb = bomb.chain([dns("localhost")]).collect();
    for (names, says) in [
        (vec![dns("localhost\0.evil.example")], "its certificate "),
        (bomb, "no tls with"),
    ] {
        let scratch = bad_house(names, 0);
        let port = free_port();
        // We show no such certificates ourselves.
        let mut server = Command::new("timeout");
        server
            .args(["60", "openssl", "s_server", "-quiet", "-cert", "own.pem"])
            .args(["-key", "own.key", "-accept", &port.to_string()])
            .current_dir(scratch.path(""));
        let mut server = Running::start(&mut server, scratch.path("server.log"));
        wait_for("it listens", SOON, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let tls = "authorities = \"house/authority.pem\"";
        let watch = format!(
            "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:desk@127.0.0.1\"\nevent = \"presence\"\n\
             server = \"tls:localhost:{port}\"\n"
        );
        let door = Agent::asking(&scratch, tls, &watch, &[]);
        door.expect_log(says);
        assert!(!server.output().contains("SUBSCRIBE"));
        server.end();
    }
}

#[test]
fn a_certificate_of_tomorrow_is_told() /* K02 */
{
    let scratch = house("127.0.0.1");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    params.not_before = date_time_ymd(2900, 1, 1);
    params.not_after = date_time_ymd(2901, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("a certificate");
    scratch.write("own.pem", &made.pem());
    scratch.write("own.key", &key.serialize_pem());
    let desk = Agent::start(&scratch, "", &[]);
    let tls = "authorities = \"own.pem\"";
    let door = Agent::asking(&scratch, tls, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_log("its certificate is not valid yet");
    door.expect_log("remedy: set the clock, here or where");
    let why = door.ask(&["why", "blf1"]);
    assert!(why.contains("not valid yet"), "{why}");
}

#[test]
fn a_handshake_that_drips_has_its_time_and_no_more() /* K03 */
{
    let scratch = house("127.0.0.1");
    let agent = Agent::guarded(&scratch, "");
    let mut stream = TcpStream::connect(agent.tls).expect("it listens");
    let pace = Duration::from_millis(100);
    stream.set_read_timeout(Some(pace)).expect("set");
    let began = Instant::now();
    let _ = stream.write_all(&[0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc]);
    let mut room = [0; 64];
    loop {
        // A byte, and then a look whether it is over.
        let _ = stream.write_all(&[3]);
        match stream.read(&mut room) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        assert!(began.elapsed() < Duration::from_secs(12), "it goes on");
    }
    let authority = scratch.path("house/authority.pem");
    let said = client(&agent, &["-CAfile", authority.to_str().expect("text")]);
    assert!(said.contains("SIP/2.0 "), "{said}");
}

#[test]
fn nobody_shakes_hands_twice() /* K03 */
{
    let scratch = house("127.0.0.1");
    let agent = Agent::start(&scratch, "", &[]);
    let mut child = Command::new("timeout")
        .args(["10", "openssl", "s_client", "-tls1_2", "-connect"])
        .arg(agent.tls.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is there: `tests/run` installs what is missing");
    let mut input = child.stdin.take().expect("a pipe");
    for _ in 0..100 {
        let _ = input.write_all(b"R\n"); // It may have ended already.
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("RENEGOTIATING"), "{said}");
    serves(&agent, &scratch);
}

//! What somebody who means ill does to a TLS port: K01 to K03.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::agent::{Agent, house};
use crate::client;
use crate::process::Scratch;

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

//! A session inside TLS by itself: what it holds at most, and that the next one is a shorter one.
#![cfg(feature = "tls")]

#[path = "common/counting.rs"]
mod counting;
#[path = "common/process.rs"]
mod process;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;

use counting::most_held;
use lampfield::parts::{Tls, Wanted};
use process::Scratch;

const KIB: usize = 1_024;

/// What README.md says that a session takes besides its connection's own block, while it shakes hands and afterwards.
const SHAKING: usize = 72 * KIB;
const AT_WORK: usize = 48 * KIB;

/// What both ends have in common.
fn house() -> Tls {
    let scratch = Scratch::new();
    let made = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(["certificate", "new", "127.0.0.1", "--authority", "house"])
        .current_dir(scratch.path(""))
        .output();
    assert!(made.is_ok_and(|it| it.status.success()));
    let tls = Tls::load(&Wanted {
        own: Some((scratch.path("127.0.0.1.pem"), scratch.path("127.0.0.1.key"))),
        authorities: Some(scratch.path("house/authority.pem")),
        client_authorities: Some(scratch.path("house/authority.pem")),
        is_used: true,
        ..Wanted::default()
    });
    tls.expect("good files")
}

/// Both ends of a connection; neither waits.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let one = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (two, _) = listener.accept().expect("it comes");
    for it in [&one, &two] {
        it.set_nonblocking(true).expect("set");
        it.set_nodelay(true).expect("set");
    }
    (one, two)
}

/// Lets both speak until both are known to each other, and the server has said something; whether it was short.
fn talk(house: &Tls) -> [bool; 2] {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut client = house
        .connect(["127.0.0.1"].into_iter(), HERE)
        .expect("a name");
    let mut server = house.accept().expect("a certificate");
    let (mut one, mut two) = pair();
    let mut room = vec![0; 64 * KIB];
    let mut heard = 0;
    for _ in 0..100_000 {
        let count = client.take(&mut room);
        one.write_all(&room[..count]).expect("a small one");
        let count = server.take(&mut room);
        two.write_all(&room[..count]).expect("a small one");
        client.receive(&one).expect("it fits");
        server.receive(&two).expect("it fits");
        if !server.is_shaking() && heard == 0 {
            assert!(server.write(b"hello"));
            heard = 1;
        }
        if client.read(&mut room) > 0 {
            return [client.is_resumed(), server.is_resumed()];
        }
    }
    panic!("they never came to know each other");
}

#[test]
fn the_second_session_with_a_server_goes_on_with_the_first() {
    let house = house();
    assert_eq!(talk(&house), [false, false]);
    assert_eq!(talk(&house), [true, true]);
}

/// The most that a server's session holds while that comes.
fn held(house: &Tls, bytes: &[u8]) -> usize {
    let (mut one, two) = pair();
    most_held(|| {
        let mut server = house.accept().expect("a certificate");
        let mut sent = 0;
        for _ in 0..100_000 {
            match one.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            if server.receive(&two).is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_handshake_holds_no_more_than_is_said() /* K02 K03 */
{
    let house = house();
    // A message that says to be as long as it can, in records as long as they can be; one that is dripped in.
    let record = |kind: u8, len: usize| {
        let head = [kind, 3, 3, (len >> 8) as u8, len as u8];
        [&head[..], &vec![0; len][..]].concat()
    };
    let mut hello = record(22, 16 * KIB);
    hello[5..9].copy_from_slice(&[1, 0xff, 0xff, 0xff]);
    let long = [hello.clone(), record(22, 16 * KIB).repeat(16)].concat();
    hello[5..9].copy_from_slice(&[1, 0, 0xff, 0xf0]);
    let fitting = [hello, record(22, 16 * KIB).repeat(16)].concat();
    let small = record(22, 1).repeat(100_000);
    let plain = vec![b'A'; 300 * KIB];
    for (name, bytes) in [
        ("long", long),
        ("fitting", fitting),
        ("small", small),
        ("plain", plain),
    ] {
        let most = held(&house, &bytes);
        println!("{name}: {most} bytes");
        assert!(most <= SHAKING, "{name}: {most} bytes");
    }
}

#[test]
fn a_session_at_work_holds_no_more_than_is_said() {
    let house = house();
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut client = house
        .connect(["127.0.0.1"].into_iter(), HERE)
        .expect("a name");
    let (mut one, mut two) = pair();
    let mut room = vec![0; 64 * KIB];
    let mut server = None;
    let shaking = most_held(|| {
        let server = server.insert(house.accept().expect("a certificate"));
        for _ in 0..100_000 {
            let count = client.take(&mut room);
            one.write_all(&room[..count]).expect("a small one");
            server.receive(&two).expect("it fits");
            let count = server.take(&mut room);
            two.write_all(&room[..count]).expect("a small one");
            client.receive(&one).expect("it fits");
            if !server.is_shaking() && !client.is_shaking() {
                return;
            }
        }
        panic!("they never came to know each other");
    });
    println!("both shake hands: {shaking} bytes");
    // The peer says more than anybody reads, and then it is read.
    let mut server = server.expect("it is there");
    let message = vec![b'A'; 8 * KIB];
    let most = most_held(|| {
        for _ in 0..200 {
            assert!(server.write(&message));
            let count = server.take(&mut room);
            two.set_nonblocking(false).expect("set");
            two.write_all(&room[..count]).expect("written");
            two.set_nonblocking(true).expect("set");
            client.receive(&one).expect("it fits");
            while client.read(&mut room) > 0 {}
        }
    });
    println!("speaking: {most} bytes");
    assert!(most <= AT_WORK, "{most} bytes");
    let most = most_held(|| {
        for _ in 0..200 {
            // As much as the way takes, and nobody reads.
            if client.write(&message) {
                let count = client.take(&mut room);
                let _ = one.write(&room[..count]);
            }
            let _ = server.receive(&two);
        }
    });
    println!("at work: {most} bytes");
    assert!(most <= AT_WORK, "{most} bytes");
}

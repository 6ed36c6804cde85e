//! The real program on an ARM board in QEMU: real edges on real lines, real lamps, a real kernel.
//!
//! Each test boots the board once and walks through what belongs together; `boards/bench` says how to do the same by
//! hand. The board is 10.0.2.15, this machine 10.0.2.2. The numbers in the comments are those of the requirement
//! lists.
#![cfg(feature = "std")]

#[path = "../common/bench.rs"]
mod bench;
mod notifier;
mod sip;
mod watcher;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use lampfield::events::package::Package;
use lampfield::events::watched::Watched;

use crate::bench::{Bench, Setup};
use crate::notifier::Notifier;
use crate::watcher::Watcher;

/// Who lives on the board.
pub(crate) const DESK: &str = "sip:desk@10.0.2.15";

/// The smoke test: the program serves, from power-on.
#[test]
fn smoke() {
    let pbx = Notifier::start();
    let config = format!(
        "{HEAD}board = \"sim\"\n{DESK_LIVES}[[button]]\nname = \"dnd\"\ndoes = \"dnd\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"{}\"\n",
        pbx.uri("bob")
    );
    let bench = Bench::start(&Setup {
        config: &config,
        ..Setup::default()
    });
    println!(
        "booted after {:?}, serving {} s after the kernel's start",
        bench.powered.elapsed(),
        bench.ready_after()
    );
    answers_options(&bench);
    let presence = Watcher::subscribe(bench.sip, Package::Presence);
    let dialog = Watcher::subscribe(bench.sip, Package::Dialog);
    presence.expect(Watched::Idle);
    bench.sh("lampfield press dnd");
    presence.expect(Watched::Dnd);
    dialog.expect(Watched::Busy);
    pbx.expect_watcher("bob");
    bench.expect_look("blf1", "green");
    pbx.call("bob", Some("early"));
    bench.expect_look("blf1", "red fast");
    pbx.hold("bob");
    bench.expect_look("blf1", "red slow");
    pbx.call("bob", None);
    bench.expect_look("blf1", "green");
    assert!(bench.watch(&["lamp1"], Duration::from_millis(50)).len() == 1);
    assert_eq!(bench.stop(), 0);
    presence.expect_end();
}

const HEAD: &str = "listen = [\"udp:10.0.2.15:5060\"]\ntrusted = [\"10.0.2.0/24\"]\n";
const DESK_LIVES: &str = "[[presentity]]\nuri = \"sip:desk@10.0.2.15\"\n";

/// Asks as a telephone system does to learn whether somebody is there; sent again until it is answered.
fn answers_options(bench: &Bench) -> Instant {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    let limit = Some(Duration::from_millis(500));
    socket
        .set_read_timeout(limit)
        .expect("a socket can time out");
    let port = socket.local_addr().expect("it is bound").port();
    let text = format!(
        "OPTIONS {DESK} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.2.2:{port};branch=z9hG4bKoptions;rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:pbx@10.0.2.2>;tag=pbx\r\n\
         To: <{DESK}>\r\n\
         Call-ID: options\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let mut buf = [0; 2048];
    for _ in 0..20 {
        socket
            .send_to(text.as_bytes(), bench.sip)
            .expect("it can be sent");
        if let Ok(len) = socket.recv(&mut buf) {
            assert!(buf[..len].starts_with(b"SIP/2.0 200 "));
            return Instant::now();
        }
    }
    panic!("OPTIONS is not answered");
}

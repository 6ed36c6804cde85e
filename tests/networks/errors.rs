//! ICMP errors about the desk's SUBSCRIBE to the neighbour, real ones and forged ones.

use super::{Desk, LIMIT, Message, Peer, in_a_network, ip};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, bind, sendto, socket,
};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// Less than the desk waits before it asks anew, more than before it repeats what it asked.
const SOON: Duration = Duration::from_millis(1_200);

const DESK: Ipv4Addr = Ipv4Addr::new(10, 71, 2, 1);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 71, 2, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 71, 2, 66);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 71, 2, 67);

const HOST_UNREACHABLE: u8 = 1;
const PORT_UNREACHABLE: u8 = 3;

#[test]
fn only_an_error_that_quotes_what_was_sent_ends_a_request() {
    let name = "errors::only_an_error_that_quotes_what_was_sent_ends_a_request";
    in_a_network(name, || {
        let desk = Desk::start();
        ip("addr add 10.71.2.66/24 dev here2");
        ip("addr add 10.71.2.67/24 dev here2");
        let neighbour = Peer::at("10.71.2.2");
        let _desk = desk.serve();
        let first = neighbour.expect("SUBSCRIBE", LIMIT);
        let guessed = first.0.replacen("branch=z9hG4bKw", "branch=z9hG4bKl", 1);
        let all = first.0.as_bytes();
        for _ in 0..20 {
            forge(STRANGER, PORT_UNREACHABLE, b"");
            forge(STRANGER, PORT_UNREACHABLE, all);
            forge(NEIGHBOUR, PORT_UNREACHABLE, b"");
            forge(NEIGHBOUR, PORT_UNREACHABLE, &all[..60]);
            forge(NEIGHBOUR, PORT_UNREACHABLE, guessed.as_bytes());
            forge(STRANGER, HOST_UNREACHABLE, guessed.as_bytes());
        }
        let again = neighbour.expect("SUBSCRIBE", SOON);
        assert_eq!(again, first, "it still waits for an answer");
        // A router that knows no way, and the host itself, are believed.
        forge(ROUTER, HOST_UNREACHABLE, all);
        let second = expect_another(&neighbour, &first);
        forge(NEIGHBOUR, PORT_UNREACHABLE, second.0.as_bytes());
        let third = expect_another(&neighbour, &second);
        // And whoever is there after all is heard.
        neighbour.accept(&third);
    });
}

/// The next SUBSCRIBE that is no copy of that one.
#[track_caller]
fn expect_another(neighbour: &Peer, before: &Message) -> Message {
    loop {
        let message = neighbour.expect("SUBSCRIBE", LIMIT);
        if message != *before {
            assert_ne!(message.header("Call-ID"), before.header("Call-ID"));
            return message;
        }
    }
}

/// Sends an ICMP message from `offender` about a datagram of the desk to the neighbour (RFC 792), of which it quotes so
/// much.
fn forge(offender: Ipv4Addr, code: u8, payload: &[u8]) {
    let mut packet = vec![3, code, 0, 0, 0, 0, 0, 0];
    let udp_len = (8 + payload.len()) as u16;
    packet.extend([0x45, 0]);
    packet.extend((20 + udp_len).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(DESK.octets());
    packet.extend(NEIGHBOUR.octets());
    for port in [5_060_u16, 5_070, udp_len, 0] {
        packet.extend(port.to_be_bytes());
    }
    packet.extend(&payload[..payload.len().min(520)]);
    let checksum = checksum(&packet).to_be_bytes();
    packet[2..4].copy_from_slice(&checksum);
    let socket = raw_socket(offender);
    let to = SockaddrIn::from(std::net::SocketAddrV4::new(DESK, 0));
    sendto(socket.as_raw_fd(), &packet, &to, MsgFlags::empty()).expect("sent");
}

fn raw_socket(from: Ipv4Addr) -> OwnedFd {
    let (family, kind) = (AddressFamily::Inet, SockType::Raw);
    let socket = socket(family, kind, SockFlag::empty(), SockProtocol::Icmp).expect("root may");
    let address = SockaddrIn::from(std::net::SocketAddrV4::new(from, 0));
    bind(socket.as_raw_fd(), &address).expect("the address is here");
    socket
}

/// Of the Internet (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) as u16 + (folded >> 16) as u16)
}

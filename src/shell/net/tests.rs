use super::inbox::{Inbox, Received};
use super::outbox::{BATCH, Outbox};
use super::*;
use crate::ground::time::Instant;
use crate::wire::flow::Flow;
use rustix::event::{PollFd, PollFlags, poll};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::ToString;

const V4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

fn peer(address: SocketAddr) -> UdpSocket {
    UdpSocket::bind(address).expect("a peer")
}

#[track_caller]
fn wait(socket: &Socket, flags: PollFlags) {
    let mut fds = [PollFd::new(&socket.udp, flags)];
    let limit = rustix::event::Timespec {
        tv_sec: 5,
        tv_nsec: 0,
    };
    assert_eq!(poll(&mut fds, Some(&limit)), Ok(1), "nothing within 5 s");
}

fn receive_all(inbox: &mut Inbox, socket: &Socket, wanted: usize) -> Vec<(Flow, Vec<u8>)> {
    let mut all = Vec::new();
    while all.len() < wanted {
        wait(socket, PollFlags::IN);
        let got = inbox.receive(0, |flow, bytes| all.push((flow, bytes.to_vec())));
        assert!(matches!(got, Received::Datagrams(_)), "{got:?}");
    }
    all
}

#[test]
fn datagrams_arrive_whole_and_in_order_with_their_flow() /* X02 */
{
    for address in [V4, V6] {
        let sockets = listen(&[address]).expect("listens");
        let mut inbox = Inbox::new(&sockets);
        let peer = peer(address);
        for size in [1, 1_300, 60_000, 0, 65_000, 7] {
            let bytes = std::vec![b'x'; size];
            peer.send_to(&bytes, sockets[0].bound).expect("sent");
            let got = receive_all(&mut inbox, &sockets[0], 1);
            assert_eq!(got[0].1, bytes);
            let flow = Flow::udp(sockets[0].bound, peer.local_addr().expect("bound"));
            assert_eq!(got[0].0, flow);
        }
    }
}

#[test]
fn a_burst_beyond_one_batch_loses_nothing() {
    let sockets = listen(&[V4]).expect("listens");
    let mut inbox = Inbox::new(&sockets);
    let peer = peer(V4);
    for number in 0..50_u8 {
        peer.send_to(&[number], sockets[0].bound).expect("sent");
    }
    let got = receive_all(&mut inbox, &sockets[0], 50);
    let numbers: Vec<u8> = got.iter().map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<u8>>());
}

#[test]
fn a_socket_on_all_addresses_knows_where_each_datagram_came_to() {
    let sockets = listen(&[(Ipv4Addr::UNSPECIFIED, 0).into()]).expect("listens");
    let mut inbox = Inbox::new(&sockets);
    let peer = peer((Ipv4Addr::UNSPECIFIED, 0).into());
    // All of 127/8 is ours; twice, so that the headers are used again.
    for last in [1, 2, 3, 1] {
        let to = SocketAddr::from(([127, 0, 0, last], sockets[0].bound.port()));
        peer.send_to(b"x", to).expect("sent");
        assert_eq!(receive_all(&mut inbox, &sockets[0], 1)[0].0.local, to);
    }
}

/// A phone that is connected to the address it asks hears nothing from any other.
#[test]
fn an_answer_leaves_from_the_address_that_was_asked() /* X02 */
{
    let asked = |last| IpAddr::from([127, 0, 0, last]);
    for (all, from, asked) in [
        (
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
            V4,
            [1, 2, 3, 1].map(asked),
        ),
        (Ipv6Addr::UNSPECIFIED.into(), V6, [V6.ip(); 4]),
    ] {
        let sockets = listen(&[(all, 0).into()]).expect("listens");
        let (mut inbox, mut outbox) = (Inbox::new(&sockets), Outbox::new(&sockets));
        // What the kernel chooses by itself has not to be said.
        if from.is_ipv4() {
            let first = SocketAddr::new(from.ip(), sockets[0].bound.port());
            outbox.announce(&[first.into()]);
        }
        for ip in asked {
            let peer = peer(from);
            peer.connect((ip, sockets[0].bound.port())).expect("bound");
            let limit = std::time::Duration::from_secs(5);
            peer.set_read_timeout(Some(limit)).expect("set");
            peer.send(b"?").expect("sent");
            let flow = receive_all(&mut inbox, &sockets[0], 1)[0].0;
            for _ in 0..2 {
                outbox.room()[0] = b'!';
                outbox.push(flow, 1);
            }
            outbox.flush(Instant::ZERO, |remote, _| panic!("{remote} is there"));
            for _ in 0..2 {
                assert_eq!(peer.recv(&mut [0; 8]).expect("an answer"), 1, "{ip}");
            }
        }
        assert_eq!(outbox.take_dropped(), 0);
    }
}

#[test]
fn both_wildcards_share_a_port_and_stay_apart() /* X16: no v4-mapped peers */
{
    let first = listen(&[(Ipv6Addr::UNSPECIFIED, 0).into()]).expect("listens on IPv6");
    let port = first[0].bound.port();
    let Ok(second) = listen(&[(Ipv4Addr::UNSPECIFIED, port).into()]) else {
        return; // Somebody else has that port on IPv4.
    };
    let mut inbox = Inbox::new(&second);
    let peer = peer(V4);
    peer.send_to(b"x", ("127.0.0.1", port)).expect("sent");
    let got = receive_all(&mut inbox, &second[0], 1);
    assert!(got[0].0.remote.is_ipv4() && got[0].0.local.is_ipv4());
}

#[test]
fn everything_pushed_is_sent_in_order_in_batches() {
    let sockets = listen(&[V4, V6]).expect("listens");
    let mut outbox = Outbox::new(&sockets);
    let peers = [peer(V4), peer(V6)];
    for number in 0..BATCH {
        let at = usize::from(number % 5 == 4);
        let flow = Flow::udp(sockets[at].bound, peers[at].local_addr().expect("bound"));
        assert!(!outbox.is_full());
        outbox.room()[0] = u8::try_from(number).expect("small");
        outbox.push(flow, 1);
    }
    assert!(outbox.is_full());
    outbox.flush(Instant::ZERO, |_, _| panic!("reachable"));
    assert!(!outbox.is_full());
    for (at, peer) in peers.iter().enumerate() {
        for number in (0..BATCH).filter(|number| usize::from(number % 5 == 4) == at) {
            let mut byte = [0; 2];
            let (len, from) = peer.recv_from(&mut byte).expect("received");
            assert_eq!((len, usize::from(byte[0])), (1, number));
            assert_eq!(from, sockets[at].bound);
        }
    }
    assert_eq!(outbox.take_dropped(), 0);
}

/// The answer leaves from the socket that got the request.
#[test]
fn an_answer_leaves_from_the_socket_of_its_flow() /* X04 */
{
    let sockets = listen(&[V4, V4]).expect("listens");
    let mut outbox = Outbox::new(&sockets);
    let peer = peer(V4);
    for at in [1, 0, 1] {
        let remote = peer.local_addr().expect("bound");
        outbox.push(Flow::udp(sockets[at].bound, remote), 3);
        outbox.flush(Instant::ZERO, |_, _| panic!("reachable"));
        let (_, from) = peer.recv_from(&mut [0; 8]).expect("received");
        assert_eq!(from, sockets[at].bound);
    }
}

#[test]
fn a_closed_port_is_reported_and_does_not_stop_the_others() {
    for address in [V4, V6] {
        let sockets = listen(&[address]).expect("listens");
        let (mut inbox, mut outbox) = (Inbox::new(&sockets), Outbox::new(&sockets));
        let gone = peer(address).local_addr().expect("bound");
        outbox.push(Flow::udp(sockets[0].bound, gone), 10);
        outbox.flush(Instant::ZERO, |_, _| panic!("not known yet"));
        wait(&sockets[0], PollFlags::ERR);

        // The pending error stands in the way of neither sending nor receiving.
        let alive = peer(address);
        let remote = alive.local_addr().expect("bound");
        outbox.push(Flow::udp(sockets[0].bound, remote), 10);
        outbox.flush(Instant::ZERO, |_, _| panic!("reachable"));
        assert_eq!(alive.recv_from(&mut [0; 16]).expect("received").0, 10);

        let mut reported = Vec::new();
        inbox.take_errors(0, |remote, quoted| reported.push((remote, quoted.len())));
        assert_eq!(reported, [(gone, 10)]);
        alive.send_to(b"answer", sockets[0].bound).expect("sent");
        assert_eq!(receive_all(&mut inbox, &sockets[0], 1)[0].1, b"answer");
    }
}

#[test]
fn a_message_too_long_for_udp_makes_its_peer_unreachable() {
    let sockets = listen(&[V4]).expect("listens");
    let mut outbox = Outbox::new(&sockets);
    let remote = peer(V4).local_addr().expect("bound");
    outbox.push(Flow::udp(sockets[0].bound, remote), 65_530);
    let mut reported = Vec::new();
    outbox.flush(Instant::ZERO, |remote, bytes| {
        reported.push((remote, bytes.len()));
    });
    assert_eq!(reported, [(remote, 65_530)]);
}

#[test]
fn without_a_socket_of_the_family_a_message_is_dropped_and_counted() {
    let sockets = listen(&[V4]).expect("listens");
    let mut outbox = Outbox::new(&sockets);
    outbox.push(Flow::udp(V6, V6), 1);
    outbox.flush(Instant::ZERO, |_, _| panic!("nothing was sent"));
    assert_eq!(outbox.take_dropped(), 1);
    assert_eq!(outbox.take_dropped(), 0);
}

#[test]
fn a_port_in_use_names_the_address_and_a_remedy() {
    let taken = listen(&[V4]).expect("listens");
    let error = listen(&[taken[0].bound]).expect_err("it is taken");
    let text = error.to_string();
    let address = taken[0].bound.to_string();
    assert!(
        text.starts_with(&std::format!("cannot listen on udp:{address}: ")),
        "{text}"
    );
    assert!(text.contains("\nremedy: "), "{text}");
}

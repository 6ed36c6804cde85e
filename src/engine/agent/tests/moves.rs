//! An agent whose addresses change, or that has several: what its watchers are told, and by which name.

use super::*;
use crate::ua::addresses::LocalAddress;
use crate::wire::flow::{End, Transport};

const MOVED: &str = "192.0.2.3:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn towards(network: &str, at: &str) -> LocalAddress {
    LocalAddress {
        towards: Network::parse(network).expect("a network"),
        at: address(at),
    }
}

impl Fixture {
    fn move_to(&mut self, locals: &[LocalAddress]) -> StdVec<Sent> {
        self.agent.set_locals(self.now, locals);
        self.drain()
    }
}

#[track_caller]
fn only(sent: &[Sent]) -> &Sent {
    assert_eq!(sent.len(), 1, "{sent:#?}");
    &sent[0]
}

#[track_caller]
fn expect_named(notify: &Sent, at: &str) {
    assert!(notify.is_notify(), "{}", notify.text);
    assert_eq!(notify.flow.local, address(at));
    let via = notify.header("Via").expect("a Via");
    assert!(via.contains(&format!(" {at};")), "{via}");
    let contact = notify.header("Contact").expect("a Contact");
    assert!(contact.contains(&format!("@{at}")), "{contact}");
}

/// ```text
/// bob                     desk
///  | SUBSCRIBE ──────────► | 192.0.2.1
///  | ◄──────── 200, NOTIFY |
///  |                       | 192.0.2.3
///  | ◄── NOTIFY, Contact .3|
///  | SUBSCRIBE ──────────► |
///  | ◄──────── 200, NOTIFY |
/// ```
#[test]
fn watchers_hear_of_a_new_address_at_once() /* N19 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    let carol = f.watching("carol", "dialog");
    let sent = f.move_to(&[address(MOVED).into()]);
    assert_eq!(sent.len(), 2, "{sent:#?}");
    for (phone, notify) in [(&bob, &sent[0]), (&carol, &sent[1])] {
        expect_named(notify, MOVED);
        assert_eq!(notify.flow.remote, phone.address);
    }
    assert_eq!(basic(&sent[0]), Some(Basic::Open), "the whole state");
    for (phone, notify) in [(&bob, &sent[0]), (&carol, &sent[1])] {
        let flow = Flow::udp(address(MOVED), phone.address);
        let answer = notify.answer("200 OK");
        f.agent.handle_datagram(f.moment(), flow, answer.as_bytes());
        assert_eq!(f.drain(), []);
    }
    assert_eq!(f.move_to(&[address(MOVED).into()]), [], "no news");
    // The refresh comes to the new address.
    let refresh = bob.refresh(3_600);
    let flow = Flow::udp(address(MOVED), bob.address);
    f.agent
        .handle_datagram(f.moment(), flow, refresh.as_bytes());
    let sent = f.drain();
    assert_eq!(sent[0].status(), 200);
    expect_named(&sent[1], MOVED);
    assert_eq!(f.agent.notifier.len(), 2);
}

#[test]
fn what_is_in_flight_from_a_lost_address_is_sent_anew() {
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let sent = f.input(Input::Dnd(true));
    let lost = only(&sent).clone();
    let sent = f.move_to(&[address(MOVED).into()]);
    let notify = only(&sent);
    expect_named(notify, MOVED);
    assert_eq!(notify.cseq(), lost.cseq() + 1);
    assert_eq!(basic(notify), Some(Basic::Closed));
    assert_eq!(f.send(&bob, &lost.answer("200 OK")), []);
    let flow = Flow::udp(address(MOVED), bob.address);
    let answer = notify.answer("200 OK");
    f.agent.handle_datagram(f.moment(), flow, answer.as_bytes());
    assert_eq!(f.run(Duration::from_secs(60)), [], "nothing is repeated");
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn without_any_address_watchers_wait_for_the_next_one() {
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    assert_eq!(f.move_to(&[]), []);
    assert_eq!(f.move_to(&[towards("198.51.100.0/24", MOVED)]), []);
    let sent = f.move_to(&[towards("192.0.2.0/24", MOVED)]);
    expect_named(only(&sent), MOVED);
}

/// The desk listens on all addresses: who subscribed at the second one of a network knows the desk by that.
#[test]
fn a_watcher_of_an_address_that_is_still_ours_hears_nothing() {
    let second = "192.0.2.2:5060";
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    let flow = Flow::udp(address(second), phone.address);
    f.agent
        .handle_datagram(f.moment(), flow, phone.subscribe(3_600).as_bytes());
    let sent = f.drain();
    phone.learn(&sent[0]);
    expect_named(&sent[1], second);
    f.agent
        .handle_datagram(f.moment(), flow, sent[1].answer("200 OK").as_bytes());
    let rows = [address(LOCAL).into(), towards("192.0.2.2", second)];
    assert_eq!(f.move_to(&rows), []);
    let rows = [address(MOVED).into(), towards("192.0.2.2", second)];
    assert_eq!(f.move_to(&rows), [], "its own is there");
    let sent = f.move_to(&[address(MOVED).into()]);
    expect_named(only(&sent), MOVED);
}

#[test]
fn the_listener_that_a_watcher_came_to_stays_its_own() {
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    let flow = Flow::udp(address("192.0.2.1:5070"), phone.address);
    f.agent
        .handle_datagram(f.moment(), flow, phone.subscribe(3_600).as_bytes());
    let sent = f.drain();
    phone.learn(&sent[0]);
    f.agent
        .handle_datagram(f.moment(), flow, sent[1].answer("200 OK").as_bytes());
    let sent = f.move_to(&[address(MOVED).into()]);
    expect_named(only(&sent), "192.0.2.3:5070");
}

/// Its connection began at an address that is gone: it is called back from the new one, and the end of the old
/// connection, which is told afterwards, changes nothing.
#[test]
fn a_watcher_on_a_stream_is_called_back_from_the_new_address() /* X07 */
{
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    let remote = SocketAddr::new(phone.address.ip(), 40_001);
    let flow = Flow::tcp(address(LOCAL), remote, 1);
    f.agent
        .handle_datagram(f.moment(), flow, phone.subscribe(3_600).as_bytes());
    let sent = f.drain();
    phone.learn(&sent[0]);
    f.agent
        .handle_datagram(f.moment(), flow, sent[1].answer("200 OK").as_bytes());
    assert_eq!(f.drain(), []);
    f.agent.set_locals(f.now, &[address(MOVED).into()]);
    f.agent.handle_disconnected(f.moment(), &flow, End::Closed);
    let sent = f.drain();
    let notify = only(&sent);
    assert_eq!(notify.flow, Flow::tcp(address(MOVED), phone.address, 0));
    assert_eq!(
        notify.header("Contact"),
        Some("<sip:desk@192.0.2.3:5060;transport=tcp;gr>")
    );
    assert_eq!(notify.flow.transport, Transport::Tcp);
}

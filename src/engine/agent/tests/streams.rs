//! Watchers on streams, and NOTIFYs that are long for a datagram.

use super::*;
use crate::users::policy::Strangers;
use crate::wire::flow::{End, Transport};

/// The phone's connection to us, by that number; each comes from a port of its own.
fn stream(phone: &Phone, number: u16) -> Flow {
    let remote = SocketAddr::new(phone.address.ip(), 40_000 + number);
    Flow::tcp(LOCAL.parse().unwrap(), remote, u32::from(number))
}

/// Whichever connection leads to where the phone listens.
fn back(phone: &Phone) -> Flow {
    Flow::tcp(LOCAL.parse().unwrap(), phone.address, 0)
}

impl Fixture {
    fn send_on(&mut self, flow: Flow, text: &str) -> StdVec<Sent> {
        self.agent
            .handle_datagram(self.moment(), flow, text.as_bytes());
        self.drain()
    }

    fn end(&mut self, flow: Flow, end: End) -> StdVec<Sent> {
        self.agent.handle_disconnected(self.moment(), &flow, end);
        self.drain()
    }

    /// A phone that subscribed on its connection 1 and knows the state.
    fn streaming(&mut self, name: &str) -> Phone {
        let mut phone = Phone::new(name, "presence");
        let flow = stream(&phone, 1);
        let sent = self.send_on(flow, &phone.subscribe(3_600));
        phone.learn(&sent[0]);
        assert_eq!((sent[0].flow, sent[1].flow), (flow, flow));
        assert_eq!(self.send_on(flow, &sent[1].answer("200 OK")), []);
        phone
    }
}

#[track_caller]
fn only(sent: &[Sent]) -> &Sent {
    assert_eq!(sent.len(), 1, "{sent:#?}");
    &sent[0]
}

#[test]
fn on_a_stream_all_stays_there_and_nothing_is_sent_twice() /* X07 T01 T09 */
{
    let mut f = Fixture::new();
    let phone = f.streaming("bob");
    let sent = f.input(Input::Dnd(true));
    let notify = only(&sent);
    assert_eq!(notify.flow, stream(&phone, 1));
    let via = notify.header("Via").unwrap();
    assert!(via.starts_with("SIP/2.0/TCP 192.0.2.1:5060;"), "{via}");
    let contact = "<sip:desk@192.0.2.1:5060;transport=tcp;gr>";
    assert_eq!(notify.header("Contact"), Some(contact));
    assert_eq!(f.run(Duration::from_millis(31_999)), []);
    assert_eq!(f.send_on(notify.flow, &notify.answer("200 OK")), []);
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn whoever_was_granted_something_on_a_connection_is_no_stranger_there() /* ATTACKS C05 */
{
    let mut f = Fixture::with(|settings| settings.strangers = Strangers::Ask);
    assert!(f.agent.trusts([192, 0, 2, 9].into()));
    assert!(!f.agent.trusts([198, 51, 100, 9].into()));
    // One who waits for the owner is as strange as before.
    let guest = Phone::new("guest", "presence");
    let from = SocketAddr::from(([198, 51, 100, 9], 4_000));
    let flow = Flow::tcp(LOCAL.parse().unwrap(), from, 7);
    assert_eq!(f.send_on(flow, &guest.subscribe(600))[0].status(), 200);
    assert_eq!(f.agent.granted(), 0);
    let phone = Phone::new("bob", "presence");
    let refused = phone.subscribe(600).replace("sip:desk@", "sip:nobody@");
    assert_eq!(f.send_on(stream(&phone, 2), &refused)[0].status(), 404);
    assert_eq!(f.agent.granted(), 0);
    let sent = f.send_on(stream(&phone, 3), &phone.subscribe(600));
    assert_eq!(sent[0].status(), 200);
    assert_eq!(f.agent.granted(), 3);
}

#[test]
fn a_watcher_whose_connection_has_ended_is_called_back() /* X07 */
{
    let mut f = Fixture::new();
    let phone = f.streaming("bob");
    assert_eq!(f.end(stream(&phone, 1), End::Closed), []);
    for dnd in [true, false] {
        let sent = f.input(Input::Dnd(dnd));
        let notify = only(&sent);
        assert_eq!(notify.flow, back(&phone));
        // It answers on the connection that we opened.
        let ours = Flow {
            connection: 9,
            ..back(&phone)
        };
        f.agent.handle_connected(&ours);
        assert_eq!(f.send_on(ours, &notify.answer("200 OK")), []);
    }
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn what_was_in_flight_is_told_again_at_once() /* T06 ATTACKS C06 */
{
    let mut f = Fixture::new();
    let mut phone = f.streaming("bob");
    let first = f.input(Input::Dnd(true));
    let again = f.end(stream(&phone, 1), End::Closed);
    let again = only(&again);
    assert_eq!(again.flow, back(&phone));
    assert_eq!(again.cseq(), only(&first).cseq() + 1);
    assert_eq!(basic(again), Some(Basic::Closed));
    // The last word as well.
    f.send_on(back(&phone), &again.answer("200 OK"));
    let flow = stream(&phone, 2);
    let sent = f.send_on(flow, &phone.refresh(0));
    assert_eq!((sent[0].status(), sent[1].flow), (200, flow));
    let last = f.end(flow, End::Closed);
    let last = only(&last);
    let state = last.header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=timeout"));
    assert_eq!(f.send_on(back(&phone), &last.answer("200 OK")), []);
    assert!(f.agent.notifier.is_empty());
}

#[test]
fn a_watcher_who_cannot_be_called_back_is_tried_for_a_while() /* T06 */
{
    for end in [End::Refused, End::Silent, End::Closed] {
        let mut f = Fixture::new();
        let phone = f.streaming("bob");
        f.end(stream(&phone, 1), End::Closed);
        f.input(Input::Dnd(true));
        for waits in [4_000, 8_000, 16_000] {
            assert_eq!(f.end(back(&phone), end), []);
            let again = f.run(Duration::from_millis(waits));
            assert_eq!(again.len(), 1, "{again:#?}");
            assert_eq!((again[0].0, again[0].1.flow), (waits, back(&phone)));
        }
        f.end(back(&phone), end);
        assert!(f.agent.notifier.is_empty());
    }
}

#[test]
fn nobody_else_is_called_back_for_a_watcher() /* N41 */
{
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    let flow = stream(&phone, 1);
    let text = phone.subscribe(600);
    let text = text.replace(
        "Contact: <sip:bob@192.0.2.",
        "Contact: <sip:bob@198.51.100.",
    );
    let sent = f.send_on(flow, &text);
    phone.learn(&sent[0]);
    f.send_on(flow, &sent[1].answer("200 OK"));
    f.end(flow, End::Closed);
    let sent = f.input(Input::Dnd(true));
    assert_eq!(only(&sent).flow.remote, flow.remote);
}

#[test]
fn a_refresh_brings_its_new_connection() /* X07 */
{
    let mut f = Fixture::new();
    let mut phone = f.streaming("bob");
    f.end(stream(&phone, 1), End::Closed);
    let flow = stream(&phone, 2);
    let sent = f.send_on(flow, &phone.refresh(600));
    assert_eq!((sent[0].status(), sent[1].flow), (200, flow));
    f.send_on(flow, &sent[1].answer("200 OK"));
    // The end of the old one means nothing any more.
    let notify = f.input(Input::Dnd(true));
    assert_eq!(only(&notify).flow, flow);
    assert_eq!(f.end(stream(&phone, 1), End::Closed), []);
    assert_eq!(f.send_on(flow, &only(&notify).answer("200 OK")), []);
}

#[test]
fn streams_and_datagrams_fail_apart() /* T06 */
{
    let mut f = Fixture::new();
    let phone = f.streaming("bob");
    f.end(stream(&phone, 1), End::Closed);
    let other = f.watching("bob", "dialog");
    assert_eq!(phone.address, other.address);
    let sent = f.input(Input::Hook(true));
    assert_eq!(sent.len(), 2);
    // No datagram arrives there: the stream does not care.
    let datagram = sent.iter().find(|it| it.flow.transport == Transport::Udp);
    f.bounce(datagram.expect("a NOTIFY by datagram"));
    let sent = f.run(Duration::from_millis(4_000));
    let [(4_000, notify)] = &sent[..] else {
        panic!("{sent:#?}");
    };
    assert_eq!(notify.flow.transport, Transport::Udp);
    f.confirm(&other, notify);
    // Nor the other way round.
    let sent = f.send(&other, &other.clone().refresh(600));
    f.end(back(&phone), End::Refused);
    let again = f.run(Duration::from_millis(4_000));
    let udp = again
        .iter()
        .filter(|(_, it)| it.flow.transport == Transport::Udp);
    assert_eq!((udp.count(), sent.len()), (3, 2), "sent again as ever");
    assert_eq!(
        again.last().map(|(at, it)| (*at, it.flow)),
        Some((4_000, back(&phone)))
    );
}

#[test]
fn a_device_that_forgot_takes_its_place_from_another_port() /* N38 C01 */
{
    let mut f = Fixture::new();
    let phone = f.streaming("bob");
    f.agent.notifier.leave_room(Some(0));
    let text = phone.subscribe(600);
    let text = text.replace("call-bob", "another");
    let tag = format!(";tag={}", phone.to_tag.as_ref().unwrap());
    let sent = f.send_on(stream(&phone, 2), &text.replace(&tag, ""));
    assert_eq!(sent[0].status(), 200);
    assert_eq!(f.agent.notifier.len(), 1);
}

/// A phone whose NOTIFYs are longer than 1300 bytes: it has long names.
fn long(f: &mut Fixture) -> (Phone, Sent) {
    let mut phone = Phone::new("bob", "presence");
    let text = phone.subscribe(3_600);
    let text = text.replace("call-bob", &"c".repeat(450));
    let long = format!(";of={}>\r\n", "x".repeat(200));
    let contact = format!("{}>\r\n", phone.address);
    let text = text.replace(&contact, &format!("{}{long}", phone.address));
    let mut sent = f.send(&phone, &text);
    phone.learn(&sent[0]);
    (phone, sent.remove(1))
}

#[test]
fn a_long_notify_goes_by_tcp() /* X01 */
{
    let mut f = Fixture::new();
    f.input(Input::Note(Text::copied(&"n".repeat(128)).unwrap()));
    let (phone, notify) = long(&mut f);
    assert!(notify.text.len() > 1_300, "{}", notify.text.len());
    assert_eq!(notify.flow, back(&phone));
    let via = notify.header("Via").unwrap();
    assert!(via.starts_with("SIP/2.0/TCP 192.0.2.1:5060;"), "{via}");
    let contact = "<sip:desk@192.0.2.1:5060;gr>";
    assert_eq!(notify.header("Contact"), Some(contact), "it stays with UDP");
    assert_eq!(f.run(Duration::from_millis(31_000)), [], "sent once");
    assert_eq!(f.send_on(back(&phone), &notify.answer("200 OK")), []);
    // The answer to the SUBSCRIBE was a datagram, and a short one to another phone is too.
    let other = f.watching("al", "dialog");
    let sent = f.input(Input::Hook(true));
    let of = |phone: &Phone| {
        let mut all = sent.iter().filter(|it| it.flow.remote == phone.address);
        all.next().map(|it| it.flow.transport)
    };
    assert_eq!(of(&other), Some(Transport::Udp));
}

#[test]
fn where_tcp_is_refused_the_same_notify_goes_by_udp() /* X01 */
{
    let mut f = Fixture::new();
    f.input(Input::Note(Text::copied(&"n".repeat(128)).unwrap()));
    let (phone, refused) = long(&mut f);
    let sent = f.end(back(&phone), End::Refused);
    let notify = only(&sent);
    assert_eq!(
        notify.flow,
        Flow::udp(LOCAL.parse().unwrap(), phone.address)
    );
    assert_eq!(
        notify.text,
        refused.text.replace("SIP/2.0/TCP", "SIP/2.0/UDP")
    );
    let again = f.run(Duration::from_millis(500));
    assert_eq!(again, [(500, notify.clone())]);
    f.confirm(&phone, notify);
    let sent = f.input(Input::Dnd(true));
    let notify = only(&sent);
    assert!(notify.text.len() > 1_300);
    assert_eq!(notify.flow.transport, Transport::Udp, "it is known by now");
    // That another connection to there ends has nothing to do with it.
    assert_eq!(f.end(back(&phone), End::Refused), []);
    f.confirm(&phone, notify);
}

#[test]
fn where_tcp_is_silent_the_next_notify_goes_by_udp() /* X01 */
{
    let mut f = Fixture::new();
    f.input(Input::Note(Text::copied(&"n".repeat(128)).unwrap()));
    let (phone, _) = long(&mut f);
    assert_eq!(f.end(back(&phone), End::Silent), []);
    let sent = f.run(Duration::from_millis(4_000));
    let [(4_000, notify)] = &sent[..] else {
        panic!("{sent:#?}");
    };
    assert_eq!(notify.flow.transport, Transport::Udp);
    f.confirm(&phone, notify);
}

//! Where NOTIFYs go: back to who asked, and never to a third party.

use super::*;
use crate::wire::flow::Transport;

/// Subscribes from `source` with that Via host and Contact; where the NOTIFY goes.
fn notified(source: &str, via: &str, contact: &str) -> SocketAddr {
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    phone.address = source.parse().unwrap();
    let more = format!("Contact: <{contact}>\r\nEvent: presence\r\n");
    let text = phone.bare_request("SUBSCRIBE", &more);
    let start = text.find("UDP ").unwrap() + 4;
    let end = start + text[start..].find(';').unwrap();
    let text = format!("{}{via}{}", &text[..start], &text[end..]);
    let sent = f.send(&phone, &text);
    assert_eq!(sent[0].status(), 200, "{}", sent[0].text);
    sent[1].flow.remote
}

#[test]
fn the_contact_names_the_port_at_the_senders_address() {
    let remote = notified(
        "192.0.2.30:40000",
        "192.0.2.30:5060",
        "sip:bob@192.0.2.30:5060",
    );
    assert_eq!(remote, "192.0.2.30:5060".parse().unwrap());
}

#[test]
fn a_phone_behind_a_nat_is_reached_where_it_came_from() /* FIELD 9 */
{
    let remote = notified("192.0.2.30:40000", "10.0.0.5:5060", "sip:bob@10.0.0.5:5060");
    assert_eq!(remote, "192.0.2.30:40000".parse().unwrap());
}

#[test]
fn a_trusted_contact_elsewhere_is_followed() {
    let remote = notified(
        "192.0.2.30:5060",
        "192.0.2.30:5060",
        "sip:bob@192.0.2.31:5070",
    );
    assert_eq!(remote, "192.0.2.31:5070".parse().unwrap());
}

#[test]
fn a_contact_of_a_third_party_is_never_sent_to() /* N41 B01 */
{
    let remote = notified(
        "192.0.2.30:5060",
        "192.0.2.30:5060",
        "sip:victim@198.51.100.9",
    );
    assert_eq!(remote, "192.0.2.30:5060".parse().unwrap());
}

#[test]
fn a_contact_with_a_name_is_reached_where_it_came_from() {
    let remote = notified(
        "192.0.2.30:5066",
        "192.0.2.30:5066",
        "sip:bob@phone.example",
    );
    assert_eq!(remote, "192.0.2.30:5066".parse().unwrap());
}

#[test]
fn a_victim_gets_one_request_and_no_more() /* N41 B01 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let more = "Contact: <sip:victim@192.0.2.200>\r\nEvent: presence\r\n";
    let mut sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", more)).len() - 1;
    for press in 0..20 {
        sent += f.input(Input::Dnd(press % 2 == 0)).len();
    }
    sent += f.run(Duration::from_secs(100)).len();
    assert_eq!(sent, 1);
    assert!(f.agent.notifier.is_empty());
}

#[test]
fn a_target_that_answers_is_told_like_any_other() /* B01 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let more = "Contact: <sip:bob@192.0.2.200>\r\nEvent: presence\r\n";
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", more));
    assert_eq!(f.input(Input::Dnd(true)), [], "one at a time");
    let there = "192.0.2.200:5060".parse().unwrap();
    assert_eq!(sent[1].flow.remote, there);
    let next = f.send_from(there, &sent[1].answer("200 OK"));
    assert_eq!(basic(&next[0]), Some(Basic::Closed));
    assert_eq!(f.run(Duration::from_secs(2)).len(), 2, "sent again");
}

#[test]
fn nobody_reaches_what_listens_on_our_loopback_or_ourselves() /* ATTACKS B01 B04 */
{
    for contact in [
        "127.0.0.1:7777",
        "127.8.0.1",
        "192.0.2.1:5060",
        "[::1]:7777",
    ] {
        for line in [
            "Contact: <sip:x@C>",
            "Record-Route: <sip:C;lr>\r\nContact: <sip:x@192.0.2.30>",
        ] {
            let mut f = Fixture::with(|settings| {
                for network in ["127.0.0.0/8", "::1/128"] {
                    settings
                        .trusted
                        .push(Network::parse(network).unwrap())
                        .unwrap();
                }
            });
            let mut phone = Phone::new("bob", "presence");
            phone.address = "192.0.2.30:5060".parse().unwrap();
            let line = line
                .replace('C', "\0")
                .replace("\0ontact", "Contact")
                .replace('\0', contact);
            let more = format!("{line}\r\nEvent: presence\r\n");
            let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", &more));
            assert_eq!(sent[0].status(), 200, "{line}");
            assert_eq!(sent[1].flow.remote, phone.address, "{line}");
        }
    }
    for contact in [
        "0.0.0.0",
        "224.0.0.1",
        "192.0.2.30:0",
        "[::]",
        "255.255.255.255",
    ] {
        let mut f = Fixture::new();
        let phone = Phone::new("bob", "presence");
        let more = format!("Contact: <sip:x@{contact}>\r\nEvent: presence\r\n");
        let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", &more));
        assert_eq!((sent.len(), sent[0].status()), (1, 400), "{contact}");
    }
}

#[test]
fn who_is_on_this_host_reaches_its_own_ports() {
    let mut f = Fixture::with(|settings| {
        settings
            .trusted
            .push(Network::parse("127.0.0.0/8").unwrap())
            .unwrap();
    });
    let mut phone = Phone::new("bob", "presence");
    phone.address = "127.0.0.1:40000".parse().unwrap();
    let more = "Contact: <sip:x@127.0.0.2:7777>\r\nEvent: presence\r\n";
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", more));
    assert_eq!(sent[1].flow.remote, "127.0.0.2:7777".parse().unwrap());
}

/// A long document goes by TCP to whoever asked, and nowhere else before it was heard of there.
#[test]
fn no_connection_is_opened_to_where_nobody_was_heard() /* ATTACKS B01 */
{
    for (contact, transport) in [
        ("192.0.2.200", Transport::Udp),
        ("192.0.2.30", Transport::Tcp),
    ] {
        let mut f = Fixture::new();
        f.input(Input::Note(Text::copied(&"\"".repeat(128)).unwrap()));
        let mut phone = Phone::new("bob", "presence");
        phone.address = "192.0.2.30:5060".parse().unwrap();
        let route = format!("<sip:{};lr>", "r".repeat(150));
        let more = format!(
            "Contact: <sip:{}@{contact}>\r\nRecord-Route: <sip:{contact};lr>, {route}\r\n\
             Event: presence\r\n",
            "x".repeat(90)
        );
        let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", &more));
        assert!(sent[1].text.len() > 1_300, "{}", sent[1].text.len());
        assert_eq!(sent[1].flow.transport, transport);
    }
}

/// A shell that stops sending for a while, to read what has come.
#[test]
fn an_answer_comes_before_the_rest_of_what_watchers_are_told() {
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    f.watching("ann", "presence");
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    let mut buf = std::vec![0; limits::MESSAGE];
    assert_eq!(f.agent.poll_answer(&mut buf), None, "nobody asked");
    let first = f.agent.poll(f.now, &mut buf);
    assert!(matches!(first, Output::Send { .. }), "{first:?}");
    assert!(buf.starts_with(b"NOTIFY "));
    let due = f.agent.due();
    for number in 0..3 {
        let remote = SocketAddr::new("192.0.2.40".parse().unwrap(), 5_060 + number);
        let flow = Flow::udp(LOCAL.parse().unwrap(), remote);
        let options = phone.bare_request("OPTIONS", "");
        f.agent
            .handle_datagram(f.moment(), flow, options.as_bytes());
        let answer = f.agent.poll_answer(&mut buf);
        assert_eq!(answer.map(|(flow, _)| flow.remote), Some(remote));
        assert!(buf.starts_with(b"SIP/2.0 200 "));
        assert_eq!(f.agent.poll_answer(&mut buf), None, "said once");
    }
    assert_eq!(f.agent.due(), due);
    let rest = f.drain();
    assert_eq!(rest.len(), 1, "the other watcher");
    assert!(rest[0].text.starts_with("NOTIFY "));
}

//! Where NOTIFYs go: back to who asked, and never to a third party.

use super::*;

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
fn a_victim_gets_no_more_than_one_request_and_its_repetitions() /* N41 B01 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let more = "Contact: <sip:victim@192.0.2.200>\r\nEvent: presence\r\n";
    let mut sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", more)).len() - 1;
    for press in 0..20 {
        sent += f.input(Input::Dnd(press % 2 == 0)).len();
    }
    sent += f.run(Duration::from_secs(100)).len();
    assert_eq!(sent, 11);
    assert!(f.agent.notifier.is_empty());
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

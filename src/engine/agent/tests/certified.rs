//! Peers with a certificate (RFC 5922 §7): who they are to rules and owners, and who they are not.

use super::*;
use crate::engine::config::{Demand, Rule, Then, Who};
use crate::ground::limits::CERTIFIED;
use crate::users::policy::Direction;
use crate::wire::flow::{End, Transport};
use crate::wire::sip::Uri;

/// Where a phone says to be from.
const HOST: &str = "192.0.2.9";

/// A phone outside the trusted network, and its connection.
fn away(name: &str, number: u32) -> (Phone, Flow) {
    let mut phone = Phone::new(name, "presence");
    phone.address = "198.51.100.7:5070".parse().expect("an address");
    let flow = Flow {
        transport: Transport::Tls,
        ..Flow::tcp(LOCAL.parse().expect("an address"), phone.address, number)
    };
    (phone, flow)
}

/// Says who is in from the left, and nobody else.
fn only(settings: &mut Settings, who: &str) {
    for (name, then) in [
        (Who::User(Text::copied(who).expect("short")), Then::Allow),
        (Who::Everyone, Then::Block),
    ] {
        let at = settings.rules.names.len() as u8;
        settings.rules.names.push(name).expect("room");
        let rule = Rule {
            then,
            ..Rule::new(Direction::In, (at, at + 1))
        };
        settings.rules.list.push(rule).expect("room");
    }
}

/// Under which name a message from there comes.
fn name<'f>(f: &'f Fixture, flow: &Flow, from: &Uri<'_>) -> Option<&'f str> {
    f.agent.certified.peer(flow)?.name(from)
}

impl Fixture {
    #[track_caller]
    fn status_on(&mut self, flow: Flow, text: &str) -> u16 {
        let moment = self.moment();
        self.agent.handle_datagram(moment, flow, text.as_bytes());
        self.drain().first().expect("an answer").status()
    }

    fn certify(&mut self, flow: Flow, names: &[&str]) {
        let names = names.iter().copied();
        self.agent.handle_certificate(flow.connection, names);
    }
}

#[test]
fn a_certificate_lets_in_who_speaks_under_its_name_on_its_connection() /* X15 */
{
    let mut f = Fixture::new();
    let (phone, flow) = away("bob", 1);
    assert_eq!(f.status_on(flow, &phone.subscribe(600)), 403);
    f.certify(flow, &["other.example", HOST]);
    assert_eq!(f.status_on(flow, &phone.subscribe(600)), 200);
    // Another connection of the same address, and what says to be from elsewhere.
    let (mut other, beside) = away("eve", 2);
    assert_eq!(f.status_on(beside, &other.subscribe(600)), 403);
    let foreign = other.subscribe(600).replace(HOST, "pbx.example");
    assert_eq!(f.status_on(flow, &foreign), 403);
    // The end of the connection is the end of it.
    let moment = f.moment();
    f.agent.handle_disconnected(moment, &flow, End::Closed);
    f.drain();
    other.address = phone.address;
    assert_eq!(f.status_on(flow, &other.subscribe(600)), 403);
}

#[test]
fn rules_and_owners_name_certificates_as_they_name_users() {
    let mut f = Fixture::with(|settings| only(settings, "bob@192.0.2.9"));
    let (phone, flow) = away("bob", 1);
    let ask = phone.subscribe(600);
    f.certify(flow, &[HOST]);
    assert_eq!(f.status_on(flow, &ask), 403, "a host is not its user");
    f.certify(flow, &["bob@192.0.2.9"]);
    for other in [
        "sip:eve@192.0.2.9",
        "sip:bob%40x@192.0.2.9",
        "sip:192.0.2.9",
    ] {
        let from = Uri::parse(other.as_bytes()).expect("a URI");
        assert_eq!(name(&f, &flow, &from), None, "{other}");
    }
    let again = ask.replace("z9hG4bK", "z9hG4bKx");
    assert_eq!(f.status_on(flow, &again), 200);
}

/// RFC 5630 §5.1.1 would have no `transport=tls`; without it nobody finds the way back.
#[test]
fn our_contact_leads_back_over_tls_and_is_as_secure_as_the_dialog() /* R16, in part */
{
    for (scheme, contact) in [
        ("sip", "<sip:desk@192.0.2.1:5060;transport=tls;gr>"),
        ("sips", "<sips:desk@192.0.2.1:5060;gr>"),
    ] {
        let mut f = Fixture::new();
        let (phone, flow) = away("bob", 1);
        f.certify(flow, &[HOST]);
        let ask = phone.subscribe(600);
        let ask = ask.replace("sip:desk@", &format!("{scheme}:desk@"));
        let ask = ask.replace("Contact: <sip:", &format!("Contact: <{scheme}:"));
        let moment = f.moment();
        f.agent.handle_datagram(moment, flow, ask.as_bytes());
        let sent = f.drain();
        assert_eq!((sent.len(), sent[0].status()), (2, 200), "{sent:#?}");
        for message in &sent {
            assert_eq!(message.header("Contact"), Some(contact));
        }
    }
}

#[test]
fn names_without_room_count_for_nothing() {
    let mut f = Fixture::new();
    let (_, flow) = away("bob", 1);
    let long = "x".repeat(CERTIFIED);
    f.certify(flow, &[&long, "a.example"]);
    let from = Uri::parse(b"sip:bob@a.example").expect("a URI");
    assert_eq!(name(&f, &flow, &from), None);
    f.certify(flow, &["a.example", &long, "b.example"]);
    assert_eq!(name(&f, &flow, &from), Some("a.example"));
    // All of its connections, and then some.
    for number in 2..=2 * crate::ground::limits::CONNECTIONS as u32 {
        f.certify(
            Flow {
                connection: number,
                ..flow
            },
            &["b.example"],
        );
    }
    assert_eq!(name(&f, &flow, &from), Some("a.example"));
}

#[test]
fn a_certificate_needs_no_password() /* X15 */
{
    let mut f = Fixture::with(|settings| settings.authentication.demand = Demand::Always);
    let (phone, flow) = away("bob", 1);
    assert_eq!(f.status_on(flow, &phone.subscribe(600)), 401);
    f.certify(flow, &[HOST]);
    let again = phone.subscribe(600).replace("z9hG4bK", "z9hG4bKy");
    assert_eq!(f.status_on(flow, &again), 200);
}

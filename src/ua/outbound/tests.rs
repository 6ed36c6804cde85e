//! The way through failures, names, connections and long requests.

use super::*;
use crate::ground::text::Text;

const NOW: Instant = Instant::ZERO;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn server(host: &str, transport: Transport) -> Server {
    let host = Text::copied(host).expect("short");
    let transport = Some(transport);
    Server { host, transport }
}

fn home() -> LocalAddresses {
    let mut addresses = LocalAddresses::new();
    addresses.listen_on(&[address("192.0.2.9:5060").into()]);
    addresses
}

#[track_caller]
fn way(lead: Lead) -> Way {
    match lead {
        Lead::Way(way) => way,
        Lead::Soon | Lead::Nowhere => panic!("no way: {lead:?}"),
    }
}

#[test]
fn what_worked_is_the_way_until_it_fails_or_another_works() {
    let (one, two) = ("192.0.2.1:5060", "192.0.2.2:5060");
    let servers = [one, two].map(|it| server(it, Transport::Udp));
    let mut outbound = Outbound::new(&Account::new(), &servers);
    let addresses = home();
    let first = way(outbound.lead(NOW, &addresses));
    assert_eq!(way(outbound.proven(NOW, &addresses)), first);
    assert!(outbound.settle(&first) && !outbound.settle(&first));
    // The server fails: what worked there is no way any more.
    assert!(outbound.fail());
    let second = way(outbound.proven(NOW, &addresses));
    assert_eq!(second.flow.remote, address(two));
    assert!(outbound.settle(&second));
    // A look at the first one is nobody else's affair.
    outbound.go_home();
    assert_eq!(way(outbound.lead(NOW, &addresses)), first);
    assert_eq!(way(outbound.proven(NOW, &addresses)), second);
    outbound.fail();
    assert_eq!(way(outbound.proven(NOW, &addresses)), second);
    outbound.go_home();
    assert!(outbound.settle(&first));
    assert_eq!(way(outbound.proven(NOW, &addresses)), first);
}

#[test]
fn what_worked_has_its_own_name_inside_tls() /* X14 */
{
    let (one, two) = ("192.0.2.1:5061", "192.0.2.2:5061");
    let servers = [one, two].map(|it| server(it, Transport::Tls));
    let mut outbound = Outbound::new(&Account::new(), &servers);
    let addresses = home();
    assert!(outbound.fail());
    let second = way(outbound.lead(NOW, &addresses));
    assert_eq!(outbound.name_at(address(two)), Some("192.0.2.2"));
    assert!(outbound.settle(&second));
    outbound.go_home();
    let _ = outbound.lead(NOW, &addresses);
    assert_eq!(outbound.name_at(address(one)), Some("192.0.2.1"));
    assert_eq!(outbound.name_at(address(two)), Some("192.0.2.2"));
    assert_eq!(outbound.name_at(address("192.0.2.3:5061")), None);
}

#[test]
fn a_connection_is_shared_as_long_as_it_lasts() {
    let servers = [server("192.0.2.1", Transport::Tcp)];
    let mut outbound = Outbound::new(&Account::new(), &servers);
    let addresses = home();
    let opened = way(outbound.lead(NOW, &addresses));
    let flow = Flow {
        connection: 7,
        ..opened.flow
    };
    outbound.handle_connected(&flow);
    assert!(outbound.settle(&opened));
    assert_eq!(way(outbound.proven(NOW, &addresses)).flow, flow);
    assert!(!outbound.handle_disconnected(&opened.flow), "another one");
    assert!(outbound.handle_disconnected(&flow));
    let next = way(outbound.proven(NOW, &addresses));
    assert_eq!(next.flow, opened.flow);
    assert!(next.is_same(&opened) && next.of_long(2_000).is_none());
}

#[test]
fn a_name_is_asked_for_once_and_its_port_kept() {
    let servers = [server("pbx.example:5070", Transport::Tcp)];
    let mut outbound = Outbound::new(&Account::new(), &servers);
    let addresses = home();
    assert_eq!(outbound.remote(), None);
    assert!(!outbound.take_question(1), "nobody wants to go there");
    assert_eq!(outbound.proven(NOW, &addresses), Lead::Soon);
    assert_eq!(outbound.due(), Some(NOW + RESOLVE));
    assert!(outbound.take_question(1) && !outbound.take_question(2));
    assert!(outbound.awaits(1) && !outbound.awaits(2));
    let name = outbound.name().expect("a name");
    assert_eq!(
        (name.port, name.transport),
        (Some(5_070), Some(Transport::Tcp))
    );
    let place = |text| Target {
        transport: Transport::Tcp,
        address: address(text),
    };
    assert!(!outbound.resolve(&[]) && !outbound.resolve(&[place("0.0.0.0:1")]));
    assert!(outbound.resolve(&[place("192.0.2.1:5070")]));
    let way = way(outbound.lead(NOW, &addresses));
    assert_eq!(way.flow.remote, address("192.0.2.1:5070"));
    assert!(!outbound.awaits(1) && outbound.due().is_none());
}

#[test]
fn a_long_request_leaves_datagrams_but_its_contact_does_not() {
    let servers = [server("192.0.2.1", Transport::Udp)];
    let mut outbound = Outbound::new(&Account::new(), &servers);
    let addresses = home();
    let short = way(outbound.lead(NOW, &addresses));
    assert_eq!(short.of_long(LONGEST_DATAGRAM), None);
    let long = short.of_long(LONGEST_DATAGRAM + 1).expect("by TCP");
    assert_eq!(long.flow.transport, Transport::Tcp);
    assert_eq!(long.contact().transport, Transport::Udp);
    assert!(long.is_beside(&short) && long.of_long(9_000).is_none());
    assert!(outbound.settle(&long));
    assert_eq!(way(outbound.proven(NOW, &addresses)).flow, short.flow);
    outbound.refuse_streams(address("192.0.2.2:5060"));
    assert_eq!(way(outbound.proven(NOW, &addresses)).long, Long::MayMove);
    outbound.refuse_streams(address("192.0.2.1:5060"));
    assert_eq!(way(outbound.proven(NOW, &addresses)).of_long(9_000), None);
    outbound.leave();
    assert_eq!(way(outbound.proven(NOW, &addresses)).long, Long::MayMove);
}

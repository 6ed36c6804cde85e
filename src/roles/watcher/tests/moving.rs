//! Watches that go an account's way, wherever it leads, and requests too long for a datagram.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::time::Duration;
use crate::wire::sip::Status;
use std::format;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);
const SECOND_SERVER: &str = "192.0.2.2:5060";

/// An order with the account.
fn through_account(target: &str) -> super::super::Order<'_> {
    super::super::Order {
        account: Some(0),
        ..order(target)
    }
}

/// A stream of ours to a server.
fn stream(server: &str, connection: u32) -> Flow {
    Flow::tcp(address(LOCAL), address(server), connection)
}

/// A watch through the account over a stream, told "on the phone".
fn told_over_a_stream() -> Fixture {
    let mut f = Fixture::new();
    f.lead_to(stream(SERVER, 7));
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_one(3 * SECOND);
    f.establish("peer", "confirmed");
    f
}

#[test]
fn a_watch_goes_the_way_of_its_account() {
    let f = told_over_a_stream();
    let sent = f.last();
    assert_eq!(sent.flow, stream(SERVER, 7));
    assert!(sent.header("Via").starts_with("SIP/2.0/TCP "));
    assert_eq!(
        sent.header("Contact"),
        "<sip:desk@192.0.2.9:5060;transport=tcp;gr>"
    );
    assert_eq!(f.report().remote, Some(address(SERVER)));
}

#[test]
fn what_goes_by_a_stream_is_sent_once() {
    let mut f = Fixture::new();
    f.lead_to(stream(SERVER, 7));
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_one(3 * SECOND);
    f.expect_silence(31 * SECOND);
}

#[test]
fn at_another_server_a_subscription_begins_anew_at_once() /* R13 */
{
    let mut f = told_over_a_stream();
    let first = f.last();
    f.lead_to(Flow::udp(address(LOCAL), address(SECOND_SERVER)));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, true));
    assert_eq!(f.report().last_reason, "another server");
    let sent = f.expect_one(2 * SECOND);
    assert_eq!(sent.to, address(SECOND_SERVER));
    assert!(sent.is_first() && sent.header("Via").starts_with("SIP/2.0/UDP "));
    assert_ne!(sent.header("Call-ID"), first.header("Call-ID"));
    let text = calls(0, "full", "");
    let notify = sent.notify("other", 1, "active", &dialog_info(&text));
    assert_eq!(f.notify_from(&notify, SECOND_SERVER, false), Ok(()));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Idle, false));
    // The one before is told that it may stop.
    let late = first.notify("peer", 2, "active", &dialog_info(&text));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
}

#[test]
fn an_attempt_at_a_server_that_was_left_is_not_waited_for() {
    let mut f = Fixture::new();
    f.add(&through_account("sip:bob@pbx.example"));
    assert_eq!(f.expect_one(3 * SECOND).to, address(SERVER));
    f.lead_to(Flow::udp(address(LOCAL), address(SECOND_SERVER)));
    assert_eq!(f.expect_one(Duration::ZERO).to, address(SECOND_SERVER));
}

#[test]
fn an_attempt_that_goes_the_same_way_goes_on() {
    let mut f = Fixture::new();
    f.lead_to(stream(SERVER, 0));
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_one(3 * SECOND);
    // It has joined the connection that the account has had since.
    f.lead_to(stream(SERVER, 7));
    f.expect_silence(10 * SECOND);
}

#[test]
fn a_watch_that_waits_tries_the_new_server_at_once() {
    let mut f = Fixture::new();
    f.add(&through_account("sip:bob@pbx.example"));
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 403, "");
    f.expect_silence(40 * SECOND);
    f.lead_to(Flow::udp(address(LOCAL), address(SECOND_SERVER)));
    assert_eq!(f.expect_one(2 * SECOND).to, address(SECOND_SERVER));
}

#[test]
fn at_the_same_server_a_subscription_is_refreshed_with_the_new_contact() /* R11 */
{
    let mut f = Fixture::active();
    f.add(&through_account("sip:bob@pbx.example"));
    let first = f.expect_one(3 * SECOND);
    f.establish("peer", "");
    // The server sees us elsewhere.
    f.accounts
        .addresses
        .see(address(SERVER), address("203.0.113.9:40000"));
    f.lead_to(Flow::udp(address(LOCAL), address(SERVER)));
    assert!(!f.is_broken());
    let sent = f.expect_one(2 * SECOND);
    assert_eq!(sent.header("Call-ID"), first.header("Call-ID"));
    assert!(!sent.is_first());
    assert_eq!(sent.header("Contact"), "<sip:desk@203.0.113.9:40000;gr>");
    f.answer(&sent, 200, "");
    f.tell("peer", 2, "");
    f.lead_to(Flow::udp(address(LOCAL), address(SERVER)));
    f.expect_silence(30 * SECOND);
}

#[test]
fn a_lost_connection_is_followed_by_a_refresh_over_the_next() /* R13 */
{
    let mut f = told_over_a_stream();
    f.disconnect(&stream(SERVER, 6), End::Closed);
    f.disconnect(&stream(SECOND_SERVER, 7), End::Closed);
    f.expect_silence(30 * SECOND);
    f.disconnect(&stream(SERVER, 7), End::Closed);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    // The account has a new one at once.
    f.lead_to(stream(SERVER, 8));
    let sent = f.expect_one(2 * SECOND);
    assert_eq!(sent.flow, stream(SERVER, 8));
    assert!(!sent.is_first());
    f.answer(&sent, 200, "");
    f.tell("peer", 2, "");
    // Nobody has one: a new one is opened within half a minute.
    f.accounts.lead = Lead::Way(Way::of(stream(SERVER, 0), &f.accounts.addresses));
    f.disconnect(&stream(SERVER, 8), End::Closed);
    f.expect_silence(14 * SECOND);
    assert_eq!(f.expect_one(16 * SECOND).flow, stream(SERVER, 0));
}

#[test]
fn what_is_in_flight_on_a_lost_connection_is_not_waited_for() /* T06 */
{
    let mut f = Fixture::new();
    f.lead_to(stream(SERVER, 7));
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_one(3 * SECOND);
    f.disconnect(&stream(SERVER, 7), End::Closed);
    assert_eq!(f.report().last_reason, "unreachable");
    assert_eq!(f.watcher.take_doubted(), Some(0));
    let mut f = told_over_a_stream();
    f.expect_one(300 * SECOND);
    f.disconnect(&stream(SERVER, 7), End::Closed);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, true));
    assert!(!f.expect_one(3 * SECOND).is_first());
}

#[test]
fn a_watch_waits_for_the_name_of_its_accounts_server() {
    let mut f = Fixture::new();
    f.accounts.lead = Lead::Soon;
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_silence(10 * SECOND);
    assert_eq!(f.report().state, "resolving");
    assert!(f.queries.is_empty(), "the account asks");
    f.lead_to(Flow::udp(address(LOCAL), address(SECOND_SERVER)));
    assert_eq!(f.expect_one(Duration::ZERO).to, address(SECOND_SERVER));
    // It is given up, and looked at again.
    let mut f = Fixture::new();
    f.accounts.lead = Lead::Soon;
    f.add(&through_account("sip:bob@pbx.example"));
    f.expect_silence(41 * SECOND);
    assert_eq!(f.report().last_reason, "name not found");
    f.accounts.lead = Lead::Way(Way::of(stream(SERVER, 7), &f.accounts.addresses));
    f.expect_one(4 * SECOND);
}

#[test]
fn an_account_hears_of_a_server_that_does_not_answer_or_has_forgotten() {
    let mut f = Fixture::new();
    f.add(&through_account("sip:bob@pbx.example"));
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 403, "");
    assert_eq!(f.watcher.take_doubted(), None, "it is well");
    f.run(100 * SECOND);
    assert_eq!(f.watcher.take_doubted(), Some(0), "no answer");
    assert_eq!(f.watcher.take_doubted(), None);
    let mut f = told_over_a_stream();
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 481, "");
    assert_eq!(f.watcher.take_doubted(), Some(0), "it was restarted");
    // Who goes his own way says nothing of an account.
    let mut f = Fixture::asking();
    f.run(40 * SECOND);
    assert_eq!(f.report().last_reason, "no answer");
    assert_eq!(f.watcher.take_doubted(), None);
}

#[test]
fn another_address_of_ours_is_told_at_once() {
    let mut f = Fixture::active();
    let old = f.last();
    f.listen(&[LOCAL]);
    f.expect_silence(10 * SECOND);
    f.listen(&["192.0.2.10:5060"]);
    let sent = f.expect_one(2 * SECOND);
    assert_eq!(sent.header("Call-ID"), old.header("Call-ID"));
    assert_eq!(sent.header("Contact"), "<sip:desk@192.0.2.10:5060;gr>");
    // And once more, for what is in flight from there finds no answer.
    f.listen(&["192.0.2.11:5060"]);
    let sent = f.expect_one(2 * SECOND);
    assert_eq!(sent.header("Contact"), "<sip:desk@192.0.2.11:5060;gr>");
    f.answer(&sent, 200, "");
    f.tell("peer", 2, "");
    let mut f = Fixture::asking();
    f.listen(&["192.0.2.10:5060"]);
    let sent = f.expect_one(Duration::ZERO);
    assert!(
        sent.header("Via")
            .starts_with("SIP/2.0/UDP 192.0.2.10:5060;")
    );
}

/// A SUBSCRIBE of more than 1,300 bytes.
fn long() -> (String, String) {
    let name = |letter: &str, host: &str| {
        let room = limits::URI - 5 - host.len();
        format!("sip:{}@{host}", letter.repeat(room))
    };
    (name("b", "192.0.2.1"), name("d", "192.0.2.9"))
}

#[test]
fn a_long_subscribe_goes_by_tcp_and_back_where_that_is_refused() /* X01 */
{
    let (target, from) = long();
    let mut f = Fixture::ordered(&super::super::Order {
        from: &from,
        ..order(&target)
    });
    let sent = f.expect_one(3 * SECOND);
    assert!(sent.text.len() > 1_300 && sent.header("Via").starts_with("SIP/2.0/TCP "));
    assert_eq!(sent.flow, stream(SERVER, 0));
    assert!(!sent.header("Contact").contains("transport"));
    f.expect_silence(5 * SECOND);
    f.disconnect(&stream(SERVER, 0), End::Refused);
    let again = f.expect_one(Duration::ZERO);
    assert_eq!(again.flow, Flow::udp(address(LOCAL), address(SERVER)));
    assert_eq!(again.seq(), sent.seq() + 1);
    assert_eq!(again.header("Call-ID"), sent.header("Call-ID"));
    f.establish("peer", "");
    // From then on it stays with datagrams.
    let refresh = f.expect_one(300 * SECOND);
    assert_eq!(refresh.flow, Flow::udp(address(LOCAL), address(SERVER)));
}

#[test]
fn a_long_refresh_goes_by_tcp_and_back_where_that_is_refused() /* X01 */
{
    let (target, from) = long();
    let mut f = Fixture::ordered(&super::super::Order {
        from: &from,
        ..order(&target)
    });
    let first = f.expect_one(3 * SECOND);
    f.answer(&first, 200, "Expires: 300\r\n");
    f.disconnect(&stream(SERVER, 9), End::Closed);
    let text = calls(0, "full", "");
    let notify = first.notify("peer", 1, "active;expires=300", &dialog_info(&text));
    f.notify_ok(&notify.replace(&format!("<sip:{SERVER}>"), &format!("<{target}>")));
    let refresh = f.expect_one(300 * SECOND);
    assert_eq!(refresh.flow, stream(SERVER, 0));
    assert!(!refresh.is_first());
    f.disconnect(&stream(SERVER, 0), End::Refused);
    let again = f.expect_one(Duration::ZERO);
    assert_eq!(again.flow, Flow::udp(address(LOCAL), address(SERVER)));
    assert_eq!(again.seq(), refresh.seq() + 1);
    f.answer(&again, 200, "");
    f.tell("peer", 2, "");
    assert!(!f.is_broken());
    assert_eq!(f.expect_one(300 * SECOND).flow.transport, Transport::Udp);
}

#[test]
fn a_long_subscribe_to_who_takes_no_connections_and_is_silent_fails() /* X01 T06 */
{
    let (target, from) = long();
    let mut f = Fixture::ordered(&super::super::Order {
        from: &from,
        ..order(&target)
    });
    f.expect_one(3 * SECOND);
    f.disconnect(&stream(SERVER, 0), End::Silent);
    assert_eq!(f.report().last_reason, "unreachable");
    let again = f.expect_one(4 * SECOND);
    assert_eq!(again.flow.transport, Transport::Udp);
}

//! Names that lead to several places: from one that fails to the next, and back to the best.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::ua::targets::Target;
use crate::wire::flow::Transport;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The best place, and the spare one.
const BEST: &str = "192.0.2.7:5060";
const SPARE: &str = SERVER;

/// A watch of a name that leads to both, whose first SUBSCRIBE is out.
fn asking() -> (Fixture, Sent) {
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    let query = f.next_query(3 * SECOND);
    resolve(&mut f, query);
    let sent = f.expect_one(SECOND);
    assert_eq!(sent.to, address(BEST));
    (f, sent)
}

fn resolve(f: &mut Fixture, query: crate::ua::query::Query) {
    let found = [BEST, SPARE].map(place);
    f.watcher
        .handle_resolved(f.now, query, &found, &mut f.random);
}

/// The next SUBSCRIBE; names are answered meanwhile.
#[track_caller]
fn next(f: &mut Fixture, within: Duration) -> Sent {
    let end = f.now + within;
    loop {
        if let Some(sent) = f.next(Duration::from_millis(10)) {
            return sent;
        }
        assert!(f.now < end, "nothing was sent within {within:?}");
        while let Some(query) = f.queries.pop() {
            resolve(f, query);
        }
    }
}

/// A watch that stands at the spare place.
fn at_the_spare() -> Fixture {
    let (mut f, sent) = asking();
    f.bounce(&sent);
    let sent = next(&mut f, SECOND);
    assert_eq!(sent.to, address(SPARE));
    f.establish("peer", "");
    f
}

#[test]
fn the_next_place_is_asked_at_once() /* T20 */
{
    for failure in ["silence", "503", "503 later", "500", "unreachable"] {
        let (mut f, sent) = asking();
        match failure {
            "silence" => {
                let again = f.run(32 * SECOND - Duration::from_millis(1));
                assert!(again.iter().all(|it| it.text == sent.text));
            }
            "503" => f.answer(&sent, 503, ""),
            "503 later" => f.answer(&sent, 503, "Retry-After: 1000\r\n"),
            "500" => f.answer(&sent, 500, ""),
            _ => f.bounce(&sent),
        }
        let second = next(&mut f, Duration::from_millis(100));
        assert_eq!(second.to, address(SPARE), "{failure}");
        assert_ne!(second.branch(), sent.branch());
        assert_ne!(second.header("Call-ID"), sent.header("Call-ID"));
        f.establish("peer", "");
        assert_eq!((f.watched(), f.is_broken()), (Watched::Idle, false));
    }
}

#[test]
fn a_refusal_is_no_reason_to_ask_elsewhere() {
    let (mut f, sent) = asking();
    f.answer(&sent, 403, "");
    f.expect_silence(40 * SECOND);
}

#[test]
fn when_all_places_fail_it_begins_again_with_the_best_later() /* T20 */
{
    let (mut f, sent) = asking();
    f.bounce(&sent);
    let sent = next(&mut f, SECOND);
    f.bounce(&sent);
    f.expect_silence(SECOND);
    assert_eq!(next(&mut f, 5 * SECOND).to, address(BEST));
}

#[test]
fn a_server_that_goes_while_it_is_subscribed_is_followed_by_the_next() /* T20 */
{
    for silent in [false, true] {
        let (mut f, sent) = asking();
        f.answer(&sent, 200, "Expires: 300\r\n");
        let text = calls(0, "full", "");
        let notify = sent.notify("peer", 1, "active;expires=300", &dialog_info(&text));
        let notify = notify.replace(SPARE, BEST);
        assert!(f.notify_from(&notify, BEST, false).is_ok());
        let refresh = f.expect_one(300 * SECOND);
        assert_eq!(refresh.to, address(BEST));
        match silent {
            true => drop(f.run(32 * SECOND - Duration::from_millis(1))),
            false => f.bounce(&refresh),
        }
        let next = next(&mut f, 2 * SECOND);
        assert_eq!((next.to, next.is_first()), (address(SPARE), true));
        assert!(f.is_broken(), "until that one tells");
    }
}

#[test]
fn the_best_place_is_looked_at_after_ten_minutes_and_returned_to_when_it_is_back() /* T20 */
{
    let mut f = at_the_spare();
    for answers in [false, true] {
        let end = f.now + 13 * MINUTE;
        let look = loop {
            let sent = next(&mut f, 6 * MINUTE);
            if sent.to == address(BEST) {
                break sent;
            }
            assert!(f.now < end, "it is not looked at");
            f.answer(&sent, 200, "Expires: 300\r\n");
            let text = calls(sent.seq(), "full", "");
            let cseq = sent.seq() + 10;
            f.notify_ok(&sent.notify("peer", cseq, "active;expires=300", &dialog_info(&text)));
        };
        assert_eq!((look.expires(), look.is_first()), (0, true));
        if answers {
            f.answer(&look, 200, "Expires: 0\r\n");
        } else {
            f.bounce(&look);
        }
        assert!(!f.is_broken() && f.watched() == Watched::Idle);
    }
    let sent = next(&mut f, SECOND);
    assert_eq!((sent.to, sent.expires()), (address(BEST), 300));
    assert!(!f.is_broken(), "what was told stays meanwhile");
}

#[test]
fn what_is_spoken_at_a_place_is_what_its_records_say() /* X17 */
{
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    let query = f.next_query(3 * SECOND);
    let found = [Target {
        transport: Transport::Tcp,
        ..place(SERVER)
    }];
    f.watcher
        .handle_resolved(f.now, query, &found, &mut f.random);
    let sent = f.expect_one(SECOND);
    assert_eq!(sent.flow.transport, Transport::Tcp);
    assert!(sent.header("Via").starts_with("SIP/2.0/TCP "));
    assert!(sent.header("Contact").contains(";transport=tcp"));
}

#[test]
fn a_target_that_names_its_transport_is_asked_so() /* X17 */
{
    let mut f = Fixture::ordered(&order("sip:bob@192.0.2.1;transport=tcp"));
    assert_eq!(f.expect_one(3 * SECOND).flow.transport, Transport::Tcp);
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example;transport=tcp"));
    let query = f.next_query(3 * SECOND);
    let name = f.watcher.query(query).expect("a name");
    assert_eq!(name.transport, Some(Transport::Tcp));
}

#[test]
fn a_place_of_a_family_that_we_have_no_address_of_is_passed_over() {
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    f.listen(&[LOCAL]);
    let query = f.next_query(3 * SECOND);
    let found = ["[2001:db8::1]:5060", SERVER].map(place);
    f.watcher
        .handle_resolved(f.now, query, &found, &mut f.random);
    let query = f.next_query(SECOND);
    f.watcher
        .handle_resolved(f.now, query, &found, &mut f.random);
    assert_eq!(f.expect_one(SECOND).to, address(SERVER));
}

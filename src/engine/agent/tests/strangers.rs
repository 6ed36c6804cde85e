//! What somebody outside the trusted networks can do with what he has seen of us, and what everybody is told who asks.

use super::restarts::above;
use super::*;
use crate::engine::config::WatchSettings;
use crate::events::package::Package;
use crate::roles::upstream::Stands;

const EVE: &str = "198.51.100.9:5060";

fn watches(settings: &mut Settings) {
    let target = Text::copied("sip:200@192.0.2.50").unwrap();
    let from = Text::copied(DESK).unwrap();
    let watch = WatchSettings::new(target, from, Package::Dialog);
    settings.watches.push(watch).unwrap();
}

/// A request of a stranger in a dialog that he names by our tag.
fn with_tag(method: &str, tag: &str, more: &str) -> String {
    format!(
        "{method} {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {EVE};branch=z9hG4bKe{method}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:eve@198.51.100.9>;tag=eve\r\nTo: <{DESK}>;tag={tag}\r\n\
         Call-ID: eve\r\nCSeq: 1 {method}\r\nContact: <sip:eve@{EVE}>\r\n{more}\
         Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn the_tag_of_a_subscription_of_ours_opens_nothing_but_notify() /* ATTACKS A08 */
{
    let mut f = Fixture::with(watches);
    let subscribe = f.run(Duration::from_secs(2)).remove(0).1;
    let from = subscribe.header("From").unwrap();
    let tag = from.split_once(";tag=").expect("a tag").1.to_string();
    let active = "Event: dialog\r\nSubscription-State: active\r\n";
    for (method, more, status) in [
        ("OPTIONS", "", 403),
        ("PUBLISH", "Event: presence\r\nExpires: 60\r\n", 403),
        ("REGISTER", "Expires: 60\r\n", 403),
        ("SUBSCRIBE", "Event: presence\r\nExpires: 60\r\n", 403),
        // It belongs to no dialog, and is told so.
        ("NOTIFY", active, 481),
    ] {
        let answers = f.send_from(EVE.parse().unwrap(), &with_tag(method, &tag, more));
        assert_eq!(
            (answers.len(), answers[0].status()),
            (1, status),
            "{method}"
        );
    }
    assert_eq!(f.agent.registrations().count(), 0);
    assert_eq!(f.agent.publications().count(), 0);
}

#[test]
fn the_tag_of_a_watcher_opens_nothing_at_all() /* ATTACKS A08 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "dialog");
    let tag = bob.to_tag.expect("our tag");
    let active = "Event: dialog\r\nSubscription-State: active\r\n";
    for (method, more) in [("NOTIFY", active), ("SUBSCRIBE", "Event: dialog\r\n")] {
        let answers = f.send_from(EVE.parse().unwrap(), &with_tag(method, &tag, more));
        assert_eq!((answers.len(), answers[0].status()), (1, 403), "{method}");
    }
}

#[test]
fn whoever_only_asks_who_is_registered_is_checked_like_others() /* N39 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("desk", "");
    let asks = |more: &str| {
        phone
            .bare_request("REGISTER", more)
            .replace("From: <sip:desk@192.0.2.9>", &format!("From: <{DESK}>"))
    };
    let refused = f.send(&phone, &asks("Require: foo\r\n"));
    assert_eq!(refused[0].status(), 420);
    assert_eq!(refused[0].header("Unsupported"), Some("foo"));
    let told = f.send(&phone, &asks("").replace("z9hG4bK", "z9hG4bKa"));
    assert_eq!(told[0].status(), 200);
}

#[test]
fn options_asks_the_agent_or_somebody_it_serves() /* N34 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "");
    for (uri, status) in [
        ("sip:192.0.2.1", 200),
        (DESK, 200),
        ("sip:nobody@192.0.2.1", 404),
    ] {
        let asks = phone.bare_request("OPTIONS", "");
        let asks = asks.replace(&format!("OPTIONS {DESK} "), &format!("OPTIONS {uri} "));
        assert_eq!(f.send(&phone, &asks)[0].status(), status, "{uri}");
    }
}

#[test]
fn an_account_hears_at_once_that_nobody_is_there() /* R09 */
{
    let mut f = Fixture::with(above(true, false));
    let sent = f.run(Duration::from_secs(2));
    let (_, register) = sent.first().expect("a REGISTER");
    let stands = |f: &Fixture| f.agent.upstreams(f.now).next().map(|it| it.registration);
    assert_eq!(stands(&f), Some(Stands::Waiting));
    let other = "192.0.2.51:5060".parse().unwrap();
    f.agent
        .handle_unreachable(f.moment(), other, register.text.as_bytes());
    assert_eq!(stands(&f), Some(Stands::Waiting), "somebody else");
    f.bounce(register);
    f.drain();
    assert_eq!(stands(&f), Some(Stands::Retrying));
}

#[test]
fn an_error_that_quotes_too_little_or_another_request_means_nothing() /* T06 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true)).remove(0);
    let text = told.text.as_bytes();
    let branch = told.text.find("z9hG4bK").expect("a branch");
    let cut = [0, 8, 28, branch, branch + 27].map(|len| text[..len].to_vec());
    let other = told.text.replacen("z9hG4bKs", "z9hG4bKw", 1).into_bytes();
    let mut guessed = text.to_vec();
    guessed[branch + 27] = if guessed[branch + 27] == b'0' {
        b'1'
    } else {
        b'0'
    };
    let ours = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n".to_vec();
    for quoted in cut.into_iter().chain([other, guessed, ours]) {
        for _ in 0..50 {
            f.agent
                .handle_unreachable(f.moment(), phone.address, &quoted);
        }
    }
    // As ever: the first copy comes after half a second.
    let again = f.run(Duration::from_millis(600));
    assert_eq!((again.len(), again[0].0, &again[0].1), (1, 500, &told));
    f.confirm(&phone, &told);
    assert_eq!(f.agent.notifier.len(), 1);
}

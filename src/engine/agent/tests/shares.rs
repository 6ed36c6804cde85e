//! What one peer may have of the table, and what somebody can do in a dialog that is not its own.

use super::approval::{asking, stranger};
use super::*;
use crate::ground::limits::{SHARE, SHARE_OF_ADDRESS, SUBSCRIPTIONS};

/// Another subscription of a phone, from another port.
fn another(name: &str, host: &str, number: usize) -> Phone {
    let mut phone = Phone::new(name, "presence");
    phone.address = format!("{host}:{}", 6_000 + number).parse().unwrap();
    phone
}

#[track_caller]
fn subscribes(f: &mut Fixture, phone: &Phone, number: usize) -> u16 {
    let text = phone.subscribe(600);
    let text = text
        .replace("call-", &format!("call{number}-"))
        .replace("z9hG4bK", &format!("z9hG4bK{number}x"));
    let sent = f.send(phone, &text);
    if sent[0].status() == 200 {
        f.confirm(phone, &sent[1]);
    } else {
        assert_eq!(sent.len(), 1);
        assert!(sent[0].header("Retry-After").is_some());
    }
    sent[0].status()
}

#[test]
fn one_bad_phone_leaves_the_others_their_places() /* ATTACKS C01 */
{
    let mut f = Fixture::new();
    let good = f.watching("good", "presence");
    let mut had = 0;
    for number in 0..SUBSCRIPTIONS {
        let phone = another("bad", "192.0.2.66", number);
        had += usize::from(subscribes(&mut f, &phone, number) == 200);
    }
    assert_eq!(had, SHARE);
    for number in 0..SUBSCRIPTIONS {
        let phone = another(&format!("bad{number}"), "192.0.2.66", number + 500);
        had += usize::from(subscribes(&mut f, &phone, number + 500) == 200);
    }
    assert_eq!(had, SHARE_OF_ADDRESS);
    let other = another("other", "192.0.2.67", 1);
    assert_eq!(subscribes(&mut f, &other, 2_000), 200);
    // It takes its own old place when it comes again.
    let again = another("bad", "192.0.2.66", 3);
    let before = f.agent.notifier.len();
    assert_eq!(subscribes(&mut f, &again, 3_000), 200);
    assert_eq!(f.agent.notifier.len(), before);
    let mut good = good;
    let text = good.refresh(600);
    assert_eq!(f.send(&good, &text)[0].status(), 200);
    // What is over gives its place back.
    f.run(Duration::from_secs(700));
    let phone = another("bad", "192.0.2.66", 4);
    assert_eq!(subscribes(&mut f, &phone, 4_000), 200);
}

/// ```text
///   bob                  agent                 eve
///    │── SUBSCRIBE ──────►│                     │
///    │◄─── 200, NOTIFY ───│                     │
///    │                    │◄──── SUBSCRIBE ─────│  with all of bob's tags
///    │                    │───────── 403 ──────►│
/// ```
#[test]
fn nobody_takes_over_a_subscription_with_its_tags() /* ATTACKS A08 */
{
    for expires in [600, 0] {
        let mut f = asking();
        let bob = f.watching("bob", "presence");
        let mut eve = bob.clone();
        eve.address = "198.51.100.66:5062".parse().unwrap();
        let text = eve.refresh(expires);
        let sent = f.send(&eve, &text);
        assert_eq!((sent.len(), sent[0].status()), (1, 403), "{sent:#?}");
        let told = f.input(Input::Dnd(true));
        assert_eq!((told.len(), told[0].flow.remote), (1, bob.address));
        assert!(told[0].text.starts_with("NOTIFY sip:bob@192.0.2."));
    }
}

#[test]
fn a_stranger_stays_where_it_subscribed() /* ATTACKS A08 */
{
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    let sent = f.send(&eve, &eve.subscribe(600));
    eve.learn(&sent[0]);
    f.confirm(&eve, &sent[1]);
    let mut mallory = eve.clone();
    mallory.address = "198.51.100.77:5062".parse().unwrap();
    let text = mallory.refresh(0);
    assert_eq!(f.send(&mallory, &text)[0].status(), 403);
    assert_eq!(f.agent.waiting(0), 1);
    // From another port it may be a NAT's doing.
    eve.address.set_port(7_777);
    let text = eve.refresh(600);
    assert_eq!(f.send(&eve, &text)[0].status(), 200);
}

#[test]
fn one_trusted_phone_may_refresh_from_another_address() {
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    bob.address = "192.0.2.250:5062".parse().unwrap();
    let text = bob.refresh(600);
    let sent = f.send(&bob, &text);
    assert_eq!(sent[0].status(), 200);
    assert_eq!(sent[1].flow.remote, bob.address);
}

#[test]
fn a_strangers_address_gets_no_more_than_twice_what_came() /* ATTACKS B01 */
{
    let mut f = asking();
    let eve = stranger("eve", "presence", 1);
    let text = eve.subscribe(600);
    let mut sent: usize = f.send(&eve, &text).iter().map(|it| it.text.len()).sum();
    let later = f.run(Duration::from_secs(100));
    sent += later.iter().map(|(_, it)| it.text.len()).sum::<usize>();
    // This SUBSCRIBE is as short as they come.
    assert!(sent <= text.len() * 4, "{sent} for {}", text.len());
    assert_eq!(later, [], "nothing is sent again");
    assert!(f.agent.notifier.is_empty());
}

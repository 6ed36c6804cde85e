//! Where a watcher is: its Contact, its NAT, its place when it moves.

use super::*;

const PRESENCE: &str = "Event: presence\r\nExpires: 600\r\n";

/// The phone subscribes or refreshes with this Contact.
fn subscribe_at(f: &mut Fixture, phone: &mut Phone, contact: &str) -> StdVec<Sent> {
    phone.cseq += 1;
    let more = format!("Contact: <{contact}>\r\n{PRESENCE}");
    f.send(phone, &phone.bare_request("SUBSCRIBE", &more))
}

/// A phone behind a NAT knows only the address it has there.
fn behind_nat(text: &str, phone: &Phone) -> String {
    let seen = format!("UDP {}", phone.address);
    assert!(text.contains(&seen));
    text.replace(&seen, "UDP 10.0.0.7:5060")
}

#[test]
fn a_port_that_a_contact_names_at_the_senders_address_is_used_even_behind_a_nat() /* N41 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let host = phone.address.ip();
    let more = format!("Contact: <sip:bob@{host}:5099>\r\n{PRESENCE}");
    let text = behind_nat(&phone.bare_request("SUBSCRIBE", &more), &phone);
    let sent = f.send(&phone, &text);
    assert_eq!(sent[1].flow.remote.to_string(), format!("{host}:5099"));
}

#[test]
fn a_contact_elsewhere_counts_only_from_a_sender_without_a_nat() /* N41 B01 */
{
    let elsewhere = "sip:x@192.0.2.77:5060";
    let more = format!("Contact: <{elsewhere}>\r\n{PRESENCE}");
    let phone = Phone::new("bob", "presence");
    let text = phone.bare_request("SUBSCRIBE", &more);
    let mut f = Fixture::new();
    let direct = f.send(&phone, &text);
    assert_eq!(direct[1].flow.remote.to_string(), "192.0.2.77:5060");
    let mut f = Fixture::new();
    let behind = f.send(&phone, &behind_nat(&text, &phone));
    assert_eq!(behind[1].flow.remote, phone.address);
}

#[test]
fn nobody_at_one_address_is_no_news_of_another() /* T06 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let carol = f.watching("carol", "presence");
    let told = f.input(Input::Dnd(true));
    assert_eq!(told.len(), 2);
    let his = told.iter().find(|it| it.flow.remote == bob.address);
    f.bounce(his.expect("a NOTIFY for bob"));
    let next: StdVec<_> = f.run(Duration::from_millis(600));
    let to = |phone: &Phone| next.iter().any(|(_, it)| it.flow.remote == phone.address);
    assert!(to(&carol), "hers goes on: {next:#?}");
    assert!(!to(&bob), "his waits: {next:#?}");
}

#[test]
fn a_watcher_that_moves_for_ever_takes_no_more_than_its_place() /* N38 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    for round in 0..limits::SUBSCRIPTIONS * 40 {
        let sent = subscribe_at(&mut f, &mut bob, &format!("sip:bob{round}@192.0.2.66:5062"));
        assert_eq!(sent[0].status(), 200, "round {round}");
        f.send_from(sent[1].flow.remote, &sent[1].answer("200 OK"));
        f.run(Duration::from_secs(33));
    }
    assert_eq!(f.agent.notifier.len(), 1);
    // And a device that comes anew is still found among the others.
    let mut carol = f.watching("carol", "presence");
    f.agent.notifier.leave_room(Some(0));
    carol.to_tag = None;
    carol.name = "again".to_string();
    let at = format!("sip:carol@{}", carol.address);
    assert_eq!(subscribe_at(&mut f, &mut carol, &at)[0].status(), 200);
    assert_eq!(f.agent.notifier.len(), 2);
}

#[test]
fn a_notify_that_gets_through_ends_the_row_of_failures() /* N28 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let mut told = f.input(Input::Dnd(true)).remove(0);
    for round in 0..6 {
        f.bounce(&told);
        let again = f.run(Duration::from_secs(5));
        assert_eq!(again[0].0, 4_000, "round {round}: the first wait each time");
        told = again[0].1.clone();
        f.send(&bob, &told.answer("200 OK"));
        told = f.input(Input::Dnd(round % 2 == 1)).pop().unwrap_or(told);
        f.run(Duration::from_secs(6));
    }
    assert!(told.is_notify());
    assert_eq!(f.agent.notifier.len(), 1);
}

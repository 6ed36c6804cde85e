//! An agent that stops: everybody is told, and it is over when all have heard.

use super::restarts::above;
use super::*;
use crate::engine::config::WatchSettings;
use crate::events::package::Package;

const PBX: &str = "192.0.2.50:5060";
const SECOND: Duration = Duration::from_secs(1);

fn watches(settings: &mut Settings) {
    let target = Text::copied("sip:200@192.0.2.50").unwrap();
    let from = Text::copied(DESK).unwrap();
    let watch = WatchSettings::new(target, from, Package::Dialog);
    settings.watches.push(watch).unwrap();
}

/// The PBX grants a request; the first NOTIFY of a subscription comes with it.
fn grant(f: &mut Fixture, sent: &Sent) -> StdVec<Sent> {
    let expires = sent.header("Expires").unwrap_or("0").to_string();
    let contact = sent.header("Contact").unwrap_or_default();
    let more = format!("Contact: {contact};expires={expires}\r\nExpires: {expires}\r\n");
    let answer = sent.answer(&format!("200 OK\r\n{more}"));
    f.send_from(PBX.parse().unwrap(), &answer)
}

#[test]
fn an_agent_that_was_not_told_to_stop_never_has() {
    let f = Fixture::new();
    assert!(!f.agent.is_stopped());
}

#[test]
fn an_agent_with_nobody_to_tell_has_stopped_at_once() {
    let mut f = Fixture::new();
    f.agent.stop(f.now);
    f.drain();
    assert!(f.agent.is_stopped());
}

#[test]
fn it_waits_for_its_watchers() /* N27 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    f.agent.stop(f.now);
    let last = f.drain();
    let state = last[0].header("Subscription-State");
    assert!(state.is_some_and(|it| it.starts_with("terminated;reason=deactivated")));
    assert!(!f.agent.is_stopped());
    f.send(&bob, &last[0].answer("200 OK"));
    assert!(f.agent.is_stopped());
}

#[test]
fn it_waits_for_its_own_subscriptions() /* S21 */
{
    let mut f = Fixture::with(watches);
    let subscribe = f.run(2 * SECOND).remove(0).1;
    grant(&mut f, &subscribe);
    let notify = notify(&subscribe, "active;expires=600");
    f.send_from(PBX.parse().unwrap(), &notify);
    f.agent.stop(f.now);
    let last = f.drain();
    assert_eq!(last[0].header("Expires"), Some("0"), "{last:#?}");
    assert!(!f.agent.is_stopped());
    grant(&mut f, &last[0]);
    let notify = notify_at(&last[0], "terminated;reason=timeout", 2);
    f.send_from(PBX.parse().unwrap(), &notify);
    assert!(f.agent.is_stopped());
}

#[test]
fn it_waits_for_its_registration() /* R12 */
{
    let mut f = Fixture::with(above(true, false));
    let register = f.run(2 * SECOND).remove(0).1;
    grant(&mut f, &register);
    f.agent.stop(f.now);
    let last = f.drain();
    assert!(last[0].text.starts_with("REGISTER "), "{last:#?}");
    assert!(last[0].text.contains("expires=0") || last[0].header("Expires") == Some("0"));
    assert!(!f.agent.is_stopped());
    grant(&mut f, &last[0]);
    assert!(f.agent.is_stopped());
}

#[test]
fn nobody_registers_or_watches_while_it_stops() {
    let mut f = Fixture::new();
    f.agent.stop(f.now);
    let phone = Phone::new("desk", "presence");
    let own = |text: String| text.replace("From: <sip:desk@192.0.2.9>", &format!("From: <{DESK}>"));
    let register = own(phone.request("REGISTER", "Expires: 600\r\n"));
    assert_eq!(f.send(&phone, &register)[0].status(), 503);
    let publish = own(phone.bare_request("PUBLISH", "Event: presence\r\nExpires: 600\r\n"));
    assert_eq!(f.send(&phone, &publish)[0].status(), 503);
    let bob = Phone::new("bob", "presence");
    let refused = f.send(&bob, &bob.subscribe(600));
    assert_eq!((refused.len(), refused[0].status()), (1, 503));
    assert!(refused[0].header("Retry-After").is_some());
}

fn notify(subscribe: &Sent, state: &str) -> String {
    notify_at(subscribe, state, 1)
}

/// A NOTIFY of an idle line in the dialog that a SUBSCRIBE of ours opened.
fn notify_at(subscribe: &Sent, state: &str, cseq: u32) -> String {
    let body = "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' \
                entity='sip:200@192.0.2.50'/>";
    let to = subscribe.header("From").unwrap();
    let from = "<sip:200@192.0.2.50>;tag=pbx";
    format!(
        "NOTIFY sip:desk@{LOCAL} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {PBX};branch=z9hG4bKn{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {cseq} NOTIFY\r\n\
         Contact: <sip:{PBX}>\r\nEvent: dialog\r\nSubscription-State: {state}\r\n\
         Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
        subscribe.header("Call-ID").unwrap(),
        body.len()
    )
}

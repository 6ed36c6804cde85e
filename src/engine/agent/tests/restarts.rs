//! What an agent is to its peers after a restart: the same one, as far as they can tell.

use super::keeping::{Disk, SECOND, keeping};
use super::*;
use crate::engine::config::{Account, Server, Strangers, UpstreamSettings};
use crate::ground::time::Seconds;

const PBX: &str = "192.0.2.50:5060";

/// An account at a PBX, where the desk is registered or published.
pub(super) fn above(register: bool, publish: bool) -> impl Fn(&mut Settings) {
    move |settings| {
        let aor = Text::copied("sip:100@192.0.2.50").unwrap();
        let mut upstream = UpstreamSettings::new(aor);
        upstream.register = register;
        upstream.publish = publish.then_some(0);
        upstream.account = Account::new();
        let server = Server {
            host: Text::copied("192.0.2.50").unwrap(),
            transport: None,
        };
        upstream.servers.push(server).unwrap();
        settings.upstreams.push(upstream).unwrap();
    }
}

/// The PBX grants what it is asked.
fn grant(f: &mut Fixture, sent: &Sent, etag: &str) -> StdVec<Sent> {
    let contact = sent.header("Contact").unwrap_or("<sip:x@y>");
    let more = match sent.text.split(' ').next() {
        Some("REGISTER") => format!("Contact: {contact};expires=300\r\n"),
        _ => format!("SIP-ETag: {etag}\r\nExpires: 300\r\n"),
    };
    let answer = sent.answer(&format!("200 OK\r\n{more}"));
    f.send_from(PBX.parse().unwrap(), &answer)
}

/// The instance that a Contact names (RFC 5626 §4.1).
fn instance(sent: &Sent) -> String {
    let contact = sent.header("Contact").expect("a Contact");
    let (_, rest) = contact.split_once("+sip.instance=").expect("an instance");
    rest.split(';').next().unwrap_or_default().to_string()
}

/// The URN of our device in a document (RFC 4479 §3.5).
fn device(notify: &Sent) -> String {
    let (_, rest) = notify.body().split_once("deviceID>").expect("a device");
    rest.split('<').next().unwrap_or_default().to_string()
}

#[test]
fn a_server_above_knows_us_again_by_our_instance() /* R13 */
{
    let (mut f, mut disk) = keeping(above(true, false));
    let first = f.run(SECOND).remove(0).1;
    grant(&mut f, &first, "");
    disk.run(&mut f, 2 * SECOND);
    let mut after = disk.boot(f.wall, Seconds(60), above(true, false));
    let again = after.run(SECOND).remove(0).1;
    assert_eq!(instance(&again), instance(&first));
    // One without a store is somebody else.
    let mut other = Disk::default().boot(f.wall, Seconds(60), above(true, false));
    let stranger = other.run(SECOND).remove(0).1;
    assert_ne!(instance(&stranger), instance(&first));
}

#[test]
fn watchers_know_our_device_again_by_its_urn() {
    let (mut f, mut disk) = keeping(|_| {});
    let idle = Input::Idle(true);
    f.input(idle.clone());
    let bob = Phone::new("bob", "presence");
    let before = f.send(&bob, &bob.subscribe(60));
    disk.run(&mut f, 2 * SECOND);
    let mut after = disk.boot(f.wall, Seconds(600), |_| {});
    after.input(idle.clone());
    let again = after.send(&bob, &bob.subscribe(60));
    assert_eq!(device(&again[1]), device(&before[1]));
    let mut other = Disk::default().boot(f.wall, Seconds(600), |_| {});
    other.input(idle);
    let stranger = other.send(&bob, &bob.subscribe(60));
    assert_ne!(device(&stranger[1]), device(&before[1]));
}

#[test]
fn an_identity_that_was_read_is_not_written_again() {
    let (mut f, mut disk) = keeping(|_| {});
    disk.run(&mut f, 2 * SECOND);
    assert!(disk.records.contains_key("id"));
    let after = disk.boot(f.wall, Seconds(5), |_| {});
    assert_eq!(after.agent.save_due(), None);
    // One that can't be read is.
    disk.records.insert("id".to_string(), std::vec![1, 2, 3]);
    let after = disk.boot(f.wall, Seconds(5), |_| {});
    assert!(after.agent.save_due().is_some());
}

#[test]
fn whom_the_owner_let_in_comes_back_with_a_new_subscription() /* N21 */
{
    let ask = |it: &mut Settings| {
        it.strangers = Strangers::Ask;
        it.trusted.clear();
    };
    let (mut f, mut disk) = keeping(ask);
    let bob = Phone::new("bob", "presence");
    let sent = f.send(&bob, &bob.subscribe(60));
    f.send(&bob, &sent[1].answer("200 OK"));
    assert!(f.agent.approve_waiting(0));
    f.drain();
    disk.run(&mut f, 2 * SECOND);
    // So long afterwards that the old subscription is over and tells nothing.
    let mut after = disk.boot(f.wall, Seconds(7_200), ask);
    assert_eq!(after.drain(), []);
    let state = |sent: &[Sent]| sent[1].header("Subscription-State").map(str::to_string);
    let is_in = |state: Option<String>| state.is_some_and(|it| it.starts_with("active"));
    let known = after.send(&bob, &bob.subscribe(60));
    assert!(is_in(state(&known)), "{known:#?}");
    let carol = Phone::new("carol", "presence");
    let unknown = after.send(&carol, &carol.subscribe(60));
    assert!(!is_in(state(&unknown)), "{unknown:#?}");
}

/// `save_all` is for a store that was set aside: whatever is alive is written again.
#[test]
fn a_store_that_lost_track_hears_of_every_kind_of_record() {
    let both = |settings: &mut Settings| {
        above(false, true)(settings);
        settings.presentities[0].registers = true;
    };
    let (mut f, mut disk) = keeping(both);
    let publish = f.run(SECOND).remove(0).1;
    grant(&mut f, &publish, "abc");
    f.watching("bob", "presence");
    let phone = Phone::new("desk", "presence");
    let own = |text: String| {
        let from = format!("<sip:desk@{}>", "192.0.2.9");
        text.replace(&format!("From: {from}"), &format!("From: <{DESK}>"))
    };
    let register = own(phone.request("REGISTER", "Expires: 600\r\n"));
    assert_eq!(f.send(&phone, &register)[0].status(), 200);
    let body = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:desk@192.0.2.1'><tuple id='a'>\
                <status><basic>open</basic></status></tuple></presence>";
    let more = "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n";
    let text = own(phone.bare_request("PUBLISH", more));
    let length = format!("Content-Length: {}", body.len());
    let text = text.replace("Content-Length: 0", &length) + body;
    assert_eq!(f.send(&phone, &text)[0].status(), 200);
    f.input(Input::Dnd(true));
    for sent in disk.run(&mut f, 2 * SECOND) {
        if sent.is_notify() {
            f.send_from(sent.flow.remote, &sent.answer("200 OK"));
        }
    }
    let all = core::mem::take(&mut disk.records);
    for kind in ["id", "dec", "desk/", "sub/", "reg/", "pub/", "up/"] {
        let is_there = all.keys().any(|name| name.starts_with(kind));
        assert!(is_there || kind == "dec", "{kind} of {:?}", all.keys());
    }
    f.agent.save_all(f.now);
    disk.run(&mut f, 2 * SECOND);
    for name in all.keys() {
        assert!(disk.records.contains_key(name), "{name}");
    }
    assert!(disk.records.contains_key("dec"));
}

#[test]
fn a_phone_that_registered_once_is_missed_after_a_restart() {
    let (mut f, mut disk) = keeping(|_| {});
    let phone = Phone::new("desk", "");
    let register = phone
        .request("REGISTER", "Expires: 600\r\n")
        .replace("From: <sip:desk@192.0.2.9>", &format!("From: <{DESK}>"));
    assert_eq!(f.send(&phone, &register)[0].status(), 200);
    disk.run(&mut f, 2 * SECOND);
    let basic = |f: &mut Fixture| {
        f.run(SECOND);
        let desk = f.agent.presentities().next();
        desk.expect("the desk").presence.basic
    };
    let mut late = disk.boot(f.wall, Seconds(700), |_| {});
    assert_eq!(basic(&mut late), Basic::Closed, "it is the phone's desk");
    let mut new = Disk::default().boot(f.wall, Seconds(700), |_| {});
    assert_eq!(basic(&mut new), Basic::Open, "no phone was ever there");
}

#[test]
fn a_watcher_that_moved_is_told_where_it_is_now() /* N19 */
{
    let (mut f, mut disk) = keeping(|_| {});
    let mut bob = f.watching("bob", "presence");
    disk.run(&mut f, 2 * SECOND);
    bob.cseq += 1;
    let more = "Contact: <sip:moved@192.0.2.77:5070>\r\nEvent: presence\r\nExpires: 3600\r\n";
    let sent = f.send(&bob, &bob.bare_request("SUBSCRIBE", more));
    f.send_from(sent[1].flow.remote, &sent[1].answer("200 OK"));
    disk.run(&mut f, 90 * SECOND);
    let told = disk.boot(f.wall, Seconds(5), |_| {}).drain();
    assert_eq!(told.len(), 1, "{told:#?}");
    let expected = "NOTIFY sip:moved@192.0.2.77:5070 ";
    assert!(told[0].text.starts_with(expected), "{}", told[0].text);
}

#[test]
fn what_a_phone_published_last_is_what_comes_back() /* C12 */
{
    let (mut f, mut disk) = keeping(|_| {});
    let phone = Phone::new("desk", "presence");
    let text = |cseq: u32, tag: &str, basic: &str| {
        let mut phone = phone.clone();
        phone.cseq = cseq;
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{DESK}'><tuple id='a'>\
             <status><basic>{basic}</basic></status></tuple></presence>"
        );
        let more = format!(
            "Event: presence\r\nExpires: 3600\r\n{tag}Content-Type: application/pidf+xml\r\n"
        );
        let text = phone.bare_request("PUBLISH", &more);
        let text = text.replace("From: <sip:desk@192.0.2.9>", &format!("From: <{DESK}>"));
        text.replace(
            "Content-Length: 0",
            &format!("Content-Length: {}", body.len()),
        ) + &body
    };
    let first = f.send(&phone, &text(1, "", "open")).remove(0);
    let tag = format!("SIP-If-Match: {}\r\n", first.header("SIP-ETag").unwrap());
    disk.run(&mut f, 2 * SECOND);
    assert_eq!(f.send(&phone, &text(2, &tag, "closed"))[0].status(), 200);
    disk.run(&mut f, 90 * SECOND);
    let after = disk.boot(f.wall, Seconds(5), |_| {});
    let says: StdVec<_> = after.agent.publications().map(|it| it.says.basic).collect();
    assert_eq!(says, [Some(Basic::Closed)]);
}

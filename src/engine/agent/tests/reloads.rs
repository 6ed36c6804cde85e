//! Other settings while the agent runs, and servers that lose what they were told.

use super::restarts::above;
use super::*;
use crate::engine::config::WatchSettings;
use crate::events::package::Package;

const DOOR: &str = "sip:door@192.0.2.1";
const SECOND: Duration = Duration::from_secs(1);

fn reload(f: &mut Fixture, change: impl FnOnce(&mut Settings)) -> StdVec<Sent> {
    let mut settings = f.agent.settings().clone();
    change(&mut settings);
    f.agent.reconfigure(f.moment(), &settings);
    f.drain()
}

#[test]
fn who_is_served_no_more_is_not_found_and_its_watchers_are_told() /* N02 N37 */
{
    let mut f = Fixture::with(|settings| {
        let door = PresentitySettings::new(Text::copied(DOOR).unwrap());
        settings.presentities.push(door).unwrap();
    });
    let bob = Phone::new("bob", "presence");
    let at_door = |phone: &Phone| phone.subscribe(600).replace(DESK, DOOR);
    let sent = f.send(&bob, &at_door(&bob));
    f.confirm(&bob, &sent[1]);
    let told = reload(&mut f, |it| it.presentities.truncate(1));
    let state = told[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=noresource"), "{told:#?}");
    let carol = Phone::new("carol", "presence");
    assert_eq!(f.send(&carol, &at_door(&carol))[0].status(), 404);
    let back = reload(&mut f, |it| {
        let door = PresentitySettings::new(Text::copied(DOOR).unwrap());
        it.presentities.push(door).unwrap();
    });
    assert_eq!(back, []);
    let dave = Phone::new("dave", "presence");
    assert_eq!(f.send(&dave, &at_door(&dave))[0].status(), 200);
}

#[test]
fn watchers_of_calls_hear_that_do_not_disturb_shows_to_them_no_more() /* D11 */
{
    let mut f = Fixture::new();
    let lamp = f.watching("lamp", "dialog");
    let told = f.input(Input::Dnd(true)).remove(0);
    assert_eq!(dialogs(&told).2[0].1, State::Confirmed);
    f.confirm(&lamp, &told);
    let told = reload(&mut f, |it| it.presentities[0].dialog_shows_dnd = false);
    assert_eq!(dialogs(&told[0]).2[0].1, State::Terminated, "{told:#?}");
}

/// ```text
///   agent ── PUBLISH, SIP-If-Match ──► server: 412, for it was restarted
///         ── REGISTER, SUBSCRIBE ────► and knows nothing else of us either
/// ```
#[test]
fn a_server_that_lost_what_we_published_is_told_all_of_it_again() /* P08 */
{
    let mut f = Fixture::with(|settings| {
        above(true, true)(settings);
        let text = |text| Text::copied(text).unwrap();
        let (target, from) = ("sip:200@192.0.2.50", "sip:100@192.0.2.50");
        let mut watch = WatchSettings::new(text(target), text(from), Package::Dialog);
        watch.upstream = Some(0);
        settings.watches.push(watch).unwrap();
    });
    let serve = |f: &mut Fixture, lasts: Duration, mut forgot: bool| {
        let (end, mut asked) = (f.now + lasts, StdVec::new());
        while f.now < end {
            for (_, sent) in f.run(SECOND / 10) {
                let word = sent.text.split(' ').next().unwrap_or_default().to_string();
                if word == "SIP/2.0" {
                    continue;
                }
                let expires = sent.header("Expires").unwrap_or("300").to_string();
                let contact = sent.header("Contact").unwrap_or("<sip:x@y>");
                let granted = format!("Contact: {contact};expires=300\r\nExpires: {expires}\r\n");
                let answer = match word.as_str() {
                    "PUBLISH" if core::mem::take(&mut forgot) => {
                        sent.answer("412 Conditional Request Failed")
                    }
                    "PUBLISH" => sent.answer(&format!("200 OK\r\nSIP-ETag: a\r\n{granted}")),
                    _ => sent.answer(&format!("200 OK\r\n{granted}")),
                };
                f.send_from(sent.flow.remote, &answer);
                if word == "SUBSCRIBE" && sent.header("To").is_some_and(|to| !to.contains("tag=")) {
                    f.send_from(sent.flow.remote, &notify(&sent));
                }
                asked.push(word);
            }
        }
        asked
    };
    let asked = serve(&mut f, 70 * SECOND, false);
    for word in ["REGISTER", "PUBLISH", "SUBSCRIBE"] {
        assert!(asked.iter().any(|it| it == word), "{asked:?}");
    }
    f.input(Input::Dnd(true));
    let asked = serve(&mut f, 4 * SECOND, true);
    let count = |word: &str| asked.iter().filter(|it| *it == word).count();
    assert_eq!(count("PUBLISH"), 2, "{asked:?}");
    assert_eq!(count("REGISTER"), 1, "{asked:?}");
    assert!(count("SUBSCRIBE") >= 1, "{asked:?}");
}

/// The first NOTIFY of an idle line.
fn notify(subscribe: &Sent) -> String {
    let body = "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' \
                entity='sip:200@192.0.2.50'/>";
    format!(
        "NOTIFY sip:100@{LOCAL} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKn{}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:200@192.0.2.50>;tag=pbx\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: 1 NOTIFY\r\nContact: <sip:192.0.2.50>\r\nEvent: dialog\r\n\
         Subscription-State: active;expires=300\r\nContent-Type: application/dialog-info+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        subscribe.cseq(),
        subscribe.header("From").unwrap(),
        subscribe.header("Call-ID").unwrap(),
        body.len()
    )
}

/// Lets time pass until something is sent.
fn next(f: &mut Fixture) -> Sent {
    loop {
        let due = f.agent.due().expect("something is to come");
        if let Some((_, sent)) = f.run(due - f.now).into_iter().next() {
            return sent;
        }
    }
}

#[test]
fn a_lamp_whose_server_is_trusted_now_asks_at_once() {
    const SERVER: &str = "192.0.2.50:5060";
    let mut f = Fixture::with(|settings| {
        settings.trusted.clear();
        let (target, from) = ("sip:bob@192.0.2.50", DESK);
        let target = Text::copied(target).unwrap();
        let watch = WatchSettings::new(target, Text::copied(from).unwrap(), Package::Dialog);
        settings.watches.push(watch).unwrap();
    });
    // Refused six times, each time for longer.
    for _ in 0..6 {
        let sent = next(&mut f);
        assert_eq!(sent.flow.remote.to_string(), SERVER);
        f.send_from(sent.flow.remote, &sent.answer("403 No"));
    }
    let next = f.agent.due().expect("another try");
    assert!(next - f.now > 60 * SECOND);
    let trust = Network::parse("192.0.2.0/24").unwrap();
    reload(&mut f, |it| it.trusted.push(trust).unwrap());
    let sent = f.run(SECOND);
    assert!(sent[0].1.text.starts_with("SUBSCRIBE "), "{sent:#?}");
}

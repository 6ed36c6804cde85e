//! Telephones beside us whose do-not-disturb is ours: `as-feature-event` as a server of it.

use super::*;
use crate::engine::config::Strangers;

const MEDIA: &str = "application/x-as-feature-event+xml";

/// The desk's other telephone: it gives itself the desk's own address.
fn telephone(name: &str) -> Phone {
    Phone::new(name, "as-feature-event")
}

fn owned(phone: &Phone, text: &str) -> String {
    let own = format!("From: <sip:{}@192.0.2.9>", phone.name);
    text.replace(&own, &format!("From: <{DESK}>"))
}

fn with_body(text: &str, media: &str, body: &str) -> String {
    let head = format!(
        "Content-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    text.replace("Content-Length: 0\r\n\r\n", &(head + body))
}

/// What telephones write to have it switched.
fn set(dnd: bool) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<SetDoNotDisturb xmlns=\"{ED3}\">\r\n<device>desk</device>\
         \r\n<doNotDisturbOn>{dnd}</doNotDisturbOn>\r\n</SetDoNotDisturb>\r\n"
    )
}

/// The telephone's next SUBSCRIBE in its dialog, which switches.
fn switch(phone: &mut Phone, dnd: bool) -> String {
    let text = phone.refresh(3_600);
    with_body(&owned(phone, &text), MEDIA, &set(dnd))
}

/// What a NOTIFY tells.
#[track_caller]
fn told(notify: &Sent) -> bool {
    assert_eq!(
        notify.header("Event"),
        Some("as-feature-event"),
        "{notify:?}"
    );
    assert_eq!(notify.header("Content-Type"), Some(MEDIA));
    let features = crate::wire::doc::features::read(notify.body().as_bytes());
    let features = features.expect("a document");
    assert_eq!(features.forwards, None, "nobody knows");
    features.dnd.expect("do-not-disturb")
}

impl Fixture {
    /// A telephone that follows ours.
    #[track_caller]
    fn following(&mut self, name: &str) -> (Phone, bool) {
        let mut phone = telephone(name);
        let sent = self.send(&phone, &owned(&phone, &phone.subscribe(3_600)));
        phone.learn(&sent[0]);
        let dnd = told(&sent[1]);
        self.confirm(&phone, &sent[1]);
        (phone, dnd)
    }

    /// It switches; what everybody is told of that, answered.
    #[track_caller]
    fn switches(&mut self, phone: &mut Phone, dnd: bool) -> StdVec<(SocketAddr, bool)> {
        let text = switch(phone, dnd);
        let sent = self.send(phone, &text);
        assert_eq!(sent[0].status(), 200, "{}", sent[0].text);
        self.told_all(&sent)
    }

    #[track_caller]
    fn told_all(&mut self, sent: &[Sent]) -> StdVec<(SocketAddr, bool)> {
        let mut all = StdVec::new();
        for notify in sent.iter().filter(|it| it.is_notify()) {
            all.push((notify.flow.remote, told(notify)));
            let more = self.send_from(notify.flow.remote, &notify.answer("200 OK"));
            assert_eq!(more, [], "an answer leads to nothing");
        }
        all.sort();
        all
    }
}

#[test]
fn a_telephone_is_told_what_our_key_says_at_once_and_whenever_it_is_pressed() {
    let mut f = Fixture::new();
    f.input(Input::Dnd(true));
    let (phone, dnd) = f.following("other");
    assert!(dnd);
    for dnd in [false, true] {
        let sent = f.input(Input::Dnd(dnd));
        assert_eq!(f.told_all(&sent), [(phone.address, dnd)]);
    }
    assert_eq!(f.input(Input::Dnd(true)), [], "it is no news");
    assert_eq!(f.input(Input::Hook(true)), [], "nor is a call");
    let sent = f.input(Input::Clear);
    assert_eq!(f.told_all(&sent), [(phone.address, false)]);
}

#[test]
fn a_key_at_a_telephone_is_a_press_of_ours_and_every_telephone_hears_of_it() {
    let mut f = Fixture::with(|settings| {
        let mut lamp = LampSettings::new(Text::copied("dnd").unwrap());
        lamp.shows = Shows::Dnd(0);
        settings.lamps.push(lamp).unwrap();
    });
    let ((mut one, _), (mut other, _)) = (f.following("one"), f.following("two"));
    for round in 0..4 {
        let dnd = round % 2 == 0;
        let by = if round < 2 { &mut one } else { &mut other };
        let heard = f.switches(by, dnd);
        let mut expected = [(one.address, dnd), (other.address, dnd)];
        expected.sort();
        assert_eq!(heard, expected, "each once");
        assert_eq!(refuses(&f), dnd);
        let shows = if dnd { Watched::Dnd } else { Watched::Idle };
        assert_eq!(f.agent.panel.states[0], shows);
        // Whoever hears of it and says it back changes nothing, and is told alone.
        let back = if round < 2 { &mut other } else { &mut one };
        assert_eq!(f.switches(back, dnd), [(back.address, dnd)]);
        f.run(20 * SECOND);
    }
}

#[test]
fn the_first_request_and_one_that_only_asks_may_switch_too() {
    for expires in [3_600, 0] {
        let mut f = Fixture::new();
        let phone = telephone("one");
        let text = owned(&phone, &phone.subscribe(expires));
        let text = with_body(&text, MEDIA, &set(true));
        let sent = f.send(&phone, &text);
        assert_eq!(sent[0].status(), 200);
        assert!(told(&sent[1]) && refuses(&f));
        // A datagram that comes twice is one press.
        f.input(Input::Dnd(false));
        assert_eq!(f.send(&phone, &text)[0].status(), 200);
        assert!(!refuses(&f));
    }
}

#[test]
fn a_press_here_or_at_a_telephone_reaches_the_server_and_its_own_the_telephone() {
    let (mut f, mut server) = standing();
    let mut phone = telephone("one");
    let to_us =
        |text: String| text.replace(&format!("From: <{DESK}>"), "From: <sip:desk@192.0.2.1>");
    let sent = f.send(&phone, &to_us(owned(&phone, &phone.subscribe(3_600))));
    phone.learn(&sent[0]);
    f.confirm(&phone, &sent[1]);
    let text = switch(&mut phone, true);
    let sent = f.send(&phone, &text);
    let (asked, sent): (StdVec<_>, StdVec<_>) = sent.into_iter().partition(is_subscribe);
    assert_eq!(asks(&asked[0]), Some(true));
    assert_eq!(f.told_all(&sent), [(phone.address, true)]);
    server.serve(&mut f, asked);
    assert!(server.dnd && refuses(&f));
    server.dnd = false;
    let sent = server.tell_dnd(&mut f);
    assert!(!sent.iter().any(is_subscribe), "it knows that");
    assert_eq!(f.told_all(&sent), [(phone.address, false)]);
    assert!(!refuses(&f));
}

#[test]
fn nobody_but_the_owner_follows_or_switches() {
    for strangers in [Strangers::Refuse, Strangers::Ask] {
        let mut f = Fixture::with(|settings| settings.strangers = strangers);
        let phone = telephone("bob");
        for (call, body) in [("a", None), ("b", Some(set(true)))] {
            for from in ["sip:bob@192.0.2.9", "sip:desk@192.0.2.2"] {
                let text = phone.subscribe(600).replace("sip:bob@192.0.2.9", from);
                let text = text.replace("call-bob", &format!("{call}{from}"));
                let text = text.replace("bKbob", &format!("bK{call}{}", from.len()));
                let text = body
                    .as_ref()
                    .map_or(text.clone(), |it| with_body(&text, MEDIA, it));
                let sent = f.send(&phone, &text);
                assert_eq!((sent.len(), sent[0].status()), (1, 403), "{text}");
            }
        }
        // The owner's name is not enough.
        let mut eve = telephone("eve");
        eve.address = "198.51.100.7:5060".parse().unwrap();
        let text = with_body(&owned(&eve, &eve.subscribe(600)), MEDIA, &set(true));
        let sent = f.send(&eve, &text);
        assert_eq!((sent.len(), sent[0].status()), (1, 403));
        assert!(!refuses(&f));
        assert_eq!(f.agent.waiting(0), 0);
        // Nor is a dialog that somebody else knows of.
        let (mut phone, _) = f.following("one");
        let own = core::mem::replace(&mut phone.address, eve.address);
        let text = switch(&mut phone, true);
        assert_eq!(f.send(&phone, &text)[0].status(), 403);
        assert!(!refuses(&f));
        phone.address = own;
        assert_eq!(f.switches(&mut phone, true), [(own, true)]);
    }
}

#[test]
fn a_body_that_is_no_wish_switches_nothing() {
    let forwarding = format!(
        "<SetForwarding xmlns=\"{ED3}\"><device/><forwardDN>200</forwardDN>\
         <forwardingType>forwardImmediate</forwardingType><activateForward>true</activateForward></SetForwarding>"
    );
    let (on, deep) = (set(true), "<a>".repeat(200));
    for (media, body, status) in [
        (MEDIA, &on[..on.len() - 8], 400),
        (MEDIA, "?", 400),
        (MEDIA, "<x xmlns='urn:x'/>", 400),
        (MEDIA, &deep, 413),
        ("application/pidf+xml", &on, 415),
        ("text/plain", "x", 415),
        // What is not kept here is told by its absence.
        (MEDIA, &forwarding, 200),
        (
            "Application/X-AS-Feature-Event+XML; charset=utf-8",
            &set(false),
            200,
        ),
    ] {
        let mut f = Fixture::new();
        let mut phone = telephone("one");
        let text = with_body(&owned(&phone, &phone.subscribe(600)), media, body);
        let sent = f.send(&phone, &text);
        assert_eq!(sent[0].status(), status, "{text}");
        assert!(!refuses(&f), "{text}");
        match status {
            200 => assert!(!told(&sent[1])),
            415 => assert_eq!(sent[0].header("Accept"), Some(MEDIA)),
            _ => assert_eq!(sent.len(), 1),
        }
        // A subscription that is there outlives it.
        if status != 200 {
            let sent = f.send(
                &phone,
                &owned(&phone, &phone.subscribe(600)).replace("call-", "c"),
            );
            phone.learn(&sent[0]);
            let next = phone.refresh(600).replace("call-", "c");
            let next = owned(&phone, &next);
            let sent = f.send(&phone, &with_body(&next, media, body));
            assert_eq!((sent.len(), sent[0].status()), (1, status));
            let sent = f.input(Input::Dnd(true));
            assert!(sent.is_empty() || told(&sent[0]));
        }
    }
}

#[test]
fn what_is_accepted_and_served_is_said() {
    let mut f = Fixture::new();
    let mut phone = telephone("one");
    for (accept, status) in [
        ("", 200),
        ("Accept: application/x-as-feature-event+xml\r\n", 200),
        ("Accept: application/pidf+xml\r\n", 406),
    ] {
        phone.cseq += 1;
        let more = format!("Event: as-feature-event\r\nExpires: 60\r\n{accept}");
        let text = owned(&phone, &phone.request("SUBSCRIBE", &more));
        let text = text.replace("call-", &format!("call{}", accept.len()));
        assert_eq!(f.send(&phone, &text)[0].status(), status, "{accept}");
    }
    let other = Phone::new("bob", "conference");
    let sent = f.send(&other, &other.subscribe(60));
    assert_eq!(sent[0].status(), 489);
    let all = sent[0].header("Allow-Events");
    assert_eq!(all, Some("presence, dialog, as-feature-event"));
}

#[test]
fn two_telephones_that_contradict_each_other_make_no_storm() {
    let mut f = Fixture::new();
    let ((mut one, _), (mut other, _)) = (f.following("one"), f.following("two"));
    let mut heard = 0;
    for round in 0..40 {
        let by = if round % 2 == 0 { &mut one } else { &mut other };
        let told = f.switches(by, round % 2 == 0);
        heard += told.iter().filter(|(to, _)| *to != by.address).count();
    }
    assert!(heard <= 4, "{heard} NOTIFYs to who did not ask");
    let sent: StdVec<Sent> = f.run(10 * SECOND).into_iter().map(|(_, it)| it).collect();
    assert!(
        f.told_all(&sent).iter().all(|(_, dnd)| !dnd),
        "the last state counts"
    );
    assert!(!refuses(&f));
}

/// A watcher that says which state it knows is told of that state again after another one.
#[test]
fn a_state_that_comes_back_is_told_to_who_knew_it_before() /* RFC 5839 */
{
    let mut f = Fixture::new();
    let mut phone = telephone("one");
    let sent = f.send(&phone, &owned(&phone, &phone.subscribe(3_600)));
    phone.learn(&sent[0]);
    f.confirm(&phone, &sent[1]);
    let tag = sent[1].header("SIP-ETag").expect("a tag").to_string();
    let text = switch(&mut phone, true);
    let known = format!("Suppress-If-Match: {tag}\r\nMax-Forwards");
    let sent = f.send(&phone, &text.replace("Max-Forwards", &known));
    assert_eq!(sent[0].status(), 204);
    assert_eq!(f.told_all(&sent), [(phone.address, true)]);
    let sent = f.input(Input::Dnd(false));
    assert_eq!(f.told_all(&sent), [(phone.address, false)]);
}

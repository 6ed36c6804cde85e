//! Mailboxes that are told of without having been asked about.

use super::called::{AOR, PBX, SECOND, account, lamp};
use super::*;
use crate::events::package::Package;
use crate::wire::doc::message_summary::Messages;

/// The mailbox of the account, and that of a group, each with a lamp.
fn with_mailboxes() -> Fixture {
    let mut f = Fixture::with(|settings| {
        settings.upstreams.push(account(&[PBX])).unwrap();
        lamp(settings, "sip:100@pbx.example", Package::MessageSummary, 0);
        lamp(
            settings,
            "sip:sales@pbx.example",
            Package::MessageSummary,
            0,
        );
    });
    f.register_account();
    f
}

impl Fixture {
    fn states(&self) -> StdVec<&'static str> {
        let states = self.agent.lamps().map(|it| it.state.unwrap().name());
        states.collect()
    }

    /// The server tells something, as the number-th NOTIFY.
    #[track_caller]
    fn tells(&mut self, number: u32, body: &str) -> u16 {
        self.status_of(PBX, &unasked(number, body))
    }

    /// The server sends something: what the log is told, and who follows.
    fn hear(&mut self, text: &str) -> (StdVec<String>, StdVec<Subject>) {
        let flow = Flow::udp(LOCAL.parse().unwrap(), PBX.parse().unwrap());
        self.agent
            .handle_datagram(self.moment(), flow, text.as_bytes());
        let (mut lines, mut subjects) = (StdVec::new(), StdVec::new());
        loop {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Wait(_) => return (lines, subjects),
                Output::Changed(subject) => subjects.push(subject),
                Output::Report(report) => lines.push(report.to_string()),
                Output::Send { .. } | Output::Lamp { .. } => {}
                Output::Resolve { .. } | Output::Gesture { .. } => {}
            }
        }
    }

    /// The server does not serve this package.
    #[track_caller]
    fn refuse_subscribe(&mut self) {
        let subscribe = self.wants("SUBSCRIBE");
        self.send_from(subscribe.flow.remote, &subscribe.answer("489 Bad Event"));
    }
}

/// A NOTIFY out of the blue.
fn unasked(number: u32, body: &str) -> String {
    format!(
        "NOTIFY sip:100@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKu{number}\r\n\
         Max-Forwards: 69\r\nFrom: <sip:mwi@pbx.example>;tag=u{number}\r\nTo: sip:100@pbx.example\r\n\
         Call-ID: u{number}\r\nCSeq: 10 NOTIFY\r\nContact: <sip:{PBX}>\r\nEvent: message-summary\r\n\
         Subscription-State: active\r\nContent-Type: application/simple-message-summary\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A NOTIFY of the subscription that `subscribe` asked for.
fn asked(subscribe: &Sent, number: u32, state: &str, body: &str) -> String {
    let [from, to, call_id] = ["From", "To", "Call-ID"].map(|it| subscribe.header(it).unwrap());
    let text = unasked(number, body);
    text.replace(
        &format!("From: <sip:mwi@pbx.example>;tag=u{number}"),
        &format!("From: {to};tag=p"),
    )
    .replace("To: sip:100@pbx.example", &format!("To: {from}"))
    .replace(
        &format!("Call-ID: u{number}"),
        &format!("Call-ID: {call_id}"),
    )
    .replace("CSeq: 10", &format!("CSeq: {number}"))
    .replace("State: active", &format!("State: {state}"))
}

const YES: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (1/0)\r\n";
const NO: &str = "Messages-Waiting: no\r\n";

/// ```text
///   agent ── REGISTER ──► server: 200
///         ── SUBSCRIBE ─► server: 489
///         ◄─────── NOTIFY ─ server
/// ```
#[test]
fn a_server_that_refuses_the_subscription_and_tells_all_the_same_is_believed() {
    let mut f = with_mailboxes();
    f.refuse_subscribe();
    assert_eq!(f.states()[0], "unknown");
    assert_eq!(f.tells(1, YES), 200);
    assert_eq!(f.states()[0], "waiting");
    let counted = Messages {
        new: 2,
        old: 8,
        urgent_new: 1,
        urgent_old: 0,
    };
    let why = f.agent.why(0).expect("a lamp");
    assert_eq!(why.lamp.messages, Some(counted));
    let watch = why.watch.expect("a watch");
    assert_eq!(watch.unasked, Some(PBX.parse().unwrap()));
    assert_eq!((watch.broken_since, watch.lost), (None, false));
    // Asked again and refused again, hours later, it still counts.
    f.refuse_subscribe();
    f.register_account();
    assert_eq!(f.states()[0], "waiting");
    assert_eq!(f.tells(2, NO), 200);
    assert_eq!(f.states()[0], "idle");
    assert_eq!(f.agent.why(0).unwrap().lamp.messages, None);
    assert_eq!(f.tells(3, ""), 200, "it says nothing");
    assert_eq!(f.states()[0], "idle");
}

#[test]
fn the_log_says_who_tells_a_lamp_that_is_without_its_subscription() {
    let mut f = with_mailboxes();
    f.refuse_subscribe();
    let line =
        format!("lamp lamp0 is told by {PBX} without its subscription to sip:100@pbx.example");
    assert_eq!(f.hear(&unasked(1, YES)).0, [line]);
    assert_eq!(f.hear(&unasked(2, NO)).0, [""; 0], "once");
}

/// ```text
///   agent ── REGISTER ─► server
///         ◄─── NOTIFY ── 200
///         ◄────── 200 ──
/// ```
#[test]
fn what_a_server_tells_before_it_answers_the_register_counts() {
    for (answer, doubted) in [("200 OK", false), ("403 Forbidden", true)] {
        let mut f = Fixture::with(|settings| {
            settings.upstreams.push(account(&[PBX])).unwrap();
            lamp(settings, AOR, Package::MessageSummary, 0);
        });
        let register = f.wants("REGISTER");
        assert_eq!(f.tells(1, YES), 200);
        assert_eq!(f.states()[0], "waiting");
        let contact = register.header("Contact").unwrap();
        let answer = register.answer(&format!("{answer}\r\nContact: {contact};expires=300\r\n"));
        f.send_from(register.flow.remote, &answer);
        f.refuse_subscribe();
        let watch = f.agent.why(0).unwrap().watch.unwrap();
        assert_eq!(watch.broken_since.is_some(), doubted, "{answer}");
        assert_eq!(watch.unasked.is_none(), doubted, "{answer}");
    }
}

#[test]
fn what_was_told_unasked_is_in_doubt_once_the_registration_is_lost() {
    let mut f = with_mailboxes();
    f.refuse_subscribe();
    f.tells(1, YES);
    f.run(Duration::from_secs(301));
    let watch = f.agent.why(0).unwrap().watch.unwrap();
    assert!(watch.broken_since.is_some() && watch.unasked.is_none());
    f.run(Duration::from_secs(60));
    assert_eq!(f.states()[0], "unknown");
    f.refuse_account();
    assert_eq!(f.tells(2, YES), 403, "it knows us no more");
    f.register_account();
    assert_eq!(f.tells(3, YES), 200);
    assert_eq!(f.states()[0], "waiting");
}

#[test]
fn what_one_server_told_counts_no_more_at_another() {
    let mut f = Fixture::with(|settings| {
        settings.upstreams.push(account(&[PBX, SECOND])).unwrap();
        lamp(settings, "sip:100@pbx.example", Package::MessageSummary, 0);
    });
    f.register_account();
    f.tells(1, YES);
    assert_eq!(f.status_of(SECOND, &unasked(2, NO)), 403);
    loop {
        let register = f.wants("REGISTER");
        if register.flow.remote.to_string() == SECOND {
            let contact = register.header("Contact").unwrap();
            let granted = register.answer(&format!("200 OK\r\nContact: {contact};expires=300\r\n"));
            f.send_from(register.flow.remote, &granted);
            break;
        }
    }
    assert!(
        f.agent
            .why(0)
            .unwrap()
            .watch
            .unwrap()
            .broken_since
            .is_some()
    );
    assert_eq!(f.status_of(SECOND, &unasked(3, NO)), 200);
    assert_eq!(f.states(), ["idle"]);
}

#[test]
fn only_the_mailbox_that_is_meant_is_told() {
    let account = |uri: &str| format!("Message-Account: {uri}\r\n{YES}");
    for (body, expected) in [
        (YES.to_string(), ["waiting", "unknown"]),
        (account("sip:100@pbx.example"), ["waiting", "unknown"]),
        (
            account("sip:100@198.51.100.50:5060"),
            ["waiting", "unknown"],
        ),
        (account("<sip:sales@pbx.example>"), ["unknown", "waiting"]),
        // Whom to call for the messages (Asterisk).
        (account("sip:*97@pbx.example"), ["waiting", "unknown"]),
        (
            account("sip:asterisk@198.51.100.50"),
            ["waiting", "unknown"],
        ),
        (account("mailbox 100"), ["waiting", "unknown"]),
    ] {
        let mut f = with_mailboxes();
        f.refuse_subscribe();
        f.refuse_subscribe();
        assert_eq!(f.tells(1, &body), 200, "{body}");
        assert_eq!(f.states(), expected, "{body}");
    }
}

#[test]
fn it_is_found_by_contact_or_address_of_record_and_whatever_its_to_carries() {
    let text = unasked(1, YES);
    for text in [
        text.clone(),
        text.replace("NOTIFY sip:100@192.0.2.1:5060", &format!("NOTIFY {AOR}")),
        text.replace("NOTIFY sip:100@192.0.2.1:5060", "NOTIFY sip:192.0.2.1"),
        text.replace(
            "To: sip:100@pbx.example",
            "To: <sip:100@192.0.2.1:5060;gr>;tag=abc",
        ),
        text.replace("State: active", "State: terminated;reason=timeout"),
        text.replace("State: active", "State: ;"),
        text.replace("Subscription-State: active\r\n", ""),
        text.replace("Event:", "o:").replace("Content-Type:", "c:"),
    ] {
        let mut f = with_mailboxes();
        assert_eq!(f.status_of(PBX, &text), 200, "{text}");
        assert_eq!(f.states()[0], "waiting", "{text}");
    }
}

#[test]
fn from_anywhere_else_or_for_anybody_else_it_is_refused_as_ever() {
    let mut f = with_mailboxes();
    let text = unasked(1, YES);
    assert_eq!(f.status_of("198.51.100.7:5060", &text), 403, "a stranger");
    assert_eq!(f.status_of("192.0.2.77:5060", &text), 481, "a neighbour");
    let other = text.replace("sip:100@", "sip:101@");
    assert_eq!(f.status_of(PBX, &other), 403, "another user");
    let other = text.replace("Event: message-summary", "Event: dialog");
    assert_eq!(f.status_of(PBX, &other), 403, "another package");
    let ours = text.replace(
        "To: sip:100@pbx.example",
        "To: <sip:100@pbx.example>;tag=w00010123456789abcdef",
    );
    assert_eq!(f.status_of(PBX, &ours), 481, "a dialog of before");
    for (bad, status) in [
        (
            text.replace("Messages-Waiting: yes", "Messages-Waiting: oui"),
            400,
        ),
        (text.replace("simple-message-summary", "pidf+xml"), 415),
    ] {
        assert_eq!(f.status_of(PBX, &bad), status);
    }
    assert_eq!(f.states(), ["subscribing"; 2]);
    let mut f = Fixture::with(|settings| settings.upstreams.push(account(&[PBX])).unwrap());
    f.register_account();
    assert_eq!(f.status_of(PBX, &text), 481, "there is no lamp for it");
}

#[test]
fn of_a_subscription_and_what_comes_unasked_the_newest_counts() {
    let mut f = Fixture::with(|settings| {
        settings.upstreams.push(account(&[PBX])).unwrap();
        lamp(settings, "sip:100@pbx.example", Package::MessageSummary, 0);
    });
    f.register_account();
    let subscribe = f.wants("SUBSCRIBE");
    f.send_from(
        subscribe.flow.remote,
        &subscribe.answer("200 OK\r\nExpires: 300\r\n"),
    );
    let active = "active;expires=300";
    assert_eq!(f.status_of(PBX, &asked(&subscribe, 1, active, NO)), 200);
    assert_eq!(f.states(), ["idle"]);
    assert_eq!(f.tells(2, YES), 200);
    assert_eq!(f.states(), ["waiting"]);
    assert_eq!(f.agent.why(0).unwrap().lamp.messages.unwrap().new, 2);
    assert_eq!(f.status_of(PBX, &asked(&subscribe, 3, "pending", NO)), 200);
    assert_eq!(f.states(), ["waiting"], "it tells nothing real");
    assert_eq!(f.status_of(PBX, &asked(&subscribe, 4, active, "")), 200);
    assert_eq!(f.states(), ["waiting"], "it says nothing of the mailbox");
    assert_eq!(f.status_of(PBX, &asked(&subscribe, 5, active, NO)), 200);
    assert_eq!(
        (f.states(), f.agent.why(0).unwrap().watch.unwrap().unasked),
        (vec(["idle"]), None)
    );
    f.tells(6, YES);
    // Its end is no doubt about what came unasked, and later.
    assert_eq!(
        f.status_of(PBX, &asked(&subscribe, 7, "terminated;reason=giveup", "")),
        200
    );
    f.run(Duration::from_secs(100));
    assert_eq!(f.states(), ["waiting"]);
}

fn vec<const N: usize>(states: [&'static str; N]) -> StdVec<&'static str> {
    states.to_vec()
}

#[test]
fn a_change_of_the_counts_alone_is_told_to_who_follows() {
    let mut f = with_mailboxes();
    f.tells(1, YES);
    let subjects = |f: &mut Fixture, number, body: &str| f.hear(&unasked(number, body)).1;
    assert_eq!(subjects(&mut f, 2, YES), [], "the same");
    let more = YES.replace("2/8", "3/8");
    assert_eq!(subjects(&mut f, 3, &more), [Subject::Lamp(0)]);
    assert_eq!(f.agent.why(0).unwrap().lamp.messages.unwrap().new, 3);
}

/// ```text
///   agent ── SUBSCRIBE ─► server: 200
///         ◄── NOTIFY, terminated, with a body ── server
/// ```
#[test]
fn a_first_notify_that_ends_the_subscription_is_an_answer_and_no_alarm() {
    for (reason, expected) in [
        ("terminated", "waiting"),
        ("terminated;reason=timeout", "waiting"),
        ("terminated;reason=invariant", "waiting"),
        ("terminated;reason=rejected", "unknown"),
        ("terminated;reason=noresource", "offline"),
    ] {
        let mut f = Fixture::with(|settings| {
            settings.upstreams.push(account(&[PBX])).unwrap();
            lamp(settings, "sip:100@pbx.example", Package::MessageSummary, 0);
        });
        f.register_account();
        let mut asked_at = StdVec::new();
        for number in 1..4 {
            let subscribe = f.wants("SUBSCRIBE");
            asked_at.push(f.now);
            f.send_from(
                subscribe.flow.remote,
                &subscribe.answer("200 OK\r\nExpires: 300\r\n"),
            );
            let notify = asked(&subscribe, number, reason, YES);
            assert_eq!(f.status_of(PBX, &notify), 200);
            f.run(Duration::from_secs(100));
            assert_eq!(f.states(), [expected], "{reason}");
        }
        for pair in asked_at.windows(2) {
            assert!(
                pair[1] - pair[0] > Duration::from_secs(200),
                "{reason}: a storm"
            );
        }
    }
}

//! What the agent says of itself: changes by subject, and lines for the log.

use super::approval::{asking, stranger};
use super::*;
use crate::engine::config::{LampSettings, Server, UpstreamSettings, WatchSettings};
use crate::events::package::Package;
use crate::wire::flow::Transport;
use crate::wire::stun;

const PBX: &str = "192.0.2.50:5060";
const SECOND: &str = "192.0.2.51:5060";

/// All that came of something.
#[derive(Default)]
struct Said {
    sent: StdVec<Sent>,
    lines: StdVec<String>,
    subjects: StdVec<Subject>,
}

impl Fixture {
    fn said(&mut self) -> Said {
        let mut said = Said::default();
        for _ in 0..10_000 {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Send { flow, len } => {
                    let text = String::from_utf8_lossy(&self.buf[..len]).into_owned();
                    said.sent.push(Sent { flow, text });
                }
                Output::Report(report) => said.lines.push(report.to_string()),
                Output::Changed(subject) => said.subjects.push(subject),
                Output::Lamp { .. } | Output::Resolve { .. } | Output::Gesture { .. } => {}
                Output::Wait(_) => return said,
            }
        }
        panic!("the agent never waits");
    }

    fn hand(&mut self, remote: SocketAddr, bytes: impl AsRef<[u8]>) -> Said {
        let flow = Flow::udp(LOCAL.parse().unwrap(), remote);
        self.agent
            .handle_datagram(self.moment(), flow, bytes.as_ref());
        self.said()
    }

    /// Lets time pass until something is sent to `remote`, at most so long.
    #[track_caller]
    fn wait_for(&mut self, remote: &str, most: Duration) -> (Sent, Said) {
        let (end, mut all) = (self.now + most, self.said());
        loop {
            let its = all
                .sent
                .iter()
                .position(|it| it.flow.remote.to_string() == remote);
            if let Some(at) = its {
                return (all.sent.remove(at), all);
            }
            let due = self.agent.due().filter(|due| *due <= end);
            self.now = self.now.max(due.expect("nothing more is sent in time"));
            self.agent.handle_timeout(self.moment());
            let said = self.said();
            all.sent.extend(said.sent);
            all.lines.extend(said.lines);
            all.subjects.extend(said.subjects);
        }
    }

    fn state_of(&self, slot: u16) -> Option<&'static str> {
        match self.agent.describe(self.now, Subject::Watcher(slot))? {
            Description::Watcher(status) => Some(status.state),
            other => panic!("a watcher, not {other:?}"),
        }
    }
}

/// An agent with that many lamps for mailboxes at one server.
fn with_mailboxes(count: usize) -> Fixture {
    let mut f = Fixture::with(|settings| {
        for at in 0..count {
            let target = Text::copied(&format!("sip:box{at}@192.0.2.50")).unwrap();
            let from = Text::copied(DESK).unwrap();
            let watch = WatchSettings::new(target, from, Package::MessageSummary);
            settings.watches.push(watch).unwrap();
            let mut lamp = LampSettings::new(Text::copied(&format!("lamp{at}")).unwrap());
            lamp.shows = Shows::Watch(at as u16);
            settings.lamps.push(lamp).unwrap();
        }
    });
    f.said();
    f
}

/// An agent with an account at these servers.
fn with_account(servers: &[&str]) -> Fixture {
    let mut f = Fixture::with(|settings| {
        let aor = Text::copied("sip:100@pbx.example").unwrap();
        let mut upstream = UpstreamSettings::new(aor);
        for server in servers {
            let server = Server {
                host: Text::copied(server).unwrap(),
                transport: None,
            };
            upstream.servers.push(server).unwrap();
        }
        settings.upstreams.push(upstream).unwrap();
    });
    f.said();
    f
}

/// The server has taken a REGISTER.
fn granted(register: &Sent) -> String {
    let contact = register.header("Contact").unwrap();
    register.answer(&format!("200 OK\r\nContact: {contact};expires=300\r\n"))
}

#[test]
fn a_change_is_told_by_its_subject_and_what_passes_is_not() {
    let mut f = Fixture::new();
    f.said();
    let mut bob = Phone::new("bob", "presence");
    let said = f.hand(bob.address, bob.subscribe(600));
    bob.learn(&said.sent[0]);
    assert_eq!(said.subjects, [Subject::Watcher(0)]);
    assert_eq!(f.state_of(0), Some("active"));
    let said = f.hand(bob.address, said.sent[1].answer("200 OK"));
    assert_eq!(said.subjects, []);

    let said = f.hand(bob.address, bob.refresh(600));
    assert_eq!((said.sent.len(), said.subjects), (2, StdVec::new()));
    f.hand(bob.address, said.sent[1].answer("200 OK"));
    let eve = Phone::new("eve", "");
    let said = f.hand(eve.address, eve.request("OPTIONS", ""));
    assert_eq!((said.sent[0].status(), said.subjects), (200, StdVec::new()));

    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    f.agent.handle_input(f.moment(), 0, Input::Dnd(false));
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    let said = f.said();
    assert_eq!(said.subjects, [Subject::Presentity(0)], "once");
    match f.agent.describe(f.now, Subject::Presentity(0)) {
        Some(Description::Presentity(status)) => assert!(status.inputs.dnd),
        other => panic!("a presentity, not {other:?}"),
    }
    f.hand(bob.address, said.sent[0].answer("200 OK"));

    let said = f.hand(bob.address, bob.refresh(0));
    assert_eq!(said.subjects, [Subject::Watcher(0)]);
    assert_eq!(f.state_of(0), Some("terminated"));
    let said = f.hand(bob.address, said.sent[1].answer("200 OK"));
    assert_eq!(said.subjects, [Subject::Watcher(0)]);
    assert_eq!(f.state_of(0), None);
}

#[test]
fn phones_next_door_and_their_publications_are_subjects() {
    let mut f = Fixture::new();
    f.said();
    let mut desk = Phone::new("desk", "");
    let said = f.hand(desk.address, desk.request("REGISTER", "Expires: 600\r\n"));
    assert_eq!(said.sent[0].status(), 200, "{}", said.sent[0].text);
    assert!(said.subjects.contains(&Subject::Registration(0)));
    match f.agent.describe(f.now, Subject::Registration(0)) {
        Some(Description::Registration(it)) => assert_eq!(it.remote, desk.address),
        other => panic!("a registration, not {other:?}"),
    }
    desk.cseq += 1;
    let again = desk.request("REGISTER", "Expires: 600\r\n");
    assert_eq!(f.hand(desk.address, again).subjects, [], "a refresh");

    let body = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:x'>\
                <tuple id='a'><status><basic>closed</basic></status></tuple></presence>";
    let lines = "Event: presence\r\nContent-Type: application/pidf+xml\r\n";
    let text = desk.bare_request("PUBLISH", lines);
    let text = text.replace("sip:desk@192.0.2.9", DESK);
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let said = f.hand(
        desk.address,
        text.replace("Content-Length: 0\r\n\r\n", &length),
    );
    assert_eq!(said.sent[0].status(), 200, "{}", said.sent[0].text);
    for subject in [Subject::Publication(0), Subject::Presentity(0)] {
        assert!(said.subjects.contains(&subject), "{:?}", said.subjects);
    }
    match f.agent.describe(f.now, Subject::Publication(0)) {
        Some(Description::Publication(it)) => assert_eq!(it.says.basic, Some(Basic::Closed)),
        other => panic!("a publication, not {other:?}"),
    }
}

#[test]
fn every_number_of_the_settings_is_told_when_they_are_new() {
    let mut f = with_mailboxes(2);
    let settings = f.agent.settings().clone();
    f.agent.reconfigure(f.moment(), &settings);
    let subjects = f.said().subjects;
    for subject in [
        Subject::Lamp(1),
        Subject::Presentity(0),
        Subject::Account(0),
    ] {
        assert!(subjects.contains(&subject), "{subject:?} in {subjects:?}");
    }
    assert!(f.agent.describe(f.now, Subject::Lamp(2)).is_none());
    assert!(f.agent.describe(f.now, Subject::Account(0)).is_none());
}

/// ```text
///   lamp ── SUBSCRIBE ──► server: 403, 403 ── 200, NOTIFY
///    log: without (403)            │              again
/// ```
#[test]
fn the_log_says_why_a_lamp_is_without_its_subscription_and_when_it_has_it_again() {
    let mut f = with_mailboxes(1);
    let (subscribe, _) = f.wait_for(PBX, Duration::from_secs(5));
    let said = f.hand(PBX.parse().unwrap(), subscribe.answer("403 No"));
    let line = "lamp lamp0 is without its subscription to sip:box0@192.0.2.50 at 192.0.2.50:5060: \
                refused with 403";
    assert_eq!(said.lines, [line]);
    assert_eq!(said.subjects, [Subject::Lamp(0)]);
    let (subscribe, _) = f.wait_for(PBX, Duration::from_secs(4_000));
    let said = f.hand(PBX.parse().unwrap(), subscribe.answer("403 No"));
    assert_eq!(said.lines.len(), 0, "the same is no news: {:?}", said.lines);

    let (subscribe, _) = f.wait_for(PBX, Duration::from_secs(4_000));
    let ok = "200 OK\r\nContact: <sip:pbx@192.0.2.50>\r\nExpires: 300\r\n";
    let ok = subscribe
        .answer(ok)
        .replace("\r\nCall-ID", ";tag=p\r\nCall-ID");
    assert_eq!(f.hand(PBX.parse().unwrap(), ok).lines.len(), 0);
    let [to, from, call_id] = ["From", "To", "Call-ID"].map(|it| subscribe.header(it).unwrap());
    let body = "Messages-Waiting: no\r\n";
    let notify = format!(
        "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKn1\r\nFrom: {from};tag=p\r\n\
         To: {to}\r\nCall-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:pbx@192.0.2.50>\r\n\
         Event: message-summary\r\nSubscription-State: active;expires=300\r\n\
         Content-Type: application/simple-message-summary\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let said = f.hand(PBX.parse().unwrap(), notify);
    let line = "lamp lamp0 has its subscription to sip:box0@192.0.2.50 again";
    assert_eq!(said.lines, [line]);
}

#[test]
fn of_many_lamps_that_lose_their_server_at_once_each_is_reported() {
    let mut f = with_mailboxes(12);
    let mut asked = std::collections::BTreeMap::new();
    while asked.len() < 12 {
        let (subscribe, _) = f.wait_for(PBX, Duration::from_secs(5));
        let call = subscribe.header("Call-ID").map(ToString::to_string);
        asked.insert(call, subscribe);
    }
    asked.values().for_each(|subscribe| f.bounce(subscribe));
    let said = f.said();
    assert_eq!(said.lines.len(), 12, "{:#?}", said.lines);
    assert!(said.lines.iter().all(|it| it.ends_with(": unreachable")));
    for lamp in 0..12 {
        assert!(said.subjects.contains(&Subject::Lamp(lamp)));
    }
}

#[test]
fn the_log_says_how_an_account_is_refused_and_when_it_is_let_in() {
    let mut f = with_account(&[PBX]);
    let (register, _) = f.wait_for(PBX, Duration::from_secs(5));
    let said = f.hand(PBX.parse().unwrap(), register.answer("403 No"));
    let line = "account sip:100@pbx.example is refused by 192.0.2.50:5060: 403 to REGISTER \
                (it does not let us)";
    assert_eq!(said.lines, [line]);
    assert_eq!(said.subjects, [Subject::Account(0)]);
    match f.agent.describe(f.now, Subject::Account(0)) {
        Some(Description::Account(it)) => assert_eq!(it.last_register, Some(403)),
        other => panic!("an account, not {other:?}"),
    }
    let (register, said) = f.wait_for(PBX, Duration::from_secs(1_000));
    assert_eq!(said.lines.len(), 0, "{:?}", said.lines);
    let said = f.hand(PBX.parse().unwrap(), granted(&register));
    assert_eq!(
        said.lines,
        ["account sip:100@pbx.example is at 192.0.2.50:5060"]
    );
    let (register, _) = f.wait_for(PBX, Duration::from_secs(300));
    let said = f.hand(PBX.parse().unwrap(), granted(&register));
    assert_eq!(said.lines.len(), 0, "a refresh: {:?}", said.lines);
    assert_eq!(said.subjects, []);
}

/// ```text
///   account ── REGISTER ──► first: 200 … silence
///           ── REGISTER ──────────────────► second: 200
/// ```
#[test]
fn the_log_says_that_an_account_moves_to_another_server_and_why() {
    let mut f = with_account(&[PBX, SECOND]);
    let (register, _) = f.wait_for(PBX, Duration::from_secs(5));
    let said = f.hand(PBX.parse().unwrap(), granted(&register));
    assert_eq!(
        said.lines,
        ["account sip:100@pbx.example is at 192.0.2.50:5060"]
    );
    let (register, said) = f.wait_for(SECOND, Duration::from_secs(400));
    let line = "account sip:100@pbx.example can't be at 192.0.2.50:5060: it does not answer";
    assert_eq!(said.lines, [line]);
    let said = f.hand(SECOND.parse().unwrap(), granted(&register));
    let line = "account sip:100@pbx.example has moved to 192.0.2.51:5060";
    assert_eq!(said.lines, [line]);
    assert!(said.subjects.contains(&Subject::Account(0)));
}

#[test]
fn the_log_names_a_watcher_who_waits_and_whom_it_wants_to_watch() {
    let mut f = asking();
    f.said();
    let eve = stranger("eve", "presence", 1);
    let said = f.hand(eve.address, eve.subscribe(600));
    let line = format!(
        "sip:eve@192.0.2.9 at {} waits to be allowed or blocked: it wants to watch {DESK}",
        eve.address
    );
    assert_eq!(said.lines, [line]);
}

#[test]
fn the_log_says_which_request_was_refused_and_why() {
    let mut f = Fixture::new();
    f.said();
    let bob = Phone::new("bob", "presence");
    let nobody = bob.subscribe(600).replace(DESK, "sip:nobody@192.0.2.1");
    let other = Phone::new("bob", "conference").subscribe(600);
    let away = Phone {
        address: "198.51.100.7:5062".parse().unwrap(),
        ..bob.clone()
    };
    for (phone, text, what) in [
        (
            &bob,
            nobody,
            "SUBSCRIBE sip:nobody@192.0.2.1 (presence) from 192.0.2.127:5062: 404 Not Found",
        ),
        (
            &bob,
            other,
            "SUBSCRIBE sip:desk@192.0.2.1 (conference) from 192.0.2.127:5062: 489 Bad Event",
        ),
        (
            &away,
            away.request("OPTIONS", ""),
            "OPTIONS sip:desk@192.0.2.1 from 198.51.100.7:5062: 403 Forbidden (it comes from no trusted network)",
        ),
    ] {
        let said = f.hand(phone.address, text);
        assert_eq!(said.lines, [format!("refused {what}")]);
    }
}

#[test]
fn what_strangers_write_into_a_request_is_escaped_and_cut_in_its_line() {
    let mut f = Fixture::new();
    f.said();
    let bob = Phone::new("bob", "presence");
    let long = format!("sip:x\u{7f}{}@192.0.2.1", "y".repeat(300));
    let said = f.hand(bob.address, bob.request("OPTIONS", "").replace(DESK, &long));
    let [line] = &said.lines[..] else {
        panic!("one line: {:?}", said.lines);
    };
    assert!(
        line.starts_with("refused OPTIONS sip:x\\u{7f}yyy"),
        "{line}"
    );
    assert!(line.contains("y... from 192.0.2.127:5062: 400 "), "{line}");
}

#[test]
fn a_400_says_what_is_wrong_in_its_reason_phrase_and_in_the_log() {
    let mut f = Fixture::new();
    f.said();
    let bob = Phone::new("bob", "presence");
    let text = bob.subscribe(600);
    let without = |name: &str| {
        let rows = text.split("\r\n").filter(|row| !row.starts_with(name));
        rows.collect::<StdVec<_>>().join("\r\n")
    };
    let twice = |row: &str| text.replace("Max-Forwards", &format!("{row}\r\nMax-Forwards"));
    for (text, why) in [
        (without("Call-ID"), "Missing Call-ID header field"),
        (without("From"), "Missing From header field"),
        (without("To"), "Missing To header field"),
        (without("CSeq"), "Missing CSeq header field"),
        (without("Contact"), "Missing Contact header field"),
        (
            text.replace("CSeq: 1 ", "CSeq: x "),
            "Malformed CSeq header field",
        ),
        (
            text.replace("Call-ID: ", "Call-ID: a b"),
            "Malformed Call-ID header field",
        ),
        (
            text.replace("From: <", "From: <<"),
            "Malformed From header field",
        ),
        (
            twice("Call-ID: other"),
            "More than one Call-ID header field",
        ),
        (twice("Event: presence"), "More than one Event header field"),
        (twice("no header"), "Malformed header line"),
        (
            text.replace("SIP/2.0\r\nVia", " SIP/2.0\r\nVia"),
            "Too many blanks in the request line",
        ),
        (
            text.replace("1 SUBSCRIBE", "1 NOTIFY"),
            "Another method in the CSeq header field",
        ),
        (
            text.replace("Length: 0", "Length: 9"),
            "Body shorter than its Content-Length",
        ),
        (
            text.replace("Length: 0", "Length: x"),
            "Malformed Content-Length header field",
        ),
        (
            text.replace("Event: presence", "Event: ;"),
            "Malformed Event header field",
        ),
        (
            text.replace("Expires: 600", "Expires: x"),
            "Malformed Expires header field",
        ),
        (
            text.replace("<sip:bob@192.0.2.127:5062>", "<tel:+4930123>"),
            "Contact with no address to send to",
        ),
    ] {
        let said = f.hand(bob.address, &text);
        let answer = said.sent[0].text.split("\r\n").next();
        assert_eq!(
            answer,
            Some(format!("SIP/2.0 400 {why}").as_str()),
            "{text}"
        );
        let [line] = &said.lines[..] else {
            panic!("one line: {:?}", said.lines);
        };
        assert!(
            line.starts_with("refused SUBSCRIBE sip:desk@192.0.2.1"),
            "{line}"
        );
        assert!(
            line.ends_with(&format!(": 400 Bad Request ({why})")),
            "{line}"
        );
    }
}

#[test]
fn a_stream_that_loses_its_framing_is_told_why() {
    let mut f = Fixture::new();
    f.said();
    let bob = Phone::new("bob", "presence");
    let head = bob.subscribe(600).replace("Content-Length: 0\r\n", "");
    let flow = Flow {
        transport: Transport::Tcp,
        connection: 1,
        ..Flow::udp(LOCAL.parse().unwrap(), bob.address)
    };
    let status = crate::wire::sip::Status::BAD_REQUEST;
    f.agent.handle_lost_framing(flow, status, head.as_bytes());
    let said = f.said();
    let expected = "SIP/2.0 400 Missing Content-Length header field\r\n";
    assert!(
        said.sent[0].text.starts_with(expected),
        "{}",
        said.sent[0].text
    );
}

#[test]
fn a_package_that_we_do_not_have_gets_489_whatever_body_it_brings() {
    let mut f = Fixture::new();
    let with_body = |event: &'static str, method: &str, more: &str| {
        let phone = Phone::new("desk", event);
        let text = phone.request(method, &format!("Event: {event}\r\n{more}"));
        let text = text.replace("sip:desk@192.0.2.9", DESK);
        let text = text.replace("Call-ID: ", &format!("Call-ID: {event}{}", more.len()));
        (
            phone.address,
            text.replace("Content-Length: 0\r\n\r\n", "Content-Length: 1\r\n\r\nx"),
        )
    };
    let feature = "Content-Type: application/x-as-feature-event+xml\r\n";
    for (event, method, more, status) in [
        ("message-summary", "SUBSCRIBE", feature, 489),
        (
            "message-summary",
            "SUBSCRIBE",
            "Content-Encoding: gzip\r\n",
            489,
        ),
        ("conference", "SUBSCRIBE", feature, 489),
        ("dialog", "PUBLISH", "Content-Encoding: gzip\r\n", 415),
        (
            "message-summary",
            "PUBLISH",
            "Content-Encoding: gzip\r\n",
            489,
        ),
        ("presence", "SUBSCRIBE", feature, 415),
        ("presence", "PUBLISH", "Content-Encoding: gzip\r\n", 415),
    ] {
        let (address, text) = with_body(event, method, more);
        let sent = f.send_from(address, &text);
        assert_eq!(sent[0].status(), status, "{text}");
    }
}

#[test]
fn keep_alives_of_every_kind_are_silent() {
    let mut f = Fixture::new();
    f.said();
    // An indication, which wants nothing; a request of before RFC 5389; and an answer to nothing of ours.
    let stun: [&[u8]; 3] = [
        &[
            0, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ],
        &[
            0, 1, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ],
        &[
            1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, b'r', 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12,
        ],
    ];
    let peer: SocketAddr = "192.0.2.77:5060".parse().unwrap();
    for bytes in [
        b"\r\n\r\n",
        b"\0\0\0\0",
        &b"jaK"[..],
        b"PING",
        b"\r\n",
        b"\0",
        stun[0],
        stun[1],
        stun[2],
    ] {
        let said = f.hand(peer, bytes);
        assert_eq!((said.sent.len(), said.lines.len()), (0, 0), "{bytes:?}");
        assert_eq!(said.subjects, []);
    }
    let ping = Phone::new("bob", "").request("PING", "");
    let said = f.hand(peer, ping);
    assert_eq!((said.sent[0].status(), said.lines.len()), (501, 0));
    assert_eq!(f.hand(peer, b"GET / HTTP/1.1\r\n\r\n").lines.len(), 1);
}

/// A phone behind a NAT keeps its way to us open (RFC 5626 §8).
#[test]
fn who_asks_by_stun_is_told_where_he_is_seen_but_strangers_not_for_ever() /* R11, ATTACKS B */
{
    let mut f = Fixture::new();
    f.said();
    let ask = |strange: &[u8]| {
        let mut bytes = StdVec::from([0, 1, 0, strange.len() as u8, 0x21, 0x12, 0xa4, 0x42]);
        bytes.extend([7; 12]);
        bytes.extend(strange);
        bytes
    };
    let phone: SocketAddr = "192.0.2.77:5060".parse().unwrap();
    let answered = |f: &mut Fixture, from: SocketAddr, bytes: &[u8]| {
        let flow = Flow::udp(LOCAL.parse().unwrap(), from);
        f.agent.handle_datagram(f.moment(), flow, bytes);
        let mut buf = [0; 100];
        let (to, len) = f.agent.poll_answer(&mut buf)?;
        assert_eq!(to, flow);
        stun::parse(&buf[..len])
    };
    let seen = Some(stun::Message::Success([7; 12], Some(phone)));
    for _ in 0..100 {
        assert_eq!(answered(&mut f, phone, &ask(&[])), seen);
    }
    let refused = answered(&mut f, phone, &ask(&[0, 3, 0, 4, 0, 0, 0, 6]));
    assert_eq!(refused, Some(stun::Message::Error([7; 12])));
    let stranger: SocketAddr = "198.51.100.9:4000".parse().unwrap();
    let count = |f: &mut Fixture, answered: &mut dyn FnMut(&mut Fixture) -> bool| {
        (0..1_000).filter(|_| answered(f)).count()
    };
    let mut by_stranger = |f: &mut Fixture| answered(f, stranger, &ask(&[])).is_some();
    assert_eq!(count(&mut f, &mut by_stranger), 20);
    f.run(Duration::from_secs(1));
    assert_eq!(count(&mut f, &mut by_stranger), 10);
    // Nowhere to answer to.
    let nobody: SocketAddr = "192.0.2.77:0".parse().unwrap();
    assert_eq!(answered(&mut f, nobody, &ask(&[])), None);
    // A stream has line ends for that.
    let flow = Flow::tcp(LOCAL.parse().unwrap(), phone, 3);
    f.agent.handle_datagram(f.moment(), flow, &ask(&[]));
    assert_eq!(f.agent.poll_answer(&mut [0; 100]), None);
}

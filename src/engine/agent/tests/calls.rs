//! Lamps that show calls: who is at the other end, and a server that knows of none.

use super::*;
use crate::engine::config::{LampSettings, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;

const PBX: &str = "192.0.2.50:5060";
const BOB: &str = "sip:bob@192.0.2.50";

/// An agent with two lamps for bob's calls, and the PBX that tells of them.
struct Desk {
    f: Fixture,
    /// The SUBSCRIBE that NOTIFYs are built from.
    subscribe: Sent,
    cseq: u32,
}

/// What came of something.
#[derive(Debug, Default)]
struct Came {
    sent: StdVec<Sent>,
    lit: usize,
    lines: StdVec<String>,
    lamps: StdVec<u16>,
}

impl Desk {
    fn new() -> Desk {
        let mut f = Fixture::with(|settings| {
            let [target, from] = [BOB, DESK].map(|uri| Text::copied(uri).unwrap());
            let watch = WatchSettings::new(target, from, Package::Dialog);
            settings.watches.push(watch).unwrap();
            for name in ["blf1", "blf2"] {
                let mut lamp = LampSettings::new(Text::copied(name).unwrap());
                lamp.shows = Shows::Watch(0);
                lamp.looks = settings.default_looks(lamp.shows).clone();
                lamp.grace = Seconds(10);
                settings.lamps.push(lamp).unwrap();
            }
        });
        let sent = f.run(Duration::from_secs(3));
        let (_, subscribe) = sent.into_iter().next().expect("a SUBSCRIBE");
        let mut desk = Desk {
            f,
            subscribe,
            cseq: 0,
        };
        desk.accept();
        desk
    }

    /// The PBX accepts the last SUBSCRIBE.
    fn accept(&mut self) {
        let rows = "200 OK\r\nContact: <sip:pbx@192.0.2.50>\r\nExpires: 300\r\n";
        let answer = self.subscribe.answer(rows);
        let answer = match self.subscribe.header("To").unwrap().contains(";tag=") {
            true => answer,
            false => answer.replace("\r\nCall-ID", ";tag=p\r\nCall-ID"),
        };
        self.f.send_from(PBX.parse().unwrap(), &answer);
    }

    /// The PBX sends a NOTIFY; what comes of it besides the 200.
    #[track_caller]
    fn notify(&mut self, state: &str, body: &str) -> Came {
        self.cseq += 1;
        let [to, from, call_id] =
            ["From", "To", "Call-ID"].map(|name| self.subscribe.header(name).unwrap());
        let from = from.split(";tag=").next().unwrap();
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/dialog-info+xml\r\n",
        };
        let notify = format!(
            "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKn{}\r\nFrom: {from};tag=p\r\n\
             To: {to}\r\nCall-ID: {call_id}\r\nCSeq: {} NOTIFY\r\nContact: <sip:pbx@192.0.2.50>\r\n\
             Event: dialog\r\nSubscription-State: {state}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.cseq,
            self.cseq,
            body.len()
        );
        let flow = Flow::udp(LOCAL.parse().unwrap(), PBX.parse().unwrap());
        let moment = self.f.moment();
        self.f
            .agent
            .handle_datagram(moment, flow, notify.as_bytes());
        let mut came = self.came();
        assert_eq!(came.sent.remove(0).status(), 200);
        came
    }

    /// The PBX tells of one call, with that caller.
    #[track_caller]
    fn tell(&mut self, state: &str, caller: &str) -> Came {
        let version = self.cseq;
        let call = match state {
            "" => String::new(),
            state => format!(
                "<dialog id='1' direction='recipient'><state>{state}</state><remote>{caller}</remote></dialog>"
            ),
        };
        let body = format!(
            "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='{version}' state='full' \
             entity='{BOB}'>{call}</dialog-info>"
        );
        self.notify("active;expires=300", &body)
    }

    fn came(&mut self) -> Came {
        let mut came = Came::default();
        let f = &mut self.f;
        loop {
            match f.agent.poll(f.now, &mut f.buf) {
                Output::Send { flow, len } => {
                    let text = String::from_utf8_lossy(&f.buf[..len]).into_owned();
                    came.sent.push(Sent { flow, text });
                }
                Output::Lamp { .. } => came.lit += 1,
                Output::Report(report) => came.lines.push(report.to_string()),
                Output::Changed(Subject::Lamp(lamp)) => came.lamps.push(lamp),
                Output::Changed(_) | Output::Resolve { .. } | Output::Gesture { .. } => {}
                Output::Wait(_) => {
                    came.lamps.sort_unstable();
                    return came;
                }
            }
        }
    }

    /// State, look, name and address of both lamps, which are the same.
    #[track_caller]
    fn lamp(&self) -> (Option<Watched>, String, Option<(&str, &str)>) {
        let [one, two] = [0, 1].map(|at| {
            let lamp = self.f.agent.lamps().nth(at).expect("a lamp");
            let party = lamp.party.map(|party| (party.display(), party.uri()));
            (lamp.state, lamp.look.to_string(), party)
        });
        assert_eq!(one, two);
        let why = self.f.agent.why(0).expect("the lamp");
        let party = why.lamp.party.map(|party| (party.display(), party.uri()));
        assert_eq!(party, one.2, "both ways of asking");
        one
    }

    fn since(&self) -> Instant {
        self.f.agent.lamps().next().expect("a lamp").since
    }

    fn run(&mut self, lasts: Duration) -> StdVec<Sent> {
        let sent = self.f.run(lasts).into_iter();
        sent.map(|(_, sent)| sent).collect()
    }
}

const GATE: &str = "<identity display='Gate'>sip:306@192.0.2.50</identity>";
const DOOR: &str = "<identity display='Door'>sip:307@192.0.2.50</identity>";

#[test]
fn a_lamp_that_shows_a_call_names_the_other_party_until_it_ends() {
    let mut desk = Desk::new();
    desk.tell("", "");
    assert_eq!(
        desk.lamp(),
        (Some(Watched::Idle), "green".to_string(), None)
    );
    let gate = Some(("Gate", "sip:306@192.0.2.50"));
    for (state, watched, look) in [
        ("early", Watched::Ringing, "red fast"),
        ("confirmed", Watched::Busy, "red"),
        ("trying", Watched::Trying, "red"),
    ] {
        desk.tell(state, GATE);
        assert_eq!(desk.lamp(), (Some(watched), look.to_string(), gate));
    }
    desk.tell("terminated", GATE);
    assert_eq!(
        desk.lamp(),
        (Some(Watched::Idle), "green".to_string(), None)
    );
}

#[test]
fn another_party_is_news_for_followers_and_costs_nothing_else() {
    let mut desk = Desk::new();
    desk.tell("confirmed", GATE);
    let since = desk.since();
    desk.run(Duration::from_secs(5));
    let came = desk.tell("confirmed", DOOR);
    assert_eq!(came.lamps, [0, 1]);
    assert!(came.sent.is_empty() && came.lines.is_empty(), "{came:?}");
    assert_eq!((came.lit, desk.since()), (0, since));
    assert_eq!(desk.lamp().2, Some(("Door", "sip:307@192.0.2.50")));
    assert!(desk.tell("confirmed", DOOR).lamps.is_empty());
    assert_eq!(desk.tell("confirmed", "").lamps, [0, 1]);
    assert_eq!(desk.lamp().2, None);
}

#[test]
fn no_line_of_the_log_names_a_party() {
    let mut desk = Desk::new();
    let mut lines = StdVec::new();
    for (state, caller) in [("early", GATE), ("confirmed", DOOR), ("", "")] {
        lines.extend(desk.tell(state, caller).lines);
    }
    lines.extend(desk.tell("early", GATE).lines);
    lines.extend(desk.notify("terminated;reason=giveup", "").lines);
    assert!(!lines.is_empty(), "the end of the subscription is one");
    for line in &lines {
        assert!(!line.contains("Gate") && !line.contains("30"), "{line}");
    }
}

#[test]
fn a_lamp_that_does_not_know_names_nobody() /* S23 */
{
    let mut desk = Desk::new();
    desk.tell("confirmed", GATE);
    desk.notify("terminated;reason=giveup", "");
    assert_eq!(desk.lamp(), (Some(Watched::Busy), "red".to_string(), None));
    let mut desk = Desk::new();
    desk.tell("confirmed", GATE);
    desk.f.agent.stop(desk.f.now);
    desk.f.agent.handle_timeout(desk.f.moment());
    desk.came();
    assert_eq!(desk.lamp().2, None);
}

#[test]
fn a_server_that_knows_no_state_leaves_the_lamp_idle_and_says_why() /* kamailio #55 */
{
    let mut desk = Desk::new();
    desk.notify("active;expires=300", "");
    let idle = (Some(Watched::Idle), "green".to_string(), None);
    assert_eq!(desk.lamp(), idle);
    assert!(desk.f.agent.why(0).unwrap().watch.unwrap().is_stateless);
    // A call comes; then its phone loses power, and what it published expires at the server.
    desk.tell("confirmed", GATE);
    assert!(!desk.f.agent.why(0).unwrap().watch.unwrap().is_stateless);
    desk.run(Duration::from_secs(60));
    desk.notify("active;expires=240", "");
    assert_eq!(desk.lamp().0, Some(Watched::Busy));
    let refresh = desk.run(Duration::from_secs(5)).into_iter().next();
    desk.subscribe = refresh.expect("it is asked again");
    desk.accept();
    desk.notify("active;expires=300", "");
    assert_eq!(desk.lamp(), idle);
}

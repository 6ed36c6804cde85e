//! Lamps of a list, before a server that has it and one that does not.

use super::*;
use crate::engine::config::{LampSettings, WatchRole, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;
use crate::roles::watcher::Standing;

const PBX: &str = "192.0.2.50:5060";
const LIST: &str = "sip:lamps@192.0.2.50";
const BOB: &str = "sip:bob@192.0.2.50";
const EVE: &str = "sip:eve@192.0.2.50";
const SECOND: Duration = Duration::from_secs(1);

/// Lamps of bob and eve, who are on a list, and one of our health.
fn with_list() -> Fixture {
    Fixture::with(|settings| {
        let text = |it| Text::copied(it).unwrap();
        let all = [
            (LIST, WatchRole::List),
            (BOB, WatchRole::Member(0)),
            (EVE, WatchRole::Member(0)),
        ];
        for (target, role) in all {
            let mut watch = WatchSettings::new(text(target), text(DESK), Package::Dialog);
            watch.role = role;
            settings.watches.push(watch).unwrap();
        }
        for shows in [Shows::Watch(1), Shows::Watch(2), Shows::Health] {
            let name = format!("blf{}", settings.lamps.len());
            let mut lamp = LampSettings::new(Text::copied(&name).unwrap());
            lamp.shows = shows;
            lamp.grace = Seconds(10);
            settings.lamps.push(lamp).unwrap();
        }
    })
}

fn pbx() -> SocketAddr {
    PBX.parse().unwrap()
}

fn subscribes(sent: StdVec<(u64, Sent)>) -> StdVec<Sent> {
    let mut all: StdVec<Sent> = StdVec::new();
    for (_, it) in sent {
        if it.text.starts_with("SUBSCRIBE") && !all.contains(&it) {
            all.push(it);
        }
    }
    all
}

/// A NOTIFY of the list: of each of these, the calls it has.
fn told(subscribe: &Sent, cseq: u32, full: bool, all: &[(&str, &str)]) -> String {
    let [to, from, call_id] = ["From", "To", "Call-ID"].map(|it| subscribe.header(it).unwrap());
    let mut list = format!(
        "--x\r\nContent-Type: application/rlmi+xml\r\n\r\n\
         <list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"{LIST}\" version=\"{cseq}\" fullState=\"{full}\">"
    );
    let mut parts = String::new();
    for (uri, state) in all {
        list += &format!(
            "<resource uri=\"{uri}\"><instance id=\"1\" state=\"active\" cid=\"{uri}\"/></resource>"
        );
        parts += &format!(
            "--x\r\nContent-ID: <{uri}>\r\nContent-Type: application/dialog-info+xml\r\n\r\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{cseq}\" state=\"full\" entity=\"{uri}\">\
             <dialog id=\"1\"><state>{state}</state></dialog></dialog-info>\r\n"
        );
    }
    let body = format!("{list}</list>\r\n{parts}--x--\r\n");
    format!(
        "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKlist{cseq}\r\nFrom: {from};tag=p\r\n\
         To: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\nContact: <sip:pbx@{PBX}>\r\nEvent: dialog\r\n\
         Require: eventlist\r\nSubscription-State: active;expires=300\r\n\
         Content-Type: multipart/related;boundary=x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Fixture {
    /// The list was told; the SUBSCRIBE of it.
    fn listed(&mut self) -> Sent {
        let asked = subscribes(self.run(SECOND * 3));
        assert_eq!(asked.len(), 1, "the list alone: {asked:#?}");
        let answer = asked[0].answer("200 OK\r\nRequire: eventlist\r\nExpires: 300\r\n");
        self.send_from(pbx(), &answer);
        let notify = told(&asked[0], 1, true, &[(BOB, "terminated"), (EVE, "early")]);
        let sent = self.send_from(pbx(), &notify);
        assert_eq!(sent[0].status(), 200, "{sent:#?}");
        asked[0].clone()
    }

    /// What the log says.
    fn reported(&mut self) -> StdVec<String> {
        let mut lines = StdVec::new();
        for _ in 0..10_000 {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Report(report) => lines.push(report.to_string()),
                Output::Wait(_) => return lines,
                Output::Send { .. }
                | Output::Lamp { .. }
                | Output::Resolve { .. }
                | Output::Changed(_)
                | Output::Gesture { .. } => {}
            }
        }
        panic!("the agent never waits");
    }

    fn lamp_states(&self) -> StdVec<&'static str> {
        let lamps = self.agent.lamps();
        lamps
            .map(|it| it.state.map_or("-", Watched::name))
            .collect()
    }
}

#[test]
fn one_subscription_lights_all_lamps_of_a_list() /* F16 F17 F18 */
{
    let mut f = with_list();
    assert_eq!(
        f.lamp_states(),
        ["subscribing", "subscribing", "subscribing"]
    );
    let list = f.listed();
    assert_eq!(f.lamp_states(), ["idle", "ringing", "idle"]);
    f.send_from(pbx(), &told(&list, 2, false, &[(EVE, "confirmed")]));
    assert_eq!(f.lamp_states(), ["idle", "busy", "idle"]);
    let why = f.agent.why(1).expect("a lamp");
    let watch = why.watch.expect("a watch");
    let listed = watch.listed.expect("it is on a list");
    assert_eq!((watch.target, listed.list), (EVE, LIST));
    assert_eq!((watch.state, listed.standing), ("active", Standing::Active));
}

#[test]
fn lamps_of_a_list_go_out_with_it() /* S23 */
{
    let mut f = with_list();
    f.listed();
    // Nobody answers the refresh.
    f.run(SECOND * 330);
    assert_eq!(f.lamp_states(), ["unknown", "unknown", "unknown"]);
}

#[test]
fn who_is_not_on_the_list_is_unknown_and_all_is_not_well() {
    let mut f = with_list();
    let list = f.listed();
    f.send_from(pbx(), &told(&list, 2, true, &[(BOB, "confirmed")]));
    assert_eq!(f.lamp_states(), ["busy", "unknown", "unknown"]);
}

#[test]
fn a_server_without_lists_is_well_when_all_are_told_one_by_one() /* F16 */
{
    let mut f = with_list();
    let asked = subscribes(f.run(SECOND * 3));
    let answer = asked[0].answer("404 Not Found\r\n");
    let flow = Flow::udp(LOCAL.parse().unwrap(), pbx());
    f.agent.handle_datagram(f.moment(), flow, answer.as_bytes());
    let line = format!(
        "lamp blf0 (and 1 more) is without its subscription to {LIST} at {PBX}: refused with 404"
    );
    assert_eq!(f.reported(), [line]);
    let alone = subscribes(f.run(SECOND));
    assert_eq!(alone.len(), 2, "{alone:#?}");
    for subscribe in alone {
        f.send_from(pbx(), &subscribe.answer("200 OK\r\nExpires: 300\r\n"));
        let whom = subscribe.header("To").unwrap().trim_matches(['<', '>']);
        let body = format!(
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"1\" state=\"full\" entity=\"{whom}\"/>"
        );
        let notify = told(&subscribe, 1, true, &[]);
        let (head, _) = notify.split_once("Content-Type: ").unwrap();
        let head = head.replace("Require: eventlist\r\n", "").replace(
            "z9hG4bK",
            &format!("z9hG4bK{}", whom.len() + usize::from(whom == BOB)),
        );
        let length = body.len();
        let notify = format!(
            "{head}Content-Type: application/dialog-info+xml\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let sent = f.send_from(pbx(), &notify);
        assert_eq!(sent[0].status(), 200, "{sent:#?}");
    }
    assert_eq!(f.lamp_states(), ["idle", "idle", "idle"]);
    assert!(
        f.agent
            .watches()
            .next()
            .is_some_and(|list| list.is_unlisted)
    );
}

#[test]
fn a_reload_keeps_a_list_and_asks_for_it_when_somebody_is_new() {
    let mut f = with_list();
    f.listed();
    f.run(SECOND * 10);
    let mut settings = f.agent.settings().clone();
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(subscribes(f.run(SECOND * 20)), []);
    assert_eq!(f.lamp_states(), ["idle", "ringing", "idle"]);
    settings.watches[2].target = Text::copied("sip:kim@192.0.2.50").unwrap();
    f.agent.reconfigure(f.moment(), &settings);
    let asked = subscribes(f.run(SECOND * 20));
    let whom: StdVec<&str> = asked.iter().filter_map(|it| it.header("To")).collect();
    assert_eq!(whom, ["<sip:lamps@192.0.2.50>;tag=p"]);
    assert_eq!(f.lamp_states()[0], "idle");
}

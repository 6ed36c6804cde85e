//! A lamp of calls and presence, before a server that has both packages, one of them, or neither.

use super::*;
use crate::engine::config::{LampSettings, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;

const PBX: &str = "192.0.2.50:5060";
const BOB: &str = "sip:bob@192.0.2.50";
const GRACE: Duration = Duration::from_secs(10);

/// The lamp's number; behind it stands the health lamp.
const LAMP: usize = 0;
const HEALTH: usize = 1;

const BOTH: Shows = Shows::Both {
    calls: 0,
    presence: 1,
};

/// An agent with these lamps, each with a grace of 10 s; bob's calls are watched, and his presence.
fn with_lamps(all: &[Shows]) -> Fixture {
    Fixture::with(|settings| {
        for package in [Package::Dialog, Package::Presence] {
            settings.watches.push(watch(package)).unwrap();
        }
        for (at, &shows) in all.iter().enumerate() {
            let mut lamp = LampSettings::new(Text::copied(&format!("blf{at}")).unwrap());
            lamp.shows = shows;
            lamp.grace = Seconds(10);
            settings.lamps.push(lamp).unwrap();
        }
    })
}

fn watch(package: Package) -> WatchSettings {
    let text = |text| Text::copied(text).unwrap();
    WatchSettings::new(text(BOB), text(DESK), package)
}

/// The PBX's end of a subscription.
struct Subscription {
    subscribe: Sent,
    cseq: u32,
}

impl Fixture {
    /// The first SUBSCRIBEs: of calls, then of presence.
    #[track_caller]
    fn asked(&mut self) -> [Subscription; 2] {
        let sent = self.run(Duration::from_secs(3));
        ["dialog", "presence"].map(|event| {
            let mut all = sent.iter().map(|(_, it)| it);
            let first = all.find(|it| it.header("Event") == Some(event));
            Subscription {
                subscribe: first.expect(event).clone(),
                cseq: 0,
            }
        })
    }

    /// The PBX refuses; what the log says of it.
    fn refused(&mut self, whose: &Subscription, status: &str) -> StdVec<String> {
        let answer = whose.subscribe.answer(status);
        let flow = Flow::udp(LOCAL.parse().unwrap(), PBX.parse().unwrap());
        let moment = self.moment();
        self.agent.handle_datagram(moment, flow, answer.as_bytes());
        self.lines()
    }

    /// The PBX tells; what the log says of it.
    #[track_caller]
    fn learns(&mut self, whose: &mut Subscription, body: &str) -> StdVec<String> {
        self.notified(whose, "active;expires=300", body)
    }

    #[track_caller]
    fn notified(&mut self, whose: &mut Subscription, state: &str, body: &str) -> StdVec<String> {
        let subscribe = &whose.subscribe;
        if whose.cseq == 0 {
            let granted = "200 OK\r\nContact: <sip:pbx@192.0.2.50>\r\nExpires: 300\r\n";
            let answer = subscribe.answer(granted);
            let answer = answer.replace("\r\nCall-ID", ";tag=p\r\nCall-ID");
            self.send_from(PBX.parse().unwrap(), &answer);
        }
        whose.cseq += 1;
        let cseq = whose.cseq;
        let [to, from, call_id, event] =
            ["From", "To", "Call-ID", "Event"].map(|name| subscribe.header(name).unwrap());
        let kind = match event {
            "dialog" => "application/dialog-info+xml",
            _ => "application/pidf+xml",
        };
        let notify = format!(
            "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bK{event}{cseq}\r\n\
             From: {from};tag=p\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:pbx@192.0.2.50>\r\nEvent: {event}\r\nSubscription-State: {state}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let flow = Flow::udp(LOCAL.parse().unwrap(), PBX.parse().unwrap());
        let moment = self.moment();
        self.agent.handle_datagram(moment, flow, notify.as_bytes());
        self.lines()
    }

    fn lines(&mut self) -> StdVec<String> {
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

    #[track_caller]
    fn expect_states(&self, expected: &[&str]) {
        let lamps = self.agent.lamps();
        let told: StdVec<&str> = lamps
            .map(|it| it.state.map_or("-", Watched::name))
            .collect();
        assert_eq!(told, expected);
    }

    #[track_caller]
    fn expect_state(&self, lamp: usize, expected: &str) {
        let status = self.agent.lamps().nth(lamp).expect("the lamp");
        assert_eq!(status.state.map(Watched::name), Some(expected));
    }
}

fn calls(state: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"1\" state=\"full\" entity=\"{BOB}\"><dialog id=\"200\" direction=\"recipient\">\
         <state>{state}</state></dialog></dialog-info>"
    )
}

/// As Asterisk tells of an extension: note first, then the tuple.
fn presence(note: &str, basic: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:pp=\"urn:ietf:params:xml:ns:pidf:person\" \
         xmlns:ep=\"urn:ietf:params:xml:ns:pidf:rpid:rpid-person\" entity=\"{BOB}\">{note}\
         <tuple id=\"200\"><status><basic>{basic}</basic></status></tuple></presence>"
    )
}

fn ready() -> String {
    presence("<note>Ready</note>", "open")
}

fn unavailable() -> String {
    presence("<note>Unavailable</note>", "closed")
}

fn away() -> String {
    let person =
        "<pp:person><status><ep:activities><ep:away/></ep:activities></status></pp:person>";
    presence(person, "open")
}

#[test]
fn idle_and_not_registered_differ_and_a_call_wins() /* FIELD 12 */
{
    let mut f = with_lamps(&[BOTH, Shows::Health]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut dialog, &calls("terminated"));
    f.learns(&mut presence, &unavailable());
    f.expect_states(&["offline", "idle"]);
    f.learns(&mut presence, &ready());
    f.expect_states(&["idle", "idle"]);
    f.learns(&mut presence, &away());
    f.expect_states(&["away", "idle"]);
    f.learns(&mut dialog, &calls("early"));
    f.expect_states(&["ringing", "idle"]);
    f.learns(&mut presence, &unavailable());
    f.expect_states(&["ringing", "idle"]);
    f.learns(&mut dialog, &calls("confirmed"));
    f.expect_states(&["busy", "idle"]);
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["offline", "idle"]);
    let lamp = f.agent.lamps().next().expect("the lamp");
    assert_eq!((lamp.shows, lamp.whom), (BOTH, Some(BOB)));
}

#[test]
fn the_lamp_waits_for_both_unless_there_is_a_call() {
    let mut f = with_lamps(&[BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.expect_states(&["subscribing"]);
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["subscribing"]);
    f.learns(&mut dialog, &calls("confirmed"));
    f.expect_states(&["busy"]);
    f.learns(&mut presence, &ready());
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["idle"]);
}

#[test]
fn why_tells_of_both_subscriptions() {
    let mut f = with_lamps(&[BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut dialog, &calls("terminated"));
    f.learns(&mut presence, &away());
    let why = f.agent.why(LAMP).expect("the lamp");
    let [dialog, presence] = [why.watch, why.presence].map(|it| it.expect("a watch"));
    assert_eq!(
        (dialog.package, dialog.watched),
        (Package::Dialog, Watched::Idle)
    );
    assert_eq!(
        (presence.package, presence.watched),
        (Package::Presence, Watched::Away)
    );
    assert_eq!(why.lamp.state, Some(Watched::Away));
}

#[test]
fn where_one_package_is_missing_the_other_serves_the_lamp() {
    for status in [
        "489 Bad Event",
        "400 Bad Request",
        "404 Not Found",
        "405 Method Not Allowed",
        "415 Unsupported Media Type",
        "501 Not Implemented",
    ] {
        let mut f = with_lamps(&[BOTH, Shows::Health]);
        let [mut dialog, presence] = f.asked();
        f.learns(&mut dialog, &calls("terminated"));
        let lines = f.refused(&presence, status);
        let code = &status[..3];
        assert_eq!(
            lines,
            [format!(
                "lamp blf0 is without its subscription to {BOB} (presence) at {PBX}: refused with {code}"
            )]
        );
        f.expect_states(&["idle", "idle"]);
        let why = f.agent.why(LAMP).expect("the lamp");
        assert!(why.presence.expect("a watch").lacks_package);

        let mut f = with_lamps(&[BOTH, Shows::Health]);
        let [dialog, mut presence] = f.asked();
        f.refused(&dialog, status);
        f.expect_states(&["subscribing", "subscribing"]);
        f.learns(&mut presence, &ready());
        f.expect_states(&["idle", "idle"]);
        f.learns(&mut presence, &unavailable());
        f.run(Duration::from_secs(20));
        f.expect_states(&["offline", "idle"]);
    }
}

#[test]
fn a_refusal_that_is_not_of_the_package_leaves_calls_unknown() /* S23 */
{
    for status in [
        "403 Forbidden",
        "480 Temporarily Unavailable",
        "503 Service Unavailable",
    ] {
        let mut f = with_lamps(&[BOTH, Shows::Health]);
        let [dialog, mut presence] = f.asked();
        f.refused(&dialog, status);
        f.learns(&mut presence, &ready());
        f.expect_states(&["unknown", "unknown"]);
        f.learns(&mut presence, &unavailable());
        f.expect_states(&["offline", "unknown"]);
    }
}

#[test]
fn a_package_that_was_served_once_is_not_missing() /* S23 */
{
    let mut f = with_lamps(&[BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut dialog, &calls("terminated"));
    f.learns(&mut presence, &ready());
    f.notified(&mut dialog, "terminated;reason=deactivated", "");
    let again = f.run(Duration::from_secs(5));
    let (_, subscribe) = again.into_iter().next().expect("a SUBSCRIBE");
    f.refused(&Subscription { subscribe, cseq: 0 }, "489 Bad Event");
    f.run(GRACE);
    f.expect_states(&["unknown"]);
}

#[test]
fn a_server_with_neither_package_leaves_the_lamp_unknown() /* S23 */
{
    let mut f = with_lamps(&[BOTH, Shows::Health]);
    for whose in f.asked().iter().rev() {
        f.refused(whose, "489 Bad Event");
    }
    f.expect_states(&["unknown", "unknown"]);
    // Until one of them is there: then it is enough, also for our health.
    let mut again = (0..3_600).flat_map(|_| f.run(Duration::from_secs(1)));
    let found = again.find(|(_, it)| it.header("Event") == Some("presence"));
    let (_, subscribe) = found.expect("it is asked again");
    let mut presence = Subscription { subscribe, cseq: 0 };
    f.learns(&mut presence, &ready());
    f.expect_states(&["idle", "idle"]);
}

#[test]
fn a_missing_package_is_missed_where_another_lamp_has_nothing_else() {
    let mut f = with_lamps(&[BOTH, Shows::Health, Shows::Watch(0)]);
    let [dialog, mut presence] = f.asked();
    let lines = f.refused(&dialog, "489 Bad Event");
    assert_eq!(
        lines,
        [format!(
            "lamp blf0 (and 1 more) is without its subscription to {BOB} (dialog) at {PBX}: refused with 489"
        )]
    );
    f.learns(&mut presence, &ready());
    f.expect_states(&["idle", "unknown", "unknown"]);
}

#[test]
fn nobody_is_idle_once_calls_have_been_in_doubt_for_the_grace() /* S23 */
{
    let mut f = with_lamps(&[BOTH, Shows::Health]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut dialog, &calls("terminated"));
    f.learns(&mut presence, &ready());
    let lines = f.notified(&mut dialog, "terminated;reason=giveup;retry-after=600", "");
    assert_eq!(
        lines,
        [format!(
            "lamp blf0 is without its subscription to {BOB} (dialog) at {PBX}: giveup"
        )]
    );
    let ends = f.now + GRACE;
    assert_eq!(f.agent.why(LAMP).expect("it").grace_ends, Some(ends));
    f.run(GRACE - Duration::from_millis(1));
    f.expect_states(&["idle", "idle"]);
    f.run(Duration::from_millis(1));
    f.expect_states(&["unknown", "unknown"]);
    f.learns(&mut presence, &unavailable());
    f.expect_state(LAMP, "offline");
    f.learns(&mut presence, &ready());
    f.expect_state(LAMP, "unknown");
}

#[test]
fn presence_in_doubt_harms_no_call_and_has_its_grace_to_itself() /* S23 */
{
    let mut f = with_lamps(&[BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut presence, &ready());
    f.learns(&mut dialog, &calls("confirmed"));
    f.notified(
        &mut presence,
        "terminated;reason=giveup;retry-after=600",
        "",
    );
    let why = f.agent.why(LAMP).expect("the lamp");
    assert_eq!(why.grace_ends, None, "the call stays as it is");
    f.run(GRACE / 2);
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["idle"]);
    f.learns(&mut dialog, &calls("early"));
    f.run(GRACE / 2);
    f.expect_states(&["ringing"]);
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["unknown"]);
}

#[test]
fn the_grace_of_both_ends_when_what_is_shown_changes() /* S23 */
{
    let mut f = with_lamps(&[BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut presence, &ready());
    f.learns(&mut dialog, &calls("confirmed"));
    let giveup = "terminated;reason=giveup;retry-after=600";
    f.notified(&mut presence, giveup, "");
    f.run(Duration::from_secs(3));
    f.notified(&mut dialog, giveup, "");
    let ends = f.now + GRACE;
    assert_eq!(f.agent.why(LAMP).expect("it").grace_ends, Some(ends));
    f.run(GRACE - Duration::from_millis(1));
    f.expect_states(&["busy"]);
    f.run(Duration::from_millis(1));
    f.expect_states(&["unknown"]);
    assert_eq!(f.agent.why(LAMP).expect("it").grace_ends, None);
}

#[test]
fn a_reload_from_calls_to_both_keeps_the_subscription_of_calls() {
    let mut f = Fixture::with(|settings| {
        settings.watches.push(watch(Package::Dialog)).unwrap();
        let mut lamp = LampSettings::new(Text::copied("blf0").unwrap());
        lamp.shows = Shows::Watch(0);
        settings.lamps.push(lamp).unwrap();
    });
    let sent = f.run(Duration::from_secs(3));
    let mut dialog = Subscription {
        subscribe: sent[0].1.clone(),
        cseq: 0,
    };
    f.learns(&mut dialog, &calls("early"));
    f.expect_states(&["ringing"]);
    let since = f.agent.lamps().next().expect("it").since;

    // Its number is another one from now on.
    let mut settings = f.agent.settings().clone();
    settings
        .watches
        .insert(0, watch(Package::Presence))
        .unwrap();
    settings.lamps[0].shows = Shows::Both {
        calls: 1,
        presence: 0,
    };
    f.agent.reconfigure(f.moment(), &settings);
    let sent = f.run(Duration::from_secs(3));
    let asked: StdVec<Option<&str>> = sent.iter().map(|(_, it)| it.header("Event")).collect();
    assert!(!asked.is_empty() && asked.iter().all(|it| *it == Some("presence")));
    let status = f.agent.lamps().next().expect("it");
    assert_eq!(
        (status.state, status.since),
        (Some(Watched::Ringing), since)
    );
    let mut presence = Subscription {
        subscribe: sent[0].1.clone(),
        cseq: 0,
    };
    f.learns(&mut presence, &away());
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["away"]);

    // And back again: presence is unsubscribed.
    settings.watches.remove(0);
    settings.lamps[0].shows = Shows::Watch(0);
    f.agent.reconfigure(f.moment(), &settings);
    let sent = f.run(Duration::from_millis(100));
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0].1.header("Event"), Some("presence"));
    assert_eq!(sent[0].1.header("Expires"), Some("0"));
    f.expect_states(&["idle"]);
}

#[test]
fn lamps_share_what_both_of_them_watch() {
    let mut f = with_lamps(&[BOTH, Shows::Watch(1), Shows::Watch(0), BOTH]);
    let [mut dialog, mut presence] = f.asked();
    f.learns(&mut dialog, &calls("confirmed"));
    f.learns(&mut presence, &away());
    f.expect_states(&["busy", "away", "busy", "busy"]);
    f.learns(&mut dialog, &calls("terminated"));
    f.expect_states(&["away", "away", "idle", "away"]);
    // Leave every list from its head, its middle and its end.
    let mut settings = f.agent.settings().clone();
    for lamp in [3, 0, 2] {
        settings.lamps[lamp].shows = Shows::Nothing;
        f.agent.reconfigure(f.moment(), &settings);
        f.learns(&mut dialog, &calls("early"));
        f.learns(&mut dialog, &calls("terminated"));
    }
    f.learns(&mut presence, &ready());
    f.expect_states(&["-", "idle", "-", "-"]);
}

#[test]
fn a_lamp_of_both_that_cannot_be_asked_says_why() {
    let mut f = with_lamps(&[BOTH, Shows::Health]);
    let mut settings = f.agent.settings().clone();
    for watch in &mut settings.watches {
        watch.target = Text::copied("sip:bob@255.255.255.255").unwrap();
    }
    f.agent.reconfigure(f.moment(), &settings);
    f.lines();
    f.expect_states(&["unknown", "unknown"]);
    let why = f.agent.why(LAMP).expect("the lamp");
    assert!(why.watch.is_none() && why.presence.is_none());
    assert!(why.rule.contains("can't be asked"), "{}", why.rule);
    f.expect_state(HEALTH, "unknown");
}

//! Group B: making us send to somebody else, or for ever.

use crate::desk::*;
use lampfield::wire::flow::Flow;
use lampfield::{Duration, Input, Instant, Package, Seconds, Watched};

const ATTACKER: &str = "192.0.2.66:5060";

/// Subscribes with those lines naming somebody else; what is sent until all is over, while the state changes.
fn aimed(desk: &mut Desk, name: &str, lines: &str) -> Vec<Sent> {
    let peer = Peer::new(name, ATTACKER);
    let text = peer.bare("SUBSCRIBE", &format!("{lines}Event: presence\r\n"));
    let mut sent = desk.send(ATTACKER, &text);
    assert_eq!(sent.remove(0).status(), 200);
    for press in 0..200 {
        sent.extend(desk.input(Input::Dnd(press % 2 == 0)));
        sent.extend(
            desk.run(Duration::from_millis(100))
                .into_iter()
                .map(|it| it.1),
        );
    }
    sent.extend(
        desk.run(Duration::from_secs(100))
            .into_iter()
            .map(|it| it.1),
    );
    sent
}

#[test]
fn a_victim_gets_eleven_datagrams_at_most() /* ATTACKS B01 N41 */
{
    for lines in [
        "Contact: <sip:v@192.0.2.200>\r\n",
        "Contact: <sip:v@198.51.100.9>\r\n",
        "Contact: <sip:eve@192.0.2.66>\r\nRecord-Route: <sip:192.0.2.200;lr>\r\n",
        "Contact: <sip:eve@192.0.2.66>\r\nRecord-Route: <sip:198.51.100.9;lr>\r\n",
        "Contact: <sip:eve@192.0.2.66;maddr=198.51.100.9>\r\n",
        "Contact: <sip:eve@victim.example>\r\n",
    ] {
        let mut desk = Desk::with(|settings| settings.paces[0].burst = 0);
        let sent = aimed(&mut desk, "eve", lines);
        assert!((1..=11).contains(&sent.len()), "{lines}: {}", sent.len());
        let first = sent[0].flow.remote;
        for notify in &sent {
            assert_eq!(notify, &sent[0], "one NOTIFY and its repetitions");
            assert_ne!(first.ip().to_string(), "198.51.100.9");
        }
        assert!(desk.is_empty(), "Timer F removed it");
    }
}

#[test]
fn others_are_told_while_a_victim_is_silent() /* ATTACKS B01 */
{
    let mut desk = Desk::with(|settings| settings.paces[0].burst = 0);
    let bob = desk.watcher("bob", "192.0.2.40:5060", "presence");
    let eve = Peer::new("eve", ATTACKER);
    let more = "Contact: <sip:v@192.0.2.200>\r\nEvent: presence\r\n";
    desk.send(ATTACKER, &eve.bare("SUBSCRIBE", more));
    for press in 0..50 {
        let told = desk.input(Input::Dnd(press % 2 == 0));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].flow.remote, bob.address.parse().unwrap());
        desk.confirm(&told[0]);
    }
}

#[test]
fn a_flood_with_false_sources_is_answered_once_and_briefly() /* ATTACKS B02 */
{
    let mut desk = Desk::new();
    for number in 0..10_000_u32 {
        let address = format!("198.51.{}.{}:5060", number / 250, number % 250 + 1);
        let text = Peer::new(&format!("n{number}"), &address).subscribe(600);
        let answer = desk.ask(&address, &text);
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.flow.remote, address.parse().unwrap());
        assert!(answer.text.len() < 2 * text.len());
    }
    assert_eq!(desk.run(Duration::from_secs(60)), [], "nothing is repeated");
    assert!(desk.is_empty());
    desk.serves_others();
}

#[test]
fn a_via_leads_nowhere_but_back() /* ATTACKS B03 X06 */
{
    let mut desk = Desk::new();
    let text = Peer::new("eve", ATTACKER).request("OPTIONS", "");
    let via = format!("UDP {ATTACKER};branch=z9hG4bKeve1OPTIONS0;rport");
    assert!(text.contains(&via));
    for lie in [
        "UDP 198.51.100.9;branch=z9hG4bKa",
        "UDP 198.51.100.9;branch=z9hG4bKa;rport=9",
        "UDP 198.51.100.9;branch=z9hG4bKa;received=198.51.100.9;rport",
        "UDP 192.0.2.66;branch=z9hG4bKa;received=198.51.100.9",
        "UDP 192.0.2.66;branch=z9hG4bKa;maddr=198.51.100.9",
        "UDP 192.0.2.66;branch=z9hG4bKa;maddr=224.0.1.75;ttl=255",
        "UDP 255.255.255.255;branch=z9hG4bKa",
        "UDP 224.0.1.75:5060;branch=z9hG4bKa",
        "TCP 198.51.100.9:5060;branch=z9hG4bKa",
        "UDP 192.0.2.66:0;branch=z9hG4bKa",
        "UDP 0.0.0.0;branch=z9hG4bKa",
        "UDP [ff02::1];branch=z9hG4bKa",
        "UDP victim.example;branch=z9hG4bKa",
    ] {
        for answer in desk.send(ATTACKER, &text.replace(&via, lie)) {
            assert_eq!(answer.flow.remote.ip().to_string(), "192.0.2.66", "{lie}");
            assert_ne!(answer.flow.remote.port(), 0, "{lie}");
        }
    }
    for nobody in [
        "255.255.255.255:5060",
        "224.0.1.75:5060",
        "0.0.0.0:5060",
        "192.0.2.66:0",
    ] {
        let mut desk = Desk::with(|settings| trust(settings, "0.0.0.0/0"));
        assert_eq!(
            desk.send(nobody, &text.replace(";rport", ";rport=1")),
            [],
            "{nobody}"
        );
    }
}

#[test]
fn a_contact_that_is_ourselves_ends_in_one_notify() /* ATTACKS B04 */
{
    for contact in [
        "sip:desk@192.0.2.1",
        "sip:desk@192.0.2.1:5060",
        "sip:desk@192.0.2.1:5060;gr",
        "sip:127.0.0.1",
    ] {
        let mut desk = Desk::new();
        let more = format!("Contact: <{contact}>\r\nEvent: presence\r\n");
        let text = Peer::new("eve", ATTACKER).bare("SUBSCRIBE", &more);
        let mut waiting = desk.send(ATTACKER, &text);
        assert_eq!(waiting.remove(0).status(), 200, "{contact}");
        let mut notifies = 0;
        for _ in 0..20 {
            for sent in std::mem::take(&mut waiting) {
                notifies += usize::from(sent.is("NOTIFY"));
                if sent.flow.remote == LOCAL.parse().unwrap() {
                    waiting.extend(desk.send(LOCAL, &sent.text));
                }
            }
        }
        assert_eq!((notifies, waiting.len()), (1, 0), "{contact}");
        desk.run(Duration::from_secs(40));
        assert_eq!(desk.subscriptions(), 0, "{contact}");
        assert!(desk.is_empty());
    }
}

#[test]
fn a_contact_where_nobody_can_be_is_refused() /* ATTACKS B04 */
{
    let mut desk = Desk::new();
    for contact in [
        "sip:x@0.0.0.0",
        "sip:x@[::]",
        "sip:x@[::ffff:0.0.0.0]",
        "sip:x@224.0.1.75",
        "sip:x@[ff02::1]",
        "sip:x@255.255.255.255",
        "sip:x@192.0.2.66:0",
    ] {
        let more = format!("Contact: <{contact}>\r\nEvent: presence\r\n");
        let text = Peer::new("eve", ATTACKER).bare("SUBSCRIBE", &more);
        assert_eq!(desk.ask(ATTACKER, &text).status(), 400, "{contact}");
    }
    assert!(desk.is_empty());
}

/// Two desks on one wire.
struct Pair {
    desks: [Desk; 2],
}

impl Pair {
    const AT: [&str; 2] = ["192.0.2.1:5060", "192.0.2.2:5060"];

    /// Each serves its desk and watches the other's in both packages.
    fn new() -> Pair {
        let desk = |at: usize| {
            let start = Instant::from_millis(1_000_000);
            Desk::at(Pair::AT[at], [1, at as u64 + 1], start, |settings| {
                settings.presentities.clear();
                serve(settings, &format!("sip:desk@192.0.2.{}", at + 1));
                let other = format!("sip:desk@192.0.2.{}", 2 - at);
                watch(settings, "presence", &other, Package::Presence);
                watch(settings, "dialog", &other, Package::Dialog);
                // What goes to and fro is the presence alone.
                for watch in &mut settings.watches {
                    watch.audit = Seconds::ZERO;
                }
            })
        };
        Pair {
            desks: [desk(0), desk(1)],
        }
    }

    /// Lets time pass in both, and carries what they send; how many messages that were.
    fn run(&mut self, seconds: u64) -> usize {
        let mut carried = 0;
        for _ in 0..seconds * 10 {
            for at in 0..2 {
                let mut waiting = self.desks[at].run(Duration::from_millis(100));
                while let Some((_, sent)) = waiting.pop() {
                    carried += 1;
                    let to = Pair::AT
                        .iter()
                        .position(|it| *it == sent.flow.remote.to_string());
                    let to = to.expect("no packet to strangers");
                    let from = sent.flow.local;
                    let flow = Flow::udp(sent.flow.remote, from);
                    // The answers of the other come with its next turn.
                    self.desks[to].agent.handle_datagram(
                        self.desks[to].moment(),
                        flow,
                        &bytes(&sent.text),
                    );
                    let said = self.desks[to].drain();
                    for sent in said {
                        carried += 1;
                        let flow = Flow::udp(sent.flow.remote, sent.flow.local);
                        self.desks[at].agent.handle_datagram(
                            self.desks[at].moment(),
                            flow,
                            &bytes(&sent.text),
                        );
                        waiting.extend(self.desks[at].drain().into_iter().map(|sent| (0, sent)));
                    }
                }
            }
        }
        carried
    }
}

#[test]
fn two_desks_that_watch_each_other_come_to_rest() /* ATTACKS B05 */
{
    let mut pair = Pair::new();
    pair.run(10);
    for desk in &pair.desks {
        let states: Vec<Watched> = desk.agent.lamps().filter_map(|lamp| lamp.state).collect();
        assert_eq!(states, [Watched::Idle, Watched::Idle]);
    }
    for dnd in [true, false] {
        let told = pair.desks[0].input(Input::Dnd(dnd));
        assert_eq!(told.len(), 2, "one NOTIFY for each package");
        for notify in told {
            let flow = Flow::udp(notify.flow.remote, notify.flow.local);
            let moment = pair.desks[1].moment();
            pair.desks[1]
                .agent
                .handle_datagram(moment, flow, &bytes(&notify.text));
            let answer = pair.desks[1].drain();
            assert_eq!(
                answer.len(),
                1,
                "the 200, and no NOTIFY of ours about theirs"
            );
            let flow = Flow::udp(answer[0].flow.remote, answer[0].flow.local);
            let moment = pair.desks[0].moment();
            pair.desks[0]
                .agent
                .handle_datagram(moment, flow, &bytes(&answer[0].text));
        }
        let expected = if dnd { Watched::Dnd } else { Watched::Idle };
        assert_eq!(pair.desks[1].lamp(), expected);
        assert_eq!(
            pair.desks[0].lamp(),
            Watched::Idle,
            "our own state is not theirs"
        );
        assert_eq!(pair.run(100), 0, "unchanged state makes no traffic");
    }
    // Four subscriptions of 300 s: each refresh is SUBSCRIBE, 200, NOTIFY, 200.
    let refreshes = pair.run(250);
    assert!((1..=2 * 4 * 4).contains(&refreshes), "{refreshes}");
}

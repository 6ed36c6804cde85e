//! Lamps that stand for something of our own, and those for mailboxes.

use super::*;
use crate::engine::config::{LampSettings, Strangers, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;
use crate::users::lamps::Look;

const PBX: &str = "192.0.2.50:5060";
const DOOR: &str = "sip:door@192.0.2.1";

/// A mailbox with messages, and one without.
const FULL: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n";
const EMPTY: &str = "Messages-Waiting: no\r\n";

/// An agent whose lamps show these, each with a grace of 10 s; the first watch is a mailbox.
fn with_lamps(all: &[Shows]) -> Fixture {
    let mut f = Fixture::with(|settings| {
        let door = PresentitySettings::new(Text::copied(DOOR).unwrap());
        settings.presentities.push(door).unwrap();
        if all.iter().any(|shows| shows.watch().is_some()) {
            settings
                .watches
                .push(mailbox("sip:desk@192.0.2.50"))
                .unwrap();
        }
        for (at, &shows) in all.iter().enumerate() {
            let mut lamp = LampSettings::new(Text::copied(&format!("lamp{at}")).unwrap());
            lamp.shows = shows;
            lamp.looks = settings.default_looks(shows).clone();
            lamp.grace = Seconds(10);
            settings.lamps.push(lamp).unwrap();
        }
    });
    f.drain();
    f
}

fn mailbox(target: &str) -> WatchSettings {
    let target = Text::copied(target).unwrap();
    WatchSettings::new(target, Text::copied(DESK).unwrap(), Package::MessageSummary)
}

impl Fixture {
    /// What has to be lit anew, lamp by lamp.
    fn lit(&mut self) -> StdVec<(usize, String)> {
        let mut lit = StdVec::new();
        loop {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Lamp { lamp, look, .. } => lit.push((lamp, look.to_string())),
                Output::Wait(_) => {
                    lit.sort();
                    return lit;
                }
                Output::Send { .. }
                | Output::Resolve { .. }
                | Output::Report(_)
                | Output::Changed(_)
                | Output::Gesture { .. } => {}
            }
        }
    }

    #[track_caller]
    fn expect_lamp(&self, lamp: usize, state: &str, look: &str) {
        let status = self.agent.lamps().nth(lamp).expect("the lamp");
        let told = status.state.map_or("-", Watched::name);
        assert_eq!((told, status.look.to_string()), (state, look.to_string()));
    }

    /// The SUBSCRIBE to the mailbox, which is due within the first second or so.
    #[track_caller]
    fn subscribed(&mut self) -> Sent {
        let sent = self.run(Duration::from_secs(3));
        let (_, subscribe) = sent.into_iter().next().expect("a SUBSCRIBE");
        assert_eq!(subscribe.header("Event"), Some("message-summary"));
        assert_eq!(
            subscribe.header("Accept"),
            Some("application/simple-message-summary")
        );
        let granted = "200 OK\r\nContact: <sip:pbx@192.0.2.50>\r\nExpires: 300\r\n";
        let answer = subscribe
            .answer(granted)
            .replace("\r\nCall-ID", ";tag=p\r\nCall-ID");
        self.send_from(PBX.parse().unwrap(), &answer);
        subscribe
    }

    /// The mailbox tells something; how it was answered.
    fn told(&mut self, subscribe: &Sent, cseq: u32, state: &str, body: &str) -> u16 {
        let [to, from, call_id] =
            ["From", "To", "Call-ID"].map(|name| subscribe.header(name).unwrap());
        let kind = "Content-Type: application/Simple-Message-Summary\r\n";
        let notify = format!(
            "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKn{cseq}\r\n\
             From: {from};tag=p\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:pbx@192.0.2.50>\r\nEvent: message-summary\r\n\
             Subscription-State: {state}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send_from(PBX.parse().unwrap(), &notify)[0].status()
    }
}

#[test]
fn own_dnd_is_lit_at_once_and_for_its_presentity_alone() {
    let mut f = with_lamps(&[Shows::Dnd(0), Shows::Dnd(1)]);
    f.expect_lamp(0, "idle", "off");
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    assert_eq!(f.lit(), [(0, "red".to_string())]);
    f.expect_lamp(0, "dnd", "red");
    f.expect_lamp(1, "idle", "off");
    f.agent.handle_input(f.moment(), 0, Input::Hook(true));
    assert_eq!(f.lit(), [], "a call is not do-not-disturb");
    f.agent.handle_input(f.moment(), 0, Input::Dnd(false));
    assert_eq!(f.lit(), [(0, "off".to_string())]);
    let status = f.agent.lamps().nth(1).expect("a lamp");
    assert_eq!((status.shows, status.whom), (Shows::Dnd(1), Some(DOOR)));
}

#[test]
fn own_dnd_takes_the_look_of_the_configuration() {
    let mut f = with_lamps(&[Shows::Dnd(0)]);
    let mut settings = f.agent.settings().clone();
    let blue = Look::parse("blue slow").unwrap();
    settings.lamps[0].looks.set(Watched::Dnd, blue);
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(f.lit(), [(0, "blue slow".to_string())]);
    let why = f.agent.why(0).expect("the lamp");
    assert_eq!(why.rule, "a look of the configuration");
    assert!(why.watch.is_none() && why.grace_ends.is_none());
}

#[test]
fn an_agent_that_stops_vouches_for_nothing_of_its_own() /* S23 */
{
    let mut f = with_lamps(&[
        Shows::Dnd(0),
        Shows::Health,
        Shows::Waiting(0),
        Shows::Nothing,
    ]);
    f.lit();
    f.agent.stop(f.now);
    f.agent.handle_timeout(f.moment());
    let amber = |lamp| (lamp, "amber slow".to_string());
    assert_eq!(f.lit(), [amber(0), amber(1), amber(2)]);
}

#[test]
fn a_lamp_that_stands_for_nothing_has_no_state() {
    let mut f = with_lamps(&[Shows::Nothing]);
    f.lit();
    f.expect_lamp(0, "-", "off");
    assert_eq!(f.agent.why(0).expect("the lamp").rule, "it watches nobody");
}

#[test]
fn a_mailbox_is_watched_and_calls_its_owner() {
    let mut f = with_lamps(&[Shows::Watch(0)]);
    f.expect_lamp(0, "subscribing", "amber fast");
    let subscribe = f.subscribed();
    assert_eq!(f.told(&subscribe, 1, "active;expires=300", EMPTY), 200);
    f.expect_lamp(0, "idle", "off");
    assert_eq!(f.told(&subscribe, 2, "active;expires=300", FULL), 200);
    f.expect_lamp(0, "waiting", "red slow");
    assert_eq!(
        f.told(&subscribe, 3, "active;expires=300", "Messages-Waiting: 3"),
        400
    );
    f.run(Duration::from_secs(11));
    f.expect_lamp(0, "unknown", "amber slow");
    assert_eq!(f.told(&subscribe, 4, "active;expires=300", EMPTY), 200);
    f.expect_lamp(0, "idle", "off");
}

#[test]
fn health_is_that_of_the_subscriptions() /* S23 */
{
    let mut f = with_lamps(&[Shows::Health, Shows::Watch(0)]);
    f.expect_lamp(0, "subscribing", "amber fast");
    let subscribe = f.subscribed();
    f.told(&subscribe, 1, "active;expires=300", FULL);
    f.expect_lamp(0, "idle", "green");
    f.told(
        &subscribe,
        2,
        "terminated;reason=giveup;retry-after=600",
        "",
    );
    f.expect_lamp(0, "idle", "green");
    assert_eq!(
        f.agent.why(0).expect("it").rule,
        "a subscription, a registration or a publication is broken"
    );
    f.run(Duration::from_millis(9_999));
    f.expect_lamp(0, "idle", "green");
    f.run(Duration::from_millis(1));
    f.expect_lamp(0, "unknown", "amber slow");
    f.expect_lamp(1, "unknown", "amber slow");
    let mut settings = f.agent.settings().clone();
    settings.watches.clear();
    settings.lamps.truncate(1);
    f.agent.reconfigure(f.moment(), &settings);
    f.lit();
    f.expect_lamp(0, "idle", "green");
}

#[test]
fn health_knows_of_a_target_that_cannot_be_asked() /* FIELD 12 */
{
    let mut f = with_lamps(&[Shows::Health]);
    f.expect_lamp(0, "idle", "green");
    let mut settings = f.agent.settings().clone();
    settings
        .watches
        .push(mailbox("sip:desk@255.255.255.255"))
        .unwrap();
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(f.lit(), [(0, "amber slow".to_string())]);
    let why = f.agent.why(0).expect("the lamp");
    assert_eq!(why.rule, "of somebody watched nothing is known");
}

#[test]
fn health_knows_of_the_panel() {
    let mut f = with_lamps(&[Shows::Health]);
    f.agent.handle_panel(f.moment(), true);
    assert_eq!(f.lit(), []);
    f.agent.handle_panel(f.moment(), false);
    assert_eq!(f.lit(), [(0, "amber slow".to_string())]);
    let why = f.agent.why(0).expect("the lamp");
    assert_eq!(why.rule, "a line of the panel is in trouble");
    f.agent.handle_panel(f.moment(), true);
    assert_eq!(f.lit(), [(0, "green".to_string())]);
}

/// A stranger that asks for the desk, at an agent whose owner decides.
fn asked_by_a_stranger(f: &mut Fixture) -> Phone {
    let mut settings = f.agent.settings().clone();
    settings.strangers = Strangers::Ask;
    f.agent.reconfigure(f.moment(), &settings);
    f.lit();
    let mut eve = Phone::new("eve", "presence");
    eve.address = "198.51.100.7:5062".parse().unwrap();
    let flow = Flow::udp(LOCAL.parse().unwrap(), eve.address);
    let subscribe = eve.subscribe(120);
    f.agent
        .handle_datagram(f.moment(), flow, subscribe.as_bytes());
    eve
}

#[test]
fn a_stranger_that_waits_calls_the_owner_until_it_is_let_in() /* N29 */
{
    let mut f = with_lamps(&[Shows::Waiting(0), Shows::Waiting(1)]);
    f.expect_lamp(0, "idle", "off");
    asked_by_a_stranger(&mut f);
    assert_eq!(f.lit(), [(0, "red slow".to_string())]);
    f.expect_lamp(0, "waiting", "red slow");
    f.expect_lamp(1, "idle", "off");
    assert!(f.agent.approve_waiting(0));
    assert_eq!(f.lit(), [(0, "off".to_string())]);
}

#[test]
fn a_stranger_that_gives_up_calls_nobody_any_more() /* N29 */
{
    let mut f = with_lamps(&[Shows::Waiting(0)]);
    asked_by_a_stranger(&mut f);
    assert_eq!(f.lit(), [(0, "red slow".to_string())]);
    f.run(Duration::from_secs(200));
    assert_eq!(f.agent.waiting(0), 0);
    f.expect_lamp(0, "idle", "off");
}

#[test]
fn other_settings_give_what_is_in_doubt_no_new_grace() /* S23 */
{
    let mut f = with_lamps(&[Shows::Health, Shows::Watch(0)]);
    let subscribe = f.subscribed();
    f.told(&subscribe, 1, "active;expires=300", FULL);
    let since = f.agent.lamps().next().expect("it").since;
    f.told(
        &subscribe,
        2,
        "terminated;reason=giveup;retry-after=600",
        "",
    );
    f.run(Duration::from_secs(6));
    // The watch has another number from now on.
    let mut settings = f.agent.settings().clone();
    let other = mailbox("sip:other@192.0.2.50");
    settings.watches.insert(0, other).unwrap();
    settings.lamps[1].shows = Shows::Watch(1);
    f.agent.reconfigure(f.moment(), &settings);
    f.lit();
    f.expect_lamp(0, "idle", "green");
    assert_eq!(f.agent.lamps().next().expect("it").since, since);
    f.run(Duration::from_secs(4));
    f.expect_lamp(0, "unknown", "amber slow");
    f.expect_lamp(1, "unknown", "amber slow");
}

#[test]
fn a_lamp_says_since_when_it_shows_what_it_shows() {
    let mut f = with_lamps(&[Shows::Dnd(0)]);
    let since = |f: &Fixture| f.agent.lamps().next().expect("the lamp").since;
    f.run(Duration::from_secs(5));
    let idle = since(&f);
    assert!(idle < f.now);
    f.input(Input::Dnd(true));
    assert_eq!(since(&f), f.now);
    f.run(Duration::from_secs(5));
    f.input(Input::Note(Text::copied("back at three").unwrap()));
    assert_eq!(
        since(&f) + Duration::from_secs(5),
        f.now,
        "it shows the same"
    );
}

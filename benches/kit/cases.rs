//! What is measured.

use super::peers::{DESK, Pbx, Phone, Softphone};
use super::stage::{Recorder, Script};
use super::users::REALM;
use lampfield::{
    Demand, Direction, Duration, Input, LampSettings, Network, Pace, Package, PresentitySettings,
    Rule, Settings, Shows, Text, WatchSettings, Who, limits,
};

/// A part of the agent's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// SUBSCRIBE, 200, NOTIFY and its 200: a subscription that stays.
    Subscribe,
    /// The same of users who have been asked for a password and show it.
    SubscribeDigest,
    /// The first where each of as many rules as there can be is about somebody, and the last about everybody.
    SubscribeRules,
    /// The first with `Expires: 0`: the state once, and nothing stays.
    Fetch,
    /// A SUBSCRIBE in its dialog, 200, NOTIFY and its 200.
    Refresh,
    /// One change of a presentity to the last NOTIFY about it, all subscriptions taken.
    FanOut(Package),
    /// The 200s to those NOTIFYs.
    Answers(Package),
    /// A SUBSCRIBE that finds all places taken, and its 503.
    Refused,
    /// A server's NOTIFY to the 200 and to the lamp.
    Lamp,
    /// A PUBLISH with another document under the newest entity-tag, its 200 and the new composition.
    Publish,
}

impl Case {
    pub const ALL: [Case; 12] = [
        Case::Subscribe,
        Case::SubscribeDigest,
        Case::SubscribeRules,
        Case::Fetch,
        Case::Refresh,
        Case::FanOut(Package::Presence),
        Case::Answers(Package::Presence),
        Case::FanOut(Package::Dialog),
        Case::Answers(Package::Dialog),
        Case::Refused,
        Case::Lamp,
        Case::Publish,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Case::Subscribe => "subscribe",
            Case::SubscribeDigest => "subscribe-digest",
            Case::SubscribeRules => "subscribe-rules",
            Case::Fetch => "fetch",
            Case::Refresh => "refresh",
            Case::FanOut(Package::Presence) => "fan-out-presence",
            Case::FanOut(Package::Dialog) => "fan-out-dialog",
            Case::FanOut(Package::PresenceWinfo | Package::MessageSummary | Package::Features)
            | Case::Answers(Package::PresenceWinfo | Package::MessageSummary | Package::Features) => {
                "not measured"
            }
            Case::Answers(Package::Presence) => "answers-presence",
            Case::Answers(Package::Dialog) => "answers-dialog",
            Case::Refused => "refused",
            Case::Lamp => "lamp",
            Case::Publish => "publish",
        }
    }

    /// What one time is.
    pub fn unit(self) -> &'static str {
        match self {
            Case::Subscribe => "SUBSCRIBE, 200, NOTIFY, 200",
            Case::SubscribeDigest => "the same, with a password (SHA-256)",
            Case::SubscribeRules => "the same without, judged by 32 rules",
            Case::Fetch => "the same without either, Expires: 0",
            Case::Refresh => "the same in a dialog",
            Case::FanOut(_) => "a change, for each NOTIFY",
            Case::Answers(_) => "200 to a NOTIFY",
            Case::Refused => "SUBSCRIBE, 503: no place",
            Case::Lamp => "NOTIFY, 200, look",
            Case::Publish => "PUBLISH that modifies, 200",
        }
    }

    /// How many times it happens in one performance.
    pub fn times(self) -> usize {
        match self {
            Case::Subscribe | Case::SubscribeRules | Case::Fetch | Case::Refresh => {
                limits::SUBSCRIPTIONS.min(CYCLES)
            }
            Case::SubscribeDigest => limits::USERS.min(limits::SUBSCRIPTIONS).min(CYCLES),
            Case::FanOut(_) | Case::Answers(_) => limits::SUBSCRIPTIONS,
            Case::Refused | Case::Lamp | Case::Publish => CYCLES,
        }
    }

    /// Holds the conversation.
    pub fn record(self) -> Script {
        let script = match self {
            Case::Subscribe => cycles(desk(), self.times(), 3_600),
            Case::SubscribeRules => cycles(ruled(), self.times(), 3_600),
            Case::SubscribeDigest => proved(self.times()),
            Case::Fetch => cycles(desk(), self.times(), 0),
            Case::Refresh => refreshes(self.times()),
            Case::FanOut(package) => fan_out(package, false),
            Case::Answers(package) => fan_out(package, true),
            Case::Refused => refused(self.times()),
            Case::Lamp => lamp(self.times()),
            Case::Publish => publish(self.times()),
        };
        let (messages, looks) = match self {
            Case::Subscribe
            | Case::SubscribeDigest
            | Case::SubscribeRules
            | Case::Fetch
            | Case::Refresh => (2 * self.times(), 0),
            Case::FanOut(_) => (self.times(), 0),
            Case::Answers(_) => (0, 0),
            Case::Refused | Case::Publish => (self.times(), 0),
            Case::Lamp => (self.times(), self.times()),
        };
        assert_eq!((script.said.messages, script.said.looks), (messages, looks));
        script
    }
}

/// Enough to make one performance long beside a look at the clock, few enough for the smallest table.
const CYCLES: usize = 64;

/// Phones come and go once before, so that every slot was used.
fn cycles(settings: Box<Settings>, times: usize, expires: u32) -> Script {
    let mut recorder = Recorder::new(settings);
    let mut phones = phones(times, "presence");
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 3_600);
    }
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 0);
    }
    recorder.wait(Duration::from_secs(33));
    recorder.token();
    for phone in &mut phones {
        phone.subscribe(&mut recorder, expires);
    }
    recorder.finish()
}

/// As many rules as there can be, of which only the last fits.
fn ruled() -> Box<Settings> {
    let mut settings = desk();
    let rules = &mut settings.rules;
    for number in 0..limits::RULES {
        let who = match number + 1 {
            limits::RULES => Who::Everyone,
            _ => Who::Uri(Text::copied(&format!("sip:{number}@192.0.2.9")).expect("short")),
        };
        let at = u8::try_from(number).expect("a few rules");
        let rule = Rule::new(Direction::In, (at, at + 1));
        assert!(rules.names.push(who).is_ok() && rules.list.push(rule).is_ok());
    }
    settings
}

/// Phones are asked for their passwords, and show them.
fn proved(times: usize) -> Script {
    let mut settings = desk();
    settings.authentication.realm = Text::copied(REALM).expect("a short realm");
    settings.authentication.demand = Demand::Always;
    let mut recorder = Recorder::new(settings);
    let mut phones = phones(times, "presence");
    for phone in &mut phones {
        phone.ask(&mut recorder);
    }
    recorder.token();
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 3_600);
    }
    recorder.finish()
}

fn refreshes(times: usize) -> Script {
    let mut recorder = Recorder::new(desk());
    let mut phones = phones(times, "presence");
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 3_600);
    }
    recorder.wait(Duration::from_secs(33));
    recorder.token();
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 3_600);
    }
    recorder.finish()
}

/// A phone subscribes, refreshes, is told of a change and leaves, again and again, while time passes.
pub fn rounds(package: Package, count: usize) -> Script {
    let mut recorder = Recorder::new(desk());
    let mut phone = Phone::new(1, package.name());
    recorder.token();
    for round in 0..count {
        phone.subscribe(&mut recorder, 3_600);
        phone.subscribe(&mut recorder, 3_600);
        let told = recorder.input(Input::Hook(round % 2 == 0));
        phone.confirm(&mut recorder, &told[0]);
        phone.subscribe(&mut recorder, 0);
        assert!(recorder.wait(Duration::from_millis(250)).is_empty());
    }
    recorder.finish()
}

/// Every subscription there can be, and two changes, of which the second is measured.
fn fan_out(package: Package, answers: bool) -> Script {
    let mut recorder = Recorder::new(desk());
    let mut phones = phones(limits::SUBSCRIPTIONS, package.name());
    for phone in &mut phones {
        phone.subscribe(&mut recorder, 3_600);
    }
    recorder.wait(Duration::from_secs(33));
    // The agent tells its watchers in an order of its own; it is the same each time.
    let first = recorder.input(Input::Hook(true));
    let order: Vec<usize> = first
        .iter()
        .map(|notify| whose(&phones, notify.row("To")))
        .collect();
    for (notify, &phone) in first.iter().zip(&order) {
        phones[phone].confirm(&mut recorder, notify);
    }
    recorder.token();
    let second = recorder.input(Input::Hook(false));
    assert_eq!(second.len(), phones.len());
    if answers {
        recorder.token();
        for notify in &second {
            let phone = whose(&phones, notify.row("To"));
            phones[phone].confirm(&mut recorder, notify);
        }
    }
    recorder.finish()
}

/// Every subscription there can be, and strangers who want one more.
fn refused(times: usize) -> Script {
    let mut recorder = Recorder::new(desk());
    let mut phones = phones(limits::SUBSCRIPTIONS + times, "presence");
    let (known, strangers) = phones.split_at_mut(limits::SUBSCRIPTIONS);
    for phone in known {
        phone.subscribe(&mut recorder, 3_600);
    }
    recorder.wait(Duration::from_secs(33));
    recorder.token();
    for phone in strangers {
        phone.fail(&mut recorder, "503");
    }
    recorder.finish()
}

/// A server tells of a call that comes and goes, and a lamp shows it.
pub fn lamp(times: usize) -> Script {
    let mut settings = desk();
    let text = |text| Text::copied(text).expect("a short text");
    let watch = WatchSettings::new(text("sip:201@192.0.2.77"), text(DESK), Package::Dialog);
    settings.watches.push(watch).expect("there is room");
    let mut lamp = LampSettings::new(Text::copied("blf1").expect("a short text"));
    lamp.shows = Shows::Watch(0);
    settings.lamps.push(lamp).expect("there is room");
    let mut recorder = Recorder::new(settings);
    let mut sent = Vec::new();
    while sent.is_empty() {
        let due = recorder.until_due().expect("it will subscribe");
        sent = recorder.wait(due);
    }
    let mut pbx = Pbx::accept(&mut recorder, &sent[0]);
    let states = ["terminated", "confirmed"];
    for at in 0..4 {
        pbx.tell(&mut recorder, states[at % 2]);
    }
    recorder.token();
    for at in 0..times {
        pbx.tell(&mut recorder, states[at % 2]);
    }
    recorder.finish()
}

/// A softphone tells of a call that comes and goes, and nobody watches.
fn publish(times: usize) -> Script {
    let mut recorder = Recorder::new(desk());
    let mut phone = Softphone::new();
    for at in 0..4 {
        phone.publish(&mut recorder, at % 2 == 0);
    }
    recorder.token();
    for at in 0..times {
        phone.publish(&mut recorder, at % 2 == 0);
    }
    recorder.finish()
}

/// An agent that serves one desk to everybody in 10.0.0.0/8 and tells every change at once.
fn desk() -> Box<Settings> {
    let mut settings = Box::new(Settings::new());
    settings.restore_defaults();
    let network = Network::parse("10.0.0.0/8").expect("a network");
    settings.trusted.push(network).expect("there is room");
    let uri = Text::copied(DESK).expect("a short URI");
    let presentity = PresentitySettings::new(uri);
    settings
        .presentities
        .push(presentity)
        .expect("there is room");
    settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT];
    settings
}

fn phones(count: usize, event: &'static str) -> Vec<Phone> {
    (0..count as u32)
        .map(|number| Phone::new(number, event))
        .collect()
}

/// Which phone a NOTIFY is for: its number stands in the display name.
fn whose(phones: &[Phone], to: &str) -> usize {
    let number = to
        .strip_prefix("\"Door ")
        .and_then(|rest| rest.split(',').next());
    let number: usize = number
        .and_then(|number| number.parse().ok())
        .expect("a number");
    assert!(number < phones.len());
    number
}

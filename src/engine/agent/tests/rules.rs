//! The owner's rules at work: boundaries, switches, reloads, clocks, decisions; and our own lamps. Groups N and W.

use super::*;
use crate::engine::config::{
    Direction, During, LampSettings, Rule, Span, Strangers, Then, WatchSettings, Who, Zone,
};
use crate::events::package::Package;
use crate::ground::limits::URI;
use crate::users::lamps::{Look, Looks};
use crate::users::policy::{Change, Decided};

/// Monday, 21 September 2026, 12:00 UTC.
const NOON: u64 = 1_789_992_000;
const HOUR: u32 = 3_600;
const PBX: &str = "sip:boss@192.0.2.50";

/// A rule about everyone in front of all others.
fn rule(settings: &mut Settings, change: impl FnOnce(&mut Rule)) {
    let first = settings.rules.names.len() as u8;
    settings.rules.names.push(Who::Everyone).unwrap();
    let mut rule = Rule::new(Direction::In, (first, first + 1));
    rule.then = Then::Block;
    change(&mut rule);
    settings.rules.list.insert(0, rule).unwrap();
}

fn hours(from: u32, until: u32) -> Span {
    Span {
        hours: Some((from * HOUR, until * HOUR)),
        ..Span::ALWAYS
    }
}

/// Nobody watches between 18:00 and 08:00.
fn after_hours(settings: &mut Settings) {
    rule(settings, |it| it.span = hours(18, 8));
}

/// An agent at noon.
fn at_noon(change: impl FnOnce(&mut Settings)) -> Fixture {
    let mut f = Fixture::with(change);
    f.set_clock(NOON);
    f
}

impl Fixture {
    /// Somebody sets the calendar clock; what is sent because of it.
    fn set_clock(&mut self, seconds: u64) -> StdVec<Sent> {
        self.wall = Wall::from_unix_millis(seconds * 1_000);
        self.agent.handle_clock(self.moment());
        self.drain()
    }

    /// Both clocks go on until so many seconds later; what is sent meanwhile, and after how many.
    fn pass(&mut self, seconds: u64) -> StdVec<(u64, Sent)> {
        let (start, date) = (self.now, self.wall);
        let end = start + Duration::from_secs(seconds);
        let mut sent = StdVec::new();
        for _ in 0..10_000 {
            let after = (self.now - start).as_secs();
            sent.extend(self.drain().into_iter().map(|it| (after, it)));
            let next = self.agent.due().filter(|due| *due <= end);
            let then = next.unwrap_or(end).max(self.now);
            self.wall = date + (then - start);
            self.now = then;
            self.agent.handle_timeout(self.moment());
            if next.is_none() {
                return sent;
            }
        }
        panic!("the agent never rests");
    }

    fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) -> StdVec<Sent> {
        let mut settings = self.agent.settings().clone();
        change(&mut settings);
        settings.validate().unwrap();
        self.agent.reconfigure(self.moment(), &settings);
        self.drain()
    }

    fn admitted(&mut self, name: &str, number: u32) -> u16 {
        let mut phone = Phone::new(name, "presence");
        phone.cseq = number;
        let call = format!("call-{name}-{number}");
        let text = phone
            .subscribe(3_600)
            .replace(&format!("call-{name}"), &call);
        self.send(&phone, &text)[0].status()
    }

    fn look(&self, lamp: usize) -> (String, String, &'static str) {
        let why = self.agent.why(lamp).expect("a lamp");
        let state = why.lamp.state.map_or("-", Watched::name);
        (state.to_string(), why.lamp.look.to_string(), why.rule)
    }
}

#[track_caller]
fn rejected(sent: &Sent) {
    let state = sent.header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=rejected"), "{}", sent.text);
}

/// ```text
///   bob                    agent
///    │── SUBSCRIBE ─────────►│  noon
///    │◄───── 200, NOTIFY ────│
///    │◄───── NOTIFY ─────────│  18:00: terminated, rejected
///    │── SUBSCRIBE ─────────►│
///    │◄───── 403 ────────────│
///    │── SUBSCRIBE ─────────►│  08:00
///    │◄───── 200, NOTIFY ────│
/// ```
#[test]
fn all_watchers_are_rejected_after_working_hours() /* N29 N37 */
{
    let mut f = at_noon(|it| {
        after_hours(it);
        it.max_expires = crate::ground::time::Seconds(86_400);
    });
    let bob = {
        let mut phone = Phone::new("bob", "presence");
        let sent = f.send(&phone, &phone.subscribe(86_400));
        phone.learn(&sent[0]);
        f.confirm(&phone, &sent[1]);
        phone
    };
    let told = f.pass(6 * 3_600);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].0, 6 * 3_600, "to the second");
    rejected(&told[0].1);
    f.confirm(&bob, &told[0].1);
    assert_eq!(f.admitted("ann", 10), 403);
    f.pass(14 * 3_600 - 1);
    assert_eq!(f.admitted("ann", 11), 403);
    f.pass(1);
    assert_eq!(f.admitted("ann", 12), 200);
}

/// What one who watches our presence is told in so many seconds, and after how many.
fn notes(f: &mut Fixture, phone: &Phone, seconds: u64) -> StdVec<(u64, String)> {
    let told = f.pass(seconds);
    for (_, notify) in &told {
        f.confirm(phone, notify);
    }
    let note = |body: &str| {
        body.split("note>")
            .nth(1)?
            .split('<')
            .next()
            .map(ToString::to_string)
    };
    let told = told.iter();
    told.map(|(after, it)| (*after, note(it.body()).unwrap_or_default()))
        .collect()
}

fn say(f: &mut Fixture, note: &str) -> StdVec<Sent> {
    f.input(Input::Note(Text::copied(note).unwrap()))
}

#[test]
fn tom_is_told_at_most_every_ten_minutes() /* N31 */
{
    let mut f = at_noon(|it| {
        rule(it, |it| {
            it.direction = Direction::Tell;
            it.then = Then::Allow;
            it.pace = crate::ground::time::Seconds(600);
        });
    });
    let tom = f.watching("tom", "presence");
    assert_eq!(say(&mut f, "one"), [], "he was told a moment ago");
    for note in ["two", "three"] {
        assert_eq!(notes(&mut f, &tom, 599), []);
        assert_eq!(say(&mut f, note), []);
        assert_eq!(notes(&mut f, &tom, 1), [(1, note.to_string())]);
    }
}

#[test]
fn who_is_told_nothing_for_a_time_is_told_the_last_then() {
    let mut f = at_noon(|it| {
        rule(it, |it| {
            it.direction = Direction::Tell;
            it.span = hours(12, 13);
        });
        it.max_expires = crate::ground::time::Seconds(86_400);
    });
    let mut bob = Phone::new("bob", "presence");
    let sent = f.send(&bob, &bob.subscribe(86_400));
    bob.learn(&sent[0]);
    f.confirm(&bob, &sent[1]);
    for note in ["one", "two"] {
        assert_eq!(say(&mut f, note), []);
        assert_eq!(notes(&mut f, &bob, 1_799), []);
    }
    assert_eq!(notes(&mut f, &bob, 1), []);
    assert_eq!(notes(&mut f, &bob, 1), [(1, "two".to_string())]);
    assert_eq!(say(&mut f, "three").len(), 1, "as anybody");
}

#[test]
fn no_rule_with_a_time_no_wake_up() {
    let mut f = at_noon(|it| rule(it, |it| it.during.dnd = true));
    let due = f.agent.due();
    f.set_clock(NOON + 86_400);
    assert_eq!(f.agent.due(), due);
    f.change_settings(after_hours);
    let boundary = f.agent.due().expect("a boundary");
    assert!(boundary <= f.now + Duration::from_secs(3_600));
    f.change_settings(|it| it.rules.clear());
    assert_eq!(f.agent.due(), due);
}

#[test]
fn do_not_disturb_sends_away_whom_a_rule_sends_away_then() {
    let mut f = at_noon(|it| {
        rule(it, |it| {
            it.during = During {
                dnd: true,
                away: false,
            };
        });
    });
    let bob = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    assert_eq!(
        told.len(),
        1,
        "the state it leaves in is not told: {told:#?}"
    );
    rejected(&told[0]);
    f.confirm(&bob, &told[0]);
    assert_eq!(f.admitted("ann", 10), 403);
    f.input(Input::Dnd(false));
    assert_eq!(f.admitted("ann", 11), 200);
    f.input(Input::Idle(true));
    assert_eq!(f.admitted("cid", 11), 200, "away is something else");
}

#[test]
fn another_rule_counts_for_those_who_watch_already() /* N29 */
{
    let mut f = at_noon(|_| {});
    let bob = f.watching("bob", "presence");
    let told = f.change_settings(|it| rule(it, |_| {}));
    rejected(&told[0]);
    f.confirm(&bob, &told[0]);
    assert_eq!(f.admitted("bob", 20), 403);
    assert_eq!(f.change_settings(|it| it.rules.clear()), []);
    assert_eq!(f.admitted("bob", 21), 200);
}

#[test]
fn a_watcher_who_has_to_be_confirmed_now_is_asked_to_come_again() /* N29 */
{
    let mut f = at_noon(|_| {});
    let bob = f.watching("bob", "presence");
    let told = f.change_settings(|it| rule(it, |it| it.then = Then::Confirm));
    let state = told[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=deactivated"));
    f.confirm(&bob, &told[0]);
    let mut again = Phone::new("bob", "presence");
    again.cseq = 20;
    let text = again.subscribe(600).replace("call-bob", "call-again");
    let sent = f.send(&again, &text);
    let state = sent[1].header("Subscription-State").unwrap();
    assert!(state.starts_with("pending"), "{state}");
}

#[test]
fn a_device_without_a_date_keeps_its_doors_shut_until_it_has_one() {
    let mut f = at_noon(after_hours);
    assert_eq!(f.admitted("bob", 1), 200);
    f.set_clock(0);
    assert_eq!(f.admitted("bob", 2), 403);
    f.set_clock(NOON + 9 * 365 * 86_400);
    assert_eq!(f.admitted("bob", 3), 200);
    f.set_clock(NOON - 5 * 365 * 86_400 + 7 * 3_600);
    assert_eq!(f.admitted("bob", 4), 403);
    f.set_clock(NOON);
    assert_eq!(f.admitted("bob", 5), 200);
}

#[test]
fn the_time_is_that_of_the_place() {
    let mut f = at_noon(after_hours);
    let summer = Change {
        at: NOON as i64 + 3_600,
        offset: 6 * 3_600,
    };
    f.agent.set_zone(f.moment(), Zone::new(5 * 3_600, [summer]));
    assert_eq!(f.admitted("bob", 1), 200, "it is 17:00");
    f.pass(3_599);
    assert_eq!(f.admitted("bob", 2), 200);
    // A minute before six clocks jump to seven.
    f.pass(1);
    assert_eq!(f.admitted("bob", 3), 403);
}

#[test]
fn a_decision_lasts_until_its_day_and_is_taken_back_when_the_owner_wants() {
    let mut f = at_noon(|it| it.strangers = Strangers::Ask);
    let eve = super::approval::stranger("eve", "presence", 1);
    let sent = f.send(&eve, &eve.subscribe(600));
    f.confirm(&eve, &sent[1]);
    let whom = Whom::Named(b"sip:eve@192.0.2.9");
    let decree = Decree {
        until: Some(f.wall + Duration::from_secs(600)),
        ..Decree::plain(Decided::Allow)
    };
    assert_eq!(f.agent.decide(f.moment(), whom, decree), Ok(1));
    let told = f.drain();
    let state = told[0].header("Subscription-State").unwrap();
    assert!(state.starts_with("active"), "{state}");
    f.confirm(&eve, &told[0]);
    let told = f.pass(600);
    let ends: StdVec<_> = told
        .iter()
        .filter_map(|(after, it)| Some((*after, it.header("Subscription-State")?)))
        .collect();
    assert_eq!(
        ends,
        [(600, "terminated;reason=deactivated")],
        "as long as it lasts"
    );
    let forgotten = f
        .agent
        .decide(f.moment(), whom, Decree::plain(Decided::Nothing));
    assert_eq!(forgotten, Ok(1));
    let again = f
        .agent
        .decide(f.moment(), whom, Decree::plain(Decided::Nothing));
    assert_eq!(again, Ok(0));
}

#[test]
fn a_user_is_decided_about_before_it_ever_came() {
    let mut f = at_noon(|_| {});
    let block = Decree::plain(Decided::Block);
    assert_eq!(f.agent.decide(f.moment(), Whom::User(b"ann"), block), Ok(1));
    assert_eq!(f.agent.policy().decisions().count(), 1);
    let forget = Decree::plain(Decided::Nothing);
    assert_eq!(
        f.agent.decide(f.moment(), Whom::User(b"ann"), forget),
        Ok(1)
    );
    assert_eq!(f.agent.policy().decisions().count(), 0);
}

/// An agent with a lamp that watches the boss, and one for our own do-not-disturb.
fn with_lamps(add: impl FnOnce(&mut Settings)) -> Fixture {
    let mut f = at_noon(|settings| {
        let text = |text: &str| Text::<URI>::copied(text).unwrap();
        let watch = WatchSettings::new(text(PBX), text(DESK), Package::Dialog);
        settings.watches.push(watch).unwrap();
        for (name, shows) in [("boss", Shows::Watch(0)), ("dnd", Shows::Dnd(0))] {
            let mut lamp = LampSettings::new(Text::copied(name).unwrap());
            lamp.shows = shows;
            lamp.looks = Looks::DEFAULT;
            lamp.looks
                .set(Watched::Offline, Look::parse("blue").unwrap());
            settings.lamps.push(lamp).unwrap();
        }
        add(settings);
    });
    f.drain();
    f
}

#[test]
fn a_watch_is_asked_for_at_its_time_alone() {
    let mut f = with_lamps(|it| {
        rule(it, |it| {
            it.direction = Direction::Out;
            it.span = hours(18, 8);
        });
    });
    let asked = |sent: &[(u64, Sent)]| {
        let all = sent
            .iter()
            .filter(|(_, it)| it.text.starts_with("SUBSCRIBE"));
        all.count()
    };
    assert!(asked(&f.pass(5)) > 0, "at noon");
    f.pass(6 * 3_600 - 5);
    let why = "a rule does not let it ask now";
    assert_eq!(f.look(0), ("offline".into(), "blue".into(), why));
    assert_eq!(f.agent.watches().count(), 0);
    assert_eq!(asked(&f.pass(13 * 3_600)), 0, "nobody is asked at night");
    assert!(asked(&f.pass(3_600 + 5)) > 0, "in the morning");
    assert_ne!(f.look(0).0, "offline");
    // A reload at night changes nothing of that.
    f.pass(10 * 3_600);
    assert_eq!(f.look(0).0, "offline");
    f.change_settings(|it| it.lamps[0].grace = crate::ground::time::Seconds(7));
    assert_eq!(f.look(0), ("offline".into(), "blue".into(), why));
    f.change_settings(|it| it.rules.clear());
    assert!(asked(&f.pass(5)) > 0);
}

#[test]
fn lamps_are_dark_in_quiet_hours_and_know_all_the_same() {
    let mut f = with_lamps(|it| {
        rule(it, |it| {
            it.direction = Direction::Hear;
            it.span = hours(22, 6);
        });
    });
    f.input(Input::Dnd(true));
    assert_eq!(f.look(1).1, "red");
    f.pass(10 * 3_600);
    let why = "a rule keeps it dark now";
    assert_eq!(f.look(1), ("dnd".into(), "off".into(), why));
    assert_eq!(f.look(0).1, "off");
    f.input(Input::Dnd(false));
    assert_eq!(f.look(1), ("idle".into(), "off".into(), why));
    f.input(Input::Dnd(true));
    f.pass(8 * 3_600);
    assert_eq!((f.look(1).0.as_str(), f.look(1).1.as_str()), ("dnd", "red"));
}

/// What the shell is told to light anew, and how bright.
fn lit(f: &mut Fixture) -> StdVec<(usize, String, u8)> {
    let mut lit = StdVec::new();
    loop {
        match f.agent.poll(f.now, &mut f.buf) {
            Output::Lamp { lamp, look, bright } => lit.push((lamp, look.to_string(), bright)),
            Output::Wait(_) => return lit,
            Output::Send { .. }
            | Output::Resolve { .. }
            | Output::Report(_)
            | Output::Changed(_)
            | Output::Gesture { .. } => {}
        }
    }
}

#[test]
fn lamps_are_dim_at_night_and_bright_again_in_the_morning() {
    let mut f = with_lamps(|it| {
        rule(it, |it| {
            it.direction = Direction::Hear;
            it.then = Then::Allow;
            it.bright = 10;
            it.span = hours(22, 6);
        });
    });
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    assert_eq!(lit(&mut f), [(1, "red".to_string(), 100)]);
    let pass = |f: &mut Fixture, hours: u64| {
        f.pass(hours * 3_600 - 1);
        let second = Duration::from_secs(1);
        (f.now, f.wall) = (f.now + second, f.wall + second);
        f.agent.handle_timeout(f.moment());
        lit(f)
            .into_iter()
            .filter(|it| it.0 == 1)
            .collect::<StdVec<_>>()
    };
    assert_eq!(
        pass(&mut f, 10),
        [(1, "red".to_string(), 10)],
        "the look is the same"
    );
    assert_eq!(f.agent.why(1).and_then(|it| it.dimmed_by), Some(0));
    assert_eq!(f.look(1), ("dnd".into(), "red".into(), "the default look"));
    f.agent.handle_input(f.moment(), 0, Input::Dnd(false));
    f.agent.handle_input(f.moment(), 0, Input::Dnd(true));
    assert!(lit(&mut f).contains(&(1, "red".to_string(), 10)));
    assert_eq!(pass(&mut f, 8), [(1, "red".to_string(), 100)]);
    assert_eq!(f.agent.why(1).and_then(|it| it.dimmed_by), None);
}

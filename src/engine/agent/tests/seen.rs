//! What a watcher sees of a presentity that does not show everything to everybody, and how often it is told.

use super::*;
use crate::events::package::Package;
use crate::events::ruling::{Ruling, View};
use crate::events::subscription::Verdict;
use crate::ground::time::Seconds;
use std::vec;

fn ruling(view: View, pace: u32) -> Ruling {
    Ruling {
        view,
        pace: Seconds(pace),
        ..Ruling::plain(Verdict::Allow)
    }
}

impl Fixture {
    /// Rules so of everybody who gives itself that name.
    pub(super) fn rule(&mut self, name: &str, ruling: Ruling) -> StdVec<Sent> {
        let name = format!("sip:{name}@192.0.2.9");
        self.agent
            .notifier
            .judge_all(|who| (who.watcher == name.as_bytes()).then_some(ruling));
        self.drain()
    }

    /// A phone of which this is ruled, and that knows.
    #[track_caller]
    fn seeing(&mut self, name: &str, event: &'static str, view: View) -> Phone {
        let phone = self.watching(name, event);
        for notify in self.rule(name, ruling(view, 0)) {
            self.confirm(&phone, &notify);
        }
        phone
    }

    /// The state, asked for.
    #[track_caller]
    fn asks(&mut self, phone: &mut Phone) -> Sent {
        let text = phone.refresh(600);
        let mut sent = self.send(phone, &text);
        assert_eq!(sent.len(), 2, "{sent:#?}");
        self.confirm(phone, &sent[1]);
        sent.remove(1)
    }
}

fn note(text: &str) -> Input {
    Input::Note(Text::copied(text).unwrap())
}

#[test]
fn a_view_is_told_at_once_and_what_it_hides_never() /* N30 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let notify = f.input(note("secret"));
    f.confirm(&phone, &notify[0]);
    let told = f.rule("bob", ruling(View::NO_NOTES, 0));
    assert_eq!(told.len(), 1);
    assert!(!told[0].body().contains("secret"), "{}", told[0].body());
    f.confirm(&phone, &told[0]);
    f.wall = Wall::from_unix_millis(1_790_000_100_000);
    assert_eq!(f.input(note("another")), []);
    let dnd = f.input(Input::Dnd(true));
    assert_eq!(basic(&dnd[0]), Some(Basic::Closed));
    assert!(!dnd[0].body().contains("another"));
    f.confirm(&phone, &dnd[0]);
    let told = f.rule("bob", ruling(View::FULL, 0));
    assert!(told[0].body().contains("another"), "{}", told[0].body());
    assert_eq!(f.rule("bob", ruling(View::FULL, 0)), [], "nothing changed");
}

#[test]
fn watchers_of_all_views_see_their_own() {
    let mut f = Fixture::new();
    f.agent.notifier.set_notes(["Ask the office"]);
    let views = [
        ("ann", View::FULL, true, true),
        ("bob", View::NO_NOTES, false, true),
        ("cleo", View::NO_ACTIVITIES, true, false),
        ("dora", View::BASIC, false, false),
        ("emil", View::FULL.with_note(0), false, true),
        ("fred", View::CLOSED, false, false),
    ];
    let phones = views.map(|(name, view, ..)| f.seeing(name, "presence", view));
    f.input(note("secret"));
    f.input(Input::Activity(pidf::Activities::MEETING));
    for (mut phone, (name, view, has_note, has_activity)) in phones.into_iter().zip(views) {
        // What is on its way gives way to the answer.
        let text = phone.refresh(600);
        let sent = f.send(&phone, &text);
        let body = sent[1].body();
        assert_eq!(body.contains("secret"), has_note, "{name}");
        assert_eq!(body.contains("meeting"), has_activity, "{name}");
        assert_eq!(body.contains("Ask the office"), view.note().is_some());
        assert_eq!(body.contains("dm:person"), view != View::BASIC, "{name}");
    }
}

#[test]
fn another_fixed_note_is_told_to_those_who_see_it() {
    let mut f = Fixture::new();
    f.agent.notifier.set_notes(["one", "two"]);
    let phone = f.seeing("bob", "presence", View::FULL.with_note(0));
    f.seeing("ann", "presence", View::FULL);
    f.agent.notifier.set_notes(["one", "three"]);
    assert_eq!(f.drain(), []);
    f.agent.notifier.set_notes(["four", "three"]);
    let told = f.drain();
    assert_eq!((told.len(), told[0].flow.remote), (1, phone.address));
    assert!(told[0].body().contains(">four<"));
}

/// ```text
///   bob                 agent
///    │◄──── NOTIFY ──────│  closed and silent
///    │                   │◄── whatever happens
///    │── SUBSCRIBE ─────►│
///    │◄──── NOTIFY ──────│  the same, byte by byte
/// ```
#[test]
fn a_polite_block_cannot_be_told_from_the_truth() /* N30 W08 F12 */
{
    let mut f = Fixture::new();
    let mut bob = f.seeing("bob", "presence", View::CLOSED);
    let first = f.asks(&mut bob);
    assert_eq!(basic(&first), Some(Basic::Closed));
    assert_eq!(
        first.header("Subscription-State"),
        Some("active;expires=600")
    );
    assert!(!first.body().contains("activities") && first.body().contains("<timestamp>"));
    for input in [
        Input::Dnd(true),
        note("secret"),
        Input::Hook(false),
        Input::Dnd(false),
    ] {
        f.wall = f.wall + Duration::from_secs(30);
        assert_eq!(f.input(input), []);
    }
    f.run(Duration::from_secs(60));
    let again = f.asks(&mut bob);
    assert_eq!(again.body(), first.body());
    assert_eq!(again.header("SIP-ETag"), first.header("SIP-ETag"));
    assert_eq!(
        again.header("Subscription-State"),
        first.header("Subscription-State")
    );
    // The owner sees that somebody is there.
    assert_eq!(f.agent.subscriptions().next().unwrap().state, "active");
    // It has the form of a truth: that of somebody who closes now.
    let ann = f.watching("ann", "presence");
    let pidf = pidf::read(first.body().as_bytes()).unwrap();
    assert_eq!((pidf.tuples, pidf.note.as_str()), (1, ""));
    let truth = f.input(Input::Dnd(true));
    assert_eq!(truth[0].flow.remote, ann.address);
    let names = |sent: &Sent| {
        let head = sent.text.split("\r\n\r\n").next().unwrap().to_string();
        let lines = head
            .lines()
            .skip(1)
            .map(|line| line.split(':').next().unwrap().to_string());
        lines.collect::<StdVec<_>>()
    };
    assert_eq!(names(&truth[0]), names(&again));
}

#[test]
fn what_is_hidden_from_now_on_has_not_long_been_so() /* N30 */
{
    let mut f = Fixture::new();
    let stamp = |sent: &Sent| {
        let (_, rest) = sent.body().split_once("<timestamp>").expect("a timestamp");
        rest.split('<').next().unwrap().to_string()
    };
    let mut bob = f.watching("bob", "presence");
    f.wall = f.wall + Duration::from_secs(100);
    let mut last = f.input(note("hm"));
    f.confirm(&bob, &last[0]);
    for view in [View::CLOSED, View::FULL, View::BASIC] {
        f.wall = f.wall + Duration::from_secs(100);
        f.now += Duration::from_secs(100);
        f.agent.handle_timeout(f.moment());
        let told = f.rule("bob", ruling(view, 0));
        assert!(stamp(&told[0]) > stamp(&last[0]), "{view:?}");
        f.confirm(&bob, &told[0]);
        assert_eq!(stamp(&f.asks(&mut bob)), stamp(&told[0]));
        last = told;
    }
}

#[test]
fn who_sees_somebody_closed_sees_no_call() /* N30 D02 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "dialog");
    let told = f.input(Input::Hook(true));
    f.confirm(&bob, &told[0]);
    let told = f.rule("bob", ruling(View::CLOSED, 0));
    assert_eq!(dialogs(&told[0]), (2, Extent::Full, vec![]));
    f.confirm(&bob, &told[0]);
    assert_eq!(f.input(Input::Hook(false)), []);
    assert_eq!(f.input(Input::Hook(true)), []);
    assert_eq!(dialogs(&f.asks(&mut bob)), (3, Extent::Full, vec![]));
    let told = f.rule("bob", ruling(View::FULL, 0));
    let (version, extent, calls) = dialogs(&told[0]);
    assert_eq!((version, extent, calls.len()), (4, Extent::Full, 1));
    f.confirm(&bob, &told[0]);
    let told = f.input(Input::Hook(false));
    assert_eq!(dialogs(&told[0]).1, Extent::Partial);
    // Notes are no part of it.
    f.confirm(&bob, &told[0]);
    assert_eq!(f.rule("bob", ruling(View::NO_NOTES, 0)), []);
}

#[test]
fn a_new_view_does_not_follow_what_is_on_its_way_to_an_old_one() /* D02 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "dialog");
    let on_its_way = f.input(Input::Hook(true));
    assert_eq!(f.rule("bob", ruling(View::CLOSED, 0)), []);
    let told = f.send(&bob, &on_its_way[0].answer("200 OK"));
    assert_eq!(dialogs(&told[0]), (2, Extent::Full, vec![]));
}

/// Everybody sees otherwise at six o'clock.
#[test]
fn a_ruling_about_all_is_told_step_by_step_and_a_change_at_once() {
    let mut f = Fixture::new();
    let count = limits::SUBSCRIPTIONS.min(64);
    let mut phones = vec![];
    for at in 0..count {
        let mut phone = Phone::new(&format!("p{at}"), "presence");
        phone.address = format!("192.0.2.{}:5062", 20 + at).parse().unwrap();
        let sent = f.send(&phone, &phone.subscribe(600));
        f.confirm(&phone, &sent[1]);
        phones.push(phone);
    }
    f.agent.notifier.judge_all(|_| Some(ruling(View::BASIC, 0)));
    let mut order = vec![];
    for (at, sent) in f.run(Duration::from_secs(2)) {
        let number = phones.iter().position(|it| it.address == sent.flow.remote);
        if !order.iter().any(|(_, known)| *known == number) {
            order.push((at, number));
        }
    }
    let expected = (0..count).map(|at| (at as u64 / 10 * 100, Some(at)));
    assert_eq!(order, expected.collect::<StdVec<_>>());
}

#[test]
fn a_change_does_not_wait_for_those_who_are_judged() {
    let mut f = Fixture::new();
    let mut phones = vec![];
    for at in 0..limits::SUBSCRIPTIONS.min(24) {
        let mut phone = Phone::new(&format!("p{at}"), "presence");
        phone.address = format!("192.0.2.{}:5062", 20 + at).parse().unwrap();
        let sent = f.send(&phone, &phone.subscribe(600));
        f.confirm(&phone, &sent[1]);
        phones.push(phone);
    }
    f.agent
        .notifier
        .judge_all(|_| Some(ruling(View::NO_NOTES, 0)));
    assert_eq!(f.drain().len(), 10.min(phones.len()));
    let told = f.input(Input::Dnd(true));
    assert_eq!(told.len(), phones.len() - 10);
    assert!(told.iter().all(|it| basic(it) == Some(Basic::Closed)));
}

#[test]
fn a_pace_is_the_watchers_own_and_the_last_state_is_told() /* F10 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    f.rule("bob", ruling(View::FULL, 300));
    let told = f.input(Input::Dnd(true));
    f.confirm(&bob, &told[0]);
    assert_eq!(f.input(Input::Dnd(false)), []);
    assert_eq!(f.input(note("now")), []);
    assert!(
        f.asks(&mut bob).body().contains("now"),
        "who asks is answered"
    );
    assert_eq!(f.input(note("later")), []);
    let told = f.run(Duration::from_secs(299));
    assert_eq!(told, []);
    let told = f.run(Duration::from_secs(1));
    assert!(told[0].1.body().contains("later"), "{told:#?}");
}

#[test]
fn nobody_is_told_after_a_restart_before_it_is_judged() {
    let mut f = Fixture::new();
    f.agent.keep();
    let bob = f.watching("bob", "presence");
    let mut buf = vec![0; crate::engine::agent::RECORD];
    let moment = Moment {
        now: f.now + Duration::from_secs(60),
        wall: f.wall,
    };
    f.agent.begin_save(moment.now);
    let mut records = vec![];
    while let Some((key, len)) = f.agent.next_record(moment, &mut buf) {
        if let Some(len) = len {
            records.push((key, buf[..len].to_vec()));
        }
    }
    let mut again = Fixture::new();
    for (key, record) in &records {
        again.agent.restore(again.moment(), *key, record);
    }
    let desk = again.agent.presentities[0];
    assert_eq!(
        again.agent.notifier.iter().next().unwrap().1.presentity(),
        desk
    );
    let Agent {
        notifier,
        directory,
        random,
        ..
    } = &mut *again.agent;
    let mut out = vec![0; limits::MESSAGE];
    let told = notifier.poll(again.now, directory.presentities(), random, &mut out);
    assert!(told.is_none() && notifier.wants_judging());
    notifier.judge_all(|who| {
        assert_eq!(who.package, Package::Presence);
        Some(ruling(View::CLOSED, 0))
    });
    let told = again.drain();
    assert_eq!((told.len(), basic(&told[0])), (1, Some(Basic::Closed)));
    assert_eq!(told[0].flow.remote, bob.address);
}

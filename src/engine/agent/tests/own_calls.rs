//! Calls of which a local source tells, as watchers of `dialog` see them. Group D.

use super::*;
use crate::engine::config::{Direction as Ruled, Rule, Who};
use crate::events::ruling::View;
use crate::ground::time::Seconds;
use crate::users::compose::{Fact, NoRoom, Source};
use crate::wire::doc::dialog_info::{Direction, Ending};

const PHONE: Source = Source::Phone(0);

fn fact(id: &str, state: State) -> Fact<'_> {
    Fact {
        source: PHONE,
        id,
        state,
        is_held: false,
        direction: Some(Direction::Recipient),
        ending: None,
        peer: Some("sip:bob@example.org"),
        display: "Bob",
        lasts: Seconds(3_600),
    }
}

impl Fixture {
    fn call(&mut self, fact: &Fact<'_>) -> StdVec<Sent> {
        let moment = self.moment();
        self.agent
            .handle_call(moment, 0, fact)
            .expect("there is room");
        self.drain()
    }

    fn end_calls(&mut self) -> StdVec<Sent> {
        let moment = self.moment();
        self.agent.end_calls(moment, PHONE, None);
        self.drain()
    }

    /// A call goes on; the one NOTIFY that tells of it, answered.
    #[track_caller]
    fn progress(&mut self, watcher: &Phone, fact: &Fact<'_>) -> String {
        let sent = self.call(fact);
        assert_eq!(sent.len(), 1, "{sent:#?}");
        self.confirm(watcher, &sent[0]);
        sent[0].body().to_string()
    }

    /// The full document.
    #[track_caller]
    fn full_document(&mut self, watcher: &mut Phone) -> String {
        let text = watcher.refresh(600);
        let sent = self.send(watcher, &text);
        self.confirm(watcher, &sent[1]);
        sent[1].body().to_string()
    }
}

/// Shows the parties of calls to everybody.
fn showing(settings: &mut Settings) {
    settings.rules.names.push(Who::Everyone).expect("room");
    let mut rule = Rule::new(Ruled::Tell, (0, 1));
    rule.view = View::PARTIES;
    settings.rules.list.push(rule).expect("room");
}

/// ```text
///   phone              agent            carol
///     │ rings ──────────►│── early ──────►│
///     │ answered ───────►│── confirmed ──►│
///     │ held ───────────►│── no rendering►│
///     │ over ───────────►│── terminated ─►│
/// ```
#[test]
fn a_call_is_told_step_by_step_without_naming_anybody() /* D03 D04 D07 D09 */
{
    let mut f = Fixture::new();
    let mut carol = f.watching("carol", "dialog");
    let early = f.progress(&carol, &fact("c1", State::Early));
    assert!(early.contains("state=\"partial\""), "{early}");
    assert!(
        early.contains("<dialog id=\"d1\" direction=\"recipient\"><state>early</state></dialog>"),
        "{early}"
    );
    let up = f.progress(&carol, &fact("c1", State::Confirmed));
    assert!(
        up.contains("<dialog id=\"d1\" direction=\"recipient\"><state>confirmed</state></dialog>"),
        "{up}"
    );
    let held = Fact {
        is_held: true,
        ..fact("c1", State::Confirmed)
    };
    let held = f.progress(&carol, &held);
    assert!(
        held.contains("pname=\"+sip.rendering\" pval=\"no\""),
        "{held}"
    );
    f.run(Duration::from_secs(10));
    let over = Fact {
        ending: Some(Ending::RemoteBye),
        ..fact("c1", State::Terminated)
    };
    let over = f.progress(&carol, &over);
    assert!(
        over.contains(
            "<dialog id=\"d1\" direction=\"recipient\"><state>terminated</state></dialog>"
        ),
        "{over}"
    );
    assert!(!f.full_document(&mut carol).contains("<dialog "));
    for body in [early, up, held, over] {
        assert!(!body.contains("bob") && !body.contains("c1"), "{body}");
    }
}

#[test]
fn a_rule_shows_who_is_at_the_other_end() /* D05 D08 */
{
    let mut f = Fixture::with(showing);
    let carol = f.watching("carol", "dialog");
    let early = f.progress(&carol, &fact("c1", State::Early));
    assert!(early.contains("call-id=\"c1\""), "{early}");
    assert!(
        early.contains("<remote><identity display=\"Bob\">sip:bob@example.org</identity></remote>"),
        "{early}"
    );
    assert!(early.contains("state=\"partial\""), "{early}");
    let over = Fact {
        ending: Some(Ending::Cancelled),
        ..fact("c1", State::Terminated)
    };
    let over = f.progress(&carol, &over);
    assert!(
        over.contains("<state event=\"cancelled\">terminated"),
        "{over}"
    );
}

#[test]
fn another_name_is_no_news_for_who_does_not_see_it() /* N30 */
{
    let mut f = Fixture::new();
    let carol = f.watching("carol", "dialog");
    f.progress(&carol, &fact("c1", State::Early));
    let renamed = Fact {
        display: "Robert",
        ..fact("c1", State::Early)
    };
    assert_eq!(f.call(&renamed), []);
    let mut f = Fixture::with(showing);
    let carol = f.watching("carol", "dialog");
    f.progress(&carol, &fact("c1", State::Early));
    assert!(f.progress(&carol, &renamed).contains("Robert"));
}

#[test]
fn two_calls_are_two_dialogs_and_end_each_for_itself() {
    let mut f = Fixture::new();
    let mut carol = f.watching("carol", "dialog");
    f.progress(&carol, &fact("c1", State::Confirmed));
    f.progress(&carol, &fact("c2", State::Early));
    let both = f.full_document(&mut carol);
    assert!(
        both.contains("id=\"d1\"") && both.contains("id=\"d2\""),
        "{both}"
    );
    let over = f.progress(&carol, &fact("c1", State::Terminated));
    assert!(
        over.contains("id=\"d1\"") && !over.contains("id=\"d2\""),
        "{over}"
    );
    assert!(f.full_document(&mut carol).contains("id=\"d2\""));
}

#[test]
fn presence_says_the_same() {
    let mut f = Fixture::new();
    let carol = f.watching("carol", "presence");
    let rings = f.progress(&carol, &fact("c1", State::Early));
    assert!(
        rings.contains(">Ringing<") && !rings.contains("on-the-phone"),
        "{rings}"
    );
    let up = f.progress(&carol, &fact("c1", State::Confirmed));
    assert!(
        up.contains("on-the-phone") && up.contains(">On the phone<"),
        "{up}"
    );
    let over = f.progress(&carol, &fact("c1", State::Terminated));
    assert!(!over.contains("on-the-phone"), "{over}");
}

#[test]
fn a_call_that_nobody_tells_of_again_ends_by_itself() {
    let mut f = Fixture::new();
    let carol = f.watching("carol", "dialog");
    let rings = Fact {
        lasts: Seconds(30),
        ..fact("c1", State::Early)
    };
    f.progress(&carol, &rings);
    let sent = f.run(Duration::from_secs(31));
    let over = sent.iter().find(|(_, it)| it.body().contains("terminated"));
    assert_eq!(over.expect("it is told").0, 30_000);
}

#[test]
fn a_phone_that_is_not_heard_any_more_has_no_calls() {
    let mut f = Fixture::new();
    let carol = f.watching("carol", "dialog");
    f.progress(&carol, &fact("c1", State::Confirmed));
    let told = Fact {
        source: Source::Told,
        ..fact("", State::Early)
    };
    f.progress(&carol, &told);
    let sent = f.end_calls();
    assert_eq!(sent.len(), 1);
    let (_, _, dialogs) = dialogs(&sent[0]);
    assert_eq!(dialogs, [("d1".to_string(), State::Terminated)]);
    f.confirm(&carol, &sent[0]);
    assert_eq!(f.end_calls(), []);
}

#[test]
fn one_call_too_many_is_not_told() {
    let mut f = Fixture::new();
    let names: StdVec<String> = (0..=limits::LOCAL_CALLS).map(|it| it.to_string()).collect();
    for (at, name) in names.iter().enumerate() {
        let moment = f.moment();
        let told = f.agent.handle_call(moment, 0, &fact(name, State::Early));
        let fits = at < limits::LOCAL_CALLS;
        assert_eq!(told, if fits { Ok(()) } else { Err(NoRoom) });
    }
    let moment = f.moment();
    let over = fact(&names[0], State::Terminated);
    assert_eq!(f.agent.handle_call(moment, 0, &over), Ok(()));
    let last = names.last().expect("some");
    let again = f.agent.handle_call(moment, 0, &fact(last, State::Early));
    assert_eq!(again, Ok(()), "there is room again");
}

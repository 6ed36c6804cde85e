//! Rates that watchers ask for (RFC 6446). Group F.

use super::*;

/// A phone that asked for those rates and knows the state.
#[track_caller]
fn asking(f: &mut Fixture, rates: &'static str) -> (Phone, Sent) {
    let mut phone = Phone::new("bob", rates);
    let sent = f.send(&phone, &phone.subscribe(600));
    phone.learn(&sent[0]);
    f.confirm(&phone, &sent[1]);
    (phone, sent[1].clone())
}

fn state(notify: &Sent) -> &str {
    notify.header("Subscription-State").unwrap()
}

impl Fixture {
    /// Answers every NOTIFY; when each came, in seconds.
    fn told_at(&mut self, phone: &Phone, seconds: u64) -> StdVec<u64> {
        let mut heard = StdVec::new();
        for second in 1..=seconds {
            for (_, notify) in self.run(Duration::from_secs(1)) {
                heard.push(second);
                self.confirm(phone, &notify);
            }
        }
        heard
    }
}

#[test]
fn what_is_in_force_is_told() /* F09 F11 */
{
    for (asked, told) in [
        ("presence;max-rate=0.1", "active;expires=600;max-rate=0.1"),
        (
            "presence;max-rate=0.0000001",
            "active;expires=600;max-rate=0.0016666666",
        ),
        (
            "presence;min-rate=0.1;max-rate=0.05",
            "active;expires=600;max-rate=0.05;min-rate=0.05",
        ),
        ("presence;min-rate=9", "active;expires=600;min-rate=0.2"),
        ("presence;max-rate=0", "active;expires=600"),
        (
            "presence;adaptive-min-rate=0.1",
            "active;expires=600;adaptive-min-rate=0.1",
        ),
    ] {
        let mut f = Fixture::new();
        let (_, notify) = asking(&mut f, asked);
        assert_eq!(state(&notify), told, "{asked}");
        assert_eq!(notify.header("Event"), Some("presence"));
    }
}

#[test]
fn a_highest_rate_holds_changes_back_and_tells_the_last() /* F10 */
{
    let mut f = Fixture::new();
    let (mut phone, _) = asking(&mut f, "presence;max-rate=0.1");
    assert_eq!(f.input(Input::Dnd(true)), []);
    assert_eq!(f.input(Input::Dnd(false)), []);
    assert_eq!(f.input(Input::Dnd(true)), []);
    assert_eq!(f.told_at(&phone, 9).len(), 0);
    let told = f.run(Duration::from_secs(1));
    assert_eq!((told.len(), basic(&told[0].1)), (1, Some(Basic::Closed)));
    // What is sent again does not count.
    assert_eq!(f.run(Duration::from_secs(4)).len(), 3);
    f.confirm(&phone, &told[0].1);
    assert_eq!(f.input(Input::Dnd(false)), []);
    assert_eq!(f.told_at(&phone, 5).len(), 0);
    assert_eq!(f.told_at(&phone, 1), [1]);
    // Who asks is answered, and who asks no more for it has none.
    phone.event = "presence";
    let text = phone.refresh(600);
    let sent = f.send(&phone, &text);
    assert_eq!(state(&sent[1]), "active;expires=600");
    f.confirm(&phone, &sent[1]);
    assert_eq!(f.input(Input::Dnd(true)).len(), 1);
}

#[test]
fn an_end_is_told_whatever_the_rate() /* F10 */
{
    let mut f = Fixture::new();
    let (mut phone, _) = asking(&mut f, "presence;max-rate=0.01");
    let text = phone.refresh(0);
    assert_eq!(f.send(&phone, &text).len(), 2);
    let mut f = Fixture::new();
    asking(&mut f, "presence;max-rate=0.01");
    f.agent.stop(f.now);
    assert!(
        f.drain()
            .iter()
            .any(|it| state(it) == "terminated;reason=deactivated")
    );
}

#[test]
fn a_lowest_rate_tells_what_has_not_changed() /* F11 */
{
    let mut f = Fixture::new();
    let (phone, _) = asking(&mut f, "dialog;min-rate=0.1");
    assert_eq!(f.told_at(&phone, 35), [10, 20, 30]);
    let told = f.input(Input::Hook(true));
    f.confirm(&phone, &told[0]);
    assert_eq!(f.told_at(&phone, 12), [10]);
    f.run(Duration::from_secs(7));
    let again = f.run(Duration::from_secs(2)).remove(0).1;
    assert_eq!(dialogs(&again).1, Extent::Full);
}

#[test]
fn an_average_rate_is_kept() /* F11 */
{
    let mut f = Fixture::new();
    let (phone, _) = asking(&mut f, "presence;adaptive-min-rate=0.1");
    let heard = f.told_at(&phone, 300);
    assert!((28..=31).contains(&heard.len()), "{heard:?}");
}

#[test]
fn an_answer_changes_the_rate() /* F09 */
{
    let mut f = Fixture::new();
    let (phone, _) = asking(&mut f, "presence;max-rate=0.01");
    assert_eq!(f.input(Input::Dnd(true)), []);
    let told = f.run(Duration::from_secs(100)).remove(0).1;
    f.send(
        &phone,
        &told.answer("200 OK\r\nEvent: presence;max-rate=0.5\r\n"),
    );
    f.input(Input::Dnd(false));
    let told = f.run(Duration::from_secs(2)).remove(0).1;
    assert_eq!(state(&told), "active;expires=498;max-rate=0.5");
    // Who never asked is not heard.
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    f.send(
        &bob,
        &told[0].answer("200 OK\r\nEvent: presence;max-rate=0.01\r\n"),
    );
    assert_eq!(f.input(Input::Dnd(false)).len(), 1);
}

//! Strangers who wait for the owner (RFC 6665 §4.2.1.1). Groups N and C.

use super::*;
use crate::engine::config::{Action, ButtonSettings, Strangers};
use crate::users::policy::Decided;

/// An agent whose owner decides about strangers, with a button for it.
pub(super) fn asking() -> Fixture {
    Fixture::with(|settings| {
        settings.strangers = Strangers::Ask;
        let name = Text::copied("approve").unwrap();
        let mut button = ButtonSettings::new(name, false);
        button.press = Action::Approve;
        settings.buttons.push(button).unwrap();
    })
}

pub(super) fn stranger(name: &str, event: &'static str, host: usize) -> Phone {
    let address = format!("198.51.{}.{}:5062", 100 + host / 250, 1 + host % 250);
    Phone {
        address: address.parse().unwrap(),
        ..Phone::new(name, event)
    }
}

impl Fixture {
    /// A stranger that was told to wait.
    #[track_caller]
    fn waits(&mut self, phone: &mut Phone) {
        let sent = self.send(phone, &phone.subscribe(600));
        let [ok, notify] = &sent[..] else {
            panic!("a 200 and a NOTIFY: {sent:#?}")
        };
        phone.learn(ok);
        assert_pending(notify);
        self.confirm(phone, notify);
    }

    /// The owner decides about those who give themselves this name.
    pub(super) fn decide(&mut self, name: &str, may: bool) -> Result<usize, Ambiguous> {
        let name = format!("sip:{name}@192.0.2.9");
        self.decide_about(Whom::Named(name.as_bytes()), may)
    }

    fn decide_about(&mut self, whom: Whom<'_>, may: bool) -> Result<usize, Ambiguous> {
        let what = if may { Decided::Allow } else { Decided::Block };
        self.agent.decide(self.moment(), whom, Decree::plain(what))
    }

    fn approve(&mut self) -> StdVec<Sent> {
        let (now, wall) = (self.now, self.wall);
        self.agent.handle_button(Moment { now, wall }, 0, true);
        self.agent.handle_button(Moment { now, wall }, 0, false);
        self.drain()
    }
}

/// It waits, and learns nothing of the desk.
#[track_caller]
fn assert_pending(notify: &Sent) {
    let state = notify.header("Subscription-State").unwrap();
    assert!(state.starts_with("pending;expires="), "{state}");
    // Nobody who may be somewhere else is sent more than it takes.
    assert_eq!(notify.body(), "");
    assert_eq!(notify.header("Content-Type"), None);
}

/// ```text
///   stranger             agent        owner
///     │── SUBSCRIBE ──────►│
///     │◄── 200, NOTIFY ────│  pending, no document
///     │                    │◄── presses "approve"
///     │◄──────── NOTIFY ───│  active, the document
/// ```
#[test]
fn a_stranger_waits_without_a_document_until_the_owner_approves() /* N10 N13 N29 */
{
    let mut f = asking();
    let mut phone = stranger("eve", "presence", 1);
    f.waits(&mut phone);
    assert_eq!(f.agent.waiting(0), 1);
    assert_eq!(f.input(Input::Dnd(true)), [], "changes are not told");
    let refreshed = f.send(&phone, &phone.clone().refresh(600));
    assert_blank(&refreshed[1]);
    f.confirm(&phone, &refreshed[1]);
    phone.cseq += 1;

    let told = f.approve();
    assert_eq!(told.len(), 1);
    let state = told[0].header("Subscription-State");
    assert_eq!(state, Some("active;expires=600"));
    assert_eq!(basic(&told[0]), Some(Basic::Closed));
    f.confirm(&phone, &told[0]);
    assert_eq!(f.agent.waiting(0), 0);
    assert_eq!(f.input(Input::Dnd(false)).len(), 1, "changes are told");
    assert_eq!(f.approve(), [], "nobody else waits");
}

#[test]
fn who_was_approved_need_not_wait_again() {
    let mut f = asking();
    f.waits(&mut stranger("eve", "presence", 1));
    f.approve();
    let mut again = stranger("eve", "dialog", 1);
    again.cseq = 50;
    let text = again.subscribe(600).replace("call-eve", "call-again");
    let sent = f.send(&again, &text);
    let state = sent[1].header("Subscription-State");
    assert_eq!(state, Some("active;expires=600"));
    // The name alone opens nothing, nor does the address.
    let mut elsewhere = stranger("eve", "dialog", 2);
    elsewhere.cseq = 70;
    f.waits(&mut elsewhere);
    f.waits(&mut stranger("bob", "dialog", 1));
}

#[test]
fn who_waits_longest_is_approved_first_with_all_it_asked_for() {
    let mut f = asking();
    let mut phones = [
        stranger("ann", "presence", 1),
        stranger("bob", "presence", 2),
        stranger("ann", "dialog", 1),
    ];
    for (at, phone) in phones.iter_mut().enumerate() {
        let text = phone.subscribe(600);
        let text = text
            .replace("call-", &format!("call{at}-"))
            .replace("z9hG4bK", &format!("z9hG4bK{at}"));
        let sent = f.send(phone, &text);
        assert_pending(&sent[1]);
        f.confirm(phone, &sent[1]);
    }
    assert_eq!(f.agent.waiting(0), 3);
    let told = f.approve();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|it| it.flow.remote == phones[0].address));
    assert_eq!(f.agent.waiting(0), 1);
    let told = f.approve();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].flow.remote, phones[1].address);
    assert_eq!(f.agent.waiting(0), 0);
}

#[test]
fn a_blocked_stranger_is_rejected_now_and_refused_later() /* N29 N37 */
{
    let mut f = asking();
    let mut phone = stranger("eve", "presence", 1);
    f.waits(&mut phone);
    assert_eq!(f.decide("bob", false), Ok(0));
    assert_eq!(f.decide("eve", false), Ok(1));
    let told = f.drain();
    let state = told[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=rejected"));
    assert_blank(&told[0]);
    assert_eq!(f.agent.waiting(0), 0);
    f.confirm(&phone, &told[0]);
    let mut again = stranger("eve", "presence", 1);
    again.cseq = 50;
    let text = again.subscribe(600).replace("call-eve", "call-again");
    assert_eq!(f.send(&again, &text)[0].status(), 403);
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn a_document_that_says_nothing_can_be_left_out() /* N29 */
{
    let mut f = Fixture::with(|settings| {
        settings.strangers = Strangers::Ask;
        settings.blank_documents = false;
    });
    let mut phone = stranger("eve", "presence", 1);
    f.waits(&mut phone);
    let refreshed = f.send(&phone, &phone.clone().refresh(600));
    assert_pending(&refreshed[1]);
    assert_eq!(refreshed[1].header("SIP-ETag"), None);
}

#[test]
fn a_name_that_two_give_themselves_lets_neither_in() /* N29 */
{
    let mut f = asking();
    let (mut bob, mut mallory) = (
        stranger("bob", "presence", 1),
        stranger("bob", "presence", 2),
    );
    f.waits(&mut bob);
    mallory.cseq = 7;
    f.waits(&mut mallory);
    assert_eq!(f.decide("bob", true), Err(Ambiguous));
    assert_eq!(f.agent.waiting(0), 2);
    let decided = f.decide_about(Whom::At(bob.address.ip()), true);
    assert_eq!(decided, Ok(1));
    let told = f.drain();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].flow.remote, bob.address);
    assert_eq!(f.decide("bob", false), Err(Ambiguous), "one may be real");
    let decided = f.decide_about(Whom::At(mallory.address.ip()), false);
    assert_eq!((decided, f.agent.waiting(0)), (Ok(1), 0));
    assert_eq!(f.drain()[0].flow.remote, mallory.address);
}

#[test]
fn an_approval_can_be_taken_back_and_the_trusted_cannot_be_blocked() /* N29 N37 */
{
    let mut f = asking();
    let mut bob = stranger("bob", "presence", 1);
    f.waits(&mut bob);
    let told = f.approve();
    f.confirm(&bob, &told[0]);
    let mut trusted = Phone::new("bob", "presence");
    trusted.cseq = 50;
    let sent = f.send(&trusted, &trusted.subscribe(600));
    f.confirm(&trusted, &sent[1]);
    assert_eq!(f.decide("bob", false), Ok(1));
    let told = f.drain();
    assert_eq!((told.len(), told[0].flow.remote), (1, bob.address));
    assert_eq!(state(&told[0]), "terminated;reason=rejected");
    assert_blank(&told[0]);
    f.confirm(&bob, &told[0]);
    assert_eq!(f.decide("bob", false), Ok(0));
    assert_eq!(f.input(Input::Dnd(true)).len(), 1);
}

#[test]
fn the_log_says_who_was_let_in() {
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    f.waits(&mut eve);
    f.agent.approve_waiting(0);
    let remote = eve.address.ip();
    let report = loop {
        match f.agent.poll(f.now, &mut f.buf) {
            Output::Report(report) => break report,
            Output::Wait(_) => panic!("a line for the log"),
            Output::Send { .. }
            | Output::Lamp { .. }
            | Output::Resolve { .. }
            | Output::Changed(_)
            | Output::Gesture { .. } => {}
        }
    };
    assert_eq!(
        report.to_string(),
        format!("sip:eve@192.0.2.9 at {remote} is allowed: it is a watcher of {DESK}")
    );
}

#[test]
fn no_way_out_shows_a_stranger_the_document() /* N29 N33 */
{
    type Way = fn(&mut Fixture, &mut Phone) -> StdVec<Sent>;
    let ways: [(&str, Way); 4] = [
        ("timeout", |f, phone| {
            let text = phone.refresh(0);
            f.send(phone, &text).split_off(1)
        }),
        ("timeout", |f, _| {
            let sent = f.run(Duration::from_secs(601));
            sent.into_iter().map(|(_, it)| it).take(1).collect()
        }),
        ("noresource", |f, _| {
            let mut settings = f.agent.settings().clone();
            settings.presentities.clear();
            settings.buttons.clear();
            f.agent.reconfigure(f.moment(), &settings);
            f.drain()
        }),
        ("deactivated", |f, _| {
            f.agent.stop(f.now);
            f.drain()
        }),
    ];
    for (reason, way) in ways {
        let mut f = asking();
        let mut phone = stranger("eve", "presence", 1);
        f.waits(&mut phone);
        let told = way(&mut f, &mut phone);
        assert_eq!(told.len(), 1, "{told:#?}");
        let state = told[0].header("Subscription-State").unwrap();
        assert_eq!(state, format!("terminated;reason={reason}"));
        match reason {
            "noresource" => assert_eq!(told[0].body(), ""),
            _ => assert_blank(&told[0]),
        }
        f.confirm(&phone, &told[0]);
        assert_eq!(f.agent.notifier.len(), 0);
        assert_eq!(f.agent.waiting(0), 0);
    }
    let mut f = asking();
    let phone = stranger("eve", "presence", 1);
    let fetched = f.send(&phone, &phone.subscribe(0));
    assert_eq!(fetched[0].status(), 200);
    let state = fetched[1].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=timeout"));
    assert_eq!(fetched[1].body(), "");
    assert_eq!(f.agent.waiting(0), 0, "a fetch does not wait");
}

#[test]
fn few_strangers_wait_and_the_trusted_are_never_crowded_out() /* N38 C04 */
{
    let mut f = asking();
    for at in 0..limits::WAITING_EACH {
        f.waits(&mut stranger(&format!("eve{at}"), "presence", 1));
    }
    let more = stranger("more", "presence", 1);
    let sent = f.send(&more, &more.subscribe(600));
    assert_eq!(
        (sent.len(), sent[0].status()),
        (1, 503),
        "four of one address"
    );
    assert!(sent[0].header("Retry-After").is_some());

    for at in 0..limits::WAITING.saturating_sub(limits::WAITING_EACH) {
        f.waits(&mut stranger(&format!("bob{at}"), "presence", 2 + at));
    }
    let more = stranger("more", "presence", 200);
    let sent = f.send(&more, &more.subscribe(600));
    assert_eq!(sent[0].status(), 503, "a quarter of the table");
    let fetch = f.send(&more, &more.clone().refresh(0));
    assert_eq!(fetch[0].status(), 503, "fetches take places too");

    // Who waited and forgot takes its old place.
    let mut again = stranger("eve0", "presence", 1);
    again.cseq = 90;
    let text = again.subscribe(600).replace("call-", "call-again-");
    assert_pending(&f.send(&again, &text)[1]);
    assert_eq!(f.agent.waiting(0), limits::WAITING);

    for at in 0..limits::SUBSCRIPTIONS - limits::WAITING {
        let mut phone = Phone::new(&format!("t{at}"), "presence");
        phone.address = format!("192.0.2.{}:5062", 20 + at % 200).parse().unwrap();
        assert_eq!(f.send(&phone, &phone.subscribe(600))[0].status(), 200);
    }
    f.run(Duration::from_secs(700));
    assert_eq!(f.agent.waiting(0), 0, "all have gone");
    assert_eq!(f.agent.notifier.len(), 0);
    f.waits(&mut stranger("late", "presence", 3));
}

#[test]
fn strangers_may_do_nothing_but_subscribe() {
    let mut f = asking();
    let phone = stranger("eve", "presence", 1);
    for method in ["OPTIONS", "NOTIFY", "PUBLISH", "CANCEL", "INVITE"] {
        let sent = f.send(&phone, &phone.request(method, ""));
        assert_eq!(sent[0].status(), 403, "{method}");
    }
}

#[test]
fn a_stranger_cannot_send_our_notifies_to_those_we_trust() /* N41 B01 */
{
    let mut f = asking();
    let phone = stranger("eve", "presence", 1);
    let text = phone.subscribe(600);
    let text = text.replace(
        "Contact: <sip:eve@198.51.100.2:5062>",
        "Contact: <sip:x@192.0.2.77:5060>",
    );
    assert!(text.contains("192.0.2.77"));
    let sent = f.send(&phone, &text);
    assert_eq!(sent[1].flow.remote, phone.address);
}

/// An approved phone, and somebody else who says that he is at the same place.
#[test]
fn nobody_who_waits_takes_the_place_of_one_who_is_allowed() /* N38 */
{
    for table_is_full in [true, false] {
        let mut f = asking();
        let mut bob = stranger("bob", "presence", 1);
        f.waits(&mut bob);
        let told = f.approve();
        f.confirm(&bob, &told[0]);
        match table_is_full {
            true => f.agent.notifier.leave_room(Some(0)),
            false => {
                for at in 0..limits::WAITING_EACH {
                    f.waits(&mut stranger(&format!("eve{at}"), "presence", 1));
                }
            }
        }
        let mallory = stranger("mallory", "presence", 1);
        let text = mallory.subscribe(600);
        let text = text.replace("Contact: <sip:mallory@", "Contact: <sip:bob@");
        let before = f.agent.waiting(0);
        assert_eq!(f.send(&mallory, &text)[0].status(), 503, "{table_is_full}");
        assert_eq!(f.agent.waiting(0), before);
        assert_eq!(f.input(Input::Dnd(true)).len(), 1, "bob is still told");
    }
}

/// Other networks are trusted now, and strangers are treated like that.
fn reload(f: &mut Fixture, trusted: &[&str], strangers: Strangers) -> StdVec<Sent> {
    let mut settings = f.agent.settings().clone();
    let networks = trusted.iter().map(|it| Network::parse(it).unwrap());
    settings.trusted = networks.collect();
    settings.strangers = strangers;
    f.agent.reconfigure(f.moment(), &settings);
    f.drain()
}

fn state(notify: &Sent) -> &str {
    notify.header("Subscription-State").unwrap()
}

#[test]
fn who_is_trusted_from_now_on_waits_no_more() /* N29 */
{
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    f.waits(&mut eve);
    let told = reload(&mut f, &["192.0.2.0/24"], Strangers::Ask);
    assert_eq!(told, [], "nothing changed");
    let told = reload(&mut f, &["198.51.100.0/24"], Strangers::Ask);
    assert_eq!(state(&told[0]), "active;expires=600");
    assert_eq!(basic(&told[0]), Some(Basic::Open));
    assert_eq!(f.agent.waiting(0), 0);
}

#[test]
fn where_strangers_are_refused_from_now_on_nobody_waits_or_watches() /* N29 N37 */
{
    for is_approved in [false, true] {
        let mut f = asking();
        let mut eve = stranger("eve", "presence", 1);
        f.waits(&mut eve);
        if is_approved {
            let told = f.approve();
            f.confirm(&eve, &told[0]);
        }
        let told = reload(&mut f, &["192.0.2.0/24"], Strangers::Refuse);
        assert_eq!(state(&told[0]), "terminated;reason=rejected");
        assert_blank(&told[0]);
        assert_eq!(f.agent.waiting(0), 0);
        let text = eve.refresh(600);
        assert_eq!(f.send(&eve, &text)[0].status(), 403);
        f.confirm(&eve, &told[0]);
        assert_eq!(f.approve(), [], "there is nobody to let in");
        assert_eq!(f.input(Input::Dnd(true)), []);
    }
}

#[test]
fn who_is_not_trusted_any_more_is_told_no_more() /* N29 N37 */
{
    for (strangers, reason) in [
        (Strangers::Refuse, "terminated;reason=rejected"),
        (Strangers::Ask, "terminated;reason=deactivated"),
    ] {
        let mut f = Fixture::new();
        let bob = f.watching("bob", "presence");
        let told = reload(&mut f, &["127.0.0.0/8"], strangers);
        assert_eq!(state(&told[0]), reason);
        assert_blank(&told[0]);
        f.confirm(&bob, &told[0]);
        assert_eq!(f.input(Input::Dnd(true)), []);
        assert_eq!(f.agent.notifier.len(), 0);
    }
}

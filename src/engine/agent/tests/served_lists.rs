//! A list of presentities, watched as one (RFC 4662).

use super::approval::stranger;
use super::keeping::keeping;
use super::*;
use crate::engine::config::{Direction, Rule, ServedListSettings, Strangers, Then, Who};
use crate::ground::time::Seconds;
use crate::wire::flow::Transport;

const LIST: &str = "sip:all@192.0.2.1";
const ANN: &str = "sip:ann@192.0.2.1";
const BOB: &str = "sip:bob@192.0.2.1";

/// What a NOTIFY says of one member: its URI, state and reason, and the document about it.
#[derive(Debug, PartialEq)]
struct Told {
    uri: String,
    state: String,
    reason: Option<String>,
    body: Option<String>,
}

/// The root of a NOTIFY about a list.
struct Rlmi {
    version: u32,
    full: bool,
    told: StdVec<Told>,
}

/// An agent that serves a desk, Ann and Bob, and the list of the three.
fn house(change: impl FnOnce(&mut Settings)) -> Fixture {
    Fixture::with(|settings| {
        for uri in [ANN, BOB] {
            let uri = Text::copied(uri).unwrap();
            let _ = settings.presentities.push(PresentitySettings::new(uri));
        }
        let uri = Text::copied(LIST).unwrap();
        let members = heapless::Vec::new();
        let _ = settings
            .served_lists
            .push(ServedListSettings { uri, members });
        change(settings);
    })
}

fn to_list(text: &str) -> String {
    let accept = "Supported: replaces, EventList\r\nAccept: application/pidf+xml, \
                  application/dialog-info+xml, multipart/related, application/rlmi+xml\r\n";
    text.replace(DESK, LIST)
        .replace("Content-Length", &format!("{accept}Content-Length"))
}

/// A phone that watches the list, and what it was told first.
#[track_caller]
fn watching(f: &mut Fixture, name: &str, event: &'static str) -> (Phone, Sent) {
    let mut phone = Phone::new(name, event);
    let mut sent = f.send(&phone, &to_list(&phone.subscribe(3_600)));
    phone.learn(&sent[0]);
    assert_eq!(sent[0].header("Require"), Some("eventlist"));
    assert_eq!(sent.len(), 2, "a 200 and a NOTIFY: {sent:#?}");
    let first = sent.remove(1);
    f.confirm(&phone, &first);
    (phone, first)
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

#[track_caller]
fn read(notify: &Sent) -> Rlmi {
    assert_eq!(notify.header("Require"), Some("eventlist"));
    let kind = notify.header("Content-Type").expect("a body");
    assert!(kind.starts_with("multipart/related;type=\"application/rlmi+xml\";"));
    let (_, boundary) = kind.split_once(";boundary=").unwrap();
    let delimiter = format!("--{boundary}");
    let length: usize = notify.header("Content-Length").unwrap().parse().unwrap();
    assert_eq!(notify.body().len(), length);
    let mut parts = notify.body().split(&delimiter).skip(1);
    let mut split = || {
        let (head, body) = parts.next()?.split_once("\r\n\r\n")?;
        let (_, id) = head.split_once("Content-ID: <").unwrap();
        let id = id.split_once('>').unwrap().0.to_string();
        Some((id, body.trim_end_matches("\r\n").to_string()))
    };
    let (root, document) = split().expect("a root");
    assert!(kind.contains(&format!("start=\"<{root}>\"")), "{kind}");
    let rest: StdVec<(String, String)> = core::iter::from_fn(split).collect();
    let (_, list) = document.split_once("<list").expect("a list");
    let (head, resources) = list.split_once("<resource").unwrap_or((list, ""));
    assert_eq!(attribute(head, "uri"), Some(LIST));
    let told: StdVec<Told> = resources
        .split("<resource")
        .filter_map(|text| {
            let body = attribute(text, "cid").map(|cid| {
                let found = rest.iter().find(|(id, _)| id == cid);
                found.expect("the part of that cid").1.clone()
            });
            Some(Told {
                uri: attribute(text, "uri")?.to_string(),
                state: attribute(text, "state").unwrap_or("none").to_string(),
                reason: attribute(text, "reason").map(str::to_string),
                body,
            })
        })
        .collect();
    assert_eq!(
        told.iter().filter(|it| it.body.is_some()).count(),
        rest.len()
    );
    Rlmi {
        version: attribute(head, "version").unwrap().parse().unwrap(),
        full: attribute(head, "fullState") == Some("true"),
        told,
    }
}

fn uris(rlmi: &Rlmi) -> StdVec<(&str, &str)> {
    let all = rlmi.told.iter();
    all.map(|it| (&it.uri[..], &it.state[..])).collect()
}

impl Fixture {
    fn input_of(&mut self, presentity: usize, input: Input) -> StdVec<Sent> {
        self.agent.handle_input(self.moment(), presentity, input);
        self.drain()
    }
}

/// ```text
///   phone                     agent
///     │── SUBSCRIBE all ───────►│
///     │◄── 200, NOTIFY full ────│
///     │                         │  ann: busy
///     │◄── NOTIFY, ann alone ───│
///     │── SUBSCRIBE (refresh) ─►│
///     │◄── 200, NOTIFY full ────│
/// ```
#[test]
fn everybody_is_told_first_and_then_who_changed() /* F17 F18 F19 */
{
    let mut f = house(|_| {});
    let (mut phone, first) = watching(&mut f, "bob", "presence");
    let rlmi = read(&first);
    assert_eq!((rlmi.version, rlmi.full), (0, true));
    let all = [(DESK, "active"), (ANN, "active"), (BOB, "active")];
    assert_eq!(uris(&rlmi), all);
    for told in &rlmi.told {
        let body = told.body.as_ref().expect("a document");
        assert_eq!(attribute(body, "entity"), Some(&told.uri[..]));
    }
    assert_eq!(first.header("Contact"), Some("<sip:all@192.0.2.1:5060;gr>"));
    let changed = f.input_of(1, Input::Dnd(true));
    assert_eq!(changed.len(), 1);
    let rlmi = read(&changed[0]);
    assert_eq!((rlmi.version, rlmi.full), (1, false));
    assert_eq!(uris(&rlmi), [(ANN, "active")]);
    f.confirm(&phone, &changed[0]);
    let refresh = to_list(&phone.refresh(3_600));
    let sent = f.send(&phone, &refresh);
    assert_eq!(sent[0].header("Require"), Some("eventlist"));
    let rlmi = read(&sent[1]);
    assert_eq!((rlmi.version, rlmi.full), (2, true));
    assert_eq!(uris(&rlmi), all);
    f.confirm(&phone, &sent[1]);
    let refresh = to_list(&phone.refresh(0));
    let sent = f.send(&phone, &refresh);
    assert!(read(&sent[1]).full);
    f.confirm(&phone, &sent[1]);
    assert_eq!(f.agent.notifier.len(), 0);
    assert!(f.agent.notifier.is_empty());
}

#[test]
fn a_list_needs_somebody_who_reads_lists() /* F16 */
{
    let mut f = house(|_| {});
    let phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &phone.subscribe(600).replace(DESK, LIST));
    assert_eq!(
        (sent[0].status(), sent[0].header("Require")),
        (421, Some("eventlist"))
    );
    let required = phone.request("SUBSCRIBE", "Event: presence\r\nRequire: eventlist\r\n");
    let cleo = Phone::new("cleo", "presence");
    let sent = f.send(&cleo, &required.replace(DESK, LIST).replace("bob", "cleo"));
    assert_eq!(sent[0].status(), 200);
    // Of one presentity it is told without.
    let dan = Phone::new("dan", "presence");
    let sent = f.send(&dan, &to_list(&dan.subscribe(600)).replace(LIST, DESK));
    assert_eq!((sent[0].status(), sent[0].header("Require")), (200, None));
    assert_eq!(sent[1].header("Content-Type"), Some("application/pidf+xml"));
    // Nobody watches the watchers of a list, publishes for it, or registers it.
    let eve = Phone::new("eve", "presence.winfo");
    let sent = f.send(&eve, &to_list(&eve.subscribe(600)));
    assert_eq!(sent[0].status(), 489);
    let publish = eve
        .request("PUBLISH", "Event: presence\r\n")
        .replace(DESK, LIST);
    assert_eq!(f.send(&eve, &publish)[0].status(), 404);
    let register = eve
        .request("REGISTER", "Expires: 60\r\n")
        .replace(DESK, LIST);
    assert_eq!(f.send(&eve, &register)[0].status(), 404);
}

#[test]
fn calls_are_told_in_full_with_the_versions_of_the_list() /* F18 D04 */
{
    let mut f = house(|_| {});
    let (phone, first) = watching(&mut f, "bob", "dialog");
    assert_eq!(read(&first).told.len(), 3);
    let sent = f.input_of(2, Input::Hook(true));
    let rlmi = read(&sent[0]);
    assert_eq!(
        (rlmi.version, uris(&rlmi)),
        (1, StdVec::from([(BOB, "active")]))
    );
    let body = rlmi.told[0].body.as_ref().expect("a document");
    let head = dialog_info::read_head(body.as_bytes()).expect("a dialog-info document");
    assert_eq!((head.version, head.extent), (Some(1), Extent::Full));
    assert!(body.contains("confirmed"));
    f.confirm(&phone, &sent[0]);
}

/// What is long for a datagram goes by TCP, and where that is refused as a datagram all the same.
#[test]
fn what_is_lost_is_sent_again_as_it_was() /* N22 X01 */
{
    let mut f = house(|_| {});
    let (phone, _) = watching(&mut f, "bob", "presence");
    let by_tcp = f.input_of(0, Input::Dnd(true)).remove(0);
    assert!(by_tcp.text.len() > 1_300);
    assert_eq!(by_tcp.flow.transport, Transport::Tcp);
    let moment = f.moment();
    let end = crate::wire::flow::End::Refused;
    f.agent.handle_disconnected(moment, &by_tcp.flow, end);
    let by_udp = f.drain().remove(0);
    assert_eq!(by_udp.flow.transport, Transport::Udp);
    assert_eq!(by_udp.body(), by_tcp.body());
    let again = f.run(Duration::from_millis(600));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].1, by_udp);
    // What changes meanwhile waits for the answer.
    assert_eq!(f.input_of(1, Input::Dnd(true)), []);
    let followed = f.send(&phone, &by_udp.answer("200 OK"));
    let rlmi = read(&followed[0]);
    assert_eq!((rlmi.version, rlmi.full), (2, false));
    assert_eq!(uris(&rlmi), [(ANN, "active")]);
    // It is not taken: the next one tells everything.
    let next = f.send(&phone, &followed[0].answer("400 Bad Request"));
    assert!(read(&next[0]).full);
    f.confirm(&phone, &next[0]);
}

#[test]
fn a_fetch_and_a_full_table_are_answered_as_of_one() /* F16 N12 */
{
    let mut f = house(|_| {});
    let phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &to_list(&phone.subscribe(0)));
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("terminated;reason=timeout")
    );
    assert_eq!(read(&sent[1]).told.len(), 3);
    f.confirm(&phone, &sent[1]);
    let names = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p",
    ];
    assert_eq!(names.len(), limits::LIST_SUBSCRIPTIONS);
    for name in names {
        watching(&mut f, name, "presence");
    }
    let late = Phone::new("late", "presence");
    let sent = f.send(&late, &to_list(&late.subscribe(600)));
    assert_eq!(
        (sent[0].status(), sent[0].header("Retry-After")),
        (503, Some("30"))
    );
    // Nobody takes all of them.
    let mut crowd = house(|_| {});
    for number in 0..=limits::LIST_SHARE {
        let phone = Phone {
            address: "192.0.2.7:5062".parse().unwrap(),
            ..Phone::new(&format!("n{number}"), "presence")
        };
        let status = crowd.send(&phone, &to_list(&phone.subscribe(600)))[0].status();
        let fits = number < limits::LIST_SHARE;
        assert_eq!(status, if fits { 200 } else { 503 });
    }
    // The others still have their places.
    let late = Phone::new("later", "presence");
    assert_eq!(f.send(&late, &late.subscribe(600))[0].status(), 200);
}

/// A rule about everyone who watches that presentity.
fn rule(settings: &mut Settings, whom: u16, change: impl FnOnce(&mut Rule)) {
    let first = settings.rules.names.len() as u8;
    settings.rules.names.push(Who::Everyone).unwrap();
    let mut rule = Rule::new(Direction::In, (first, first + 1));
    rule.whom.push(whom).unwrap();
    change(&mut rule);
    settings.rules.list.insert(0, rule).unwrap();
}

impl Fixture {
    fn configure(&mut self, change: impl FnOnce(&mut Settings)) -> StdVec<Sent> {
        let mut settings = self.agent.settings().clone();
        change(&mut settings);
        settings.validate().unwrap();
        self.agent.reconfigure(self.moment(), &settings);
        self.drain()
    }
}

#[test]
fn the_owner_decides_about_each_by_itself() /* F19 N30 */
{
    let mut f = house(|settings| {
        rule(settings, 1, |it| it.then = Then::Block);
        rule(settings, 2, |it| it.then = Then::PoliteBlock);
    });
    let (phone, first) = watching(&mut f, "eve", "presence");
    let rlmi = read(&first);
    assert_eq!(
        uris(&rlmi),
        [(DESK, "active"), (ANN, "terminated"), (BOB, "active")]
    );
    assert_eq!(rlmi.told[1].reason.as_deref(), Some("rejected"));
    let bob = rlmi.told[2].body.as_ref().expect("a document");
    assert_eq!(
        pidf::read(bob.as_bytes()).expect("PIDF").basic,
        Some(Basic::Closed)
    );
    // Neither what is forbidden nor what is not true is told when it changes.
    assert_eq!(f.input_of(1, Input::Dnd(true)), []);
    assert_eq!(f.input_of(2, Input::Dnd(true)), []);
    // Both may be seen from now on, and only of them is told.
    let sent = f.configure(|settings| settings.rules.clear());
    let rlmi = read(&sent[0]);
    assert!(!rlmi.full);
    assert_eq!(uris(&rlmi), [(ANN, "active"), (BOB, "active")]);
    f.confirm(&phone, &sent[0]);
    // Nobody on it may be seen any more.
    let sent = f.configure(|settings| {
        for whom in 0..3 {
            rule(settings, whom, |it| it.then = Then::Block);
        }
    });
    assert_eq!(
        sent[0].header("Subscription-State"),
        Some("terminated;reason=rejected")
    );
    let rlmi = read(&sent[0]);
    assert!(rlmi.told.iter().all(|it| it.state == "terminated"));
    f.confirm(&phone, &sent[0]);
    let late = Phone::new("late", "presence");
    assert_eq!(
        f.send(&late, &to_list(&late.subscribe(600)))[0].status(),
        403
    );
}

#[test]
fn the_owners_pace_holds_for_one_alone() /* F10 */
{
    let mut f = house(|settings| {
        rule(settings, 1, |it| {
            (it.then, it.pace) = (Then::Allow, Seconds(60));
        });
    });
    let (phone, _) = watching(&mut f, "bob", "presence");
    assert_eq!(f.input_of(1, Input::Dnd(true)), []);
    let sent = f.input_of(0, Input::Dnd(true));
    assert_eq!(uris(&read(&sent[0])), [(DESK, "active")]);
    f.confirm(&phone, &sent[0]);
    let later = f.run(Duration::from_secs(61));
    let (at, notify) = &later[0];
    assert_eq!(at / 1_000, 60);
    assert_eq!(uris(&read(notify)), [(ANN, "active")]);
}

/// ```text
///   stranger             agent        owner
///     │── SUBSCRIBE all ──►│
///     │◄── 200, NOTIFY ────│  pending, nobody is named
///     │─────── 200 ───────►│
///     │◄──────── NOTIFY ───│  all pending
///     │                    │◄── allow
///     │◄──────── NOTIFY ───│  active, all
/// ```
#[test]
fn a_stranger_waits_for_all_of_them() /* N10 N13 F19 */
{
    let mut f = house(|settings| settings.strangers = Strangers::Ask);
    let phone = stranger("eve", "presence", 1);
    let sent = f.send(&phone, &to_list(&phone.subscribe(600)));
    assert_eq!(sent[0].status(), 200);
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("pending;expires=600")
    );
    assert_eq!(read(&sent[1]).told, []);
    let sent = f.send(&phone, &sent[1].answer("200 OK"));
    let all = uris(&read(&sent[0])).len();
    assert!(read(&sent[0]).told.iter().all(|it| it.state == "pending") && all == 3);
    f.confirm(&phone, &sent[0]);
    assert_eq!((0..3).map(|it| f.agent.waiting(it)).sum::<usize>(), 3);
    assert_eq!(f.decide("eve", true), Ok(3));
    let sent = f.drain();
    assert_eq!(
        sent[0].header("Subscription-State"),
        Some("active;expires=600")
    );
    assert!(read(&sent[0]).told.iter().all(|it| it.state == "active"));
    f.confirm(&phone, &sent[0]);
    assert_eq!((0..3).map(|it| f.agent.waiting(it)).sum::<usize>(), 0);
}

/// More documents than one message has room for: the rest follows at once.
#[test]
fn what_has_no_room_is_told_next() /* F18 */
{
    let mut f = house(|_| {});
    f.agent.notifier.let_parts(2);
    let phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &to_list(&phone.subscribe(600)));
    let rlmi = read(&sent[1]);
    assert!(rlmi.full);
    assert_eq!(
        uris(&rlmi),
        [(DESK, "active"), (ANN, "active"), (BOB, "none")]
    );
    let sent = f.send(&phone, &sent[1].answer("200 OK"));
    let rlmi = read(&sent[0]);
    assert_eq!((rlmi.version, rlmi.full), (1, false));
    assert_eq!(uris(&rlmi), [(BOB, "active")]);
    f.confirm(&phone, &sent[0]);
}

/// Whoever may be somewhere else is sent no more than it takes, also where everybody may watch.
#[test]
fn a_stranger_who_may_watch_is_told_once_it_is_there() /* B01 F19 */
{
    let mut f = house(|settings| {
        for whom in 0..3 {
            rule(settings, whom, |it| it.then = Then::Allow);
        }
    });
    let phone = stranger("eve", "presence", 1);
    let sent = f.send(&phone, &to_list(&phone.subscribe(600)));
    let rlmi = read(&sent[1]);
    assert!(rlmi.full);
    assert_eq!(uris(&rlmi), [(DESK, "none"), (ANN, "none"), (BOB, "none")]);
    let sent = f.send(&phone, &sent[1].answer("200 OK"));
    let rlmi = read(&sent[0]);
    assert!(!rlmi.full && rlmi.told.iter().all(|it| it.body.is_some()));
    f.confirm(&phone, &sent[0]);
}

#[test]
fn whoever_comes_or_goes_is_on_the_list_or_not() /* F18 */
{
    let mut f = house(|_| {});
    let (mut phone, _) = watching(&mut f, "eve", "presence");
    let sent = f.configure(|settings| {
        settings.presentities.remove(1);
    });
    let rlmi = read(&sent[0]);
    assert!(rlmi.full);
    assert_eq!(uris(&rlmi), [(DESK, "active"), (BOB, "active")]);
    f.confirm(&phone, &sent[0]);
    let sent = f.configure(|settings| {
        let ann = PresentitySettings::new(Text::copied(ANN).unwrap());
        settings.presentities.push(ann).unwrap();
        settings.served_lists[0].members.extend([0, 2]);
    });
    let rlmi = read(&sent[0]);
    assert_eq!(
        uris(&rlmi),
        [(DESK, "active"), (ANN, "active"), (BOB, "terminated")]
    );
    assert_eq!(rlmi.told[2].reason.as_deref(), Some("deactivated"));
    f.confirm(&phone, &sent[0]);
    assert_eq!(f.input_of(1, Input::Dnd(true)), []);
    // That is said once.
    let refresh = to_list(&phone.refresh(3_600));
    let sent = f.send(&phone, &refresh);
    assert_eq!(uris(&read(&sent[1])), [(DESK, "active"), (ANN, "active")]);
    f.confirm(&phone, &sent[1]);
    // There is no such list any more.
    let sent = f.configure(|settings| settings.served_lists.clear());
    let state = sent[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=noresource"));
    f.confirm(&phone, &sent[0]);
    let late = Phone::new("late", "presence");
    assert_eq!(
        f.send(&late, &to_list(&late.subscribe(600)))[0].status(),
        404
    );
}

#[test]
fn watchers_of_a_list_are_told_all_of_it_after_a_cut() /* N22 F18 */
{
    let three = |settings: &mut Settings| {
        for uri in [ANN, BOB] {
            let uri = Text::copied(uri).unwrap();
            let _ = settings.presentities.push(PresentitySettings::new(uri));
        }
        let uri = Text::copied(LIST).unwrap();
        let members = heapless::Vec::new();
        let _ = settings
            .served_lists
            .push(ServedListSettings { uri, members });
    };
    let (mut f, mut disk) = keeping(three);
    let (phone, first) = watching(&mut f, "bob", "presence");
    disk.run(&mut f, Duration::from_secs(5));
    let mut f = disk.boot(f.wall, Seconds(30), three);
    let sent = f.drain();
    let rlmi = read(&sent[0]);
    assert!(rlmi.full && rlmi.version > read(&first).version);
    assert!(sent[0].cseq() > first.cseq());
    assert_eq!(rlmi.told.len(), 3);
    f.confirm(&phone, &sent[0]);
    let sent = f.input_of(2, Input::Dnd(true));
    assert_eq!(uris(&read(&sent[0])), [(BOB, "active")]);
}

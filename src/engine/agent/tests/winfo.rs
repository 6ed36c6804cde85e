//! Who watches, told to the owner (RFC 3857, 3858). Group W.

mod lamp;
mod waiting;

use super::approval::{asking, stranger};
use super::*;
use crate::engine::config::Strangers;
use crate::wire::doc::winfo::{self, Event, Extent, Status};
use Event::{Approved, GiveUp, Rejected, Subscribe, Timeout};
use Status::{Active, Pending, Terminated, Waiting};

/// One watcher of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) uri: String,
    pub(super) status: Status,
    pub(super) event: Event,
    pub(super) expiration: Option<u32>,
    pub(super) subscribed: Option<u32>,
}

/// A watcherinfo document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) version: u32,
    pub(super) extent: Extent,
    pub(super) rows: StdVec<Row>,
}

impl Document {
    /// Name, status and event of each watcher.
    fn told(&self) -> StdVec<(&str, Status, Event)> {
        let name = |row: &Row| row.uri.len() - "@192.0.2.9".len();
        let rows = self.rows.iter();
        rows.map(|row| (&row.uri[4..name(row)], row.status, row.event))
            .collect()
    }
}

#[track_caller]
pub(super) fn document(notify: &Sent) -> Document {
    assert_eq!(notify.header("Event"), Some("presence.winfo"), "{notify:?}");
    let media = notify.header("Content-Type");
    assert_eq!(media, Some("application/watcherinfo+xml"));
    assert!(notify.body().len() <= limits::BODY + 10);
    let mut rows = StdVec::new();
    let head = winfo::read(notify.body().as_bytes(), &mut |watcher| {
        assert_eq!(watcher.resource.unwrap().to_string(), DESK);
        assert_eq!(watcher.package.unwrap().to_string(), "presence");
        rows.push(Row {
            id: watcher.id.unwrap().to_string(),
            uri: watcher.uri.unwrap().to_string(),
            status: watcher.status.unwrap(),
            event: watcher.event.unwrap(),
            expiration: watcher.expiration,
            subscribed: watcher.subscribed,
        });
    })
    .expect("a watcherinfo document");
    Document {
        version: head.version.unwrap(),
        extent: head.extent,
        rows,
    }
}

impl Phone {
    /// The owner's phone: it gives itself the desk's own address.
    pub(super) fn owner(host: u8) -> Phone {
        Phone {
            address: format!("192.0.2.{host}:5070").parse().unwrap(),
            ..Phone::new("owner", "presence.winfo")
        }
    }

    /// A SUBSCRIBE from the owner.
    pub(super) fn ask(&self, expires: u32) -> String {
        owned(&self.subscribe(expires))
    }
}

/// The same request from the owner.
fn owned(text: &str) -> String {
    text.replace("From: <sip:owner@192.0.2.9>", &format!("From: <{DESK}>"))
}

impl Fixture {
    /// The owner's phone, which is told who watches.
    #[track_caller]
    pub(super) fn overseeing(&mut self) -> (Phone, Document) {
        let mut owner = Phone::owner(250);
        let sent = self.send(&owner, &owner.ask(3_600));
        owner.learn(&sent[0]);
        let told = document(&sent[1]);
        self.confirm(&owner, &sent[1]);
        (owner, told)
    }

    /// What the owner is told by these messages.
    #[track_caller]
    fn hears(&mut self, owner: &Phone, sent: &[Sent]) -> Document {
        let notify = sent.iter().find(|it| it.flow.remote == owner.address);
        let notify = notify.unwrap_or_else(|| panic!("nothing to the owner: {sent:#?}"));
        let told = document(notify);
        let _ = self.send(owner, &notify.answer("200 OK"));
        told
    }

    /// Somebody subscribes and answers what it is told: what the agent sends to others because of it.
    #[track_caller]
    fn comes(&mut self, phone: &mut Phone, expires: u32) -> StdVec<Sent> {
        let sent = self.send(phone, &phone.subscribe(expires));
        phone.learn(&sent[0]);
        self.answered(phone, sent)
    }

    /// The NOTIFYs to that phone are answered; the others are left.
    fn answered(&mut self, phone: &Phone, sent: StdVec<Sent>) -> StdVec<Sent> {
        let (own, mut others): (StdVec<_>, StdVec<_>) = sent
            .into_iter()
            .partition(|it| it.flow.remote == phone.address);
        for notify in own.iter().filter(|it| it.is_notify()) {
            others.extend(self.send(phone, &notify.answer("200 OK")));
        }
        others
    }
}

#[test]
fn the_owner_and_nobody_else_is_told_who_watches() /* W01 */
{
    for strangers in [Strangers::Refuse, Strangers::Ask] {
        let mut f = Fixture::with(|settings| settings.strangers = strangers);
        f.watching("bob", "presence");
        let owner = Phone::owner(250);
        for (from, status) in [
            ("sip:bob@192.0.2.9", 403),
            ("sip:bob@192.0.2.1", 403),
            ("sip:desk@192.0.2.2", 403),
            ("sip:desk@192.0.2.1:5062", 403),
            ("tel:+1", 403),
            ("sip:desk@192.0.2.1", 200),
            ("sips:desk@192.0.2.1;user=ip", 200),
            ("pres:desk@192.0.2.1", 200),
        ] {
            let mut phone = owner.clone();
            phone.cseq = 1 + from.len() as u32;
            let text = phone.subscribe(600);
            let text = text.replace("sip:owner@192.0.2.9", from);
            let text = text.replace("call-owner", &format!("call-{from}"));
            assert_eq!(f.send(&phone, &text)[0].status(), status, "{from}");
        }
        // The owner's name is not enough, and the owner need not decide about who uses it.
        let mut eve = Phone::owner(250);
        eve.address = "198.51.100.7:5060".parse().unwrap();
        for expires in [0, 600] {
            eve.cseq += 1;
            let sent = f.send(&eve, &eve.ask(expires));
            assert_eq!((sent.len(), sent[0].status()), (1, 403));
        }
        assert_eq!(f.agent.waiting(0), 0);
    }
}

#[test]
fn a_template_on_a_template_is_no_package() /* W01 N04 N34 */
{
    let mut f = Fixture::new();
    let mut owner = Phone::owner(250);
    for event in [
        "presence.winfo.winfo",
        "dialog.winfo",
        "presence.Winfo",
        "winfo",
    ] {
        owner.event = event;
        owner.cseq += 1;
        let sent = f.send(&owner, &owner.ask(600));
        assert_eq!(sent[0].status(), 489, "{event}");
        assert_eq!(
            sent[0].header("Allow-Events"),
            Some("presence, dialog, as-feature-event")
        );
    }
    owner.event = "presence.winfo";
    owner.cseq += 1;
    let sent = f.send(&owner, &owner.ask(600));
    assert_eq!(
        sent[0].header("Allow-Events"),
        Some("presence, dialog, as-feature-event")
    );
}

#[test]
fn the_body_is_watcherinfo_or_there_is_none() /* W02 N07 */
{
    for (accept, status) in [
        ("", 200),
        ("Accept: application/watcherinfo+xml\r\n", 200),
        ("Accept: application/pidf+xml, */*;q=0.1\r\n", 200),
        ("Accept: application/pidf+xml\r\n", 406),
        ("Accept: application/watcherinfo+xml;q=0\r\n", 406),
    ] {
        let mut f = Fixture::new();
        let owner = Phone::owner(250);
        let text = owner.request("SUBSCRIBE", &format!("Event: presence.winfo\r\n{accept}"));
        let sent = f.send(&owner, &owned(&text));
        assert_eq!(sent[0].status(), status, "{accept}");
        if status == 200 {
            assert_eq!(sent[0].header("Expires"), Some("3600"));
            assert_eq!(document(&sent[1]).told(), []);
        }
    }
}

/// ```text
///   bob             agent             owner
///    │                │◄── SUBSCRIBE ───│
///    │                │─── NOTIFY 0 ───►│  full: nobody
///    │── SUBSCRIBE ──►│─── NOTIFY 1 ───►│  partial: bob, active
///    │── Expires: 0 ─►│─── NOTIFY 2 ───►│  partial: bob, terminated
/// ```
#[test]
fn who_comes_and_goes_is_told_with_versions_that_grow() /* W03 W05 W07 N10 */
{
    let mut f = Fixture::new();
    f.watching("ann", "presence");
    f.watching("cat", "dialog");
    f.now += Duration::from_secs(60);
    let (mut owner, first) = f.overseeing();
    assert_eq!((first.version, first.extent), (0, Extent::Full));
    assert_eq!(first.told(), [("ann", Active, Subscribe)]);
    let ann = &first.rows[0];
    assert_eq!((ann.expiration, ann.subscribed), (Some(3_540), Some(60)));
    assert!(!f.agent.notifier.iter().any(|(_, it)| {
        let tag = it.dialog().token().text();
        String::from_utf8_lossy(&tag).contains(&ann.id)
    }));

    let mut bob = Phone::new("bob", "presence");
    let sent = f.comes(&mut bob, 600);
    let second = f.hears(&owner, &sent);
    assert_eq!((second.version, second.extent), (1, Extent::Partial));
    assert_eq!(second.told(), [("bob", Active, Subscribe)]);
    let row = &second.rows[0];
    assert_eq!((row.expiration, row.subscribed), (None, None));
    assert_ne!(row.id, ann.id);

    assert_eq!(
        f.input(Input::Dnd(true)).len(),
        3,
        "each of another package"
    );
    let text = bob.refresh(600);
    let sent = f.send(&bob, &text);
    assert_eq!(f.answered(&bob, sent), [], "a refresh is no change");

    let text = bob.refresh(0);
    let sent = f.send(&bob, &text);
    let third = f.hears(&owner, &sent);
    assert_eq!((third.version, third.extent), (2, Extent::Partial));
    assert_eq!(third.told(), [("bob", Terminated, Timeout)]);
    assert_eq!(third.rows[0].id, row.id, "constant to the end");
    f.answered(&bob, sent);

    let refreshed = owned(&owner.refresh(600));
    let sent = f.send(&owner, &refreshed);
    let fourth = document(&sent[1]);
    assert_eq!((fourth.version, fourth.extent), (3, Extent::Full));
    assert_eq!(fourth.told(), [("ann", Active, Subscribe)]);
    assert_eq!(fourth.rows[0].id, ann.id);
}

#[test]
fn how_long_somebody_is_there_is_never_an_old_number() /* W03 */
{
    let mut f = Fixture::new();
    f.watching("ann", "presence");
    let (_, first) = f.overseeing();
    f.now += Duration::from_secs(100);
    let mut fetch = Phone::owner(251);
    fetch.cseq = 77;
    let text = fetch.ask(0).replace("call-owner", "call-other");
    let told = f.send(&fetch, &text);
    let told = document(&told[1]);
    let numbers = |told: &Document| (told.rows[0].expiration, told.rows[0].subscribed);
    assert_eq!(numbers(&first), (Some(3_600), Some(0)));
    assert_eq!(numbers(&told), (Some(3_500), Some(100)));
    assert_eq!(told.version, 0, "each subscription counts for itself");
}

#[test]
fn the_watcher_is_the_from_uri_and_never_a_name_or_contact() /* W04 ATTACKS A03 G12 */
{
    let mut f = Fixture::new();
    let (owner, _) = f.overseeing();
    let mut bob = Phone::new("bob", "presence");
    let text = bob.subscribe(600);
    let text = text.replace(
        "From: <sip:bob@192.0.2.9>",
        "From: \"sip:boss@192.0.2.1;\" <sip:b'o&b@192.0.2.9;x=%3C;y=a&b>",
    );
    let text = text.replace("Contact: <sip:bob@", "Contact: \"Boss\" <sip:boss@");
    let sent = f.send(&bob, &text);
    bob.learn(&sent[0]);
    let notify = sent.iter().find(|it| it.flow.remote == owner.address);
    assert!(notify.unwrap().body().contains("b&apos;o&amp;b@"));
    let told = f.hears(&owner, &sent);
    assert_eq!(told.rows[0].uri, "sip:b'o&b@192.0.2.9;x=%3C;y=a&b");
}

/// ```text
///   eve              agent            owner
///    │── SUBSCRIBE ───►│─── NOTIFY ────►│  pending
///    │                 │◄── allows eve ─│
///    │◄──── NOTIFY ────│─── NOTIFY ────►│  active, approved
///    │                 │◄── blocks eve ─│
///    │◄──── NOTIFY ────│─── NOTIFY ────►│  terminated, rejected
/// ```
#[test]
fn the_owner_sees_what_his_decisions_do() /* W05 */
{
    let mut f = asking();
    let (owner, _) = f.overseeing();
    let mut eve = stranger("eve", "presence", 1);
    let sent = f.comes(&mut eve, 600);
    let id = {
        let told = f.hears(&owner, &sent);
        assert_eq!(told.told(), [("eve", Pending, Subscribe)]);
        told.rows[0].id.clone()
    };
    for (may, expected) in [
        (true, ("eve", Active, Approved)),
        (false, ("eve", Terminated, Rejected)),
    ] {
        assert_eq!(f.decide("eve", may), Ok(1));
        let sent = f.drain();
        let told = f.hears(&owner, &sent);
        assert_eq!(told.told(), [expected]);
        assert_eq!(told.rows[0].id, id);
        f.answered(&eve, sent);
    }
    // Nobody waits who was decided about.
    assert_eq!(f.agent.absent().count(), 0);
}

#[test]
fn what_passes_between_two_documents_is_not_told() /* W08 N31 */
{
    let mut f = Fixture::new();
    let (owner, _) = f.overseeing();
    let fetch = Phone::new("fay", "presence");
    let sent = f.send(&fetch, &fetch.subscribe(0));
    assert_eq!(sent.len(), 2, "nothing to the owner: {sent:#?}");
    f.confirm(&fetch, &sent[1]);

    // The burst is used up; after it changes are merged, and who came and went meanwhile was never there.
    let mut phones = StdVec::new();
    for name in ["a", "b", "c", "d"] {
        let mut phone = Phone::new(name, "presence");
        let sent = f.comes(&mut phone, 600);
        f.hears(&owner, &sent);
        phones.push(phone);
    }
    let mut bob = Phone::new("bob", "presence");
    assert_eq!(f.comes(&mut bob, 600), [], "paced");
    let text = bob.refresh(0);
    let sent = f.send(&bob, &text);
    assert_eq!(f.answered(&bob, sent), []);
    let text = phones[0].refresh(0);
    let sent = f.send(&phones[0], &text);
    assert_eq!(f.answered(&phones[0], sent), []);
    let sent = f.run(Duration::from_secs(5));
    assert_eq!((sent.len(), sent[0].0), (1, 5_000));
    let told = document(&sent[0].1);
    assert_eq!(told.told(), [("a", Terminated, Timeout)]);
}

#[test]
fn who_is_far_behind_is_told_everything() /* W07 */
{
    let mut f = Fixture::new();
    let mut phones: StdVec<_> = (0..=limits::ENDED)
        .map(|at| f.watching(&format!("p{at}"), "presence"))
        .collect();
    let (owner, _) = f.overseeing();
    let mut notify = None;
    for (at, phone) in phones.iter_mut().enumerate() {
        let text = phone.refresh(0);
        let sent = f.send(phone, &text);
        let others = f.answered(phone, sent);
        if at == 0 {
            // The owner does not answer this one yet, and so is told of nothing more.
            notify = Some(others[0].clone());
        }
    }
    let sent = f.send(
        &owner,
        &notify.unwrap().answer("503 Busy\r\nRetry-After: 1\r\n"),
    );
    assert_eq!(sent, []);
    let sent = f.run(Duration::from_secs(2));
    let told = document(&sent[0].1);
    assert_eq!((told.extent, told.told()), (Extent::Full, StdVec::new()));
}

#[test]
fn whoever_changed_while_a_document_was_on_its_way_is_told_once() /* W07 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    let (owner, _) = f.overseeing();
    let mut ann = Phone::new("ann", "presence");
    let first = f.comes(&mut ann, 600);
    let text = bob.refresh(0);
    let sent = f.send(&bob, &text);
    assert_eq!(f.answered(&bob, sent), [], "one NOTIFY at a time");
    let mut cat = Phone::new("cat", "presence");
    assert_eq!(f.comes(&mut cat, 600), []);
    assert_eq!(document(&first[0]).told(), [("ann", Active, Subscribe)]);
    let sent = f.send(&owner, &first[0].answer("200 OK"));
    let told = f.hears(&owner, &sent);
    assert_eq!(told.extent, Extent::Partial);
    assert_eq!(
        told.told(),
        [("cat", Active, Subscribe), ("bob", Terminated, Timeout)]
    );
}

#[test]
fn whoever_is_gone_without_a_word_has_timed_out() /* W05 N26 N27 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let (owner, _) = f.overseeing();
    let told = f.input(Input::Dnd(true));
    let sent = f.send(&bob, &told[0].answer("481 No"));
    assert_eq!(
        f.hears(&owner, &sent).told(),
        [("bob", Terminated, Timeout)]
    );
}

#[test]
fn with_a_table_full_of_watchers_the_undecided_come_first() /* W07 G07 */
{
    let mut f = asking();
    let mut bob = Phone::new("bob", "presence");
    let count = limits::SUBSCRIPTIONS - limits::WAITING - 1;
    for at in 0..count {
        let mut phone = Phone::new(&format!("trusted-{at:04}-{}", "x".repeat(100)), "presence");
        phone.address = format!("192.0.2.{}:5062", 20 + at % 200).parse().unwrap();
        f.comes(&mut phone, 3_600);
        bob = phone;
    }
    let mut eves = StdVec::new();
    for at in 0..limits::WAITING.min(limits::WAITING_EACH) {
        let mut eve = stranger(&format!("eve{at}"), "presence", at);
        f.comes(&mut eve, 600);
        eves.push(eve);
    }
    // One with a name so long that it alone would fill the document hides nobody.
    let (owner, told) = f.overseeing();
    let names: StdVec<_> = told.told().into_iter().map(|(name, ..)| name).collect();
    assert!(told.rows.len() > eves.len() && told.rows.len() < count + eves.len());
    let undecided = eves.iter().rev().map(|it| it.name.as_str());
    assert!(
        undecided.eq(names[..eves.len()].iter().copied()),
        "{names:?}"
    );
    assert_eq!(names[eves.len()], bob.name, "then the newest");

    // Whoever was left out is told with its next change.
    let mut left_out = f.agent.notifier.iter().filter_map(|(_, it)| {
        let uri = String::from_utf8_lossy(it.dialog().remote_uri()).into_owned();
        let name = uri[4..uri.len() - 10].to_string();
        let is_told =
            names.contains(&name.as_str()) || name == "owner" || !name.contains("trusted");
        (!is_told).then(|| (name, it.flow().remote, it.dialog().token()))
    });
    let (name, address, token) = left_out.next().expect("somebody");
    drop(left_out);
    let mut phone = Phone::new(&name, "presence");
    phone.address = address;
    phone.to_tag = Some(String::from_utf8_lossy(&token.text()).into_owned());
    let text = phone.refresh(0);
    let sent = f.send(&phone, &text);
    let told = f.hears(&owner, &sent);
    assert_eq!(told.extent, Extent::Partial);
    assert_eq!(told.told(), [(name.as_str(), Terminated, Timeout)]);
}

#[test]
fn a_name_too_long_to_be_kept_is_refused() /* ATTACKS G07 */
{
    let mut f = asking();
    let (owner, _) = f.overseeing();
    let bob = Phone::new("bob", "presence");
    for (len, status) in [(limits::URI, 200), (limits::URI + 1, 513), (2_000, 513)] {
        let mut bob = bob.clone();
        bob.cseq = len as u32;
        let long = format!("sip:{}@192.0.2.9", "&".repeat(len - 14));
        let text = bob.subscribe(600).replace("sip:bob@192.0.2.9", &long);
        let text = text.replace("call-bob", &format!("call-{len}"));
        let sent = f.send(&bob, &text);
        assert_eq!(sent[0].status(), status, "{len}");
        if status == 200 {
            assert_eq!(f.hears(&owner, &sent).rows[0].uri, long);
        } else {
            assert_eq!(sent.len(), 1, "the owner is told nothing");
        }
    }
}

#[test]
fn the_end_of_service_is_told_to_owners_too() /* N37 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let (owner, _) = f.overseeing();
    f.agent.stop(f.now);
    let sent = f.drain();
    let last = sent.iter().find(|it| it.flow.remote == owner.address);
    let state = last.unwrap().header("Subscription-State").unwrap();
    assert_eq!(state, "terminated;reason=deactivated");
}

#[test]
fn an_owner_who_is_not_trusted_any_more_is_told_no_more() /* W01 N37 */
{
    for strangers in [Strangers::Refuse, Strangers::Ask] {
        let mut f = Fixture::new();
        let (mut owner, _) = f.overseeing();
        let mut settings = f.agent.settings().clone();
        settings.trusted = ["127.0.0.0/8"].map(|it| Network::parse(it).unwrap()).into();
        settings.strangers = strangers;
        f.agent.reconfigure(f.moment(), &settings);
        let sent = f.drain();
        let state = sent[0].header("Subscription-State").unwrap();
        assert_eq!(state, "terminated;reason=rejected", "{strangers:?}");
        assert_eq!(sent[0].body(), "");
        let text = owned(&owner.refresh(600));
        assert!([403, 481].contains(&f.send(&owner, &text)[0].status()));
        assert_eq!(f.agent.waiting(0), 0);
    }
}

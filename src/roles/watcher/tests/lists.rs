//! Lists: one subscription that tells of many (RFC 4662).

extern crate std;

use super::fixture::*;
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::table::Id;
use crate::ground::time::Duration;
use crate::roles::watcher::{Order, Role, Standing, Watch};
use crate::wire::sip::Status;
use std::format;
use std::string::String;
use std::vec::Vec;

const LIST: &str = "sip:lamps@192.0.2.1";
const BOB: &str = "sip:bob@192.0.2.1";
const EVE: &str = "sip:eve@192.0.2.1";
const MINUTE: Duration = Duration::from_secs(60);

/// A list with bob and eve watched on it.
struct Lists {
    f: Fixture,
    list: Id<Watch>,
    bob: Id<Watch>,
    eve: Id<Watch>,
    cseq: u32,
}

/// A row of a list: an address, its instances, and documents by their names.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn with_role(target: &'static str, role: Role) -> Order<'static> {
    Order {
        role,
        ..order(target)
    }
}

/// Somebody's calls: one of that state, or none.
fn talks(state: &str) -> String {
    calls(1, "full", state)
}

const ACTIVE: &str = "<instance id=\"1\" state=\"active\" cid=\"c\"/>";

fn ended(reason: &str) -> String {
    format!("<instance id=\"1\" state=\"terminated\" reason=\"{reason}\"/>")
}

impl Lists {
    fn new() -> Lists {
        let mut f = Fixture::new();
        let list = f.add(&with_role(LIST, Role::List));
        let mut member = |target| {
            let id = f.add(&with_role(target, Role::Member));
            f.watcher.attach(f.now, id, Some(list), &mut f.random);
            id
        };
        let (bob, eve) = (member(BOB), member(EVE));
        f.id = Some(list);
        let cseq = 0;
        Lists {
            f,
            list,
            bob,
            eve,
            cseq,
        }
    }

    /// The list is asked for, and nothing else.
    fn asked() -> Lists {
        let mut lists = Lists::new();
        lists.f.expect_one(Duration::from_secs(3));
        lists
    }

    /// Both are idle.
    fn told() -> Lists {
        let mut lists = Lists::asked();
        lists.grant("Require: eventlist\r\n");
        let idle = talks("");
        let rows: [Row<'_>; 2] = [
            (BOB, ACTIVE, &[("c", &idle)]),
            (EVE, &ACTIVE.replace("\"c\"", "\"d\""), &[("d", &idle)]),
        ];
        lists.tell(0, true, &rows);
        assert_eq!(lists.all(), [Watched::Idle; 2]);
        lists
    }

    fn grant(&mut self, rows: &str) {
        let sent = self.f.last();
        let rows = format!("Expires: 300\r\n{rows}");
        self.f.answer(&sent, 200, &rows);
    }

    #[track_caller]
    fn tell(&mut self, version: u32, full: bool, rows: &[Row<'_>]) {
        self.tell_raw(&body(version, full, rows), KIND);
    }

    #[track_caller]
    fn tell_raw(&mut self, text: &str, kind: &str) {
        let text = self.notify(text, kind);
        self.f.notify_ok(&text);
    }

    fn notify(&mut self, text: &str, kind: &str) -> String {
        self.cseq += 1;
        let kind = Some(kind).filter(|_| !text.is_empty());
        let sent = self.f.last();
        sent.notify(
            "peer",
            self.cseq,
            "active;expires=300",
            &Body { kind, text },
        )
    }

    fn known(&self, id: Id<Watch>) -> (Watched, bool) {
        let (watched, since) = self.f.watcher.known(id).expect("it is there");
        (watched, since.is_some())
    }

    fn all(&self) -> [Watched; 2] {
        [self.bob, self.eve].map(|id| self.known(id).0)
    }

    fn standing(&self, id: Id<Watch>) -> Option<Standing> {
        let report = self.f.watcher.state(id).expect("it is there");
        report.listed.map(|listed| listed.standing)
    }

    /// What is sent next and to whom, once each.
    fn asks(&mut self, within: Duration) -> Vec<(String, Sent)> {
        let mut asked: Vec<(String, Sent)> = Vec::new();
        for sent in self.f.run(within) {
            let (uri, _) = sent.header("To").split_once('>').expect("an address");
            let whom = String::from(uri.trim_start_matches('<'));
            if asked.iter().all(|(_, it)| it.text != sent.text) {
                asked.push((whom, sent));
            }
        }
        asked
    }
}

const KIND: &str =
    "multipart/related;type=\"application/rlmi+xml\";start=\"<root>\";boundary=\"b\"";

fn body(version: u32, full: bool, rows: &[Row<'_>]) -> String {
    let mut list = format!(
        "--b\r\nContent-ID: <root>\r\nContent-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n\
         <list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"{LIST}\" version=\"{version}\" fullState=\"{full}\">"
    );
    for (uri, instances, _) in rows {
        list += &format!("<resource uri=\"{uri}\">{instances}</resource>");
    }
    list += "</list>\r\n";
    for (cid, text) in rows.iter().flat_map(|(_, _, parts)| parts.iter()) {
        list += &format!(
            "--b\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{cid}>\r\n\
             Content-Type: application/dialog-info+xml\r\n\r\n{text}\r\n"
        );
    }
    list + "--b--\r\n"
}

#[test]
fn a_list_is_asked_for_once_and_its_members_not_at_all() /* F16 */
{
    let mut lists = Lists::new();
    let asked = lists.asks(MINUTE / 6);
    let (whom, sent) = asked.first().expect("a SUBSCRIBE");
    assert_eq!(whom, LIST);
    assert!(asked.iter().all(|(other, _)| other == whom), "{asked:?}");
    assert_eq!(sent.header("Supported"), "eventlist");
    assert_eq!(sent.try_header("Require"), None);
    let accept = sent.header("Accept");
    for kind in [
        "application/dialog-info+xml",
        "multipart/related",
        "application/rlmi+xml",
    ] {
        assert!(accept.contains(kind), "{accept}");
    }
    assert_eq!(lists.all(), [Watched::Subscribing; 2]);
}

#[test]
fn a_watch_that_is_no_list_speaks_of_none() /* F16 */
{
    let sent = Fixture::asking().last();
    assert_eq!(sent.try_header("Supported"), None);
    assert!(!sent.header("Accept").contains("multipart"));
}

#[test]
fn a_partial_list_changes_whom_it_names_and_nobody_else() /* F18 */
{
    let mut lists = Lists::told();
    lists.f.changes();
    let rings = talks("early");
    lists.tell(1, false, &[(BOB, ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.all(), [Watched::Ringing, Watched::Idle]);
    assert_eq!(lists.f.changes(), 1, "bob's alone");
    lists.f.expect_silence(MINUTE / 10);
}

#[test]
fn a_full_list_forgets_whom_it_does_not_name() /* F18 */
{
    let mut lists = Lists::told();
    let idle = talks("");
    lists.tell(1, true, &[(BOB, ACTIVE, &[("c", &idle)])]);
    assert_eq!(lists.all(), [Watched::Idle, Watched::Unknown]);
    assert_eq!(lists.standing(lists.eve), Some(Standing::Unlisted));
    let report = lists.f.watcher.state(lists.eve).expect("it is there");
    assert_eq!(report.last_reason, "not on the list");
    // And it comes back.
    lists.tell(2, false, &[(EVE, ACTIVE, &[("c", &idle)])]);
    assert_eq!(lists.all(), [Watched::Idle; 2]);
}

#[test]
fn addresses_compare_as_those_of_presentities() {
    let mut lists = Lists::told();
    let rings = talks("early");
    let other = "sip:bo%62@192.0.2.1:5060;transport=udp";
    lists.tell(1, false, &[(other, ACTIVE, &[("c", &rings)])]);
    lists.tell(2, false, &[("sip:BOB@192.0.2.1", ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.known(lists.eve).0, Watched::Idle);
}

#[test]
fn a_list_that_is_missing_is_asked_for_and_what_came_is_applied() /* F18, H09 */
{
    let mut lists = Lists::told();
    let rings = talks("early");
    lists.tell(2, false, &[(BOB, ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.all(), [Watched::Ringing, Watched::Idle]);
    let asked = lists.asks(MINUTE / 6);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (_, sent) = &asked[0];
    assert!(!sent.is_first() && sent.try_header("Suppress-If-Match").is_none());
    lists.f.answer(sent, 200, "Expires: 300\r\n");
    let idle = talks("");
    lists.tell(
        3,
        true,
        &[
            (BOB, ACTIVE, &[("c", &rings)]),
            (EVE, &ACTIVE.replace("\"c\"", "\"d\""), &[("d", &idle)]),
        ],
    );
    lists.f.expect_silence(MINUTE / 2);
}

#[test]
fn an_unchanged_list_costs_a_small_answer() /* F13 F15 */
{
    let mut lists = Lists::told();
    let tagged = |lists: &mut Lists, version, full, tag: &str| {
        let idle = talks("");
        let text = body(version, full, &[(BOB, ACTIVE, &[("c", &idle)])]);
        let text = lists.notify(&text, KIND);
        let text = text.replace("Event:", &format!("SIP-ETag: {tag}\r\nEvent:"));
        lists.f.notify_ok(&text);
    };
    tagged(&mut lists, 1, false, "one");
    let refresh = lists.f.next(MINUTE * 5).expect("a refresh");
    assert_eq!(refresh.header("Suppress-If-Match"), "one");
    lists.f.answer(&refresh, 204, "Expires: 300\r\n");
    assert_eq!(lists.all(), [Watched::Idle; 2]);
    assert!(!lists.known(lists.bob).1);
    // One in between is missing: the tag names more than is known.
    tagged(&mut lists, 3, false, "three");
    tagged(&mut lists, 4, false, "four");
    let refresh = lists.f.next(MINUTE).expect("a refresh");
    assert_eq!(refresh.try_header("Suppress-If-Match"), None);
}

#[test]
fn a_list_that_is_behind_changes_nothing_until_it_answers() /* F18, H09 */
{
    let mut lists = Lists::told();
    let rings = talks("early");
    for version in [0, 0] {
        lists.tell(version, false, &[(BOB, ACTIVE, &[("c", &rings)])]);
    }
    lists.tell(0, true, &[(BOB, ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.all(), [Watched::Idle; 2]);
    let asked = lists.asks(MINUTE / 6);
    assert_eq!(asked.len(), 1, "one refresh: {asked:?}");
    lists.f.answer(&asked[0].1, 200, "Expires: 300\r\n");
    lists.tell(0, true, &[(BOB, ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.all(), [Watched::Ringing, Watched::Unknown]);
}

#[test]
fn each_standing_says_what_is_known() /* F19 */
{
    let offline = (Watched::Offline, Standing::Ended("noresource"));
    let over = |reason| (Watched::Unknown, Standing::Ended(reason));
    let stateless = (Watched::Idle, Standing::Active);
    let rows: [(&str, (Watched, Standing)); 8] = [
        ("", (Watched::Unknown, Standing::Untold)),
        (
            "<instance id=\"1\" state=\"pending\"/>",
            (Watched::Unknown, Standing::Pending),
        ),
        (&ended("noresource"), offline),
        (&ended("rejected"), over("rejected")),
        (&ended("who knows"), over("terminated")),
        ("<instance id=\"1\" state=\"active\"/>", stateless),
        (
            "<instance id=\"1\" state=\"active\" cid=\"none\"/>",
            (Watched::Unknown, Standing::Untold),
        ),
        (
            "<instance id=\"1\" state=\"pending\"/><instance id=\"2\" state=\"active\" cid=\"c\"/>",
            (Watched::Busy, Standing::Active),
        ),
    ];
    let talk = talks("confirmed");
    for (instances, (watched, standing)) in rows {
        let mut lists = Lists::asked();
        lists.grant("Require: eventlist\r\n");
        lists.tell(0, true, &[(BOB, instances, &[("c", &talk)])]);
        let bob = lists.bob;
        assert_eq!(lists.known(bob), (watched, false), "{instances}");
        assert_eq!(lists.standing(bob), Some(standing), "{instances}");
    }
}

#[test]
fn a_part_that_is_missing_keeps_what_was_told() /* F17 */
{
    let mut lists = Lists::told();
    let talk = talks("confirmed");
    lists.tell(1, false, &[(BOB, ACTIVE, &[("c", &talk)])]);
    lists.tell(2, false, &[(BOB, ACTIVE, &[])]);
    // The root is no document of anybody.
    lists.tell(
        3,
        false,
        &[(BOB, &ACTIVE.replace("\"c\"", "\"root\""), &[])],
    );
    assert_eq!(lists.known(lists.bob), (Watched::Busy, false));
}

#[test]
fn of_several_notifiers_the_one_that_rings_counts() /* F19 */
{
    let mut lists = Lists::told();
    let [idle, talk, rings] = ["", "confirmed", "early"].map(talks);
    let instances = ["a", "b", "c"]
        .map(|it| format!("<instance id=\"{it}\" state=\"active\" cid=\"{it}\"/>"))
        .concat();
    let parts = [("a", &*talk), ("b", &*rings), ("c", &*idle)];
    lists.tell(1, false, &[(BOB, &instances, &parts)]);
    assert_eq!(lists.known(lists.bob).0, Watched::Ringing);
}

#[test]
fn a_list_on_the_list_is_refused_and_the_others_are_told() /* F19 */
{
    let mut lists = Lists::told();
    let rings = talks("early");
    let inner = "--i\r\nContent-Type: application/rlmi+xml\r\n\r\n<list/>\r\n--i--";
    let text = body(
        1,
        true,
        &[
            (BOB, ACTIVE, &[]),
            (EVE, &ACTIVE.replace("\"c\"", "\"d\""), &[("d", &rings)]),
        ],
    );
    let part = format!(
        "--b\r\nContent-ID: <c>\r\nContent-Type: multipart/related;boundary=i\r\n\r\n{inner}\r\n--b--"
    );
    lists.tell_raw(&text.replace("--b--", &part), KIND);
    assert_eq!(lists.all(), [Watched::Unknown, Watched::Ringing]);
    assert_eq!(lists.standing(lists.bob), Some(Standing::Nested));
    let report = lists.f.watcher.state(lists.bob).expect("it is there");
    assert!(report.lost && report.last_reason == "a list itself");
}

#[test]
fn one_document_that_cant_be_read_costs_nobody_else() {
    let mut lists = Lists::told();
    let rings = talks("early");
    let rows: [Row<'_>; 2] = [
        (BOB, ACTIVE, &[("c", "<dialog-info")]),
        (EVE, &ACTIVE.replace("\"c\"", "\"d\""), &[("d", &rings)]),
    ];
    lists.tell(1, true, &rows);
    assert_eq!(lists.all(), [Watched::Unknown, Watched::Ringing]);
    assert_eq!(lists.standing(lists.bob), Some(Standing::Unreadable));
}

#[test]
fn a_body_that_cant_be_read_changes_nothing() /* G04, G08 */
{
    let mut lists = Lists::told();
    let rings = talks("early");
    let good = body(1, true, &[(BOB, ACTIVE, &[("c", &rings)])]);
    let bad = [
        (good.replace("--b--", ""), KIND),
        (good.replace("</list>", ""), KIND),
        (good.clone(), "multipart/related"),
        (good.clone(), "multipart/related;boundary=c"),
        (good.clone(), "multipart/related;boundary=b;start=\"<x>\""),
    ];
    for (text, kind) in bad {
        let text = lists.notify(&text, kind);
        lists.f.notify_refused(&text, Status::BAD_REQUEST);
        assert_eq!(lists.all(), [Watched::Idle; 2]);
    }
    lists.tell_raw(&good, KIND);
    assert_eq!(lists.known(lists.bob).0, Watched::Ringing);
}

#[test]
fn a_server_without_the_list_has_its_members_asked_one_by_one() /* F16 */
{
    for code in [404, 405, 406, 415, 420, 489, 501] {
        let mut lists = Lists::asked();
        let sent = lists.f.last();
        lists.f.answer(&sent, code, "");
        let asked = lists.asks(MINUTE / 30);
        let whom: Vec<&str> = asked.iter().map(|(whom, _)| whom.as_str()).collect();
        assert_eq!(whom, [BOB, EVE], "{code}");
        assert!(
            asked
                .iter()
                .all(|(_, it)| it.try_header("Supported").is_none())
        );
        assert_eq!(lists.all(), [Watched::Subscribing; 2]);
        assert_eq!(
            lists.known(lists.list),
            (Watched::Idle, false),
            "nobody waits for it"
        );
        assert_eq!(lists.standing(lists.bob), None);
    }
}

#[test]
fn a_server_that_tells_of_somebody_instead_knows_no_lists() {
    let idle = talks("");
    let said = |answers: &[&str]| {
        let mut lists = Lists::asked();
        let mut last = Ok(());
        for answer in answers {
            match *answer {
                "200" => lists.grant(""),
                text => {
                    let text = lists.notify(text, "application/dialog-info+xml");
                    last = lists.f.notify(&text);
                }
            }
        }
        let asked = lists.asks(MINUTE / 30);
        let alone = asked.iter().filter(|(whom, _)| whom != LIST).count();
        (alone, last.is_ok())
    };
    // A document, or nothing in answer and in the NOTIFY.
    assert_eq!(said(&["200", &idle]), (2, false));
    assert_eq!(said(&[&idle]), (2, false));
    assert_eq!(said(&["200", ""]), (2, false));
    assert_eq!(said(&["", "200"]), (2, true));
    // It may still tell one.
    assert_eq!(said(&["200"]), (0, true));
    assert_eq!(said(&[""]), (0, true));
}

#[test]
fn a_list_that_comes_to_be_takes_its_members_back() {
    let mut lists = Lists::asked();
    let sent = lists.f.last();
    lists.f.answer(&sent, 404, "");
    let asked = lists.asks(MINUTE / 30);
    for (_, sent) in &asked {
        lists.f.answer(sent, 200, "Expires: 300\r\n");
        let text = talks("confirmed");
        lists
            .f
            .notify_ok(&sent.notify("own", 1, "active", &dialog_info(&text)));
    }
    assert_eq!(lists.all(), [Watched::Busy; 2]);
    let mut sent = lists
        .f
        .next(MINUTE * 2)
        .expect("the list is asked for again");
    while !(sent.is_first() && sent.header("To").contains(LIST)) {
        sent = lists
            .f
            .next(MINUTE * 2)
            .expect("the list is asked for again");
    }
    lists.grant("Require: eventlist\r\n");
    let rings = talks("early");
    lists.tell(0, true, &[(BOB, ACTIVE, &[("c", &rings)])]);
    assert_eq!(lists.all(), [Watched::Ringing, Watched::Unknown]);
    // Their own subscriptions are over.
    let text = talks("");
    let late = asked[0].1.notify("own", 2, "active", &dialog_info(&text));
    lists.f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
    assert_eq!(lists.known(lists.bob).0, Watched::Ringing);
}

#[test]
fn members_are_in_doubt_while_their_list_is() {
    let mut lists = Lists::told();
    lists.f.run(MINUTE * 6);
    assert_eq!(lists.known(lists.bob), (Watched::Idle, true));
    assert_eq!(lists.known(lists.eve), (Watched::Idle, true));
    // Another server knows nothing of the numbers of the one before.
    lists.f.run(MINUTE * 5);
    let sent = lists.f.next(MINUTE * 10).expect("it is asked for");
    assert!(sent.is_first());
    lists.cseq = 0;
    lists.grant("Require: eventlist\r\n");
    let idle = talks("");
    lists.tell(0, true, &[(BOB, ACTIVE, &[("c", &idle)])]);
    assert_eq!(lists.known(lists.bob), (Watched::Idle, false));
}

#[test]
fn nobody_is_told_a_list_without_asking() /* F16 */
{
    let mut f = Fixture::active();
    let sent = f.last();
    let text = calls(1, "full", "");
    let notify = sent.notify("peer", 2, "active", &dialog_info(&text));
    let notify = notify.replace("CSeq:", "Require: eventlist\r\nCSeq:");
    f.notify_refused(&notify, Status::BAD_EXTENSION);
}

#[test]
fn whoever_turns_out_to_be_a_list_is_said_to_be_one() /* F16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 421, "Require: eventlist\r\n");
    assert_eq!(f.report().last_reason, "it is a list");
}

#[test]
fn a_call_on_a_list_is_asked_about_as_any_other() {
    let mut f = Fixture::new();
    let role = Role::List;
    let audit = crate::ground::time::Seconds(120);
    let list = f.add(&Order {
        audit,
        ..with_role(LIST, role)
    });
    let bob = f.add(&with_role(BOB, Role::Member));
    f.watcher.attach(f.now, bob, Some(list), &mut f.random);
    f.expect_one(Duration::from_secs(3));
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\nRequire: eventlist\r\n");
    let talk = talks("confirmed");
    let text = body(0, true, &[(BOB, ACTIVE, &[("c", &talk)])]);
    let kind = Some(KIND);
    f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &Body { kind, text: &text }));
    let asked = f.expect_one(Duration::from_secs(90));
    assert!(!asked.is_first() && asked.expires() > 0, "{}", asked.text);
}

#[test]
fn the_other_party_is_that_of_the_member() {
    let mut lists = Lists::told();
    let talk = talks("confirmed").replace(
        "<state>",
        "<remote><identity display=\"Ann\">sip:ann@b</identity></remote><state>",
    );
    lists.tell(1, false, &[(BOB, ACTIVE, &[("c", &talk)])]);
    assert_eq!(
        lists.f.watcher.party(lists.bob),
        Some(&Party::told("Ann", "sip:ann@b"))
    );
    assert_eq!(lists.f.watcher.party(lists.eve), None);
}

#[test]
fn a_member_without_a_list_asks_for_itself() {
    let mut f = Fixture::new();
    let id = f.add(&with_role(BOB, Role::Member));
    f.expect_silence(MINUTE);
    f.watcher.attach(f.now, id, None, &mut f.random);
    assert!(f.expect_one(Duration::from_secs(3)).is_first());
}

#[test]
fn whoever_comes_late_to_a_list_is_asked_for_with_all() {
    let mut lists = Lists::told();
    lists.f.run(MINUTE / 6);
    let f = &mut lists.f;
    let id = f.add(&with_role("sip:kim@192.0.2.1", Role::Member));
    f.watcher.attach(f.now, id, Some(lists.list), &mut f.random);
    let asked = lists.asks(MINUTE / 6);
    assert!(asked.len() == 1 && !asked[0].1.is_first(), "{asked:?}");
}

/// Parts without a start, and its own address and another instance in every NOTIFY: Asterisk 16 to 20.
#[test]
fn asterisk_writes_its_own_address_for_all() {
    const NOTIFY: &str = "--hgtyx\r\nContent-ID: <ajqzx@192.0.2.1>\r\nContent-Type: application/rlmi+xml\r\n\r\n\
        <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:lamps@192.0.2.1:5060\" version=\"0\" fullState=\"true\">\n \
        <name>lamps</name>\n <resource uri=\"sip:bob@192.0.2.1:5060\">\n  <name>bob</name>\n  \
        <instance id=\"kxpwq\" state=\"active\" cid=\"vbnmk@192.0.2.1\" />\n </resource>\n \
        <resource uri=\"sip:eve@192.0.2.1:5060\">\n  <name>eve</name>\n  \
        <instance id=\"plmok\" state=\"terminated\" cid=\"qwert@192.0.2.1\" />\n </resource>\n</list>\n\
        \r\n--hgtyx\r\nContent-ID: <vbnmk@192.0.2.1>\r\nContent-Type: application/dialog-info+xml\r\n\r\n\
        <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
        entity=\"sip:bob@192.0.2.1\">\n <dialog id=\"bob\" direction=\"recipient\">\n  <state>early</state>\n \
        </dialog>\n</dialog-info>\n\r\n--hgtyx\r\nContent-ID: <qwert@192.0.2.1>\r\n\
        Content-Type: application/dialog-info+xml\r\n\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
        version=\"0\" state=\"full\" entity=\"sip:eve@192.0.2.1\"/>\r\n--hgtyx--\r\n";
    const KIND: &str = "multipart/related;type=\"application/rlmi+xml\";boundary=hgtyx";
    let mut f = Fixture::new();
    let server = Some("192.0.2.1");
    let mut add = |target, role| {
        f.add(&Order {
            server,
            ..with_role(target, role)
        })
    };
    let list = add("sip:lamps@pbx.example", Role::List);
    let bob = add("sip:bob@pbx.example", Role::Member);
    let eve = add("sip:eve@pbx.example", Role::Member);
    let stranger = add("sip:bob@other.example", Role::Member);
    for id in [bob, eve, stranger] {
        f.watcher.attach(f.now, id, Some(list), &mut f.random);
    }
    let sent = f.expect_one(Duration::from_secs(3));
    f.answer(&sent, 200, "Expires: 300\r\nRequire: eventlist\r\n");
    let body = Body {
        kind: Some(KIND),
        text: NOTIFY,
    };
    f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &body));
    let known = |id| f.watcher.known(id).map(|(watched, _)| watched);
    assert_eq!(known(bob), Some(Watched::Ringing));
    assert_eq!(known(eve), Some(Watched::Unknown));
    assert_eq!(known(stranger), Some(Watched::Unknown));
    let report = f.watcher.state(eve).expect("it is there");
    assert_eq!(report.last_reason, "terminated");
}

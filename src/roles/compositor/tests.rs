//! Publications over a restart, by the compositor alone. What peers see of it is tested with the whole agent.

extern crate std;

use super::*;
use crate::events::answer::{Answer, Refusal};
use crate::events::subscription::Verdict;
use crate::ground::random::Random;
use crate::ground::table::Table;
use crate::ground::time::{Duration, Moment, Wall};
use crate::wire::flow::Flow;
use crate::wire::sip::{self, Message, Rows, Status};
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec as StdVec;

const BODY: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple id='t'><status>\
                    <basic>closed</basic></status><note>Gone fishing</note></tuple></presence>";
const DESK: &str = "sip:desk@192.0.2.1";

struct Fixture {
    compositor: Box<Compositor>,
    presentities: Table<Presentity, 4>,
    desk: Id<Presentity>,
    random: Random,
    now: Instant,
    wall: Wall,
    cseq: u32,
    /// Where the phone is.
    remote: &'static str,
}

impl Fixture {
    fn new() -> Fixture {
        let mut presentities = Table::new();
        let presentity = Presentity::new(Text::copied(DESK).expect("short"));
        let Ok(desk) = presentities.insert(presentity) else {
            panic!("there is room");
        };
        let mut random = Random::new();
        random.seed([5, 6]);
        Fixture {
            compositor: started(),
            presentities,
            desk,
            random,
            now: Instant::from_millis(1_000),
            wall: Wall::from_unix_millis(1_790_000_000_000),
            cseq: 0,
            remote: "192.0.2.9:5060",
        }
    }

    fn publish(&mut self, tag: Option<&str>, expires: u32, body: &str) -> Result<String, Refusal> {
        self.cseq += 1;
        let condition = tag.map_or(String::new(), |tag| format!("SIP-If-Match: {tag}\r\n"));
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/pidf+xml\r\n",
        };
        let text = format!(
            "PUBLISH {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{}\r\n\
             From: <{DESK}>;tag=1\r\nTo: <{DESK}>\r\nCall-ID: c\r\nCSeq: {} PUBLISH\r\n\
             Event: presence\r\nExpires: {expires}\r\n{condition}{kind}\r\n{body}",
            self.cseq, self.cseq
        );
        let mut rows = Rows::new();
        let Ok(Message::Request(request)) = sip::parse(text.as_bytes(), &mut rows) else {
            panic!("{text}");
        };
        let address = |text: &str| text.parse().expect("an address");
        let flow = Flow::udp(address("192.0.2.1:5060"), address(self.remote));
        let from = Publisher {
            flow: &flow,
            verdict: Verdict::Allow,
        };
        let random = &mut self.random;
        let answer = self
            .compositor
            .handle_publish(self.now, &request, self.desk, from, random);
        answer.map(|answer| match answer {
            Answer::Published { tag, .. } => {
                let text = tag.text(self.compositor.secret());
                core::str::from_utf8(&text).expect("a token").into()
            }
            other => panic!("{other:?}"),
        })
    }

    /// The record of a slot, as the store has it.
    fn record(&mut self, slot: u16) -> Option<StdVec<u8>> {
        let presentities = &self.presentities;
        let uri_of = |id| presentities.get(id).map(Presentity::uri);
        let kept = self
            .compositor
            .kept(self.moment(), slot, self.now, uri_of)?;
        let mut buf = [0; 4_096];
        Some(
            postcard::to_slice(&kept, &mut buf)
                .expect("it fits")
                .to_vec(),
        )
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            wall: self.wall,
        }
    }

    /// The power is off for so long; says whether the publication is there again.
    fn restart(&mut self, record: &[u8], lasts: Duration) -> bool {
        self.compositor = started();
        self.now = Instant::from_millis(5);
        self.wall = self.wall + lasts;
        let kept: KeptPublication<'_> = postcard::from_bytes(record).expect("a record");
        assert_eq!(kept.presentity, DESK);
        let moment = self.moment();
        self.compositor.restore(moment, 0, self.desk, &kept)
    }
}

fn started() -> Box<Compositor> {
    let mut compositor = Box::new(Compositor::new());
    let mut random = Random::new();
    random.seed([7, 8]);
    compositor.seed(random.secret());
    compositor.set_rules(Seconds(60), Seconds(3_600));
    compositor
}

const REFUSED: Result<String, Refusal> = Err(Refusal::Answer(Status::CONDITIONAL_REQUEST_FAILED));

#[test]
fn a_publication_survives_a_power_cut() /* C12, ATTACKS J03 */
{
    let mut f = Fixture::new();
    f.publish(None, 600, BODY).expect("it is taken");
    assert_eq!(f.compositor.unsaved.take_due(Instant::MAX), Some(0));
    let record = f.record(0).expect("there is one");
    assert!(f.restart(&record, Duration::from_secs(100)));
    assert_eq!(f.compositor.take_changed(), Some(f.desk));
    let its = f.compositor.of(f.desk);
    assert_eq!(its.len(), 1);
    assert_eq!(its[0].document(), BODY.as_bytes());
    assert_eq!(its[0].says().note.as_str(), "Gone fishing");
    assert_eq!((its[0].publisher(), its[0].number()), (DESK, 1));
    assert_eq!(its[0].ends(), f.now + Seconds(500));
    drop(its);
    f.compositor.handle_timeout(f.now + Seconds(500));
    assert!(f.compositor.is_empty());
    assert_eq!(
        f.compositor.unsaved.take_due(Instant::MAX),
        Some(0),
        "the record goes too"
    );
    assert_eq!(f.record(0), None);
}

#[test]
fn what_expired_in_the_dark_or_makes_no_sense_is_not_taken_back() {
    let mut f = Fixture::new();
    f.publish(None, 600, BODY).expect("it is taken");
    let record = f.record(0).expect("there is one");
    assert!(!f.restart(&record, Duration::from_secs(600)));
    assert!(f.compositor.is_empty());
    // Twice the same record; a document that is none.
    let mut f = Fixture::new();
    f.publish(None, 600, BODY).expect("it is taken");
    let mut record = f.record(0).expect("there is one");
    assert!(f.restart(&record, Duration::from_secs(1)));
    let kept: KeptPublication<'_> = postcard::from_bytes(&record).expect("a record");
    assert!(!f.compositor.restore(f.moment(), 1, f.desk, &kept));
    let len = record.len();
    record[len - 1] = b'<';
    assert!(!f.restart(&record, Duration::from_secs(1)));
}

#[test]
fn a_tag_newer_than_the_record_is_taken_once_and_an_older_one_never() /* C03 C12 */
{
    let mut f = Fixture::new();
    let first = f.publish(None, 600, BODY).expect("it is taken");
    let stored = f.publish(Some(&first), 600, "").expect("a refresh");
    while f.compositor.unsaved.take_due(Instant::MAX).is_some() {}
    let record = f.record(0).expect("there is one");
    // Refreshes that the store never hears of.
    let lost = f.publish(Some(&stored), 600, "").expect("a refresh");
    let newest = f.publish(Some(&lost), 600, "").expect("a refresh");
    let quiet = f
        .compositor
        .unsaved
        .next()
        .expect("when half of it is over");
    assert!(
        quiet > f.now + Seconds(250),
        "a refresh alone is no reason to write"
    );
    for good in [&stored, &lost, &newest] {
        assert!(f.restart(&record, Duration::from_secs(1)));
        assert_eq!(
            f.publish(Some(&first), 600, ""),
            REFUSED,
            "older than the record"
        );
        let next = f.publish(Some(good), 600, "").expect("one of its own");
        for old in [&stored, &lost, &newest] {
            assert_eq!(f.publish(Some(old), 600, ""), REFUSED, "no more");
            assert_ne!(*old, next, "no tag comes twice");
        }
        f.publish(Some(&next), 600, "").expect("the newest");
    }
}

#[test]
fn a_phone_that_comes_back_without_its_tag_replaces_its_publication() /* ATTACKS H08 */
{
    let mut f = Fixture::new();
    let old = f.publish(None, 600, BODY).expect("it is taken");
    let record = f.record(0).expect("there is one");
    assert!(f.restart(&record, Duration::from_secs(1)));
    f.publish(None, 600, &BODY.replace("'t'", "'u'"))
        .expect("the Call-ID is the same");
    assert_eq!(f.compositor.len(), 1);
    assert_eq!(f.publish(Some(&old), 600, ""), REFUSED);
}

#[test]
fn a_kept_publication_is_replaced_from_another_port_too() /* C12, ATTACKS H08 */
{
    for (remote, id, count) in [
        ("192.0.2.9:40001", "t", 1),
        ("192.0.2.9:40001", "u", 2),
        ("192.0.2.10:5060", "t", 2),
    ] {
        let mut f = Fixture::new();
        f.publish(None, 600, BODY).expect("it is taken");
        let record = f.record(0).expect("there is one");
        assert!(f.restart(&record, Duration::from_secs(1)));
        f.compositor.forget_calls();
        f.remote = remote;
        let body = BODY.replace("'t'", &format!("'{id}'"));
        f.publish(None, 600, &body).expect("it is taken");
        assert_eq!(f.compositor.len(), count, "{remote} {id}");
    }
}

/// baresip may do so: "open", and "unknown" without waiting for an answer; it knows the second tag only.
#[test]
fn of_two_new_publications_of_one_phone_with_the_same_tuple_the_newer_stays() /* ATTACKS H08 */
{
    let mut f = Fixture::new();
    let body = |basic: &str| BODY.replace("closed", basic);
    let first = f.publish(None, 60, &body("open")).expect("it is taken");
    // Each has a Call-ID of its own.
    f.compositor.forget_calls();
    let second = f.publish(None, 60, &body("unknown")).expect("it is taken");
    let said: StdVec<_> = f.compositor.iter().map(|(_, it)| it.says().basic).collect();
    assert_eq!(said, [None]);
    assert_eq!(f.publish(Some(&first), 60, ""), REFUSED);
    f.publish(Some(&second), 60, &body("closed"))
        .expect("it is taken");
    assert_eq!(
        f.compositor.of(f.desk)[0].document(),
        body("closed").as_bytes()
    );
}

#[test]
fn the_newest_document_comes_first_and_numbers_stay() {
    let mut f = Fixture::new();
    let mut tags = StdVec::new();
    for number in 0..3 {
        let body = BODY.replace("'t'", &format!("'t{number}'"));
        // Each from a device of its own: the Call-ID is another one.
        f.compositor.forget_calls();
        tags.push(f.publish(None, 600, &body).expect("it is taken"));
    }
    let numbers = |f: &Fixture| -> StdVec<u8> {
        f.compositor
            .of(f.desk)
            .iter()
            .map(|it| it.number())
            .collect()
    };
    assert_eq!(numbers(&f), [3, 2, 1]);
    tags[0] = f.publish(Some(&tags[0]), 600, "").expect("a refresh");
    assert_eq!(numbers(&f), [3, 2, 1]);
    f.publish(Some(&tags[0]), 600, BODY).expect("a change");
    assert_eq!(numbers(&f), [1, 3, 2]);
    f.publish(Some(&tags[1]), 0, "").expect("a removal");
    f.compositor.forget_calls();
    f.publish(None, 600, &BODY.replace("'t'", "'new'"))
        .expect("it is taken");
    assert_eq!(numbers(&f), [2, 1, 3]);
}

impl Compositor {
    /// As if the publications that are there had come from elsewhere.
    fn forget_calls(&mut self) {
        for slot in 0..limits::PUBLICATIONS as u16 {
            let id = self.publications.id_at(slot);
            if let Some(publication) = id.and_then(|id| self.publications.get_mut(id)) {
                publication.call = 0;
            }
        }
    }
}

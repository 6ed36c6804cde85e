//! Who watches: what a lamp makes of the documents, and what we write. Group W.

use super::*;
use crate::wire::doc::winfo::{self, Entry, Event, Extent, Status};
use std::string::ToString;
use std::vec::Vec;

fn watchers(version: u32, extent: &str, rows: &[(&str, &str)]) -> String {
    let mut body = format!(
        "<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='{version}' state='{extent}'>\
         <watcher-list resource='sip:a@b' package='presence'>"
    );
    for (id, status) in rows {
        body +=
            &format!("<watcher id='{id}' status='{status}' event='subscribe'>sip:c@d</watcher>");
    }
    body + "</watcher-list></watcherinfo>"
}

/// Reads watcherinfo documents of these rows into `memory`, one after the other.
fn reader(memory: &mut Memory) -> impl FnMut(u32, &str, &[(&str, &str)]) -> Reading {
    |version, extent, rows| {
        let body = watchers(version, extent, rows);
        read(Package::PresenceWinfo, memory, body.as_bytes())
    }
}

const WAITING: Reading = Reading::State(Watched::Waiting);
const IDLE: Reading = Reading::State(Watched::Idle);

#[test]
fn a_lamp_shows_whether_somebody_is_to_be_decided_about() /* W09 */
{
    for (status, expected) in [
        ("pending", WAITING),
        ("waiting", WAITING),
        ("active", IDLE),
        ("terminated", IDLE),
        ("odd", IDLE),
    ] {
        let mut memory = Memory::new();
        let mut next = reader(&mut memory);
        assert_eq!(next(0, "full", &[("a", status)]), expected, "{status}");
    }
    let mut memory = Memory::new();
    assert_eq!(reader(&mut memory)(0, "full", &[]), IDLE);
}

#[test]
fn versions_follow_each_other() /* W09 */
{
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    assert_eq!(next(3, "full", &[("a", "active")]), IDLE);
    assert_eq!(next(4, "partial", &[("b", "pending")]), WAITING, "+1");
    assert_eq!(next(4, "partial", &[("b", "active")]), Reading::Stale);
    assert_eq!(next(3, "partial", &[("b", "active")]), Reading::Stale);
    assert_eq!(next(3, "full", &[]), Reading::Stale, "lower, and discarded");
    // A gap: applied, and a full document is asked for.
    let gap = next(7, "partial", &[("c", "waiting")]);
    assert_eq!(gap, Reading::Gap(Watched::Waiting));
    let gap = next(8, "partial", &[("b", "active"), ("c", "terminated")]);
    assert_eq!(gap, Reading::Hole(Watched::Idle));
    assert_eq!(
        next(9, "full", &[("d", "pending")]),
        WAITING,
        "all are flushed"
    );
    assert_eq!(next(10, "partial", &[("d", "active")]), IDLE);
}

#[test]
fn lists_and_strangers_among_the_elements() /* W09 */
{
    let body = "<w:watcherinfo xmlns:w='urn:ietf:params:xml:ns:watcherinfo' xmlns:x='urn:x' version='1' \
         state='full' x:state='partial'><x:watcher-list><w:watcher id='z' status='pending'/></x:watcher-list>\
         <w:watcher-list resource='sip:a@b' package='presence'><x:watcher status='pending'/>\
         <w:watcher id='a' status='active' event='approved'>sip:c@d<x:y status='pending'/></w:watcher>\
         </w:watcher-list><w:watcher-list resource='sip:e@f' package='presence'>\
         <w:watcher id='a' status='pending' event='subscribe'>sip:c@d</w:watcher></w:watcher-list>\
         <x:more/></w:watcherinfo>";
    let mut memory = Memory::new();
    let package = Package::PresenceWinfo;
    assert_eq!(read(package, &mut memory, body.as_bytes()), WAITING);
    // The same id in another list is somebody else.
    let body = watchers(2, "partial", &[("a", "terminated")]);
    assert_eq!(read(package, &mut memory, body.as_bytes()), WAITING);
    let body = body
        .replace("version='2'", "version='3'")
        .replace("sip:a@b", "sip:e@f");
    assert_eq!(read(package, &mut memory, body.as_bytes()), IDLE);
    let foreign = watchers(4, "full", &[]).replace("ns:watcherinfo", "ns:other");
    assert!((package.spec().read)(&mut memory, foreign.as_bytes()).is_err());
}

#[test]
fn more_watchers_than_a_lamp_counts_are_asked_for_again() /* W09 */
{
    let names: Vec<_> = (0..=limits::WATCHED_PARTS)
        .map(|at| at.to_string())
        .collect();
    let all = |status| -> Vec<(&str, &str)> {
        let names = names.iter();
        names.map(|name| (name.as_str(), status)).collect()
    };
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    assert_eq!(next(0, "full", &all("pending")), WAITING);
    let known = &all("active")[..limits::WATCHED_PARTS];
    assert_eq!(next(1, "partial", known), Reading::Hole(Watched::Idle));
    assert_eq!(
        next(2, "full", &all("pending")[limits::WATCHED_PARTS..]),
        WAITING
    );
    assert_eq!(next(3, "partial", &all("active")), IDLE);
}

/// Watchers with these names; the last `changed` of them changed.
struct Crowd<'a> {
    names: &'a [String],
    changed: usize,
    remembers: bool,
}

impl Audience for Crowd<'_> {
    fn all(&self, each: &mut dyn FnMut(&Entry<'_>)) {
        for (at, name) in self.names.iter().enumerate() {
            each(&Entry {
                id: &at.to_string(),
                status: Status::Pending,
                event: Event::Subscribe,
                expiration: Some(Seconds(600)),
                subscribed: Some(Seconds(0)),
                uri: name,
            });
        }
    }

    fn since(&self, _: u32, each: &mut dyn FnMut(&Entry<'_>)) -> bool {
        let mut left = self.names.len() - self.changed;
        self.all(&mut |entry| match left {
            0 => each(entry),
            _ => left -= 1,
        });
        self.remembers
    }
}

/// Extent and ids of a document, which fits.
fn written(crowd: &Crowd<'_>, told: Baseline) -> (Extent, Vec<usize>) {
    let uri = format!("sip:{}@192.0.2.1", "&".repeat(limits::URI - 14));
    let presentity = Presentity::new(Text::copied(&uri).expect("it fits"));
    let scene = Scene {
        presentity: &presentity,
        audience: crowd,
        ..Scene::alone(&presentity)
    };
    let mut buf = [0; limits::BODY];
    let served = served(Package::PresenceWinfo);
    let body = (served.write)(&scene, told, &mut buf).expect("it fits");
    let mut ids = Vec::new();
    let head = winfo::read(&buf[..body.len], &mut |watcher| {
        ids.push(watcher.id.and_then(|id| id.number()).expect("an id") as usize);
        let has_times = watcher.expiration.is_some() && watcher.subscribed.is_some();
        assert_eq!(
            has_times,
            told == Baseline::Nothing || ids.len() > crowd.changed
        );
    });
    (head.expect("our own document").extent, ids)
}

#[test]
fn what_does_not_fit_is_left_out_whole() /* W07 G07 */
{
    let mut names: Vec<_> = (0..64).map(|at| format!("sip:{at}@192.0.2.9")).collect();
    names[1] = "&".repeat(limits::URI);
    let mut crowd = Crowd {
        names: &names,
        changed: 3,
        remembers: true,
    };
    let (extent, ids) = written(&crowd, Baseline::Nothing);
    assert_eq!(extent, Extent::Full);
    assert!(!ids.is_empty() && ids.len() < names.len());
    assert_eq!(ids[0], 0);
    assert!(ids.is_sorted());
    assert!(ids.contains(&2), "a long name hides nobody else: {ids:?}");
    assert_eq!(
        written(&crowd, Baseline::Until(1)),
        (Extent::Partial, std::vec![61, 62, 63])
    );
    crowd.remembers = false;
    crowd.changed = 0;
    assert_eq!(
        written(&crowd, Baseline::Until(1)),
        (Extent::Full, ids.clone())
    );
    // More changed than there is room for.
    crowd.remembers = true;
    crowd.changed = 64;
    let presentity = Presentity::new(Text::copied("sip:a@b").expect("it fits"));
    let scene = Scene {
        presentity: &presentity,
        audience: &crowd,
        ..Scene::alone(&presentity)
    };
    let mut buf = [0; limits::BODY];
    let served = served(Package::PresenceWinfo);
    let body = (served.write)(&scene, Baseline::Until(1), &mut buf).expect("it fits");
    let head = winfo::read_head(&buf[..body.len]).expect("our own document");
    assert_eq!(head.extent, Extent::Full);
}

#[test]
fn a_watcher_that_is_listed_twice_is_what_the_last_row_says() /* W09 */
{
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    let decided = [("a", "pending"), ("a", "active")];
    assert_eq!(next(0, "full", &decided), IDLE);
    assert_eq!(next(1, "partial", &[decided[1], decided[0]]), WAITING);
    assert_eq!(next(2, "partial", &decided), IDLE);
}

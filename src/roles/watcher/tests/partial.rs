//! Documents told in part (RFC 5263).

extern crate std;

use super::fixture::*;
use crate::events::answer::Refusal;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::time::Duration;
use crate::roles::watcher::{Order, Role};
use crate::wire::sip::Status;
use std::format;
use std::string::String;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);
const DIFF: &str = "application/pidf-diff+xml";
const PLAIN: &str = "application/pidf+xml";

const HEAD: &str =
    "xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\"";

/// What says that somebody is open, in full.
fn full(version: u32, note: &str) -> String {
    format!(
        "<p:pidf-full {HEAD} version=\"{version}\"><tuple id=\"t\"><status><basic>open</basic></status></tuple>\
         <note>{note}</note></p:pidf-full>"
    )
}

fn diff(version: u32, operations: &str) -> String {
    format!("<p:pidf-diff {HEAD} version=\"{version}\">{operations}</p:pidf-diff>")
}

/// Makes it open or closed.
fn basic(version: u32, basic: &str) -> String {
    let sel = "*/tuple[@id='t']/status/basic/text()";
    diff(
        version,
        &format!("<p:replace sel=\"{sel}\">{basic}</p:replace>"),
    )
}

struct Partial {
    f: Fixture,
    opening: Sent,
    cseq: u32,
}

impl Partial {
    /// One who was told in full, with number 1.
    fn told() -> Partial {
        let mut f = Fixture::ordered(&Order {
            package: Package::Presence,
            partial: true,
            ..order("sip:bob@192.0.2.1")
        });
        let opening = f.expect_one(3 * SECOND);
        assert!(opening.header("Accept").ends_with(DIFF));
        f.answer(&opening, 200, "Expires: 300\r\n");
        let mut told = Partial {
            f,
            opening,
            cseq: 0,
        };
        assert_eq!(told.tell(&full(1, "")), Ok(()));
        assert_eq!(told.knows(), (Watched::Idle, false));
        told
    }

    fn tell(&mut self, body: &str) -> Result<(), Refusal> {
        self.tell_as(DIFF, body)
    }

    fn tell_as(&mut self, kind: &str, text: &str) -> Result<(), Refusal> {
        self.cseq += 1;
        let kind = Some(kind).filter(|_| !text.is_empty());
        let body = Body { kind, text };
        let state = "active;expires=300";
        self.f
            .notify(&self.opening.notify("peer", self.cseq, state, &body))
    }

    fn knows(&self) -> (Watched, bool) {
        (self.f.watched(), self.f.is_broken())
    }

    /// It asks for all, and is told so.
    #[track_caller]
    fn recover(&mut self, version: u32) -> Sent {
        let refresh = self.f.expect_one(6 * SECOND);
        assert_eq!(refresh.try_header("Suppress-If-Match"), None);
        self.f.answer(&refresh, 200, "Expires: 300\r\n");
        assert_eq!(self.tell(&full(version, "")), Ok(()));
        assert_eq!(self.knows(), (Watched::Idle, false));
        refresh
    }
}

fn is_offered(subscribe: &Sent) -> bool {
    subscribe.header("Accept").contains(DIFF)
}

#[test]
fn what_changed_is_put_into_what_is_known() {
    let mut told = Partial::told();
    assert_eq!(told.tell(&basic(2, "closed")), Ok(()));
    assert_eq!(told.knows(), (Watched::Closed, false));
    assert_eq!(
        told.tell(&diff(3, "<p:add sel='*'><note>On the phone</note></p:add>")),
        Ok(())
    );
    assert_eq!(told.knows(), (Watched::Busy, false));
    assert_eq!(told.tell(&diff(4, "")), Ok(()));
    assert_eq!(told.tell(&diff(5, "<p:remove sel='*/note[2]'/>")), Ok(()));
    assert_eq!(told.knows(), (Watched::Closed, false));
    told.f.expect_silence(60 * SECOND);
    // In full, whatever its number.
    assert_eq!(told.tell(&full(3, "")), Ok(()));
    assert_eq!(told.knows(), (Watched::Idle, false));
    assert_eq!(told.tell(&basic(4, "closed")), Ok(()));
    assert_eq!(told.knows(), (Watched::Closed, false));
}

/// ```text
///   lamp                       server
///     │◄── pidf-full 1 ─────────│  open
///     │         ◄ pidf-diff 2 ──│  lost on the way
///     │◄── pidf-diff 3 ─────────│  it builds on what is not there
///     │── SUBSCRIBE ───────────►│
///     │◄── pidf-full 4 ─────────│
/// ```
#[test]
fn after_a_gap_all_is_asked_for_and_nothing_is_guessed() {
    for number in [3, 1, 0, 9, u32::MAX] {
        let mut told = Partial::told();
        assert_eq!(told.tell(&basic(number, "closed")), Ok(()));
        assert_eq!(told.knows(), (Watched::Idle, true), "{number}");
        // What follows that builds on nothing either.
        assert_eq!(told.tell(&basic(number.wrapping_add(1), "closed")), Ok(()));
        assert_eq!(told.knows(), (Watched::Idle, true));
        assert!(is_offered(&told.recover(20)));
        assert_eq!(told.tell(&basic(21, "closed")), Ok(()));
        assert_eq!(told.knows(), (Watched::Closed, false));
    }
    let mut told = Partial::told();
    let unnumbered = basic(2, "closed").replace(" version=\"2\"", "");
    assert_eq!(told.tell(&unnumbered), Ok(()));
    assert_eq!(told.knows(), (Watched::Idle, true));
}

#[test]
fn who_tells_what_does_not_apply_is_asked_for_whole_documents_from_then_on() {
    for body in [
        diff(2, "<p:remove sel='*/person'/>"),
        diff(2, "<p:replace sel='*/note'><note></p:replace>"),
        diff(2, "<p:remove sel='*'/>"),
        diff(
            2,
            "<p:add sel='*' type='@entity'>a</p:add><p:add sel='*' type='@entity'>a</p:add>",
        ),
    ] {
        let mut told = Partial::told();
        let _ = told.tell(&body);
        assert!(told.f.is_broken(), "{body}");
        let refresh = told.f.expect_one(6 * SECOND);
        told.f.answer(&refresh, 200, "Expires: 300\r\n");
        assert_eq!(
            told.tell_as(PLAIN, &full(0, "").replace("p:pidf-full", "presence")),
            Ok(())
        );
        assert_eq!(told.knows(), (Watched::Idle, false), "{body}");
    }
}

#[test]
fn whatever_else_is_told_ends_what_patches_build_on() {
    let presence = full(0, "").replace("p:pidf-full", "presence");
    for (kind, body) in [(PLAIN, &presence[..]), (PLAIN, "")] {
        let mut told = Partial::told();
        assert_eq!(told.tell_as(kind, body), Ok(()));
        assert_eq!(told.tell(&basic(2, "closed")), Ok(()));
        assert_eq!(told.knows(), (Watched::Idle, true), "{body}");
        told.recover(3);
    }
    let mut told = Partial::told();
    assert!(told.tell("<p:pidf-full").is_err());
    assert_eq!(told.tell(&basic(2, "closed")), Ok(()));
    assert_eq!(told.knows(), (Watched::Unknown, true));
    told.recover(3);
}

#[test]
fn a_document_too_long_to_keep_is_read_and_asked_for_whole() {
    let mut told = Partial::told();
    assert_eq!(told.tell(&full(2, &"n".repeat(limits::DOCUMENT))), Ok(()));
    assert_eq!(told.knows(), (Watched::Idle, false));
    // Nobody can build on it: all is asked for, and no part of it any more.
    let refused = told.tell(&basic(3, "closed"));
    assert_eq!(refused, Err(Status::UNSUPPORTED_MEDIA_TYPE.into()));
    assert_eq!(told.knows(), (Watched::Unknown, true));
    assert!(!is_offered(&told.recover(4)));
}

#[test]
fn who_was_not_asked_for_parts_is_refused_and_asked_for_all() {
    let mut f = Fixture::ordered(&Order {
        package: Package::Presence,
        ..order("sip:bob@192.0.2.1")
    });
    let opening = f.expect_one(3 * SECOND);
    assert!(!is_offered(&opening));
    f.answer(&opening, 200, "Expires: 300\r\n");
    let mut told = Partial {
        f,
        opening,
        cseq: 0,
    };
    assert_eq!(told.tell(&full(1, "")), Ok(()));
    assert_eq!(told.knows(), (Watched::Idle, false));
    let refused = told.tell(&basic(2, "closed"));
    assert_eq!(refused, Err(Status::UNSUPPORTED_MEDIA_TYPE.into()));
    assert_eq!(told.knows(), (Watched::Unknown, true));
    told.recover(3);
}

#[test]
fn a_new_subscription_counts_anew() {
    let mut told = Partial::told();
    assert_eq!(told.tell(&basic(2, "closed")), Ok(()));
    told.cseq += 1;
    let end = told
        .opening
        .notify("peer", told.cseq, "terminated;reason=deactivated", &EMPTY);
    told.f.notify_ok(&end);
    told.opening = told.f.expect_one(10 * SECOND);
    assert!(is_offered(&told.opening));
    told.f.answer(&told.opening, 200, "Expires: 300\r\n");
    told.cseq = 0;
    // It builds on what another subscription told.
    assert_eq!(told.tell(&basic(3, "open")), Ok(()));
    assert_ne!(told.knows(), (Watched::Idle, false));
    assert!(is_offered(&told.recover(1)));
    assert_eq!(told.tell(&basic(2, "closed")), Ok(()));
    assert_eq!(told.knows(), (Watched::Closed, false));
}

#[test]
fn a_watch_beyond_those_that_keep_documents_is_told_in_full() {
    let mut f = Fixture::new();
    let names: Vec<String> = (0..=limits::DOCUMENTS)
        .map(|it| format!("sip:u{it}@192.0.2.1"))
        .collect();
    let add = |f: &mut Fixture, name: &str| {
        f.add(&Order {
            package: Package::Presence,
            partial: true,
            ..order(name)
        })
    };
    let ids: Vec<_> = names.iter().map(|name| add(&mut f, name)).collect();
    let sent = f.run(10 * SECOND);
    let offered = |sent: &[Sent]| sent.iter().filter(|it| is_offered(it)).count();
    let first: Vec<Sent> = sent.into_iter().filter(Sent::is_first).collect();
    let mut tags: Vec<&str> = first
        .iter()
        .filter(|it| is_offered(it))
        .map(Sent::tag)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), limits::DOCUMENTS);
    // Whoever goes makes room.
    f.watcher.remove(ids[0]);
    add(&mut f, "sip:new@192.0.2.1");
    let sent = f.run(3 * SECOND);
    let new: Vec<Sent> = sent
        .into_iter()
        .filter(|it| it.header("To").contains("new"))
        .collect();
    assert_eq!(offered(&new), new.len());
    // Lists, and other packages, are never told so.
    for order in [
        Order {
            partial: true,
            ..order("sip:calls@192.0.2.1")
        },
        Order {
            partial: true,
            role: Role::List,
            package: Package::Presence,
            ..order("sip:list@192.0.2.1")
        },
    ] {
        let mut f = Fixture::ordered(&order);
        assert!(!is_offered(&f.expect_one(3 * SECOND)));
    }
}

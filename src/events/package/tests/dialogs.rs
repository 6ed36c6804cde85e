//! Several dialogs in one document, and who is at their other ends.

use super::*;
use std::vec::Vec;

/// One `<dialog>`: its id and its state, each left out where it is empty; `held` and `calling` are up and on hold, and
/// early and outgoing.
fn dialog(&(id, state): &(&str, &str)) -> String {
    let id = match id {
        "" => String::new(),
        id => format!(" id='{id}'"),
    };
    let (direction, state, more) = match state {
        "" => return format!("<dialog{id}/>"),
        "calling" => ("initiator", "early", ""),
        "held" => (
            "recipient",
            "early",
            "<local><target><param pname='+sip.rendering' pvalue='no'/></target></local>",
        ),
        state => ("recipient", state, ""),
    };
    format!("<dialog{id} direction='{direction}'><state>{state}</state>{more}</dialog>")
}

fn document(version: u32, extent: &str, dialogs: &str) -> String {
    format!(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='{version}' state='{extent}' \
         entity='sip:201@pbx.example:5060'>{dialogs}</dialog-info>"
    )
}

/// What is known after these documents, the first of which is full.
fn after(documents: &[(&str, &[(&str, &str)])]) -> Watched {
    let mut memory = Memory::new();
    for (version, (extent, dialogs)) in documents.iter().enumerate() {
        let dialogs: String = dialogs.iter().map(dialog).collect();
        let body = document(version as u32, extent, &dialogs);
        read(Package::Dialog, &mut memory, body.as_bytes());
    }
    memory.watched()
}

#[test]
fn of_two_dialogs_with_one_id_what_counts_most_stands_in_either_order() /* kamailio #2906 */
{
    // From what counts most to what counts least.
    let order = [
        ("early", Watched::Ringing),
        ("confirmed", Watched::Busy),
        ("held", Watched::Held),
        ("proceeding", Watched::Trying),
        ("trying", Watched::Trying),
        ("calling", Watched::Trying),
        ("terminated", Watched::Idle),
        ("", Watched::Idle),
        ("parked", Watched::Idle),
    ];
    for (at, (most, expected)) in order.into_iter().enumerate() {
        for (other, _) in &order[at..] {
            for id in ["a", ""] {
                for pair in [[(id, most), (id, other)], [(id, other), (id, most)]] {
                    let told = [
                        [("full", &pair[..])].as_slice(),
                        &[("full", &[]), ("partial", &pair[..])],
                        &[("full", &[(id, "early")]), ("full", &pair[..])],
                    ]
                    .map(after);
                    assert_eq!(told, [expected; 3], "{pair:?}");
                }
            }
        }
    }
}

#[test]
fn from_one_document_to_the_next_the_later_word_counts() {
    for (first, later, expected) in [
        (
            &[("a", "early")][..],
            &[("a", "confirmed")][..],
            Watched::Busy,
        ),
        (&[("a", "confirmed")], &[("a", "held")], Watched::Held),
        (&[("a", "early")], &[("a", "terminated")], Watched::Idle),
        (&[("", "early")], &[("", "terminated")], Watched::Idle),
        // Both branches are over; one of them is up; the dialog was listed twice before.
        (
            &[("a", "early")],
            &[("a", "terminated"), ("a", "terminated")],
            Watched::Idle,
        ),
        (
            &[("a", "early")],
            &[("a", "terminated"), ("a", "confirmed")],
            Watched::Busy,
        ),
        (
            &[("a", "early")],
            &[("a", "confirmed"), ("a", "terminated")],
            Watched::Busy,
        ),
        (
            &[("a", "early"), ("a", "terminated")],
            &[("a", "terminated")],
            Watched::Idle,
        ),
        // Others are left alone.
        (
            &[("a", "early"), ("b", "confirmed"), ("", "held")],
            &[("a", "terminated")],
            Watched::Busy,
        ),
        (
            &[("a", "early"), ("", "held")],
            &[("a", "terminated")],
            Watched::Held,
        ),
        // One that says nothing does not end anything.
        (&[("a", "early")], &[("a", "")], Watched::Ringing),
        (&[("a", "early")], &[("a", "parked")], Watched::Ringing),
        (
            &[("", "confirmed")],
            &[("", ""), ("b", "trying")],
            Watched::Busy,
        ),
    ] {
        let told = after(&[("full", first), ("partial", later)]);
        assert_eq!(told, expected, "{first:?} {later:?}");
    }
}

#[test]
fn a_dialog_without_an_id_is_known_by_its_call_id() {
    let mut memory = Memory::new();
    let one = |call_id: &str, state: &str| {
        let id = if call_id == "y" { " id=''" } else { "" };
        format!("<dialog{id} call-id='{call_id}'><state>{state}</state></dialog>")
    };
    for (version, dialogs, expected) in [
        (
            0,
            one("x", "early") + &one("y", "confirmed"),
            Watched::Ringing,
        ),
        (1, one("x", "terminated"), Watched::Busy),
        // The same word as an id is something else.
        (
            2,
            one("y", "terminated").replace("id='' call-", ""),
            Watched::Busy,
        ),
        (3, one("y", "terminated"), Watched::Idle),
    ] {
        let extent = if version == 0 { "full" } else { "partial" };
        let body = document(version, extent, &dialogs);
        let told = read(Package::Dialog, &mut memory, body.as_bytes());
        assert_eq!(told, Reading::State(expected), "{version}");
    }
}

/// One `<dialog>` with these at its ends; an end is left out where it is empty.
fn call(id: &str, state: &str, remote: &str, local: &str) -> String {
    let end = |name: &str, inside: &str| match inside {
        "" => String::new(),
        inside => format!("<{name}>{inside}</{name}>"),
    };
    format!(
        "<dialog id='{id}' direction='recipient'><state>{state}</state>{}{}</dialog>",
        end("remote", remote),
        end("local", local)
    )
}

fn identity(display: &str, uri: &str) -> String {
    format!("<identity display='{display}'>{uri}</identity>")
}

fn party(memory: &Memory) -> Option<(&str, &str)> {
    let party = memory.party()?;
    Some((party.display(), party.uri()))
}

#[test]
fn the_other_party_of_every_dialect_is_named() {
    for (name, body, expected) in [
        (
            "asterisk ringing",
            &body!("dialog_asterisk_ringing")[..],
            Some(("Front \"Door\" & Yard", "sip:301@pbx.example.net")),
        ),
        ("asterisk talking", body!("dialog_asterisk_talking"), None),
        ("asterisk hold", body!("dialog_asterisk_hold"), None),
        ("asterisk idle", body!("dialog_asterisk_idle"), None),
        (
            "freeswitch hold: not the code to pick it up",
            body!("dialog_freeswitch_hold"),
            Some(("Q&A desk", "sip:305@sw.example.org")),
        ),
        ("freeswitch idle", body!("dialog_freeswitch_idle"), None),
        (
            "kamailio: that of the one which rings",
            body!("dialog_kamailio_several"),
            Some(("Gate", "sip:306@proxy.example.com")),
        ),
        ("opensips", body!("dialog_opensips_spaces"), None),
        ("bare", body!("dialog_bare"), None),
    ] {
        let mut memory = Memory::new();
        read(Package::Dialog, &mut memory, body);
        assert_eq!(party(&memory), expected, "{name}");
    }
}

#[test]
fn who_is_watched_is_never_the_other_party() {
    let watched = identity("Bob", "sip:201@pbx.example");
    let other = identity("Gate", "sip:301@pbx.example");
    let elsewhere = identity("Bob", "sip:201@other.example");
    let gate = Some(("Gate", "sip:301@pbx.example"));
    for (remote, local, expected) in [
        (&other[..], &watched[..], gate),
        (&other, "", gate),
        // The ends are exchanged.
        (&watched, &other, gate),
        // The caller is not known: the watched one is at both ends.
        (&watched, &watched, None),
        (&watched, "", None),
        ("", &watched, None),
        // Nobody says who is who.
        ("", &other, None),
        (&other, &other, None),
        // The same name at another place is somebody else.
        (&elsewhere, &watched, Some(("Bob", "sip:201@other.example"))),
        // A name alone, an address alone, a target alone; and nothing at all.
        (&identity("Gate", ""), &watched, Some(("Gate", ""))),
        ("<identity>301</identity>", &watched, Some(("", "301"))),
        (
            "<target uri='sip:301@192.0.2.7:5066'/>",
            &watched,
            Some(("", "sip:301@192.0.2.7:5066")),
        ),
        ("<identity/><target uri=''/>", &watched, None),
    ] {
        let mut memory = Memory::new();
        let body = document(0, "full", &call("a", "early", remote, local));
        read(Package::Dialog, &mut memory, body.as_bytes());
        assert_eq!(party(&memory), expected, "{remote} {local}");
    }
}

#[test]
fn the_party_is_that_of_the_call_that_is_shown() {
    let [ann, ben, cid] = ["Ann", "Ben", "Cid"].map(|name| identity(name, ""));
    let (ann, ben, cid) = (&ann[..], &ben[..], &cid[..]);
    type Step<'a> = (&'a str, &'a [(&'a str, &'a str, &'a str)], &'a str);
    let flows: &[&[Step<'_>]] = &[
        // A partial document keeps what it does not repeat, until the call is over.
        &[
            ("full", &[("a", "early", ann)], "Ann"),
            ("partial", &[("a", "confirmed", "")], "Ann"),
            ("partial", &[("b", "trying", ben)], "Ann"),
            ("partial", &[("a", "confirmed", cid)], "Cid"),
            ("partial", &[("a", "terminated", cid)], ""),
            ("partial", &[("b", "trying", ben)], "Ben"),
            ("partial", &[], ""),
        ],
        // A full one tells all there is.
        &[
            ("full", &[("a", "early", ann)], "Ann"),
            ("full", &[("a", "confirmed", "")], ""),
            ("full", &[("a", "confirmed", ben)], "Ben"),
            ("full", &[("a", "terminated", "")], ""),
        ],
        // The call that counts more is the one that is named, wherever it stands.
        &[
            ("full", &[("a", "trying", ann), ("b", "early", ben)], "Ben"),
            ("full", &[("b", "early", ben), ("a", "trying", ann)], "Ben"),
            ("full", &[("b", "early", ""), ("a", "trying", ann)], ""),
            (
                "partial",
                &[("b", "terminated", ""), ("a", "trying", ann)],
                "Ann",
            ),
            ("partial", &[("c", "early", cid)], "Cid"),
        ],
        // Of two that count the same it stays the one that was shown.
        &[
            (
                "full",
                &[("a", "confirmed", ann), ("b", "confirmed", ben)],
                "Ann",
            ),
            (
                "full",
                &[("b", "confirmed", ben), ("a", "confirmed", ann)],
                "Ann",
            ),
            ("partial", &[("b", "confirmed", cid)], "Ann"),
            ("partial", &[("b", "early", ben)], "Ben"),
            ("partial", &[("b", "confirmed", "")], "Ben"),
        ],
        // Branches of one id: that of the one which counts most.
        &[
            (
                "full",
                &[("a", "terminated", ann), ("a", "confirmed", ben)],
                "Ben",
            ),
            (
                "full",
                &[("a", "confirmed", ben), ("a", "terminated", ann)],
                "Ben",
            ),
            (
                "full",
                &[("a", "confirmed", ben), ("a", "early", cid)],
                "Cid",
            ),
        ],
    ];
    for (number, flow) in flows.iter().enumerate() {
        let mut memory = Memory::new();
        for (step, (extent, calls, expected)) in flow.iter().enumerate() {
            let calls = calls.iter();
            let calls: Vec<_> = calls
                .map(|&(id, state, remote)| call(id, state, remote, ""))
                .collect();
            let body = document(step as u32, extent, &calls.concat());
            read(Package::Dialog, &mut memory, body.as_bytes());
            let told = party(&memory).map_or("", |(display, _)| display);
            assert_eq!(told, *expected, "flow {number} step {step}");
        }
    }
}

#[test]
fn without_a_state_there_is_neither_call_nor_party() {
    let mut memory = Memory::new();
    let next = |version, dialogs: &[(&str, &str)]| {
        let dialogs: String = dialogs.iter().map(dialog).collect();
        document(version, "partial", &dialogs)
    };
    let ringing = call("a", "early", &identity("Ann", "sip:301@pbx.example"), "");
    let body = document(4, "full", &ringing);
    read(Package::Dialog, &mut memory, body.as_bytes());
    memory.tell_stateless(Watched::Idle);
    assert_eq!((memory.watched(), party(&memory)), (Watched::Idle, None));
    // The numbers go on, and what was known is over.
    let told = read(
        Package::Dialog,
        &mut memory,
        next(5, &[("b", "held")]).as_bytes(),
    );
    assert_eq!(told, Reading::State(Watched::Held));
    let told = read(
        Package::Dialog,
        &mut memory,
        next(6, &[("b", "terminated")]).as_bytes(),
    );
    assert_eq!(told, Reading::State(Watched::Idle));
}

#[test]
fn what_no_state_means_is_the_packages_own() {
    for (package, expected) in [
        (Package::Dialog, Some(Watched::Idle)),
        (Package::Presence, Some(Watched::Offline)),
        (Package::PresenceWinfo, None),
        (Package::MessageSummary, None),
    ] {
        assert_eq!(package.spec().stateless, expected, "{}", package.name());
    }
}

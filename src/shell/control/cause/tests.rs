//! Causes that an agent finds, told in words.

use super::*;
use crate::engine::agent::status::LampStatus;
use crate::engine::agent::{Agent, Output};
use crate::engine::config::{LampSettings, Settings, Shows, WatchSettings};
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Moment, Wall};
use crate::users::lamps::Look;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

const LOCAL: &str = "192.0.2.1:5060";

fn moment(now: Instant) -> Moment {
    let wall = Wall::from_unix_millis(1_790_000_000_000);
    Moment { now, wall }
}

/// An agent whose lamp watches bob's calls and presence, and whose server refuses these packages with 489.
fn refused(packages: &[&str]) -> Box<Agent> {
    let text = |text| Text::copied(text).expect("short");
    let mut settings = Box::new(Settings::default());
    for package in [Package::Dialog, Package::Presence] {
        let watch = WatchSettings::new(text("sip:bob@192.0.2.50"), text("sip:a@b"), package);
        settings.watches.push(watch).expect("room");
    }
    let mut lamp = LampSettings::new(Text::copied("blf1").expect("short"));
    lamp.shows = Shows::Both {
        calls: 0,
        presence: 1,
    };
    settings.lamps.push(lamp).expect("room");
    let mut agent = Box::new(Agent::new());
    let mut now = Instant::from_millis(1_000);
    let local: SocketAddr = LOCAL.parse().expect("an address");
    agent.start(moment(now), &settings, [1, 2], &[local.into()]);
    let mut buf = vec![0; 65_535];
    let mut asked = 0;
    while asked < 2 {
        match agent.poll(now, &mut buf) {
            Output::Send { flow, len } => {
                asked += 1;
                let subscribe = String::from_utf8_lossy(&buf[..len]).into_owned();
                if packages
                    .iter()
                    .any(|it| subscribe.contains(&std::format!("Event: {it}\r\n")))
                {
                    agent.handle_datagram(moment(now), flow, bad_event(&subscribe).as_bytes());
                }
            }
            Output::Wait(until) => {
                now = until.expect("a SUBSCRIBE is due");
                agent.handle_timeout(moment(now));
            }
            Output::Lamp { .. }
            | Output::Resolve { .. }
            | Output::Report(_)
            | Output::Changed(_)
            | Output::Gesture { .. } => {}
        }
    }
    agent
}

fn bad_event(subscribe: &str) -> String {
    let is_copied = |line: &&str| {
        let names = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        names.iter().any(|name| line.starts_with(name))
    };
    let lines: Vec<&str> = subscribe.split("\r\n").filter(is_copied).collect();
    std::format!(
        "SIP/2.0 489 Bad Event\r\n{}\r\nContent-Length: 0\r\n\r\n",
        lines.join("\r\n")
    )
}

#[test]
fn a_server_with_one_of_two_packages_is_named() {
    for (missing, expected) in [
        (
            &["dialog"][..],
            Some((
                "the server does not have dialog: the lamp shows presence alone",
                "if that is how it is, ask for event = \"presence\"",
            )),
        ),
        (
            &["presence"],
            Some((
                "the server does not have presence: the lamp shows dialog alone",
                "if that is how it is, ask for event = \"dialog\"",
            )),
        ),
        (&[], None),
        (&["dialog", "presence"], None),
    ] {
        let agent = refused(missing);
        let why = agent.why(0).expect("the lamp");
        let listen = ["udp:192.0.2.1:5060".parse().expect("a listener")];
        let found = cause(&why, &listen);
        let found = found
            .as_ref()
            .map(|it| (it.what.as_str(), it.remedy.as_deref().unwrap_or_default()));
        assert_eq!(found, expected, "{missing:?}");
    }
}

#[test]
fn a_server_without_a_state_is_a_cause_that_takes_no_remedy() {
    let report = |is_stateless, distrusts: Option<&str>| Report {
        listed: None,
        is_unlisted: false,
        target: "sip:200@pbx.example",
        package: Package::Dialog,
        state: "active",
        watched: Watched::Idle,
        party: None,
        is_stateless,
        lacks_package: false,
        remote: None,
        expires: None,
        next: None,
        last_status: Some(200),
        last_reason: "",
        last_notify: Some(Instant::ZERO),
        distrusts: distrusts.map(|who| who.parse().expect("an address")),
        messages: None,
        unasked: None,
        lost: false,
        broken_since: None,
        doubt: None,
        confirmed: None,
    };
    let cause = |watch| {
        let lamp = LampStatus {
            name: "blf1",
            look: Look::OFF,
            shows: Shows::Watch(0),
            whom: None,
            state: Some(Watched::Idle),
            party: None,
            messages: None,
            since: Instant::ZERO,
        };
        let why = Why {
            owner_rule: None,
            dimmed_by: None,
            lamp,
            rule: "the default look",
            grace_ends: None,
            watch: Some(watch),
            presence: None,
        };
        cause(&why, &[])
    };
    assert_eq!(cause(report(false, None)), None);
    let stateless = Cause {
        what: STATELESS.to_string(),
        remedy: None,
    };
    assert_eq!(cause(report(true, None)), Some(stateless));
    let distrust = cause(report(false, Some("192.0.2.7:5060"))).expect("it is told");
    assert!(
        distrust
            .what
            .starts_with("a NOTIFY from 192.0.2.7:5060 was refused")
    );
    assert!(
        distrust
            .remedy
            .is_some_and(|it| it.contains("add \"192.0.2.7\" to `trusted`"))
    );
}

#[test]
fn whoever_is_on_a_list_is_told_what_that_says() /* F19 */
{
    const LIST: &str = "sip:lamps@pbx.example";
    let found = |standing, is_told| {
        let listed = Listed {
            list: LIST,
            standing,
            is_told,
        };
        let cause = on_a_list(&listed, "sip:bob@pbx.example");
        cause.map(|cause| (cause.what, cause.remedy.is_some()))
    };
    for (standing, what, has_remedy) in [
        (
            Standing::Unlisted,
            "sip:bob@pbx.example is not on the list",
            true,
        ),
        (Standing::Nested, "is a list itself", true),
        (
            Standing::Ended("rejected"),
            "no subscription to sip:bob@pbx.example: rejected",
            false,
        ),
        (Standing::Pending, "has not allowed it yet", false),
        (
            Standing::Untold,
            "knows nothing of sip:bob@pbx.example yet",
            false,
        ),
        (Standing::Unreadable, "can't be read", false),
    ] {
        let (told, remedy) = found(standing, true).expect(what);
        assert!(told.contains(what) && remedy == has_remedy, "{told}");
    }
    // Before the list is told, that is what is in the way.
    for standing in [Standing::Unlisted, Standing::Untold] {
        assert_eq!(found(standing, false), None);
    }
    assert_eq!(found(Standing::Active, true), None);
}

#[test]
fn whoever_is_a_list_is_said_to_be_one() /* F16 */
{
    let cause = a_list_of_others("sip:lamps@pbx.example");
    assert_eq!(cause.what, "sip:lamps@pbx.example is a list of others");
    assert!(cause.remedy.is_some_and(|it| it.contains("[[list]]")));
}

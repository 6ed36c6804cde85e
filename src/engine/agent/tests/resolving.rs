//! Names that are asked for, and answers that come late.

use super::*;
use crate::engine::config::{Server, UpstreamSettings, WatchSettings};
use crate::events::package::Package;
use crate::ua::query::{Asker, Query};
use crate::ua::targets::Target;
use crate::wire::flow::Transport;

/// Where the account's server is, and where a lamp's.
const ACCOUNT: &str = "198.51.100.1:5060";
const LAMP: &str = "198.51.100.2:5060";

fn place(text: &str) -> Target {
    Target {
        transport: Transport::Udp,
        address: text.parse().unwrap(),
    }
}

/// An agent with an account at a server that has a name, and with a lamp at each of `lamps` other names.
fn named(lamps: u16) -> Fixture {
    Fixture::with(|settings| {
        let mut upstream = UpstreamSettings::new(Text::copied("sip:100@pbx.example").unwrap());
        let server = Server {
            host: Text::copied("pbx.example").unwrap(),
            transport: Some(Transport::Tcp),
        };
        upstream.servers.push(server).unwrap();
        settings.upstreams.push(upstream).unwrap();
        for lamp in 0..lamps {
            let target = Text::copied(&format!("sip:x@absent{lamp}.example")).unwrap();
            let from = Text::copied(DESK).unwrap();
            let watch = WatchSettings::new(target, from, Package::Dialog);
            settings.watches.push(watch).unwrap();
        }
    })
}

/// Runs for a while; gives what was asked for, and what was sent.
fn run(f: &mut Fixture, lasts: Duration) -> (StdVec<Query>, StdVec<Sent>) {
    let end = f.now + lasts;
    let (mut queries, mut sent) = (StdVec::new(), StdVec::new());
    loop {
        match f.agent.poll(f.now, &mut f.buf) {
            Output::Resolve { query } => queries.push(query),
            Output::Send { flow, len } => {
                let text = String::from_utf8_lossy(&f.buf[..len]).into_owned();
                sent.push(Sent { flow, text });
            }
            Output::Wait(Some(due)) if due <= end => {
                f.now = f.now.max(due);
                f.agent.handle_timeout(f.moment());
            }
            Output::Wait(_) => {
                f.now = end;
                return (queries, sent);
            }
            Output::Lamp { .. } | Output::Changed(_) => {}
            Output::Gesture { .. } | Output::Report(_) => {}
        }
    }
}

#[test]
fn a_query_says_what_is_to_be_spoken_there() {
    let mut f = named(1);
    let (queries, _) = run(&mut f, Duration::from_secs(3));
    let mut asked = queries.iter().map(|it| f.agent.query(*it).unwrap());
    let account = asked.find(|it| it.host == "pbx.example").unwrap();
    assert_eq!(
        (account.transport, account.port),
        (Some(Transport::Tcp), None)
    );
    let mut asked = queries.iter().map(|it| f.agent.query(*it).unwrap());
    let lamp = asked.find(|it| it.host == "absent0.example").unwrap();
    assert_eq!(lamp.transport, None);
}

#[test]
fn an_answer_reaches_nobody_but_who_asked_after_days() {
    let mut f = named(limits::WATCHES as u16);
    // Nobody answers, so that all ask again and again: more than 2¹⁶ times.
    let (queries, sent) = run(&mut f, Duration::from_secs(10 * 86_400));
    assert_eq!(sent, []);
    let of = |asker| queries.iter().filter(move |it| it.asker == asker);
    assert!(of(Asker::Watch).count() > 1 << 16);
    for asker in [Asker::Watch, Asker::Upstream] {
        assert!(of(asker).is_sorted_by(|one, next| one.number < next.number));
    }
    for query in of(Asker::Watch) {
        f.agent.handle_resolved(f.moment(), *query, &[place(LAMP)]);
    }
    let (_, sent) = run(&mut f, Duration::from_millis(1));
    let is_subscribe = |it: &Sent| it.text.starts_with("SUBSCRIBE");
    assert!(
        sent.iter().all(is_subscribe),
        "a lamp's server is asked for a registration"
    );
}

#[test]
fn a_late_answer_finds_nobody() {
    let mut f = named(1);
    let (first, _) = run(&mut f, Duration::from_secs(3));
    let (second, _) = run(&mut f, Duration::from_secs(120));
    assert!(
        first.len() == 2 && second.len() >= 2,
        "all were asked again"
    );
    for query in first {
        assert_eq!(f.agent.query(query), None);
        f.agent
            .handle_resolved(f.moment(), query, &[place(ACCOUNT)]);
    }
    let (_, sent) = run(&mut f, Duration::from_millis(1));
    assert_eq!(sent, []);
}

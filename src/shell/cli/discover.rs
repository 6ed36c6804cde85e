//! `lampfield discover`: who announces himself on the local network, and what of him can be watched. It looks for itself,
//! beside an agent that runs or without one.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use super::Exit;
use super::view::{headings, table};
use crate::ground::time::Duration;
use crate::shell::clock;
use crate::shell::control::views::to_json;
use crate::shell::failed::Failed;
use crate::shell::mdns::known::Instance;
use crate::shell::mdns::links::links;
use crate::shell::mdns::message::write_safely;
use crate::shell::mdns::node::Node;
use crate::shell::mdns::sockets::Sockets;
use crate::shell::poller::{Poller, Source};
use crate::shell::seed::seed;
use crate::shell::timer::Timer;

/// How long who is there has for an answer: two questions.
const USUAL: u32 = 3;

/// Somebody who is there, in his own words: nobody vouches for them.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Shown {
    name: String,
    watch: Option<String>,
    uri: Option<String>,
    transport: &'static str,
    host: Option<String>,
    port: Option<u16>,
    addresses: Vec<String>,
    events: Vec<String>,
}

/// Looks for `seconds` and prints what was found.
pub(super) fn discover(seconds: Option<u32>, json: bool) -> Exit {
    match look(Duration::from_secs(seconds.unwrap_or(USUAL).into())) {
        Ok(found) => {
            let shown: Vec<Shown> = found.iter().map(Shown::of).collect();
            super::say(&if json { to_json(&shown) } else { rows(&shown) })
        }
        Err(Failed(text)) => {
            std::eprintln!("lampfield: {text}");
            Exit::Failed
        }
    }
}

fn look(lasts: Duration) -> Result<Vec<Instance>, Failed> {
    let (mut poller, mut timer) = (Poller::new()?, Timer::new()?);
    let registry = poller.registry();
    registry.add(&timer, Source::Timer)?;
    let mut sockets = Sockets::open(Some(&registry))?;
    let links = links(|_| false)?;
    sockets.join(&links);
    let start = clock::now();
    let mut node = Node::new(seed()?, (true, true), sockets.is_alone);
    node.set_links(start, links);
    node.look_around(start);
    let end = start + lasts;
    loop {
        let now = clock::now();
        node.handle_timeout(now);
        while let Some(message) = node.poll() {
            sockets.send(&message);
        }
        if now >= end {
            return Ok(node.known().instances(now));
        }
        let due = node.due().into_iter().chain([end]).min();
        timer.set(due)?;
        for source in poller.wait(false)? {
            match source {
                Source::Timer => timer.handle_ring(),
                _ => sockets.receive(|origin, bytes| {
                    node.handle_message(clock::now(), origin, bytes);
                }),
            }
        }
    }
}

impl Shown {
    fn of(it: &Instance) -> Shown {
        let name = safe(&it.name);
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
        let can_be_watched = it.transport == "udp" && name.chars().all(is_plain);
        let events = it.events.as_deref().unwrap_or_default();
        let events = events.split(|it| *it == b',').filter(|it| !it.is_empty());
        Shown {
            watch: can_be_watched.then(|| format!("local:{name}")),
            uri: it.uri.as_deref().map(safe),
            transport: it.transport,
            host: it.host.as_ref().map(ToString::to_string),
            port: it.port,
            addresses: it.addresses.iter().map(ToString::to_string).collect(),
            events: events.map(safe).collect(),
            name,
        }
    }
}

fn rows(found: &[Shown]) -> String {
    if found.is_empty() {
        return String::from("nobody announces himself on this network\n");
    }
    let known = |it: &Option<String>| it.clone().unwrap_or_else(|| String::from("-"));
    let mut rows = Vec::from([headings(&["NAME", "WATCH", "URI", "AT", "EVENTS"])]);
    for it in found {
        let port = it.port.map_or(String::new(), |it| format!(" port {it}"));
        rows.push(Vec::from([
            it.name.clone(),
            known(&it.watch),
            known(&it.uri),
            format!("{} {}{port}", it.transport, it.addresses.join(" ")),
            it.events.join(" "),
        ]));
    }
    table(&rows)
}

fn safe(text: &[u8]) -> String {
    let mut safe = String::new();
    let _ = write_safely(&mut safe, text); // A String takes everything.
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_words_are_shown_escaped_and_only_plain_names_can_be_watched() {
        let mut stranger = Instance {
            name: b"kitchen".to_vec(),
            transport: "udp",
            uri: Some(b"sip:desk@kitchen.local\x1b[2J".to_vec()),
            events: Some(b"presence,,dialog".to_vec()),
            host: None,
            port: Some(5_060),
            addresses: Vec::from(["192.0.2.1".parse().expect("an address")]),
        };
        let shown = Shown::of(&stranger);
        assert_eq!(shown.watch.as_deref(), Some("local:kitchen"));
        assert_eq!(
            shown.uri.as_deref(),
            Some("sip:desk@kitchen.local\\u{1b}[2J")
        );
        assert_eq!(shown.events, ["presence", "dialog"]);
        assert!(rows(&[shown]).contains("udp 192.0.2.1 port 5060"));
        stranger.name = b"my\nkitchen".to_vec();
        let shown = Shown::of(&stranger);
        assert_eq!((shown.name.as_str(), shown.watch), ("my\\nkitchen", None));
    }
}

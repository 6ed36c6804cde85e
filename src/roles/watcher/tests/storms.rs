//! No peer, however it answers, makes us storm it. A day passes in virtual time, and requests are counted.

extern crate std;

use super::fixture::*;
use crate::ground::time::{Duration, Instant};
use crate::roles::watcher::Order;
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const DAY: Duration = Duration::from_secs(86_400);

/// What the server does with every SUBSCRIBE.
enum Server {
    /// Answers each with this.
    Answers(u16, &'static str),
    /// Answers 200 with this and sends one NOTIFY of this state.
    Notifies(&'static str, &'static str),
    /// Opens each subscription well, and answers every refresh with this.
    Forgets(u16),
    /// Says 200 and nothing more.
    Mute,
    /// Nothing at all.
    Dead,
}

/// A day with that server; gives the new requests sent and the longest pause between two of them.
fn day(server: &Server) -> (usize, Duration) {
    let mut f = Fixture::ordered(&Order {
        fallback: true,
        ..order("sip:bob@192.0.2.1")
    });
    let end = f.now + DAY;
    let mut requests = BTreeSet::<String>::new();
    let mut last = f.now;
    let mut longest = Duration::ZERO;
    let mut opened = f.expect_one(Duration::from_secs(3));
    let mut next = Some(opened.clone());
    let mut cseq = 0;
    while let Some(sent) = next {
        if requests.insert(sent.branch().to_string()) {
            longest = longest.max(sent.at - last);
            last = sent.at;
        }
        if sent.is_first() {
            opened = sent.clone();
        }
        cseq += 1;
        respond(&mut f, server, &sent, &opened, cseq);
        next = f.next(end - f.now);
    }
    (requests.len(), longest.max(end - last))
}

fn respond(f: &mut Fixture, server: &Server, sent: &Sent, opened: &Sent, cseq: u32) {
    let text = calls(cseq, "full", "");
    let body = dialog_info(&text);
    match server {
        Server::Answers(code, rows) => f.answer(sent, *code, rows),
        Server::Notifies(rows, state) => {
            f.answer(sent, 200, rows);
            let _ = f.notify(&opened.notify("peer", cseq, state, &body));
        }
        Server::Forgets(code) if !sent.is_first() => f.answer(sent, *code, ""),
        Server::Forgets(_) => {
            f.answer(sent, 200, "Expires: 60\r\n");
            let _ = f.notify(&opened.notify("peer", cseq, "active;expires=60", &body));
        }
        Server::Mute => f.answer(sent, 200, ""),
        Server::Dead => {}
    }
}

/// At most `most` requests in the day, and the watch is never asleep for longer than `pause`.
#[track_caller]
fn expect(what: &str, server: &Server, most: usize, pause: u64) {
    let (requests, longest) = day(server);
    assert!(requests <= most, "{what}: {requests} requests");
    assert!(longest <= Duration::from_secs(pause), "{what}: {longest:?}");
    assert!(requests >= 15, "{what}: gave up after {requests}");
}

#[test]
fn refusals_without_end() /* B11 */
{
    for code in (300..700)
        .step_by(1)
        .filter(|code| code % 100 < 30 || code % 100 > 79)
    {
        expect(&format!("{code}"), &Server::Answers(code, ""), 560, 1_130);
    }
}

#[test]
fn refusals_with_wild_numbers() /* B11 */
{
    for (code, rows) in [
        (423, "Min-Expires: 4294967295\r\n"),
        (423, "Min-Expires: 86400\r\n"),
        (423, "Min-Expires: 61\r\n"),
        (503, "Retry-After: 0\r\n"),
        (503, "Retry-After: 1\r\n"),
        (503, "Retry-After: 4294967295\r\n"),
        (481, "Retry-After: -1\r\n"),
    ] {
        expect(
            &format!("{code} {rows}"),
            &Server::Answers(code, rows),
            560,
            4_000,
        );
    }
}

#[test]
fn subscriptions_that_end_at_once() /* B11 */
{
    for state in [
        "terminated;reason=deactivated",
        "terminated;reason=deactivated;retry-after=0",
        "terminated;reason=timeout",
        "terminated;reason=probation;retry-after=0",
        "terminated;reason=giveup;retry-after=1",
        "terminated",
        "active;expires=0",
        "pending;expires=0",
        "active;expires=1",
    ] {
        expect(state, &Server::Notifies("", state), 620, 1_130);
    }
    for state in ["terminated;reason=rejected", "terminated;reason=noresource"] {
        expect(state, &Server::Notifies("", state), 40, 4_510);
    }
}

#[test]
fn tiny_lifetimes() /* B11 */
{
    for (rows, state) in [
        ("Expires: 0\r\n", "active"),
        ("Expires: 1\r\n", "active"),
        ("Expires: 5\r\n", "active;expires=5"),
    ] {
        expect(rows, &Server::Notifies(rows, state), 700, 400);
    }
    // Ten seconds is what the server asks for: a refresh every five.
    expect(
        "10",
        &Server::Notifies("Expires: 10\r\n", "active;expires=10"),
        17_300,
        10,
    );
}

#[test]
fn servers_that_forget_are_mute_or_dead() /* B11 */
{
    for code in [404, 481, 489, 403, 500, 503] {
        expect(&format!("{code}"), &Server::Forgets(code), 1_800, 340);
    }
    expect("mute", &Server::Mute, 420, 340);
    // One finds out whether it is back; see what several do in `silence`.
    expect("dead", &Server::Dead, 1_850, 65);
}

#[test]
fn thirty_two_watches_come_back_spread_after_an_outage() /* S26 */
{
    let mut f = Fixture::new();
    for number in 0..crate::ground::limits::WATCHES {
        f.add(&order(&format!("sip:u{number}@192.0.2.1")));
    }
    f.run(Duration::from_secs(3_600));
    // The server is back: how many ask it in the same second?
    let end = f.now + Duration::from_secs(350);
    let mut moments = Vec::<Instant>::new();
    let mut seen = BTreeSet::<String>::new();
    while let Some(sent) = f.next(end - f.now) {
        if sent.is_first() && seen.insert(sent.tag().to_string()) {
            moments.push(sent.at);
        }
        f.answer(&sent, 200, "");
        let text = calls(0, "full", "");
        let _ = f.notify(&sent.notify("peer", 1, "active;expires=3600", &dialog_info(&text)));
    }
    assert!(moments.len() >= crate::ground::limits::WATCHES);
    let second = Duration::from_secs(1);
    let busiest = moments
        .iter()
        .map(|from| {
            moments
                .iter()
                .filter(|at| **at >= *from && **at < *from + second)
                .count()
        })
        .max();
    assert!(busiest <= Some(6), "{busiest:?} in one second");
}

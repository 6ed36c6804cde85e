//! Thousands of lives in the world: loss, doubles, delay, reordering, cut cables, restarts, telephone systems with
//! amnesia, clocks that step. What must hold is said in the world; each life is a seed.
//!
//! A failure names its seed: `LAMPFIELD_SEED=17 cargo test --test world lives -- --nocapture` lives that one again and
//! tells all that happens in it.

mod common;

use common::world::life::{Clocks, REAL, Tally, live, lived};
use common::world::truth::{History, judge};
use common::world::wiretap::Wiretap;
use common::world::{Line, MINUTE, SECOND};
use lampfield::Watched;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lives in one test run. `LAMPFIELD_LIVES` takes another number.
const LIVES: u64 = 20_000;

/// An agent is large, and built on the stack before it is boxed.
const STACK: usize = 16 << 20;

#[test]
fn lives_are_honest_converge_and_leave_nothing_behind()
/* H02 H03 H04 H06 J01 J05 J06 J08 FIELD 3 5 6 15 */
{
    if let Some(seed) = number("LAMPFIELD_SEED") {
        let tally = in_a_thread(seed);
        println!("seed {seed}: {tally:#?}");
        return;
    }
    let lives = number("LAMPFIELD_LIVES").unwrap_or(LIVES);
    let total = all(lives);
    println!("{lives} lives: {total:#?}");
    // The lives are worth something only if things happened in them.
    assert!(total.presses > 10 * lives, "{total:?}");
    assert!(total.requests > 100 * lives, "{total:?}");
    assert!(total.boots > 3 * lives, "{total:?}");
    assert!(total.restarts_of_pbxs > lives / 10, "{total:?}");
    assert!(total.cuts > lives, "{total:?}");
    assert!(total.notified > 10 * lives, "{total:?}");
    assert!(total.chatters > lives / 10, "{total:?}");
    assert!(total.let_in > lives / 10, "{total:?}");
    assert!(total.attacks > lives, "{total:?}");
    assert!(total.proven > lives / 10, "{total:?}");
    assert!(total.refused > lives / 20, "{total:?}");
    assert!(total.hidings > lives / 20, "{total:?}");
}

#[test]
fn no_clock_changes_a_datagram() /* J01 */
{
    let trail = |seed, clocks| {
        let (_, world) = lived(seed, clocks, true).unwrap_or_else(|why| panic!("{seed}: {why}"));
        let is_ruled = world.is_ruled_by_clocks();
        let lines = world.trail.unwrap_or_default().into_iter();
        let lines = lines.map(|mut line| {
            // The body of a PIDF carries the wall clock's time, and so its length differs.
            let (head, _) = line
                .text
                .split_once("\r\nContent-Type:")
                .unwrap_or_default();
            line.text = head.to_string();
            line
        });
        (lines.collect::<Vec<_>>(), is_ruled)
    };
    let quiet = Clocks {
        walls_step: false,
        at_zero: false,
    };
    let zero = Clocks {
        walls_step: true,
        at_zero: true,
    };
    let run = std::thread::Builder::new().stack_size(STACK);
    let compare = move || {
        // A time stamp more or less decides which way a NOTIFY of some 1,300 bytes takes (RFC 3261 §18.1.1).
        let is_long = |trail: &[Line]| trail.iter().any(|it| it.text.contains("SIP/2.0/TCP"));
        let mut compared = 0;
        for seed in 0..60 {
            let (real, is_ruled) = trail(seed, REAL);
            assert!(real.len() > 50, "seed {seed} is dull");
            if is_ruled {
                continue;
            }
            let (other, third) = (trail(seed, quiet).0, trail(seed, zero).0);
            if [&real, &other, &third].into_iter().any(|it| is_long(it)) {
                continue;
            }
            assert_eq!(parting(&real, &other), None, "seed {seed}: wall clocks");
            assert_eq!(parting(&real, &third), None, "seed {seed}: clocks at zero");
            compared += 1;
        }
        assert!(compared >= 10, "{compared} lives compared");
    };
    run.spawn(compare).expect("a thread").join().expect("equal");
}

/// Where two trails part.
fn parting<'t>(one: &'t [Line], other: &'t [Line]) -> Option<(Option<&'t Line>, Option<&'t Line>)> {
    let most = one.len().max(other.len());
    let pairs = (0..most).map(|at| (one.get(at), other.get(at)));
    pairs.into_iter().find(|(one, other)| one != other)
}

#[test]
fn a_lamp_that_lies_is_found_out() {
    let mut history = History::default();
    history.note(0, Watched::Idle);
    history.note(10 * SECOND, Watched::Busy);
    let at = |seconds, state| judge(seconds * SECOND, state, &history, 30 * SECOND);
    assert!(at(20, Watched::Busy).is_ok() && at(9_999, Watched::Busy).is_ok());
    assert!(at(40, Watched::Idle).is_ok());
    assert!(at(41, Watched::Idle).is_err(), "it is too old");
    assert!(at(20, Watched::Ringing).is_err(), "it never was");
    assert!(at(20, Watched::Offline).is_err(), "nobody was gone");
    assert!(at(9_999, Watched::Unknown).is_ok() && at(9_999, Watched::Subscribing).is_ok());
}

#[test]
fn a_notifier_that_errs_is_found_out() {
    let (agent, phone) = (address("192.0.2.10:5060"), address("192.0.2.100:5062"));
    let notify = |cseq: u32, version: u32| {
        format!(
            "NOTIFY sip:p@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{cseq}\r\n\
             From: <sip:desk@192.0.2.10>;tag=a\r\nTo: <sip:p@192.0.2.100>;tag=b\r\nCall-ID: c\r\n\
             CSeq: {cseq} NOTIFY\r\nSubscription-State: active;expires=60\r\nContent-Length: 38\r\n\r\n\
             <dialog-info version=\"{version:08}\" a=\"\"/>"
        )
    };
    let mut tap = Wiretap::default();
    let mut sent = |at, text: &str| tap.sent(at, agent, phone, text.as_bytes());
    assert_eq!(sent(0, &notify(5, 0)), Ok(()));
    assert_eq!(sent(1, &notify(5, 0)), Ok(()), "sent again");
    assert!(sent(2, &notify(5, 1)).is_err(), "other bytes");
    assert!(sent(3, &notify(4, 1)).is_err(), "a CSeq that goes back");
    assert!(sent(4, &notify(6, 1)).is_err(), "two in flight");
    assert!(
        sent(40 * SECOND, &notify(6, 2)).is_err(),
        "a version left out"
    );
    assert!(
        sent(5, &notify(7, 2).replace("38", "37")).is_err(),
        "length"
    );
    let answer = notify(5, 0).replace("NOTIFY sip:p@192.0.2.100 SIP/2.0", "SIP/2.0 200 OK");
    assert!(sent(6, &answer).is_err(), "nobody asked");
    let storm = (8..200).map(|cseq| sent(60 * SECOND, &notify(cseq, cseq)));
    let why: Vec<String> = storm.filter_map(Result::err).collect();
    assert!(
        why.last().is_some_and(|why| why.contains("storm")),
        "{why:?}"
    );
}

/// Lives all seeds up to `lives`, on every core; panics with the lowest that failed.
fn all(lives: u64) -> Tally {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::default());
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_over = failed
                .lock()
                .expect("no panic here")
                .as_ref()
                .is_some_and(|(first, _)| *first < seed);
            if seed >= lives || is_over {
                return;
            }
            match one(seed) {
                Ok(tally) => add(&mut total.lock().expect("no panic here"), tally),
                Err(why) => {
                    let mut failed = failed.lock().expect("no panic here");
                    if failed.as_ref().is_none_or(|(first, _)| seed < *first) {
                        *failed = Some((seed, why));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, work).expect("a thread");
        }
    });
    if let Some((seed, why)) = failed.into_inner().expect("no panic here") {
        panic!("LAMPFIELD_SEED={seed} {why}");
    }
    total.into_inner().expect("no panic here")
}

/// One life; a panic in it is a failure like others.
fn one(seed: u64) -> Result<Tally, String> {
    catch_unwind(AssertUnwindSafe(|| live(seed, REAL))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

fn in_a_thread(seed: u64) -> Tally {
    let thread = std::thread::Builder::new().stack_size(STACK);
    let lived = thread.spawn(move || one(seed)).expect("a thread").join();
    match lived.expect("panics are caught") {
        Ok(tally) => tally,
        Err(why) => panic!("LAMPFIELD_SEED={seed} {why}"),
    }
}

fn add(total: &mut Tally, one: Tally) {
    total.requests += one.requests;
    total.presses += one.presses;
    total.boots += one.boots;
    total.restarts_of_pbxs += one.restarts_of_pbxs;
    total.cuts += one.cuts;
    total.notified += one.notified;
    total.proven += one.proven;
    total.refused += one.refused;
    total.hidings += one.hidings;
    total.chatters += one.chatters;
    total.attacks += one.attacks;
    total.let_in += one.let_in;
    total.slowest = total.slowest.max(one.slowest);
    assert!(total.slowest < 100 * MINUTE);
}

fn address(text: &str) -> std::net::SocketAddr {
    text.parse().expect("an address")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

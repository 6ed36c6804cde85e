//! Servers that err, and lamps that find it out: many short lives of one agent beside telephone systems with the faults
//! of the field. What must hold is said in `life`; each life is a seed.
//!
//! ```text
//!   lamps ◄── agent ◄──── network: loss, delay ────► telephone systems that know the truth
//!     │          └──── refresh, fetch, patrol ───►   and do not say it
//!     └── judged against what a fetch would tell
//! ```
//!
//! A failure names its seed: `LAMPFIELD_SEED=17 cargo test --test audits -- --nocapture` lives that one again and tells
//! all that happens in it. `LAMPFIELD_LIVES` takes another number of lives.

#[path = "../common/mod.rs"]
mod common;

mod life;
mod server;

use common::world::{Moment, SECOND};
use lampfield::{Seconds, WatchSettings};
use life::live;
use server::Tally;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lives in one test run.
const LIVES: u64 = 20_000;

/// An agent is large, and built on the stack before it is boxed.
const STACK: usize = 16 << 20;

#[test]
fn no_lamp_is_wrong_for_long_where_a_fetch_tells_the_truth() /* FIELD 1 11 */
{
    if let Some(seed) = number("LAMPFIELD_SEED") {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let lived = thread.spawn(move || one(seed)).expect("a thread").join();
        return println!("seed {seed}: {:#?}", lived.expect("panics are caught"));
    }
    let lives = number("LAMPFIELD_LIVES").unwrap_or(LIVES);
    let total = all(lives);
    println!("{lives} lives: {total:#?}");
    // The lives are worth something only if things went wrong in them.
    assert!(total.changes > 10 * lives, "{total:?}");
    assert!(total.swallowed > lives, "{total:?}");
    assert!(total.swapped > lives / 10, "{total:?}");
    assert!(total.frozen > lives / 10, "{total:?}");
    assert!(total.ghosts > lives / 10, "{total:?}");
    assert!(total.restarts > lives / 2, "{total:?}");
    assert!(
        total.fetches > lives && total.refreshes > lives,
        "{total:?}"
    );
    let longest: Moment = total.longest;
    assert!(longest > 100 * SECOND, "nothing was ever wrong: {total:?}");
}

#[test]
fn without_an_audit_the_same_lives_go_wrong() {
    let thread = std::thread::Builder::new().stack_size(STACK);
    let live_all = || {
        let lived = (0..50).map(|seed| live(seed, Seconds::ZERO));
        lived.filter_map(Result::err).collect::<Vec<String>>()
    };
    let wrong = thread.spawn(live_all).expect("a thread").join();
    let wrong = wrong.expect("they end");
    assert!(wrong.len() > 25, "{wrong:?}");
    assert!(
        wrong.iter().all(|why| why.contains("was wrong for")),
        "{wrong:?}"
    );
}

/// Lives all seeds up to `lives`, on every core; panics with the lowest that failed.
fn all(lives: u64) -> Tally {
    let next = AtomicU64::new(0);
    let total = Mutex::new((Tally::default(), None::<(u64, String)>));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= lives || total.lock().expect("no panic here").1.is_some() {
                return;
            }
            let lived = one(seed);
            let mut total = total.lock().expect("no panic here");
            match lived {
                Ok(tally) => total.0.add(&tally),
                Err(why) if total.1.as_ref().is_none_or(|(first, _)| seed < *first) => {
                    total.1 = Some((seed, why));
                }
                Err(_) => {}
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
    match total.into_inner().expect("no panic here") {
        (_, Some((seed, why))) => panic!("LAMPFIELD_SEED={seed} {why}"),
        (total, None) => total,
    }
}

/// One life; a panic in it is a failure like others.
fn one(seed: u64) -> Result<Tally, String> {
    catch_unwind(AssertUnwindSafe(|| live(seed, WatchSettings::AUDIT))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

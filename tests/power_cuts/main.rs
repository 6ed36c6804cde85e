//! The state store under power cuts, a full disk, a read-only one, I/O errors and bits that turn: whatever happens, it
//! opens with all of a state that was written, the last one or the one that was under way, or it says that it cannot be
//! used. `LAMPFIELD_SEED=n cargo test --test power_cuts` runs one life again.

mod disk;

use disk::Disk;
use lampfield::parts::{Batch, Opened, Random, Store};
use std::collections::BTreeMap;

type State = BTreeMap<String, Vec<u8>>;

/// Lives, and cuts in each.
const LIVES: u64 = 4_000;
const CUTS: usize = 4;

/// More than are ever written.
const RECORDS: usize = 64;

fn open(disk: &Disk) -> (Store<Disk>, Opened) {
    Store::open(disk.clone(), 7, RECORDS).expect("the power is on")
}

fn state(store: &Store<Disk>) -> State {
    let mut state = State::new();
    store.each(&mut |name, value| {
        state.insert(name.to_string(), value.to_vec());
    });
    state
}

/// Some changes, and the state behind them.
fn change(before: &State, random: &mut Random) -> (Batch, State) {
    let (mut batch, mut after) = (Batch::new(), before.clone());
    for _ in 0..1 + random.bits() % 6 {
        let name = format!("sub/{}", random.bits() % 12);
        let value = match random.bits() % 5 {
            0 => None,
            1 => Some(vec![random.bits() as u8; (random.bits() % 4_000) as usize]),
            _ => Some(vec![random.bits() as u8; (random.bits() % 300) as usize]),
        };
        batch.put(&name, value.as_deref()).expect("it fits");
        match value {
            Some(value) => after.insert(name, value),
            None => after.remove(&name),
        };
    }
    (batch, after)
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("LAMPFIELD_SEED")
        .ok()
        .and_then(|it| it.parse().ok())
    {
        Some(seed) => seed..seed + 1,
        None => 0..LIVES,
    }
}

/// Changes until the power fails; gives what was surely written last, and what was under way.
fn live(disk: &Disk, store: &mut Store<Disk>, random: &mut Random) -> (State, State) {
    let mut before = state(store);
    disk.light_fuse(Some((random.bits() % 20_000) as usize));
    loop {
        let (batch, after) = change(&before, random);
        match store.commit(&batch) {
            Ok(()) => before = after,
            Err(_) => return (before, after),
        }
    }
}

#[test]
fn a_cut_leaves_the_old_state_or_the_new_one() {
    let mut cuts = 0;
    for seed in seeds() {
        let mut random = Random::new();
        random.seed([seed, 1]);
        let disk = Disk::new(seed);
        let (mut store, _) = open(&disk);
        for _ in 0..CUTS {
            let (before, under_way) = live(&disk, &mut store, &mut random);
            disk.cut();
            cuts += 1;
            let (again, opened) = open(&disk);
            let found = state(&again);
            assert!(
                found == before || found == under_way,
                "seed {seed}: neither the old nor the new: {opened:?}"
            );
            assert!(
                !matches!(opened, Opened::SetAside(_)),
                "seed {seed}: {opened:?}"
            );
            store = again;
        }
    }
    assert!(cuts >= 10_000 || seeds().count() == 1, "{cuts} cuts");
}

#[test]
fn a_cut_after_every_single_byte_leaves_the_old_state_or_the_new_one() {
    let work = |disk: &Disk| {
        let mut random = Random::new();
        random.seed([3, 4]);
        let (mut store, _) = open(disk);
        let mut states = vec![state(&store)];
        let mut renewed = 0..0;
        // Rewriting the same names makes history, and a new file in the end.
        for round in 0..75_u8 {
            let mut batch = Batch::new();
            let value = vec![round; 4_000];
            batch.put("desk/0", Some(&value)).expect("it fits");
            batch.put("sub/1", Some(&value[..9])).expect("it fits");
            let mut next = states.last().cloned().unwrap_or_default();
            next.insert("desk/0".into(), value.clone());
            next.insert("sub/1".into(), value[..9].to_vec());
            states.push(next);
            let (before, files) = (disk.written(), store.counters().compactions);
            if store.commit(&batch).is_err() {
                break;
            }
            if store.counters().compactions > files {
                renewed = before..disk.written();
            }
        }
        (renewed, states)
    };
    let whole = Disk::new(0);
    let (renewed, _) = work(&whole);
    assert!(renewed.len() > 8_000, "no new file was made");
    // Each byte of the first frame, of the commit that makes a new file, and of the one behind it.
    for at in (40..4_200).chain(renewed.start..renewed.end + 4_200) {
        let disk = Disk::new(at as u64);
        let (store, _) = open(&disk);
        drop(store);
        disk.light_fuse(Some(at));
        let (_, states) = work(&disk);
        disk.cut();
        let (store, opened) = open(&disk);
        let found = state(&store);
        let last = &states[states.len().saturating_sub(2)..];
        assert!(last.contains(&found), "after {at} bytes: {opened:?}");
    }
}

#[test]
fn a_bit_that_turns_is_seen_or_takes_the_last_write_along() {
    for seed in 0..1_500 {
        let mut random = Random::new();
        random.seed([seed, 2]);
        let disk = Disk::new(seed);
        let (mut store, _) = open(&disk);
        let mut states = vec![state(&store)];
        for _ in 0..1 + random.bits() % 8 {
            let (batch, after) = change(states.last().expect("one"), &mut random);
            store.commit(&batch).expect("written");
            states.push(after);
        }
        let at = disk.flip().expect("a file");
        let (mut store, opened) = open(&disk);
        let found = state(&store);
        match opened {
            Opened::SetAside(_) => assert!(found.is_empty() && disk.aside() == 1),
            Opened::Torn => assert!(states.contains(&found), "seed {seed}, byte {at}"),
            Opened::Whole | Opened::New => panic!("seed {seed}: byte {at} went unseen"),
        }
        let (batch, after) = change(&found, &mut random);
        store.commit(&batch).expect("it works again");
        assert_eq!(state(&open(&disk).0), after, "seed {seed}");
    }
}

#[test]
fn a_full_or_read_only_disk_costs_nothing_that_was_written_and_heals() {
    for seed in 0..1_500 {
        let mut random = Random::new();
        random.seed([seed, 3]);
        let disk = Disk::new(seed);
        let (mut store, _) = open(&disk);
        let mut before = State::new();
        for trouble in 0..6 {
            match (seed + trouble) % 3 {
                0 => disk.leave_room(Some((random.bits() % 6_000) as usize)),
                1 => disk.set_read_only(true),
                _ => disk.fail_one_in(Some(3)),
            }
            for _ in 0..4 {
                let (batch, after) = change(&before, &mut random);
                if store.commit(&batch).is_ok() {
                    before = after;
                }
                assert_eq!(state(&store), before, "seed {seed}: it is readable");
            }
            disk.leave_room(None);
            disk.set_read_only(false);
            disk.fail_one_in(None);
            let (batch, after) = change(&before, &mut random);
            store.commit(&batch).expect("it works again");
            before = after;
            if random.bits().is_multiple_of(2) {
                disk.cut();
                store = open(&disk).0;
                assert_eq!(state(&store), before, "seed {seed}: what healed is safe");
            }
        }
    }
}

#[test]
fn nothing_that_stands_in_the_file_makes_it_panic() {
    let mut random = Random::new();
    random.seed([5, 6]);
    for _ in 0..3_000 {
        let disk = Disk::new(random.bits());
        let (mut store, _) = open(&disk);
        let (batch, _) = change(&State::new(), &mut random);
        store.commit(&batch).expect("written");
        for _ in 0..1 + random.bits() % 30 {
            disk.flip();
        }
        let (store, _) = open(&disk);
        state(&store);
    }
}

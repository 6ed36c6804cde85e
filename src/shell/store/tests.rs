//! A store on a disk in memory. What cuts do to it is in `tests/power_cuts.rs`.

use super::*;
use std::vec;

/// A disk that does what it is told.
#[derive(Default)]
struct Memory {
    file: Option<Vec<u8>>,
    new: Vec<u8>,
    aside: Option<Vec<u8>>,
}

impl Medium for Memory {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.file.clone())
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let file = self.file.as_deref().unwrap_or_default();
        let piece = file.get(at as usize..at as usize + buf.len());
        buf.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.get_or_insert_default();
        file.truncate(at as usize);
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.new = bytes.to_vec();
        Ok(())
    }

    fn sync_new(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        self.file = Some(core::mem::take(&mut self.new));
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.aside = self.file.take();
        Ok(())
    }
}

const MOST_RECORDS: usize = 20;

fn open(file: Option<Vec<u8>>) -> (Store<Memory>, Opened) {
    let memory = Memory {
        file,
        ..Memory::default()
    };
    Store::open(memory, 7, MOST_RECORDS).expect("the disk works")
}

fn all(store: &Store<Memory>) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    store.each(&mut |name, value| all.push((String::from(name), value.to_vec())));
    all
}

fn bytes(store: &mut Store<Memory>) -> Vec<u8> {
    store.medium().file.clone().expect("a file")
}

#[test]
fn records_come_back_by_name() {
    let (mut store, opened) = open(None);
    assert_eq!(opened, Opened::New);
    assert!(!store.set_raw("b", b"two").expect("written"));
    assert!(!store.set_raw("a", b"").expect("written"));
    assert!(store.set_raw("b", b"three").expect("written"));
    assert_eq!(store.len("b").expect("read"), Some(5));
    let mut buf = [0; 8];
    assert_eq!(
        store.get_raw("b", &mut buf).expect("read"),
        Some(&b"three"[..])
    );
    assert_eq!(store.get_raw("c", &mut buf).expect("read"), None);
    assert!(store.get_raw("b", &mut [0; 4]).is_err(), "it does not fit");
    assert!(store.contains("a").expect("read") && store.remove("a").expect("written"));
    assert!(!store.remove("a").expect("nothing to do"));
    let (again, opened) = open(Some(bytes(&mut store)));
    assert_eq!(opened, Opened::Whole);
    assert_eq!(all(&again), [(String::from("b"), b"three".to_vec())]);
}

#[test]
fn a_batch_counts_as_one() {
    let (mut store, _) = open(None);
    let mut batch = Batch::new();
    for name in ["x", "y", "x"] {
        batch.put(name, Some(name.as_bytes())).expect("it fits");
    }
    batch.put("y", None).expect("it fits");
    store.commit(&batch).expect("written");
    assert_eq!(all(&store), [(String::from("x"), b"x".to_vec())]);
    assert_eq!(store.counters().commits, 1);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut batch = Batch::new();
    assert_eq!(batch.put("", Some(b"")), Err(batch::Unfit::Name));
    assert_eq!(batch.put("sixteen-bytes-16", None), Err(batch::Unfit::Name));
    let long = vec![0; batch::VALUE + 1];
    assert_eq!(batch.put("a", Some(&long)), Err(batch::Unfit::Value));
    assert!(batch.is_empty());
    while batch.put("a", Some(&long[1..])).is_ok() {}
    assert!(!batch.has_room());
    let (mut store, _) = open(None);
    for number in 0..MOST_RECORDS {
        store.set_raw(&format!("n{number}"), b"").expect("room");
    }
    assert!(store.set_raw("more", b"").is_err());
    store.set_raw("n1", b"x").expect("a known name");
    assert_eq!(all(&store).len(), MOST_RECORDS);
}

/// What a build with larger tables wrote is not lost to one with smaller tables, and makes way.
#[test]
fn a_file_with_more_records_than_there_is_room_for_is_read_whole() {
    let larger = Memory::default();
    let (mut larger, _) = Store::open(larger, 7, 2 * MOST_RECORDS).expect("the disk works");
    for number in 0..2 * MOST_RECORDS {
        larger.set_raw(&format!("n{number}"), b"").expect("room");
    }
    let (mut store, opened) = open(Some(bytes(&mut larger)));
    assert_eq!(opened, Opened::Whole);
    assert_eq!(all(&store).len(), 2 * MOST_RECORDS);
    assert!(store.set_raw("more", b"").is_err());
    for number in 0..=MOST_RECORDS {
        store.remove(&format!("n{number}")).expect("it makes way");
    }
    store.set_raw("more", b"").expect("room");
    assert_eq!(all(&store).len(), MOST_RECORDS);
}

#[test]
fn history_is_dropped() {
    let (mut store, _) = open(None);
    let value = vec![7; 4_000];
    for round in 0..400_u32 {
        store
            .set_raw(&format!("n{}", round % 4), &value)
            .expect("written");
    }
    assert!(store.counters().compactions >= 2, "{:?}", store.counters());
    let bytes = bytes(&mut store);
    assert!((bytes.len() as u64) < LONG + 8_000);
    let (again, _) = open(Some(bytes));
    assert_eq!(all(&again), all(&store));
}

#[test]
fn every_prefix_is_an_earlier_state_and_every_later_damage_is_seen() {
    let (mut store, _) = open(None);
    let mut states = vec![all(&store)];
    for round in 0..6_u8 {
        store
            .set_raw(["a", "b"][usize::from(round) % 2], &[round; 40])
            .expect("written");
        states.push(all(&store));
    }
    let bytes = bytes(&mut store);
    for len in 0..bytes.len() {
        let (cut, opened) = open(Some(bytes[..len].to_vec()));
        match opened {
            Opened::SetAside(_) => assert!(len < 32, "{len}: {opened:?}"),
            Opened::Whole | Opened::Torn => assert!(states.contains(&all(&cut)), "{len}"),
            Opened::New => panic!("there was one"),
        }
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        let (mut damaged, opened) = open(Some(flipped.clone()));
        match opened {
            Opened::SetAside(_) => {
                assert_eq!(
                    damaged.medium().aside,
                    Some(flipped),
                    "for somebody to look at"
                );
                assert!(all(&damaged).is_empty());
            }
            // Of the last frame nobody can tell damage from a cut.
            Opened::Torn => assert_eq!(all(&damaged), states[5], "{at}"),
            Opened::Whole | Opened::New => panic!("{at}: nobody saw it"),
        }
    }
}

#[test]
fn another_version_or_another_file_is_set_aside() {
    let (mut store, _) = open(None);
    store.set_raw("a", b"x").expect("written");
    let mut newer = bytes(&mut store);
    newer[8] = 2;
    for (file, why) in [
        (newer, "it is of another version"),
        (b"#!/bin/sh".to_vec(), "it is no state of ours"),
        (Vec::new(), "it is empty"),
    ] {
        let (mut store, opened) = open(Some(file));
        assert_eq!(opened, Opened::SetAside(String::from(why)));
        store.set_raw("a", b"y").expect("it begins anew");
    }
}

#[test]
fn a_torn_end_is_gone_before_anything_is_added() {
    let (mut store, _) = open(None);
    store.set_raw("a", b"1").expect("written");
    let whole = bytes(&mut store);
    store.set_raw("a", b"2").expect("written");
    let mut torn = bytes(&mut store);
    torn.truncate(whole.len() + 10);
    let (mut store, opened) = open(Some(torn));
    assert_eq!(opened, Opened::Torn);
    store.set_raw("b", b"3").expect("written");
    let (again, opened) = open(Some(bytes(&mut store)));
    assert_eq!(opened, Opened::Whole);
    let expected = [("a", b"1"), ("b", b"3")];
    let expected = expected.map(|(name, value)| (String::from(name), value.to_vec()));
    assert_eq!(all(&again), expected);
}

/// Every place in it seems to begin a long frame of good entries.
#[test]
fn a_crafted_tail_is_not_looked_through_for_ever() /* ATTACKS J03 */
{
    let (mut store, _) = open(None);
    store.set_raw("a", b"1").expect("written");
    let whole = bytes(&mut store);
    let entry = [1, 1, 0, 0, b'a'];
    for pattern in [
        &entry[..],
        &[0, 0, 8, 0],
        &[0; 4],
        &[1, 1, 1, 1, 0, 0, 0, 0],
    ] {
        let mut crafted = whole.clone();
        let tail = pattern.iter().cycle().take(4 * 1024 * 1024);
        crafted.extend(tail.copied());
        let before = std::time::Instant::now();
        let (_, opened) = open(Some(crafted));
        assert_ne!(opened, Opened::Whole);
        let took = before.elapsed();
        assert!(
            took < std::time::Duration::from_secs(2),
            "{pattern:?}: {took:?}"
        );
    }
}

//! Entries, indices, queues and chains, against the plain things that they stand for.

extern crate std;
use super::*;
use crate::ground::random::Random;
use std::vec::Vec as StdVec;

#[test]
fn a_stale_id_finds_nothing() {
    let mut table = Table::<&str, 2>::new();
    let old = table.insert("old").expect("there is room");
    assert_eq!(table.remove(old), Some("old"));
    let new = table.insert("new").expect("there is room");
    assert_eq!(new.slot(), old.slot());
    assert_eq!(table.get(old), None);
    assert_eq!(table.remove(old), None);
    assert_eq!(table.get(new), Some(&"new"));
}

#[test]
fn a_full_table_gives_the_entry_back() {
    let mut table = Table::<u8, 2>::new();
    table.leave_room(Some(1));
    assert!(table.insert(1).is_ok());
    assert_eq!(table.insert(2), Err(2));
    table.leave_room(None);
    assert!(table.insert(2).is_ok());
    assert_eq!(table.insert(3), Err(3));
    assert_eq!(table.len(), 2);
}

#[test]
fn an_index_agrees_with_a_plain_search() {
    let mut random = Random::new();
    random.seed([3, 4]);
    let mut index = Index::<32>::new();
    let mut plain = StdVec::<(u64, u16)>::new();
    for _ in 0..20_000 {
        // Few distinct hashes, so that runs collide and wrap around.
        let hash = random.bits() % 12 + 26;
        let slot = (random.bits() % 16) as u16;
        if let Some(at) = plain.iter().position(|&(_, taken)| taken == slot) {
            let (hash, slot) = plain.swap_remove(at);
            index.remove(hash, slot);
        } else {
            plain.push((hash, slot));
            index.insert(hash, slot);
        }
        for &(hash, slot) in &plain {
            assert_eq!(index.find(hash, |found| found == slot), Some(slot));
        }
        assert_eq!(
            index.find(hash, |_| true).is_some(),
            plain.iter().any(|&(entered, _)| entered == hash)
        );
    }
}

#[test]
fn a_queue_holds_a_slot_once() {
    let mut queue = Queue::<3>::new();
    for slot in [2, 0, 2, 1, 0] {
        queue.push(slot);
    }
    assert_eq!(
        [queue.pop(), queue.pop(), queue.pop(), queue.pop()],
        [Some(2), Some(0), Some(1), None]
    );
    queue.push(2);
    assert_eq!(queue.pop(), Some(2));
}

#[test]
fn chains_agree_with_plain_lists() {
    let mut random = Random::new();
    random.seed([8, 9]);
    let mut chains = Chains::<12, 3>::new();
    let mut plain = [None; 12];
    for _ in 0..5_000 {
        let slot = (random.bits() % 12) as u16;
        let list = (random.bits() % 3) as usize;
        match plain[slot as usize].take() {
            Some(list) => chains.leave(list, slot),
            None => {
                chains.enter(list, slot);
                plain[slot as usize] = Some(list);
            }
        }
        for list in 0..3 {
            let mut found = StdVec::new();
            let mut next = chains.first(list);
            while let Some(slot) = next {
                found.push(slot);
                next = chains.after(slot);
            }
            found.sort_unstable();
            let expected: StdVec<u16> = (0..12)
                .filter(|&slot| plain[slot as usize] == Some(list))
                .collect();
            assert_eq!(found, expected);
        }
    }
}

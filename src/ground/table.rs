//! Tables of fixed capacity whose handles expire, an index by hash, and a queue of slots.

use core::fmt;
use core::marker::PhantomData;
use heapless::{Deque, Vec};

/// The most slots that a table may have, and whatever keeps a mark for each of them.
pub const SLOTS: usize = 1 << 15;

/// A handle to an entry of a [`Table`]. Once the entry is gone it finds nothing, never a neighbour.
pub struct Id<T> {
    slot: u16,
    lap: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The entry's place in its table.
    pub const fn slot(self) -> u16 {
        self.slot
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Id<T> {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Id<T>) -> bool {
        (self.slot, self.lap) == (other.slot, other.lap)
    }
}

impl<T> Eq for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.lap)
    }
}

/// Up to `N` entries. Everything takes constant time, but for [`Table::iter`], and [`Table::insert_at`], which looks
/// for its slot among the free ones.
///
/// Full: [`Table::insert`] gives the entry back; what that means is said by the table's owner.
pub struct Table<T, const N: usize> {
    /// Slots ever used; a slot is touched for the first time when all before it are taken.
    slots: Vec<Slot<T>, N>,
    free: Vec<u16, N>,
    reserved: usize,
}

struct Slot<T> {
    lap: u32,
    entry: Option<T>,
}

impl<T, const N: usize> Table<T, N> {
    /// An empty table.
    pub const fn new() -> Table<T, N> {
        const { assert!(N <= SLOTS, "a slot number is 15 bits") }
        Table {
            slots: Vec::new(),
            free: Vec::new(),
            reserved: 0,
        }
    }

    /// Takes `entry` in.
    ///
    /// # Errors
    /// Gives `entry` back if the table is full.
    pub fn insert(&mut self, entry: T) -> Result<Id<T>, T> {
        let Some(slot) = self.vacant() else {
            return Err(entry);
        };
        self.free.pop();
        match self.slots.get_mut(slot as usize) {
            Some(free) => free.entry = Some(entry),
            None => {
                if let Err(Slot {
                    entry: Some(entry), ..
                }) = self.slots.push(Slot {
                    lap: 0,
                    entry: Some(entry),
                }) {
                    return Err(entry);
                }
            }
        }
        Ok(Id {
            slot,
            lap: self.slots[slot as usize].lap,
            of: PhantomData,
        })
    }

    /// Takes `entry` in at a slot of its own choice: one whose number others have kept over a restart.
    ///
    /// # Errors
    /// Gives `entry` back if the slot is taken or there is none of that number.
    pub fn insert_at(&mut self, slot: u16, entry: T) -> Result<Id<T>, T> {
        if usize::from(slot) >= N || self.is_full() {
            return Err(entry);
        }
        while self.slots.len() <= usize::from(slot) {
            let _ = self.free.push(self.slots.len() as u16); // Never more than there are slots.
            let _ = self.slots.push(Slot {
                lap: 0,
                entry: None,
            });
        }
        let Some(at) = self.free.iter().position(|&free| free == slot) else {
            return Err(entry);
        };
        self.free.swap_remove(at);
        let place = &mut self.slots[usize::from(slot)];
        place.entry = Some(entry);
        Ok(Id {
            slot,
            lap: place.lap,
            of: PhantomData,
        })
    }

    /// Takes the entry out; its id finds nothing from now on.
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.lap != id.lap {
            return None;
        }
        let entry = slot.entry.take()?;
        slot.lap = slot.lap.wrapping_add(1);
        let _ = self.free.push(id.slot);
        Some(entry)
    }

    /// The entry, to change it.
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.lap == id.lap {
            slot.entry.as_mut()
        } else {
            None
        }
    }

    /// Leaves room for only `left` more entries; `None` takes the bound away. Tests walk each flow through a
    /// full table with it.
    #[cfg(test)]
    pub fn leave_room(&mut self, left: Option<usize>) {
        self.reserved = left.map_or(0, |left| N.saturating_sub(self.len() + left));
    }

    /// The entry.
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        let slot = self.slots.get(id.slot as usize)?;
        if slot.lap == id.lap {
            slot.entry.as_ref()
        } else {
            None
        }
    }

    /// The slot that the next entry gets; `None` if the table is full.
    pub fn vacant(&self) -> Option<u16> {
        if self.is_full() {
            return None;
        }
        Some(self.free.last().copied().unwrap_or(self.slots.len() as u16))
    }

    /// The id of whatever is in `slot` now.
    pub fn id_at(&self, slot: u16) -> Option<Id<T>> {
        let found = self.slots.get(slot as usize)?;
        found.entry.as_ref()?;
        Some(Id {
            slot,
            lap: found.lap,
            of: PhantomData,
        })
    }

    /// All entries, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, found)| {
            let entry = found.entry.as_ref()?;
            Some((
                Id {
                    slot: slot as u16,
                    lap: found.lap,
                    of: PhantomData,
                },
                entry,
            ))
        })
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many more entries fit.
    pub fn room(&self) -> usize {
        N.saturating_sub(self.len() + self.reserved)
    }

    /// Whether the next [`Table::insert`] is refused.
    pub fn is_full(&self) -> bool {
        self.len() + self.reserved >= N
    }
}

impl<T, const N: usize> Default for Table<T, N> {
    fn default() -> Table<T, N> {
        Table::new()
    }
}

/// Finds a slot by the hash of what is in it: open addressing with linear probing over `CELLS` cells, a power
/// of two and at least twice the entries, so that a search ends after a few steps.
///
/// Hashes must come from a [`Secret`](super::random::Secret), or strangers choose where they fall.
pub struct Index<const CELLS: usize> {
    /// The low half of the hash, and the slot plus one; 0 is an empty cell.
    cells: [(u32, u16); CELLS],
}

impl<const CELLS: usize> Index<CELLS> {
    const MASK: usize = CELLS - 1;

    /// An empty index.
    pub const fn new() -> Index<CELLS> {
        const {
            assert!(CELLS.is_power_of_two());
            assert!(CELLS <= cells(SLOTS), "a slot number is 15 bits");
        }
        Index {
            cells: [(0, 0); CELLS],
        }
    }

    /// Enters `slot` under `hash`. The caller enters no more than half of the cells.
    pub fn insert(&mut self, hash: u64, slot: u16) {
        let hash = hash as u32;
        let mut at = hash as usize & Self::MASK;
        while self.cells[at].1 != 0 {
            at = (at + 1) & Self::MASK;
        }
        self.cells[at] = (hash, slot + 1);
    }

    /// Removes `slot` from under `hash` and closes the gap.
    pub fn remove(&mut self, hash: u64, slot: u16) {
        let hash = hash as u32;
        let mut gap = hash as usize & Self::MASK;
        while self.cells[gap] != (hash, slot + 1) {
            if self.cells[gap].1 == 0 {
                return;
            }
            gap = (gap + 1) & Self::MASK;
        }
        let mut at = gap;
        loop {
            at = (at + 1) & Self::MASK;
            let (hash, slot) = self.cells[at];
            if slot == 0 {
                break;
            }
            let home = hash as usize & Self::MASK;
            if at.wrapping_sub(home) & Self::MASK >= at.wrapping_sub(gap) & Self::MASK {
                self.cells[gap] = self.cells[at];
                gap = at;
            }
        }
        self.cells[gap] = (0, 0);
    }

    /// The first slot entered under `hash` that `is_it`; the index compares half of the hash, the caller the rest.
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u16) -> bool) -> Option<u16> {
        let hash = hash as u32;
        let mut at = hash as usize & Self::MASK;
        while self.cells[at].1 != 0 {
            let (found, slot) = self.cells[at];
            if found == hash && is_it(slot - 1) {
                return Some(slot - 1);
            }
            at = (at + 1) & Self::MASK;
        }
        None
    }
}

impl<const CELLS: usize> Default for Index<CELLS> {
    fn default() -> Index<CELLS> {
        Index::new()
    }
}

/// The cells an [`Index`] over `entries` entries wants.
pub const fn cells(entries: usize) -> usize {
    (entries * 2).next_power_of_two()
}

/// Slots in the order they came, each at most once.
pub struct Queue<const N: usize> {
    waiting: Deque<u16, N>,
    queued: [bool; N],
}

impl<const N: usize> Queue<N> {
    /// An empty queue.
    pub const fn new() -> Queue<N> {
        const { assert!(N <= SLOTS, "a slot number is 15 bits") }
        Queue {
            waiting: Deque::new(),
            queued: [false; N],
        }
    }

    /// Puts `slot` at the end unless it waits already. Never full: there are as many places as slots.
    pub fn push(&mut self, slot: u16) {
        if !self.queued[slot as usize] && self.waiting.push_back(slot).is_ok() {
            self.queued[slot as usize] = true;
        }
    }

    /// Whether no slot waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the first slot out.
    pub fn pop(&mut self) -> Option<u16> {
        let slot = self.waiting.pop_front()?;
        self.queued[slot as usize] = false;
        Some(slot)
    }
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Queue<N> {
        Queue::new()
    }
}

/// Slots in lists, each slot in at most one of `LISTS` lists; entering and leaving take constant time.
pub struct Chains<const N: usize, const LISTS: usize> {
    /// The first slot of each list, plus one; 0 for an empty list.
    first: [u16; LISTS],
    /// Each slot's neighbours, plus one; 0 for none.
    links: [Link; N],
}

#[derive(Clone, Copy)]
struct Link {
    before: u16,
    after: u16,
}

impl<const N: usize, const LISTS: usize> Chains<N, LISTS> {
    /// All lists are empty.
    pub const fn new() -> Chains<N, LISTS> {
        const { assert!(N <= SLOTS, "a slot number is 15 bits") }
        Chains {
            first: [0; LISTS],
            links: [Link {
                before: 0,
                after: 0,
            }; N],
        }
    }

    /// Enters `slot`, which is in no list, into `list`.
    pub fn enter(&mut self, list: usize, slot: u16) {
        let after = self.first[list];
        self.links[slot as usize] = Link { before: 0, after };
        if after != 0 {
            self.links[after as usize - 1].before = slot + 1;
        }
        self.first[list] = slot + 1;
    }

    /// Takes `slot` out of `list`, which it is in.
    pub fn leave(&mut self, list: usize, slot: u16) {
        let Link { before, after } = self.links[slot as usize];
        if before == 0 {
            self.first[list] = after;
        } else {
            self.links[before as usize - 1].after = after;
        }
        if after != 0 {
            self.links[after as usize - 1].before = before;
        }
        self.links[slot as usize] = Link {
            before: 0,
            after: 0,
        };
    }

    /// The first slot of `list`.
    pub fn first(&self, list: usize) -> Option<u16> {
        self.first[list].checked_sub(1)
    }

    /// The slot behind `slot` in its list.
    pub fn after(&self, slot: u16) -> Option<u16> {
        self.links[slot as usize].after.checked_sub(1)
    }
}

impl<const N: usize, const LISTS: usize> Default for Chains<N, LISTS> {
    fn default() -> Chains<N, LISTS> {
        Chains::new()
    }
}

#[cfg(test)]
mod tests;

//! When each slot of a table wants attention: a heap that knows where each slot stands in it.

use super::table::SLOTS;
use super::time::Instant;

/// At most one moment for each of `N` slots. Setting, moving, clearing and taking cost `log N` steps.
pub struct Timers<const N: usize> {
    /// A binary heap of slots, earliest first.
    heap: [u16; N],
    len: u16,
    /// Where each slot stands in the heap, plus one; 0 when it has no timer.
    place: [u16; N],
    due: [Instant; N],
}

impl<const N: usize> Timers<N> {
    /// No timer is set.
    pub const fn new() -> Timers<N> {
        const { assert!(N <= SLOTS, "a slot number is 15 bits") }
        Timers {
            heap: [0; N],
            len: 0,
            place: [0; N],
            due: [Instant::ZERO; N],
        }
    }

    /// Sets, moves or clears the timer of `slot`.
    pub fn set(&mut self, slot: u16, due: Option<Instant>) {
        let known = self.place[slot as usize];
        match due {
            None if known == 0 => {}
            None => self.clear(known as usize - 1),
            Some(due) => {
                self.due[slot as usize] = due;
                let at = if known == 0 {
                    self.len as usize
                } else {
                    known as usize - 1
                };
                if known == 0 {
                    self.len += 1;
                    self.put(at, slot);
                }
                self.settle(at);
            }
        }
    }

    /// Sets the timer of `slot`, unless an earlier one is set.
    pub fn hasten(&mut self, slot: u16, due: Instant) {
        let is_set = self.place[usize::from(slot)] != 0;
        if !is_set || due < self.due[usize::from(slot)] {
            self.set(slot, Some(due));
        }
    }

    /// Sets the timer of every slot, unless an earlier one is set.
    pub fn hasten_all(&mut self, due: Instant) {
        for slot in 0..N as u16 {
            self.hasten(slot, due);
        }
    }

    /// Takes a slot whose moment has come, earliest first; its timer is cleared.
    pub fn take_due(&mut self, now: Instant) -> Option<u16> {
        if self.next()? > now {
            return None;
        }
        let slot = self.heap[0];
        self.clear(0);
        Some(slot)
    }

    /// The moment of `slot`.
    pub fn due(&self, slot: u16) -> Option<Instant> {
        let is_set = self.place[usize::from(slot)] != 0;
        is_set.then_some(self.due[usize::from(slot)])
    }

    /// The earliest moment set.
    pub fn next(&self) -> Option<Instant> {
        if self.len == 0 {
            None
        } else {
            Some(self.due[self.heap[0] as usize])
        }
    }

    fn clear(&mut self, at: usize) {
        self.place[self.heap[at] as usize] = 0;
        self.len -= 1;
        let last = self.heap[self.len as usize];
        if at < self.len as usize {
            self.put(at, last);
            self.settle(at);
        }
    }

    /// Moves what stands at `at` up or down to where it belongs.
    fn settle(&mut self, mut at: usize) {
        let slot = self.heap[at];
        let due = self.due[slot as usize];
        while at > 0 && due < self.due_at((at - 1) / 2) {
            self.put(at, self.heap[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        loop {
            let mut child = 2 * at + 1;
            if child + 1 < self.len as usize && self.due_at(child + 1) < self.due_at(child) {
                child += 1;
            }
            if child >= self.len as usize || self.due_at(child) >= due {
                break;
            }
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, slot);
    }

    fn put(&mut self, at: usize, slot: u16) {
        self.heap[at] = slot;
        self.place[slot as usize] = at as u16 + 1;
    }

    fn due_at(&self, at: usize) -> Instant {
        self.due[self.heap[at] as usize]
    }
}

impl<const N: usize> Default for Timers<N> {
    fn default() -> Timers<N> {
        Timers::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::random::Random;

    #[test]
    fn timers_agree_with_a_plain_search() {
        let mut random = Random::new();
        random.seed([5, 6]);
        let mut timers = Timers::<16>::new();
        let mut plain = [None; 16];
        let mut now = Instant::ZERO;
        for step in 0..20_000u64 {
            let slot = (random.bits() % 16) as u16;
            match random.bits() % 5 {
                4 => {
                    let due = Instant::from_micros(step + random.bits() % 50);
                    timers.hasten(slot, due);
                    let known = &mut plain[slot as usize];
                    *known = Some(known.map_or(due, |it: Instant| it.min(due)));
                }
                0 => {
                    timers.set(slot, None);
                    plain[slot as usize] = None;
                }
                1 | 2 => {
                    let due = Instant::from_micros(step + random.bits() % 50);
                    timers.set(slot, Some(due));
                    plain[slot as usize] = Some(due);
                }
                _ => {
                    now = Instant::from_micros(step);
                    while let Some(due) = timers.take_due(now) {
                        let earliest = plain.iter().flatten().min().copied();
                        assert_eq!(plain[due as usize].take(), earliest);
                    }
                }
            }
            assert_eq!(timers.next(), plain.iter().flatten().min().copied());
            assert_eq!(timers.due(slot), plain[slot as usize]);
        }
        assert!(now > Instant::ZERO);
    }
}

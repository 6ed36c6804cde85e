//! A global allocator that counts what the thread that asks has allocated, and what it holds.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]
#![allow(unreachable_pub, dead_code, reason = "each user takes it in whole")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn hold(bytes: isize) {
    HELD.with(|held| held.set(held.get() + bytes));
    MOST.with(|most| most.set(most.get().max(HELD.with(Cell::get))));
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        hold(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        hold(size as isize - layout.size() as isize);
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread so far.
pub fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// The most bytes that this thread holds beyond what it does now, while `work` goes on.
pub fn most_held(work: impl FnOnce()) -> usize {
    let before = HELD.with(Cell::get);
    MOST.with(|most| most.set(before));
    work();
    MOST.with(Cell::get).saturating_sub(before) as usize
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    drop(std::hint::black_box(Box::new(5)));
    assert_eq!(allocations() - before, 1);
    let mut grows = std::hint::black_box(Vec::<u8>::with_capacity(1));
    grows.reserve(1_000);
    assert_eq!(allocations() - before, 3);
    drop(grows);
    let most = most_held(|| {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(500)));
        drop(std::hint::black_box(Vec::<u8>::with_capacity(700)));
    });
    assert_eq!(most, 700);
}

//! What a scope costs: entering and leaving one, and allocating by way of the global allocator's face
//! within it and outside.
//!
//! Each line is a thousand operations, so that the clock does not count: nanoseconds in it are
//! picoseconds of one. The allocator is called as a global allocator is, but is not this program's.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use famalloc::{FamAlloc, alloc_family};

#[alloc_family]
enum Lives {
    #[family(fallback)]
    General,
    Ast,
}

static ALLOCATOR: FamAlloc<Lives> = FamAlloc::new();

const OPERATIONS: usize = 1000;
const LAYOUT: Layout = Layout::new::<[u64; 6]>();

fn main() {
    divan::main();
}

/// One thousand entries and exits.
#[divan::bench]
fn enter_and_leave(bencher: Bencher) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(|| {
        for i in 0..OPERATIONS {
            lives::Ast::scope(|| black_box(i));
        }
    });
}

fn pairs() {
    for i in 0..OPERATIONS {
        // SAFETY: the layout has a size; the memory is written within it, and freed once.
        unsafe {
            let start = ALLOCATOR.alloc(black_box(LAYOUT));
            start.cast::<usize>().write(i);
            ALLOCATOR.dealloc(black_box(start), LAYOUT);
        }
    }
}

/// One thousand objects of 48 bytes allocated and freed outside of any scope.
#[divan::bench]
fn pair_outside(bencher: Bencher) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(pairs);
}

/// The same within one scope.
#[divan::bench]
fn pair_within(bencher: Bencher) {
    let _scope = lives::Ast::enter();
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(pairs);
}

/// The same with a scope for each.
#[divan::bench]
fn pair_in_a_scope_each(bencher: Bencher) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(|| {
        for i in 0..OPERATIONS {
            let start = lives::Ast::scope(|| {
                // SAFETY: the layout has a size.
                unsafe { ALLOCATOR.alloc(black_box(LAYOUT)) }
            });
            // SAFETY: 48 bytes were allocated.
            unsafe { start.cast::<usize>().write(i) };
            // SAFETY: allocated above, freed once.
            unsafe { ALLOCATOR.dealloc(black_box(start), LAYOUT) };
        }
    });
}

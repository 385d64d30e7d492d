//! An allocator that keeps books: the oracle of the workloads' tests.
//!
//! It writes down every call of its thread. It fills new memory with a pattern and keeps what is in
//! memory that is freed, so that a test sees what a workload wrote; and it stops a workload that
//! frees what does not live, or with another layout than it asked for.

use core::alloc::Layout;
use core::cell::RefCell;
use core::mem;
use core::ptr::NonNull;
use std::collections::HashMap;

use crate::allocator::{Allocator, object_layout};
use crate::peers::System;

/// What new memory is full of.
pub(crate) const FRESH: u8 = 0xee;

/// A call. Objects have numbers, in the order in which they were allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Alloc { object: usize, layout: Layout },
    AllocZeroed { object: usize, layout: Layout },
    Grow { object: usize, size: usize },
    Free { object: usize, layout: Layout, bytes: Vec<u8> },
    GiveBack,
}

#[derive(Default)]
struct Books {
    calls: Vec<Call>,
    live: HashMap<NonNull<u8>, (usize, Layout)>,
    allocated: usize,
}

thread_local! {
    static BOOKS: RefCell<Books> = RefCell::default();
}

/// The allocator whose calls are written down.
#[derive(Debug)]
pub(crate) struct Ledger;

impl Ledger {
    /// The calls since this was last asked.
    pub(crate) fn calls() -> Vec<Call> {
        BOOKS.with_borrow_mut(|books| mem::take(&mut books.calls))
    }

    /// How many objects live.
    pub(crate) fn live() -> usize {
        BOOKS.with_borrow(|books| books.live.len())
    }

    fn alloc_filled(layout: Layout, byte: u8, call: fn(usize, Layout) -> Call) -> NonNull<u8> {
        let start = System.alloc_layout(layout);
        // SAFETY: allocated just now with this size.
        unsafe { start.write_bytes(byte, layout.size()) };
        BOOKS.with_borrow_mut(|books| {
            let object = books.allocated;
            books.allocated += 1;
            books.live.insert(start, (object, layout));
            books.calls.push(call(object, layout));
        });
        start
    }
}

impl Books {
    /// Takes a live object out of the books.
    fn remove(&mut self, start: NonNull<u8>, layout: Layout) -> usize {
        let (object, asked) = self.live.remove(&start).expect("it is a live object");
        assert_eq!(layout, asked, "it has the layout that was asked for");
        object
    }
}

impl Allocator for Ledger {
    const NAME: &'static str = "ledger";

    fn new() -> Self {
        Self
    }

    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        self.alloc_layout(object_layout::<SIZE>()).cast()
    }

    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above with this layout (contract).
        unsafe { self.free_layout(object.cast(), object_layout::<SIZE>()) };
    }

    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        Self::alloc_filled(layout, FRESH, |object, layout| Call::Alloc { object, layout })
    }

    fn alloc_zeroed(&self, layout: Layout) -> NonNull<u8> {
        Self::alloc_filled(layout, 0, |object, layout| Call::AllocZeroed { object, layout })
    }

    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        BOOKS.with_borrow_mut(|books| {
            let object = books.remove(start, layout);
            let bytes = NonNull::slice_from_raw_parts(start, layout.size());
            // SAFETY: a live object of that size, by the books, filled when it was allocated.
            let bytes = unsafe { bytes.as_ref() }.to_vec();
            books.calls.push(Call::Free { object, layout, bytes });
        });
        // SAFETY: passed on.
        unsafe { System.free_layout(start, layout) };
    }

    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let grown = Layout::from_size_align(size, layout.align()).expect("sizes are small");
        // SAFETY: passed on.
        let moved = unsafe { System.grow_layout(start, layout, size) };
        // SAFETY: it has so many bytes behind those of the old layout.
        let added = unsafe { moved.add(layout.size()) };
        // SAFETY: as above.
        unsafe { added.write_bytes(FRESH, size - layout.size()) };
        BOOKS.with_borrow_mut(|books| {
            let object = books.remove(start, layout);
            books.live.insert(moved, (object, grown));
            books.calls.push(Call::Grow { object, size });
        });
        moved
    }

    fn rest(&mut self) {
        assert_eq!(Self::live(), 0, "an arena starts over only when nothing lives");
    }

    fn give_back(&self) {
        BOOKS.with_borrow_mut(|books| books.calls.push(Call::GiveBack));
    }
}

//! A heap that knows what lives in it, for the tests of the programs.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::allocator::{Heap, LIVES, Life};
use crate::peers::System;

/// What lives at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Objects of each lifetime.
    pub(super) objects: [usize; LIVES],
    /// Bytes of all.
    pub(super) bytes: usize,
    /// How many requests there have been.
    pub(super) requests: usize,
}

#[derive(Default)]
struct State {
    now: Counts,
    live: HashMap<usize, (Life, Layout)>,
    at_rests: Vec<Counts>,
    /// What was asked for and what was freed, in order.
    requests: Vec<(bool, Life, usize)>,
}

/// Checks that what is freed lives, with the same lifetime and layout, and was written from end to
/// end; counts what lives; and keeps the counts of the moments at which it was asked to give back.
#[derive(Default)]
pub(super) struct Counting(Mutex<State>);

impl Counting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test fails while it holds this")
    }

    /// What lived whenever the heap was asked to give back.
    pub(super) fn at_rests(&self) -> Vec<Counts> {
        self.state().at_rests.clone()
    }

    /// What was asked for (`true`) and freed (`false`), in order.
    pub(super) fn requests(&self) -> Vec<(bool, Life, usize)> {
        self.state().requests.clone()
    }

    /// The least and the most bytes that were asked for in this lifetime.
    pub(super) fn sizes(&self, life: Life) -> (usize, usize) {
        let state = self.state();
        let asked = state.requests.iter().filter(|(asked, of, _)| *asked && *of == life);
        let sizes = asked.map(|&(.., size)| size);
        (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0))
    }
}

impl Heap for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn alloc(&self, life: Life, layout: Layout) -> NonNull<u8> {
        let start = Heap::alloc(&System, life, layout);
        // SAFETY: allocated just now with this layout.
        unsafe { start.write_bytes(0, layout.size()) };
        let mut state = self.state();
        state.now.objects[life as usize] += 1;
        state.now.bytes += layout.size();
        state.requests.push((true, life, layout.size()));
        state.live.insert(start.as_ptr().addr(), (life, layout));
        start
    }

    unsafe fn free(&self, life: Life, start: NonNull<u8>, layout: Layout) {
        let mut state = self.state();
        let known = state.live.remove(&start.as_ptr().addr());
        assert_eq!(known, Some((life, layout)), "freed otherwise than allocated");
        // SAFETY: it lives, and `alloc` has written all of it.
        let bytes = unsafe { NonNull::slice_from_raw_parts(start, layout.size()).as_ref() };
        assert!(bytes.iter().all(|&byte| byte != 0), "a part was never written");
        state.now.objects[life as usize] -= 1;
        state.now.bytes -= layout.size();
        state.requests.push((false, life, layout.size()));
        // SAFETY: passed on.
        unsafe { Heap::free(&System, life, start, layout) };
    }

    fn give_back(&self) -> bool {
        let mut state = self.state();
        let now = Counts { requests: state.requests.len(), ..state.now };
        state.at_rests.push(now);
        true
    }
}

//! Memory that a model holds: live ranges that never overlap, each filled with a pattern of its own.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ptr::NonNull;

/// Memory that the program has, with what is written in it.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// Its first byte.
    pub start: NonNull<u8>,
    /// With what it was last asked for.
    pub layout: Layout,
    /// What it is filled with.
    pub pattern: u8,
    /// Whose it is.
    pub family: usize,
    /// How it may be freed and resized.
    pub road: Road,
}

// SAFETY: memory that any thread may use and free.
unsafe impl Send for Live {}

/// By which calls memory goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// Raw sizes in a family.
    Raw,
    /// Layouts in a family.
    Layout,
    /// Its address alone.
    Untyped,
    /// The global allocator's interface.
    Global,
}

impl Live {
    /// Where it starts.
    #[must_use]
    pub fn address(&self) -> usize {
        self.start.addr().get()
    }

    /// Which bytes are written and looked at: all of a few, otherwise the ends and some between.
    fn positions(size: usize) -> impl Iterator<Item = usize> {
        let step = match size {
            0..=256 => 1,
            257..=65_536 => 257,
            _ => 16_381,
        };
        let ends = if size > 256 { 16 } else { 0 };
        (0..size).step_by(step).chain(0..ends).chain(size - ends..size)
    }

    /// Writes its pattern.
    pub fn fill(&self) {
        for at in Self::positions(self.layout.size()) {
            // SAFETY: within live memory.
            unsafe { self.start.add(at).write(self.pattern) };
        }
    }

    /// What was written of the first bytes is still there.
    fn verify_first(&self, len: usize) {
        for at in Self::positions(self.layout.size()).filter(|&at| at < len) {
            // SAFETY: within live memory that was filled.
            let byte = unsafe { self.start.add(at).read() };
            assert_eq!(byte, self.pattern, "byte {at} of {self:?} was overwritten");
        }
    }

    /// It has moved to another address and layout, with what was written in it.
    pub fn moved(&mut self, start: NonNull<u8>, layout: Layout) {
        self.start = start;
        self.verify_first(layout.size());
        self.layout = layout;
    }

    /// What was written is still there.
    pub fn verify(&self) {
        self.verify_first(self.layout.size());
    }

    /// Bytes from a position on are zero: all, or every 61st of many.
    pub fn assert_zero_from(&self, from: usize) {
        let size = self.layout.size();
        let step = if size - from.min(size) < 4096 { 1 } else { 61 };
        for at in (from..size).step_by(step).chain(size.checked_sub(1)) {
            if at >= from {
                // SAFETY: within live memory that is said to be zero, initialised in any case.
                let byte = unsafe { self.start.add(at).read() };
                assert_eq!(byte, 0, "byte {at} of {self:?} is not zero");
            }
        }
    }
}

/// Where the live ranges are.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    ends: BTreeMap<usize, usize>,
    /// The bytes of them all.
    pub bytes: usize,
}

impl Ranges {
    /// Memory was handed out: it is aligned, and nobody else's.
    pub fn enter(&mut self, live: &Live) {
        let (start, size) = (live.address(), live.layout.size());
        assert_eq!(start % live.layout.align(), 0, "{live:?} is not aligned");
        if size == 0 {
            return;
        }
        let end = start + size;
        if let Some((&before, &until)) = self.ends.range(..end).next_back() {
            assert!(until <= start, "{start:#x}..{end:#x} overlaps {before:#x}..{until:#x}");
        }
        self.ends.insert(start, end);
        self.bytes += size;
    }

    /// Memory goes back.
    pub fn leave(&mut self, live: &Live) {
        if live.layout.size() > 0 {
            let end = self.ends.remove(&live.address());
            assert_eq!(end, Some(live.address() + live.layout.size()));
            self.bytes -= live.layout.size();
        }
    }
}

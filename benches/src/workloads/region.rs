//! The pair within a region of famalloc's.

use core::hint::black_box;
use core::mem::MaybeUninit;

use famalloc::{Region, alloc_family};

use super::{OPERATIONS, Workload};

#[alloc_family]
enum Lives {
    Frame,
}

/// One object at a time, of so many words: what [`Pair`](super::Pair) does, in a region.
#[derive(Debug)]
pub struct RegionPair<const WORDS: usize>(Region<lives::Frame>);

impl<const WORDS: usize> RegionPair<WORDS> {
    /// In a region of its own.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "workloads are made by `new`, with what they need"
    )]
    pub fn new() -> Self {
        Self(Region::new())
    }
}

impl<const WORDS: usize> Workload for RegionPair<WORDS> {
    #[inline]
    fn round(&mut self) {
        for number in 0..u64::from(OPERATIONS) {
            let mut object = self.0.boxed(MaybeUninit::<[u64; WORDS]>::uninit());
            let first = object.as_mut_ptr().cast::<u64>();
            // SAFETY: at least one word, ours alone.
            unsafe { first.write(number) };
            black_box(first);
        }
    }
}

//! What one family holds: its extents, cut into granules for blocks and large allocations, and its
//! huge allocations. The family's limit is enforced here, where memory is taken.
//!
//! This file: the counts, and blocks; `granules`: what blocks and large allocations are made of;
//! `runs`: which of these are free; `large`: large and huge allocations; `habit`: which of them get huge
//! pages; `chunk`: the chunks of regions; `upkeep`: giving free memory back, and the integrity check.

use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};
use crate::spec::FamilySpec;
#[cfg(feature = "std")]
use crate::sync::Patience;
use crate::sync::{AtomicBool, AtomicUsize, Guard, Lock, Ordering};

use super::Space;
use super::extents::Taker;
use super::map::GRANULE_SHIFT;
use super::maps::Map;
use super::order::Order;
use super::owner_tags::OwnerTag;

mod chunk;
mod granules;
mod habit;
mod large;
mod runs;
mod upkeep;

pub(crate) use chunk::Chunk;
pub(crate) use habit::Use;

use habit::Habit;
use runs::Runs;

/// The memory of one family.
pub(crate) struct FamilyHeap {
    pub(crate) space: &'static Space,
    pub(crate) set_name: &'static str,
    pub(crate) spec: &'static FamilySpec,
    /// The position of the family in its set.
    pub(crate) index: usize,
    /// Its number among the families of all sets, the same for as long as the process lives.
    pub(crate) number: usize,
    /// The mark of its blocks, without a class.
    pub(crate) tag: OwnerTag,
    state: Lock<HeapState>,
    /// Whether an extent was taken since somebody last asked, ...
    grown: AtomicBool,
    /// ... and how much memory that was given back has been used again, up to an extent of it.
    regrown: AtomicUsize,
}

#[derive(Debug)]
struct HeapState {
    /// Extents with at least one free granule.
    room: Order,
    /// The free granules of all extents.
    runs: Runs,
    habit: Habit,
    usage: HeapUse,
}

/// How much a family holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeapUse {
    /// Extents cut into granules.
    pub(crate) extents: u32,
    /// Bytes of blocks, of chunks, and of large and huge allocations: what counts against the limit.
    pub(crate) committed: usize,
    /// The most that was ever committed at once.
    pub(crate) committed_peak: usize,
    /// Large and huge allocations.
    pub(crate) large_objects: usize,
    pub(crate) large_bytes: usize,
    pub(crate) large_bytes_peak: usize,
    /// Bytes of regions' chunks.
    pub(crate) chunk_bytes: usize,
    /// How often the lock was taken.
    pub(crate) locks: u64,
}

impl HeapUse {
    fn commit(&mut self, bytes: usize, limit: Option<usize>) -> Result<(), AllocError> {
        let committed = self.committed + bytes;
        if limit.is_some_and(|limit| committed > limit) {
            return Err(AllocError::new(AllocErrorKind::Limit));
        }
        // The peak is noted by `raise_peaks`, once the memory is there: what the source refuses was never
        // held.
        self.committed = committed;
        Ok(())
    }

    fn raise_peaks(&mut self) {
        self.committed_peak = self.committed_peak.max(self.committed);
        self.large_bytes_peak = self.large_bytes_peak.max(self.large_bytes);
    }
}

/// A run of granules, just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granules {
    pub(crate) first: u32,
    /// Whether its memory is known to be zero, and so not yet touched.
    pub(crate) fresh: bool,
}

/// A large or huge allocation, just made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Large {
    pub(crate) start: NonNull<u8>,
    /// Whether its memory is known to be zero.
    pub(crate) fresh: bool,
}

impl FamilyHeap {
    pub(crate) const fn new(
        space: &'static Space,
        set_name: &'static str,
        spec: &'static FamilySpec,
        index: usize,
        number: usize,
    ) -> Self {
        Self {
            space,
            set_name,
            spec,
            index,
            number,
            tag: OwnerTag::of_family(number, spec.zeroes_on_free()),
            state: Lock::new(HeapState {
                room: Order::new(),
                runs: Runs::new(),
                habit: Habit::new(),
                usage: HeapUse {
                    extents: 0,
                    committed: 0,
                    committed_peak: 0,
                    large_objects: 0,
                    large_bytes: 0,
                    large_bytes_peak: 0,
                    chunk_bytes: 0,
                    locks: 0,
                },
            }),
            grown: AtomicBool::new(false),
            regrown: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> Guard<'_, HeapState> {
        let mut state = self.state.lock();
        state.usage.locks += 1;
        state
    }

    /// Keeps the family's memory as it is, until [`Self::unlock`].
    /// Returns whether it could before its patience was over.
    #[cfg(feature = "std")]
    pub(crate) fn lock_for_fork(&self, patience: &mut Patience) -> bool {
        self.state.lock_for_fork(patience)
    }

    /// The same where nobody else knows it yet, if everything else is held for a fork.
    #[cfg(feature = "std")]
    pub(crate) fn lock_newborn(&self) {
        self.state.lock_newborn();
    }

    /// Whether somebody holds the lock.
    #[cfg(feature = "std")]
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Whether the calling thread holds the lock.
    #[cfg(feature = "std")]
    pub(crate) fn is_mine(&self) -> bool {
        self.state.is_mine()
    }

    /// Ends what [`Self::lock_for_fork`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::unlock`].
    #[cfg(feature = "std")]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: passed on.
        unsafe { self.state.unlock() };
    }

    /// How much is held now.
    pub(crate) fn usage(&self) -> HeapUse {
        self.state.lock().usage
    }

    /// Has [`has_grown`](Self::has_grown) say so again.
    pub(crate) fn grow_on(&self) {
        self.grown.store(true, Ordering::Relaxed);
    }

    /// Notes that so many bytes are used again whose pages were given back: after an extent's worth of
    /// them, the family has grown as if by one.
    pub(crate) fn note_regrown(&self, bytes: usize) {
        // Two threads may both come past the mark, and what one adds may be lost. That puts a trim off,
        // no more.
        if self.regrown.fetch_add(bytes, Ordering::Relaxed) + bytes >= self.space.extent_bytes() {
            self.regrown.store(0, Ordering::Relaxed);
            self.grow_on();
        }
    }

    /// Whether the family has grown since this was last asked.
    pub(crate) fn has_grown(&self) -> bool {
        // The load first: it is nearly always false, and a swap would take the cache line away from
        // other threads.
        self.grown.load(Ordering::Relaxed) && self.grown.swap(false, Ordering::Relaxed)
    }

    /// Whether another is of the same family: this one, or what the family held before the process started
    /// over.
    pub(crate) fn is_family_of(&self, other: &Self) -> bool {
        self.number == other.number
    }

    /// Takes `count` granules side by side for a block. Their descriptors are the caller's to
    /// write, in `found`, so that the map says at any time what the extent says. They have a `map`.
    pub(crate) fn alloc_block<T>(
        &self,
        count: u32,
        map: Map,
        found: impl FnOnce(Granules) -> T,
    ) -> Result<T, AllocError> {
        let mut state = self.lock();
        let bytes = (count as usize) << GRANULE_SHIFT;
        state.usage.commit(bytes, self.spec.limit_bytes())?;
        match self.alloc_mapped(&mut state, count, map) {
            Ok(taken) => {
                state.usage.raise_peaks();
                // Still under the lock: an integrity check must not see granules that are neither free
                // nor anybody's.
                Ok(found(taken))
            }
            Err(error) => {
                state.usage.committed -= bytes;
                Err(error)
            }
        }
    }

    /// Takes back the granules of a block.
    ///
    /// # Safety
    ///
    /// From [`Self::alloc_block`] with this count, nothing in them in use, their bitmap all zero.
    pub(crate) unsafe fn free_block(&self, first: u32, count: u32) {
        let mut state = self.lock();
        state.usage.committed -= (count as usize) << GRANULE_SHIFT;
        // Before the granules go: their extent may go with them, and the next family writes owner tags
        // of its own there.
        (first..first + count).for_each(|granule| self.space.tag(granule, OwnerTag::NONE));
        // SAFETY: passed on.
        unsafe { self.free_granules(&mut state, first, count) };
    }

    /// For whom this family takes extents.
    fn taker(&self) -> Taker {
        if self.spec.is_isolated() { Taker::Isolated } else { Taker::Any }
    }
}

impl core::fmt::Debug for FamilyHeap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FamilyHeap")
            .field("set", &self.set_name)
            .field("family", &self.spec.name())
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

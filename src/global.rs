//! The global allocator over a family set: whatever any crate allocates goes to the family of the thread's
//! scope.
//!
//! An allocation takes the family from the scope and the class from the layout. A free takes both from the
//! block map, so the memory returns to its family whichever thread frees it, in whatever scope. A
//! reallocation stays in the family: a vector belongs to the lifetime in which it was created, not to that
//! of its last push.
//! A layout describes a Rust value, but not every allocation is one. The standard library allocates the
//! header of an exception as 56 bytes aligned to 8, and passes it to a C++ unwinder that expects memory of
//! a `malloc`, and on some targets stores 16 bytes at once to it. On those targets memory of [`C_LIKE`]
//! bytes or more is aligned to as many.
//! There, what is of [`C_LIKE`] bytes or more is aligned to so many.
//!
//! Nothing here allocates, takes a lock that can allocate, or needs a thread-local that is ever
//! destroyed, so it serves the runtime before `main` and the last destructor of a thread alike (I5).

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use crate::error::FreeError;
use crate::family_set::FamilySet;
use crate::heap::raw::{self, ReallocError};

/// What a C `malloc` aligns objects of this size and more to.
const C_LIKE: usize = 16;

/// Whether the target's unwinder counts on that: LLVM's does, which programs for musl are linked with.
const IS_C_LIKE: bool = cfg!(target_env = "musl");

/// The layout that is served to who asks for `layout`.
#[inline(always)]
const fn served(layout: Layout, is_c_like: bool) -> Layout {
    if is_c_like && layout.size() >= C_LIKE && layout.align() < C_LIKE {
        // What cannot be rounded up to it is refused for its size, however it is aligned.
        if let Ok(aligned) = Layout::from_size_align(layout.size(), C_LIKE) {
            return aligned;
        }
    }
    layout
}

/// A global allocator over the family set `S`.
///
/// Unmodified code allocates in the fallback family of the set ([`FamilySet::FALLBACK`]), and within a
/// scope ([`Family::scope`]) in the family of the scope. The program may also use the set directly, by
/// `FamilyBox` and all other types, and may use other sets.
///
/// If a family cannot allocate, because its limit is reached or no memory is available, the next allocator
/// serves the request, if there is one ([`with_next`](Self::with_next)); frees of memory that is not
/// famalloc's go to it as well. Without a next allocator a failure returns null, as [`GlobalAlloc`]
/// requires, and a free of foreign memory prints a message and aborts.
///
/// On targets with musl, memory of 16 bytes and more is aligned to 16, whatever the layout: their unwinder
/// relies on it for exceptions.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, FamAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Config,
/// }
///
/// #[global_allocator]
/// static GLOBAL: FamAlloc<Lives> = FamAlloc::new();
///
/// let mut lines = lives::Config::scope(|| vec!["a = 1".to_owned()]);
/// lines.extend((0..100).map(|n| n.to_string()));
///
/// // The vector grew, and stayed. What was allocated outside did not come to it.
/// assert_eq!(query(lines.as_ptr()).unwrap().family, "Config");
/// assert_eq!(query(lines[0].as_ptr()).unwrap().family, "Config");
/// assert_eq!(query(lines[100].as_ptr()).unwrap().family, "General");
/// ```
///
/// [`Family::scope`]: crate::Family::scope
pub struct FamAlloc<S: FamilySet, N = NoNext> {
    next: N,
    set: PhantomData<fn() -> S>,
}

impl<S: FamilySet> FamAlloc<S> {
    /// The allocator over the set `S`, without a next one.
    ///
    /// # Examples
    ///
    /// See [`FamAlloc`].
    #[must_use]
    pub const fn new() -> Self {
        Self { next: NoNext, set: PhantomData }
    }
}

impl<S: FamilySet> Default for FamAlloc<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: FamilySet, N: GlobalAlloc> FamAlloc<S, N> {
    /// The allocator over the set `S`, with a next allocator, which serves what a family cannot, and frees
    /// memory that is not famalloc's.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::alloc::System;
    /// use famalloc::{alloc_family, query, FamAlloc};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     #[family(limit = "1 MiB")]
    ///     Cache,
    /// }
    ///
    /// #[global_allocator]
    /// static GLOBAL: FamAlloc<Lives, System> = FamAlloc::with_next(System);
    ///
    /// let large = lives::Cache::scope(|| vec![0u8; 2 << 20]);
    /// assert!(query(large.as_ptr()).is_none());
    /// let small = lives::Cache::scope(|| vec![0u8; 2 << 10]);
    /// assert_eq!(query(small.as_ptr()).unwrap().family, "Cache");
    /// ```
    #[must_use]
    pub const fn with_next(next: N) -> Self {
        Self { next, set: PhantomData }
    }
}

impl<S: FamilySet, N> fmt::Debug for FamAlloc<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamAlloc").field("set", &S::NAME).finish_non_exhaustive()
    }
}

// SAFETY: slots and large memory are of at least the layout's size and alignment, and nobody else's
// until they are freed. Nothing unwinds: what cannot go on aborts. What the next allocator hands out
// goes back to it, as it lies in no reservation of famalloc's.
unsafe impl<S: FamilySet, N: GlobalAlloc> GlobalAlloc for FamAlloc<S, N> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match raw::alloc_any_in_scope::<S>(served(layout, IS_C_LIKE)) {
            Some(start) => start.as_ptr(),
            // SAFETY: passed on.
            None => unsafe { self.next.alloc(layout) },
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match raw::alloc_zeroed_in_scope::<S>(served(layout, IS_C_LIKE)) {
            Ok(start) => start.as_ptr(),
            // SAFETY: passed on.
            Err(_) => unsafe { self.next.alloc_zeroed(layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let refused = |start: NonNull<u8>, error| match error {
            // SAFETY: not ours, so it is the next one's.
            FreeError::Foreign => unsafe { self.next.dealloc(start.as_ptr(), layout) },
            error => raw::refuse("dealloc", start, error),
        };
        // SAFETY: passed on.
        unsafe { raw::free_or_else::<S>(start, refused) };
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: passed on: the size fits, and an alignment is a power of two.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: memory is not null.
        let old = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: passed on.
        match unsafe { raw::realloc::<S>(old, served(new, IS_C_LIKE), layout.size()) } {
            Ok(moved) => moved.as_ptr(),
            // SAFETY: not ours, so it is the next one's.
            Err(ReallocError::NoAllocation(FreeError::Foreign)) => unsafe {
                self.next.realloc(start, layout, new_size)
            },
            Err(ReallocError::NoAllocation(error)) => raw::refuse("realloc", old, error),
            // SAFETY: passed on.
            Err(ReallocError::NoMemory(_)) => unsafe { self.move_to_next(old, layout, new) },
        }
    }
}

impl<S: FamilySet, N: GlobalAlloc> FamAlloc<S, N> {
    /// Moves an allocation that its family has no room for to the next allocator; null if that has
    /// none either.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::realloc`].
    #[cold]
    unsafe fn move_to_next(&self, start: NonNull<u8>, old: Layout, new: Layout) -> *mut u8 {
        // SAFETY: passed on.
        let moved = unsafe { self.next.alloc(new) };
        if !moved.is_null() {
            let kept = old.size().min(new.size());
            // SAFETY: both have so many bytes, and are different allocations.
            unsafe { moved.copy_from_nonoverlapping(start.as_ptr(), kept) };
            // SAFETY: passed on.
            unsafe { self.dealloc(start.as_ptr(), old) };
        }
        moved
    }
}

/// No next allocator: allocates nothing, and aborts with a message if it has to free memory.
///
/// # Examples
///
/// ```
/// use core::alloc::{GlobalAlloc, Layout};
/// use famalloc::NoNext;
///
/// // SAFETY: the layout's size is not 0.
/// assert!(unsafe { NoNext.alloc(Layout::new::<u64>()) }.is_null());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNext;

// SAFETY: it hands out nothing.
unsafe impl GlobalAlloc for NoNext {
    #[inline]
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    #[cold]
    unsafe fn dealloc(&self, start: *mut u8, _: Layout) {
        // SAFETY: memory is not null.
        let start = unsafe { NonNull::new_unchecked(start) };
        raw::refuse("dealloc", start, FreeError::Foreign)
    }

    #[cold]
    unsafe fn realloc(&self, start: *mut u8, _: Layout, _: usize) -> *mut u8 {
        // SAFETY: memory is not null.
        let start = unsafe { NonNull::new_unchecked(start) };
        raw::refuse("realloc", start, FreeError::Foreign)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::raw_alloc::RawAlloc;

    #[test]
    fn what_c_may_take_for_its_own_is_aligned_as_in_c() {
        for size in (0..200).chain([4095, 40_000, isize::MAX as usize - 20]) {
            for align in [1, 2, 4, 8, 16, 32, 4096] {
                let Ok(layout) = Layout::from_size_align(size, align) else { continue };
                assert_eq!(served(layout, false), layout);
                let other = served(layout, true);
                assert_eq!(other.size(), size);
                assert_eq!(other.align(), if size < C_LIKE { align } else { align.max(C_LIKE) });
            }
        }
        // Refused as it is.
        let most = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
        assert_eq!(served(most, true), most);
    }

    #[test]
    fn realloc_to_what_c_may_take_moves_what_is_not_aligned() {
        #[famalloc::alloc_family]
        enum Lives {
            General,
        }
        // What was asked for with less than the target serves now.
        let small = Layout::from_size_align(24, 8).unwrap();
        let starts: [_; 9] = core::array::from_fn(|_| lives::General.alloc(small).unwrap());
        for start in starts {
            let new = served(Layout::from_size_align(20, 4).unwrap(), true);
            // SAFETY: allocated above, and used by what is returned alone.
            let moved = unsafe { raw::realloc::<Lives>(start, new, 20) }.unwrap();
            assert_eq!(moved.addr().get() % C_LIKE, 0);
            // SAFETY: allocated just now.
            unsafe { raw::free::<Lives>(moved) }.unwrap();
        }
    }
}

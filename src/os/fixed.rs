//! A page source over a buffer.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::NonNull;

use super::{PageError, PageSource};
use crate::sync::{AtomicUsize, Ordering};

const PAGE: usize = 4096;

/// A page source over a buffer of `N` bytes: for machines without an operating system, or to give a family
/// set a fixed amount of memory.
///
/// Put it into a `static`, where it takes no space in the program's file: it is all zeros. The first
/// family set that uses it takes all of it, so each set needs its own.
///
/// # Size
///
/// At least 256 KiB. A sixth is metadata. The rest is divided into extents. The allocator's own tables
/// take one, and every family in use at least one; up to one is lost to alignment. An extent has 64 KiB in
/// buffers below 16 MiB, 256 KiB in buffers below 1 GiB, and 2 MiB above. (The first slot of a cell takes
/// a block, and a block has at least 64 KiB: count one for each pair of family and size class in use.)
///
/// A buffer always keeps its memory: to "return" a page it fills it with zeros, so that it can be
/// committed again.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, AllocErrorKind, FamilyBox, FixedBuffer};
///
/// static PAGES: FixedBuffer<{ 4 << 20 }> = FixedBuffer::new();
///
/// #[alloc_family(source = PAGES)]
/// enum Lives {
///     Frame,
/// }
///
/// let frame = FamilyBox::<[u64; 100], _>::new_in([7; 100], lives::Frame);
/// assert!(PAGES.contains(frame.as_slice().as_ptr().cast()));
///
/// let error = famalloc::alloc_in::<lives::Frame>(5 << 20).unwrap_err();
/// assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
/// ```
#[repr(C, align(4096))]
pub struct FixedBuffer<const N: usize> {
    memory: UnsafeCell<[u8; N]>,
    /// The number of bytes from the start on that are reserved.
    taken: AtomicUsize,
}

// SAFETY: the memory is reached only through ranges that were handed out, each of them once.
unsafe impl<const N: usize> Sync for FixedBuffer<N> {}

impl<const N: usize> FixedBuffer<N> {
    /// A buffer of zeros.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N % PAGE == 0, "the size of a buffer must be a multiple of 4,096 bytes") };
        Self { memory: UnsafeCell::new([0; N]), taken: AtomicUsize::new(0) }
    }

    /// Whether an address is in the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::FixedBuffer;
    ///
    /// static PAGES: FixedBuffer<4096> = FixedBuffer::new();
    /// assert!(PAGES.contains((&raw const PAGES).cast()));
    /// assert!(!PAGES.contains((&raw const PAGES).cast::<u8>().wrapping_add(4096)));
    /// ```
    #[must_use]
    pub fn contains(&self, address: *const u8) -> bool {
        address.addr().wrapping_sub(self.start().addr()) < N
    }

    fn start(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    /// How many bytes from the start on are not to be had, or lost to alignment, after `taken`.
    fn aligned(&self, taken: usize, align: usize) -> Option<usize> {
        let start = self.start().addr();
        Some(start.checked_add(taken)?.checked_next_multiple_of(align)? - start)
    }
}

impl<const N: usize> Default for FixedBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for FixedBuffer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedBuffer")
            .field("bytes", &N)
            .field("taken", &self.taken.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

// SAFETY: ranges are handed out once, as `taken` only grows while they are in use; all that is not
// committed is zero, as it is in a new buffer and after `decommit` and `release`, so there is nothing
// left to do in `commit`.
unsafe impl<const N: usize> PageSource for FixedBuffer<N> {
    fn page_size(&self) -> usize {
        PAGE
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let mut taken = self.taken.load(Ordering::Relaxed);
        loop {
            let start = self.aligned(taken, align).ok_or(PageError)?;
            let end = start.checked_add(size).filter(|&end| end <= N).ok_or(PageError)?;
            let order = (Ordering::Acquire, Ordering::Relaxed);
            match self.taken.compare_exchange_weak(taken, end, order.0, order.1) {
                Ok(_) => return NonNull::new(self.start().wrapping_add(start)).ok_or(PageError),
                Err(newer) => taken = newer,
            }
        }
    }

    fn largest_range(&self, align: usize) -> usize {
        let start = self.aligned(self.taken.load(Ordering::Relaxed), align);
        start.map_or(0, |start| N.saturating_sub(start))
    }

    unsafe fn commit(&self, _start: NonNull<u8>, _size: usize) -> Result<(), PageError> {
        Ok(())
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: in a range that was handed out, and not in use (contract).
        unsafe { start.write_bytes(0, size) };
        Ok(())
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: in a range that was handed out, and not used again (contract).
        unsafe { start.write_bytes(0, size) };
        let from = start.addr().get() - self.start().addr();
        // Only the latest range can be handed out again; what lies before others stays taken.
        let order = (Ordering::Release, Ordering::Relaxed);
        let _ = self.taken.compare_exchange(from + size, from, order.0, order.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_aligned_and_apart_until_there_is_no_more() {
        static PAGES: FixedBuffer<{ 32 * PAGE }> = FixedBuffer::new();
        let all = PAGES.largest_range(PAGE);
        assert_eq!(all, 32 * PAGE);
        let one = PAGES.reserve(PAGE, PAGE).unwrap().addr().get();
        let aligned = PAGES.largest_range(8 * PAGE);
        assert!((24 * PAGE..32 * PAGE).contains(&aligned));
        assert_eq!(PAGES.reserve(aligned + PAGE, 8 * PAGE), Err(PageError));
        let two = PAGES.reserve(aligned, 8 * PAGE).unwrap().addr().get();
        assert_eq!(two % (8 * PAGE), 0);
        assert!(two >= one + PAGE);
        assert!(PAGES.contains(core::ptr::without_provenance(two + aligned - 1)));
        assert!(!PAGES.contains(core::ptr::without_provenance(two + aligned)));
        assert_eq!(PAGES.reserve(PAGE, PAGE), Err(PageError));
        assert_eq!((PAGES.largest_range(PAGE), PAGES.largest_range(1 << 63)), (0, 0));
        assert_eq!(PAGES.reserve(usize::MAX & !(PAGE - 1), PAGE), Err(PageError));
    }

    #[test]
    fn what_comes_again_is_zero() {
        static PAGES: FixedBuffer<{ 8 * PAGE }> = FixedBuffer::new();
        let is_zero = |start: NonNull<u8>| {
            // SAFETY: four committed pages of this test's own.
            unsafe { core::slice::from_raw_parts(start.as_ptr(), 4 * PAGE) }.iter().all(|&b| b == 0)
        };
        let start = PAGES.reserve(4 * PAGE, PAGE).unwrap();
        // SAFETY: the range is committed before it is touched, and not used after its release.
        unsafe {
            PAGES.commit(start, 4 * PAGE).unwrap();
            start.write_bytes(1, 4 * PAGE);
            PAGES.commit(start, 4 * PAGE).unwrap();
            assert_eq!(start.read(), 1);
            PAGES.decommit(start, 4 * PAGE).unwrap();
            PAGES.commit(start, 4 * PAGE).unwrap();
            assert!(is_zero(start));
            start.write_bytes(1, 4 * PAGE);
            PAGES.release(start, 4 * PAGE);
        }
        let again = PAGES.reserve(4 * PAGE, PAGE).unwrap();
        assert_eq!(again, start);
        assert!(is_zero(again));
        // Not the latest: it stays taken, and the one behind it too.
        let behind = PAGES.reserve(PAGE, PAGE).unwrap();
        // SAFETY: not used after.
        unsafe { PAGES.release(again, 4 * PAGE) };
        let next = PAGES.reserve(PAGE, PAGE).unwrap();
        assert!(next > behind);
    }
}

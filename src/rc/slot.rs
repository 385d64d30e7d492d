//! A slot with a word in front of its value: where the counters and the lengths are kept.
//!
//! ```text
//! start of the slot                 the handle points here
//! |                                 |
//! v                                 v
//! +--------------------------+------+----------------------+
//! | (only above alignment 8) | word | value                |
//! +--------------------------+------+----------------------+
//! |<---- offset: 8, or the alignment of the value ------->|
//! ```
//!
//! The word lies directly in front of the value and the handle points to the value. So the value is
//! read without an addition, the word is at a constant distance whatever the value is (a trait
//! object too), and only who frees has to know where the slot starts.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};

/// The length of the word.
const WORD: usize = size_of::<u64>();

/// How far behind the start of its slot a value of this alignment lies.
#[inline(always)]
pub(crate) const fn offset(align: usize) -> usize {
    if align < WORD { WORD } else { align }
}

/// The layout of a slot for the word and a value (I7: an error when it exceeds `isize`).
#[inline(always)]
pub(crate) const fn layout(value: Layout) -> Result<Layout, AllocError> {
    // A layout's size is at most `isize::MAX` and its alignment at most 2^63, so the sum fits.
    let size = offset(value.align()) + value.size();
    // A power of two of at least 8 that is not less than the value's alignment.
    match Layout::from_size_align(size, offset(value.align())) {
        Ok(layout) => Ok(layout),
        Err(_) => Err(AllocError::new(AllocErrorKind::TooLarge)),
    }
}

/// The layout of the slot of a value that exists, for which it was computed before.
///
/// # Safety
///
/// The value lies in a slot with a word.
#[inline(always)]
pub(crate) const unsafe fn layout_of_existing(value: Layout) -> Layout {
    let align = offset(value.align());
    // SAFETY: `layout` accepted the same sizes when the slot was allocated.
    unsafe { Layout::from_size_align_unchecked(align + value.size(), align) }
}

/// The address of the value in a slot.
///
/// # Safety
///
/// `start` is that of a slot of `layout(value)`.
#[inline(always)]
pub(crate) const unsafe fn value_in(start: NonNull<u8>, value: Layout) -> NonNull<u8> {
    // SAFETY: the slot is longer than the offset, or as long.
    unsafe { start.add(offset(value.align())) }
}

/// The start of a value's slot.
///
/// # Safety
///
/// `value` is the address of a value of this layout in a slot with a word.
#[inline(always)]
pub(crate) const unsafe fn start_of(value: NonNull<u8>, layout: Layout) -> NonNull<u8> {
    // SAFETY: so far in front of the value the slot starts.
    unsafe { value.sub(offset(layout.align())) }
}

/// The word in front of a value.
///
/// # Safety
///
/// `value` is the address of a value in a slot with a word; `W` has the size of one and at most
/// its alignment.
#[inline(always)]
pub(crate) const unsafe fn word<W>(value: NonNull<u8>) -> NonNull<W> {
    const { assert!(size_of::<W>() == WORD && align_of::<W>() <= WORD) };
    // SAFETY: the word lies directly in front of the value, in the same slot. The slot is aligned
    // to 8 and the offset a multiple of it.
    unsafe { value.sub(WORD) }.cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_lies_between_the_start_and_the_value() {
        for align in [1, 2, 4, 8, 16, 64, 4096] {
            for size in [0, 1, 7, 8, 9, 24, 4096, 65_536] {
                let value = Layout::from_size_align(size, align).unwrap();
                let slot = layout(value).unwrap();
                // What the compiler makes of a struct of the two.
                let (both, at) = Layout::new::<u64>().extend(value).unwrap();
                assert_eq!((slot, offset(align)), (both, at), "{value:?}");
                // SAFETY: the layout comes from a slot's.
                assert_eq!(unsafe { layout_of_existing(value) }, slot);
                assert!(offset(align) >= WORD && offset(align) % WORD == 0);
            }
        }
    }

    #[test]
    fn what_would_exceed_isize_is_an_error() {
        let most = isize::MAX.unsigned_abs();
        for (size, fits) in [(most, false), (most - 7, false), (most - 15, true)] {
            let value = Layout::from_size_align(size, 1).unwrap();
            assert_eq!(layout(value).is_ok(), fits, "{size}");
        }
        let value = Layout::from_size_align(0, 1 << 62).unwrap();
        assert!(layout(value).is_ok());
        let value = Layout::from_size_align(1 << 62, 1 << 62).unwrap();
        assert_eq!(layout(value).unwrap_err().kind(), AllocErrorKind::TooLarge);
    }
}

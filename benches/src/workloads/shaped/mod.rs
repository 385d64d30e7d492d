//! Workloads over objects of many layouts.
//!
//! What each object looks like is drawn beforehand, and is known again when it is freed. A
//! [`Shape`] says how much of that the compiler can see: of [`Words`] and [`Text`] the alignment,
//! of [`Unseen`] nothing.

mod batch;
mod churn;
mod pair;

pub use batch::ShapedBatch;
pub use churn::ShapedChurn;
pub use pair::ShapedPair;

use core::alloc::Layout;
use core::fmt::Debug;
use core::ptr::NonNull;

use crate::allocator::Allocator;

/// A layout, and what is written into an object of it.
///
/// It is small: arrays of shapes lie in the caches beside the objects.
pub trait Shape: Copy + Debug + 'static {
    /// The layout; it has a size.
    fn layout(self) -> Layout;

    /// Writes what any use of a new object would write.
    ///
    /// # Safety
    ///
    /// `start` is room of this layout, and nobody else uses it.
    unsafe fn touch(self, start: NonNull<u8>, number: u32);
}

/// An object that has been touched.
#[inline(always)]
fn alloc_shaped<A: Allocator, S: Shape>(allocator: &A, shape: S, number: u32) -> NonNull<u8> {
    let start = allocator.alloc_layout(shape.layout());
    // SAFETY: allocated just now with this layout.
    unsafe { shape.touch(start, number) };
    start
}

/// Whole words, so many bytes of them; the first is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(u16);

impl Words {
    /// Of a size that is a multiple of 8 and not 0.
    ///
    /// # Panics
    ///
    /// Panics when it is not, or not small.
    #[must_use]
    pub fn new(size: u32) -> Self {
        assert!(size > 0 && size.is_multiple_of(8), "{size} bytes are not whole words");
        Self(size.try_into().expect("sizes are small"))
    }
}

impl Shape for Words {
    #[inline(always)]
    fn layout(self) -> Layout {
        // SAFETY: 8 is a power of two, and the size is far below the limit.
        unsafe { Layout::from_size_align_unchecked(self.0.into(), 8) }
    }

    #[inline(always)]
    unsafe fn touch(self, start: NonNull<u8>, number: u32) {
        // SAFETY: at least 8 bytes, aligned to 8, ours alone (contract).
        unsafe { start.cast::<u64>().write(number.into()) };
    }
}

/// A string of so many bytes; all are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text(u16);

impl Text {
    /// Of this length, which is not 0.
    ///
    /// # Panics
    ///
    /// Panics when it is, or not small.
    #[must_use]
    pub fn new(length: u32) -> Self {
        assert!(length > 0, "an empty string is not allocated");
        Self(length.try_into().expect("strings are short"))
    }
}

impl Shape for Text {
    #[inline(always)]
    fn layout(self) -> Layout {
        // SAFETY: 1 is a power of two, and the length is far below the limit.
        unsafe { Layout::from_size_align_unchecked(self.0.into(), 1) }
    }

    #[inline(always)]
    unsafe fn touch(self, start: NonNull<u8>, number: u32) {
        // SAFETY: so many bytes, ours alone (contract).
        unsafe { start.write_bytes(b'a' + (number % 26) as u8, self.0.into()) };
    }
}

/// Any layout: neither size nor alignment is a constant. The first byte is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    size: u16,
    align: u16,
}

impl Unseen {
    /// Of this size, which is not 0, and alignment.
    ///
    /// # Panics
    ///
    /// Panics when there is no such layout, or it is not small.
    #[must_use]
    pub fn new(size: u32, align: u32) -> Self {
        assert!(size > 0 && align.is_power_of_two(), "{size} bytes aligned to {align}");
        let small = |number: u32| number.try_into().expect("sizes and alignments are small");
        Self { size: small(size), align: small(align) }
    }
}

impl Shape for Unseen {
    #[inline(always)]
    fn layout(self) -> Layout {
        // SAFETY: the alignment is a power of two, and the size is far below the limit.
        unsafe { Layout::from_size_align_unchecked(self.size.into(), self.align.into()) }
    }

    #[inline(always)]
    unsafe fn touch(self, start: NonNull<u8>, number: u32) {
        // SAFETY: at least one byte, ours alone (contract).
        unsafe { start.write(number as u8) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, FRESH, Ledger};

    /// What lies in an object of this shape with the number 3.
    fn content(shape: impl Shape, size: usize, align: usize) -> Vec<u8> {
        let layout = shape.layout();
        assert_eq!((layout.size(), layout.align()), (size, align));
        let start = alloc_shaped(&Ledger, shape, 3);
        // SAFETY: allocated just now.
        unsafe { Ledger.free_layout(start, layout) };
        match Ledger::calls().pop() {
            Some(Call::Free { bytes, .. }) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn shapes_are_touched_as_they_say() {
        let mut words = vec![FRESH; 24];
        words[..8].copy_from_slice(&3_u64.to_ne_bytes());
        assert_eq!(content(Words::new(24), 24, 8), words);
        assert_eq!(content(Text::new(5), 5, 1), b"ddddd");
        assert_eq!(content(Unseen::new(3, 64), 3, 64), [3, FRESH, FRESH]);
    }
}

//! [`ThinSlice`] and [`ThinStr`]: owned slices and text whose handle is one word.
//!
//! A `FamilyBox<[T]>` is two words: the address and the length. Here the length is in the slot, in front
//! of the elements, so structures full of names and lists are smaller by a word for each. Reading the
//! length reads the slot, which a reader of the elements does anyway.
//!
//! ```text
//! ThinSlice<T>                    slot
//! +---------+                     +--------+-----+-----+-----+
//! | address | ---------.          | length | T   | T   | T   |
//! +---------+          |          +--------+-----+-----+-----+
//!                      '-------------------^
//!                                 no slot at all: the length 0 in a constant that all share
//! ```
//!
//! Empty slices and texts take no memory, up to an alignment of 64; above that they take a slot.
//!
//! # Invariants
//!
//! - **T1.** The pointer leads to the elements, of which there are `length` valid ones; the word in
//!   front of them is the length, and does not change.
//! - **T2.** The handle's allocator allocated the slot for the layout of both, and only this handle will
//!   free it; or the length is 0, the alignment at most 64, and the pointer leads into the constant.
//!
//! No panic in a destructor, a clone or an iterator leaks a slot or an element, or drops anything twice.

mod compare;
mod convert;
#[cfg(feature = "std")]
mod convert_std;
mod filling;
mod slice;
mod str;

pub use self::slice::ThinSlice;
pub use self::str::ThinStr;

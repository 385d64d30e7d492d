//! [`ThinSlice`] and [`ThinStr`]: owned slices and text whose handle is one word.
//!
//! A `FamilyBox<[T]>` is two words, the address and the length, wherever it is kept. Here the length
//! lies in the slot, in front of the elements, so that structures full of names and lists get smaller
//! by a word for each. Reading the length costs a look at the slot, which who reads the elements pays
//! anyway.
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
//! What is empty takes no memory, up to an alignment of 64; above that it takes a slot.
//!
//! # What they keep
//!
//! - **T1.** The pointer leads to the elements, `length` valid ones; the word in front of them is the
//!   length, and does not change.
//! - **T2.** The slot was handed out by family `F` for the layout of both, and only this handle will
//!   give it back; or the length is 0, the alignment at most 64, and the pointer leads into the
//!   constant.
//!
//! A panic in a destructor, a clone or an iterator leaks no slot and no element, and drops nothing
//! twice.

mod compare;
mod convert;
#[cfg(feature = "std")]
mod convert_std;
mod slice;
mod str;

pub use self::slice::ThinSlice;
pub use self::str::ThinStr;

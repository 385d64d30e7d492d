//! Counted values: `FamilyRc`, and for the peers what `std::rc::Rc` does over them.
//!
//! `Rc` asks the one global allocator, and only one of the peers can be that. So [`Rc`] here is its
//! like: two counts in front of the value, the same steps when it is made and dropped, and the
//! allocator a type parameter.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use famalloc::{FamilyRc, alloc_family};

use super::{Famalloc, Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System};
use crate::allocator::Allocator;

#[alloc_family]
enum Lives {
    Counted,
}

/// What is counted.
pub type Value = [u64; 6];

/// An allocator with counted values.
pub trait Counting: Allocator {
    /// A handle to a new one.
    fn counted(&self, value: Value) -> impl AsRef<Value>;
}

impl Counting for Famalloc {
    #[inline(always)]
    fn counted(&self, value: Value) -> impl AsRef<Value> {
        FamilyRc::<Value, _>::new_in(value, lives::Counted)
    }
}

/// Two counts and the value.
#[repr(C)]
struct Inner {
    strong: Cell<usize>,
    weak: Cell<usize>,
    value: Value,
}

/// `std::rc::Rc` over an allocator, as far as it is made and dropped.
#[derive(Debug)]
pub struct Rc<A: Allocator> {
    inner: NonNull<Inner>,
    allocator: PhantomData<A>,
}

impl<A: Allocator> Rc<A> {
    #[inline(always)]
    fn new(allocator: &A, value: Value) -> Self {
        let inner = allocator.alloc::<{ size_of::<Inner>() }>().cast::<Inner>();
        let new = Inner { strong: Cell::new(1), weak: Cell::new(1), value };
        // SAFETY: room for it, aligned to 8.
        unsafe { inner.write(new) };
        Self { inner, allocator: PhantomData }
    }
}

impl<A: Allocator> AsRef<Value> for Rc<A> {
    fn as_ref(&self) -> &Value {
        // SAFETY: as long as a handle is there, so is what it points to.
        unsafe { &self.inner.as_ref().value }
    }
}

impl<A: Allocator> Drop for Rc<A> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: as long as a handle is there, so is what it points to.
        let inner = unsafe { self.inner.as_ref() };
        inner.strong.set(inner.strong.get() - 1);
        if inner.strong.get() == 0 {
            drop_slow::<A>(self.inner);
        }
    }
}

/// Out of line, as in the standard library.
#[inline(never)]
fn drop_slow<A: Allocator>(inner: NonNull<Inner>) {
    // SAFETY: the last strong handle has just gone.
    unsafe { ptr::drop_in_place(&raw mut (*inner.as_ptr()).value) };
    // SAFETY: the strong handles share one weak one, so it is still there.
    let weak = unsafe { &(*inner.as_ptr()).weak };
    weak.set(weak.get() - 1);
    if weak.get() == 0 {
        // SAFETY: made by `Rc::new`, and nobody has it any more.
        unsafe { A::new().free::<{ size_of::<Inner>() }>(inner.cast()) };
    }
}

/// The peers, by the like of `Rc`.
macro_rules! counting {
    ($($peer:ident),*) => {
        $(
            impl Counting for $peer {
                #[inline(always)]
                fn counted(&self, value: Value) -> impl AsRef<Value> {
                    Rc::new(self, value)
                }
            }
        )*
    };
}

counting!(System, Mimalloc, Jemalloc, Snmalloc, Rpmalloc, Rallocator);

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_and_drops<A: Counting>() {
        let allocator = A::new();
        for number in 0..100 {
            let one = allocator.counted([number; 6]);
            let other = allocator.counted([!number; 6]);
            assert_eq!(*one.as_ref(), [number; 6], "{}", A::NAME);
            assert_eq!(*other.as_ref(), [!number; 6], "{}", A::NAME);
        }
    }

    #[test]
    fn counted_values_are_kept() {
        keeps_and_drops::<Famalloc>();
        keeps_and_drops::<System>();
        keeps_and_drops::<Rallocator>();
    }
}

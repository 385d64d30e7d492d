//! `hashbrown`'s maps, over each allocator.
//!
//! famalloc's are those of `famalloc::collections`, the others' go through the same trait.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator as MapAllocator};
use famalloc::collections;
use famalloc::{In, alloc_family};
use hashbrown::{DefaultHashBuilder, HashMap};

use super::{Famalloc, Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System};
use crate::allocator::Allocator;

#[alloc_family]
enum Lives {
    Maps,
}

/// An allocator that maps can be made with.
pub trait Maps: Allocator {
    /// A map from the numbers below `count` to their inverses, made by inserting one after the other.
    fn map(&self, count: u64) -> impl Lookup;
}

/// A map, to look something up in.
pub trait Lookup {
    /// The value of a key.
    fn value_of(&self, key: u64) -> Option<u64>;
}

impl<A: MapAllocator> Lookup for HashMap<u64, u64, DefaultHashBuilder, A> {
    fn value_of(&self, key: u64) -> Option<u64> {
        self.get(&key).copied()
    }
}

fn filled<A: MapAllocator>(
    mut map: HashMap<u64, u64, DefaultHashBuilder, A>,
    count: u64,
) -> HashMap<u64, u64, DefaultHashBuilder, A> {
    for key in 0..count {
        map.insert(key, !key);
    }
    map
}

impl Maps for Famalloc {
    fn map(&self, count: u64) -> impl Lookup {
        let map: collections::HashMap<u64, u64, lives::Maps> =
            HashMap::with_hasher_in(DefaultHashBuilder::default(), In::new());
        filled(map, count)
    }
}

/// An allocator of the benchmarks as one for maps.
struct For<A>(PhantomData<A>);

// SAFETY: memory stays where it is until it is freed, and all handles are the same.
unsafe impl<A: Allocator> MapAllocator for For<A> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let start = match layout.size() {
            0 => NonNull::dangling(),
            _ => A::new().alloc_layout(layout),
        };
        Ok(NonNull::slice_from_raw_parts(start, layout.size()))
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: allocated above with this layout (contract).
            unsafe { A::new().free_layout(start, layout) };
        }
    }
}

/// The peers.
macro_rules! maps {
    ($($peer:ident),*) => {
        $(
            impl Maps for $peer {
                fn map(&self, count: u64) -> impl Lookup {
                    filled(HashMap::with_hasher_in(DefaultHashBuilder::default(), For::<Self>(PhantomData)), count)
                }
            }
        )*
    };
}

maps!(System, Mimalloc, Jemalloc, Snmalloc, Rpmalloc, Rallocator);

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_all<A: Maps>() {
        let allocator = A::new();
        let map = allocator.map(1000);
        for key in 0..1000 {
            assert_eq!(map.value_of(key), Some(!key), "{}", A::NAME);
        }
        assert_eq!(map.value_of(1000), None);
    }

    #[test]
    fn maps_keep_what_they_are_given() {
        keeps_all::<Famalloc>();
        keeps_all::<System>();
        keeps_all::<Mimalloc>();
    }
}

//! The batch of objects of many layouts: allocate them, then free them in random order.

use core::ptr::NonNull;

use super::{Shape, alloc_shaped};
use crate::allocator::Allocator;
use crate::workloads::{Order, Workload};

/// So many objects at a time; `ZEROED` ones where all their bytes have to be zero at first.
#[derive(Debug)]
pub struct ShapedBatch<A, S, const ZEROED: bool> {
    allocator: A,
    shapes: Vec<S>,
    objects: Vec<NonNull<u8>>,
    deaths: Vec<u32>,
}

impl<A: Allocator, S: Shape, const ZEROED: bool> ShapedBatch<A, S, ZEROED> {
    /// On the calling thread; `draw` is asked for each object of a round.
    pub fn new(count: u32, draw: impl FnMut() -> S) -> Self {
        Self {
            allocator: A::new(),
            shapes: core::iter::repeat_with(draw).take(count as usize).collect(),
            objects: vec![NonNull::dangling(); count as usize],
            deaths: Order::Random.positions(count),
        }
    }

    #[inline(always)]
    fn alloc(allocator: &A, shape: S, number: u32) -> NonNull<u8> {
        if !ZEROED {
            return alloc_shaped(allocator, shape, number);
        }
        let start = allocator.alloc_zeroed(shape.layout());
        // SAFETY: allocated just now with this layout.
        unsafe { shape.touch(start, number) };
        start
    }
}

impl<A: Allocator, S: Shape, const ZEROED: bool> Workload for ShapedBatch<A, S, ZEROED> {
    fn operations(&self) -> u64 {
        self.shapes.len() as u64
    }

    #[inline]
    fn round(&mut self) {
        for ((object, &shape), number) in self.objects.iter_mut().zip(&self.shapes).zip(0..) {
            *object = Self::alloc(&self.allocator, shape, number);
        }
        for &position in &self.deaths {
            let position = position as usize;
            let (object, layout) = (self.objects[position], self.shapes[position].layout());
            // SAFETY: allocated above with this layout, and each position comes once.
            unsafe { self.allocator.free_layout(object, layout) };
        }
        self.allocator.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, FRESH, Ledger};
    use crate::workloads::shaped::Unseen;

    const COUNT: u32 = 100;

    /// Does a round of objects of 2, 3, 4, ... bytes, and looks at it. Gives what the second byte
    /// of each is.
    fn second_bytes<const ZEROED: bool>() -> Vec<u8> {
        let mut size = 1;
        let mut batch = ShapedBatch::<Ledger, _, ZEROED>::new(COUNT, || {
            size += 1;
            Unseen::new(size, 1)
        });
        assert_eq!(batch.operations(), COUNT.into());
        batch.round();
        let calls = Ledger::calls();
        let (births, deaths) = calls.split_at(COUNT as usize);
        for (number, birth) in births.iter().enumerate() {
            match birth {
                Call::Alloc { object, layout } if !ZEROED => {
                    assert_eq!((*object, layout.size()), (number, number + 2));
                }
                Call::AllocZeroed { object, layout } if ZEROED => {
                    assert_eq!((*object, layout.size()), (number, number + 2));
                }
                other => panic!("{other:?}"),
            }
        }
        let (mut order, mut bytes) = (Vec::new(), Vec::new());
        for death in deaths {
            let Call::Free { object, bytes: content, .. } = death else { panic!("{death:?}") };
            assert_eq!(usize::from(content[0]), *object);
            order.push(*object as u32);
            bytes.push(content[1]);
        }
        assert_eq!(order, Order::Random.positions(COUNT));
        bytes
    }

    #[test]
    fn all_are_born_then_all_die_in_random_order() {
        assert_eq!(second_bytes::<false>(), [FRESH; COUNT as usize]);
    }

    #[test]
    fn zeroed_objects_are_asked_for_as_such() {
        assert_eq!(second_bytes::<true>(), [0; COUNT as usize]);
    }
}

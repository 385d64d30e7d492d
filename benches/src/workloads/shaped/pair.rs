//! The pair of objects of many layouts: allocate one, free it, then the next.

use core::hint::black_box;

use super::{Shape, alloc_shaped};
use crate::allocator::Allocator;
use crate::workloads::{OPERATIONS, Workload};

/// One object at a time.
#[derive(Debug)]
pub struct ShapedPair<A, S> {
    allocator: A,
    shapes: Vec<S>,
}

impl<A: Allocator, S: Shape> ShapedPair<A, S> {
    /// On the calling thread; `draw` is asked for each object of a round.
    pub fn new(draw: impl FnMut() -> S) -> Self {
        let shapes = core::iter::repeat_with(draw).take(OPERATIONS as usize).collect();
        Self { allocator: A::new(), shapes }
    }
}

impl<A: Allocator, S: Shape> Workload for ShapedPair<A, S> {
    #[inline]
    fn round(&mut self) {
        for (&shape, number) in self.shapes.iter().zip(0..) {
            let object = black_box(alloc_shaped(&self.allocator, shape, number));
            // SAFETY: allocated just now with this layout.
            unsafe { self.allocator.free_layout(object, shape.layout()) };
        }
        self.allocator.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, Ledger};
    use crate::workloads::shaped::Unseen;

    #[test]
    fn each_object_is_dead_before_the_next() {
        let mut size = 0;
        let mut pair = ShapedPair::<Ledger, _>::new(|| {
            size += 1;
            Unseen::new(size, 8)
        });
        pair.round();
        let calls = Ledger::calls();
        assert_eq!(calls.len() as u64, 2 * pair.operations());
        for (turn, calls) in calls.chunks(2).enumerate() {
            let Call::Alloc { object, layout } = calls[0] else { panic!("{:?}", calls[0]) };
            assert_eq!((object, layout.size()), (turn, turn + 1));
            assert!(matches!(calls[1], Call::Free { object, .. } if object == turn));
        }
    }
}

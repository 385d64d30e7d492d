//! Binary trees: built from the leaves up, then dropped from the leaves up, as boxes in boxes are.

use core::ptr::NonNull;

use super::Workload;
use crate::allocator::Allocator;

/// Two children or none, and a word.
#[derive(Debug)]
#[expect(dead_code, reason = "nodes have a content, which is written as it would be for real")]
struct Node {
    children: Option<[NonNull<Node>; 2]>,
    word: u64,
}

const NODE: usize = size_of::<Node>();
const _: () = assert!(NODE == 24);

/// One complete tree at a time.
#[derive(Debug)]
pub struct Trees<A> {
    allocator: A,
    depth: u32,
}

impl<A: Allocator> Trees<A> {
    /// On the calling thread. `depth` is how many steps a leaf is away from the root.
    #[must_use]
    pub fn new(depth: u32) -> Self {
        Self { allocator: A::new(), depth }
    }

    fn build(&self, depth: u32) -> NonNull<Node> {
        let children = match depth {
            0 => None,
            _ => Some([self.build(depth - 1), self.build(depth - 1)]),
        };
        let node = self.allocator.alloc::<NODE>().cast();
        // SAFETY: room of a node's size, aligned to its words, ours alone.
        unsafe { node.write(Node { children, word: depth.into() }) };
        node
    }

    /// # Safety
    ///
    /// `node` is from `build` and is not used again.
    unsafe fn drop_tree(&self, node: NonNull<Node>) {
        // SAFETY: a live node (contract).
        let children = unsafe { node.as_ref() }.children;
        for child in children.into_iter().flatten() {
            // SAFETY: from `build`; only this node has it.
            unsafe { self.drop_tree(child) };
        }
        // SAFETY: allocated in `build` (contract).
        unsafe { self.allocator.free::<NODE>(node.cast()) };
    }
}

impl<A: Allocator> Workload for Trees<A> {
    /// The nodes.
    fn operations(&self) -> u64 {
        (1 << (self.depth + 1)) - 1
    }

    fn round(&mut self) {
        let root = self.build(self.depth);
        // SAFETY: built just now.
        unsafe { self.drop_tree(root) };
        self.allocator.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, Ledger};

    #[test]
    fn children_are_born_and_die_before_their_parent() {
        let mut trees = Trees::<Ledger>::new(2);
        trees.round();
        let calls = Ledger::calls();
        assert_eq!(calls.len() as u64, 2 * trees.operations());
        let (births, deaths) = calls.split_at(7);
        for (number, birth) in births.iter().enumerate() {
            let Call::Alloc { object, layout } = birth else { panic!("{birth:?}") };
            assert_eq!((*object, layout.size()), (number, 24));
        }
        let (mut order, mut words) = (Vec::new(), Vec::new());
        for death in deaths {
            let Call::Free { object, bytes, .. } = death else { panic!("{death:?}") };
            order.push(*object);
            words.push(bytes[16]);
        }
        // Leaf, leaf, their parent, twice, and the root: at birth, and so at death.
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(words, [0, 0, 1, 0, 0, 1, 2]);
    }
}

//! A tree among three other lifetimes: whether what lives together lies together.
//!
//! A binary tree is built depth first, and between any two of its nodes an object of each of three
//! other lifetimes is allocated, and sometimes one is freed. All have 48 bytes. A round walks the
//! tree depth first; an operation is a node of which a word is read.

use core::hint::black_box;
use core::ptr::NonNull;

use super::Workload;
use crate::allocator::Allocator;
use crate::order::Random;

/// How large all objects are.
const SIZE: usize = 48;

/// What a node has at its start.
#[repr(C)]
struct Node {
    children: Option<[NonNull<Node>; 2]>,
    word: u64,
}

const _: () = assert!(size_of::<Node>() <= SIZE, "a node fits into an object");

/// The tree, and what lives beside it.
#[derive(Debug)]
pub struct Tree<A: Allocator> {
    allocator: A,
    root: NonNull<Node>,
    nodes: u64,
    /// The live objects of lifetimes 1, 2 and 3.
    others: [Vec<NonNull<u64>>; 3],
}

/// A tree under construction.
struct Builder<'a, A> {
    allocator: &'a A,
    random: Random,
    nodes: u64,
    others: [Vec<NonNull<u64>>; 3],
}

impl<A: Allocator> Tree<A> {
    /// A full tree of this depth, which is 1 when there is only a root.
    #[must_use]
    pub fn new(depth: u32) -> Self {
        let allocator = A::new();
        let others = [const { Vec::new() }; 3];
        let mut builder =
            Builder { allocator: &allocator, random: Random::new(5), nodes: 0, others };
        let root = builder.node(depth);
        let Builder { nodes, others, .. } = builder;
        Self { allocator, root, nodes, others }
    }
}

impl<A: Allocator> Builder<'_, A> {
    /// A node and all below it.
    fn node(&mut self, depth: u32) -> NonNull<Node> {
        let node = self.allocator.alloc_of_life::<0, SIZE>().cast::<Node>();
        let word = self.nodes;
        self.nodes += 1;
        self.go_on::<1>();
        self.go_on::<2>();
        self.go_on::<3>();
        let children = (depth > 1).then(|| [self.node(depth - 1), self.node(depth - 1)]);
        // SAFETY: ours alone, of sufficient size, and aligned as words are.
        unsafe { node.write(Node { children, word }) };
        node
    }

    /// Lets another lifetime go on: an object is born, and at every other time a random one dies.
    fn go_on<const LIFE: usize>(&mut self) {
        let objects = &mut self.others[LIFE - 1];
        objects.push(self.allocator.alloc_of_life::<LIFE, SIZE>());
        if self.random.below(2) == 0 {
            let dying = objects.swap_remove(self.random.below(objects.len() as u32) as usize);
            // SAFETY: of this lifetime, and nobody has it any more.
            unsafe { self.allocator.free_of_life::<LIFE, SIZE>(dying) };
        }
    }
}

/// Visits the words of a node and of all below it, depth first.
///
/// # Safety
///
/// All of them are alive.
#[inline]
unsafe fn for_each_word(node: NonNull<Node>, visit: &mut impl FnMut(u64)) {
    // SAFETY: alive (contract).
    let node = unsafe { node.as_ref() };
    visit(node.word);
    for child in node.children.into_iter().flatten() {
        // SAFETY: below it.
        unsafe { for_each_word(child, visit) };
    }
}

impl<A: Allocator> Workload for Tree<A> {
    fn operations(&self) -> u64 {
        self.nodes
    }

    #[inline]
    fn round(&mut self) {
        let mut sum = 0_u64;
        // SAFETY: the nodes live as long as the tree.
        unsafe { for_each_word(self.root, &mut |word| sum = sum.wrapping_add(word)) };
        black_box(sum);
    }
}

impl<A: Allocator> Tree<A> {
    /// Frees a node and all below it.
    ///
    /// # Safety
    ///
    /// They are alive, and not used again.
    unsafe fn free(&self, node: NonNull<Node>) {
        // SAFETY: alive (contract).
        for child in unsafe { node.as_ref() }.children.into_iter().flatten() {
            // SAFETY: below it.
            unsafe { self.free(child) };
        }
        // SAFETY: of this lifetime, alive, and not used again.
        unsafe { self.allocator.free_of_life::<0, SIZE>(node.cast()) };
    }

    /// Frees what is left of another lifetime.
    fn end<const LIFE: usize>(&mut self) {
        for object in self.others[LIFE - 1].drain(..) {
            // SAFETY: of this lifetime, alive, and not used again.
            unsafe { self.allocator.free_of_life::<LIFE, SIZE>(object) };
        }
    }
}

impl<A: Allocator> Drop for Tree<A> {
    fn drop(&mut self) {
        // SAFETY: the root is used no more.
        unsafe { self.free(self.root) };
        self.end::<1>();
        self.end::<2>();
        self.end::<3>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn the_walk_is_in_the_order_of_allocation() {
        type A = Counting<7>;
        let tree = Tree::<A>::new(6);
        let mut words = Vec::new();
        // SAFETY: the tree is alive.
        unsafe { for_each_word(tree.root, &mut |word| words.push(word)) };
        assert!(words.into_iter().eq(0..63));
        assert_eq!(tree.operations(), 63);
        let counts = A::counts();
        assert_eq!(counts.allocated, 63 * 4);
        // About half of the others have died.
        assert!((70..120).contains(&counts.freed), "{}", counts.freed);
        drop(tree);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}

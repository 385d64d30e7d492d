//! Nodes of which each knows the next: so they need no array of their addresses.

use core::ptr::NonNull;

use crate::allocator::Allocator;

/// What an object has at its start: two words.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Node {
    pub(super) next: Option<NonNull<Node>>,
    pub(super) word: u64,
}

/// Visits the word of each node from this one on.
///
/// # Safety
///
/// All of them are alive.
#[inline(always)]
pub(super) unsafe fn for_each_word(first: Option<NonNull<Node>>, mut visit: impl FnMut(u64)) {
    let mut next = first;
    while let Some(node) = next {
        // SAFETY: alive (contract).
        let node = unsafe { node.as_ref() };
        visit(node.word);
        next = node.next;
    }
}

/// A list of objects.
#[derive(Debug)]
pub struct List<A: Allocator, const SIZE: usize> {
    allocator: A,
    first: Option<NonNull<Node>>,
}

impl<A: Allocator, const SIZE: usize> List<A, SIZE> {
    /// A list of so many nodes, allocated in their order. Their words count from 0.
    #[must_use]
    pub fn new(allocator: A, count: u32) -> Self {
        const { assert!(SIZE >= size_of::<Node>(), "a node fits into an object") };
        let mut list = Self { allocator, first: None };
        let mut end = &mut list.first;
        for number in 0..count {
            let mut node = list.allocator.alloc::<SIZE>().cast::<Node>();
            // SAFETY: ours alone, of sufficient size, and aligned as words are.
            unsafe { node.write(Node { next: None, word: number.into() }) };
            *end = Some(node);
            // SAFETY: written just now, and borrowed by nobody else.
            end = unsafe { &mut node.as_mut().next };
        }
        list
    }

    /// Visits the word of each node, in the list's order.
    #[inline(always)]
    pub fn for_each_word(&self, visit: impl FnMut(u64)) {
        // SAFETY: the nodes live as long as the list.
        unsafe { for_each_word(self.first, visit) };
    }
}

impl<A: Allocator, const SIZE: usize> Drop for List<A, SIZE> {
    fn drop(&mut self) {
        let mut next = self.first;
        while let Some(node) = next {
            // SAFETY: alive, and freed only below.
            next = unsafe { node.as_ref() }.next;
            // SAFETY: allocated with this size, and not used again.
            unsafe { self.allocator.free::<SIZE>(node.cast()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn every_node_is_there_once_and_in_order() {
        type A = Counting<5>;
        let list = List::<A, 48>::new(A::new(), 100);
        let mut words = Vec::new();
        list.for_each_word(|word| words.push(word));
        assert!(words.into_iter().eq(0..100));
        assert_eq!((A::counts().live, A::counts().allocated), (100, 100));
        drop(list);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}

//! Walks: how fast a list is to read depends on where the allocator has put its nodes.
//!
//! Nodes have 48 bytes, the address of the next in the first word. An operation is a node whose
//! second word is read.

use core::hint::black_box;
use core::ptr::NonNull;

use super::list::{Node, for_each_word};
use super::{List, Workload};
use crate::allocator::Allocator;
use crate::order::Random;

/// How large a node is.
const SIZE: usize = 48;
/// How often a random half is replaced before the list is made.
const REPLACEMENTS: usize = 3;

/// A list in a heap that has been at work.
#[derive(Debug)]
pub struct ListWalk<A: Allocator> {
    list: List<A, SIZE>,
    nodes: u32,
}

impl<A: Allocator> ListWalk<A> {
    /// A list of so many nodes, allocated in the list's order. Before that there was churn: as many
    /// objects lived, of which a random half was replaced some times, and all died in random order.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        let allocator = A::new();
        unsettle(&allocator, nodes);
        Self { list: List::new(allocator, nodes), nodes }
    }
}

/// Leaves free memory in random order.
fn unsettle<A: Allocator>(allocator: &A, count: u32) {
    let mut random = Random::new(4);
    let mut objects: Vec<_> = (0..count).map(|_| allocator.alloc_touched::<SIZE>(0)).collect();
    for _ in 0..REPLACEMENTS {
        let mut half = random.permutation(count);
        half.truncate(count as usize / 2);
        for &place in &half {
            // SAFETY: alive, and replaced below.
            unsafe { allocator.free::<SIZE>(objects[place as usize]) };
        }
        for &place in &half {
            objects[place as usize] = allocator.alloc_touched::<SIZE>(0);
        }
    }
    for place in random.permutation(count) {
        // SAFETY: alive, and each place comes once.
        unsafe { allocator.free::<SIZE>(objects[place as usize]) };
    }
}

impl<A: Allocator> Workload for ListWalk<A> {
    fn operations(&self) -> u64 {
        self.nodes.into()
    }

    #[inline]
    fn round(&mut self) {
        let mut sum = 0_u64;
        self.list.for_each_word(|word| sum = sum.wrapping_add(word));
        black_box(sum);
    }
}

/// The room of a node in an array.
#[derive(Debug)]
#[repr(C)]
struct Room {
    node: Node,
    rest: [u64; SIZE / 8 - 2],
}

const _: () = assert!(size_of::<Room>() == SIZE, "the limits have nodes of the same size");

/// An array of unconnected nodes.
fn rooms(nodes: u32) -> Vec<Room> {
    let room = |word| Room { node: Node { next: None, word }, rest: [0; SIZE / 8 - 2] };
    (0..nodes.into()).map(room).collect()
}

/// A limit: the same list, with its nodes in one array in their order.
#[derive(Debug)]
pub struct BumpListWalk {
    first: Option<NonNull<Node>>,
    /// The array, which is only reached through the list.
    rooms: Vec<Room>,
}

impl BumpListWalk {
    /// A list of so many nodes.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        let mut rooms = rooms(nodes);
        let start = NonNull::new(rooms.as_mut_ptr()).expect("an array has an address");
        let mut first = None;
        for place in (0..nodes as usize).rev() {
            // SAFETY: inside the array.
            let mut node = unsafe { start.add(place) }.cast::<Node>();
            // SAFETY: a node, as rooms start with one, and borrowed by nobody else.
            unsafe { node.as_mut() }.next = first;
            first = Some(node);
        }
        Self { first, rooms }
    }

    #[inline(always)]
    fn for_each_word(&self, visit: impl FnMut(u64)) {
        // SAFETY: all nodes are in the array, which is there as long as this.
        unsafe { for_each_word(self.first, visit) };
    }
}

impl Workload for BumpListWalk {
    fn operations(&self) -> u64 {
        self.rooms.len() as u64
    }

    #[inline]
    fn round(&mut self) {
        let mut sum = 0_u64;
        self.for_each_word(|word| sum = sum.wrapping_add(word));
        black_box(sum);
    }
}

/// A limit: no list, but the words of an array's elements, of the size of nodes.
#[derive(Debug)]
pub struct ArrayWalk(Vec<Room>);

impl ArrayWalk {
    /// An array of so many elements.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        Self(rooms(nodes))
    }
}

impl Workload for ArrayWalk {
    fn operations(&self) -> u64 {
        self.0.len() as u64
    }

    #[inline]
    fn round(&mut self) {
        let mut sum = 0_u64;
        for room in &self.0 {
            sum = sum.wrapping_add(room.node.word);
        }
        black_box(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn a_walk_comes_to_every_node_once() {
        type A = Counting<6>;
        let walk = ListWalk::<A>::new(1000);
        let counts = A::counts();
        assert_eq!((counts.live, counts.wrong), (1000, 0));
        // All once, three times a half, and the list.
        assert_eq!(counts.allocated, 1000 + 3 * 500 + 1000);
        let mut words = Vec::new();
        walk.list.for_each_word(|word| words.push(word));
        assert!(words.into_iter().eq(0..1000));
        assert_eq!(walk.operations(), 1000);
        drop(walk);
        assert_eq!(A::counts().live, 0);
    }

    #[test]
    fn the_limits_have_as_many_nodes() {
        let bump = BumpListWalk::new(1000);
        let mut words = Vec::new();
        bump.for_each_word(|word| words.push(word));
        assert!(words.into_iter().eq(0..1000));
        assert!(ArrayWalk::new(1000).0.iter().map(|room| room.node.word).eq(0..1000));
        assert_eq!((bump.operations(), ArrayWalk::new(1000).operations()), (1000, 1000));
    }
}

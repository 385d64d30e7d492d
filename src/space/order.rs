//! An ordered set of indices whose nodes live in the descriptors that the indices name.
//!
//! A treap (Seidel and Aragon, "Randomized Search Trees", 1996): a search tree that is a heap by
//! priority, where the priority is a bijective hash of the index. So the shape depends on the set and
//! its order alone, the expected depth is logarithmic, and a node needs two links and nothing else. The
//! order is that of the indices, unless the [`Links`] name another. The lowest index is cached, because
//! refilling always asks for it.
//!
//! Whoever uses an [`Order`] holds the lock that guards it; the links are atomics only so that the
//! descriptors that contain them can be shared.

use crate::sync::{AtomicU32, Ordering};

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// Where the two links of a node are, and by what they are in order.
pub(crate) trait Links {
    /// The link to the lower subtree.
    fn left(&self, node: u32) -> &AtomicU32;
    /// The link to the higher subtree.
    fn right(&self, node: u32) -> &AtomicU32;
    /// By what nodes are in order: no two have the same, and a node keeps it for as long as it is in the
    /// set.
    #[inline]
    fn rank(&self, node: u32) -> u64 {
        node.into()
    }
}

/// An ordered set of indices.
#[derive(Debug)]
pub(crate) struct Order {
    root: u32,
    lowest: u32,
}

/// A link that can be read and replaced: the root's, or one of a node's.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Left(u32),
    Right(u32),
}

fn priority(node: u32) -> u32 {
    // An xor with its own upper half, and a product with an odd number: each can be undone, so no two
    // indices have the same priority.
    let mixed = (node ^ (node >> 16)).wrapping_mul(0x9E37_79B1);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B)
}

impl Order {
    pub(crate) const fn new() -> Self {
        Self { root: NONE, lowest: NONE }
    }

    /// The lowest index, in constant time.
    pub(crate) fn lowest(&self) -> Option<u32> {
        (self.lowest != NONE).then_some(self.lowest)
    }

    fn get(&self, links: &impl Links, place: Place) -> u32 {
        match place {
            Place::Root => self.root,
            Place::Left(node) => links.left(node).load(Ordering::Relaxed),
            Place::Right(node) => links.right(node).load(Ordering::Relaxed),
        }
    }

    fn set(&mut self, links: &impl Links, place: Place, node: u32) {
        match place {
            Place::Root => self.root = node,
            Place::Left(parent) => links.left(parent).store(node, Ordering::Relaxed),
            Place::Right(parent) => links.right(parent).store(node, Ordering::Relaxed),
        }
    }

    /// Adds an index that is not in the set. Expected O(log n).
    pub(crate) fn insert(&mut self, links: &impl Links, key: u32) {
        debug_assert!(key != NONE && !self.contains(links, key));
        let rank = links.rank(key);
        let mut place = Place::Root;
        // Down to the first node with a lower priority: the key takes its place, and so the heap stays
        // one.
        let mut rest = loop {
            let node = self.get(links, place);
            if node == NONE || priority(node) < priority(key) {
                break node;
            }
            place = Self::towards(links, rank, node);
        };
        self.set(links, place, key);
        // Cut what hung there into what lies below the key and what lies above it.
        let (mut low, mut high) = (Place::Left(key), Place::Right(key));
        while rest != NONE {
            if links.rank(rest) < rank {
                self.set(links, low, rest);
                low = Place::Right(rest);
                rest = self.get(links, low);
            } else {
                self.set(links, high, rest);
                high = Place::Left(rest);
                rest = self.get(links, high);
            }
        }
        self.set(links, low, NONE);
        self.set(links, high, NONE);
        if self.lowest == NONE || rank < links.rank(self.lowest) {
            self.lowest = key;
        }
    }

    /// Takes an index out; returns whether it was in the set. Expected O(log n).
    pub(crate) fn remove(&mut self, links: &impl Links, key: u32) -> bool {
        let Some(mut place) = self.find(links, key) else { return false };
        let mut low = self.get(links, Place::Left(key));
        let mut high = self.get(links, Place::Right(key));
        loop {
            if low == NONE {
                self.set(links, place, high);
                break;
            }
            if high == NONE {
                self.set(links, place, low);
                break;
            }
            // Of two subtrees that become one, the root with the higher priority comes on top.
            if priority(low) > priority(high) {
                self.set(links, place, low);
                place = Place::Right(low);
                low = self.get(links, place);
            } else {
                self.set(links, place, high);
                place = Place::Left(high);
                high = self.get(links, place);
            }
        }
        if self.lowest == key {
            self.lowest = self.leftmost(links);
        }
        true
    }

    fn leftmost(&self, links: &impl Links) -> u32 {
        let mut node = self.root;
        while node != NONE {
            let left = self.get(links, Place::Left(node));
            if left == NONE {
                break;
            }
            node = left;
        }
        node
    }

    fn find(&self, links: &impl Links, key: u32) -> Option<Place> {
        let rank = links.rank(key);
        let mut place = Place::Root;
        loop {
            let node = self.get(links, place);
            if node == NONE {
                return None;
            }
            if node == key {
                return Some(place);
            }
            place = Self::towards(links, rank, node);
        }
    }

    /// Which link of a node leads to another of this rank.
    fn towards(links: &impl Links, rank: u64, node: u32) -> Place {
        if rank < links.rank(node) { Place::Left(node) } else { Place::Right(node) }
    }

    /// Whether an index is in the set. Expected O(log n).
    pub(crate) fn contains(&self, links: &impl Links, key: u32) -> bool {
        self.find(links, key).is_some()
    }

    /// The next index after `key`, which need not be in the set itself. Expected O(log n).
    pub(crate) fn after(&self, links: &impl Links, key: u32) -> Option<u32> {
        let rank = links.rank(key);
        self.first(links, |node| links.rank(node) > rank)
    }

    /// The first index that passes, where all that come after one that passes do so too. Expected
    /// O(log n).
    pub(crate) fn first(&self, links: &impl Links, passes: impl Fn(u32) -> bool) -> Option<u32> {
        let mut best = NONE;
        let mut node = self.root;
        while node != NONE {
            if passes(node) {
                best = node;
                node = self.get(links, Place::Left(node));
            } else {
                node = self.get(links, Place::Right(node));
            }
        }
        (best != NONE).then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    struct Nodes(Vec<(AtomicU32, AtomicU32)>);

    impl Links for Nodes {
        fn left(&self, node: u32) -> &AtomicU32 {
            &self.0[node as usize].0
        }
        fn right(&self, node: u32) -> &AtomicU32 {
            &self.0[node as usize].1
        }
    }

    #[test]
    fn agrees_with_a_sorted_set_over_random_operations() {
        let nodes = Nodes((0..500).map(|_| Default::default()).collect());
        let mut order = Order::new();
        let mut model = BTreeSet::new();
        let mut random = 12345u32;
        for _ in 0..if cfg!(miri) { 40 } else { 20_000 } {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (random >> 8) % 500;
            if model.contains(&key) {
                assert!(order.remove(&nodes, key));
                model.remove(&key);
            } else {
                assert!(!order.remove(&nodes, key));
                order.insert(&nodes, key);
                model.insert(key);
            }
            assert_eq!(order.lowest(), model.first().copied());
            let probe = (random >> 4) % 500;
            assert_eq!(order.contains(&nodes, probe), model.contains(&probe));
            assert_eq!(order.after(&nodes, probe), model.range(probe + 1..).next().copied());
        }
    }

    #[test]
    fn stays_shallow_when_filled_in_order() {
        const COUNT: u32 = if cfg!(miri) { 100 } else { 10_000 };
        let nodes = Nodes((0..COUNT).map(|_| Default::default()).collect());
        let mut order = Order::new();
        for key in 0..COUNT {
            order.insert(&nodes, key);
        }
        fn depth(nodes: &Nodes, node: u32) -> usize {
            if node == NONE {
                return 0;
            }
            let left = nodes.left(node).load(Ordering::Relaxed);
            let right = nodes.right(node).load(Ordering::Relaxed);
            1 + depth(nodes, left).max(depth(nodes, right))
        }
        assert!(depth(&nodes, order.root) < 60);
    }
}

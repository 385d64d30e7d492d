//! The standard library's collections and handles in a family; for the nightly compiler.
//!
//! Run with `cargo +nightly test -p famalloc --features nightly --test nightly`.

#![cfg(feature = "nightly")]
#![feature(allocator_api)]

mod common;

use std::fmt::Debug;

use common::usage;
use famalloc::collections::nightly::{
    Arc, BTreeMap, BTreeSet, BinaryHeap, Box, LinkedList, Rc, Vec, VecDeque,
};
use famalloc::collections::{FamilyCollection, serde_map, serde_seq};
use famalloc::{In, alloc_family};

#[alloc_family]
enum Lives {
    Any,
}

type F = lives::Any;

fn live() -> usize {
    usage::<F>().live_objects
}

fn collects<C>(sorted: impl Fn(&C) -> std::vec::Vec<u32>)
where
    C: FamilyCollection<Item = u32>,
    for<'a> &'a C: IntoIterator<Item = &'a u32>,
{
    assert_eq!(live(), 0);
    drop(C::with_capacity_in_family(100));
    let numbers = C::from_iter_in_family([3, 1, 2]);
    assert!(live() > 0);
    assert_eq!(sorted(&numbers), [1, 2, 3]);
    let mut json = std::vec::Vec::new();
    serde_seq::serialize(&numbers, &mut serde_json::Serializer::new(&mut json)).unwrap();
    let mut json = serde_json::Deserializer::from_slice(&json);
    let back: C = serde_seq::deserialize(&mut json).unwrap();
    assert_eq!(sorted(&back), [1, 2, 3]);
    drop((numbers, back));
    let mut json = serde_json::Deserializer::from_str("[1, 2, \"three\"]");
    assert!(serde_seq::deserialize::<C, _>(&mut json).is_err());
    assert_eq!(live(), 0);
}

#[test]
fn every_collection_and_handle_is_in_its_family() {
    fn sorted<'a>(numbers: impl IntoIterator<Item = &'a u32>) -> std::vec::Vec<u32> {
        let mut numbers: std::vec::Vec<_> = numbers.into_iter().copied().collect();
        numbers.sort_unstable();
        numbers
    }
    collects::<Vec<u32, F>>(|it| sorted(it));
    collects::<VecDeque<u32, F>>(|it| sorted(it));
    collects::<BinaryHeap<u32, F>>(|it| sorted(it));
    collects::<LinkedList<u32, F>>(|it| sorted(it));
    collects::<BTreeSet<u32, F>>(|it| sorted(it));

    let mut map = BTreeMap::<u32, u32, F>::new_in_family();
    map.extend((0..10_000).map(|key| (key, !key)));
    assert!(live() > 500 && map.iter().all(|(key, value)| *value == !key));
    let mut json = std::vec::Vec::new();
    serde_map::serialize(&map, &mut serde_json::Serializer::new(&mut json)).unwrap();
    let mut json = serde_json::Deserializer::from_slice(&json);
    assert_eq!(serde_map::deserialize::<BTreeMap<_, _, F>, _, _, _>(&mut json).unwrap(), map);
    drop(map);
    assert_eq!(live(), 0);

    let object: Box<dyn Debug, F> = Box::new_in(7, In::new());
    let shared: Rc<u32, F> = Rc::new_in(7, In::new());
    let atomic: Arc<u32, F> = Arc::new_in(7, In::new());
    assert_eq!((format!("{object:?}"), *shared, *atomic, live()), ("7".into(), 7, 7, 3));
}

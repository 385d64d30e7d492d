//! Maps by hash: the same as the standard library's, their memory counted to the family.

use std::collections::HashMap as Model;

use famalloc::collections::{FamilyCollection, HashMap, HashSet};
use famalloc::{alloc_family, check};

use crate::common::{Random, times, usage};

#[alloc_family]
enum Lives {
    Large,
    Random,
    Sets,
}

#[test]
fn a_hundred_thousand_entries_are_counted() {
    const MANY: u64 = times(100_000, 60) as u64;
    type F = lives::Large;
    let mut map = HashMap::<u64, u64, F>::new_in_family();
    assert_eq!(usage::<F>().live_objects, 0);
    map.extend((0..MANY).map(|key| (key, !key)));
    let used = usage::<F>();
    // One table, of at least 8/7 as many entries as there are, and a byte for each.
    assert_eq!(used.live_objects, 1);
    assert!(used.live_bytes >= MANY as usize * 17, "{}", used.live_bytes);
    assert!((0..MANY).all(|key| map.get(&key) == Some(&!key)));
    let copy = map.clone();
    assert_eq!(usage::<F>().live_objects, 2);
    assert!(copy == map);
    check().unwrap();
    drop((map, copy));
    assert_eq!((usage::<F>().live_objects, usage::<F>().live_bytes), (0, 0));
}

#[test]
fn random_operations_agree_with_the_standard_library() {
    type F = lives::Random;
    let mut random = Random::new(1);
    let mut ours = HashMap::<u32, String, F>::new_in_family();
    let mut model = Model::new();
    for _ in 0..times(30_000, 80) {
        let key = random.below(700) as u32;
        match random.below(100) {
            0..55 => {
                let value = random.below(1000).to_string();
                assert_eq!(ours.insert(key, value.clone()), model.insert(key, value));
            }
            55..95 => assert_eq!(ours.remove(&key), model.remove(&key)),
            95..98 => ours.shrink_to_fit(),
            98 => {
                ours.retain(|key, _| key % 7 != 0);
                model.retain(|key, _| key % 7 != 0);
            }
            _ => assert!(ours.iter().all(|(key, value)| model.get(key) == Some(value))),
        }
        assert_eq!(ours.len(), model.len());
    }
    drop(ours);
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn sets_of_text_in_the_same_family() {
    type Text = famalloc::collections::String<lives::Sets>;
    let words = ["the", "quick", "brown", "fox", "the", "fox"];
    let set = HashSet::<Text, lives::Sets>::from_iter_in_family(words.map(Text::from));
    // The table and four texts.
    assert_eq!((set.len(), usage::<lives::Sets>().live_objects), (4, 5));
    assert!(set.contains("brown") && !set.contains("red"));
    drop(set);
    assert_eq!(usage::<lives::Sets>().live_objects, 0);
}

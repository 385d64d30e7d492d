//! Random operations on a `SmallVec`, a `Vec`, and the `SmallVec` of the crate `smallvec`: all three
//! have the same elements, the two small ones spill at the same moments, and the family has one live
//! object while ours is spilled and none otherwise.

use std::fmt::Debug;

use famalloc::collections::SmallVec;
use famalloc::{Family, alloc_family};
use smallvec::{Array, SmallVec as Theirs};

use crate::common::{Random, times, usage};

#[alloc_family]
enum Lives {
    Bytes,
    Texts,
    Wide,
    Nothings,
    Pages,
}

struct Three<A: Array, const N: usize, F: Family> {
    ours: SmallVec<A::Item, N, F>,
    theirs: Theirs<A>,
    model: Vec<A::Item>,
}

impl<A: Array, const N: usize, F: Family> Three<A, N, F>
where
    A::Item: Clone + Debug + PartialEq,
{
    fn new() -> Self {
        Self { ours: SmallVec::new(), theirs: Theirs::new(), model: Vec::new() }
    }

    fn assert_same(&self) {
        assert_eq!(self.ours[..], self.model[..]);
        assert_eq!(self.theirs[..], self.model[..]);
        assert_eq!(self.ours.spilled(), self.theirs.spilled());
        assert_eq!(self.ours.spilled(), self.ours.capacity() > N && size_of::<A::Item>() > 0);
        assert!(self.ours.capacity() >= self.ours.len());
        assert_eq!(self.ours.as_ptr().addr() % align_of::<A::Item>(), 0);
        assert_eq!(usage::<F>().live_objects, usize::from(self.ours.spilled()));
    }

    fn step(&mut self, random: &mut Random, next: &mut impl FnMut() -> A::Item) {
        let len = self.model.len();
        let Self { ours, theirs, model } = self;
        let at = random.below(len + 1);
        match random.below(20) {
            0..4 => {
                let value = next();
                ours.push(value.clone());
                theirs.push(value.clone());
                model.push(value);
            }
            4 => {
                let popped = ours.pop();
                assert_eq!(popped, theirs.pop());
                assert_eq!(popped, model.pop());
            }
            5..7 => {
                let value = next();
                ours.insert(at, value.clone());
                theirs.insert(at, value.clone());
                model.insert(at, value);
            }
            7 if at < len => {
                let removed = ours.remove(at);
                assert_eq!(removed, theirs.remove(at));
                assert_eq!(removed, model.remove(at));
            }
            8 if at < len => {
                let removed = ours.swap_remove(at);
                assert_eq!(removed, theirs.swap_remove(at));
                assert_eq!(removed, model.swap_remove(at));
            }
            9 => {
                ours.truncate(at);
                theirs.truncate(at);
                model.truncate(at);
            }
            10 => {
                let more: Vec<_> = (0..random.below(12)).map(|_| next()).collect();
                ours.extend(more.clone());
                theirs.extend(more.clone());
                model.extend(more);
            }
            11 => {
                let more: Vec<_> = (0..random.below(12)).map(|_| next()).collect();
                ours.extend_from_slice(&more);
                theirs.extend(more.clone());
                model.extend_from_slice(&more);
            }
            12..14 => {
                let to = at + random.below(len + 1 - at);
                let taken: Vec<_> = model.drain(at..to).collect();
                assert_eq!(ours.drain(at..to).as_slice(), taken);
                drop(theirs.drain(at..to));
            }
            14 => {
                // By position, as values may be equal.
                let pattern = random.next();
                let wanted = |position: usize| pattern >> (position % 64) & 1 == 0;
                let mut positions = (0.., 0.., 0..);
                ours.retain(|_| wanted(positions.0.next().unwrap()));
                theirs.retain(|_| wanted(positions.1.next().unwrap()));
                model.retain(|_| wanted(positions.2.next().unwrap()));
            }
            15 => {
                ours.dedup();
                theirs.dedup();
                model.dedup();
            }
            16 => {
                ours.shrink_to_fit();
                theirs.shrink_to_fit();
            }
            17 => {
                let (tail, other) = (ours.split_off(at), theirs.drain(at..).collect::<Theirs<A>>());
                assert_eq!(tail[..], model.split_off(at)[..]);
                assert_eq!(tail[..], other[..]);
            }
            18 => {
                let length = random.below(2 * len + 2);
                let value = next();
                ours.resize(length, value.clone());
                theirs.resize(length, value.clone());
                model.resize(length, value);
            }
            _ => match random.below(5) {
                0 => {
                    // Through a box and back, which leaves what fits inline.
                    *ours = std::mem::take(ours).into_boxed_slice().into();
                    theirs.shrink_to_fit();
                }
                1 => {
                    *ours = ours.clone();
                    *theirs = theirs.clone();
                }
                2 => {
                    let mut taken = std::mem::take(ours).into_iter();
                    assert_eq!(taken.next(), theirs.first().cloned());
                    *ours = model.drain(..).collect();
                    *model = ours.to_vec();
                    *theirs = model.iter().cloned().collect();
                }
                3 => {
                    ours.reserve(at);
                    theirs.reserve(at);
                }
                _ => {
                    let mut other: SmallVec<_, 3, F> = model.iter().take(5).cloned().collect();
                    theirs.extend(other.iter().cloned());
                    model.extend(other.iter().cloned());
                    ours.append(&mut other);
                    assert!(other.is_empty());
                }
            },
        }
    }
}

fn run<A: Array, const N: usize, F: Family>(seed: u64, mut make: impl FnMut(u64) -> A::Item)
where
    A::Item: Clone + Debug + PartialEq,
{
    let mut random = Random::new(seed);
    let mut values = Random::new(seed + 1);
    let mut three = Three::<A, N, F>::new();
    let mut longest = 0;
    for _ in 0..times(3000, 24) {
        three.step(&mut random, &mut || make(values.next()));
        three.assert_same();
        if three.model.len() > 300 {
            three.ours.clear();
            three.theirs.clear();
            three.model.clear();
        }
        longest = longest.max(three.model.len());
    }
    assert!(longest > times(20, 0), "the vectors stayed short");
    drop(three);
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn bytes() {
    run::<[u8; 0], 0, lives::Bytes>(1, |value| value as u8 % 3);
    run::<[u8; 1], 1, lives::Bytes>(2, |value| value as u8 % 3);
    run::<[u8; 20], 20, lives::Bytes>(3, |value| value as u8 % 3);
}

#[test]
fn values_with_a_destructor() {
    run::<[String; 0], 0, lives::Texts>(4, |value| (value % 5).to_string());
    run::<[String; 4], 4, lives::Texts>(5, |value| (value % 5).to_string());
}

#[test]
fn values_of_five_words() {
    run::<[[u64; 5]; 2], 2, lives::Wide>(6, |value| [value % 4; 5]);
}

#[test]
fn values_without_a_size() {
    run::<[(); 0], 0, lives::Nothings>(7, |_| ());
    run::<[(); 4], 4, lives::Nothings>(8, |_| ());
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(4096))]
struct Page(u64);

#[test]
fn values_as_large_as_a_page_and_aligned_like_one() {
    run::<[Page; 0], 0, lives::Pages>(9, |value| Page(value % 4));
    run::<[Page; 2], 2, lives::Pages>(10, |value| Page(value % 4));
}

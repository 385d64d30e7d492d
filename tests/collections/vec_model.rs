//! Random operations on a `SmallVec` or `Vec`, on the standard library's `Vec`, and on the `SmallVec` of the crate
//! `smallvec`: all three have the same elements, the small ones spill at the same moments, and the allocator
//! has one live object while ours is spilled and none otherwise. In a family by its marker, in one known at
//! run time, and in regions.

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt::Debug;
use std::mem;
use std::ptr::NonNull;

use famalloc::collections::vec::{Inline, Spilled, VecInner, VecStorage};
use famalloc::region::Tracked;
use famalloc::{AllocError, AnyFamily, Family, RawAlloc, Region, alloc_family};
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

/// A region whose live objects are counted.
#[derive(Clone)]
struct Counted<'a, M> {
    inner: M,
    count: &'a Cell<usize>,
}

// SAFETY: passed on.
unsafe impl<M: RawAlloc> RawAlloc for Counted<'_, M> {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let start = self.inner.alloc(layout)?;
        self.count.set(self.count.get() + usize::from(layout.size() > 0));
        Ok(start)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        self.count.set(self.count.get() - usize::from(layout.size() > 0));
        // SAFETY: passed on.
        unsafe { self.inner.free(start, layout) };
    }

    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        let moved = unsafe { self.inner.realloc(start, old, new)? };
        let (before, after) = (usize::from(old.size() > 0), usize::from(new.size() > 0));
        self.count.set(self.count.get() + after - before);
        Ok(moved)
    }
}

struct Three<'a, A: Array, S: VecStorage<A::Item>, M: RawAlloc> {
    ours: VecInner<A::Item, S, M>,
    theirs: Theirs<A>,
    model: Vec<A::Item>,
    live: &'a dyn Fn() -> usize,
}

impl<'a, A: Array, S: VecStorage<A::Item>, M: RawAlloc + Clone> Three<'a, A, S, M>
where
    A::Item: Clone + Debug + PartialEq,
{
    fn new_in(home: M, live: &'a dyn Fn() -> usize) -> Self {
        Self { ours: VecInner::new_in(home), theirs: Theirs::new(), model: Vec::new(), live }
    }

    fn assert_same(&self) {
        assert_eq!(self.ours[..], self.model[..]);
        assert_eq!(self.theirs[..], self.model[..]);
        assert_eq!(self.ours.spilled(), self.theirs.spilled());
        let inside = A::size();
        assert_eq!(self.ours.spilled(), self.ours.capacity() > inside && size_of::<A::Item>() > 0);
        assert!(self.ours.capacity() >= self.ours.len());
        assert_eq!(self.ours.as_ptr().addr() % align_of::<A::Item>(), 0);
        assert_eq!((self.live)(), usize::from(self.ours.spilled()));
    }

    fn step(&mut self, random: &mut Random, next: &mut impl FnMut() -> A::Item) {
        let len = self.model.len();
        let home = self.ours.allocator().clone();
        let Self { ours, theirs, model, .. } = self;
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
                    *ours = mem::replace(ours, VecInner::new_in(home)).into_boxed_slice().into();
                    theirs.shrink_to_fit();
                }
                1 => {
                    *ours = ours.clone();
                    *theirs = theirs.clone();
                }
                2 => {
                    let mut taken = mem::replace(ours, VecInner::new_in(home.clone())).into_iter();
                    assert_eq!(taken.next(), theirs.first().cloned());
                    *ours = VecInner::from_iter_in(model.drain(..), home);
                    *model = ours.to_vec();
                    *theirs = model.iter().cloned().collect();
                }
                3 => {
                    ours.reserve(at);
                    theirs.reserve(at);
                }
                _ => {
                    let few = model.iter().take(5).cloned();
                    let mut other = VecInner::<_, Inline<_, 3>, M>::from_iter_in(few, home);
                    theirs.extend(other.iter().cloned());
                    model.extend(other.iter().cloned());
                    ours.append(&mut other);
                    assert!(other.is_empty());
                }
            },
        }
    }
}

fn run_in<A: Array, S: VecStorage<A::Item>, M: RawAlloc + Clone>(
    home: M,
    live: &dyn Fn() -> usize,
    seed: u64,
    make: impl Fn(u64) -> A::Item,
) where
    A::Item: Clone + Debug + PartialEq,
{
    let mut random = Random::new(seed);
    let mut values = Random::new(seed + 1);
    let mut three = Three::<A, S, M>::new_in(home, live);
    let mut longest = 0;
    for _ in 0..times(3000, 10) {
        three.step(&mut random, &mut || make(values.next()));
        three.assert_same();
        if three.model.len() > 300 {
            three.ours.clear();
            three.theirs.clear();
            three.model.clear();
        }
        longest = longest.max(three.model.len());
    }
    assert!(longest >= times(20, 1), "the vectors stayed short");
    drop(three);
    assert_eq!(live(), 0);
}

/// The same everywhere where a vector can be at home.
fn run<A: Array, S: VecStorage<A::Item>, F: Family<Set = Lives>>(
    seed: u64,
    make: impl Fn(u64) -> A::Item,
) where
    A::Item: Clone + Debug + PartialEq,
{
    let live = || usage::<F>().live_objects;
    run_in::<A, S, F>(F::default(), &live, seed, &make);
    run_in::<A, S, _>(AnyFamily::from(F::KEY), &live, seed + 100, &make);

    let region = Region::<F>::new();
    let count = Cell::new(0);
    let counted = Counted { inner: region.allocator(), count: &count };
    run_in::<A, S, _>(counted, &|| count.get(), seed + 200, &make);
    let gaps = align_of::<A::Item>() > 8;
    assert!(gaps || region.usage().live_bytes == 0);
    let region = Region::<F, Tracked>::new();
    let counted = Counted { inner: &region, count: &count };
    run_in::<A, S, _>(counted, &|| count.get(), seed + 300, &make);
    assert!(gaps || region.usage().live_bytes == 0);
}

#[test]
fn bytes() {
    let make = |value: u64| value as u8 % 3;
    run::<[u8; 0], Spilled<_>, lives::Bytes>(1, make);
    run::<[u8; 0], Inline<_, 0>, lives::Bytes>(11, make);
    run::<[u8; 1], Inline<_, 1>, lives::Bytes>(2, make);
    run::<[u8; 20], Inline<_, 20>, lives::Bytes>(3, make);
}

#[test]
fn values_with_a_destructor() {
    let make = |value: u64| (value % 5).to_string();
    run::<[String; 0], Spilled<_>, lives::Texts>(4, make);
    run::<[String; 4], Inline<_, 4>, lives::Texts>(5, make);
}

#[test]
fn values_of_five_words() {
    run::<[[u64; 5]; 2], Inline<_, 2>, lives::Wide>(6, |value| [value % 4; 5]);
}

#[test]
fn values_without_a_size() {
    run::<[(); 0], Spilled<_>, lives::Nothings>(7, |_| ());
    run::<[(); 4], Inline<_, 4>, lives::Nothings>(8, |_| ());
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(4096))]
struct Page(u64);

#[test]
fn values_as_large_as_a_page_and_aligned_like_one() {
    run::<[Page; 0], Spilled<_>, lives::Pages>(9, |value| Page(value % 4));
    run::<[Page; 2], Inline<_, 2>, lives::Pages>(10, |value| Page(value % 4));
}

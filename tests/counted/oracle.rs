//! Random operations on our handles and on those of `std::rc`, side by side.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use famalloc::rc::Counter;

use crate::common::{Random, times};
use crate::lives;
use crate::{InA, WeakInA, slots};

/// A value that counts its copies that live, beside a payload that gives it a layout.
#[derive(Debug)]
struct Value<P> {
    number: u64,
    living: Rc<Cell<usize>>,
    payload: P,
}

impl<P> Value<P> {
    fn new(number: u64, living: &Rc<Cell<usize>>, payload: P) -> Self {
        living.set(living.get() + 1);
        Self { number, living: Rc::clone(living), payload }
    }
}

impl<P: Clone> Clone for Value<P> {
    fn clone(&self) -> Self {
        Self::new(self.number, &self.living, self.payload.clone())
    }
}

impl<P> Drop for Value<P> {
    fn drop(&mut self) {
        self.living.set(self.living.get() - 1);
    }
}

/// A handle of ours and one of theirs.
type Strong<P, C> = (InA<Value<P>, C>, Rc<Value<P>>);
type Weak<P, C> = (WeakInA<Value<P>, C>, std::rc::Weak<Value<P>>);

/// The same handles twice.
struct Pairs<P: Clone, C: Counter> {
    strong: Vec<Strong<P, C>>,
    weak: Vec<Weak<P, C>>,
    /// How many values live: ours, theirs.
    living: (Rc<Cell<usize>>, Rc<Cell<usize>>),
}

impl<P: Clone, C: Counter> Pairs<P, C> {
    /// Does one operation on both; returns what it said, which has to be the same.
    fn step(&mut self, random: &mut Random, payload: &P) {
        let number = random.next();
        let make = |living: &Rc<Cell<usize>>| Value::new(number, living, payload.clone());
        let (ours, theirs) = (self.living.0.clone(), self.living.1.clone());
        if self.strong.is_empty() || (self.strong.len() < 12 && random.below(8) == 0) {
            if random.below(3) == 0 {
                let mut ours_weak = None;
                let ours = InA::new_cyclic_in(
                    |weak| {
                        assert_eq!((weak.strong_count(), weak.weak_count()), (0, 0));
                        ours_weak = Some(weak.clone());
                        make(&ours)
                    },
                    lives::A,
                );
                let mut theirs_weak = None;
                let theirs = Rc::new_cyclic(|weak| {
                    theirs_weak = Some(weak.clone());
                    make(&theirs)
                });
                self.strong.push((ours, theirs));
                self.weak.push((ours_weak.unwrap(), theirs_weak.unwrap()));
            } else {
                self.strong.push((InA::new_in(make(&ours), lives::A), Rc::new(make(&theirs))));
            }
            return;
        }
        let at = random.below(self.strong.len());
        match random.below(14) {
            0 | 1 => {
                let (ours, theirs) = &self.strong[at];
                self.strong.push((ours.clone(), Rc::clone(theirs)));
            }
            2 | 3 => drop(self.strong.swap_remove(at)),
            4 | 5 => {
                let (ours, theirs) = &self.strong[at];
                self.weak.push((InA::downgrade(ours), Rc::downgrade(theirs)));
            }
            6 | 7 if !self.weak.is_empty() => {
                let (ours, theirs) = &self.weak[random.below(self.weak.len())];
                match (ours.upgrade(), theirs.upgrade()) {
                    (Some(ours), Some(theirs)) => self.strong.push((ours, theirs)),
                    (ours, theirs) => assert_eq!(ours.is_some(), theirs.is_some()),
                }
            }
            8 | 9 if !self.weak.is_empty() => {
                drop(self.weak.swap_remove(random.below(self.weak.len())));
            }
            10 => {
                let (ours, theirs) = &mut self.strong[at];
                let ours = InA::get_mut(ours).map(|value| value.number += 1);
                assert_eq!(ours, Rc::get_mut(theirs).map(|value| value.number += 1));
            }
            11 => {
                let (ours, theirs) = &mut self.strong[at];
                InA::make_mut(ours).number ^= 1;
                Rc::make_mut(theirs).number ^= 1;
            }
            12 => {
                let (ours, theirs) = self.strong.swap_remove(at);
                match (InA::try_unwrap(ours), Rc::try_unwrap(theirs)) {
                    (Ok(ours), Ok(theirs)) => assert_eq!(ours.number, theirs.number),
                    (Err(ours), Err(theirs)) => self.strong.push((ours, theirs)),
                    _ => panic!("one could be unwrapped and the other could not"),
                }
            }
            13 => {
                let (ours, theirs) = self.strong.swap_remove(at);
                if random.below(2) == 0 {
                    let number = |value: Option<Value<P>>| value.map(|value| value.number);
                    assert_eq!(number(InA::into_inner(ours)), number(Rc::into_inner(theirs)));
                } else {
                    let ours = InA::unwrap_or_clone(ours);
                    assert_eq!(ours.number, Rc::unwrap_or_clone(theirs).number);
                }
            }
            _ => {}
        }
    }

    fn compare(&self) {
        assert_eq!(self.living.0, self.living.1, "the numbers of values that live");
        for (ours, theirs) in &self.strong {
            assert_eq!(ours.number, theirs.number);
            assert_eq!(InA::strong_count(ours), Rc::strong_count(theirs));
            assert_eq!(InA::weak_count(ours), Rc::weak_count(theirs));
            for (other, their_other) in &self.strong {
                assert_eq!(InA::ptr_eq(ours, other), Rc::ptr_eq(theirs, their_other));
            }
        }
        for (ours, theirs) in &self.weak {
            assert_eq!(ours.strong_count(), theirs.strong_count());
            assert_eq!(ours.weak_count(), theirs.weak_count());
        }
        let strong = self.strong.iter().map(|(ours, _)| InA::as_ptr(ours));
        let weak = self.weak.iter().map(|(ours, _)| ours.as_ptr());
        let addresses: HashSet<_> = strong.chain(weak).collect();
        assert_eq!(slots(), addresses.len(), "a slot for each value, as long as there is a handle");
    }
}

fn run<P: Clone, C: Counter>(seed: u64, steps: usize, payload: &P) {
    let mut random = Random::new(seed);
    let mut pairs =
        Pairs::<P, C> { strong: Vec::new(), weak: Vec::new(), living: Default::default() };
    for _ in 0..steps {
        pairs.step(&mut random, payload);
        pairs.compare();
    }
    // What is left goes in any order.
    while !pairs.strong.is_empty() || !pairs.weak.is_empty() {
        if !pairs.strong.is_empty() && (pairs.weak.is_empty() || random.below(2) == 0) {
            drop(pairs.strong.swap_remove(random.below(pairs.strong.len())));
        } else {
            drop(pairs.weak.swap_remove(random.below(pairs.weak.len())));
        }
        if random.below(times(1, 3)) == 0 {
            pairs.compare();
        }
    }
}

#[derive(Clone)]
#[repr(align(4096))]
struct Page;

fn handles_do_what_those_of_std_do<C: Counter>() {
    for seed in 0..times(8, 1) as u64 {
        run::<_, C>(seed, times(1_500, 20), &());
    }
    run::<_, C>(100, times(600, 8), &Page);
    run::<_, C>(200, times(150, 4), &[7_u8; 64 << 10]);
}

both!(handles_do_what_those_of_std_do);

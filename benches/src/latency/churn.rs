//! What is timed: among ten thousand live objects of many sizes, one at random is freed and another
//! one takes its place. Each free and each allocation is timed by itself.

use core::alloc::Layout;
use core::hint::black_box;
use core::ptr::NonNull;

use super::counter;
use super::histogram::Histogram;
use super::interruptions::Interruptions;
use crate::allocator::Allocator;
use crate::order::Random;

/// How many objects live.
const LIVE: u32 = 10_000;
/// The bounds of their sizes.
const SIZES: (u32, u32) = (16, 512);
/// How many steps are decided beforehand, and then taken over and over.
const STEPS: usize = 16 * COUNTED;
/// How many steps of a turn count ...
const COUNTED: usize = 16_384;
/// ... after how many that do not: another allocator had the caches before.
const UNCOUNTED: usize = 4_096;
/// How many operations there are from one look at the interruptions to the next.
const BLOCK: usize = 64;

/// A step: in which place, and how large its new object is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    place: u32,
    size: u32,
}

/// The steps of all turns, the same for every subject.
#[derive(Debug)]
pub(super) struct Plan {
    first: Vec<u32>,
    steps: Vec<Step>,
}

impl Plan {
    pub(super) fn new() -> Self {
        let mut random = Random::new(7);
        let first = (0..LIVE).map(|_| power_law(&mut random)).collect();
        let step = |_| Step { place: random.below(LIVE), size: power_law(&mut random) };
        Self { first, steps: (0..STEPS).map(step).collect() }
    }

    /// The steps of this turn: those that do not count, and those that do.
    fn turn(&self, number: usize) -> [&[Step]; 2] {
        let start = number * COUNTED % STEPS;
        let before = (start + STEPS - UNCOUNTED) % STEPS;
        [&self.steps[before..before + UNCOUNTED], &self.steps[start..start + COUNTED]]
    }
}

/// A size, by a power law: there are half as many in each octave as in the one below it.
fn power_law(random: &mut Random) -> u32 {
    const PARTS: u32 = 1 << 20;
    let ((least, most), part) = (SIZES, random.below(PARTS));
    let inverse = f64::from(most) - f64::from(part) / f64::from(PARTS) * f64::from(most - least);
    let size = f64::from(least * most) / inverse;
    (size.ceil() as u32).next_multiple_of(8).min(most)
}

/// What was seen of one allocator.
#[derive(Debug)]
pub(super) struct Record {
    /// The ticks of all operations.
    pub(super) all: Histogram,
    /// Of those in blocks without any interruption.
    pub(super) undisturbed: Histogram,
    /// How many blocks there were.
    pub(super) blocks: u64,
    /// In how many there was an interruption of each kind.
    pub(super) disturbed: Interruptions,
}

impl Record {
    pub(super) fn new() -> Self {
        let disturbed = Interruptions::default();
        Self { all: Histogram::new(), undisturbed: Histogram::new(), blocks: 0, disturbed }
    }

    fn add(&mut self, block: &[u64], interruptions: Interruptions) {
        self.blocks += 1;
        self.disturbed.preempted += u64::from(interruptions.preempted > 0);
        self.disturbed.waited += u64::from(interruptions.waited > 0);
        self.disturbed.faulted += u64::from(interruptions.faulted > 0);
        block.iter().for_each(|&ticks| self.all.add(ticks));
        if interruptions.is_none() {
            block.iter().for_each(|&ticks| self.undisturbed.add(ticks));
        }
    }
}

/// Something whose operations are timed.
pub(super) trait Subject: 'static {
    /// An object of this size.
    fn alloc(&mut self, layout: Layout) -> NonNull<u8>;

    /// Frees it.
    ///
    /// # Safety
    ///
    /// It is from [`alloc`](Self::alloc), with this layout, and is not used again.
    unsafe fn free(&mut self, object: NonNull<u8>, layout: Layout);
}

/// An allocator.
pub(super) struct Of<A>(pub(super) A);

impl<A: Allocator> Subject for Of<A> {
    #[inline(always)]
    fn alloc(&mut self, layout: Layout) -> NonNull<u8> {
        self.0.alloc_layout(layout)
    }

    #[inline(always)]
    unsafe fn free(&mut self, object: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { self.0.free_layout(object, layout) };
    }
}

/// Nothing at all: what remains is the counter. All its objects are one.
pub(super) struct Nothing(Box<[u64; SIZES.1 as usize / 8]>);

impl Nothing {
    pub(super) fn new() -> Self {
        Self(Box::new([0; SIZES.1 as usize / 8]))
    }
}

impl Subject for Nothing {
    #[inline(always)]
    fn alloc(&mut self, _: Layout) -> NonNull<u8> {
        NonNull::from(&mut *self.0).cast()
    }

    #[inline(always)]
    unsafe fn free(&mut self, _: NonNull<u8>, _: Layout) {}
}

/// A subject and its live objects.
pub(super) struct Churn<S: Subject> {
    subject: S,
    live: Vec<(NonNull<u8>, Layout)>,
}

impl<S: Subject> Churn<S> {
    /// The objects have been replaced about three times, so that they lie as in a heap that has
    /// been at work.
    pub(super) fn new(mut subject: S, plan: &Plan) -> Self {
        let live = plan.first.iter().map(|&size| {
            let layout = layout(size);
            (touched(subject.alloc(layout)), layout)
        });
        let live = live.collect();
        let mut churn = Self { subject, live };
        for number in 0..2 {
            churn.steps(plan.turn(number)[1], None);
        }
        churn
    }

    /// Takes a turn.
    pub(super) fn turn(&mut self, plan: &Plan, number: usize, record: &mut Record) {
        let [uncounted, counted] = plan.turn(number);
        self.steps(uncounted, None);
        self.steps(counted, Some(record));
    }

    #[inline(never)]
    fn steps(&mut self, steps: &[Step], mut record: Option<&mut Record>) {
        let mut ticks = [0; BLOCK];
        for block in steps.chunks_exact(BLOCK / 2) {
            let before = Interruptions::of_this_thread();
            for (step, ticks) in block.iter().zip(ticks.chunks_exact_mut(2)) {
                let (old, old_layout) = black_box(self.live[step.place as usize]);
                let start = counter::before();
                // SAFETY: it lives; below, the new one takes its place.
                unsafe { self.subject.free(old, old_layout) };
                ticks[0] = counter::after().saturating_sub(start);

                let layout = black_box(layout(step.size));
                let start = counter::before();
                let new = black_box(self.subject.alloc(layout));
                ticks[1] = counter::after().saturating_sub(start);
                self.live[step.place as usize] = (touched(new), layout);
            }
            if let Some(record) = &mut record {
                record.add(&ticks, Interruptions::of_this_thread() - before);
            }
        }
    }
}

impl<S: Subject> Drop for Churn<S> {
    fn drop(&mut self) {
        for &(object, layout) in &self.live {
            // SAFETY: live, and not used again.
            unsafe { self.subject.free(object, layout) };
        }
    }
}

fn layout(size: u32) -> Layout {
    Layout::from_size_align(size as usize, 8).expect("sizes are small")
}

/// The object, with its first word written. This is not timed: a page that was not there before
/// costs the program, but not in the call.
fn touched(object: NonNull<u8>) -> NonNull<u8> {
    // SAFETY: at least 16 bytes, aligned to 8, ours alone.
    unsafe { object.cast::<u64>().write(1) };
    object
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::rc::Rc;

    use super::*;
    use crate::peers::System;

    #[test]
    fn each_octave_has_half_as_many_sizes() {
        let plan = Plan::new();
        let within = |least: u32, most: u32| {
            plan.steps.iter().filter(|step| (least..=most).contains(&step.size)).count() as f64
        };
        let all = within(16, 512);
        assert_eq!(all, STEPS as f64);
        assert!(plan.steps.iter().all(|step| step.size.is_multiple_of(8)));
        // With the density 1 / size^2 between 16 and 512.
        for (bound, expected) in [(32, 0.516), (64, 0.774), (128, 0.903), (256, 0.968)] {
            let part = within(16, bound) / all;
            assert!((part - expected).abs() < 0.01, "{part} up to {bound}");
        }
    }

    #[test]
    fn a_turn_leads_up_to_what_counts() {
        let plan = Plan::new();
        for number in 0..40 {
            let [uncounted, counted] = plan.turn(number);
            assert_eq!((uncounted.len(), counted.len()), (UNCOUNTED, COUNTED));
            assert!(!uncounted.as_ptr_range().contains(&counted.as_ptr()));
        }
    }

    #[test]
    fn blocks_with_interruptions_are_counted_and_left_out() {
        let mut record = Record::new();
        let none = Interruptions::default();
        record.add(&[10, 20], none);
        record.add(&[9000, 30], Interruptions { preempted: 2, ..none });
        record.add(&[40, 800], Interruptions { faulted: 1, waited: 3, ..none });
        assert_eq!((record.all.count(), record.all.greatest()), (6, 9000));
        assert_eq!((record.undisturbed.count(), record.undisturbed.greatest()), (2, 20));
        let once = Interruptions { preempted: 1, waited: 1, faulted: 1 };
        assert_eq!((record.blocks, record.disturbed), (3, once));
    }

    /// Takes so many nanoseconds for each free, and checks what it frees.
    struct Slow {
        live: Rc<RefCell<HashMap<usize, Layout>>>,
        ticks: u64,
    }

    impl Subject for Slow {
        fn alloc(&mut self, layout: Layout) -> NonNull<u8> {
            let object = Of(System).alloc(layout);
            self.live.borrow_mut().insert(object.as_ptr().addr(), layout);
            object
        }

        unsafe fn free(&mut self, object: NonNull<u8>, layout: Layout) {
            let start = counter::before();
            let known = self.live.borrow_mut().remove(&object.as_ptr().addr());
            assert_eq!(known, Some(layout));
            // SAFETY: passed on.
            unsafe { Of(System).free(object, layout) };
            while counter::after() - start < self.ticks {}
        }
    }

    #[test]
    fn every_operation_is_timed_and_every_object_dies_once() {
        let plan = Plan::new();
        let live = Rc::<RefCell<HashMap<_, _>>>::default();
        let ticks = 10_000;
        let mut churn = Churn::new(Slow { live: Rc::clone(&live), ticks }, &plan);
        assert_eq!(live.borrow().len(), LIVE as usize);
        let mut record = Record::new();
        churn.turn(&plan, 3, &mut record);
        assert_eq!(live.borrow().len(), LIVE as usize);
        assert_eq!(record.all.count(), 2 * COUNTED as u64);
        assert_eq!(record.blocks, (2 * COUNTED / BLOCK) as u64);
        // Half of the operations are the slow frees, and no call is timed from within.
        assert!(record.all.quantile(0.51) >= ticks);
        drop(churn);
        assert_eq!(live.borrow().len(), 0);
    }
}

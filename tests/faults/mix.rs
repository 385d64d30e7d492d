//! A bit of everything, each of it allowed to fail; what it has is intact to the end, and freed there.

use core::alloc::Layout;
use core::ptr::NonNull;

use famalloc::collections::{FamilyCollection, HashMap, SmallVec, String};
use famalloc::region::{Drops, Tracked};
use famalloc::{
    AllocError, AllocErrorKind, Family, FamilyArc, FamilyBox, Pool, Region, RegionPool, check,
    flush, lifecycle, reclaim, walk,
};

use crate::common::{Parcel, on_a_thread};

const SMALL: [usize; 6] = [1, 24, 300, 5_000, 20_000, 32_000];

/// The errors that were met.
#[derive(Default)]
pub(crate) struct Met(pub(crate) Vec<AllocErrorKind>);

impl Met {
    /// Notes an error; everything is whole at that moment.
    fn note<T>(&mut self, result: Result<T, AllocError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                check().unwrap();
                self.0.push(error.kind());
                None
            }
        }
    }
}

/// Everything, in three families of a set.
pub(crate) fn everything<A: Family, B: Family, C: Family>() -> Met {
    let mut met = Met::default();
    let kept = bytes::<A>(&mut met);
    let others = bytes::<B>(&mut met);
    regions::<A>(&mut met);
    region_pool::<B>(&mut met);
    objects::<C>(&mut met);
    pool::<A>(&mut met);
    collections::<B>(&mut met);
    threads::<A, C>(&mut met, kept, others);
    sweep::<C>(&mut met);
    check().unwrap();
    met
}

/// The same, and what takes more memory than where there is little: huge allocations that have to move.
pub(crate) fn everything_and_more<A: Family, B: Family, C: Family>() -> Met {
    let mut met = everything::<A, B, C>();
    let mut pair: Vec<_> =
        (0..2).filter_map(|at| met.note(Parcel::try_new::<A>(9 << 20, at))).collect();
    pair.sort_unstable_by_key(|parcel| parcel.bytes().as_ptr().addr());
    // The one in front grows to where the other is, however far away, so that it has to move.
    let starts: Vec<_> = pair.iter().map(|parcel| parcel.bytes().as_ptr().addr()).collect();
    let distance = starts.windows(2).map(|two| two[1] - two[0]).sum::<usize>();
    for parcel in &mut pair {
        met.note(parcel.try_resize::<A>(distance.max(9 << 20) + (4 << 20)));
    }
    met
}

/// Small, large and huge, resized and freed in part.
fn bytes<F: Family>(met: &mut Met) -> Vec<Parcel> {
    let mut held = Vec::new();
    for round in 0..48 {
        held.extend(met.note(Parcel::try_new::<F>(SMALL[round % 6], round as u8)));
    }
    for size in [40_000, 100_000, 1 << 20, 5 << 20] {
        held.extend(met.note(Parcel::try_new_zeroed::<F>(size, 0xAB)));
    }
    for parcel in held.iter_mut().step_by(17) {
        for size in [200_000, 6 << 20, 9 << 20, 70_000, 10] {
            met.note(parcel.try_resize::<F>(size));
        }
    }
    let mut odd = false;
    held.retain(|_| {
        odd = !odd;
        odd
    });
    reclaim(1 << 20);
    check().unwrap();
    held
}

/// Chunks, holes, scopes and checkpoints.
fn regions<F: Family>(met: &mut Met) {
    let region = Region::<F, Tracked<Drops<'_>>>::new();
    let mut numbers = Vec::new();
    for number in 0..40_u64 {
        numbers.extend(met.note(region.try_alloc(number)).map(|place| (number, &*place)));
        numbers.iter().for_each(|&(number, place)| assert_eq!(*place, number));
        let text = met.note(region.try_alloc_str("a text of some length")).map(|text| &*text);
        assert!(text.is_none_or(|text| text == "a text of some length"));
        drop(met.note(region.try_boxed([number; 30])));
    }
    region.nested(|scope| {
        for size in [100, 60_000, 400_000] {
            met.note(scope.try_alloc_slice_fill_with(size, |at| at as u8));
        }
    });
    let before = region.objects();
    let checkpoint = region.checkpoint();
    let layout = Layout::from_size_align(300_000, 64).unwrap();
    if let Some(start) = met.note(region.alloc_layout(layout)) {
        let larger = Layout::from_size_align(3 << 20, 64).unwrap();
        // SAFETY: live, from this region, with that layout.
        met.note(unsafe { region.resize_layout(start, layout, larger) });
    }
    // SAFETY: what was allocated since is not used again.
    unsafe { region.rewind(checkpoint) };
    assert_eq!(region.objects(), before);
    numbers.iter().for_each(|&(number, place)| assert_eq!(*place, number));
    check().unwrap();
    drop(numbers);
    let mut region = region;
    region.reset();
    region.shrink();
    met.note(region.try_alloc(7));
}

fn region_pool<F: Family>(met: &mut Met) {
    let pool = RegionPool::<F>::new();
    for _ in 0..3 {
        let both = (met.note(pool.try_get()), met.note(pool.try_get()));
        if let (Some(one), Some(other)) = &both {
            met.note(one.try_alloc_slice_copy(&[1_u8; 90_000]));
            met.note(other.try_alloc([2_u64; 90]));
        }
    }
    pool.shrink(0);
}

/// Handles.
fn objects<F: Family>(met: &mut Met) {
    let mut boxes = Vec::new();
    let mut shared = Vec::new();
    for number in 0..60_usize {
        boxes.extend(met.note(FamilyBox::try_new_in([number; 12], F::default())));
        shared.extend(met.note(FamilyArc::try_new_in(number, F::default())));
    }
    assert!(boxes.iter().all(|array| array.iter().all(|number| *number == array[0])));
    assert!(shared.windows(2).all(|two| *two[0] < *two[1]));
}

fn pool<F: Family>(met: &mut Met) {
    let pool = Pool::<[u64; 40], _>::new_in(|| [3; 40], F::default());
    for round in 0..3 {
        let mut used: Vec<_> = (0..70).filter_map(|_| met.note(pool.try_get())).collect();
        assert!(used.iter().all(|numbers| numbers[39] == 3));
        used.truncate(20);
        if round == 1 {
            pool.trim(10);
        }
    }
    drop(met.note(pool.front().try_get()));
}

fn collections<F: Family>(met: &mut Met) {
    let mut small = SmallVec::<u32, 4, F>::new();
    for number in 0..3_000 {
        if let Err((_, error)) = small.try_push(number) {
            met.note(Err::<(), _>(error));
            break;
        }
    }
    assert!(small.iter().zip(0..).all(|(&number, expected)| number == expected));
    let mut text = String::<F>::new();
    for part in 0..40 {
        if met.note(text.try_reserve(700)).is_some() {
            text.push_str("words ");
            assert_eq!(text.len() % 6, 0, "after {part}");
        }
    }
    // The map says no more of an error than that there was one, which the next call then tells.
    let mut map = HashMap::<u32, u32, F>::new_in_family();
    for key in 0..900 {
        if map.try_reserve(1).is_err() {
            check().unwrap();
            break;
        }
        map.insert(key, !key);
    }
    assert!(map.iter().all(|(key, value)| *key == !*value));
}

/// Others free what is there, make their own, and end.
fn threads<A: Family, C: Family>(met: &mut Met, kept: Vec<Parcel>, others: Vec<Parcel>) {
    let mut theirs = Vec::new();
    on_a_thread(|| {
        drop(kept);
        for round in 0..40 {
            theirs.extend(met.note(Parcel::try_new::<A>(SMALL[round % 6], round as u8)));
            theirs.extend(met.note(Parcel::try_new::<C>(SMALL[round % 4], round as u8)));
        }
        lifecycle::thread_collect();
    });
    on_a_thread(|| drop(others));
    flush();
    check().unwrap();
    for round in 0..200 {
        theirs.extend(met.note(Parcel::try_new::<A>(100, round as u8)));
    }
    drop(theirs);
}

/// What a collector does.
fn sweep<F: Family>(met: &mut Met) {
    let mut made: Vec<NonNull<u64>> = Vec::new();
    for number in 0..300_u64 {
        let object = met.note(FamilyBox::try_new_in(number, F::default()));
        made.extend(object.map(|object| NonNull::new(FamilyBox::into_raw(object)).unwrap()));
    }
    let mut seen = 0;
    walk(F::default(), |_, _| seen += 1).unwrap();
    assert_eq!(seen, made.len());
    // SAFETY: the odd ones are not used again, and nobody works in the family.
    let freed =
        unsafe { famalloc::sweep(F::default(), |object, _| object.cast::<u64>().read() % 2 == 0) }
            .unwrap();
    // SAFETY: the even ones are live.
    made.retain(|object| unsafe { object.read() } % 2 == 0);
    assert_eq!(freed, seen - made.len());
    // SAFETY: made by `into_raw`, and not used again.
    made.into_iter()
        .for_each(|object| drop(unsafe { FamilyBox::<_, F>::from_raw(object.as_ptr()) }));
}

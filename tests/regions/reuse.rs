//! What regions do with memory that was freed: it is used again where nothing forbids that, it is not
//! where something is in it, and walks and sweeps see what there is.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::common::{all_are, one_at_a_time, usage};
use famalloc::region::{Drops, Tracked};
use famalloc::{Region, RegionBox, alloc_family, check};

#[alloc_family]
enum Lives {
    Unit,
}

type Unit = Region<lives::Unit>;
type Walked = Region<lives::Unit, Tracked>;

fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn take<K: famalloc::region::Kind>(region: &Region<lives::Unit, K>, size: usize) -> NonNull<u8> {
    region.alloc_layout(bytes(size)).unwrap()
}

/// # Safety
///
/// As for [`Region::free_layout`].
unsafe fn give<K: famalloc::region::Kind>(
    region: &Region<lives::Unit, K>,
    start: NonNull<u8>,
    size: usize,
) {
    // SAFETY: passed on.
    unsafe { region.free_layout(start, bytes(size)) };
}

/// The first chunk's room.
const ROOM: usize = (64 << 10) - 64;

#[test]
fn a_chunk_is_not_shrunk_away_while_something_lies_behind_a_hole() {
    let _alone = one_at_a_time();
    let mut region = Unit::new();
    let first = take(&region, 10_000);
    let kept = take(&region, ROOM - 10_000);
    // SAFETY: all of these are live with these sizes.
    unsafe {
        kept.write_bytes(7, ROOM - 10_000);
        give(&region, first, 10_000);
        // The cursor is at the start of the chunk now, in a hole.
        let again = take(&region, 24);
        assert_eq!(again, first);
        give(&region, again, 24);
    }
    assert_eq!(region.shrink(), 0);
    assert_eq!(region.usage().live_bytes, ROOM - 10_000);
    // SAFETY: live, and that long.
    let bytes = unsafe { core::slice::from_raw_parts(kept.as_ptr(), ROOM - 10_000) };
    assert!(all_are(bytes, 7));
    // SAFETY: live, and not used again.
    unsafe { give(&region, kept, ROOM - 10_000) };
    region.reset();
    assert_eq!(region.shrink(), 64 << 10);
}

#[test]
fn what_a_walk_sees_may_be_freed_and_replaced_by_something_larger() {
    let _alone = one_at_a_time();
    let region = Walked::new();
    let mut boxes: Vec<_> = (0..100_u64).map(|number| Some(region.boxed([number; 2]))).collect();
    let (mut made, mut sizes) = (Vec::new(), Vec::new());
    region.walk(|start, size| {
        sizes.push(size);
        let number = boxes
            .iter()
            .flatten()
            .position(|boxed| core::ptr::from_ref(&**boxed).addr() == start.addr().get());
        let at = number.expect("what is visited is one of them");
        assert_eq!(at, 0, "in address order");
        let at = boxes.iter().position(Option::is_some).unwrap();
        if sizes.len() == 90 {
            // All from here on, the latest first, so that the cursor comes back to here.
            boxes.iter_mut().skip(at).rev().for_each(|boxed| drop(boxed.take()));
        } else {
            boxes[at] = None;
            return;
        }
        made.push(region.alloc([u64::MAX; 5]));
        made.push(region.alloc([u64::MAX; 5]));
    });
    assert_eq!(sizes, [16; 90]);
    assert!(made.iter().all(|array| **array == [u64::MAX; 5]));
    assert_eq!(region.objects(), 2);
    // And what lies between the old ones and the new.
    assert!((80..=96).contains(&region.usage().live_bytes));
    let mut visited = 0;
    let caught = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        region.walk(|_, _| {
            visited += 1;
            assert!(visited < 2);
        });
    }));
    assert!(caught.is_err() && visited == 2);
    check().unwrap();
}

#[test]
fn what_is_allocated_during_a_walk_is_visited_by_the_next() {
    let _alone = one_at_a_time();
    let region = Walked::new();
    for at in 0..3 {
        take(&region, 100 + 8 * at);
    }
    let mut sizes = Vec::new();
    region.walk(|_, size| {
        sizes.push(size);
        // New chunks, and one for an object alone.
        for _ in 0..100 {
            take(&region, 2000);
        }
        take(&region, 1 << 20);
    });
    assert_eq!(sizes, [104, 112, 120]);
    assert_eq!(region.objects(), 3 * 102);
    check().unwrap();
}

#[test]
fn a_walk_leaves_the_region_as_it_was() {
    let _alone = one_at_a_time();
    let region = Walked::new();
    let latest = region.boxed([1_u64; 3]);
    for _ in 0..3 {
        assert_eq!(region.objects(), 1);
    }
    let address = core::ptr::from_ref(&*latest).addr();
    drop(latest);
    assert_eq!(core::ptr::from_ref(region.alloc(1_u64)).addr(), address);
    // With no space left for what a checkpoint needs.
    let rest = ROOM - region.usage().live_bytes;
    let last = take(&region, rest - 8);
    assert_eq!(region.objects(), 2);
    assert_eq!(take(&region, 8).addr().get(), last.addr().get() + rest - 8);
    assert_eq!(region.usage().chunks, 1);
}

#[test]
fn memory_older_than_a_checkpoint_is_used_again_after_a_sweep_or_reset_only() {
    let _alone = one_at_a_time();
    let mut region = Walked::new();
    let old = take(&region, 30_000);
    take(&region, ROOM - 30_000);
    let _forgotten = region.checkpoint();
    // SAFETY: live, and not used again.
    unsafe { give(&region, old, 30_000) };
    take(&region, 1_000);
    assert_eq!(region.usage().chunks, 2);
    while region.usage().chunks == 2 {
        take(&region, 1_000);
    }
    // SAFETY: nothing is declined, and no checkpoint gone back to.
    unsafe { region.sweep(|_, _| true) };
    let committed = region.allocated_bytes();
    let mut reused = 0;
    for _ in 0..280 {
        let start = take(&region, 100);
        reused +=
            usize::from((0..30_000).contains(&start.addr().get().wrapping_sub(old.addr().get())));
    }
    assert_eq!((reused, region.allocated_bytes()), (280, committed));
}

#[test]
fn what_was_freed_under_a_checkpoint_is_unused_after_the_rewind() {
    let _alone = one_at_a_time();
    let region = Unit::new();
    take(&region, 64);
    let checkpoint = region.checkpoint();
    let objects: Vec<_> = (0..100).map(|_| take(&region, 64)).collect();
    // SAFETY: live, and not used again.
    objects[..50].iter().for_each(|&object| unsafe { give(&region, object, 64) });
    // A chunk of its own, and one that is entered.
    take(&region, 500_000);
    take(&region, 65_000);
    // SAFETY: nothing that was allocated since is used again.
    unsafe { region.rewind(checkpoint) };
    assert_eq!((region.usage().live_bytes, region.usage().free_bytes), (64, 0));
    let objects: Vec<_> = (0..100).map(|_| take(&region, 64)).collect();
    assert_eq!(region.usage().live_bytes, 101 * 64);
    // SAFETY: live, and not used again.
    objects.iter().for_each(|&object| unsafe { give(&region, object, 64) });
    assert_eq!(region.usage().live_bytes, 64);
    check().unwrap();
}

#[test]
fn what_was_freed_before_a_chunk_is_entered_without_a_search_is_counted() {
    let _alone = one_at_a_time();
    let region = Unit::new();
    // A chunk of 256 KiB, after which 70,000 bytes are no reason for a chunk of their own.
    while region.allocated_bytes() < (64 + 128 + 256) << 10 {
        take(&region, 1000);
    }
    let before = region.usage().live_bytes;
    let checkpoint = region.checkpoint();
    let objects: Vec<_> = (0..100).map(|_| take(&region, 8)).collect();
    take(&region, 30_000);
    let other = take(&region, 8);
    (0..6).for_each(|_| _ = take(&region, 30_000));
    // SAFETY: live, and not used again; nothing since the checkpoint is.
    unsafe {
        objects.iter().for_each(|&object| give(&region, object, 8));
        give(&region, other, 8);
        take(&region, 70_000);
        region.rewind(checkpoint);
    }
    assert_eq!((region.usage().live_bytes, region.usage().free_bytes), (before, 0));
}

#[test]
fn a_search_that_fails_forgets_no_hole() {
    let _alone = one_at_a_time();
    let region = Unit::new();
    let objects: Vec<_> = (0..ROOM / 1000).map(|_| take(&region, 1000)).collect();
    let left = take(&region, ROOM % 1000);
    // SAFETY: live, and not used again.
    unsafe {
        give(&region, objects[0], 1000);
        objects[2..].iter().for_each(|&object| give(&region, object, 1000));
        give(&region, left, ROOM % 1000);
    }
    // Just too long for all that is free there, and then for what is left of the next chunk.
    take(&region, 64_000);
    take(&region, 64_000);
    let committed = region.allocated_bytes();
    for _ in 0..55 {
        take(&region, 1000);
    }
    assert_eq!(region.allocated_bytes(), committed, "the holes are used again");
}

#[test]
fn the_latest_object_is_cut_where_it_ends_whatever_was_freed_before() {
    let _alone = one_at_a_time();
    let region = Unit::new();
    let [first, _second] = [take(&region, 64), take(&region, 64)];
    // SAFETY: live with these sizes.
    unsafe {
        give(&region, first, 64);
        let latest = take(&region, 128);
        region.resize_layout(latest, bytes(128), bytes(32)).unwrap();
        assert_eq!(take(&region, 8), latest.add(32));
    }
    assert_eq!(region.usage().free_bytes, 64);
}

#[test]
fn an_object_with_a_chunk_to_itself_goes_with_a_reset() {
    let _alone = one_at_a_time();
    let mut region = Unit::new();
    for _ in 0..3 {
        region.alloc(7);
        take(&region, 100_000);
        region.reset();
        assert_eq!((region.usage().chunks, region.allocated_bytes()), (1, 64 << 10));
        assert_eq!(region.usage().live_bytes, 0);
    }
}

#[test]
fn freed_objects_side_by_side_are_one_hole() {
    let _alone = one_at_a_time();
    let region = Unit::new();
    let boxes: Vec<_> = (0..ROOM / 80).map(|at| region.boxed([at; 10])).collect();
    let committed = region.allocated_bytes();
    drop(boxes);
    // Nothing at all is left of the chunk's end, so this has to be a hole of many.
    for _ in 0..5 {
        region.alloc([0_u8; 12_000]);
    }
    assert_eq!(region.allocated_bytes(), committed);
    assert_eq!((region.usage().live_bytes, region.usage().chunks), (60_000, 1));
}

#[test]
fn a_dedicated_chunk_goes_with_its_object_and_another_object_never_takes_its_place_twice() {
    let _alone = one_at_a_time();
    let region = Region::<lives::Unit, Drops<'static>>::new();
    let small = region.boxed(7);
    let before = region.allocated_bytes();
    let large = region.boxed([1_u8; 100_000]);
    assert!(region.allocated_bytes() >= before + 100_000);
    // Behind and before it lie others.
    let other = region.boxed([2_u8; 100_000]);
    drop(large);
    assert!(region.allocated_bytes() < before + 200_000);
    assert_eq!(usage::<lives::Unit>().committed_bytes, region.allocated_bytes());
    assert!(all_are(&*other, 2));
    assert_eq!(RegionBox::into_inner(small), 7);
    drop(other);
    assert_eq!((region.allocated_bytes(), region.usage().live_bytes), (before, 0));
}

#[test]
fn what_is_known_of_a_chunk_goes_with_it() {
    let _alone = one_at_a_time();
    let mut region = Unit::new();
    take(&region, ROOM);
    let checkpoint = region.checkpoint();
    take(&region, 65_000);
    take(&region, 1_000);
    let [near, _behind] = [take(&region, 64), take(&region, 64)];
    // SAFETY: live; and nothing that was allocated since the checkpoint is used again.
    unsafe {
        give(&region, near, 64);
        region.rewind(checkpoint);
    }
    assert_eq!(region.shrink(), 128 << 10);
    let before = region.allocated_bytes();
    // Alone in a chunk, where the other was; wherever that lies, one of these is there.
    let layouts: [Layout; 2] = [17, 18].map(|log| Layout::from_size_align(8, 1 << log).unwrap());
    let far = layouts.map(|layout| region.alloc_layout(layout).unwrap());
    assert!(region.allocated_bytes() > before);
    for (start, layout) in far.into_iter().zip(layouts) {
        // SAFETY: live, with that layout, and not used again.
        unsafe { region.free_layout(start, layout) };
    }
    assert_eq!((region.allocated_bytes(), region.usage().live_bytes), (before, ROOM));
}

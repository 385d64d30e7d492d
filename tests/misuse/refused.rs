//! What the allocator does with pointers it should not have been given: `try_free` refuses them
//! and changes nothing; the others abort with a message that says what is wrong, at once in builds
//! with debug assertions and at the latest when the magazines are flushed in others.

use core::alloc::Layout;
use core::ptr::{self, NonNull};
use std::sync::mpsc::channel;
use std::thread;

use crate::common::{Parcel, Sent, assert_aborted, case, child, one_at_a_time, usage};
use famalloc::{FreeError, RawAlloc, Snapshot, alloc_family, alloc_in, check, flush, free_in, raw};

#[alloc_family]
enum Lives {
    Ours,
    Theirs,
    Unused,
}

/// Makes enough pairs of operations that every magazine is flushed, and flushes.
fn flush_magazines() {
    for _ in 0..4 {
        drop((0..4_000).map(|_| Parcel::new::<lives::Ours>(48, 1)).collect::<Vec<_>>());
        drop((0..4_000).map(|_| Parcel::new::<lives::Theirs>(48, 1)).collect::<Vec<_>>());
    }
    flush();
}

/// Runs in a process of its own: one misuse by its name. Says what the pointer was, and must not
/// come to its end.
#[test]
fn misused() {
    let Some(case) = case() else { return };
    let pair = [alloc_in::<lives::Ours>(48).unwrap(), alloc_in::<lives::Ours>(48).unwrap()];
    let other = alloc_in::<lives::Theirs>(48).unwrap();
    let large = alloc_in::<lives::Ours>(100_000).unwrap();
    let huge = alloc_in::<lives::Ours>(5 << 20).unwrap();
    let mut local = [0u8; 64];
    let local = NonNull::from(&mut local).cast::<u8>();
    let say = |pointer: NonNull<u8>| eprintln!("pointer {pointer:p}");
    // SAFETY: none; that is what is tested, in a process that ends here.
    unsafe {
        match case.as_str() {
            "twice" => {
                say(pair[0]);
                free_in::<lives::Ours>(pair[0], 48);
                free_in::<lives::Ours>(pair[0], 48);
                eprintln!("not noticed at once");
            }
            "twice with another between" => {
                say(pair[0]);
                free_in::<lives::Ours>(pair[0], 48);
                free_in::<lives::Ours>(pair[1], 48);
                free_in::<lives::Ours>(pair[0], 48);
                eprintln!("not noticed at once");
            }
            "twice, long after" => {
                // Live neighbours keep the block, whose bitmap tells.
                say(pair[0]);
                free_in::<lives::Ours>(pair[0], 48);
                flush();
                free_in::<lives::Ours>(pair[0], 48);
                eprintln!("not noticed at once");
            }
            "twice, by two threads" => {
                say(pair[0]);
                let first = Sent::new(pair[0]);
                let (send, receive) = channel();
                thread::spawn(move || {
                    free_in::<lives::Ours>(first.get(), 48);
                    // Its end brings the slot home.
                    send.send(()).unwrap();
                })
                .join()
                .unwrap();
                receive.recv().unwrap();
                flush();
                free_in::<lives::Ours>(pair[0], 48);
                eprintln!("not noticed at once");
            }
            "stack" => {
                say(local);
                free_in::<lives::Ours>(local, 48);
                eprintln!("not noticed at once");
            }
            "box" => {
                let boxed = Box::new([0u64; 6]);
                let boxed = NonNull::from(&*boxed).cast();
                say(boxed);
                free_in::<lives::Ours>(boxed, 48);
                eprintln!("not noticed at once");
            }
            "gap" => {
                // The first slot of the first block has a gap before it, which is nobody's.
                let before = pair[0].sub(64);
                say(before);
                free_in::<lives::Ours>(before, 48);
                eprintln!("not noticed at once");
            }
            "never handed out" => {
                // Behind what was carved for a magazine, in the same block.
                let behind = pair[0].add(126 * 48);
                say(behind);
                free_in::<lives::Ours>(behind, 48);
                eprintln!("not noticed at once");
                flush();
                eprintln!("not noticed by the flush");
            }
            "a run that was never handed out" => {
                let first = pair[0].add(126 * 48);
                say(first);
                // As many as there is room for in the magazine that they are put into.
                (0..100).for_each(|at| free_in::<lives::Ours>(first.add(at * 48), 48));
                eprintln!("not noticed at once");
                flush();
                eprintln!("not noticed by the flush");
            }
            "interior" => {
                let inside = pair[0].add(16);
                say(inside);
                free_in::<lives::Ours>(inside, 48);
                eprintln!("not noticed at once");
            }
            "wrong size" => {
                say(pair[0]);
                free_in::<lives::Ours>(pair[0], 200);
                eprintln!("not noticed at once");
                drop((0..4_000).map(|_| Parcel::new::<lives::Ours>(200, 1)).collect::<Vec<_>>());
            }
            "wrong family" => {
                say(other);
                free_in::<lives::Ours>(other, 48);
                eprintln!("not noticed at once");
            }
            "unused family" => {
                say(other);
                free_in::<lives::Unused>(other, 48);
                eprintln!("not noticed at once");
            }
            "large as larger" => {
                say(large);
                free_in::<lives::Ours>(large, 200_000);
            }
            "large twice" => {
                say(large);
                free_in::<lives::Ours>(large, 100_000);
                free_in::<lives::Ours>(large, 100_000);
            }
            "large, interior" => {
                let inside = large.add(4096);
                say(inside);
                free_in::<lives::Ours>(inside, 100_000);
            }
            "huge as smaller" => {
                say(huge);
                free_in::<lives::Ours>(huge, 3 << 20);
            }
            "huge as another's" => {
                say(huge);
                free_in::<lives::Theirs>(huge, 5 << 20);
            }
            "huge from the stack" => {
                say(local);
                free_in::<lives::Ours>(local, 5 << 20);
            }
            "slot as large" => {
                say(pair[0]);
                free_in::<lives::Ours>(pair[0], 100_000);
            }
            other => panic!("there is no case {other}"),
        }
    }
    flush_magazines();
    eprintln!("never noticed");
}

const SLOT: &str = "a slot of 48 bytes in family Lives::Ours";
const FOREIGN: &str =
    "foreign pointer: famalloc did not allocate it; free it with the allocator that did";
const NOTHING: &str =
    "nothing is allocated at this address: double free, or a pointer that was never allocated";
const LATE: &str =
    " (found when the slot was returned to its block; the wrong free may be earlier)";

fn occupies(slot_bytes: usize, size: usize, align: usize) -> String {
    format!(
        "wrong layout: the allocation occupies {slot_bytes} bytes, which {size} bytes aligned to \
         {align} do not match; free it with the layout that it was allocated with"
    )
}

/// The child said exactly this, for the pointer it named; `early` is for the build that looks at
/// once, `late` for the flush of a magazine.
fn assert_said(case: &str, early: &str, late: &str) {
    let said = assert_aborted(child("refused::misused", case));
    let pointer = said.split("pointer ").nth(1).and_then(|rest| rest.split('\n').next());
    let pointer = pointer.unwrap_or_else(|| panic!("{case}: {said}"));
    let message = said.lines().find(|line| line.starts_with("famalloc: "));
    let message = message.unwrap_or_else(|| panic!("{case} ended without a message: {said}"));
    let expected = if cfg!(debug_assertions) { early } else { late };
    let joint = if expected.starts_with("family") { "in" } else { "as" };
    assert_eq!(message, format!("famalloc: cannot free {pointer} {joint} {expected}"), "{case}");
    let at_once = !said.contains("not noticed at once");
    assert!(at_once || !cfg!(debug_assertions), "{case} was noticed late");
    assert!(!said.contains("not noticed by the flush"), "{case} was noticed too late");
}

#[test]
fn a_double_free_is_noticed() {
    let early =
        "48 bytes aligned to 16 in family Lives::Ours: double free: the slot is already free";
    let late = &format!("{SLOT}: double free: the slot is already free{LATE}");
    assert_said("twice", early, late);
    assert_said("twice with another between", early, late);
    assert_said("twice, long after", early, late);
    assert_said("twice, by two threads", early, late);
}

#[test]
fn a_pointer_of_nobody_is_noticed() {
    let early = &format!("48 bytes aligned to 16 in family Lives::Ours: {FOREIGN}");
    let late = &format!("{SLOT}: {FOREIGN}{LATE}");
    assert_said("stack", early, late);
    assert_said("box", early, late);
    let early = &format!("48 bytes aligned to 16 in family Lives::Ours: {NOTHING}");
    assert_said("gap", early, late);
    // In a block such a slot is as good as free.
    let late = &format!("{SLOT}: double free: the slot is already free{LATE}");
    assert_said("never handed out", early, late);
    assert_said("a run that was never handed out", early, late);
}

#[test]
fn an_interior_pointer_is_noticed() {
    let tail =
        "interior pointer: it points 16 bytes past the start of its allocation; free the start";
    assert_said(
        "interior",
        &format!("48 bytes aligned to 16 in family Lives::Ours: {tail}"),
        &format!("{SLOT}: {tail}{LATE}"),
    );
}

#[test]
fn a_wrong_size_is_noticed() {
    let (early, late) = (occupies(48, 200, 8), occupies(48, 208, 1));
    assert_said(
        "wrong size",
        &format!("200 bytes aligned to 8 in family Lives::Ours: {early}"),
        &format!("a slot of 208 bytes in family Lives::Ours: {late}{LATE}"),
    );
}

#[test]
fn a_wrong_family_is_noticed() {
    let tail = "wrong family: the pointer belongs to family Theirs; free it in that family";
    assert_said(
        "wrong family",
        &format!("48 bytes aligned to 16 in family Lives::Ours: {tail}"),
        &format!("{SLOT}: {tail}{LATE}"),
    );
    assert_said(
        "unused family",
        &format!("48 bytes aligned to 16 in family Lives::Unused: {tail}"),
        "family Lives::Unused: nothing was ever allocated in this family; free it in the family that \
         allocated it",
    );
}

#[test]
fn misuse_of_large_memory_is_noticed_at_once_in_every_build() {
    let said = |case, size, family, text: &str| {
        let text = format!("{size} bytes aligned to 16 in family Lives::{family}: {text}");
        assert_said(case, &text, &text);
    };
    said("large as larger", 200_000, "Ours", &occupies(102_400, 200_000, 16));
    said("large twice", 100_000, "Ours", NOTHING);
    said(
        "large, interior",
        100_000,
        "Ours",
        "interior pointer: it points 4096 bytes past the start of its allocation; free the start",
    );
    said("huge as smaller", 3_145_728, "Ours", &occupies(5_242_880, 3_145_728, 16));
    said(
        "huge as another's",
        5_242_880,
        "Theirs",
        "wrong family: the pointer belongs to family Ours; free it in that family",
    );
    said("huge from the stack", 5_242_880, "Ours", FOREIGN);
    said("slot as large", 100_000, "Ours", &occupies(48, 100_000, 16));
}

fn counts() -> Vec<(usize, usize)> {
    let families = Snapshot::of::<Lives>().families;
    let count = |class: &famalloc::ClassUse| (class.slot_bytes, class.live_objects);
    families.iter().flat_map(|family| family.classes.iter().map(count)).collect()
}

/// `try_free` gives back the error and changes nothing.
#[test]
fn a_checked_free_refuses_and_changes_nothing() {
    let _alone = one_at_a_time();
    let layout = Layout::from_size_align(48, 16).unwrap();
    let large = Layout::from_size_align(100_000, 16).unwrap();
    let huge = Layout::from_size_align(5 << 20, 16).unwrap();
    let slots: Vec<_> = (0..10).map(|_| lives::Ours.alloc(layout).unwrap()).collect();
    let other = lives::Theirs.alloc(layout).unwrap();
    let big = lives::Ours.alloc(large).unwrap();
    let whole = lives::Ours.alloc(huge).unwrap();
    // Not famalloc's.
    let boxed = Box::new([0u64; 6]);
    let boxed = NonNull::from(&*boxed).cast();
    let mut local = [0u8; 64];
    let local = NonNull::from(&mut local).cast::<u8>();
    // SAFETY: freed once, and kept to be freed again.
    unsafe { lives::Ours.free(slots[9], layout) };

    let wrong_layout = |slot_bytes, layout| FreeError::WrongLayout { slot_bytes, layout };
    let refused = |start: NonNull<u8>, layout: Layout, error: FreeError| {
        let before = (counts(), usage::<lives::Ours>().live_bytes);
        // SAFETY: not live with this layout in this family, so refused.
        let result = unsafe { raw::try_free(lives::Ours, start, layout) };
        assert_eq!(result, Err(error), "{start:p} as {layout:?}");
        assert_eq!((counts(), usage::<lives::Ours>().live_bytes), before, "{error}");
        check().unwrap();
    };
    let small = Layout::new::<u8>();
    refused(slots[9], layout, FreeError::AlreadyFree);
    refused(local, layout, FreeError::Foreign);
    refused(boxed, layout, FreeError::Foreign);
    let nowhere = |address| NonNull::new(ptr::without_provenance_mut(address)).unwrap();
    refused(nowhere(16), layout, FreeError::Foreign);
    refused(nowhere(usize::MAX), layout, FreeError::Foreign);
    // SAFETY: within the allocations.
    unsafe {
        refused(slots[0].add(1), layout, FreeError::Interior { offset: 1 });
        refused(slots[0].add(47), layout, FreeError::Interior { offset: 47 });
        refused(big.add(65_536), large, FreeError::Interior { offset: 65_536 });
        refused(whole.add(4 << 20), huge, FreeError::Interior { offset: 4 << 20 });
    }
    refused(slots[0], small, wrong_layout(48, small));
    refused(slots[0], large, wrong_layout(48, large));
    refused(big, huge, wrong_layout(102_400, huge));
    refused(big, layout, wrong_layout(102_400, layout));
    refused(whole, large, wrong_layout(5 << 20, large));
    refused(other, layout, FreeError::WrongFamily { owner: "Theirs" });

    // Wherever the free slot is: in a magazine above; in a depot, or in its block.
    let more: Vec<_> = (0..600).map(|_| Parcel::new::<lives::Ours>(48, 3)).collect();
    drop(more);
    refused(slots[9], layout, FreeError::AlreadyFree);
    flush();
    refused(slots[9], layout, FreeError::AlreadyFree);
    // In the depot, remote batch or mailbox that another thread filled.
    let slot = Sent::new(slots[8]);
    thread::spawn(move || {
        let own: Vec<_> = (0..200).map(|_| Parcel::new::<lives::Ours>(48, 3)).collect();
        // SAFETY: live until here.
        unsafe { free_in::<lives::Ours>(slot.get(), 48) };
        drop(own);
    })
    .join()
    .unwrap();
    refused(slots[8], layout, FreeError::AlreadyFree);

    // And frees what is live.
    // SAFETY: live, and not used again.
    unsafe {
        for &slot in &slots[..8] {
            assert_eq!(raw::try_free(lives::Ours, slot, layout), Ok(()));
        }
        assert_eq!(raw::try_free(lives::Ours, big, large), Ok(()));
        assert_eq!(raw::try_free(lives::Ours, whole, huge), Ok(()));
        assert_eq!(raw::try_free(lives::Theirs, other, layout), Ok(()));
        let nothing = Layout::from_size_align(0, 8).unwrap();
        assert_eq!(raw::try_free(lives::Ours, NonNull::dangling(), nothing), Ok(()));
    }
    crate::common::assert_all_given_back::<Lives>();
    // Where a large allocation was, there is nothing.
    // SAFETY: refused.
    assert_eq!(unsafe { raw::try_free(lives::Ours, whole, huge) }, Err(FreeError::NotAllocated));
}

/// Families are told apart by what they are, not by what they are called.
#[test]
fn a_set_of_the_same_name_is_another_set() {
    mod elsewhere {
        #[famalloc::alloc_family]
        pub(crate) enum Lives {
            Ours,
        }
    }
    use elsewhere::lives::Ours;

    let _alone = one_at_a_time();
    for size in [48, 100_000, 5 << 20] {
        let layout = Layout::from_size_align(size, 16).unwrap();
        let theirs = Ours.alloc(layout).unwrap();
        let ours = lives::Ours.alloc(layout).unwrap();
        // SAFETY: the first is of another family; the others are live and not used again.
        unsafe {
            let wrong = Err(FreeError::WrongFamily { owner: "Ours" });
            assert_eq!(raw::try_free(lives::Ours, theirs, layout), wrong, "{size}");
            assert_eq!(raw::try_free(lives::Ours, ours, layout), Ok(()));
            assert_eq!(raw::try_free(Ours, theirs, layout), Ok(()));
        }
        check().unwrap();
    }
    crate::common::assert_all_given_back::<elsewhere::Lives>();
}

//! What was freed and is still at hand is looked at on request (`raw::check_freed`): what is wrong with it is
//! found, in this thread's magazines and in what is parked for all, and nothing is where all is well. Builds
//! with debug assertions refuse such frees at once, so there is nothing to find there.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::process::exit;

use crate::common::{assert_success, case, child, on_a_thread};
use famalloc::raw::{self, check_freed};
use famalloc::{FreeError, RawAlloc, alloc_family};

#[alloc_family]
enum Lives {
    A,
}

fn alloc(size: usize) -> NonNull<u8> {
    lives::A.alloc(Layout::from_size_align(size, 8).unwrap()).unwrap()
}

/// Frees it, rightly or not.
fn free(start: NonNull<u8>) {
    // SAFETY: where it is not the caller's to free, the process ends before anybody gets it.
    let freed = unsafe { raw::free::<Lives>(start) };
    assert_eq!(freed, Ok(()));
}

fn free_many(size: usize, count: usize) {
    let many: Vec<_> = (0..count).map(|_| alloc(size)).collect();
    many.into_iter().for_each(free);
}

/// Does something wrong in a process of its own, which ends at once.
fn found(name: &str, wrong: impl FnOnce() -> (NonNull<u8>, FreeError)) {
    if cfg!(debug_assertions) {
        return;
    }
    if case().is_none() {
        // The child says nothing of tests, as it ends in the midst of one.
        let status = child(&format!("freed::{name}"), name).status().unwrap();
        assert_eq!(status.code(), Some(42), "{name}");
        return;
    }
    free_many(48, 300);
    assert_eq!(check_freed(), Ok(()));
    let expected = wrong();
    let found = check_freed();
    if found == Err(expected) {
        exit(42);
    }
    eprintln!("{found:?}, not {expected:?}");
    exit(1);
}

#[test]
fn twice_in_a_magazine() {
    found("twice_in_a_magazine", || {
        let (one, other) = (alloc(48), alloc(48));
        [one, other, one].into_iter().for_each(free);
        (one, FreeError::AlreadyFree)
    });
}

#[test]
fn in_a_magazine_and_in_the_depot() {
    found("in_a_magazine_and_in_the_depot", || {
        let one = alloc(48);
        free(one);
        free_many(48, 700);
        free(one);
        (one, FreeError::AlreadyFree)
    });
}

#[test]
fn in_a_magazine_and_in_its_block() {
    found("in_a_magazine_and_in_its_block", || {
        let (one, _kept) = (alloc(48), alloc(48));
        free(one);
        famalloc::flush();
        free(one);
        (one, FreeError::AlreadyFree)
    });
}

#[test]
fn inside_of_a_slot() {
    found("inside_of_a_slot", || {
        let one = alloc(48);
        // SAFETY: within the slot.
        let inside = unsafe { one.add(16) };
        free(inside);
        (inside, FreeError::Interior { offset: 16 })
    });
}

/// Another thread has freed it as well, and ended.
#[test]
fn here_and_on_a_thread_that_has_ended() {
    found("here_and_on_a_thread_that_has_ended", || {
        let one = alloc(48);
        let address = one.as_ptr().expose_provenance();
        on_a_thread(|| {
            free(NonNull::new(core::ptr::with_exposed_provenance_mut(address)).unwrap());
        });
        free(one);
        (one, FreeError::AlreadyFree)
    });
}

/// Whatever threads do, and whatever is parked where.
#[test]
fn nothing_is_found_where_all_is_well() {
    if case().is_none() {
        return assert_success(child("freed::nothing_is_found_where_all_is_well", "well"));
    }
    std::thread::scope(|scope| {
        for seed in 0..4_usize {
            scope.spawn(move || {
                let mut held = Vec::new();
                for turn in 0..3000_usize {
                    let size = 8 + (turn * 7 + seed * 13) % 40 * 24;
                    held.push(alloc(size));
                    if held.len() > 300 {
                        held.drain(..200).for_each(free);
                    }
                    if turn % 64 == 0 {
                        assert_eq!(check_freed(), Ok(()));
                    }
                }
                held.into_iter().for_each(free);
                assert_eq!(check_freed(), Ok(()));
            });
        }
    });
    assert_eq!(check_freed(), Ok(()));
}

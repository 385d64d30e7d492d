//! Memory as C has it: what is set to zero, and no more; what is of a size, and what only looks so.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::common::one_at_a_time;
use famalloc::raw::Claim;
use famalloc::{FreeError, RawAlloc, alloc_family, check, raw};

#[alloc_family]
enum Lives {
    General,
    Other,
}

#[alloc_family]
enum Neighbours {
    General,
}

/// More than the largest size with a class, and all sizes with a class of C's own.
fn sizes() -> impl Iterator<Item = usize> {
    let small = if cfg!(miri) { 140 } else { 1_100 };
    let large = [2_000, 8_192, 32_768, 32_769, 70_000, 3 << 20];
    (0..small).chain(large.into_iter().take(if cfg!(miri) { 2 } else { 6 }))
}

fn allocated(size: usize) -> NonNull<u8> {
    raw::alloc_bytes_in_scope::<Lives>(size).unwrap()
}

fn free(start: NonNull<u8>) {
    // SAFETY: live, and not used again.
    unsafe { raw::free::<Lives>(start) }.unwrap();
}

/// Fills all that can be used.
fn fill(start: NonNull<u8>, value: u8) -> usize {
    let usable = raw::usable_bytes::<Lives>(start).unwrap();
    // SAFETY: so many bytes can be used.
    unsafe { start.write_bytes(value, usable) };
    usable
}

fn all_are(start: NonNull<u8>, bytes: usize, value: u8) -> bool {
    // SAFETY: callers have written so many.
    let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), bytes) };
    bytes.iter().all(|&byte| byte == value)
}

#[test]
fn what_is_asked_for_is_zero_and_what_lies_beside_it_is_as_it_was() {
    let _alone = one_at_a_time();
    for size in sizes() {
        let mut three = [(); 3].map(|()| allocated(size));
        three.sort();
        let [before, used, behind] = three;
        let usable = [before, used, behind].map(|start| fill(start, 0xA5));
        free(used);
        let zeroed = raw::alloc_zeroed_bytes_or_else::<Lives>(size, || None).unwrap();
        assert!(size > 32_768 || zeroed == used, "what was freed last is taken first");
        assert!(all_are(zeroed, size, 0), "{size} bytes are not all zero");
        assert!(all_are(before, usable[0], 0xA5), "what lies before {size} bytes was written");
        assert!(all_are(behind, usable[2], 0xA5), "what lies behind {size} bytes was written");
        [before, zeroed, behind].into_iter().for_each(free);
    }
    check().unwrap();
}

#[test]
fn what_was_never_used_is_zero_too() {
    let _alone = one_at_a_time();
    // A thread's first of a class comes by way of the slow path.
    for size in sizes().step_by(16) {
        crate::common::on_a_thread(|| {
            let zeroed = raw::alloc_zeroed_bytes_or_else::<Lives>(size, || None).unwrap();
            assert!(all_are(zeroed, size, 0), "{size} bytes are not all zero");
            fill(zeroed, 0xA5);
            free(zeroed);
        });
    }
    check().unwrap();
}

#[test]
fn what_cannot_be_had_is_refused_once() {
    let _alone = one_at_a_time();
    for size in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 4_095, 1 << 60] {
        let mut asked = 0;
        let refused = || {
            asked += 1;
            None
        };
        assert_eq!(raw::alloc_zeroed_bytes_or_else::<Lives>(size, refused), None);
        assert_eq!(asked, 1, "{size} bytes");
    }
}

#[test]
fn the_size_is_that_of_the_class() {
    let _alone = one_at_a_time();
    for size in sizes().filter(|&size| size <= 1_024) {
        let start = allocated(size);
        let class = raw::usable_bytes::<Lives>(start).unwrap();
        for other in (0..=class + 17).chain([1_025, 4_096, usize::MAX]) {
            let same = other > 0 && other <= 1_024 && {
                let another = allocated(other);
                let same = raw::usable_bytes::<Lives>(another).unwrap() == class;
                free(another);
                same
            };
            let said = raw::is_of_size::<Lives>(start.as_ptr(), other);
            assert_eq!(said, same, "{size} bytes as {other}");
        }
        free(start);
    }
}

#[test]
fn nothing_else_is_of_a_size() {
    let _alone = one_at_a_time();
    let is_of_size = |start: *mut u8, size| raw::is_of_size::<Lives>(start, size);
    let [start, last] = [100, 100].map(allocated);
    for within in 1..100 {
        assert!(!is_of_size(start.as_ptr().wrapping_add(within), 100) || within % 16 == 0);
    }
    free(last);
    assert!(!is_of_size(last.as_ptr(), 100), "freed just now");
    // SAFETY: not freed twice: the second is refused.
    assert_eq!(unsafe { raw::free::<Lives>(last) }, Err(FreeError::AlreadyFree));
    assert!(is_of_size(start.as_ptr(), 100));
    free(start);

    let layout = Layout::from_size_align(100, 16).unwrap();
    let others = neighbours::General.alloc(layout).unwrap();
    assert!(!is_of_size(others.as_ptr(), 100), "of another set");
    // SAFETY: allocated above, and not used again.
    unsafe { raw::free::<Neighbours>(others) }.unwrap();

    // Another family of the same set is as good.
    let other = lives::Other.alloc(layout).unwrap();
    assert!(is_of_size(other.as_ptr(), 100));
    free(other);

    let large = allocated(100_000);
    let mut local = [0u8; 112];
    for foreign in [core::ptr::null_mut(), large.as_ptr(), local.as_mut_ptr()] {
        assert!([1, 8, 100, 1_024, 100_000].iter().all(|&size| !is_of_size(foreign, size)));
    }
    for odd in [usize::MAX, usize::MAX << 47, 1 << 63, 1 << 47, 16] {
        assert!(!is_of_size(core::ptr::without_provenance_mut(odd), 100));
    }
    free(large);
}

#[test]
fn on_a_thread_without_magazines_of_the_class_it_is_of_its_size() {
    let _alone = one_at_a_time();
    let start = allocated(100);
    let address = start.as_ptr().expose_provenance();
    crate::common::on_a_thread(move || {
        let start = core::ptr::with_exposed_provenance_mut::<u8>(address);
        assert!(raw::is_of_size::<Lives>(start, 100));
    });
    free(start);
}

/// Frees with a claim; what is refused is as it was.
fn claim(start: NonNull<u8>, claim: Claim) -> Result<(), FreeError> {
    let mut result = Ok(());
    let refused = |_: NonNull<u8>, error: FreeError| result = Err(error);
    // SAFETY: live; where it is freed, the callers do not use it again.
    unsafe { raw::free_bytes_or_else::<Lives>(start.as_ptr(), claim, refused) };
    result
}

/// What is claimed of a size is held against the slot, short of 1 KiB and beyond.
#[test]
fn a_claim_holds_for_slots_of_its_class_alone() {
    let _alone = one_at_a_time();
    let usable = |start| raw::usable_bytes::<Lives>(start).unwrap();
    let sizes = [
        1, 16, 17, 500, 1_009, 1_024, 1_025, 1_152, 1_153, 2_000, 8_192, 8_193, 32_768, 32_769,
        70_000,
    ];
    let classes = sizes.map(|size| {
        let start = allocated(size);
        let class = usable(start);
        free(start);
        class
    });
    for size in sizes {
        let mut start = allocated(size);
        let class = usable(start);
        for (other, of_other) in sizes.into_iter().zip(classes) {
            let exactly = claim(start, Claim::Exactly(other));
            let wrong = matches!(exactly, Err(FreeError::WrongLayout { slot_bytes, .. }) if slot_bytes == class);
            assert_eq!(
                (exactly.is_ok(), wrong),
                (class == of_other, class != of_other),
                "{size} as {other}"
            );
            if exactly.is_ok() {
                assert!(claim(start, Claim::Exactly(other)).is_err(), "{size} was freed twice");
                start = allocated(size);
            }
            let at_least = claim(start, Claim::AtLeast(other));
            assert_eq!(at_least.is_ok(), other <= class, "{size} as at least {other}");
            if at_least.is_ok() {
                start = allocated(size);
            }
        }
        for most in [usize::MAX, isize::MAX as usize, usize::MAX - 14] {
            for claimed in [Claim::Exactly(most), Claim::AtLeast(most)] {
                let error = claim(start, claimed);
                let wrong = matches!(error, Err(FreeError::WrongLayout { .. }));
                assert!(wrong, "{size} as {claimed:?}: {error:?}");
            }
        }
        for offset in
            [16, 32, 1_024, 1_040].into_iter().filter(|&offset| size > 1_024 && offset < class)
        {
            for claimed in [Claim::Exactly(size), Claim::AtLeast(size)] {
                // SAFETY: within the slot.
                let error = claim(unsafe { start.add(offset) }, claimed);
                assert_eq!(error, Err(FreeError::Interior { offset }), "{size} as {claimed:?}");
            }
        }
        free(start);
    }
}

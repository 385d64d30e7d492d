//! A global allocator with none behind it: what is refused is refused as the standard library expects
//! it, and what cannot be freed ends the process with a message.

mod common;

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;
use std::thread;

use common::{assert_aborted, assert_success, case, child, one_at_a_time, usage};
use famalloc::{FamAlloc, FreeError, NoNext, RawAlloc, alloc_family, check, flush, query};

#[alloc_family]
enum Lives {
    General,
    #[family(limit = "1 MiB")]
    Small,
    #[family(zero_on_free)]
    Secret,
    Plain,
}

#[alloc_family]
enum Others {
    Here,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

#[test]
fn refusals_are_errors() {
    let _alone = one_at_a_time();
    lives::Small::scope(|| {
        let mut text = vec![1u8; 500_000];
        assert!(text.try_reserve(1 << 20).is_err());
        assert!(Vec::<u64>::new().try_reserve(1 << 18).is_err());
        assert!(String::new().try_reserve(2 << 20).is_err());
        assert_eq!(text.len(), 500_000);
        assert!(text.iter().all(|&byte| byte == 1));
        let layout = Layout::from_size_align(2 << 20, 1).unwrap();
        // SAFETY: the sizes are not 0; the vector's memory is live, and stays where it is.
        unsafe {
            assert!(GLOBAL.alloc(layout).is_null());
            assert!(GLOBAL.alloc_zeroed(layout).is_null());
            let own = Layout::array::<u8>(text.capacity()).unwrap();
            assert!(GLOBAL.realloc(text.as_mut_ptr(), own, 2 << 20).is_null());
        }
        assert!(text.iter().all(|&byte| byte == 1));
        // Elsewhere there is room.
        text.reserve(1_000);
        let more = lives::General::scope(|| vec![0u8; 2 << 20]);
        assert_eq!(query(more.as_ptr()).unwrap().family, "General");
    });
    assert!(isize::MAX as usize > 1 << 50);
    assert!(Vec::<u8>::new().try_reserve(1 << 50).is_err());
    flush();
    check().unwrap();
    assert_eq!(usage::<lives::Small>().live_objects, 0);
}

#[test]
fn the_allocator_says_what_it_is() {
    assert_eq!(format!("{GLOBAL:?}"), "FamAlloc { set: \"Lives\", .. }");
    assert_eq!(format!("{:?}", FamAlloc::<Others>::default()), "FamAlloc { set: \"Others\", .. }");
    assert_eq!(format!("{NoNext:?}"), "NoNext");
}

/// The set of the global allocator and others free each other's memory, by address.
#[test]
fn memory_of_another_set_is_freed_and_resized_where_it_belongs() {
    let _alone = one_at_a_time();
    for size in [24usize, 3_000, 100_000, 5 << 20] {
        let layout = Layout::from_size_align(size, 8).unwrap();
        let start = others::Here.alloc(layout).unwrap();
        // SAFETY: so many bytes; live until they are freed, by way of the global allocator.
        unsafe {
            start.write_bytes(7, size);
            let larger = GLOBAL.realloc(start.as_ptr(), layout, size * 3);
            let found = query(larger).unwrap();
            assert_eq!((found.set, found.family), ("Others", "Here"));
            assert!((0..size).step_by(5).all(|at| larger.add(at).read() == 7));
            let layout = Layout::from_size_align(size * 3, 8).unwrap();
            let smaller = GLOBAL.realloc(larger, layout, size / 2);
            assert_eq!(query(smaller).unwrap().set, "Others");
            assert!((0..size / 2).step_by(5).all(|at| smaller.add(at).read() == 7));
            GLOBAL.dealloc(smaller, Layout::from_size_align(size / 2, 8).unwrap());
        }
        check().unwrap();
        assert_eq!(usage::<others::Here>().live_objects, 0, "{size}");
    }
}

/// Runs in a process of its own.
#[test]
fn ends() {
    let Some(case) = case() else { return };
    let layout = Layout::from_size_align(48, 8).unwrap();
    let scope = match case.as_str() {
        secret if secret.starts_with("secret") => lives::Secret::enter(),
        small if small.starts_with("no memory") => lives::Small::enter(),
        _ => lives::Plain::enter(),
    };
    // A neighbour keeps the block.
    // SAFETY: the size is not 0.
    let pair = unsafe { [GLOBAL.alloc(layout), GLOBAL.alloc(layout)] };
    let large_layout = Layout::from_size_align(100_000, 8).unwrap();
    // SAFETY: as above.
    let large = unsafe { GLOBAL.alloc(large_layout) };
    let mut local = [0u64; 6];
    let region: famalloc::Region<lives::Plain> = famalloc::Region::new();
    let in_region = NonNull::from(region.alloc(7u64)).as_ptr().cast::<u8>();
    drop(scope);
    // SAFETY: none; that is what is tested, in a process that ends here.
    unsafe {
        match case.as_str() {
            "foreign" => GLOBAL.dealloc((&raw mut local).cast(), layout),
            "foreign, reallocated" => _ = GLOBAL.realloc((&raw mut local).cast(), layout, 480),
            "twice" | "secret twice" => {
                GLOBAL.dealloc(pair[0], layout);
                GLOBAL.dealloc(pair[0], layout);
            }
            "twice, after a flush" => {
                GLOBAL.dealloc(pair[0], layout);
                flush();
                GLOBAL.dealloc(pair[0], layout);
            }
            "interior" | "secret interior" => GLOBAL.dealloc(pair[0].add(16), layout),
            "interior of large" => GLOBAL.dealloc(large.add(8_192), large_layout),
            "large twice" => {
                GLOBAL.dealloc(large, large_layout);
                GLOBAL.dealloc(large, large_layout);
            }
            "realloc of what is free" => {
                GLOBAL.dealloc(pair[0], layout);
                _ = GLOBAL.realloc(pair[0], layout, 480);
            }
            "realloc of what is free, in place" => {
                GLOBAL.dealloc(pair[0], layout);
                _ = GLOBAL.realloc(pair[0], layout, 47);
            }
            "realloc of interior" => _ = GLOBAL.realloc(pair[0].add(16), layout, 480),
            "realloc of interior of large" => {
                _ = GLOBAL.realloc(large.add(8_192), large_layout, 200_000);
            }
            "in a region" => GLOBAL.dealloc(in_region, Layout::new::<u64>()),
            "realloc in a region" => _ = GLOBAL.realloc(in_region, Layout::new::<u64>(), 80),
            "no memory" => drop(lives::Small::scope(|| vec![1u8; 2 << 20])),
            "no memory to grow" => {
                let mut text = lives::Small::scope(|| vec![1u8; 1_000]);
                text.resize(2 << 20, 1);
                drop(text);
            }
            "nothing" => return,
            other => panic!("there is no case {other}"),
        }
    }
    eprintln!("not noticed");
}

fn assert_said(case: &str, message: &str) {
    let said = assert_aborted(child("ends", case));
    let line = said.lines().find(|line| line.starts_with("famalloc: "));
    let line = line.unwrap_or_else(|| panic!("{case} ended without a message: {said}"));
    assert!(line.ends_with(message), "{case}: {line}");
    assert!(!said.contains("not noticed"), "{case}: {said}");
    let caller = if case.contains("realloc") { "realloc(0x" } else { "dealloc(0x" };
    assert!(line["famalloc: ".len()..].starts_with(caller), "{case}: {line}");
}

#[test]
fn what_is_not_its_own_ends_the_process() {
    assert_success(child("ends", "nothing"));
    for case in ["foreign", "foreign, reallocated"] {
        assert_said(case, &FreeError::Foreign.to_string());
    }
    for case in ["in a region", "realloc in a region"] {
        assert_said(case, &FreeError::InRegion.to_string());
    }
}

#[test]
fn what_is_large_or_zeroed_is_looked_at_in_every_build() {
    for case in ["large twice", "secret twice"] {
        let said = assert_aborted(child("ends", case));
        assert!(said.contains("famalloc: dealloc(0x"), "{said}");
        assert!(!said.contains("not noticed"), "{said}");
    }
    for (case, offset) in [
        ("interior of large", 8_192),
        ("realloc of interior of large", 8_192),
        ("secret interior", 16),
    ] {
        assert_said(case, &FreeError::Interior { offset }.to_string());
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "slots are looked at in debug builds")]
fn what_is_freed_twice_or_from_within_is_noticed_at_once() {
    for case in [
        "twice",
        "twice, after a flush",
        "realloc of what is free",
        "realloc of what is free, in place",
    ] {
        assert_said(case, &FreeError::AlreadyFree.to_string());
    }
    for case in ["interior", "realloc of interior"] {
        assert_said(case, &FreeError::Interior { offset: 16 }.to_string());
    }
}

/// Where there is no memory and nobody asked whether there is, the standard library ends the process.
#[test]
fn no_memory_is_the_standard_librarys_affair() {
    let said = assert_aborted(child("ends", "no memory"));
    assert!(said.contains("memory allocation of 2097152 bytes failed"), "{said}");
    let said = assert_aborted(child("ends", "no memory to grow"));
    assert!(said.contains("memory allocation of 2097152 bytes failed"), "{said}");
}

#[test]
fn threads_end_where_there_is_no_memory_for_them() {
    let _alone = one_at_a_time();
    let held = lives::Small::scope(|| {
        let mut held = Vec::new();
        for size in [300_000usize, 30_000, 3_000] {
            while let Ok(()) = held.try_reserve_exact(1) {
                let mut next = Vec::<u8>::new();
                if next.try_reserve_exact(size).is_err() {
                    break;
                }
                held.push(next);
            }
        }
        held
    });
    assert!(held.len() > 3);
    // A thread without room for magazines, or anything else, in that family.
    let ended = thread::spawn(|| {
        lives::Small::scope(|| Vec::<u64>::new().try_reserve_exact(50_000).is_err())
    });
    assert!(ended.join().unwrap());
    drop(held);
    flush();
    check().unwrap();
    assert_eq!(usage::<lives::Small>().live_objects, 0);
}

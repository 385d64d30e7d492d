//! What a plugin does: objects in families, some of which outlive the call.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use famalloc::{FamilyBox, alloc_family};

#[alloc_family]
enum Lives {
    Node,
}

#[cfg(feature = "global")]
#[global_allocator]
static GLOBAL: famalloc::FamAlloc<Lives> = famalloc::FamAlloc::new();

/// How often it was called since it was loaded.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Works in the family, and keeps something in the thread's storage if it is to. Returns how often it has
/// been called since it was loaded.
#[unsafe(no_mangle)]
pub extern "C" fn famalloc_plugin_work(keep: bool) -> u64 {
    thread_local! {
        static KEPT: RefCell<Vec<FamilyBox<u64, lives::Node>>> = const { RefCell::new(Vec::new()) };
    }
    let boxes: [FamilyBox<u64, lives::Node>; 64] =
        std::array::from_fn(|at| FamilyBox::new_in(at as u64, lives::Node));
    black_box((0..100).map(Box::new).collect::<Vec<Box<u64>>>());
    assert_eq!(boxes.iter().map(|number| **number).sum::<u64>(), 63 * 32);
    if keep {
        KEPT.with_borrow_mut(|kept| kept.extend(boxes));
    }
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

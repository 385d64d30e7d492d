//! famalloc without the standard library as the global allocator: all of the program's memory is one
//! buffer. Scopes do nothing until there is the promise of one thread; so this is a program of one.

use core::alloc::Layout;
use std::collections::BTreeMap;

use famalloc::{
    FamAlloc, FamilyUse, FixedBuffer, alloc_family, check, flush, promise_one_thread, query, raw,
};

static PAGES: FixedBuffer<{ 8 << 20 }> = FixedBuffer::new();

#[alloc_family(source = PAGES)]
enum Lives {
    #[family(limit = "2 MiB")]
    Task,
    #[family(fallback)]
    General,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

/// Where unmodified code allocates now.
fn here() -> &'static str {
    let fresh = Vec::<u8>::with_capacity(10);
    assert!(PAGES.contains(fresh.as_ptr()));
    query(fresh.as_ptr()).expect("in a family").family
}

/// What unmodified code does, in a scope.
fn work() {
    let words: BTreeMap<u32, String> =
        lives::Task::scope(|| (0..2_000).map(|number| (number, number.to_string())).collect());
    assert!(words.iter().all(|(number, word)| number.to_string() == *word));
    let mut large: Vec<u32> = lives::Task::scope(|| Vec::with_capacity(10));
    large.extend(0..100_000);
    assert!(large.iter().copied().eq(0..100_000));
    large.truncate(7);
    large.shrink_to_fit();
    assert_eq!(large, [0, 1, 2, 3, 4, 5, 6]);
    let zeros = vec![0u8; 200_000];
    assert!(zeros.iter().all(|&byte| byte == 0));
}

fn main() {
    // Not until there is the promise: another thread would be in the scope as well.
    assert_eq!(here(), "General");
    lives::Task::scope(|| assert_eq!(here(), "General"));
    work();
    check().unwrap();
    assert_eq!(FamilyUse::of(lives::Task).live_objects, 0);

    // SAFETY: this program has one thread.
    unsafe { promise_one_thread() };
    assert_eq!(here(), "General");
    lives::Task::scope(|| {
        assert_eq!(here(), "Task");
        lives::General::scope(|| assert_eq!(here(), "General"));
        assert_eq!(here(), "Task");
        assert!(Vec::<u8>::new().try_reserve(3 << 20).is_err());
    });
    assert_eq!(here(), "General");
    // The buffer has no room for what a message may bring with it: the names of all functions.
    std::panic::set_hook(Box::new(|_| ()));
    let scope = lives::Task::enter();
    assert!(std::panic::catch_unwind(|| lives::General::scope(|| panic!("expected"))).is_err());
    assert_eq!(here(), "Task");
    let start = raw::alloc_in_scope::<Lives>(Layout::new::<u64>()).unwrap();
    assert_eq!(query(start.as_ptr()).unwrap().family, "Task");
    // SAFETY: allocated above, and not used again.
    unsafe { raw::free::<Lives>(start).unwrap() };
    drop(scope);
    drop(std::panic::take_hook());
    for _ in 0..5 {
        work();
        flush();
        check().unwrap();
        let used = FamilyUse::of(lives::Task);
        assert_eq!((used.live_objects, used.blocks), (0, 0), "{used:?}");
    }
    println!("the global allocator did its work");
}

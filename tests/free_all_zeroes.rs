//! Freeing a whole family at once, where the family is to be zeroed. Over pages of its own, so that the
//! memory of nobody else comes and goes meanwhile, and what is handed out again is where it was.

mod common;

use std::collections::BTreeMap;

use common::{Random, one_at_a_time};
use famalloc::{Family, System, alloc_family, alloc_in, free_in, query};

static PAGES: System = System::new();

#[alloc_family(source = PAGES)]
enum Lives {
    #[family(zero_on_free)]
    Zeroed,
}

const MIB: usize = 1 << 20;

fn free_all<F: Family>(live: usize) {
    // SAFETY: nothing of the family is used after this.
    assert_eq!(unsafe { famalloc::free_all(F::default()) }, Ok(live));
}

/// All that was live is zero when it is handed out again, and so is what was freed before.
#[test]
fn what_a_family_zeroes_is_zero() {
    let _alone = one_at_a_time();
    let mut random = Random::new(8);
    for size in [1, 3, 40, 48, 4_000, 32_768, 40_000, 300_000, 5 * MIB] {
        for freed in [0, 2, 10] {
            let count = (20_000 / size).clamp(30, 5_000);
            let mut dirty = BTreeMap::new();
            for _ in 0..count {
                let start = alloc_in::<lives::Zeroed>(size).unwrap();
                let whole = query(start.as_ptr()).unwrap().slot_bytes;
                // SAFETY: live; all that can be used of it is used.
                unsafe { start.write_bytes(0xEE, whole) };
                dirty.insert(start, whole);
            }
            let mut live = count;
            for &start in dirty.keys() {
                if random.below(10) < freed / 2 {
                    // SAFETY: live.
                    unsafe { free_in::<lives::Zeroed>(start, size) };
                    live -= 1;
                }
            }
            free_all::<lives::Zeroed>(live);
            let mut seen = 0;
            for _ in 0..count {
                let start = alloc_in::<lives::Zeroed>(size).unwrap();
                if let Some(&whole) = dirty.get(&start) {
                    seen += 1;
                    // SAFETY: live, and written above.
                    let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), whole) };
                    assert!(bytes.iter().all(|&byte| byte == 0), "a secret of {size} bytes");
                }
            }
            assert_eq!(seen, count, "the same addresses are handed out again: {size}");
            free_all::<lives::Zeroed>(count);
        }
    }
}

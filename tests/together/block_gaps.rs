//! What lies before the first slot of a cell's first block.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeSet;

use crate::common::one_at_a_time;
use famalloc::{Family, FreeError, RawAlloc, alloc_family, check, query, raw};

/// The first blocks of cells begin with a gap, different from cell to cell; it is nobody's.
#[test]
fn the_gap_before_the_first_slot_is_nobodys() {
    #[alloc_family]
    enum Lives {
        Left,
        Right,
    }

    fn gap<F: Family>(size: usize) -> usize {
        let layout = Layout::from_size_align(size, 8).unwrap();
        let slot = F::default().alloc(layout).unwrap();
        let found = query(slot.as_ptr()).unwrap();
        let gap = found.slot - found.block;
        for into in (0..gap).step_by(8) {
            let before = slot.as_ptr().wrapping_sub(gap - into);
            assert_eq!(query(before), None);
            // SAFETY: refused.
            let refused =
                unsafe { raw::try_free(F::default(), NonNull::new(before).unwrap(), layout) };
            assert_eq!(refused, Err(FreeError::NotAllocated));
        }
        // SAFETY: live.
        unsafe { F::default().free(slot, layout) };
        check().unwrap();
        gap
    }

    let _alone = one_at_a_time();
    let gaps: Vec<_> = (8..=64)
        .step_by(8)
        .flat_map(|size| [gap::<lives::Left>(size), gap::<lives::Right>(size)])
        .collect();
    let different: BTreeSet<_> = gaps.iter().collect();
    assert!(different.len() > 8, "{gaps:?}");
    let pages: BTreeSet<_> = gaps.iter().map(|gap| gap / 4096).collect();
    assert!(pages.len() > 5 && pages.last() == Some(&7), "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap % 64 == 0 && gap % 4096 < 1024), "{gaps:?}");

    // Where memory is counted, or the length of blocks was asked for, there are no pages in it.
    #[alloc_family]
    enum Counted {
        #[family(limit = "1 MiB")]
        Limited,
        #[family(block = "128 KiB")]
        Long,
    }
    for size in (8..=64).step_by(8) {
        assert!(gap::<counted::Limited>(size) < 1024 && gap::<counted::Long>(size) < 1024);
    }
}

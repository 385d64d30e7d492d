//! Random sequences of operations against the naive allocator: a list of live ranges.
//!
//! Every allocation is filled with a pattern of its own, which is looked at before it is resized
//! or freed; live ranges must not overlap; the whole structure is checked along the way; and when
//! all is freed the counts are zero.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use crate::common::{Random, all_are, one_at_a_time, times};
use famalloc::{Family, RawAlloc, Snapshot, alloc_family, check, flush, query, reclaim};

#[alloc_family]
enum Lives {
    Short,
    Long,
    #[family(zero_on_free)]
    Secret,
    #[family(isolate)]
    Alone,
    #[family(block = "1 MiB", align = "natural")]
    Bulk,
}

/// Sizes of all classes, and some of none: small ones often, huge ones seldom. For Miri, those of few.
fn any_layout(random: &mut Random) -> Layout {
    if cfg!(miri) {
        let size = if random.below(50) == 0 { 300_000 } else { random.size() - 7 };
        let align = [1, 1, 8, 4096, 1 << 17][random.below(5)];
        return Layout::from_size_align(size, align).unwrap();
    }
    let bits = match random.below(1000) {
        0..900 => random.below(12),
        900..990 => random.below(17),
        990..999 => random.below(21),
        _ => random.below(24),
    };
    let size = random.below(2 << bits);
    let align = match random.below(100) {
        0..70 => 1 << random.below(5),
        70..98 => 1 << random.below(13),
        98 => 1 << random.below(18),
        _ => 1 << random.below(24),
    };
    Layout::from_size_align(size, align).unwrap()
}

/// One live allocation as the oracle knows it.
struct Live {
    start: NonNull<u8>,
    layout: Layout,
    pattern: u8,
    family: usize,
}

/// Calls a method of the family with this number.
macro_rules! in_family {
    ($family:expr, $function:ident ( $($argument:expr),* )) => {
        match $family {
            0 => lives::Short.$function($($argument),*),
            1 => lives::Long.$function($($argument),*),
            2 => lives::Secret.$function($($argument),*),
            3 => lives::Alone.$function($($argument),*),
            _ => lives::Bulk.$function($($argument),*),
        }
    };
}

impl Live {
    fn bytes(&self) -> &[u8] {
        // SAFETY: live, and filled when it was allocated.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }

    fn fill(&self) {
        // SAFETY: live.
        unsafe { self.start.write_bytes(self.pattern, self.layout.size()) };
    }

    fn is_intact(&self, len: usize) -> bool {
        all_are(&self.bytes()[..len], self.pattern)
    }
}

struct Oracle {
    random: Random,
    live: Vec<Live>,
    /// Start -> end of every live range.
    ranges: BTreeMap<usize, usize>,
    patterns: u8,
}

impl Oracle {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), live: Vec::new(), ranges: BTreeMap::new(), patterns: 0 }
    }

    fn claim(&mut self, start: NonNull<u8>, layout: Layout) {
        assert_eq!(start.addr().get() % layout.align(), 0, "{layout:?} is not aligned");
        if layout.size() == 0 {
            return;
        }
        let (from, to) = (start.addr().get(), start.addr().get() + layout.size());
        if let Some((before, end)) = self.ranges.range(..to).next_back() {
            assert!(*end <= from, "{from:#x}..{to:#x} overlaps {before:#x}..{end:#x}");
        }
        self.ranges.insert(from, to);
    }

    fn disclaim(&mut self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            assert!(self.ranges.remove(&start.addr().get()).is_some());
        }
    }

    fn allocate(&mut self) {
        let layout = any_layout(&mut self.random);
        let family = self.random.below(5);
        let zeroed = self.random.below(4) == 0;
        let start = if zeroed {
            in_family!(family, alloc_zeroed(layout))
        } else {
            in_family!(family, alloc(layout))
        };
        let start = start.unwrap();
        self.claim(start, layout);
        self.patterns = self.patterns.wrapping_add(1);
        let live = Live { start, layout, pattern: self.patterns | 1, family };
        if zeroed {
            assert!(all_are(live.bytes(), 0), "{layout:?} is not zero");
        }
        live.fill();
        if layout.size() > 0 {
            let probe = self.random.below(layout.size());
            let found = query(start.as_ptr().wrapping_add(probe)).expect("allocated here");
            assert_eq!((found.set, found.family_index), ("Lives", family));
            assert_eq!((found.slot, found.offset), (start.addr().get(), probe));
            assert!(found.slot_bytes >= layout.size());
        }
        self.live.push(live);
    }

    fn free(&mut self) {
        let index = self.random.below(self.live.len());
        let live = self.live.swap_remove(index);
        assert!(live.is_intact(live.layout.size()), "{:?} was overwritten", live.layout);
        self.disclaim(live.start, live.layout);
        // SAFETY: live, and forgotten by the oracle.
        unsafe { in_family!(live.family, free(live.start, live.layout)) };
    }

    fn resize(&mut self) {
        let index = self.random.below(self.live.len());
        let mut live = self.live.swap_remove(index);
        assert!(live.is_intact(live.layout.size()), "{:?} was overwritten", live.layout);
        self.disclaim(live.start, live.layout);
        let new = if self.random.below(2) == 0 {
            let size = self.random.below(2 * live.layout.size() + 2);
            Layout::from_size_align(size, live.layout.align()).unwrap()
        } else {
            any_layout(&mut self.random)
        };
        let zeroed = self.random.below(2) == 0;
        // SAFETY: live.
        let start = unsafe {
            if zeroed {
                in_family!(live.family, realloc_zeroed(live.start, live.layout, new))
            } else {
                in_family!(live.family, realloc(live.start, live.layout, new))
            }
        };
        let old = core::mem::replace(&mut live.layout, new);
        live.start = start.unwrap();
        self.claim(live.start, new);
        assert!(live.is_intact(old.size().min(new.size())), "{old:?} -> {new:?} lost contents");
        if zeroed && new.size() > old.size() {
            assert!(all_are(&live.bytes()[old.size()..], 0));
        }
        live.fill();
        self.live.push(live);
    }

    fn run(&mut self, steps: usize, most: usize) {
        for step in 0..steps {
            let fill = self.live.len() < most && self.random.below(most) >= self.live.len() / 2;
            match self.random.below(10) {
                _ if self.live.is_empty() || fill => self.allocate(),
                0..2 => self.resize(),
                _ => self.free(),
            }
            if step % 4099 == 0 {
                check().unwrap();
            }
            if step % 9973 == 0 {
                reclaim(self.random.below(1 << 22));
            }
        }
    }

    fn free_all(&mut self) {
        while !self.live.is_empty() {
            self.free();
        }
    }
}

fn assert_nothing_is_live() {
    for family in Snapshot::of::<Lives>().families {
        assert_eq!((family.live_objects, family.live_bytes), (0, 0), "in {}", family.name);
    }
}

#[test]
fn random_sequences_agree_with_a_list_of_ranges() {
    let _alone = one_at_a_time();
    for seed in 1..=times(6, 1) as u64 {
        let mut oracle = Oracle::new(seed);
        oracle.run(times(20_000, 25), times(200, 15) << seed);
        check().unwrap();
        oracle.free_all();
        check().unwrap();
        assert_nothing_is_live();
        flush();
        check().unwrap();
        for family in Snapshot::of::<Lives>().families {
            assert_eq!((family.blocks, family.committed_bytes), (0, 0), "in {}", family.name);
            assert!(family.extents == 0 || family.name == "Alone");
        }
    }
    // An isolated family never meets another's addresses.
    assert!(<lives::Alone as Family>::SPEC.is_isolated());
}

//! Promises of the documentation that no other test holds. `docs/promises.md` has all of them, each with
//! what holds it.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::collections::BTreeSet;

use crate::common::{Parcel, Random, assert_all_given_back, one_at_a_time, usage};
use famalloc::{
    Family, PageError, PageSource, Region, System, alloc_family, alloc_in, check, free_in, query,
};

/// "What is allocated in one family shares memory with nothing else": not even an extent, as long as
/// something is there, whatever its size and kind.
#[test]
fn no_two_families_share_an_extent() {
    #[alloc_family]
    enum Apart {
        A,
        B,
        #[family(isolate)]
        C,
    }
    const EXTENT: usize = 2 << 20;

    struct Tenant {
        held: Vec<Parcel>,
        extents: BTreeSet<usize>,
    }

    impl Tenant {
        fn note(&mut self, start: usize, size: usize) {
            self.extents.extend(start / EXTENT..=(start + size - 1) / EXTENT);
        }

        fn take<F: Family>(&mut self, size: usize) {
            let parcel = Parcel::new::<F>(size, 7);
            self.note(parcel.address(), size);
            self.held.push(parcel);
        }
    }

    let _alone = one_at_a_time();
    let mut random = Random::new(11);
    let mut tenants: [Tenant; 3] =
        [(); 3].map(|()| Tenant { held: Vec::new(), extents: BTreeSet::new() });
    let regions = (Region::<apart::A>::new(), Region::<apart::B>::new());
    for turn in 0..6_000 {
        let size = match turn % 100 {
            // Large, between granules and extents, and huge.
            0 => 33_000 + random.below(300_000),
            50 if turn < 1_000 => (1 << 20) + random.below(5 << 20),
            _ => random.size().min(20_000),
        };
        let [a, b, c] = &mut tenants;
        a.take::<apart::A>(size);
        b.take::<apart::B>(size);
        c.take::<apart::C>(size);
        for (tenant, lent) in [
            (&mut *a, regions.0.alloc_slice_fill_with(size % 1000 + 1, |_| 3_u8)),
            (&mut *b, regions.1.alloc_slice_fill_with(size % 1000 + 1, |_| 3_u8)),
        ] {
            tenant.note(lent.as_ptr().addr(), lent.len());
        }
        if turn % 3 == 0 {
            for tenant in &mut tenants {
                // Addresses that are given back may become another's: these are not looked at again.
                let at = random.below(tenant.held.len());
                tenant.held[at].verify();
            }
        }
    }
    for one in 0..3 {
        for other in 0..one {
            let shared = tenants[one].extents.intersection(&tenants[other].extents).next();
            assert_eq!(shared, None, "{one} and {other}");
        }
    }
    drop((regions, tenants));
    check().unwrap();
}

/// "All bookkeeping is kept beside the data, never in it: an overflow cannot corrupt the allocator."
/// Every byte of every block is overwritten, of slots in use, free, in magazines and never handed out.
#[test]
fn whatever_is_written_over_slots_the_allocator_goes_on() {
    #[alloc_family]
    enum Overrun {
        A,
    }
    let _alone = one_at_a_time();
    let mut random = Random::new(5);
    let sizes = [1, 8, 24, 100, 1000, 5000, 32_768];
    let mut live: Vec<(NonNull<u8>, usize)> = Vec::new();
    for round in 0..4_u8 {
        for turn in 0..4_000 {
            let size = sizes[turn % sizes.len()];
            live.push((alloc_in::<overrun::A>(size).unwrap(), size));
            if random.below(3) == 0 {
                let (slot, size) = live.swap_remove(random.below(live.len()));
                // SAFETY: live, of this size, and not used again.
                unsafe { free_in::<overrun::A>(slot, size) };
            }
        }
        let mut blocks = BTreeSet::new();
        for &(slot, _) in &live {
            let found = query(slot.as_ptr()).unwrap();
            if blocks.insert(found.block) {
                let distance = slot.addr().get() - found.block;
                let start = slot.as_ptr().wrapping_sub(distance);
                // SAFETY: a block of this test's family, which nobody else uses; all of it is memory.
                unsafe { start.write_bytes(0xFF - round, found.block_bytes) };
            }
        }
        check().unwrap();
        let used = usage::<overrun::A>();
        assert_eq!(used.live_objects, live.len());
        // What is handed out is nobody's yet.
        let distinct: BTreeSet<_> = live.iter().map(|(slot, _)| slot.addr().get()).collect();
        assert_eq!(distinct.len(), live.len());
    }
    for (slot, size) in live {
        // SAFETY: as above.
        unsafe { free_in::<overrun::A>(slot, size) };
    }
    assert_all_given_back::<Overrun>();
}

/// The system's pages, with a count of what is asked.
struct Counted {
    system: System,
    calls: AtomicUsize,
    populated: AtomicUsize,
    reserved: AtomicUsize,
    readings: AtomicU64,
}

impl Counted {
    fn count(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call is passed on.
unsafe impl PageSource for Counted {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.reserved.fetch_add(1, Ordering::SeqCst);
        self.system.reserve(size, align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.count();
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.count();
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) };
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        self.populated.fetch_add(1, Ordering::SeqCst);
        // SAFETY: passed on.
        unsafe { self.system.populate(start, size) };
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        self.count();
        // SAFETY: passed on.
        unsafe { self.system.discard(start, size) }
    }

    unsafe fn huge_pages(&self, start: NonNull<u8>, size: usize, wanted: bool) {
        self.count();
        // SAFETY: passed on.
        unsafe { self.system.huge_pages(start, size, wanted) };
    }

    fn milliseconds(&self) -> u64 {
        // Time flies, so that memory is soon due.
        self.readings.fetch_add(20, Ordering::SeqCst)
    }
}

/// "Calls to the system: at most 5 for a new extent and one for each 64 KiB of a new block that are
/// entered. And 3 to return a piece of memory, with a magazine that is given back, with an extent that
/// became empty, and where none is warm that is needed. And now and then 8 for what nobody has used for a
/// while, and 4 for free granules."
#[test]
fn no_allocation_or_free_of_a_slot_calls_the_system_often() {
    static PAGES: Counted = Counted {
        system: System::new(),
        calls: AtomicUsize::new(0),
        populated: AtomicUsize::new(0),
        reserved: AtomicUsize::new(0),
        readings: AtomicU64::new(1000),
    };
    #[alloc_family(source = PAGES)]
    enum Calls {
        A,
        B,
    }
    const MOST: usize = 5 + 3 * 3 + 8;

    fn counted<T>(what: &str, work: impl FnOnce() -> T) -> T {
        let of = || {
            [&PAGES.calls, &PAGES.populated, &PAGES.reserved]
                .map(|count| count.load(Ordering::SeqCst))
        };
        let before = of();
        let done = work();
        let after = of();
        let [calls, populated, reserved] = [0, 1, 2].map(|at| after[at] - before[at]);
        // A first use, and a step of the reservation, are none of these.
        assert!(calls <= MOST || reserved > 0, "{calls} calls for {what}");
        // A magazine reaches into a granule, and may begin in another; those of large slots are new
        // blocks.
        assert!(populated <= 4, "{populated} times populated for {what}");
        done
    }

    fn churn<F: Family>(live: &mut Vec<(NonNull<u8>, usize)>, random: &mut Random, grow: bool) {
        for _ in 0..20_000 {
            if live.is_empty() || (random.below(10) < 8) == grow {
                let size = if random.below(50) == 0 { 32_000 } else { 1 + random.below(3000) };
                let slot = counted("an allocation", || alloc_in::<F>(size).unwrap());
                live.push((slot, size));
            } else {
                let (slot, size) = live.swap_remove(random.below(live.len()));
                counted("a free", || {
                    // SAFETY: live, of this size, and not used again.
                    unsafe { free_in::<F>(slot, size) };
                });
            }
        }
    }

    let _alone = one_at_a_time();
    let mut random = Random::new(3);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..10 {
        churn::<calls::A>(&mut a, &mut random, round % 2 == 0);
        churn::<calls::B>(&mut b, &mut random, round % 2 == 1);
    }
    for (slot, size) in a {
        // SAFETY: live, of this size, and not used again.
        unsafe { free_in::<calls::A>(slot, size) };
    }
    for (slot, size) in b {
        // SAFETY: as above.
        unsafe { free_in::<calls::B>(slot, size) };
    }
    assert!(PAGES.calls.load(Ordering::SeqCst) > 50);
    assert_all_given_back::<Calls>();
}

/// "The features, all off but `std`": those of the manifest, no more and no fewer.
#[test]
fn the_readme_names_every_feature() {
    let root = env!("CARGO_MANIFEST_DIR");
    let [manifest, readme] = ["Cargo.toml", "README.md"]
        .map(|file| std::fs::read_to_string(format!("{root}/{file}")).unwrap());
    let section = manifest.split("\n[features]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.starts_with('#'));
    let declared: BTreeSet<&str> =
        lines.filter_map(|line| line.split_once(" =")).map(|(name, _)| name).collect();
    let named = readme.split("The features, all off but `std`:").nth(1).unwrap();
    let named = named.split("\n\n").next().unwrap();
    let named: BTreeSet<&str> = named.split('`').skip(1).step_by(2).collect();
    assert!(declared.contains("default") && section.contains("default = [\"std\"]\n"));
    let declared: BTreeSet<&str> = declared.into_iter().filter(|&name| name != "default").collect();
    assert_eq!(named, declared);
}

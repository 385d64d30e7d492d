//! The choices at run time, by what a page source is asked: how long empty memory is kept, and where huge
//! pages are asked for. That the environment has them too is tried with the C library.

use crate::common::recorder::{Asked, Recorder};
use crate::common::{Parcel, assert_all_given_back, one_at_a_time};
use famalloc::options::{self, HugePages};
use famalloc::{Family, Region, alloc_family, flush};

const EXTENT: usize = 2 << 20;

/// Puts the options back as they were.
struct Before {
    delay: u64,
    pages: HugePages,
}

impl Before {
    fn now() -> Self {
        Self { delay: options::purge_delay(), pages: options::huge_pages() }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        options::set_purge_delay(self.delay);
        options::set_huge_pages(self.pages);
    }
}

/// Takes and releases whole extents, which is a look at what is due.
fn come_by<F: Family>() {
    drop(Parcel::new::<F>(EXTENT, 1));
}

#[test]
fn empty_memory_is_kept_as_long_as_was_said() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Passing,
        Other,
    }
    let _alone = one_at_a_time();
    let _before = Before::now();
    options::set_purge_delay(2000);
    drop(Parcel::new::<lives::Passing>(4 * EXTENT, 1));
    PAGES.set_time(2999);
    come_by::<lives::Other>();
    assert_eq!(PAGES.ranges(Asked::Decommit), [], "too early");
    PAGES.set_time(3000);
    come_by::<lives::Other>();
    assert_eq!(PAGES.ranges(Asked::Decommit).len(), 1);
    flush();
    assert_all_given_back::<Lives>();
}

#[test]
fn empty_memory_may_stay_for_good() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Passing,
        Other,
    }
    let _alone = one_at_a_time();
    let _before = Before::now();
    options::set_purge_delay(options::NEVER);
    // A run so long that it would otherwise go at once.
    drop(Parcel::new::<lives::Passing>(40 * EXTENT, 1));
    PAGES.set_time(u64::MAX / 2);
    for _ in 0..10 {
        come_by::<lives::Other>();
    }
    assert_eq!(PAGES.ranges(Asked::Decommit), []);
    assert_eq!(flush(), 40 * EXTENT);
    assert_all_given_back::<Lives>();
}

#[test]
fn empty_memory_may_go_at_once() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Passing,
    }
    let _alone = one_at_a_time();
    let _before = Before::now();
    options::set_purge_delay(0);
    for _ in 0..3 {
        drop(Parcel::new::<lives::Passing>(4 * EXTENT, 1));
        assert_eq!(PAGES.bytes(Asked::Decommit), 4 * EXTENT);
    }
    assert_eq!(flush(), 0);
    assert_all_given_back::<Lives>();
}

/// How many bytes huge pages are asked for: for an object of a hundred bytes, for six extents, for three, and
/// for six of a region.
fn asked<F: Family>(source: &Recorder, pages: HugePages) -> [usize; 4] {
    options::set_huge_pages(pages);
    assert_eq!(options::huge_pages(), pages);
    let asked = || source.bytes(Asked::HugePages(true));
    asked();
    let small = Parcel::new::<F>(100, 1);
    let for_small = asked();
    let long = Parcel::new::<F>(6 * EXTENT, 1);
    let for_long = asked();
    let short = Parcel::new::<F>(3 * EXTENT, 1);
    let for_short = asked();
    let region = Region::<F>::new();
    region.alloc_slice_fill_copy(6 * EXTENT, 1_u8);
    let for_region = asked();
    drop(region);
    drop((small, long, short));
    assert_all_given_back::<F::Set>();
    [for_small, for_long, for_short, for_region]
}

#[test]
#[cfg_attr(windows, ignore = "its source knows neither huge pages nor what is resident")]
fn huge_pages_are_asked_for_where_they_are_wanted() {
    static NEVER: Recorder = Recorder::new();
    static AUTO: Recorder = Recorder::new();
    static ALWAYS: Recorder = Recorder::new();
    #[alloc_family(source = NEVER)]
    enum Never {
        All,
    }
    #[alloc_family(source = AUTO)]
    enum Auto {
        All,
    }
    #[alloc_family(source = ALWAYS)]
    enum Always {
        All,
    }
    let _alone = one_at_a_time();
    let _before = Before::now();
    assert_eq!(asked::<never::All>(&NEVER, HugePages::Never), [0; 4]);
    let long = 6 * EXTENT;
    // By what the family did before: it used all of such memory.
    options::set_huge_pages(HugePages::Auto);
    let used = Parcel::new::<auto::All>(6 * EXTENT, 1);
    // SAFETY: live, of this size.
    unsafe { used.start.write_bytes(1, 6 * EXTENT) };
    drop(used);
    flush();
    assert_eq!(asked::<auto::All>(&AUTO, HugePages::Auto), [0, long, 0, long]);
    assert_eq!(asked::<always::All>(&ALWAYS, HugePages::Always), [EXTENT, long, 3 * EXTENT, long]);
}

/// What a range can be.
#[test]
fn ranges_have_a_least_size_and_are_whole_extents() {
    let _alone = one_at_a_time();
    let before = (options::first_range(), options::largest_range());
    for (asked, given) in
        [(0, 4 << 20), ((1 << 30) + 1, (1 << 30) + EXTENT), (usize::MAX, usize::MAX - EXTENT + 1)]
    {
        options::set_first_range(asked);
        options::set_largest_range(asked);
        assert_eq!((options::first_range(), options::largest_range()), (given, given));
    }
    options::set_first_range(before.0);
    options::set_largest_range(before.1);
}

/// The documentation of the library in C has the same variables as that of the crate, and both all
/// calls.
#[test]
fn both_tables_have_every_variable() {
    let read = |path: &str| {
        std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let rows = |text: String| {
        let named =
            |row: &str| row.split('`').find(|it| it.starts_with("FAMALLOC_")).map(String::from);
        let rows = text.lines().map(|line| line.trim_start_matches("//! "));
        rows.filter(|row| row.starts_with('|')).filter_map(named).collect::<Vec<_>>()
    };
    let (of_crate, of_c) = (rows(read("src/options.rs")), rows(read("malloc/README.md")));
    let parser = read("src/options/environment.rs");
    assert!(of_crate.len() >= 6, "{of_crate:?}");
    for variable in &of_crate {
        assert!(of_c.contains(variable), "{variable} is not in the README of the C library");
        let name = variable.trim_start_matches("FAMALLOC_");
        assert!(parser.contains(&format!("\"{name}\" =>")), "{variable} is not looked for");
    }
}

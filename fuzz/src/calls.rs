//! The functions of C, as C would call them: `malloc` and its kin, families, scopes and regions, over a page
//! source that fails. They have no C names here: the sanitizer has a `malloc` of its own.

use std::alloc::Layout;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;

use famalloc::{FamilySet, alloc_family};
use famalloc_c::calls::{alloc, families, lifecycle, regions, report, scopes};
use famalloc_c::names::{self, Names};
use famalloc_c::types::{FAM_NONE, fam_region_mark_t, fam_region_t};
use famalloc_c::{Exports, standard, stats};

use crate::counting;
use crate::input::Input;
use crate::memory::{Live, Ranges, Road};
use crate::source::{CALLS, Scheduled};

static PAGES: Scheduled = Scheduled::new(1 << 40);

/// Two families with names, one of them with a limit, and two without.
#[alloc_family(source = PAGES)]
enum Lives {
    General,
    #[family(limit = "1 MiB")]
    Tight,
    F2,
    F3,
}

const FAMILIES: u32 = 4;
const UNNAMED: usize = 2;
const TIGHT: u32 = 1;
const MOST: usize = 4_000;
const MOST_BYTES: usize = 48 << 20;

/// What `export_malloc!` makes, without the C names.
enum C {}

impl Exports for C {
    type Set = Lives;

    fn names() -> &'static Names {
        const LEN: usize = names::len::<Lives>();
        static DECLARED: [u8; LEN] = names::text::<Lives, LEN>();
        static GIVEN: [AtomicPtr<c_char>; Lives::FAMILIES.len() - UNNAMED] =
            [const { AtomicPtr::new(ptr::null_mut()) }; Lives::FAMILIES.len() - UNNAMED];
        static NAMES: Names = Names::new(&DECLARED, &GIVEN, UNNAMED);
        &NAMES
    }
}

struct Region {
    at: *mut fam_region_t,
    family: u32,
    live: Vec<Live>,
    /// A mark, and how many objects there were.
    marks: Vec<(fam_region_mark_t, usize)>,
}

struct Program {
    input: Input,
    live: Vec<Live>,
    ranges: Ranges,
    regions: Vec<Region>,
    scopes: Vec<u32>,
    /// The general family's objects beside those in `live`: its regions, and names that it keeps.
    names: usize,
    pattern: u8,
    operations: u64,
}

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn clear_errno() {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() = 0 };
}

/// What C promises of a size.
fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, if size <= 8 { 8 } else { 16 }).expect("small")
}

fn void(live: &Live) -> *mut c_void {
    live.start.as_ptr().cast()
}

impl Program {
    fn room(&self) -> usize {
        if self.live.len() > MOST { 0 } else { MOST_BYTES.saturating_sub(self.ranges.bytes) }
    }

    fn enter(&mut self, start: *mut c_void, layout: Layout, family: u32) -> Option<Live> {
        let start = NonNull::new(start.cast())?;
        self.pattern = self.pattern.wrapping_add(2) | 1;
        let family = family as usize;
        let live = Live { start, layout, pattern: self.pattern, family, road: Road::Untyped };
        self.ranges.enter(&live);
        Some(live)
    }

    /// Memory came out of a call, or a refusal that something explains.
    fn came(
        &mut self,
        start: *mut c_void,
        layout: Layout,
        family: u32,
        zeroed: bool,
        refused: u64,
    ) {
        match self.enter(start, layout, family) {
            Some(live) => {
                if zeroed {
                    live.assert_zero_from(0);
                }
                live.fill();
                self.live.push(live);
            }
            None => {
                assert!(family == TIGHT || PAGES.refused() > refused, "null for {layout:?}");
                assert_eq!(errno(), libc::ENOMEM);
            }
        }
    }

    fn allocate(&mut self) {
        let (how, room) = (self.input.byte(), self.room().min(9 << 20));
        let (size, family) = (self.input.size(room), u32::from(self.input.byte()) % FAMILIES);
        let refused = PAGES.refused();
        let align = 1_usize << self.input.below(18);
        let aligned = |size: usize| {
            let least = layout(size).align();
            Layout::from_size_align(size, align.max(least)).expect("small")
        };
        let scope = scopes::current::<C>();
        clear_errno();
        let (start, layout, family, zeroed) = match how % 12 {
            0 | 1 => (standard::malloc::<C>(size), layout(size), scope, false),
            2 => {
                let count = 1 + size % 7;
                (
                    standard::calloc::<C>(count, size / count),
                    layout(size / count * count),
                    scope,
                    true,
                )
            }
            3 => (standard::aligned_alloc::<C>(align, size), aligned(size), scope, false),
            4 => (standard::memalign::<C>(align, size), aligned(size), scope, false),
            5 => {
                let mut out = ptr::null_mut();
                // SAFETY: it is written to.
                let error =
                    unsafe { standard::posix_memalign::<C>(&raw mut out, align.max(8), size) };
                assert_eq!(error == 0, !out.is_null());
                clear_errno_to(error);
                (out, aligned(size), scope, false)
            }
            6 => (standard::pvalloc::<C>(size), layout(size), scope, false),
            7 | 8 => (alloc::malloc::<C>(family, size), layout(size), family, false),
            9 => (alloc::calloc::<C>(family, 1, size), layout(size), family, true),
            10 => (alloc::aligned_alloc::<C>(family, align, size), aligned(size), family, false),
            // SAFETY: null, so `malloc`.
            _ => (
                unsafe { standard::realloc::<C>(ptr::null_mut(), size) },
                layout(size),
                scope,
                false,
            ),
        };
        self.came(start, layout, family, zeroed, refused);
    }

    /// Sizes that no memory has, and what is no alignment or family.
    fn refused(&mut self) {
        let large = usize::MAX >> self.input.below(2);
        clear_errno();
        let start = match self.input.byte() % 6 {
            0 => standard::malloc::<C>(large),
            1 => standard::calloc::<C>(large / 3, 5),
            2 => standard::aligned_alloc::<C>(24, 24),
            3 => alloc::malloc::<C>(FAMILIES + self.input.short() as u32, 8),
            4 => standard::memalign::<C>(usize::MAX, 8),
            _ => standard::pvalloc::<C>(usize::MAX - 5),
        };
        assert!(start.is_null() && matches!(errno(), libc::ENOMEM | libc::EINVAL));
    }

    fn take(&mut self) -> Option<Live> {
        let at = self.input.short() % self.live.len().max(1);
        let live = (at < self.live.len()).then(|| self.live.swap_remove(at))?;
        live.verify();
        self.ranges.leave(&live);
        Some(live)
    }

    fn free(&mut self) {
        let Some(live) = self.take() else { return };
        let (start, size) = (void(&live), live.layout.size());
        // SAFETY: live, and not used again.
        unsafe {
            match self.input.byte() % 4 {
                0 => standard::free_sized::<C>(start, size),
                1 => standard::free_aligned_sized::<C>(start, live.layout.align(), size),
                _ => standard::free::<C>(start),
            }
        }
    }

    fn resize(&mut self) {
        let Some(mut live) = self.take() else { return };
        let (old, room) = (live.layout.size(), self.room().min(9 << 20));
        let (how, mut size) = (self.input.byte(), self.input.size(room));
        if how % 2 == 0 {
            size = (old / 2 + self.input.below(256) * (1 + old / 128)).min(room);
        }
        let (start, refused) = (void(&live), PAGES.refused());
        clear_errno();
        // SAFETY: live, of that size.
        let moved = unsafe {
            match how / 2 % 6 {
                0 => alloc::realloc_discard::<C>(start, size),
                1 => alloc::realloc_zeroed::<C>(start, old, size),
                2 => standard::reallocarray::<C>(start, size / 3, 3),
                3 => alloc::try_resize::<C>(start, size),
                _ => standard::realloc::<C>(start, size),
            }
        };
        let mut new = size;
        match how / 2 % 6 {
            2 => new = size / 3 * 3,
            3 if moved.is_null() => {
                assert_eq!(errno(), 0, "it leaves it alone");
                return self.back(live);
            }
            3 => assert_eq!(moved, start),
            _ => {}
        }
        let resized = how / 2 % 6 == 3;
        if new == 0 && !resized {
            return assert!(moved.is_null(), "of 0 bytes: freed");
        }
        let Some(moved) = NonNull::new(moved.cast()) else {
            let may_be = live.family == TIGHT as usize || PAGES.refused() > refused;
            assert!(may_be && errno() == libc::ENOMEM, "{live:?} to {new}");
            return self.back(live);
        };
        // Where it stays, it may be aligned better than it was asked for.
        if how / 2 % 6 == 0 {
            (live.start, live.layout) = (moved, layout(new));
        } else if resized {
            // Only its start is promised to be aligned as before.
            live.moved(moved, Layout::from_size_align(new, live.layout.align()).expect("small"));
        } else {
            live.moved(moved, layout(new));
        }
        if how / 2 % 6 == 1 {
            live.assert_zero_from(old);
        }
        live.fill();
        self.back(live);
    }

    fn back(&mut self, live: Live) {
        self.ranges.enter(&live);
        self.live.push(live);
    }

    fn region(&mut self) {
        if self.regions.is_empty() || (self.regions.len() < 5 && self.input.byte() < 8) {
            let (family, refused) = (u32::from(self.input.byte()) % FAMILIES, PAGES.refused());
            let at = regions::new::<C>(family);
            assert!(!at.is_null() || PAGES.refused() > refused);
            if !at.is_null() {
                self.regions.push(Region { at, family, live: Vec::new(), marks: Vec::new() });
            }
            return;
        }
        let at = self.input.below(self.regions.len());
        let mut region = self.regions.swap_remove(at);
        let handle = region.at;
        let (how, size) = (self.input.byte(), self.input.size(self.room().min(1 << 20)));
        let refused = PAGES.refused();
        // SAFETY: a region, and objects of it that the model knows to be live.
        unsafe {
            match how % 16 {
                0..6 => {
                    let align = 16 << (how / 16 % 8);
                    let (start, zeroed) = match how % 6 {
                        0..3 => (regions::alloc::<C>(handle, size), false),
                        3 => (regions::calloc::<C>(handle, 1, size), true),
                        _ => (regions::aligned_alloc::<C>(handle, align, size), false),
                    };
                    let aligned = how % 6 > 3;
                    let wanted = if aligned {
                        Layout::from_size_align(size, align).expect("small")
                    } else {
                        layout(size)
                    };
                    match self.enter(start, wanted, region.family) {
                        Some(live) => {
                            if zeroed {
                                live.assert_zero_from(0);
                            }
                            live.fill();
                            region.live.push(live);
                        }
                        None => assert!(region.family == TIGHT || PAGES.refused() > refused),
                    }
                }
                6 | 7 if region.live.len() > region.marks.last().map_or(0, |&(_, len)| len) => {
                    let live = region.live.pop().expect("there is one");
                    live.verify();
                    self.ranges.leave(&live);
                    regions::free::<C>(handle, void(&live), live.layout.size());
                }
                8 if region.live.len() > region.marks.last().map_or(0, |&(_, len)| len) => {
                    let mut live = region.live.pop().expect("there is one");
                    live.verify();
                    self.ranges.leave(&live);
                    let old = live.layout.size();
                    let moved = regions::realloc::<C>(handle, void(&live), old, size);
                    match NonNull::new(moved.cast()) {
                        Some(moved) => {
                            live.moved(moved, layout(size));
                            live.fill();
                        }
                        None => assert!(region.family == TIGHT || PAGES.refused() > refused),
                    }
                    self.ranges.enter(&live);
                    region.live.push(live);
                }
                9 if region.marks.len() < 6 => {
                    region.marks.push((regions::mark::<C>(handle), region.live.len()));
                }
                10 => {
                    if let Some((mark, len)) = region.marks.pop() {
                        regions::rewind::<C>(handle, mark);
                        region.live.drain(len..).for_each(|live| self.ranges.leave(&live));
                    }
                }
                11 => {
                    regions::reset::<C>(handle);
                    region.marks.clear();
                    region.live.drain(..).for_each(|live| self.ranges.leave(&live));
                }
                12 => drop(regions::shrink::<C>(handle)),
                13 => {
                    for live in &region.live {
                        assert!(regions::owns::<C>(handle, void(live).cast_const()));
                        live.verify();
                    }
                    assert!(!regions::owns::<C>(handle, (&raw const region).cast()));
                    assert_eq!(regions::family_of::<C>(handle), region.family);
                }
                14 if how > 200 => return self.delete(region),
                _ => {
                    let mut out = MaybeUninit::uninit();
                    regions::stats::<C>(handle, out.as_mut_ptr());
                    let used = out.assume_init();
                    let least: usize = region.live.iter().map(|live| live.layout.size()).sum();
                    assert!(used.live_bytes >= least);
                    assert!(used.committed_bytes >= used.live_bytes + used.free_bytes);
                    assert_eq!(used.committed_bytes, regions::bytes::<C>(handle));
                }
            }
        }
        self.regions.push(region);
    }

    fn delete(&mut self, region: Region) {
        region.live.iter().for_each(|live| {
            live.verify();
            self.ranges.leave(live);
        });
        // SAFETY: a region, which is not used again.
        unsafe { regions::delete::<C>(region.at) };
    }

    fn look(&mut self) {
        match self.input.byte() % 6 {
            0 => {
                for family in 0..FAMILIES {
                    self.compare(family);
                }
            }
            1 => {
                let mut text = [1; 100];
                // SAFETY: so much room.
                let whole = unsafe { report::check::<C>(text.as_mut_ptr().cast(), text.len()) };
                assert_eq!((whole, text[0]), (0, 0));
            }
            2 => {
                let Some(live) = self.take() else { return };
                let (mut out, probe) = (MaybeUninit::uninit(), self.input.size(live.layout.size()));
                let inside = void(&live).wrapping_byte_add(probe.saturating_sub(1));
                // SAFETY: it is written to, if it is true.
                let found = unsafe {
                    let found = report::query::<C>(inside, out.as_mut_ptr());
                    assert!(found, "{live:?}");
                    out.assume_init()
                };
                assert_eq!((found.family as usize, found.start), (live.family, void(&live)));
                // SAFETY: live.
                let usable = unsafe { standard::malloc_usable_size::<C>(void(&live)) };
                assert!(usable == found.size && usable >= live.layout.size());
                self.back(live);
            }
            3 => {
                unsafe extern "C-unwind" fn count(_: *mut c_void, _: usize, context: *mut c_void) {
                    // SAFETY: it is a count.
                    unsafe { *context.cast::<usize>() += 1 };
                }
                let (family, mut seen) = (u32::from(self.input.byte()) % FAMILIES, 0_usize);
                // SAFETY: the visitor counts.
                let walked =
                    unsafe { report::walk::<C>(family, Some(count), (&raw mut seen).cast()) };
                assert_eq!((walked, seen), (0, self.objects(family)));
            }
            4 => {
                let all = [c"General", c"Tight", c"parser", c"cache", c"another"];
                let at = self.input.below(all.len());
                let before = self.objects(0);
                // SAFETY: a string.
                let family = unsafe { families::find::<C>(all[at].as_ptr()) };
                assert!(family < FAMILIES || family == FAM_NONE);
                let mut out = MaybeUninit::uninit();
                // SAFETY: it is written to.
                let now = unsafe {
                    assert_eq!(report::stats::<C>(0, out.as_mut_ptr()), 0);
                    out.assume_init().live_objects
                };
                // The first who asks for a name leaves a copy of it.
                self.names += now - before;
            }
            _ => {
                let info = stats::mallinfo2::<C>();
                let least = self.live.iter().map(|live| live.layout.size()).sum();
                assert!(info.uordblks + info.hblkhd >= least);
            }
        }
    }

    /// How many objects a family has.
    fn objects(&self, family: u32) -> usize {
        let live = self.live.iter().filter(|live| live.family == family as usize).count();
        live + if family == 0 { self.regions.len() + self.names } else { 0 }
    }

    fn compare(&self, family: u32) {
        let mut out = MaybeUninit::uninit();
        // SAFETY: it is written to.
        let used = unsafe {
            assert_eq!(report::stats::<C>(family, out.as_mut_ptr()), 0);
            out.assume_init()
        };
        assert_eq!(used.live_objects, self.objects(family), "family {family}");
        assert!(used.committed_bytes <= used.limit_bytes);
    }

    fn run(&mut self) {
        while !self.input.is_over() {
            self.operations += 1;
            match self.input.byte() {
                0..80 => self.allocate(),
                80..130 => self.free(),
                130..160 => self.resize(),
                160..164 => self.refused(),
                164..200 => self.region(),
                200..208 => self.look(),
                208..213 => {
                    let before = scopes::enter::<C>(u32::from(self.input.byte()) % (FAMILIES + 1));
                    if before != FAM_NONE {
                        self.scopes.push(before);
                    }
                }
                213..218 => {
                    if let Some(before) = self.scopes.pop() {
                        scopes::leave::<C>(before);
                    }
                }
                218 => drop(standard::malloc_trim::<C>(0)),
                219 => drop(lifecycle::reclaim::<C>(self.input.short() << 10)),
                220 => lifecycle::thread_collect::<C>(),
                221 => {
                    lifecycle::thread_finalize::<C>();
                    self.scopes.clear();
                }
                222 => {
                    let family = u32::from(self.input.byte()) % FAMILIES;
                    // SAFETY: the model forgets what was in it.
                    let freed = unsafe { report::free_all::<C>(family) };
                    if family == 0 {
                        assert_eq!(freed, libc::EINVAL);
                    } else {
                        assert_eq!(freed, 0);
                        let all = std::mem::take(&mut self.live).into_iter();
                        let (gone, stay): (Vec<_>, _) =
                            all.partition(|live| live.family == family as usize);
                        self.live = stay;
                        gone.iter().for_each(|live| self.ranges.leave(live));
                    }
                }
                223..236 => {
                    let (call, after) = (self.input.below(CALLS), self.input.below(8));
                    PAGES.fail(call, after, 1 + self.input.below(6));
                }
                236..240 => PAGES.pass_time(200),
                _ => PAGES.recover(),
            }
        }
    }
}

/// As a function that returns an error number would have set it.
fn clear_errno_to(error: c_int) {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() = error };
}

/// Does what an input says.
pub fn run(bytes: &[u8]) {
    let mut out = MaybeUninit::uninit();
    // SAFETY: it is written to.
    let names = unsafe {
        assert_eq!(report::stats::<C>(0, out.as_mut_ptr()), 0);
        out.assume_init().live_objects
    };
    let mut program = Program {
        input: Input::new(bytes),
        live: Vec::new(),
        ranges: Ranges::default(),
        regions: Vec::new(),
        scopes: Vec::new(),
        names,
        pattern: 0,
        operations: 0,
    };
    program.run();
    PAGES.recover();
    while let Some(before) = program.scopes.pop() {
        scopes::leave::<C>(before);
    }
    while let Some(region) = program.regions.pop() {
        program.delete(region);
    }
    while let Some(live) = program.live.pop() {
        live.verify();
        // SAFETY: live, and not used again.
        unsafe { standard::free::<C>(void(&live)) };
    }
    for family in 0..FAMILIES {
        program.compare(family);
    }
    lifecycle::flush::<C>();
    famalloc::check().expect("all is whole");
    counting::add(program.operations);
}

//! Random allocations, growths and shrinkages through the allocator traits.
//!
//! All that is reported is filled with a pattern, which has to be there whenever it is looked at: so
//! no two pieces overlap, nothing is lost when memory moves, and what is reported can be used. Memory
//! is given back with any size that fits, which in builds with debug assertions is checked against
//! the slot.

use core::alloc::Layout;
use core::ptr::NonNull;

use famalloc::region::Tracked;
use famalloc::{In, Region, Snapshot, alloc_family, check};

use crate::common::{Random, all_are, times, usage};

#[alloc_family]
enum Lives {
    Two,
    Four,
    #[family(zero_on_free)]
    Secret,
    #[family(limit = "1 MiB")]
    Limited,
    Chunks,
}

fn any_layout(random: &mut Random) -> Layout {
    if cfg!(miri) {
        let align = [1, 1, 8, 4096][random.below(4)];
        return Layout::from_size_align(random.size() - 7, align).unwrap();
    }
    let bits = match random.below(100) {
        0..80 => random.below(12),
        80..97 => random.below(17),
        _ => random.below(20),
    };
    let align = match random.below(100) {
        0..70 => 1 << random.below(5),
        70..98 => 1 << random.below(13),
        _ => 1 << random.below(17),
    };
    Layout::from_size_align(random.below(2 << bits), align).unwrap()
}

/// A layout that is no smaller, often of another alignment.
fn larger(random: &mut Random, old: Layout) -> Layout {
    let new = any_layout(random);
    let size = match random.below(3) {
        0 => old.size() + random.below(16),
        1 => old.size() * 2,
        _ => old.size() + new.size(),
    };
    let align = if random.below(2) == 0 { old.align() } else { new.align() };
    Layout::from_size_align(size, align).unwrap()
}

fn smaller(random: &mut Random, old: Layout) -> Layout {
    let align = if random.below(2) == 0 { old.align() } else { any_layout(random).align() };
    Layout::from_size_align(random.below(old.size() + 1), align).unwrap()
}

/// A piece of memory as the oracle knows it.
struct Piece {
    memory: NonNull<[u8]>,
    layout: Layout,
    pattern: u8,
}

impl Piece {
    fn new(memory: NonNull<[u8]>, layout: Layout, pattern: u8) -> Self {
        assert!(memory.len() >= layout.size(), "{layout:?} got {} bytes", memory.len());
        assert_eq!(memory.cast::<u8>().addr().get() % layout.align(), 0, "{layout:?}");
        Self { memory, layout, pattern }
    }

    fn filled(self) -> Self {
        // SAFETY: all that is reported may be written.
        unsafe { self.start().write_bytes(self.pattern, self.memory.len()) };
        self
    }

    fn start(&self) -> NonNull<u8> {
        self.memory.cast()
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: written by `filled`, or zeroed.
        unsafe { self.memory.as_ref() }
    }

    /// # Safety
    ///
    /// So many bytes were written.
    unsafe fn first(&self, len: usize) -> &[u8] {
        // SAFETY: passed on.
        unsafe { core::slice::from_raw_parts(self.start().as_ptr(), len) }
    }

    /// A layout with which it may be given back.
    fn fitting(&self, random: &mut Random) -> Layout {
        let size = self.layout.size() + random.below(self.memory.len() - self.layout.size() + 1);
        Layout::from_size_align(size, self.layout.align()).unwrap()
    }
}

/// The same test for the same trait of another name.
macro_rules! oracle {
    ($name:ident, $api:ident) => {
        fn $name(family: impl $api::alloc::Allocator) {
            let mut random = Random::new(7);
            let mut pieces = Vec::<Piece>::new();
            for step in 0..times(10_000, 25) as u32 {
                let pattern = step as u8 | 1;
                let grow = pieces.len() < 100 + random.below(100);
                match random.below(8) {
                    0..3 if grow => {
                        let layout = any_layout(&mut random);
                        let memory = family.allocate(layout).unwrap();
                        pieces.push(Piece::new(memory, layout, pattern).filled());
                        continue;
                    }
                    3 if grow => {
                        let layout = any_layout(&mut random);
                        let memory = family.allocate_zeroed(layout).unwrap();
                        let piece = Piece::new(memory, layout, pattern);
                        assert!(all_are(piece.bytes(), 0), "{layout:?}");
                        pieces.push(piece.filled());
                        continue;
                    }
                    _ if pieces.is_empty() => continue,
                    _ => {}
                }
                let at = random.below(pieces.len());
                let piece = pieces.swap_remove(at);
                let intact = |bytes: &[u8]| all_are(bytes, piece.pattern);
                assert!(intact(piece.bytes()), "{:?} was overwritten", piece.layout);
                let old = piece.fitting(&mut random);
                match random.below(4) {
                    0 => {
                        let new = larger(&mut random, old);
                        // SAFETY: the oracle forgets the piece, whose memory fits `old`.
                        let memory = unsafe { family.grow(piece.start(), old, new) }.unwrap();
                        let grown = Piece::new(memory, new, pattern);
                        // SAFETY: the old size was written.
                        let kept = unsafe { grown.first(old.size()) };
                        assert!(intact(kept), "{old:?} -> {new:?} lost contents");
                        pieces.push(grown.filled());
                    }
                    1 => {
                        let new = larger(&mut random, old);
                        // SAFETY: as above.
                        let memory = unsafe { family.grow_zeroed(piece.start(), old, new) };
                        let memory = memory.unwrap();
                        let grown = Piece::new(memory, new, pattern);
                        let (kept, zero) = grown.bytes().split_at(old.size());
                        assert!(intact(kept), "{old:?} -> {new:?} lost contents");
                        // What was the old piece's beyond the size that was named may be either.
                        let was = piece.memory.len().saturating_sub(old.size()).min(zero.len());
                        assert!(zero[..was].chunks(64).all(|part| {
                            let either = |&byte: &u8| byte == 0 || byte == piece.pattern;
                            // All of one sort, which an interpreter sees in a step, or some of both.
                            all_are(part, 0) || intact(part) || part.iter().all(either)
                        }));
                        assert!(all_are(&zero[was..], 0), "{old:?} -> {new:?}");
                        pieces.push(grown.filled());
                    }
                    2 => {
                        let new = smaller(&mut random, old);
                        // SAFETY: as above.
                        let memory = unsafe { family.shrink(piece.start(), old, new) }.unwrap();
                        let shrunk = Piece::new(memory, new, pattern);
                        // SAFETY: the new size was written.
                        let kept = unsafe { shrunk.first(new.size()) };
                        assert!(intact(kept), "{old:?} -> {new:?} lost contents");
                        pieces.push(shrunk.filled());
                    }
                    // SAFETY: as above.
                    _ => unsafe { family.deallocate(piece.start(), old) },
                }
                if step % 2503 == 0 {
                    check().unwrap();
                }
            }
            for piece in pieces {
                let layout = piece.fitting(&mut random);
                // SAFETY: as above.
                unsafe { family.deallocate(piece.start(), layout) };
            }
            check().unwrap();
        }
    };
}

oracle!(run_version_0_2, allocator_api2_02);
oracle!(run_version_0_4, allocator_api2_04);

#[test]
fn random_sequences_in_families() {
    run_version_0_2(In::<lives::Two>::new());
    run_version_0_4(In::<lives::Four>::new());
    run_version_0_4(In::<lives::Secret>::new());
    for family in Snapshot::of::<Lives>().families {
        if family.name != "Limited" && family.name != "Chunks" {
            assert_eq!((family.live_objects, family.live_bytes), (0, 0), "in {}", family.name);
        }
    }
}

#[test]
fn random_sequences_in_regions() {
    let region = Region::<lives::Chunks>::new();
    run_version_0_2(&region);
    run_version_0_4(&region);
    drop(region);
    let region = Region::<lives::Chunks, Tracked>::new();
    run_version_0_4(&region);
    assert_eq!(region.objects(), 0);
    drop(region);
    assert_eq!(usage::<lives::Chunks>().live_objects, 0);
}

#[test]
fn collections_of_other_crates_in_a_region() {
    let region = Region::<lives::Chunks, Tracked>::new();
    let mut names = hashbrown::HashMap::new_in(&region);
    let mut numbers = allocator_api2_04::vec::Vec::new_in(&region);
    for number in 0..times(10_000, 60) as u32 {
        names.insert(number, !number);
        numbers.push(number);
    }
    assert!(numbers.iter().all(|number| names[number] == !number));
    assert!(region.usage().live_bytes >= times(10_000, 60) * 13);
    assert_eq!(region.objects(), 2);
    drop((names, numbers));
    assert_eq!(region.objects(), 0);
}

#[test]
fn a_reported_slot_is_all_of_it() {
    use allocator_api2_04::alloc::Allocator;

    let family = In::<lives::Limited>::new();
    let layout = Layout::from_size_align(65, 1).unwrap();
    let memory = family.allocate(layout).unwrap();
    assert_eq!(memory.len(), 72);
    // SAFETY: allocated with this layout.
    unsafe { family.deallocate(memory.cast(), layout) };
    let memory = family.allocate_zeroed(layout).unwrap();
    assert_eq!(memory.len(), 65);
    // SAFETY: allocated with this layout.
    unsafe { family.deallocate(memory.cast(), layout) };
}

#[test]
fn what_does_not_fit_is_an_error_and_the_old_memory_stays() {
    use allocator_api2_02::alloc::Allocator as Two;
    use allocator_api2_04::alloc::Allocator as Four;

    let family = In::<lives::Limited>::new();
    let old = Layout::array::<u8>(100).unwrap();
    let new = Layout::array::<u8>(64 << 20).unwrap();
    assert!(Two::allocate(&family, new).is_err());
    assert!(Four::allocate_zeroed(&family, new).is_err());
    let piece = Piece::new(Two::allocate(&family, old).unwrap(), old, 7).filled();
    // SAFETY: it fails, so that the memory is still ours.
    assert!(unsafe { Two::grow(&family, piece.start(), old, new) }.is_err());
    // SAFETY: as above.
    assert!(unsafe { Four::grow_zeroed(&family, piece.start(), old, new) }.is_err());
    assert!(piece.bytes().iter().all(|&byte| byte == 7));
    // SAFETY: of either trait, the memory is the same family's.
    unsafe { Four::deallocate(&family, piece.start(), old) };
}

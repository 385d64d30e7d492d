//! Programs that know their lifetimes: the reason for families.
//!
//! Each is a small file that does what an interpreter, a game or a server does with its heap: what
//! dies soon, what dies at the end of a phase and what stays are allocated side by side. An
//! allocator that puts them side by side in memory too keeps a page for every survivor. So after
//! each phase the allocator is asked to give back what is unused, and what is resident is compared
//! with what is alive.
//!
//! A program is the same for every allocator: the same sizes and lifetimes in the same order, every
//! byte written. Its own lists are made and written before anything is weighed.

mod game;
mod interpreter;
mod server;

#[cfg(test)]
mod counting;

use core::alloc::Layout;
use core::fmt;
use core::hint::black_box;
use core::ptr::NonNull;

use super::resident;
use crate::allocator::{Heap, Life};
use crate::order::Random;

/// All programs.
pub static PROGRAMS: [&Program; 4] =
    [&interpreter::PROGRAM, &game::PROGRAM, &server::PROGRAM, &server::TRIMMING];

/// What may be resident after a phase for each live byte, ...
const ALLOWED_RATIO: f64 = 1.10;
/// ... and besides.
const ALLOWED_BYTES: f64 = (1 << 20) as f64;

/// A program with lifetimes and phases.
pub struct Program {
    /// What it is.
    pub name: &'static str,
    /// What a phase of it is.
    pub phase: &'static str,
    /// How many phases it has.
    pub phases: usize,
    /// Runs one part in so many of it.
    run: fn(&dyn Heap, usize) -> Vec<Phase>,
}

impl Program {
    /// The program of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROGRAMS.into_iter().find(|program| program.name == name)
    }

    /// Runs it in its full size, or one part in `divisor` of that, and tells how it was after each
    /// phase.
    ///
    /// What stays for good is never freed: it is the last thing that this process does with the
    /// heap.
    #[must_use]
    pub fn run(&self, heap: &dyn Heap, divisor: usize) -> Vec<Phase> {
        (self.run)(heap, divisor)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How it is after a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The bytes requested for what is alive.
    pub live: usize,
    /// Resident bytes above those before the program's first allocation, once the allocator has
    /// been asked to give back what is unused.
    pub resident: usize,
}

impl Phase {
    /// Resident bytes for each live byte.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.resident as f64 / self.live as f64
    }

    /// The ratio that the target allows.
    #[must_use]
    pub fn allowed(self) -> f64 {
        ALLOWED_RATIO + ALLOWED_BYTES / self.live as f64
    }

    /// Whether the target is met.
    #[must_use]
    pub fn is_met(self) -> bool {
        self.ratio() <= self.allowed()
    }
}

/// A heap on which a program runs, and what is weighed of it.
struct Weighed<'heap> {
    heap: &'heap dyn Heap,
    baseline: usize,
    live: usize,
    phases: Vec<Phase>,
}

impl<'heap> Weighed<'heap> {
    /// Before the program's first allocation, when its lists have been made.
    fn new(heap: &'heap dyn Heap, phases: usize) -> Self {
        let phases = Vec::with_capacity(phases);
        Self { heap, baseline: resident(), live: 0, phases }
    }

    /// An object whose bytes have all been written.
    fn alloc(&mut self, life: Life, size: usize) -> Object {
        let object = Object { start: NonNull::dangling(), size: size as u32, life };
        let start = self.heap.alloc(life, object.layout());
        // SAFETY: allocated just now with this size.
        unsafe { start.write_bytes(0xa5, size) };
        self.live += size;
        Object { start, ..object }
    }

    /// Frees an object of this heap; each is freed once.
    fn free(&mut self, object: Object) {
        self.live -= object.size as usize;
        // SAFETY: from `alloc`, with this lifetime and layout; the programs free an object once.
        unsafe { self.heap.free(object.life, object.start, object.layout()) };
    }

    fn free_all(&mut self, shelf: &mut Shelf) {
        for object in shelf.0.drain(..) {
            self.free(object);
        }
    }

    /// When everything has died that dies with the phase.
    fn end_phase(&mut self) {
        self.heap.give_back();
        let resident = resident().saturating_sub(self.baseline);
        self.phases.push(Phase { live: self.live, resident });
    }
}

/// A live object.
#[derive(Clone, Copy, Debug)]
struct Object {
    start: NonNull<u8>,
    size: u32,
    life: Life,
}

impl Object {
    /// What fills a list that no object is in yet.
    const NONE: Self = Self { start: NonNull::dangling(), size: 0, life: Life::A };

    fn layout(self) -> Layout {
        Layout::from_size_align(self.size as usize, 8).expect("a program's sizes are small")
    }
}

/// A list of objects that has been written before anything is weighed.
struct Shelf(Vec<Object>);

impl Shelf {
    /// With room for so many.
    fn with_room_for(count: usize) -> Self {
        let mut objects = black_box(vec![Object::NONE; count]);
        objects.clear();
        Self(objects)
    }

    fn is_full(&self) -> bool {
        self.0.len() == self.0.capacity()
    }

    fn put(&mut self, object: Object) {
        assert!(!self.is_full(), "a list that grew would be weighed too");
        self.0.push(object);
    }
}

impl Random {
    /// A size of whole words from `least` to `most` bytes, each as likely as any other.
    fn size(&mut self, least: u32, most: u32) -> usize {
        let (least, most) = (least / 8, most / 8);
        8 * (least + self.below(most - least + 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::counting::Counting;
    use super::*;

    /// One part in so many is enough to see what a program does.
    const DIVISOR: usize = 500;

    #[test]
    fn the_target_allows_a_tenth_and_a_mebibyte() {
        let phase = |live, resident| Phase { live, resident };
        assert!(phase(10_000_000, 11_000_000 + (1 << 20)).is_met());
        assert!(!phase(10_000_000, 11_000_010 + (1 << 20)).is_met());
        assert_eq!(phase(4, 10).ratio(), 2.5);
    }

    #[test]
    fn programs_say_how_much_lives() {
        for program in PROGRAMS {
            let heap = Counting::default();
            let phases = program.run(&heap, DIVISOR);
            let counted: Vec<_> = heap.at_rests().iter().map(|counts| counts.bytes).collect();
            let told: Vec<_> = phases.iter().map(|phase| phase.live).collect();
            assert_eq!(counted, told, "{}", program.name);
            assert_eq!(told.len(), program.phases, "{}", program.name);
            assert!(told.iter().all(|&live| live > 0), "{}: {told:?}", program.name);
        }
    }

    #[test]
    fn programs_ask_every_heap_for_the_same() {
        for program in PROGRAMS {
            let asked = [(); 2].map(|()| {
                let heap = Counting::default();
                let _ = program.run(&heap, DIVISOR);
                heap.requests()
            });
            assert_eq!(asked[0], asked[1], "{}", program.name);
        }
    }

    #[test]
    fn programs_are_found_by_name() {
        for program in PROGRAMS {
            assert!(core::ptr::eq(Program::named(program.name).unwrap(), program));
        }
        assert!(Program::named("nothing").is_none());
    }

    #[test]
    fn sizes_are_whole_words_within_their_bounds() {
        let mut random = Random::new(1);
        let mut sizes: Vec<_> = (0..1000).map(|_| random.size(16, 48)).collect();
        sizes.sort_unstable();
        sizes.dedup();
        assert_eq!(sizes, [16, 24, 32, 40, 48]);
    }

    #[test]
    #[should_panic(expected = "a list that grew")]
    fn a_shelf_does_not_grow() {
        let mut shelf = Shelf::with_room_for(1);
        shelf.put(Object::NONE);
        shelf.put(Object::NONE);
    }
}

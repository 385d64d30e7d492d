//! The model of a run, and the operations that change memory.

use std::alloc::Layout;
use std::ptr::NonNull;

use famalloc::raw::ReallocError;
use famalloc::{AllocError, AllocErrorKind, lifecycle};

use super::faces::{AMPLE, FAMILIES, Face, SCARCE, Set};
use crate::input::Input;
use crate::memory::{Live, Ranges, Road};
use crate::source::{CALLS, Scheduled};

/// The most objects that are live at once, and the most bytes.
const MOST_OBJECTS: usize = 6_000;
const MOST_BYTES: usize = 48 << 20;
/// The largest object.
const LARGEST: usize = 9 << 20;

/// Why a thread stops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Another thread goes on.
    Switch(usize),
    /// A thread ends, and the first goes on.
    End(usize),
    /// All work at once: a seed, and how much.
    Crowd(usize, usize),
    /// The input is over.
    Over,
}

/// What is live, and what is still to be done.
pub(super) struct State {
    pub(super) input: Input,
    pub(super) set: &'static Set,
    pub(super) live: Vec<Live>,
    pub(super) ranges: Ranges,
    /// Live objects of each family that take memory.
    pub(super) counts: [usize; FAMILIES],
    pub(super) patterns: u8,
    pub(super) operations: u64,
    /// Whether there are other threads.
    pub(super) others: bool,
}

impl State {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut input = Input::new(bytes);
        let set = if input.byte() % 2 == 0 { &AMPLE } else { &SCARCE };
        Self {
            input,
            set,
            live: Vec::new(),
            ranges: Ranges::default(),
            counts: [0; FAMILIES],
            patterns: 0,
            operations: 0,
            others: false,
        }
    }

    pub(super) fn source(&self) -> &'static Scheduled {
        self.set.source
    }

    /// Does one operation after the other, until another thread is to go on.
    pub(super) fn go(&mut self) -> Next {
        while !self.input.is_over() {
            self.operations += 1;
            match self.input.byte() {
                0..60 => self.allocate(),
                60..110 => self.free(),
                110..140 => self.resize(),
                140..160 => self.burst(),
                160..180 => {
                    let count = self.input.below(256);
                    self.free_some(count);
                }
                180..185 => self.grow_in_place(),
                185..191 => self.misuse(),
                191..197 => self.query(),
                197..201 => self.walk(),
                201..204 => self.sweep(),
                204 => self.free_all(),
                205..209 => self.reclaim(),
                209 => lifecycle::thread_collect(),
                210 => lifecycle::thread_finalize(),
                211..221 => {
                    let (call, after) = (self.input.below(CALLS), self.input.below(12));
                    self.source().fail(call, after, 1 + self.input.below(8));
                }
                221..224 => self.source().recover(),
                224..227 => self.source().pass_time(self.input.short() as u64),
                227..231 => self.assert_counts(),
                231 => famalloc::check().expect("all is whole"),
                232..247 => return Next::Switch(self.input.below(4)),
                247..250 => return Next::End(self.input.below(4)),
                250..253 => return Next::Crowd(self.input.short(), self.input.below(48)),
                253.. => self.live.iter().for_each(Live::verify),
            }
        }
        Next::Over
    }

    pub(super) fn face(&self, family: usize) -> &'static Face {
        &self.set.families[family]
    }

    fn pattern(&mut self) -> u8 {
        self.patterns = self.patterns.wrapping_add(2) | 1;
        self.patterns
    }

    /// How large the next object may be.
    fn room(&self) -> usize {
        if self.live.len() >= MOST_OBJECTS {
            return 0;
        }
        LARGEST.min(MOST_BYTES.saturating_sub(self.ranges.bytes))
    }

    /// The error is one that this set, family and moment can have.
    pub(super) fn expect(&self, error: AllocError, family: usize, refused: u64) {
        let may_be = match error.kind() {
            AllocErrorKind::Limit => self.face(family).limited,
            AllocErrorKind::AddressSpace => self.set.scarce || self.source().refused() > refused,
            AllocErrorKind::Commit => self.source().refused() > refused,
            _ => false,
        };
        assert!(may_be, "{error} in family {family}");
    }

    /// Memory came out of a call that may have been refused.
    pub(super) fn enter(&mut self, live: Live, zeroed: bool) {
        self.ranges.enter(&live);
        if zeroed || self.face(live.family).zeroes {
            live.assert_zero_from(0);
        }
        live.fill();
        if live.layout.size() > 0 {
            self.counts[live.family] += 1;
        }
        self.live.push(live);
    }

    fn allocate(&mut self) {
        let (how, room) = (self.input.byte(), self.room());
        let (family, zeroed) = (self.input.below(FAMILIES), how % 4 == 0);
        let (face, set, refused) = (self.face(family), self.set, self.source().refused());
        let (road, layout) = match how / 4 % 4 {
            0 => (Road::Raw, raw_layout(face, self.input.size(room))),
            1 => (Road::Layout, self.input.layout(room)),
            2 => (Road::Untyped, self.input.layout(room)),
            _ => (Road::Global, self.input.layout(room)),
        };
        let unnamed = matches!(road, Road::Untyped | Road::Global);
        if unnamed && layout.size() == 0 {
            return;
        }
        let mut made = None;
        match (road, zeroed) {
            (Road::Raw, false) => made = self.accept((face.alloc)(layout.size()), family, refused),
            (Road::Raw, true) => {
                made = self.accept((face.alloc_zeroed)(layout.size()), family, refused);
            }
            (Road::Layout, false) => {
                made = self.accept((face.alloc_layout)(layout), family, refused);
            }
            (Road::Layout, true) => {
                made = self.accept((face.alloc_zeroed_layout)(layout), family, refused);
            }
            (Road::Untyped, _) => (face.scope)(&mut || {
                made = self.accept((face.untyped)(layout), family, refused);
            }),
            (Road::Global, zeroed) => (face.scope)(&mut || {
                let alloc = if zeroed { set.zeroed } else { set.global };
                // SAFETY: the size is not 0.
                made = NonNull::new(unsafe { alloc(layout) });
                self.expect_null(made.is_none(), family, refused);
            }),
        }
        let Some(start) = made else { return };
        let pattern = self.pattern();
        self.enter(Live { start, layout, pattern, family, road }, zeroed && road != Road::Untyped);
    }

    fn accept(
        &self,
        made: Result<NonNull<u8>, AllocError>,
        family: usize,
        refused: u64,
    ) -> Option<NonNull<u8>> {
        made.inspect_err(|&error| self.expect(error, family, refused)).ok()
    }

    fn expect_null(&self, null: bool, family: usize, refused: u64) {
        let may_be =
            self.face(family).limited || self.set.scarce || self.source().refused() > refused;
        assert!(!null || may_be, "no memory in family {family}");
    }

    /// Takes one of the live out of the model.
    pub(super) fn take(&mut self) -> Option<Live> {
        if self.live.is_empty() {
            return None;
        }
        let at = self.input.below(self.live.len());
        let live = self.live.swap_remove(at);
        self.forget(&live);
        Some(live)
    }

    /// It has left the list; the rest follows.
    pub(super) fn forget(&mut self, live: &Live) {
        self.ranges.leave(live);
        if live.layout.size() > 0 {
            self.counts[live.family] -= 1;
        }
    }

    fn free(&mut self) {
        let Some(live) = self.take() else { return };
        free(self.set, &live, self.input.byte() % 8 == 0);
    }

    /// Frees so many, in an order of three.
    pub(super) fn free_some(&mut self, count: usize) {
        let order = self.input.byte();
        for step in 0..count.min(self.live.len()) {
            self.operations += 1;
            let last = self.live.len() - 1;
            let live = match order % 3 {
                0 => self.live.pop().expect("there is one"),
                1 => self.live.swap_remove(step % self.live.len()),
                _ => self.live.swap_remove(last - (step * 7) % (last + 1)),
            };
            self.forget(&live);
            free(self.set, &live, false);
        }
    }

    /// Many of one size.
    fn burst(&mut self) {
        let family = self.input.below(FAMILIES);
        let (size, count) = (self.input.size(self.room().min(40_000)), self.input.below(256));
        let face = self.face(family);
        for _ in 0..count.min(self.room()) {
            self.operations += 1;
            let (layout, refused) = (raw_layout(face, size), self.source().refused());
            match (face.alloc)(size) {
                Ok(start) => {
                    let pattern = self.pattern();
                    self.enter(Live { start, layout, pattern, family, road: Road::Raw }, false);
                }
                Err(error) => return self.expect(error, family, refused),
            }
        }
    }

    fn resize(&mut self) {
        let Some(mut live) = self.take() else { return };
        live.verify();
        let (old, how, room) = (live.layout, self.input.byte(), self.room());
        let near = how % 2 == 0;
        let size = if near {
            (old.size() / 2 + self.input.below(256) * (1 + old.size() / 128)).min(room)
        } else {
            self.input.size(room)
        };
        let (face, set, refused) = (self.face(live.family), self.set, self.source().refused());
        let zeroed = how % 3 == 0 && matches!(live.road, Road::Raw | Road::Layout);
        let new = match live.road {
            Road::Raw => raw_layout(face, size),
            Road::Layout | Road::Untyped if how % 5 == 0 => self.input.layout(room),
            _ => Layout::from_size_align(size, old.align()).expect("small"),
        };
        let size = new.size();
        if size == 0 && matches!(live.road, Road::Untyped | Road::Global) {
            self.enter_as_it_was(live);
            return;
        }
        let start = live.start;
        // SAFETY: live, last asked for with `old`; sizes are not 0 where they may not be.
        let moved = unsafe {
            match live.road {
                Road::Raw if zeroed => (face.realloc_zeroed)(start, old.size(), size),
                Road::Raw => (face.realloc)(start, old.size(), size),
                Road::Layout if zeroed => (face.realloc_zeroed_layout)(start, old, new),
                Road::Layout => (face.realloc_layout)(start, old, new),
                Road::Untyped => match (set.realloc)(start, new, old.size()) {
                    Ok(start) => Ok(start),
                    Err(ReallocError::NoMemory(error)) => Err(error),
                    Err(error) => panic!("{error} at {live:?}"),
                },
                Road::Global => match NonNull::new((set.regrow)(start.as_ptr(), old, size)) {
                    Some(start) => Ok(start),
                    None => {
                        self.expect_null(true, live.family, refused);
                        return self.enter_as_it_was(live);
                    }
                },
            }
        };
        match moved {
            Ok(start) => {
                live.moved(start, new);
                if zeroed {
                    live.assert_zero_from(old.size());
                }
                live.pattern = self.pattern();
                live.fill();
                self.enter_as_it_was(live);
            }
            Err(error) => {
                self.expect(error, live.family, refused);
                self.enter_as_it_was(live);
            }
        }
    }

    pub(super) fn enter_as_it_was(&mut self, live: Live) {
        self.ranges.enter(&live);
        live.verify();
        if live.layout.size() > 0 {
            self.counts[live.family] += 1;
        }
        self.live.push(live);
    }
}

/// The layout of a raw size in a family.
pub(super) fn raw_layout(face: &Face, size: usize) -> Layout {
    let align = match size {
        0 => 1,
        size => (1 << size.trailing_zeros()).min(face.raw_align),
    };
    Layout::from_size_align(size, align).expect("small")
}

/// Frees memory that the model has forgotten; carefully, if that is wished and possible.
pub(super) fn free(set: &Set, live: &Live, careful: bool) {
    live.verify();
    let face = &set.families[live.family];
    // SAFETY: live, freed as it was made, and not used again.
    unsafe {
        match live.road {
            Road::Layout if careful => {
                assert_eq!((face.try_free)(live.start, live.layout), Ok(()), "{live:?}");
                if live.layout.size() > 0 {
                    let again = (face.try_free)(live.start, live.layout);
                    assert!(again.is_err(), "freed twice: {live:?}");
                }
            }
            Road::Raw => (face.free)(live.start, live.layout.size()),
            Road::Layout => (face.free_layout)(live.start, live.layout),
            Road::Untyped => assert_eq!((set.free)(live.start), Ok(()), "{live:?}"),
            Road::Global => (set.dealloc)(live.start.as_ptr(), live.layout),
        }
    }
}

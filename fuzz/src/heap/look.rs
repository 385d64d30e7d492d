//! The operations that look, and those on all of a family.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ptr::NonNull;

use famalloc::{FreeError, check, flush, query, raw, reclaim};

use super::faces::{FAMILIES, LIMIT};
use super::state::State;
use crate::memory::{Live, Road};

impl State {
    /// Another layout in place, or nothing.
    pub(super) fn grow_in_place(&mut self) {
        let Some(mut live) = self.take() else { return };
        let (old, size) = (live.layout, self.input.size(9 << 20));
        if old.size() == 0 {
            return self.enter_as_it_was(live);
        }
        let new = match live.road {
            // A raw size has a layout of its own.
            Road::Raw => super::state::raw_layout(self.face(live.family), size),
            _ => Layout::from_size_align(size, old.align()).expect("small"),
        };
        live.verify();
        // SAFETY: live, last asked for with `old`.
        let grown = unsafe {
            match live.road {
                Road::Raw | Road::Layout => {
                    (self.face(live.family).grow_in_place)(live.start, old, new)
                }
                _ => raw::resize_in_place(live.start, new) == Ok(true),
            }
        };
        if grown {
            live.moved(live.start, new);
            live.fill();
        }
        self.enter_as_it_was(live);
    }

    /// Frees that are refused, and change nothing.
    pub(super) fn misuse(&mut self) {
        let how = self.input.byte();
        let Some(live) = self.take() else { return };
        if live.layout.size() == 0 {
            return self.enter_as_it_was(live);
        }
        let (face, layout) = (self.face(live.family), live.layout);
        let mut local = 0_u8;
        // SAFETY: none of these is an allocation of that family and layout.
        let (refused, expected) = unsafe {
            match how % 4 {
                0 if layout.size() > 1 => {
                    let offset = 1 + self.input.below(layout.size().min(60_000) - 1);
                    let interior = (face.try_free)(live.start.add(offset), layout);
                    (interior, matches!(interior, Err(FreeError::Interior { .. })))
                }
                1 => {
                    let other =
                        (live.family + 1 + usize::from(how / 4) % (FAMILIES - 1)) % FAMILIES;
                    let wrong = (self.face(other).try_free)(live.start, layout);
                    (wrong, matches!(wrong, Err(FreeError::WrongFamily { .. })))
                }
                2 => {
                    let size = (layout.size() + 64) * 4;
                    let other = Layout::from_size_align(size, layout.align()).expect("small");
                    let wrong = (face.try_free)(live.start, other);
                    (wrong, matches!(wrong, Err(FreeError::WrongLayout { .. })))
                }
                _ => {
                    let foreign = (face.try_free)(NonNull::from(&mut local), layout);
                    (foreign, foreign == Err(FreeError::Foreign))
                }
            }
        };
        assert!(expected, "{refused:?} of {live:?}, {how}");
        self.enter_as_it_was(live);
    }

    /// What is known of an address within something live.
    pub(super) fn query(&mut self) {
        let Some(live) = self.take() else { return };
        if live.layout.size() > 0 {
            let probe = self.input.below(live.layout.size());
            let found = query(live.start.as_ptr().wrapping_add(probe)).expect("it is live");
            assert_eq!(found.family_index, live.family, "{live:?}");
            assert_eq!((found.slot, found.offset), (live.address(), probe), "{live:?}");
            assert!(found.slot_bytes >= live.layout.size(), "{live:?}");
            let usable = raw::usable_size(live.start.as_ptr());
            assert_eq!(usable, Some(found.slot_bytes));
        }
        self.enter_as_it_was(live);
    }

    fn of_family(&self, family: usize) -> BTreeMap<usize, Live> {
        let here = |live: &&Live| live.family == family && live.layout.size() > 0;
        self.live.iter().filter(here).map(|live| (live.address(), *live)).collect()
    }

    /// A walk visits what is live, and nothing else.
    pub(super) fn walk(&mut self) {
        let family = self.input.below(FAMILIES);
        let mut expected = self.of_family(family);
        let walked = (self.face(family).walk)(&mut |start, bytes| {
            let live = expected.remove(&start).expect("visited once, and live");
            assert!(bytes >= live.layout.size(), "{live:?}");
        });
        match walked {
            Ok(()) => assert!(expected.is_empty(), "not visited: {expected:?}"),
            Err(_) => assert!(self.others, "in use elsewhere, where there is nobody"),
        }
    }

    /// A sweep frees what it is told to.
    pub(super) fn sweep(&mut self) {
        let (family, part) = (self.input.below(FAMILIES), self.input.below(256));
        let expected = self.of_family(family);
        let mut declined = 0;
        let stays = |address: usize| (address / 8 * 37) % 256 < part;
        // SAFETY: what is declined leaves the model, and nobody works in the family meanwhile.
        let swept = unsafe {
            (self.face(family).sweep)(&mut |start, _| {
                expected[&start].verify();
                declined += usize::from(!stays(start));
                stays(start)
            })
        };
        let Ok(freed) = swept else {
            return assert!(self.others, "in use elsewhere, where there is nobody");
        };
        assert_eq!(freed, declined);
        self.remove(|live| {
            live.family == family && live.layout.size() > 0 && !stays(live.address())
        });
    }

    /// All of a family at once.
    pub(super) fn free_all(&mut self) {
        let family = self.input.below(FAMILIES);
        // SAFETY: nothing of it is used again, and no other thread works now.
        match unsafe { (self.face(family).free_all)() } {
            Ok(freed) => assert_eq!(freed, self.counts[family]),
            Err(_) => return assert!(self.others, "in use elsewhere, where there is nobody"),
        }
        self.remove(|live| live.family == family && live.layout.size() > 0);
        self.assert_counts();
    }

    fn remove(&mut self, gone: impl Fn(&Live) -> bool) {
        let (gone, stay) = std::mem::take(&mut self.live).into_iter().partition(gone);
        self.live = stay;
        let gone: Vec<Live> = gone;
        gone.iter().for_each(|live| self.forget(live));
    }

    pub(super) fn reclaim(&mut self) {
        match self.input.byte() {
            0..64 => drop(flush()),
            goal => drop(reclaim(usize::from(goal) << 14)),
        }
    }

    /// What the families say of themselves is what the model says.
    pub(super) fn assert_counts(&self) {
        let used = (self.set.usage)();
        for (family, [objects, bytes, _, committed]) in used.into_iter().enumerate() {
            assert_eq!(objects, self.counts[family], "live in family {family}");
            let here = self.live.iter().filter(|live| live.family == family);
            let least: usize = here.map(|live| live.layout.size()).sum();
            assert!(bytes >= least && committed >= bytes, "{committed} >= {bytes} >= {least}");
            assert!(!self.face(family).limited || committed <= LIMIT, "{committed} bytes");
        }
    }

    /// Nothing is live, and nothing is kept.
    pub(super) fn assert_all_given_back(&self) {
        assert!(self.live.is_empty() && self.counts == [0; FAMILIES]);
        self.assert_counts();
        check().expect("all is whole");
        flush();
        check().expect("all is whole");
        for (family, used) in (self.set.usage)().into_iter().enumerate() {
            assert_eq!(used, [0; 4], "family {family}: objects, bytes, blocks, committed");
        }
    }
}

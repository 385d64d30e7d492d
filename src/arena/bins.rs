//! Free rooms, by length.
//!
//! Rooms below 64 words have a list for each length, longer ones a list for each power of two. The
//! links lie in the rooms, which nobody else uses: an arena can have any number of free rooms, and the
//! object that was just dropped is in the cache. (The shared table keeps its links outside, since
//! there a stray write of one thread could reach another's list; an arena has one user.)

use core::ptr;

/// From this many words on, a list has rooms of several lengths.
const EXACT: usize = 64;
/// Lists of longer rooms: the first for 64 to 127 words, the last for all from 2^30 on, of which an
/// arena has none.
const LONG: usize = 25;
/// How many rooms of a list of longer ones are looked at.
const SEARCHED: usize = 8;

/// The lists. All zero is empty.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Bins {
    heads: [*mut u8; EXACT + LONG],
    /// Which lists of exact lengths have a room.
    exact: u64,
    /// Which lists of longer rooms have one.
    long: u32,
}

/// The list for rooms of so many words.
fn list(words: usize) -> usize {
    if words < EXACT {
        words
    } else {
        EXACT + ((words.ilog2() - EXACT.ilog2()) as usize).min(LONG - 1)
    }
}

impl Bins {
    pub(crate) const fn new() -> Self {
        Self { heads: [ptr::null_mut(); EXACT + LONG], exact: 0, long: 0 }
    }

    /// Lists a room.
    ///
    /// # Safety
    ///
    /// It has `words` words, at least one, and is nobody else's.
    #[inline]
    pub(crate) unsafe fn push(&mut self, room: *mut u8, words: usize) {
        let list = list(words);
        // SAFETY: the room has a word.
        unsafe { room.cast::<*mut u8>().write(self.heads[list]) };
        self.heads[list] = room;
        self.note(list);
    }

    fn note(&mut self, list: usize) {
        let some = !self.heads[list].is_null();
        if list < EXACT {
            self.exact = self.exact & !(1 << list) | u64::from(some) << list;
        } else {
            let bit = list - EXACT;
            self.long = self.long & !(1 << bit) | u32::from(some) << bit;
        }
    }

    /// Takes the room that was listed last in a list.
    fn pop(&mut self, list: usize) -> Option<*mut u8> {
        let room = self.heads[list];
        if room.is_null() {
            return None;
        }
        // SAFETY: listed rooms start with their links.
        self.heads[list] = unsafe { room.cast::<*mut u8>().read() };
        if self.heads[list].is_null() {
            self.note(list);
        }
        Some(room)
    }

    /// Whether there may be a room for so many words.
    #[inline(always)]
    pub(crate) fn may_have(&self, words: usize) -> bool {
        if words < EXACT { self.exact >> words & 1 != 0 } else { self.long != 0 }
    }

    /// Takes a room of just so many words whose address is a multiple of `align`, if the latest of
    /// that length is one.
    #[inline]
    pub(crate) fn take_exact(&mut self, words: usize, align: usize) -> Option<*mut u8> {
        if words >= EXACT {
            return None;
        }
        let fits = self.heads[words].addr() & (align - 1) == 0;
        if fits { self.pop(words) } else { None }
    }

    /// Takes a room of at least so many words, at least 64; `words_of` tells a listed room's length.
    /// Returns the room and its length.
    pub(crate) fn take_long(
        &mut self,
        words: usize,
        words_of: impl Fn(*mut u8) -> usize,
    ) -> Option<(*mut u8, usize)> {
        if words < EXACT || self.long == 0 {
            return None;
        }
        let own = list(words);
        if let Some(found) = self.search(own, words, &words_of) {
            return Some(found);
        }
        let above = own - EXACT + 1;
        let longer = self.long.checked_shr(above as u32).unwrap_or(0);
        if longer == 0 {
            return None;
        }
        let list = EXACT + above + longer.trailing_zeros() as usize;
        self.pop(list).map(|room| (room, words_of(room)))
    }

    /// Looks at the first rooms of a list for one of at least so many words.
    fn search(
        &mut self,
        list: usize,
        words: usize,
        words_of: impl Fn(*mut u8) -> usize,
    ) -> Option<(*mut u8, usize)> {
        let mut link: *mut *mut u8 = &raw mut self.heads[list];
        for _ in 0..SEARCHED {
            // SAFETY: the head of the list, or the link of a listed room.
            let room = unsafe { link.read() };
            if room.is_null() {
                return None;
            }
            let found = words_of(room);
            if found >= words {
                // SAFETY: listed rooms start with their links.
                let next = unsafe { room.cast::<*mut u8>().read() };
                // SAFETY: as above.
                unsafe { link.write(next) };
                self.note(list);
                return Some((room, found));
            }
            link = room.cast();
        }
        None
    }

    /// Takes the room that is worth most to allocate from, a longest one or nearly so, if it has at
    /// least so many words.
    pub(crate) fn take_longest(
        &mut self,
        words: usize,
        words_of: impl Fn(*mut u8) -> usize,
    ) -> Option<(*mut u8, usize)> {
        if words >= EXACT {
            return self.take_long(words, words_of);
        }
        if self.long != 0 {
            let list = EXACT + self.long.ilog2() as usize;
            return self.pop(list).map(|room| (room, words_of(room)));
        }
        if self.exact == 0 {
            return None;
        }
        let list = self.exact.ilog2() as usize;
        if list < words { None } else { self.pop(list).map(|room| (room, list)) }
    }
}

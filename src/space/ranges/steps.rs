//! How a space's ranges become more, and fewer: in steps.

use core::cell::Cell;
use core::mem;

use crate::options;

use super::super::Space;
use super::super::extents::{Locked, Taker};
use super::super::map::{WINDOW_GRANULES, WINDOW_SHIFT};
use super::{Ordering, Range, Reserved};

/// At so many places of the span a new range is tried, where it cannot be beside another.
const PARTS: usize = 16;

/// So many ranges are vacant at most. All of them may be where a source puts a new one, and what it puts there
/// is set aside until it finds another place.
const MOST_VACANT: usize = 64;

impl Locked<'_> {
    /// Reserves a further range, in which `count` extents have room, the first at a multiple of `align`
    /// extents. `None` where the source has no more.
    pub(in crate::space) fn grow(&mut self, count: u32, align: u32, taker: Taker) -> Option<()> {
        let space = self.space;
        if !space.ranges.grows {
            return None;
        }
        let per_window = WINDOW_GRANULES / space.granules_per_extent();
        let least = count.checked_next_multiple_of(per_window)?;
        let extents = |bytes: usize| (bytes >> space.extent_shift) as u32;
        // As much again as there is, within what was chosen.
        let [first, largest] = [options::first_range(), options::largest_range()].map(extents);
        let step = self.state.reserved.max(first).min(largest);
        let (mut wanted, mut last) = (least.max(step), false);
        // An isolated family wants addresses that nobody ever had.
        let revives = taker == Taker::Any;
        if revives && space.ranges.iter().any(|range| self.revive(range, least, align)) {
            return Some(());
        }
        loop {
            if let Some(range) = space.reserve_range(wanted, align as usize) {
                self.state.reserved += range.count;
                space.ranges.insert(range);
                return Some(());
            }
            if wanted == least {
                // What is unused elsewhere may be in the way.
                if !mem::replace(&mut last, true) && self.vacate() {
                    continue;
                }
                return None;
            }
            wanted = (wanted / 2).next_multiple_of(per_window).max(least);
        }
    }

    /// Gives back the addresses of ranges without anything in them; returns whether there were any. Those of a
    /// source that never puts a range where one was are not given back again and again: each time would leave
    /// the books of another.
    pub(in crate::space) fn vacate(&mut self) -> bool {
        let space = self.space;
        let mut room = MOST_VACANT - space.ranges.iter().filter(|range| range.is_vacant()).count();
        let mut any = false;
        for range in space.ranges.iter().filter(|_| space.ranges.grows) {
            let unused = range.free_count.load(Ordering::Relaxed) == range.count
                && range.dirty_count.load(Ordering::Relaxed) == 0;
            if range.is_vacant() || !unused || room == 0 {
                continue;
            }
            room -= 1;
            self.forget_advice(range);
            range.set_all_free(false);
            range.vacant.store(true, Ordering::Relaxed);
            self.state.reserved -= range.count;
            any = true;
            // SAFETY: reserved as one range of this size; nothing in it is in use, nor will be.
            unsafe { space.source.release(range.base, range.bytes(space)) };
        }
        any
    }

    /// Reserves the addresses of a vacant range again, where there is room in it; returns whether it did.
    fn revive(&mut self, range: &'static Range, count: u32, align: u32) -> bool {
        let space = self.space;
        let bytes = range.bytes(space);
        if !range.is_vacant() || range.count < count || align > 1 {
            return false;
        }
        let near = range.base.addr().get();
        let Some(data) = Reserved::new(space.source, near, bytes, 1 << WINDOW_SHIFT) else {
            return false;
        };
        if data.start != range.base {
            return false;
        }
        data.keep();
        range.set_all_free(true);
        range.vacant.store(false, Ordering::Relaxed);
        self.state.reserved += range.count;
        true
    }
}

impl Space {
    /// Reserves so many extents, with their books.
    fn reserve_range(&self, count: u32, align: usize) -> Option<&'static Range> {
        let bytes = (count as usize) << self.extent_shift;
        let align = align.checked_mul(self.extent_bytes())?.max(1 << WINDOW_SHIFT);
        // Side by side with what there is, upwards or else downwards, so that it is one mapping.
        let (mut above, mut below) = (0, 0);
        for range in self.ranges.iter() {
            let start = range.base.addr().get();
            below = if below == 0 { start.saturating_sub(bytes) } else { below };
            above = start + ((range.count as usize) << self.extent_shift);
        }
        let strays = Cell::new(false);
        let at = |near| {
            let data = self.reserve_apart(near, bytes, align, MOST_VACANT)?;
            // What lies outside of the span, in front of it or behind, the table does not cover.
            let offset = data.start.addr().get().wrapping_sub(self.span);
            let covered = self.span_bytes.checked_sub(bytes).is_some_and(|last| offset <= last);
            strays.set(!covered);
            covered.then_some(data)
        };
        // Where others are on both sides, there may be room further away.
        let away = (0..PARTS).map(|part| self.span + self.span_bytes / PARTS * part);
        let away = away.take_while(|_| strays.get());
        let data = [above, below].into_iter().chain(away).find_map(at)?;
        self.write_books(data, count)
    }

    /// Reserves addresses that no range has. Those of a vacant one stay its own: its books say what was there,
    /// and who had it.
    fn reserve_apart(
        &self,
        near: usize,
        bytes: usize,
        align: usize,
        tries: usize,
    ) -> Option<Reserved> {
        let data = Reserved::new(self.source, near, bytes, align)?;
        let start = data.start.addr().get();
        let is_in_the_way = |range: &Range| {
            let other = range.base.addr().get();
            start < other + range.bytes(self) && other < start + bytes
        };
        if !self.ranges.iter().any(is_in_the_way) {
            return Some(data);
        }
        // It is not given back before the source has found something else.
        self.reserve_apart(0, bytes, align, tries.checked_sub(1)?)
    }
}

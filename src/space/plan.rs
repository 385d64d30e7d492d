//! The layout of what is reserved at once, data and bookkeeping in one range.
//!
//! ```text
//! base                                                                                base + size
//! | extent 0 | extent 1 | ...       | Space | table, | Range, its | bitmaps: per granule        | tags |
//! | 2 MiB    |          |           |       | tags  | windows    | 512 B   | 8 KiB   | 1 KiB   |       |
//! ```

use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};
use crate::os::PageSource;

use super::map::GRANULE_SHIFT;
use super::map::WINDOW_SHIFT;
use super::maps::Map;
use super::owner_tags::OwnerTags;
use super::ranges::{Books, Range};
use super::{EXTENT_SHIFT, SMALL_EXTENT_SHIFT, SMALL_RESERVATION, Space};

/// The size of the first reservation asked for; each refusal halves it.
const LARGEST_RESERVATION: usize = 1 << 40;
/// Below this a reservation is not worth having.
const SMALLEST_RESERVATION: usize = 192 << 10;
/// Below this an extent is one granule.
const TINY_RESERVATION: usize = 16 << 20;
const TINY_EXTENT_SHIFT: u32 = GRANULE_SHIFT;

/// The stretches that are near: those at the start, since what lies there is used first.
const NEAR: core::ops::Range<usize> = 0..1;

/// Where each part of a reservation starts, in bytes from its base.
struct Plan {
    extent_count: usize,
    header: usize,
    table: usize,
    directory: usize,
    books: usize,
    maps: [usize; 3],
    tags: usize,
    end: usize,
}

impl Plan {
    fn new(extent_count: usize, extent_shift: u32, page: usize) -> Self {
        let header = extent_count << extent_shift;
        let table = header + size_of::<Space>().next_multiple_of(64);
        let windows = header.div_ceil(1 << WINDOW_SHIFT);
        let directory = table + windows * size_of::<usize>();
        let books = (directory + OwnerTags::head(header, &NEAR)).next_multiple_of(page);
        let mut end = books + Books::of(extent_count, extent_shift, page).bytes;
        let maps = Map::ALL.map(|map| {
            let start = end;
            end += ((header >> GRANULE_SHIFT) * map.bytes()).next_multiple_of(page);
            start
        });
        let tags = end;
        end += OwnerTags::bytes(header);
        Self { extent_count, header, table, directory, books, maps, tags, end }
    }

    /// The plan with the most extents that fits `size` bytes.
    fn fitting(size: usize, extent_shift: u32, page: usize) -> Self {
        let mut extent_count = size >> extent_shift;
        loop {
            let plan = Self::new(extent_count, extent_shift, page);
            if plan.end <= size {
                return plan;
            }
            // An extent adds less than the average, in which what is there only once is contained:
            // so this takes no more away than it must.
            let average = plan.end.div_ceil(extent_count.max(1));
            extent_count = extent_count.saturating_sub(((plan.end - size) / average).max(1));
        }
    }
}

impl Space {
    /// Reserves as much as `source` will give, and lays it out.
    pub(super) fn reserve_at_once(
        source: &'static dyn PageSource,
    ) -> Result<&'static Self, AllocError> {
        let mut size = LARGEST_RESERVATION;
        while size >= SMALLEST_RESERVATION {
            let (extent_shift, least) = match size {
                0..TINY_RESERVATION => (TINY_EXTENT_SHIFT, SMALLEST_RESERVATION),
                TINY_RESERVATION..SMALL_RESERVATION => (SMALL_EXTENT_SHIFT, TINY_RESERVATION),
                _ => (EXTENT_SHIFT, SMALL_RESERVATION),
            };
            let page = source.page_size();
            let largest = source.largest_range(1 << extent_shift) & !(page - 1);
            if largest < size {
                // With smaller extents less is lost to alignment.
                size = if largest >= least { largest } else { least - page };
                continue;
            }
            if let Ok(base) = source.reserve(size, 1 << extent_shift) {
                // SAFETY: reserved just now with this size and alignment.
                let space = unsafe { Self::lay_out(source, base, size, extent_shift) };
                if space.is_err() {
                    // SAFETY: as above; nothing refers to it.
                    unsafe { source.release(base, size) };
                }
                return space;
            }
            size = (size / 2) & !(page - 1);
        }
        Err(AllocError::new(AllocErrorKind::AddressSpace))
    }

    /// # Safety
    ///
    /// `base` is a fresh reservation of `size` bytes, aligned to an extent.
    unsafe fn lay_out(
        source: &'static dyn PageSource,
        base: NonNull<u8>,
        size: usize,
        extent_shift: u32,
    ) -> Result<&'static Self, AllocError> {
        let page = source.page_size();
        let plan = Plan::fitting(size, extent_shift, page);
        let layout = Books::of(plan.extent_count, extent_shift, page);
        // SAFETY: every offset of a fitting plan is within the reservation.
        let at = |offset: usize| unsafe { base.add(offset) };
        let head = plan.books + layout.head - plan.header;
        // SAFETY: whole pages within the reservation: extents, and the books, begin on a page.
        unsafe { source.commit(at(plan.header), head) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        let space = at(plan.header).cast::<Self>();
        let (table, maps) = (at(plan.table).cast(), plan.maps.map(at));
        let span = base.addr().get();
        let reserved = match plan.end - plan.tags {
            0 => ptr::null_mut(),
            _ => at(plan.tags).as_ptr().cast(),
        };
        // SAFETY: just committed, zero, behind a table of words, before the books; room for the tags is at
        // the end of the plan.
        let tags = unsafe { OwnerTags::write(at(plan.directory), plan.header, NEAR, reserved) };
        let new = Self::new(source, span, plan.header, extent_shift, table, tags, Some(maps));
        // SAFETY: just committed, zero, large enough, aligned to an extent.
        unsafe { space.write(new) };
        // SAFETY: written just now, and never moved or freed once published.
        let space = unsafe { space.as_ref() };
        // SAFETY: as many extents lie at the base, and their books, of which the head is committed.
        let range =
            unsafe { Range::write(at(plan.books), layout, base, 0, plan.extent_count as u32) };
        space.ranges.insert(range);
        Ok(space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_fits_and_wastes_less_than_two_extents() {
        let halves =
            [(40, 21), (36, 21), (30, 21), (29, 18), (25, 18), (23, 16), (20, 16), (19, 16)];
        let sizes = halves.map(|(log, shift)| (1usize << log, shift));
        let odd = [(SMALLEST_RESERVATION, 16), ((1 << 20) - 4096, 16), (777 << 16, 18)];
        for (size, shift) in sizes.into_iter().chain(odd) {
            for page in [4096, 65_536] {
                let plan = Plan::fitting(size, shift, page);
                assert!(plan.end <= size && (plan.extent_count > 0 || page > 4096));
                let more = Plan::new(plan.extent_count + 2, shift, page);
                assert!(more.end > size, "{size}: room for two more was left");
                for part in [plan.header, plan.books, plan.tags].into_iter().chain(plan.maps) {
                    assert_eq!(part % page, 0);
                }
                assert_eq!(plan.table % 64, 0);
            }
        }
    }

    /// What is known of windows is in memory: of as many again as are in use, at most.
    #[cfg(feature = "std")]
    #[test]
    #[cfg_attr(miri, ignore = "an interpreter makes them known one by one")]
    fn few_windows_are_known_before_they_are_used() {
        let space = Space::reserve(&crate::os::SYSTEM).unwrap();
        for taken in 1..200 {
            let extents = space.alloc_extents(1, 1, crate::space::extents::Taker::Any).unwrap();
            let known = space.extents_known().count();
            assert!(known >= taken && known <= (2 * taken).max(4), "{known} at {taken}");
            assert!(space.extents_known().any(|extent| extent == extents.first));
        }
    }
}

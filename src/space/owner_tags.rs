//! Tags: what freeing needs to know of a slot whose address is all that is known, four bytes for each
//! granule, in one load.
//!
//! ```text
//! address - first near address = | granule | byte in granule |
//!                                   |
//!                        near -> | tag | tag | tag | ...
//! ```
//!
//! A *stretch* is 2 GiB of the span, and some of them are *near*: those around the first range of the space, beside
//! which further ranges are put as long as there is room. Their tags are one array, there from the start, of
//! zeros that are nobody's tag and take no memory. The tags of another stretch come into being when one of its
//! windows does, and stay for good; a free there finds them by a directory with an entry for each stretch.
//!
//! Tags lie apart from the descriptors of the granules: sixteen in a cache line, so that a program that frees in
//! many blocks reads few lines. An entry of the directory is not where the tags of its stretch begin, but so far
//! before that the number of the granule in the whole span leads to its tag.
//!
//! A tag is written under the lock of whoever has the granule, before the first slot is handed out, and
//! cleared before the granule is given back. So a thread that frees a slot it owns finds the tag of the
//! slot's block (I1). It needs no memory order for that: it got the address from a thread that had seen
//! the tag written.

use core::mem;
use core::ops::Range;
use core::ptr::{self, NonNull};

use crate::class;
use crate::error::{AllocError, AllocErrorKind};
use crate::sync::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::map::GRANULE_SHIFT;
use super::reserved::Reserved;
use super::{SMALL_SPAN, Space};

/// So many stretches are near where the span is large: 16 GiB, whose tags are 1 MiB of addresses, of which a page
/// has memory for each 64 MiB of the heap. (Until 2026-11 all were found by the directory. One load more, on which
/// the next waits, in each `free` was a tenth of the time of a program that frees all the time.)
const NEAR: usize = 8;
/// log2 of a stretch's bytes: the directory of a TiB is one page.
const STRETCH_SHIFT: u32 = 31;
/// log2 of a stretch's granules.
const STRETCH_GRANULES_SHIFT: u32 = STRETCH_SHIFT - GRANULE_SHIFT;
/// The bytes of the tags of a stretch.
const STRETCH_TAGS: usize = (1 << STRETCH_GRANULES_SHIFT) * size_of::<AtomicU32>();

/// What the granules of a block are tagged with: the family, by its number among those of all sets, and
/// the class.
///
/// ```text
/// | number of the family: 16 bits | class << 6: 16 bits |
/// ```
///
/// The class is [scaled](class::SCALE), as the fast path wants it. The number 0 is no family's: it stands
/// where there is no block, and in the tags of families with whose slots something has to be done
/// before they are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerTag(u32);

impl OwnerTag {
    const NUMBER_SHIFT: u32 = 16;
    /// The highest number that a tag has room for.
    const LAST: usize = u16::MAX as usize;

    /// Of no block.
    pub(crate) const NONE: Self = Self(0);

    /// The tag of the blocks of the family with this number, without a class. Where something has to be
    /// done with a slot before it is given up, the family is `special`, and has no number there; nor has one
    /// whose number is too high.
    pub(crate) const fn of_family(number: usize, special: bool) -> Self {
        if special || number > Self::LAST {
            return Self::NONE;
        }
        Self((number as u32) << Self::NUMBER_SHIFT)
    }

    /// The same for a class.
    pub(crate) const fn with_class(self, class: usize) -> Self {
        Self(self.0 | (class << class::SCALE) as u32)
    }

    /// The class.
    pub(crate) const fn class(self) -> usize {
        Cell(self.0).class()
    }

    /// What this says beyond being of one of so many families from that of `first` on; `None` if it is of
    /// another, or of none.
    #[inline(always)]
    const fn among(self, first: u32, families: usize) -> Option<Cell> {
        // One comparison for both ends: an owner tag below the first wraps around to a number above
        // all.
        let rest = self.0.wrapping_sub(first);
        if rest < (families as u32) << Self::NUMBER_SHIFT { Some(Cell(rest)) } else { None }
    }
}

impl OwnerTag {
    /// [`among`](Self::among), where the class has to be this one: which family it is, of so many. Both
    /// are one comparison, as another class leaves something in the upper half.
    #[inline(always)]
    const fn family_among(self, first: u32, scaled: usize, families: usize) -> Option<usize> {
        let rest = self.0.wrapping_sub(first).wrapping_sub(scaled as u32);
        let family = rest.rotate_right(Self::NUMBER_SHIFT) as usize;
        if family < families { Some(family) } else { None }
    }
}

/// A family and a class of a set that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell(u32);

impl Cell {
    /// The position of the family in its set.
    #[inline(always)]
    pub(crate) const fn family(self) -> usize {
        (self.0 >> OwnerTag::NUMBER_SHIFT) as usize
    }

    /// The class, scaled.
    #[inline(always)]
    pub(crate) const fn scaled_class(self) -> usize {
        (self.0 & ((1 << OwnerTag::NUMBER_SHIFT) - 1)) as usize
    }

    /// The class.
    #[inline(always)]
    pub(crate) const fn class(self) -> usize {
        self.scaled_class() >> class::SCALE
    }
}

/// The tags of a space.
#[derive(Clone, Debug)]
pub(super) struct OwnerTags {
    /// An entry for each stretch of the span, null where it has no tags yet.
    directory: NonNull<AtomicPtr<AtomicU32>>,
    /// The near stretches, ...
    near: Range<usize>,
    /// ... and their tags.
    near_tags: NonNull<AtomicU32>,
    /// Where everything was reserved at once, room for all tags.
    reserved: *mut AtomicU32,
}

impl OwnerTags {
    fn stretches(span_bytes: usize) -> usize {
        span_bytes.div_ceil(1 << STRETCH_SHIFT)
    }

    /// The stretches to be near where the first range is so far from the start of the span, and the next ones
    /// come behind it, or on both sides.
    pub(super) fn near(span_bytes: usize, first: usize, both_sides: bool) -> Range<usize> {
        let stretches = Self::stretches(span_bytes);
        let many = if span_bytes <= SMALL_SPAN { 1 } else { NEAR.min(stretches) };
        let before = if both_sides { many / 2 } else { 0 };
        let start = (first >> STRETCH_SHIFT).saturating_sub(before).min(stretches - many);
        start..start + many
    }

    /// The bytes of a directory, and of what lies behind it and is committed with it: the tags of the near
    /// stretches.
    pub(super) fn head(span_bytes: usize, near: &Range<usize>) -> usize {
        let tags = (span_bytes.div_ceil(1 << GRANULE_SHIFT)) * size_of::<AtomicU32>();
        Self::stretches(span_bytes) * size_of::<usize>() + tags.min(near.len() * STRETCH_TAGS)
    }

    /// The bytes of the tags of all stretches, where there are several.
    pub(super) fn bytes(span_bytes: usize) -> usize {
        match Self::stretches(span_bytes) {
            0 | 1 => 0,
            stretches => stretches * STRETCH_TAGS,
        }
    }

    /// Writes a directory.
    ///
    /// # Safety
    ///
    /// At `head` are zeros of [`Self::head`] bytes, committed, for as long as the process lives, aligned
    /// for a directory. `reserved` is null, or there is room of [`Self::bytes`] bytes. The near stretches are some
    /// of the span's.
    pub(super) unsafe fn write(
        head: NonNull<u8>,
        span_bytes: usize,
        near: Range<usize>,
        reserved: *mut AtomicU32,
    ) -> Self {
        let directory = head.cast::<AtomicPtr<AtomicU32>>();
        // SAFETY: within the head (contract).
        let near_tags = unsafe { directory.add(Self::stretches(span_bytes)) }.cast();
        let tags = Self { directory, near: near.clone(), near_tags, reserved };
        for (at, stretch) in near.enumerate() {
            let of_stretch = near_tags.as_ptr().wrapping_add(at << STRETCH_GRANULES_SHIFT);
            tags.entry(stretch).store(biased(of_stretch, stretch), Ordering::Relaxed);
        }
        tags
    }

    fn entry(&self, stretch: usize) -> &AtomicPtr<AtomicU32> {
        // SAFETY: the directory has an entry for each stretch of the span, which all callers are in.
        unsafe { self.directory.add(stretch).as_ref() }
    }
}

/// The entry for a stretch whose tags begin there.
fn biased(tags: *mut AtomicU32, stretch: usize) -> *mut AtomicU32 {
    tags.wrapping_sub(stretch << STRETCH_GRANULES_SHIFT)
}

impl Space {
    /// Sees to it that all granules in a part of the span can be tagged. The caller has the lock of the
    /// extents, or is alone.
    pub(super) fn make_tags(&self, granules: Range<u32>) -> Result<(), AllocError> {
        let stretch_of = |granule: u32| granule as usize >> STRETCH_GRANULES_SHIFT;
        for stretch in stretch_of(granules.start)..=stretch_of(granules.end - 1) {
            let entry = self.tags.entry(stretch);
            if !entry.load(Ordering::Relaxed).is_null() {
                continue;
            }
            let tags = self.room_for_tags(stretch)?;
            // Release: freeing reads the entry without a lock, and must find memory behind it.
            entry.store(biased(tags.cast().as_ptr(), stretch), Ordering::Release);
        }
        Ok(())
    }

    /// Zeros for the tags of a stretch.
    fn room_for_tags(&self, stretch: usize) -> Result<NonNull<u8>, AllocError> {
        let commit = |start: NonNull<u8>| {
            // SAFETY: whole pages, reserved for this alone.
            unsafe { self.source.commit(start, STRETCH_TAGS) }
                .map_err(|_| AllocError::new(AllocErrorKind::Commit))
        };
        if let Some(reserved) = NonNull::new(self.tags.reserved) {
            // SAFETY: there is room for the tags of every stretch.
            let start = unsafe { reserved.cast::<u8>().add(stretch * STRETCH_TAGS) };
            return commit(start).map(|()| start);
        }
        let room = Reserved::new(self.source, 0, STRETCH_TAGS, self.page_size())
            .ok_or(AllocError::new(AllocErrorKind::AddressSpace))?;
        commit(room.start).map(|()| room.keep())
    }

    /// Tags a granule of a window that is known.
    pub(crate) fn tag(&self, granule: u32, tag: OwnerTag) {
        let entry = self.tags.entry(granule as usize >> STRETCH_GRANULES_SHIFT);
        let tagged = entry.load(Ordering::Relaxed).wrapping_add(granule as usize);
        // SAFETY: the window is known, so its stretch has tags, which live as long as the process.
        unsafe { &*tagged }.store(tag.0, Ordering::Relaxed);
    }

    /// The tag at an address, wherever in the span that is.
    fn tag_at(&self, address: usize) -> OwnerTag {
        let Some(offset) = self.offset_of(address) else { return OwnerTag::NONE };
        let granule = offset >> GRANULE_SHIFT;
        let entry = self.tags.entry(granule >> STRETCH_GRANULES_SHIFT).load(Ordering::Acquire);
        if entry.is_null() {
            return OwnerTag::NONE;
        }
        // SAFETY: an entry leads to tags for all granules of its stretch within the span, which live as long as
        // the process.
        OwnerTag(unsafe { &*entry.wrapping_add(granule) }.load(Ordering::Relaxed))
    }
}

/// The way to the tags of a space, and which of them are those of a set: in a static, where the fast path of
/// freeing has it at hand. Before somebody has written it, it knows no address.
#[derive(Debug)]
#[repr(align(32))]
pub(crate) struct TagLookup {
    /// The first near address, ...
    start: AtomicUsize,
    /// ... the tags of the near stretches, and of how many granules there are any.
    near: AtomicPtr<AtomicU32>,
    granules: AtomicU32,
    /// The tag of the first family, special or not.
    first: AtomicU32,
    /// Where the others are, if it is known.
    space: AtomicPtr<Space>,
}

const _: () = assert!(mem::size_of::<TagLookup>() == 32);

impl TagLookup {
    pub(crate) const fn new() -> Self {
        Self {
            start: AtomicUsize::new(0),
            near: AtomicPtr::new(ptr::null_mut()),
            granules: AtomicU32::new(0),
            first: AtomicU32::new(0),
            space: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Makes this look in a space for the tags of so many families from this number on, if tags have room
    /// for their numbers. All that ever do so name the same, until it is [forgotten](Self::forget).
    pub(crate) fn set(&self, space: &'static Space, number: usize, families: usize) {
        // Such a set knows no address. Its frees take the way by the descriptors, which is slower and
        // never wrong.
        if number + families > OwnerTag::LAST + 1 {
            return;
        }
        let tags = &space.tags;
        let before = tags.near.start << STRETCH_SHIFT;
        let bytes = (space.span_bytes - before).min(tags.near.len() << STRETCH_SHIFT);
        self.first.store(OwnerTag::of_family(number, false).0, Ordering::Relaxed);
        self.start.store(space.span + before, Ordering::Relaxed);
        self.near.store(tags.near_tags.as_ptr(), Ordering::Relaxed);
        // Last: a reader that finds granules finds the fields above written.
        self.granules.store(bytes.div_ceil(1 << GRANULE_SHIFT) as u32, Ordering::Release);
        self.space.store(ptr::from_ref(space).cast_mut(), Ordering::Release);
    }

    /// Has this know no address again, where the process starts over. There is one thread.
    #[cfg(feature = "std")]
    pub(crate) fn forget(&self) {
        // Where there are no granules no address is near, so the rest need not be reset.
        self.granules.store(0, Ordering::Relaxed);
        self.space.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// The family, of so many, and the class of the slot at an address, if it is one in use whose family is
    /// among them and it is near; otherwise some cell, or `None`. Any address whatever may be asked for.
    #[inline(always)]
    pub(crate) fn cell_near(&self, address: usize, families: usize) -> Option<Cell> {
        self.tag_near::<0>(address)?.among(self.first.load(Ordering::Relaxed), families)
    }

    /// The same, and `None` for an address at which no object of C's starts.
    #[inline(always)]
    pub(crate) fn cell_of_c_object_near(&self, address: usize, families: usize) -> Option<Cell> {
        let tag = self.tag_near::<{ class::C_ALIGN.trailing_zeros() }>(address)?;
        tag.among(self.first.load(Ordering::Relaxed), families)
    }

    /// Which family that is, if the class is this one, scaled.
    #[inline(always)]
    pub(crate) fn family_of_c_object_near(
        &self,
        address: usize,
        scaled: usize,
        families: usize,
    ) -> Option<usize> {
        let tag = self.tag_near::<{ class::C_ALIGN.trailing_zeros() }>(address)?;
        tag.family_among(self.first.load(Ordering::Relaxed), scaled, families)
    }

    /// [`cell_near`](Self::cell_near) of what is near or not.
    #[inline]
    pub(crate) fn cell_at(&self, address: usize, families: usize) -> Option<Cell> {
        self.cell_near(address, families).or_else(|| self.cell_far(address, families))
    }

    /// The same for callers that have looked near by in vain.
    #[cold]
    #[inline(never)]
    pub(crate) fn cell_far(&self, address: usize, families: usize) -> Option<Cell> {
        // SAFETY: null, or a space, which lives as long as the process.
        let space = unsafe { self.space.load(Ordering::Acquire).as_ref() }?;
        space.tag_at(address).among(self.first.load(Ordering::Relaxed), families)
    }

    /// The tag at an address that is near, if so many of its lowest bits are zero: others are rotated to where they
    /// make the granule's number one that there is not.
    #[inline(always)]
    fn tag_near<const ZEROS: u32>(&self, address: usize) -> Option<OwnerTag> {
        let granules = self.granules.load(Ordering::Acquire);
        let offset = address.wrapping_sub(self.start.load(Ordering::Relaxed));
        let granule = offset.rotate_right(ZEROS) >> (GRANULE_SHIFT - ZEROS);
        if granule >= granules as usize {
            return None;
        }
        let tagged = self.near.load(Ordering::Relaxed).wrapping_add(granule);
        // SAFETY: there are granules, so there are so many tags, which live as long as the process.
        Some(OwnerTag(unsafe { &*tagged }.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests;

//! Size classes: from a size to the slot that holds it, and back. Pure arithmetic.
//!
//! ```text
//! class    0  1  2 |  3  4  5 ..  10 | 11 12 ..  18 | 19  20 ..  26 | ..       82
//! slot     1  2  4 |  8 16 24 ..  64 | 72 80 .. 128 | 144 160 .. 256 | .. 32768
//! ```
//!
//! Up to 8 bytes the classes are the powers of two, up to 64 the multiples of 8, and above that
//! every doubling is cut into eight equal steps, so that a size above 64 bytes loses at most an
//! eighth of itself. Sizes above [`MAX_SMALL`] have no class; they are served in granules.
//!
//! A class also fixes how many slots a magazine of it holds, how many full magazines a depot
//! keeps, and how long its blocks are. A slot's position in its block is found by multiplying with
//! a reciprocal that is exact for every offset a block can have.

use core::alloc::Layout;

/// The number of size classes.
pub(crate) const COUNT: usize = 83;
/// The largest slot.
pub(crate) const MAX_SMALL: usize = 32 << 10;
/// The most slots any magazine holds: with its two words of header it is 1 KiB long.
pub(crate) const MAX_MAGAZINE: usize = 126;
/// The most full magazines any depot keeps.
pub(crate) const MAX_DEPOT: usize = 8;

/// Slots up to this size, exclusive, need the wide bitmap: a granule has over 4096 of them.
pub(crate) const WIDE_BELOW: usize = 16;

/// A magazine holds at most this many bytes of slots, unless two slots are more. (Four times as much, here
/// and below, made no program of `malloc/bench` faster, and those that use many classes larger by up to
/// 70 %.)
const MAGAZINE_BYTES: usize = 16 << 10;
/// A depot holds at most this many bytes of slots, unless two magazines are more.
const DEPOT_BYTES: usize = 64 << 10;
/// Slots up to this size are not kept fewer for that: a program that uses one class of them a lot is
/// twice as fast with full magazines and a full depot.
const SMALL: usize = 256;
/// A block has at least this many slots.
const MIN_SLOTS: usize = 8;
/// Colours are less than this, and multiples of a cache line.
const COLOUR_BYTES: usize = 1024;
const COLOUR_UNIT: usize = 64;
/// In front of them are fewer than this many pages.
const COLOUR_PAGES: usize = 8;
const COLOUR_PAGE: usize = 4096;
/// Bits of the fixed-point reciprocals.
const RECIPROCAL_SHIFT: u32 = 38;

const SIZES: [u32; COUNT] = {
    let mut table = [0; COUNT];
    let mut class = 0;
    while class < COUNT {
        table[class] = compute_slot_size(class) as u32;
        class += 1;
    }
    table
};

const RECIPROCALS: [u64; COUNT] = {
    let mut table = [0; COUNT];
    let mut class = 0;
    while class < COUNT {
        table[class] = (1 << RECIPROCAL_SHIFT) / compute_slot_size(class) as u64 + 1;
        class += 1;
    }
    table
};

const fn compute_slot_size(class: usize) -> usize {
    if class < 3 {
        1 << class
    } else if class < 11 {
        (class - 2) * 8
    } else {
        let doubling = (class - 11) / 8;
        let step = (class - 11) % 8 + 1;
        (64 << doubling) + step * (8 << doubling)
    }
}

/// The size of a class's slots in bytes.
#[inline]
pub(crate) fn slot_size(class: usize) -> usize {
    SIZES[class] as usize
}

/// Sizes up to this have a table entry each, ...
pub(crate) const FINE: usize = 1024;
/// ... those above one for each step of this many bytes, which is the least that two classes there
/// are apart.
const COARSE_STEP: usize = FINE / 8;
/// In the tables: no class.
const NONE: u8 = u8::MAX;

/// The class of every size up to [`FINE`]. A size of 0 has none.
///
/// These are constants, not statics: a look-up with a constant size is then a constant in other
/// crates too.
const FINE_CLASSES: &[u8; FINE + 1] = &{
    let mut table = [NONE; FINE + 1];
    let mut size = 1;
    while size <= FINE {
        table[size] = compute_class(size) as u8;
        size += 1;
    }
    table
};

/// The class of every size above that, by steps.
const COARSE_CLASSES: &[u8; MAX_SMALL / COARSE_STEP] = &{
    let mut table = [NONE; MAX_SMALL / COARSE_STEP];
    let mut step = 0;
    while step < table.len() {
        table[step] = compute_class((step + 1) * COARSE_STEP) as u8;
        step += 1;
    }
    table
};

/// The class of a size from 1 to [`MAX_SMALL`].
const fn compute_class(size: usize) -> usize {
    if size <= 8 {
        size.next_power_of_two().ilog2() as usize
    } else if size <= 64 {
        2 + size.div_ceil(8)
    } else {
        let last = size - 1;
        let doubling = last.ilog2() as usize;
        11 + (doubling - 6) * 8 + ((last >> (doubling - 3)) & 7)
    }
}

/// The smallest class whose slots hold `size` bytes; `None` for sizes above [`MAX_SMALL`] and for 0.
///
/// Two tables rather than arithmetic: sizes that differ from call to call cost no wrong guess of the
/// processor's.
#[inline(always)]
pub(crate) const fn of_size(size: usize) -> Option<usize> {
    let class = if size <= FINE {
        FINE_CLASSES[size]
    } else if size <= MAX_SMALL {
        COARSE_CLASSES[(size - 1) / COARSE_STEP]
    } else {
        NONE
    };
    if class == NONE { None } else { Some(class as usize) }
}

/// What C aligns any object to, however small: an alignment that were less for some would have to be told from a
/// wrong one at each free, by a branch that depends on the address. (Slots of 8 bytes for objects of up to 8, where
/// half of the addresses are multiples of 16, cost a program that frees many of them, `bignum` of `malloc/bench`,
/// a tenth more wrong guesses of the processor's.)
pub(crate) const C_ALIGN: usize = 16;

/// A class is scaled by so many bits to tell how far into a thread cache its head lies.
pub(crate) const SCALE: u32 = 6;

/// The scaled class of every size up to [`FINE`] for C; 0 is served as 1. An entry for each size rather than for
/// each step of eight bytes: a program uses few of its lines, and two instructions fewer each time.
const C_CLASSES: &[u16; FINE + 1] = &{
    let mut table = [0; FINE + 1];
    let mut size = 0;
    while size < table.len() {
        let fits = if size == 0 { C_ALIGN } else { size.next_multiple_of(C_ALIGN) };
        table[size] = (compute_class(fits) << SCALE) as u16;
        size += 1;
    }
    table
};

/// The scaled class of a size for C, which has any object in it aligned that fits; `None` for sizes above
/// [`FINE`], whose classes are all aligned for that.
#[inline(always)]
pub(crate) const fn of_small_c_size(size: usize) -> Option<usize> {
    if size > FINE { None } else { Some(C_CLASSES[size] as usize) }
}

/// The class of any size for C; `None` for what has none.
pub(crate) const fn of_c_size(size: usize) -> Option<usize> {
    if size > MAX_SMALL {
        return None;
    }
    of_size(if size == 0 { C_ALIGN } else { size.next_multiple_of(C_ALIGN) })
}

/// The class of a size for C that was found to have a [small one](of_small_c_size).
pub(crate) const fn known_small_c(size: usize) -> usize {
    C_CLASSES[size] as usize >> SCALE
}

/// The smallest class whose every slot holds this layout; `None` where it has no size, or has to be
/// served in granules.
///
/// Slots start at multiples of their size from a granule boundary, so a slot is aligned as the
/// largest power of two that divides its size. A class whose step is at least the alignment has
/// slots of that alignment; where the step is smaller, the size rounded up to the alignment is itself
/// the size of a class.
#[inline(always)]
pub(crate) const fn of_layout(layout: Layout) -> Option<usize> {
    let below = layout.align() - 1;
    // A layout's size does not overflow when it is rounded up to its alignment.
    of_size((layout.size() + below) & !below)
}

/// How many bytes of an allocation with this layout can be used: all of its slot, or what was asked
/// for where there is none.
///
/// The allocation may also be freed with any size from the layout's to this one, and the same
/// alignment: all of them have one class, since that of the whole slot is its own.
#[inline]
pub(crate) fn usable(layout: Layout) -> usize {
    of_layout(layout).map_or(layout.size(), slot_size)
}

/// The largest power of two that divides `size`, but at most `cap`: what a raw size is aligned to.
#[inline]
pub(crate) const fn natural_align(size: usize, cap: usize) -> usize {
    // The lowest set bit.
    let natural = size & size.wrapping_neg();
    if size == 0 {
        1
    } else if natural > cap {
        cap
    } else {
        natural
    }
}

/// Division by a class's slot size, for offsets below 2 MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor {
    pub(crate) slot_size: usize,
    reciprocal: u64,
}

impl Divisor {
    /// The divisor of a class.
    #[inline]
    pub(crate) fn of(class: usize) -> Self {
        Self { slot_size: slot_size(class), reciprocal: RECIPROCALS[class] }
    }

    /// The position of the slot that contains the byte at `offset` of a block.
    #[inline]
    pub(crate) fn divide(self, offset: usize) -> usize {
        debug_assert!(offset < 2 << 20);
        ((offset as u64 * self.reciprocal) >> RECIPROCAL_SHIFT) as usize
    }

    /// The position of the slot that starts at `offset`; `None` if none does.
    #[inline(always)]
    pub(crate) fn divide_exactly(self, offset: usize) -> Option<usize> {
        let index = ((offset as u64).wrapping_mul(self.reciprocal) >> RECIPROCAL_SHIFT) as usize;
        (index.wrapping_mul(self.slot_size) == offset).then_some(index)
    }
}

/// The position of the slot that contains the byte at `offset` of a block, for offsets below 2 MiB.
#[inline]
pub(crate) fn slot_at(class: usize, offset: usize) -> usize {
    Divisor::of(class).divide(offset)
}

/// How far the first slot of a lane's first block lies from the block's start, for the family with
/// this index: a few cache lines, different for neighbouring classes and families, and a multiple of
/// what the slots are aligned to. With [`pages`](page_colour) before that.
///
/// Without it the first objects of all cells, which tend to be the ones in constant use, share the
/// low bits of their addresses, and with them the sets of the caches and the processor's guess
/// whether a load depends on a store before it (slab colouring: Bonwick, "The Slab Allocator", 1994).
pub(crate) const fn colour(class: usize, family: usize) -> usize {
    let unit = natural_align(compute_slot_size(class), usize::MAX / 2 + 1);
    let unit = if unit < COLOUR_UNIT { COLOUR_UNIT } else { unit };
    let colours = COLOUR_BYTES / unit;
    if colours == 0 { 0 } else { (class * 5 + family * 3) % colours * unit }
}

/// The part of a colour that is whole pages, for slots up to [`FINE`] bytes: second levels of caches are indexed by
/// more bits than lie within a page, and blocks begin where 16 of them are 0. Each class of C's, which are every
/// second one up to 128 bytes, has another page than its neighbours.
///
/// The memory before the first slot is never touched; it counts as the family's all the same.
pub(crate) const fn page_colour(class: usize, family: usize) -> usize {
    if compute_slot_size(class) > FINE {
        return 0;
    }
    (class * 11 / 2 + family * 5) % COLOUR_PAGES * COLOUR_PAGE
}

/// How many slots a magazine of this class holds.
#[inline]
pub(crate) const fn magazine_capacity(class: usize) -> usize {
    let slots = MAGAZINE_BYTES / compute_slot_size(class);
    if slots > MAX_MAGAZINE || compute_slot_size(class) <= SMALL {
        MAX_MAGAZINE
    } else if slots < 2 {
        2
    } else {
        slots
    }
}

/// How many full magazines a depot of this class keeps.
pub(crate) const fn depot_capacity(class: usize) -> usize {
    let magazines = DEPOT_BYTES / (compute_slot_size(class) * magazine_capacity(class));
    if magazines > MAX_DEPOT || compute_slot_size(class) <= SMALL {
        MAX_DEPOT
    } else if magazines < 2 {
        2
    } else {
        magazines
    }
}

/// How many granules of `granule` bytes the blocks of this class span at least.
pub(crate) const fn block_granules(class: usize, granule: usize) -> usize {
    (compute_slot_size(class) * MIN_SLOTS).div_ceil(granule).next_power_of_two()
}

#[cfg(test)]
mod tests;

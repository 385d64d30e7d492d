//! What an address is.
//!
//! The block map answers for any address, without a lock and without touching the memory there. No family
//! owns an address outside of all reservations; an address inside one has descriptors. While other threads
//! work the answer is a snapshot; for memory that the caller holds it is exact.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::abort;
use crate::block::Block;
use crate::class;
use crate::error::FreeError;
use crate::lane::Lane;
use crate::space::family_heap::FamilyHeap;
use crate::space::map::GRANULE;
use crate::space::window::Place;
use crate::space::{Space, registry};
use crate::sync::Ordering;
use crate::table::SetTable;
use crate::thread::{self, exit};

/// What famalloc knows about an address.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, FamilyBox};
///
/// #[alloc_family]
/// enum Lives {
///     Level,
/// }
///
/// #[alloc_family(Lives::Level)]
/// struct Monster {
///     name: [u8; 40],
/// }
///
/// let monster = FamilyBox::new(Monster { name: [0; 40] });
/// let found = query(&raw const monster.name[10]).expect("in a family");
/// assert_eq!((found.set, found.family, found.offset), ("Lives", "Level", 10));
/// assert_eq!(found.slot_bytes, 40);
///
/// let local = 0;
/// assert!(query(&raw const local).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The name of the family set.
    pub set: &'static str,
    /// The name of the family.
    pub family: &'static str,
    /// The position of the family in its set.
    pub family_index: usize,
    /// What kind of allocation the address is in.
    pub kind: QueryKind,
    /// The address of the slot or allocation.
    pub slot: usize,
    /// The usable size of the slot or allocation in bytes.
    pub slot_bytes: usize,
    /// The distance of the address from the start of its slot or allocation.
    pub offset: usize,
    /// The address of the block; for an allocation without a block, its own address.
    pub block: usize,
    /// The size of the block in bytes; for an allocation without a block, its own size.
    pub block_bytes: usize,
}

/// The kind of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryKind {
    /// A slot of a size class, in use or free.
    Slot,
    /// A large allocation: granules of its own.
    Large,
    /// A huge allocation: extents of its own.
    Huge,
    /// A whole chunk of a [`Region`](crate::Region). Only its region knows the objects in it.
    Region,
}

/// Describes an address: its set, family, slot and block. `None` for memory that is not famalloc's or not
/// allocated. Never touches the memory itself; constant time.
///
/// # Examples
///
/// See [`Query`].
pub fn query<T: ?Sized>(address: *const T) -> Option<Query> {
    let address = address.cast::<u8>().addr();
    Space::all().find_map(|space| query_in(space, address))
}

fn query_in(space: &'static Space, address: usize) -> Option<Query> {
    find_in(space, address).map(|(found, _)| found)
}

/// What an address is, and whose.
pub(super) fn find_in(
    space: &'static Space,
    address: usize,
) -> Option<(Query, &'static FamilyHeap)> {
    match space.place_of(address)? {
        Place::Block(granule) => {
            // Other threads may give the block back meanwhile. So each step checks what the one before
            // has found, and at worst the answer is that of a moment ago.
            let block = Block::find(space, granule)?;
            let lane = Lane::of(block)?;
            let (start, bytes) = (block.start().addr().get(), block.bytes());
            let slot_bytes = class::slot_size(lane.class);
            let into = address.checked_sub(start).filter(|&into| into < bytes)?;
            let index = class::slot_at(lane.class, into);
            // The rest behind the last slot is nobody's, and so is what is not carved.
            if index >= block.carved() as usize {
                return None;
            }
            let slot = start + index * slot_bytes;
            let found = Query {
                set: lane.heap.set_name,
                family: lane.heap.spec.name(),
                family_index: lane.heap.index,
                kind: QueryKind::Slot,
                slot,
                slot_bytes,
                offset: address - slot,
                block: block.base().addr().get(),
                block_bytes: block.granules() as usize * GRANULE,
            };
            Some((found, lane.heap))
        }
        Place::Large(granule) => {
            let large = space.granule(granule).as_large()?;
            let start = space.granule_start(granule);
            whole(large.heap()?, QueryKind::Large, start, large.bytes(), address)
        }
        Place::Huge(extent) => {
            let desc = space.extent(extent);
            let (start, bytes) = (space.extent_start(extent), desc.bytes.load(Ordering::Relaxed));
            whole(desc.owner.get()?, QueryKind::Huge, start, bytes, address)
        }
        Place::Chunk(granule) => {
            let chunk = space.granule(granule).as_chunk()?;
            let start = space.granule_start(granule);
            whole(chunk.heap()?, QueryKind::Region, start, chunk.bytes(), address)
        }
        Place::Unused => None,
    }
}

/// What is at an address, and whose; with the space.
pub(super) fn find(
    address: usize,
) -> Result<(&'static Space, Query, &'static FamilyHeap), FreeError> {
    let mut spaces = Space::all();
    let space = spaces.find(|space| space.contains(address)).ok_or(FreeError::Foreign)?;
    let (found, owner) = find_in(space, address).ok_or(FreeError::NotAllocated)?;
    Ok((space, found, owner))
}

fn whole(
    heap: &'static FamilyHeap,
    kind: QueryKind,
    start: NonNull<u8>,
    slot_bytes: usize,
    address: usize,
) -> Option<(Query, &'static FamilyHeap)> {
    let slot = start.addr().get();
    let offset = address.checked_sub(slot).filter(|&offset| offset < slot_bytes)?;
    let found = Query {
        set: heap.set_name,
        family: heap.spec.name(),
        family_index: heap.index,
        kind,
        slot,
        slot_bytes,
        offset,
        block: slot,
        block_bytes: slot_bytes,
    };
    Some((found, heap))
}

/// Whether `start` is an allocation of this family with this layout, not known by its block to be
/// free.
pub(super) fn live(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
) -> Result<(), FreeError> {
    let address = start.addr().get();
    thread::attend();
    if registry::is_given_up(address) {
        // Nobody keeps books of it any more.
        return Ok(());
    }
    let (space, found, owner) = find(address)?;
    // By identity: another set may have the same name.
    if !set.used(family).is_some_and(|table| table.heap.is_family_of(owner)) {
        return Err(FreeError::WrongFamily { owner: found.family });
    }
    if found.kind == QueryKind::Region {
        return Err(FreeError::InRegion);
    }
    let fits = match class::of_layout(layout) {
        Some(class) => found.kind == QueryKind::Slot && class::slot_size(class) == found.slot_bytes,
        None => {
            let pages = layout.size().checked_next_multiple_of(space.page_size());
            found.kind != QueryKind::Slot && pages == Some(found.slot_bytes)
        }
    };
    // Before the size: inside of an object no size fits, and that would say less.
    if found.offset != 0 {
        return Err(FreeError::Interior { offset: found.offset });
    }
    if !fits {
        return Err(FreeError::WrongLayout { slot_bytes: found.slot_bytes, layout });
    }
    if let Some(Place::Block(granule)) = space.place_of(address) {
        let freed = |block: Block<'_>| {
            block.is_free((found.slot - block.start().addr().get()) / found.slot_bytes)
        };
        // What is no block any more was freed, too.
        if Block::find(space, granule).is_none_or(freed) {
            return Err(FreeError::AlreadyFree);
        }
    }
    Ok(())
}

/// Whether a slot of this class starts there, is not known by its block to be free, and is in no
/// magazine of the calling thread.
#[inline(never)]
pub(super) fn slot_is_live(
    set: &'static SetTable,
    family: usize,
    class: usize,
    start: NonNull<u8>,
) -> Result<(), FreeError> {
    let layout = Layout::from_size_align(class::slot_size(class), 1);
    let layout = layout.unwrap_or(Layout::new::<u8>());
    live(set, family, start, layout)?;
    match set.used(family) {
        Some(table) if exit::holds(table, class, start) => Err(FreeError::AlreadyFree),
        _ => Ok(()),
    }
}

/// Whether a slot is neither in a magazine of the calling thread nor parked in a lane.
pub(super) fn not_parked(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
) -> Result<(), FreeError> {
    let (Some(class), Some(table)) = (class::of_layout(layout), thread::used(set, family)) else {
        return Ok(());
    };
    // The thread's own magazines first: they take no lock.
    let parked =
        exit::holds(table, class, start) || table.lanes(class).any(|lane| lane.has_parked(start));
    if parked { Err(FreeError::AlreadyFree) } else { Ok(()) }
}

/// Aborts with a clear message unless the memory is [`live`] and in no magazine of the calling thread, where a
/// slot is that was freed a moment ago. A slot that is parked in a lane is noticed when it is flushed.
#[inline(never)]
pub(super) fn expect_live(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
) {
    let held = || match (class::of_layout(layout), set.used(family)) {
        (Some(class), Some(table)) if exit::holds(table, class, start) => {
            Err(FreeError::AlreadyFree)
        }
        _ => Ok(()),
    };
    if let Err(error) = live(set, family, start, layout).and_then(|()| held()) {
        refuse(set, family, start, layout, error)
    }
}

/// Says on standard error why a pointer cannot be freed, and aborts.
#[cold]
pub(crate) fn refuse(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
    error: FreeError,
) -> ! {
    let name = abort::Name { set: set.name, family: set.specs()[family].name() };
    abort::wrong_free(name, start, layout, error)
}

//! A slice in the making: room for so many elements, of which some are there. What panics on the way (a clone, a
//! closure, an iterator) drops those and gives the room back.

use core::alloc::Layout;
use core::mem;
use core::ptr::{self, NonNull};

use crate::arena::Arena;
use crate::arena::destructors::Entry;
use crate::error::AllocError;
use crate::heap::alloc::array_layout;

/// A slice in the making.
pub(super) struct Builder<'r, T> {
    arena: &'r Arena,
    start: NonNull<T>,
    capacity: usize,
    len: usize,
    entry: Option<NonNull<Entry>>,
}

impl<'r, T> Builder<'r, T> {
    /// Room for so many elements; with `entered`, their destructors will run if they have any.
    pub(super) fn new(
        arena: &'r Arena,
        capacity: usize,
        entered: bool,
    ) -> Result<Self, AllocError> {
        let entry = match entered && mem::needs_drop::<T>() {
            true => Some(arena.reserve_entry()?),
            false => None,
        };
        let mut new = Self { arena, start: NonNull::dangling(), capacity: 0, len: 0, entry };
        new.reserve(capacity)?;
        Ok(new)
    }

    /// Makes room for so many elements in all, more than there is room for.
    fn reserve(&mut self, capacity: usize) -> Result<(), AllocError> {
        let (old, new) = (array_layout::<T>(self.capacity)?, array_layout::<T>(capacity)?);
        if new.size() > 0 {
            let start = match old.size() {
                0 => self.arena.alloc_any(new)?,
                // SAFETY: allocated here with that layout.
                _ => unsafe { self.arena.resize(self.start.cast(), old, new) }?,
            };
            self.start = start.cast();
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Appends an element, with room for more if there was none.
    pub(super) fn push(&mut self, element: T) -> Result<(), AllocError> {
        if self.len == self.capacity {
            self.reserve(self.capacity.saturating_mul(2).max(4))?;
        }
        // SAFETY: there is room for it.
        unsafe { self.start.add(self.len).write(element) };
        self.len += 1;
        Ok(())
    }

    /// Appends copies of elements for which there is room.
    ///
    /// # Safety
    ///
    /// There is, and a bitwise copy of an element is an element of its own.
    pub(super) unsafe fn push_copies(&mut self, elements: &[T]) {
        debug_assert!(elements.len() <= self.capacity - self.len);
        let from = NonNull::from(elements).cast::<T>();
        // SAFETY: there is room for them (contract).
        let to = unsafe { self.start.add(self.len) };
        // SAFETY: the room is new, so nothing else refers to it.
        unsafe { to.copy_from_nonoverlapping(from, elements.len()) };
        self.len += elements.len();
    }

    /// The slice; what room there is behind it is given back.
    pub(super) fn finish(self) -> NonNull<[T]> {
        let (arena, start, len) = (self.arena, self.start, self.len);
        let (room, entry) = (self.capacity * size_of::<T>(), self.entry);
        mem::forget(self);
        let used = len * size_of::<T>();
        if used < room {
            if used == 0 {
                // SAFETY: an array of that layout has been made.
                let layout = unsafe { Layout::from_size_align_unchecked(room, align_of::<T>()) };
                // SAFETY: allocated here, and nothing is in it.
                unsafe { arena.free(start.cast(), layout) };
            } else {
                // SAFETY: allocated here, and only the front is in use.
                unsafe { arena.shrink_in_place(start.cast(), room, used) };
            }
        }
        match (entry, len) {
            // SAFETY: reserved for this slice, and not used.
            (Some(entry), 0) => unsafe { arena.forget_entry(entry) },
            // SAFETY: reserved for this slice. Entries are only made by regions that run destructors, which
            // take no value that they must not drop (`Accept`), and lend it until then.
            (Some(entry), _) => unsafe { arena.enter_values(entry, start, len) },
            (None, _) => {}
        }
        let start = if used == 0 { NonNull::dangling() } else { start };
        NonNull::slice_from_raw_parts(start, len)
    }
}

impl<T> Drop for Builder<'_, T> {
    #[cold]
    fn drop(&mut self) {
        /// Gives the room back also when an element's destructor panics.
        struct Room<'a>(&'a Arena, NonNull<u8>, Layout, Option<NonNull<Entry>>);
        impl Drop for Room<'_> {
            fn drop(&mut self) {
                if self.2.size() > 0 {
                    // SAFETY: allocated for the builder, and nothing is left there.
                    unsafe { self.0.free(self.1, self.2) };
                }
                if let Some(entry) = self.3 {
                    // SAFETY: reserved for the builder, and not used.
                    unsafe { self.0.forget_entry(entry) };
                }
            }
        }
        // SAFETY: an array of that layout has been made.
        let layout = unsafe {
            Layout::from_size_align_unchecked(self.capacity * size_of::<T>(), align_of::<T>())
        };
        let _room = Room(self.arena, self.start.cast(), layout, self.entry);
        let made = ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.len);
        // SAFETY: as many elements are there, and not used again.
        unsafe { ptr::drop_in_place(made) };
    }
}

/// A slice that is copied.
pub(super) fn copied<'r, T: Copy>(
    arena: &'r Arena,
    source: &[T],
) -> Result<NonNull<[T]>, AllocError> {
    let mut slice = Builder::<'r, T>::new(arena, source.len(), false)?;
    // SAFETY: there is room for them, and they are `Copy`.
    unsafe { slice.push_copies(source) };
    Ok(slice.finish())
}

/// A slice whose elements come from an iterator.
pub(super) fn collected<'r, T>(
    arena: &'r Arena,
    entered: bool,
    elements: impl Iterator<Item = T>,
) -> Result<NonNull<[T]>, AllocError> {
    // What an iterator says of its length may be anything.
    const TRUSTED: usize = 4096;
    let expected = elements.size_hint().0.min(TRUSTED);
    let mut slice = Builder::<'r, T>::new(arena, expected, entered)?;
    for element in elements {
        slice.push(element)?;
    }
    Ok(slice.finish())
}

/// A slice of a known length, element by element.
pub(super) fn filled<'r, T>(
    arena: &'r Arena,
    entered: bool,
    len: usize,
    mut element: impl FnMut(usize) -> T,
) -> Result<NonNull<[T]>, AllocError> {
    let mut slice = Builder::<'r, T>::new(arena, len, entered)?;
    for position in 0..len {
        slice.push(element(position))?;
    }
    Ok(slice.finish())
}
